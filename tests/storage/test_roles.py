"""Users who may read the archive and nothing else, on a replica set that asks everybody who they are."""

import os
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from rfispider.items import Article, Kind
from rfispider.mongo.server_binary import find_binary
from rfispider.storage import Store
from tests.support.crawling import command, wait_until

pytestmark = pytest.mark.integration

Document = dict[str, Any]

ARTICLE = Article(
    key="ab" * 16,
    url="https://www.rfi.fr/en/africa/20260301-story",
    edition="en",
    language="en",
    kind=Kind.ARTICLE,
    title="The harbour opens",
    text="An invented text. " * 20,
    content_hash="1:aa",
    fetched_at=datetime(2026, 3, 1, tzinfo=UTC),
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of a replica set of one node with a key file, so that every client has to say who it is."""
    root, port = tmp_path_factory.mktemp("guarded"), free_port()
    (root / "key").write_text("anInventedKey")
    (root / "key").chmod(0o400)
    where = f"127.0.0.1:{port}"
    options = [
        "--dbpath",
        str(root),
        "--port",
        str(port),
        "--bind_ip",
        "127.0.0.1",
        "--nounixsocket",
        "--replSet",
        "rs",
    ]
    more = ["--auth", "--keyFile", str(root / "key"), "--wiredTigerCacheSizeGB", "0.25", "--logpath", str(root / "log")]
    with subprocess.Popen([str(find_binary()), *options, *more], stdout=subprocess.DEVNULL) as server:
        try:
            with MongoClient[Document](f"mongodb://{where}/?directConnection=true") as client:
                client.admin.command("replSetInitiate", {"_id": "rs", "members": [{"_id": 0, "host": where}]})
                wait_until(lambda: client.admin.command("hello")["isWritablePrimary"], "there is a primary")
                client.admin.command("createUser", "boss", pwd="b0ss", roles=["root"])
            yield where
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def boss(guarded: str) -> str:
    return f"mongodb://boss:b0ss@{guarded}/?replicaSet=rs"


@pytest.fixture(scope="module")
def reader(guarded: str, boss: str) -> str:
    """The URI of a reader, made by the command; the archive comes after, as it may."""
    made = command(boss, "rfi", "users", "add", "desk", typed="s3cr3t word\n")
    assert (made.returncode, made.stdout) == (0, "desk may read rfi\n")
    return f"mongodb://desk:s3cr3t%20word@{guarded}/rfi?replicaSet=rs"


@pytest.fixture
async def filled(boss: str) -> None:
    async with await Store.open(boss, "rfi") as store:
        await store.save([ARTICLE])


@pytest.mark.usefixtures("filled")
def test_a_reader_reads_the_archive(reader: str) -> None:
    with MongoClient[Document](reader) as client:
        assert client.rfi.articles.find_one({"_id": ARTICLE.key})
        assert client.rfi.revisions.count_documents({}) == 0
        assert "articles" in client.rfi.list_collection_names()
        assert client.rfi.articles.index_information()
        with client.rfi.articles.watch(max_await_time_ms=1) as changes:
            assert changes.try_next() is None


@pytest.mark.parametrize(
    "deed",
    [
        lambda rfi: rfi.articles.insert_one({"_id": "x"}),
        lambda rfi: rfi.articles.update_one({}, {"$set": {"title": ""}}),
        lambda rfi: rfi.articles.delete_many({}),
        lambda rfi: rfi.articles.create_index("title"),
        lambda rfi: rfi.articles.drop(),
        lambda rfi: rfi.articles.aggregate([{"$out": "copy"}]),
        lambda rfi: rfi.other.insert_one({}),
        lambda rfi: rfi.frontier.find_one(),
        lambda rfi: rfi.client.other.articles.find_one(),
        lambda rfi: rfi.command("createUser", "more", pwd="x", roles=["rfiReader"]),
    ],
)
@pytest.mark.usefixtures("filled")
def test_a_reader_can_do_nothing_else(reader: str, deed: Any) -> None:
    with MongoClient[Document](reader) as client, pytest.raises(OperationFailure) as refused:
        deed(client.rfi)
    assert refused.value.code == 13


@pytest.mark.usefixtures("filled")
def test_a_reader_uses_the_commands_that_only_read(reader: str) -> None:
    assert "1 article" in command(reader, "rfi", "report").stdout
    assert ARTICLE.title in command(reader, "rfi", "show", ARTICLE.key).stdout


def test_a_password_is_never_printed_and_may_be_changed(boss: str, reader: str, guarded: str) -> None:
    with patch.dict(os.environ, WORD="n3w"):
        changed = command(boss, "rfi", "users", "add", "desk", "--password-env", "WORD")
    assert (changed.returncode, changed.stdout) == (0, "desk has a new password\n")
    with MongoClient[Document](reader) as client, pytest.raises(PyMongoError):
        client.rfi.articles.find_one()
    again = command(boss, "rfi", "users", "add", "desk", typed="s3cr3t word")
    assert again.returncode == 0
    assert "s3cr3t" not in again.stdout + again.stderr
    refused = command(
        f"mongodb://desk:wr0ng@{guarded}/rfi?replicaSet=rs", "rfi", "users", "add", "more", typed="s3cr3t word"
    )
    assert refused.returncode == 1
    assert "s3cr3t" not in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("options", [[], ["--password-env", "NO_SUCH_VARIABLE"]])
def test_an_empty_password_is_wrong_usage(boss: str, options: list[str]) -> None:
    assert command(boss, "rfi", "users", "add", "nobody", *options).returncode == 2


def test_readers_are_listed_and_removed(boss: str, reader: str) -> None:
    command(boss, "rfi", "users", "add", "other", typed="w0rd")
    assert command(boss, "rfi", "users", "list").stdout == "desk\nother\n"
    assert command(boss, "rfi", "users", "remove", "other").returncode == 0
    assert command(boss, "rfi", "users", "list").stdout == "desk\n"
    assert command(boss, "rfi", "users", "remove", "boss").returncode == 1
