"""What the scenarios of `chaos.py` take place in: a generated site, a real MongoDB, and workers that may be killed."""

import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import stage
from pymongo import MongoClient

from rfispider.mongo import server_process
from rfispider.mongo.embedded import Embedded
from tests.support.crawling import STAMP, Site, claimed, path, wait_until
from tests.support.fleet import Fleet, fleet
from tests.support.replica_set import ReplicaSet, replica_set

EDITIONS = "cn,en"
LONGEST_S = 1800
Crash = Callable[[], None]


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    measured: str
    wanted: str = ""
    """The bound; empty when there is none."""
    holds: bool = True


def none(what: str, found: int) -> Figure:
    """A number that must be 0."""
    return Figure(what, f"{found}", "0", found == 0)


class World:
    """A site and an archive of their own. `crash` ends the server of the archive and brings it back."""

    def __init__(self, directory: Path, uri: str, site: Site, editions: str, crash: Crash) -> None:
        self.directory, self.uri, self.site, self.crash = directory, uri, site, crash
        self.options = ("-a", f"editions={editions}", *stage.WHOLE_SITE[2:])
        self._fleets = count()

    @contextmanager
    def archive(self) -> Iterator[Any]:
        """The database."""
        with MongoClient[dict[str, Any]](self.uri, tz_aware=True) as client:
            yield client["rfi"]

    @contextmanager
    def fleet(self, workers: int, *options: str, **environment: str) -> Iterator[Fleet]:
        """So many workers that crawl the whole site."""
        directory = self.directory / f"fleet-{next(self._fleets)}"
        directory.mkdir()
        with fleet(self.site, self.uri, directory, *self.options, *options, **environment) as crew:
            for _ in range(workers):
                crew.start()
            yield crew

    def crawl(self, workers: int = 1) -> float:
        """Crawl to the end; the seconds that it took."""
        started = time.monotonic()
        with self.fleet(workers) as crew:
            ended(crew)
        return time.monotonic() - started

    def stored(self) -> list[str]:
        """The paths of the articles in the archive, stubs apart, and those that are or claim to be an alias."""
        with self.archive() as archive:
            found = list(archive.articles.find({"status": {"$ne": "stub"}}, {"url": 1, "aliases": 1}))
            copies = claimed(archive) - {article["url"] for article in found}
        aliases = {path(alias) for article in found for alias in article.get("aliases", ())} | set(map(path, copies))
        return [*(path(article["url"]) for article in found), *(alias for alias in aliases if alias in self.site.truth)]

    def put_off(self) -> Counter[str]:
        """Why articles are to be fetched again later."""
        with self.archive() as archive:
            failed = list(archive.frontier.find({"state": "failed", "due_at": {"$ne": None}}, {"url": 1, "last": 1}))
        return Counter(str(each["last"]["error"]) for each in failed if path(each["url"]) in self.site.truth)

    def until_all_is_stored(self, patience_s: float) -> None:
        """Wait until every article is in the archive, or for so many seconds."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline and len(self.stored()) < len(self.site.truth):
            time.sleep(1)

    def articles_a_second(self) -> float:
        """Articles fetched a second, between the first and the last of them."""
        times = [float(request[STAMP]) for request in self.site.articles()]
        return len(times) / (max(times) - min(times))

    def whole(self) -> list[Figure]:
        """What everything must leave whole: the articles of the site, each once, and no other."""
        have = self.stored()
        return [
            Figure("articles", f"{len(self.site.truth)}"),
            none("lost", len(self.site.truth.keys() - set(have))),
            none("stored twice", len(have) - len(set(have))),
            none("stored though not on the site", len(set(have) - self.site.truth.keys())),
        ]


@contextmanager
def world(
    articles: int, latency_ms: float, in_flight: int, *, nodes: int = 1, editions: str = EDITIONS
) -> Iterator[World]:
    """Serve about so many articles, spread over the editions, beside a new MongoDB of one node or of three."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, ExitStack() as stack:
        directory = Path(name)
        uri, crash = stack.enter_context(_single(directory) if nodes == 1 else _three(directory))
        each = articles // len(editions.split(","))
        options = ("--editions", editions, "--articles", str(each), "--latency-ms", str(latency_ms))
        replica = stack.enter_context(stage.serving(directory, *options))
        yield World(directory, uri, Site(replica, in_flight=in_flight), editions, crash)


@contextmanager
def _single(directory: Path) -> Iterator[tuple[str, Crash]]:
    server = Embedded(directory / "mongo")
    try:
        yield server.up(), lambda: restart(server)
    finally:
        server.down()


@contextmanager
def _three(directory: Path) -> Iterator[tuple[str, Crash]]:
    with replica_set(directory) as servers:
        yield servers.uri, lambda: fail_over(servers)


def ended(crew: Fleet) -> list[int]:
    """Wait for the workers of a fleet; their exit statuses, and on the screen the last words of those that failed."""
    statuses = crew.wait(LONGEST_S)
    for worker in crew.workers:
        if worker.process.returncode > 0:
            print(f"{worker.name} failed:", worker.log.read_text("utf-8")[-1500:], sep="\n")
    return statuses


def stop(crew: Fleet) -> None:
    """Ask the workers to stop, and wait until they have."""
    for worker in crew.alive():
        worker.process.send_signal(signal.SIGTERM)
    crew.wait(60)


def restart(server: Embedded) -> None:
    """Kill the only mongod and start it again."""
    pid = server.status().pid
    if pid:
        os.kill(pid, signal.SIGKILL)
        assert server_process.wait_until_gone(pid, 30), "mongod is dead"
    server.up()


def fail_over(servers: ReplicaSet) -> None:
    """Kill the primary; once there is another, let the node come back."""
    node = servers.kill_primary()
    wait_until(servers.primary, "there is a new primary")
    node.up()


def some_time(luck: random.Random, bounds: tuple[float, float] = (3.0, 6.0)) -> None:
    """Wait for a random time between two bounds, seconds."""
    time.sleep(luck.uniform(*bounds))
