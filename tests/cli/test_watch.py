"""`rfispider watch`: every new and changed article, also over a kill, a restart of the server and a lost oplog."""

import asyncio
import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from typer.testing import CliRunner

from rfispider.cli import app
from rfispider.items import Article
from rfispider.mongo.embedded import Embedded
from rfispider.storage import Selection, Store
from tests.support.articles import article_at
from tests.support.crawling import ROOT, surroundings

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECONDS = 30


def article(number: int, hours: int, title: str | None, edition: str) -> Article:
    return article_at(
        f"https://www.rfi.fr/{edition}/x/{number}",
        key=f"{number:032x}",
        edition=edition,
        language="en",
        title=title or f"Title {number}",
        text=f"An invented text, number {number}.",
        content_hash=f"1:{number}",
        published_at=None,
        fetched_at=T0 + timedelta(hours=hours),
    )


@dataclass
class Newsroom:
    """An archive, and those who watch it."""

    uri: str
    database: str
    seen: "queue.Queue[str]" = field(default_factory=queue.Queue)

    def store(self, *numbers: int, hours: int = 0, title: str | None = None, edition: str = "en") -> None:
        async def stored() -> None:
            async with await Store.open(self.uri, self.database) as store:
                await store.save([article(number, hours, title, edition) for number in numbers])

        asyncio.run(stored())

    @contextmanager
    def watching(self, *options: str) -> Iterator[subprocess.Popen[str]]:
        """A watcher in a process of its own, a script's background job, killed at the end if it is still there."""
        watch = [sys.executable, "-c", "from rfispider.cli import main; main()", "watch", *options]
        command = ["/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh", *watch]
        environment = surroundings(MONGO_URI=self.uri, MONGO_DATABASE=self.database)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) as process:  # type: ignore[call-overload]
            reader = threading.Thread(target=self.read, args=[process.stdout])
            reader.start()
            try:
                yield process
            finally:
                process.kill()
                reader.join()

    def read(self, lines: Any) -> None:
        for line in lines:
            self.seen.put(line)

    def titles(self, count: int) -> list[str]:
        """The titles of the next lines, as many."""
        return [json.loads(self.seen.get(timeout=SECONDS))["title"] for _ in range(count)]

    def positions(self) -> int:
        with MongoClient[dict[str, Any]](self.uri) as client:
            return client[self.database].positions.count_documents({})


@pytest.fixture
def newsroom(mongo_uri: str, database: str) -> Newsroom:
    return Newsroom(mongo_uri, database)


def eventually(holds: Callable[[], Any]) -> None:
    ended = threading.Event()
    for _ in range(SECONDS * 50):
        if holds():
            return
        ended.wait(0.02)
    raise AssertionError("it never held")


def test_it_goes_on_after_a_kill_where_it_was_and_ends_by_a_signal_with_status_0(
    newsroom: Newsroom, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    newsroom.store(1)
    with newsroom.watching("--state", str(state)) as process:
        eventually(state.exists)
        newsroom.store(2, 3)
        newsroom.store(2, hours=1, title="Changed")
        newsroom.store(2, hours=2, title="Changed")  # the same
        assert max(newsroom.titles(2)) == "Title 3"
        begun = state.read_text()
        eventually(lambda: state.read_text() != begun)
        process.kill()
    newsroom.store(4, hours=-900)
    with newsroom.watching("--state", str(state)) as process:
        newsroom.store(5, edition="fr")
        titles = newsroom.titles(2)
        while titles[-1] != "Title 5":  # what was written just before the kill may come again
            titles += newsroom.titles(1)
        assert titles[-2:] == ["Title 4", "Title 5"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0


@pytest.mark.integration
async def test_it_waits_for_a_server_that_went_away_however_long_that_takes(tmp_path: Path) -> None:
    server = Embedded(tmp_path / "mongo")
    told: list[str] = []

    def back(why: str) -> None:
        told.append(why)
        if len(told) == 2:
            server.up()

    uri = server.up()
    try:
        async with (
            await Store.open(uri, "away") as writer,
            await Store.open(uri, "away", patience=0.2, prepare=False) as reader,
        ):
            down = reader.consumer
            start = await down.position()
            async with aclosing(down.follow(Selection(fields=("title",)), start, back)) as followed:
                await anext(followed)
                server.down()
                await anext(followed)
                await writer.save([article(1, 0, None, "en")])
                while not (found := (await anext(followed)).items):
                    pass
    finally:
        server.down()
    assert found == [{"title": "Title 1"}]
    assert len(told) >= 2


def test_the_past_comes_first_when_it_is_asked_for(newsroom: Newsroom) -> None:
    newsroom.store(1, hours=-2)
    newsroom.store(2, hours=3)
    newsroom.store(3, hours=2)
    newsroom.store(4, hours=2, edition="fr")
    options = ["--name", "desk", "--since", "2026-03-01T12:00", "-e", "en", "--fields", "title"]
    with newsroom.watching(*options) as process:
        assert newsroom.titles(2) == ["Title 3", "Title 2"]
        eventually(newsroom.positions)
        newsroom.store(5, edition="fr")
        newsroom.store(6, hours=-5)
        assert newsroom.seen.get(timeout=SECONDS) == '{"title":"Title 6"}\n'
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0


def test_when_the_server_has_forgotten_the_clocks_tell_and_that_is_said(newsroom: Newsroom, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    newsroom.store(1, hours=-90)
    with MongoClient[dict[str, Any]](newsroom.uri) as client, client[newsroom.database].articles.watch() as stream:
        newsroom.store(2, hours=-10)
        token = stream.next()["_id"]["_data"]
    lost = {"at": T0.isoformat(), "token": {"_data": f"{token[:2]}00000001{token[10:]}"}, "query": []}
    state.write_text(json.dumps(lost))
    with newsroom.watching("--state", str(state)) as process:
        assert newsroom.titles(1) == ["Title 2"]
        newsroom.store(3)
        assert newsroom.titles(1) == ["Title 3"]
        process.kill()
        assert process.stderr
        assert "does not reach back" in process.stderr.read()


@pytest.mark.parametrize(
    ("state", "options", "named"),
    [
        ('{"at": "2026-03-01T12:00:00+00:00", "cluster_time": [1, 1], "query": ["fr"]}', [], "--state"),
        ("{}", [], "--state"),
        ("nothing", [], "--state"),
        ("", ["--name", "x"], "--name"),
        ("", ["--fields", "nothing"], "--fields"),
        ("", ["--since", "nothing"], "--since"),
    ],
)
def test_what_cannot_be_meant_names_its_option(
    state: str, options: list[str], named: str, newsroom: Newsroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rfispider.settings.MONGO_URI", newsroom.uri)
    (tmp_path / "state.json").write_text(state)
    file = ["--state", str(tmp_path / "state.json")]
    done = CliRunner().invoke(app, ["watch", "--database", newsroom.database, *file, *options])
    assert done.exit_code == 2
    assert named in done.stderr
