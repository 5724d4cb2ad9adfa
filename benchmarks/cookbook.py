"""How long the queries of docs/cookbook.md take on a large archive, in milliseconds at the median and at p95.

    python benchmarks/cookbook.py [--articles 200000] [--turns 100] [--data DIRECTORY]

Fills a database with articles of a year in the form of real ones (three kilobytes of text, related links into the week
before, tags and authors as unequally used as real ones, every fifth with a revision), then asks each query as it stands
in the document, with an edition, day, tag, author and article of each turn's own, and reads the whole answer. Windows
are a day for what asks for a day, a month for shares and rhythms, else a week. Beside the time on the clock stands the
CPU time of client and server (Linux), which is that time on a machine with nothing else to do. `--data` keeps the
filled database there for the next run. Exit status 1: a p95 of 100 ms or more.
"""

import argparse
import asyncio
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import stage
from pymongo import MongoClient
from pymongo.database import Database

from rfispider.items import SCHEMA
from rfispider.mongo.embedded import Embedded
from rfispider.site.editions import EDITIONS
from rfispider.storage import Store
from rfispider.storage.policy import story_clusters

MOST_MS = 100.0
DATABASE = "cookbook"
START = datetime(2025, 3, 1, tzinfo=UTC)
DAYS = 365
BATCH = 1000
QUERIES = dict(
    re.findall(
        r"^## (.*?)\n.*?^```\n(.*?)^```$",
        (stage.ROOT / "docs/cookbook.md").read_text("utf-8"),
        re.DOTALL | re.MULTILINE,
    )
)
WINDOWS = {"A day of an edition": 1, "A day as it was at a time": 1, "Wire share": 30, "Publication rhythm": 30}
Document = dict[str, Any]


