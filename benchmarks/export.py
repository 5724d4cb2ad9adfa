"""`rfispider export` of many articles: how fast, and in how much memory, beside the usual loop over a cursor.

    python benchmarks/export.py [--articles 200000] [--formats jsonl,csv,parquet]

Generated articles are stored, then copied under other keys until there are enough. Each format is exported twice, a
tenth of the articles and all of them: the memory of the two runs is the same when it does not grow with the archive.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import stage
from pymongo import MongoClient

from rfispider import extract, feeds
from rfispider.items import Article, Origin, Page
from rfispider.storage import Store

DATABASE = "export"
LEAST = 20_000.0
"""Articles a second as JSON lines."""
GROWTH = 32.0
"""MiB by which ten times the articles may need more memory."""
SEEDS = 400

Document = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """What one export cost."""

    articles: int
    wall: float
    cpu: float
    """Seconds of the exporting process, its start included."""
    memory: float
    """MiB at most."""
    bytes: int


def seeds(count: int) -> list[Article]:
    """Articles of a generated site, as they are stored."""
    found = []
    for entry in map(feeds.archived, stage.generated_entries(stage.generated_site(["cn", "fr"], count // 2))):
        page = Page(
            url=entry.url, body=(entry.content or "").encode(), origin=Origin.ARCHIVE, fetched_at=datetime.now(UTC),
            encoding="utf-8", entry=entry,
        )  # fmt: skip
        article = extract.article(page)
        if isinstance(article, Article):
            found.append(article)
    return found


async def store(uri: str, articles: list[Article]) -> None:
    """Store articles the usual way."""
    async with await Store.open(uri, DATABASE) as opened:
        await opened.save(articles)


def copies(documents: list[Document], numbers: Iterable[int]) -> Iterator[Document]:
    """Documents under keys of their own, one a number."""
    for number, document in zip(numbers, cycle(documents), strict=False):
        copy = {name: value for name, value in document.items() if name not in {"identity", "search"}}
        yield {**copy, "_id": f"{number * 0x9E3779B97F4A7C15 % 2**64:032x}", "url": f"{document['url']}-{number}"}


def fill(uri: str, count: int) -> float:
    """Copy articles until there are so many; gives the mean size of a document in bytes."""
    with MongoClient[Document](uri) as client:
        articles = client[DATABASE].articles
        made = copies(list(articles.find(limit=SEEDS)), range(articles.count_documents({}), count))
        while batch := list(islice(made, 5000)):
            articles.insert_many(batch, ordered=False, bypass_document_validation=True)
        return float(client[DATABASE].command("collstats", "articles")["avgObjSize"])


def measured(command: list[str], environment: dict[str, str], file: Path) -> Run:
    """Run a command that writes a file; what it cost."""
    started = time.monotonic()
    process = subprocess.Popen(command, env=environment, cwd=stage.ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command} failed")
    wall = time.monotonic() - started
    told = json.loads(file.with_name(file.name + ".manifest.json").read_text())
    return Run(told["count"], wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, file.stat().st_size)


def exported(uri: str, file: Path, *options: str) -> Run:
    """One export by the command."""
    command = [sys.executable, "-c", "from rfispider.cli import main; main()", "export", "-o", str(file), *options]
    return measured(command, {**os.environ, "MONGO_URI": uri, "MONGO_DATABASE": DATABASE}, file)


def looped(uri: str, file: Path) -> Run:
    """The usual loop: a cursor, `json.dumps`, a file."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    count = 0
    with MongoClient[Document](uri, tz_aware=True) as client, file.open("w") as out:
        for document in client[DATABASE].articles.find():
            out.write(json.dumps(document, default=str, ensure_ascii=False) + "\n")
            count += 1
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(count, time.monotonic() - began, cpu, after.ru_maxrss / 1024, file.stat().st_size)


def told(name: str, run: Run) -> None:
    """Print a run."""
    print(
        f"{name:24} {run.articles:>8,} articles {run.bytes / 2**20:>5.0f} MiB {run.articles / run.wall:>6,.0f} a second"
        f"{run.articles / run.cpu:>8,.0f} a CPU second  {run.memory:>4.0f} MiB of memory"
    )


def main() -> int:
    """Fill, export, print; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=200_000)
    parser.add_argument("--formats", default="jsonl,csv,parquet")
    options = parser.parse_args()
    failed = False
    with stage.database() as uri, tempfile.TemporaryDirectory() as directory:
        asyncio.run(store(uri, seeds(SEEDS)))
        fill(uri, options.articles // 10)
        few = {each: exported(uri, Path(directory) / f"few.{each}") for each in options.formats.split(",")}
        size = fill(uri, options.articles)
        print(f"{stage.cores()}; documents of {size:.0f} bytes; wall clock includes the start of the program")
        told("a loop over a cursor", looped(uri, Path(directory) / "loop.jsonl"))
        for each, smaller in few.items():
            run = exported(uri, Path(directory) / f"all.{each}")
            told(f"rfispider export, {each}", run)
            print(f"{'':24} {run.memory - smaller.memory:+.0f} MiB against a tenth of the articles")
            failed |= run.memory - smaller.memory > GROWTH or (each == "jsonl" and run.articles / run.wall < LEAST)
    return failed


if __name__ == "__main__":
    sys.exit(main())
