"""Values of the environment: allowed by name, shaped like what they stand for, never printed when refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashpipe.run import environment
from dashpipe.run.errors import Refused
from dashpipe.spec.model import Dimension, Env, Lookup, Metric, Source, Subject, Target, Time

SUBJECT = Subject(
    project="shop",
    domain="dash",
    name="daily",
    version=1,
    timezone="UTC",
    start="2024-01-01",
    sources=(Source("orders", Env("SHOP_ORDERS", "orders"), Time("at")),),
    metrics=(Metric("orders", "count", "orders"),),
    dimensions=(Dimension("tier", lookup=Lookup(Env("SHOP_TIERS", "tiers"), "country", "_id", "tier")),),
    target=Target(Env("SHOP_DASH", "dash")),
)
ALLOWED = ("SHOP_*",)


def test_defaults_stand_where_the_environment_says_nothing() -> None:
    """An unset or empty variable leaves the default."""
    assert environment.resolve(SUBJECT, {"SHOP_DASH": ""}, ALLOWED) == {
        "SHOP_ORDERS": "orders",
        "SHOP_TIERS": "tiers",
        "SHOP_DASH": "dash",
    }


def test_the_environment_wins_over_the_default() -> None:
    """A set variable is taken, and ``text`` finds it."""
    values = environment.resolve(SUBJECT, {"SHOP_ORDERS": "orders_eu"}, ALLOWED)
    assert environment.text(SUBJECT.sources[0].collection, values) == "orders_eu"
    assert environment.text("plain", values) == "plain"


def test_a_variable_that_is_not_allowed_is_not_read() -> None:
    """A spec cannot read any secret of the worker: its name must be listed."""
    with pytest.raises(Refused, match=r"SHOP_ORDERS.*does not allow.*\[allow\]"):
        environment.resolve(SUBJECT, {"SHOP_ORDERS": "x"}, ("OTHER_*",))


@pytest.mark.parametrize(
    "value", ["hunter2 secret", "$where", "system.users", "a" * 121, "mongodb://u:p@h/d", "-x"]
)
def test_a_value_that_is_no_collection_is_refused_unseen(value: str) -> None:
    """It may be a secret that stands in the wrong variable."""
    with pytest.raises(Refused) as refusal:
        environment.resolve(SUBJECT, {"SHOP_DASH": value}, ALLOWED)
    assert "SHOP_DASH" in str(refusal.value)
    assert value not in str(refusal.value)


def test_a_variable_without_value_or_default_is_named() -> None:
    """The remedy names both ways out."""
    bare = replace(SUBJECT, target=Target(Env("SHOP_DASH")))
    with pytest.raises(Refused, match="SHOP_DASH, which is not set; set it, or give it a `default`"):
        environment.resolve(bare, {}, ALLOWED)


def test_two_defaults_of_one_variable_are_refused() -> None:
    """One name means one value in a run."""
    torn = replace(SUBJECT, target=Target(Env("SHOP_ORDERS", "other")))
    with pytest.raises(Refused, match="SHOP_ORDERS two defaults"):
        environment.resolve(torn, {}, ALLOWED)
