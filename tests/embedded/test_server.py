"""The embedded server: found, started, stopped, and never left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pymongo import MongoClient

from dashpipe import embedded
from dashpipe.embedded import process, state
from dashpipe.embedded.builds import Build, tool_cache
from tests.conftest import BUILD


def until(condition, seconds=30.0):
    """Wait until ``condition()`` holds; whether it did."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_start_answers_and_stop_leaves_nothing():
    """A started server answers at its URI; after stop its process and its temporary storage are gone."""
    with embedded.start(build=BUILD) as server:
        with MongoClient(server.database_uri("shop")) as client:
            client.get_default_database()["things"].insert_one({"_id": 1})
            assert client.shop.things.count_documents({}) == 1
        assert server.uri.startswith("mongodb://127.0.0.1:")
        assert server.is_alive()
    assert not server.is_alive()
    assert not server.storage.exists()
    server.stop()


def test_two_starts_at_once_do_not_meet():
    """Two servers started at the same time have ports and data of their own."""
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: embedded.start(build=BUILD), range(2))
    with one, two, MongoClient(one.uri) as first, MongoClient(two.uri) as second:
        assert one.port != two.port
        first.shop.things.insert_one({})
        assert second.shop.things.count_documents({}) == 0


def test_data_survives_a_restart_and_others_find_the_server(tmp_path: Path):
    """What was stored is there after a restart on one storage; another process finds the server by it."""
    with embedded.start(tmp_path, build=BUILD) as server, MongoClient(server.uri) as client:
        client.shop.things.insert_one({"_id": "kept"})
        found = embedded.find(tmp_path)
        assert found is not None
        assert (found.pid, found.uri, found.build) == (server.pid, server.uri, BUILD)
    assert embedded.find(tmp_path) is None
    with embedded.start(tmp_path, build=BUILD) as server, MongoClient(server.uri) as client:
        assert client.shop.things.find_one() == {"_id": "kept"}


def test_second_start_on_one_storage_is_refused(tmp_path: Path):
    """A storage has one server; the refusal says where it is and how to stop it."""
    with embedded.start(tmp_path, build=BUILD) as server:
        with pytest.raises(embedded.EmbeddedError, match="dashpipe embedded stop") as caught:
            embedded.start(tmp_path, build=BUILD)
        assert server.uri in str(caught.value)
        assert server.is_alive()


def test_detached_server_is_stopped_by_another_process(tmp_path: Path):
    """A detached server outlives its starter, and whoever finds it can stop it."""
    code = (
        "import sys, pathlib; from dashpipe import embedded; "
        "embedded.start(pathlib.Path(sys.argv[1]), build=sys.argv[2], detach=True)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path), BUILD], check=True)
    server = embedded.find(tmp_path)
    assert server is not None
    server.stop()
    assert not server.is_alive()
    assert state.read(tmp_path) is None


def test_server_ends_with_its_killed_starter(tmp_path: Path):
    """A starter that is killed -9 leaves neither a server nor a temporary storage behind."""
    code = (
        "import sys, time; from dashpipe import embedded; s = embedded.start(build=sys.argv[1]); "
        "print(s.pid, s.storage, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, BUILD], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid, folder = starter.stdout.readline().split()
        assert process.is_alive(int(pid), folder)
        os.kill(starter.pid, signal.SIGKILL)
    assert until(lambda: not process.is_alive(int(pid), folder))
    assert until(lambda: not Path(folder).exists())


def test_start_after_the_server_was_killed(tmp_path: Path):
    """A state file of a dead server is no server: the next start opens what it left."""
    server = embedded.start(tmp_path, build=BUILD)
    with MongoClient(server.uri) as client:
        client.shop.things.insert_one({"_id": 1})
    os.killpg(server.pid, signal.SIGKILL)
    os.waitpid(server.pid, 0)
    assert embedded.find(tmp_path) is None
    with embedded.start(tmp_path, build=BUILD) as again, MongoClient(again.uri) as client:
        # Without a journal flush each commit, as with mongod's j: false, the last writes may be lost.
        client.shop.things.replace_one({"_id": 1}, {"_id": 1}, upsert=True)
        assert client.shop.things.count_documents({}) == 1
    server.stop()


def test_taken_port_is_said(tmp_path: Path):
    """A port that is in use ends the start with a message, a log and no process."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(embedded.EmbeddedError, match="its log") as caught:
            embedded.start(tmp_path, taken.getsockname()[1], build=BUILD)
    assert "in use" in str(caught.value)
    assert embedded.find(tmp_path) is None


def test_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Where there is no server, the message names the command that brings one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(embedded.EmbeddedError, match=r"pip install 'dashpipe\[embedded\]'"):
        embedded.find_build()
    with pytest.raises(embedded.EmbeddedError, match="make native"):
        embedded.find_build(embedded.NATIVE)
    with pytest.raises(embedded.EmbeddedError, match="secantusd-rs or secantusd-py"):
        embedded.find_build("mongod")


def test_native_build_goes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The native build in the tool cache is taken before the Python one on the PATH."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    for program in (tool_cache() / embedded.NATIVE, tmp_path / embedded.PYTHON):
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    assert embedded.find_build() == Build(embedded.NATIVE, tool_cache() / embedded.NATIVE)
    assert embedded.find_build(embedded.PYTHON).path == tmp_path / embedded.PYTHON


def test_storage_that_is_a_file_is_refused(tmp_path: Path):
    """A storage that is no folder is refused in words."""
    (tmp_path / "file").write_text("")
    with pytest.raises(embedded.EmbeddedError, match="cannot use"):
        embedded.start(tmp_path / "file", build=BUILD)


def test_server_that_will_not_stop_is_killed(tmp_path: Path):
    """A process that ignores SIGTERM is killed after the patience is over."""
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('ready', flush=True); time.sleep(600)"
    )
    log = tmp_path / "log"
    child = process.spawn([sys.executable, "-c", code, str(tmp_path)], log, tmp_path)
    assert until(lambda: "ready" in log.read_text())
    process.end(child.pid, str(tmp_path), patience=0.3)
    assert not process.is_alive(child.pid, str(tmp_path))