class Generator:
    """Makes articles in the order of their publication."""

    def __init__(self, count: int, seed: int = 1) -> None:
        self.count, self.chance = count, random.Random(seed)
        self.words = [
            "".join(self.chance.choices("abcdefghijklmnopqrstuvwxyz", k=self.chance.randint(2, 9)))
            for _ in range(20000)
        ]
        self.keys: list[str] = []
        self.names: list[str] = []

    def often_first(self, prefix: str, size: int) -> str:
        """One of so many names, the first ones much more often than the last."""
        return f"{prefix} {int(size * self.chance.random() ** 3)}"

    def related(self) -> list[Document]:
        """Links to articles of the week before."""
        week = self.keys[-max(1, self.count * 7 // DAYS) :]
        keys = self.chance.sample(week, min(len(week), self.chance.randint(0, 8)))
        return [
            {"key": key, "url": f"https://www.rfi.fr/x/{key}", "title": key[:9], "position": n}
            for n, key in enumerate(keys)
        ]

    def article(self, number: int) -> Document:
        """The next article."""
        chance = self.chance
        key, at = f"{chance.getrandbits(128):032x}", START + timedelta(days=DAYS) * (number / self.count)
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        edition = chance.choices(list(EDITIONS), [3 if code in {"fr", "cn", "en"} else 1 for code in EDITIONS])[0]
        alone = chance.random() < 0.7 or not self.names
        name = story_clusters.name(key, at) if alone else chance.choice(self.names[-300:])
        revision = 2 if number % 5 == 0 else 1
        document = {
            "_id": key, "schema": SCHEMA, "url": f"https://www.rfi.fr/{edition}/a/{at:%Y%m%d}-{key}", "aliases": [],
            "edition": edition, "language": edition, "kind": "article", "section": self.often_first("section", 12),
            "title": " ".join(chance.choices(self.words, k=9)), "lead": " ".join(chance.choices(self.words, k=30)),
            "text": " ".join(chance.choices(self.words, k=450)),
            "authors": [self.often_first("author", 400) for _ in range(chance.randint(0, 2))],
            "tags": sorted({self.often_first("tag", 3000) for _ in range(chance.randint(1, 6))}),
            "published_at": at, "images": [{"url": f"https://s.rfi.fr/{key}.jpg", "caption": "Quay"}],
            "audio": [{"url": f"https://snd.example/{key}.mp3", "duration_s": 90}] if chance.random() < 0.1 else [],
            "related": self.related(), "status": "full", "origin": "page", "provenance": {"title": "jsonld"},
            "extractor": {"rfispider": "0"}, "content_hash": f"1:{key}", "fetched_at": at,
            "sources": [f"https://www.rfi.fr/{edition}/rss"], "revision": revision, "first_seen_at": at,
            "last_seen_at": at, "changed_at": at + timedelta(hours=3) * (revision - 1), "story": name,
            "signature": [chance.getrandbits(62) for _ in range(24)], "identity": f"{edition}:1:{key}",
        }  # fmt: skip
        if chance.random() < 0.4:
            document["agency"] = chance.choice(["AFP", "Reuters", "AP"])
        self.keys.append(key)
        self.names.append(name)
        return document

    def batches(self) -> Iterator[list[Document]]:
        """All of them, in batches."""
        for first in range(0, self.count, BATCH):
            yield [self.article(number) for number in range(first, min(first + BATCH, self.count))]


def superseded(article: Document) -> Document:
    """The state before the present one."""
    gone = {
        "aliases",
        "sources",
        "related",
        "first_seen_at",
        "last_seen_at",
        "changed_at",
        "story",
        "signature",
        "identity",
    }
    return {
        **{name: value for name, value in article.items() if name not in gone},
        "_id": f"{article['_id']}:1", "article": article["_id"], "revision": 1, "changed": ["title"],
        "valid_from": article["first_seen_at"], "valid_to": article["changed_at"],
    }  # fmt: skip


def fill(uri: str, count: int) -> None:
    """Install validators and indexes, then write the articles past the store."""

    async def install() -> None:
        async with await Store.open(uri, DATABASE):
            pass

    with MongoClient[Document](uri) as client:
        client.drop_database(DATABASE)
        asyncio.run(install())
        began = time.monotonic()
        for batch in Generator(count).batches():
            client[DATABASE].articles.insert_many(batch, ordered=False)
            revisions = [superseded(article) for article in batch if article["revision"] == 2]
            client[DATABASE].revisions.insert_many(revisions, ordered=False)
        print(f"{count} articles in {time.monotonic() - began:.0f} s")


def turn(name: str, sample: Document) -> Document:
    """The names that a query uses, for one article."""
    since = sample["published_at"].replace(hour=0, minute=0, second=0, microsecond=0)
    until = since + timedelta(days=WINDOWS.get(name, 7))
    if name.startswith("What changed"):
        since = START + timedelta(days=DAYS - 1)
    return {
        "edition": sample["edition"], "editions": ["en", "fr", "cn"], "since": since, "until": until,
        "at": since + timedelta(hours=14), "tag": sample["tags"][0], "author": (sample["authors"] or ["author 1"])[0],
        "key": sample["_id"],
    }  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """What one query took, in milliseconds a turn, and how much it told."""

    name: str
    wall: list[float]
    cpu: list[float]
    rows: float


def cpu_ms(pid: int) -> float:
    """CPU time of this process and of a server's threads so far; the sum grows by less when a thread has ended."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return time.process_time() * 1e3 + sum(int(each.read_text().split()[0]) for each in threads) / 1e6


def measured(database: Database[Document], pid: int, turns: int) -> Iterator[Figure]:
    """Ask each query as often, each time for another article."""
    fields = {"edition": 1, "published_at": 1, "tags": 1, "authors": 1}
    samples = list(database.articles.aggregate([{"$sample": {"size": turns}}, {"$project": fields}]))
    for name, query in QUERIES.items():
        code = compile(query, name, "eval")
        wall, cpu, rows = [], [], 0
        for sample in samples:
            scope = turn(name, sample) | {"db": database}
            began, worked = time.perf_counter(), cpu_ms(pid)
            rows += len(list(eval(code, scope)))
            wall.append((time.perf_counter() - began) * 1000)
            cpu.append(cpu_ms(pid) - worked)
        yield Figure(name, wall, cpu, rows / len(samples))


def p95(values: list[float]) -> float:
    """The value that one in twenty exceeds."""
    return statistics.quantiles(values, n=20)[-1]


def report(uri: str, pid: int, turns: int) -> bool:
    """Print a line a query; whether all are fast enough."""
    print(f"{'milliseconds':32} {'rows':>7} {'median':>8} {'p95':>8} {'CPU p95':>8}")
    fast = True
    with MongoClient[Document](uri) as client:
        for each in measured(client[DATABASE], pid, turns):
            told = f"{statistics.median(each.wall):8.1f} {p95(each.wall):8.1f} {p95(each.cpu):8.1f}"
            print(f"{each.name:32} {each.rows:7.0f} {told}", flush=True)
            fast = fast and p95(each.wall) < MOST_MS
    return fast


def main() -> None:
    """Fill, ask, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=200_000)
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--data", type=Path, help="directory of a database that is kept for the next run")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        server = Embedded(given.data or Path(directory))
        uri = server.up()
        try:
            with MongoClient[Document](uri) as client:
                known = client[DATABASE].articles.estimated_document_count()
            if known != given.articles:
                fill(uri, given.articles)
            fast = report(uri, server.status().pid or 0, given.turns)
        finally:
            server.down()
    sys.exit(0 if fast else 1)


if __name__ == "__main__":
    main()
