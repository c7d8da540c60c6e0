"""Encrypted endpoints: whom a landing trusts, held against servers with real certificates on this machine."""

from __future__ import annotations

from typing import Any

import pytest

from dashpipe.run.errors import Refused, RunError
from dashpipe.run.landing import web as client
from tests.run import web
from tests.run.certificates import Authority
from tests.run.landed import Yard
from tests.run.test_landing_http import counted, shown, subject

Document = dict[str, Any]


@pytest.fixture
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def refused(api: web.Api, yard: Yard) -> str:
    """Why a run is refused: after one request, with no other try and no wait."""
    yard.hosts = (api.host,)
    said: list[str] = []
    with pytest.raises(Refused) as error:
        yard.go(subject(api), lambda event, /, **_: said.append(event))
    assert not error.value.retry
    assert "waiting" not in said
    assert api.asked == []
    assert yard.raw() == {}
    return error.value.message


def test_an_authority_that_the_machine_trusts(
    yard: Yard, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate of it lands as plain HTTP does; `SSL_CERT_FILE` names an authority of one's own."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with web.serving(authority.server("127.0.0.1")) as api:
        api.rows = web.orders(range(1, 31))
        yard.hosts = (api.host,)
        yard.go(subject(api))
        assert shown(yard) == counted(api)


def test_an_authority_that_nobody_knows(yard: Yard, authority: Authority) -> None:
    """The run is refused at once: another try would not help."""
    with web.serving(authority.server("127.0.0.1")) as api:
        assert refused(api, yard) == (
            f"the certificate of 127.0.0.1:{api.port} is not good: unable to get local issuer certificate"
        )


def test_a_certificate_of_another_host(
    yard: Yard, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A good certificate is not enough: it must be that of the host that the URL names."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with web.serving(authority.server("api.example.com")) as api:
        said = refused(api, yard)
    assert f"the certificate of 127.0.0.1:{api.port} is not good: IP address mismatch" in said


def test_a_certificate_that_ran_out(
    yard: Yard, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused too."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with web.serving(authority.server("127.0.0.1", days=-1)) as api:
        assert refused(api, yard).endswith("is not good: certificate has expired")


def test_a_server_that_does_not_encrypt(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as one that cannot be reached: nothing was sent to it in the clear."""
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    with web.serving() as api:
        api.scheme = "https"
        yard.hosts = (api.host,)
        with pytest.raises(RunError, match=r"cannot be reached \(SSLError: .*tried 5 times"):
            yard.go(subject(api))
        assert api.asked == []
