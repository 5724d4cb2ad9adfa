"""What bends when the frontier and the archive grow: speed, memory and disk at several sizes.

    python benchmarks/scale.py [--frontier 10000,100000,1000000] [--articles 10000,100000] [--uri URI]

Both grow through the very calls of a crawl: `Frontier.add` in batches of 5,000 links, as a large sitemap does, and
`Store.save` in batches of 200 generated articles of all editions with everything that the archive makes of them
(identity, stories, search, every index). At each size, so many more are timed: links added, URLs claimed and
acknowledged, articles stored new and seen again. A million articles take an hour and 15 GB. Writes
`benchmarks/results/scale.md`, `.json` and `.svg`. Nothing is promised here: docs/scaling.md explains the figures.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pygal
import stage
from frontier import link
from processes import peak_mib
from pymongo import AsyncMongoClient
from store import Newsroom

from rfispider.frontier import Completion, Frontier
from rfispider.items import Article, Outcome
from rfispider.storage import Store

DATABASE = "scale"
ADDED, CLAIMED = 5_000, 100
"""Links in one `add`, leases in one `claim`."""
TURNS = 5_000
"""URLs claimed and acknowledged at each size."""
TIMED = 2_000
"""Articles stored, and seen again, at each size."""
GROWN = 10_000
"""Articles generated ahead."""
BATCH, UNDER_WAY = 200, 2
MIB = 2**20


@dataclass(frozen=True)
class Point:
    """What was measured at one size."""

    what: str
    size: int
    rates: dict[str, float]
    """Things a second."""
    client_mib: float
    """The most memory that this process had until then."""
    server_mib: float
    """Memory of mongod, its cache included."""
    data_mib: float
    """The documents, before compression."""
    disk_mib: float
    """Documents and indexes as they lie on the disk."""
    index_mib: float


async def measured(database: Any, names: Sequence[str], what: str, size: int, rates: dict[str, float]) -> Point:
    """A point, with what the server says of some collections."""
    await database.client.admin.command("fsync")  # sizes on the disk are told as of the last checkpoint
    stats = [await database.command("collStats", name) for name in names]
    status = await database.client.admin.command("serverStatus")
    indexes = sum(each["totalIndexSize"] for each in stats)
    point = Point(
        what=what,
        size=size,
        rates=rates,
        client_mib=peak_mib(),
        server_mib=status["mem"]["resident"],
        data_mib=sum(each["size"] for each in stats) / MIB,
        disk_mib=(sum(each["storageSize"] for each in stats) + indexes) / MIB,
        index_mib=indexes / MIB,
    )
    told = ", ".join(f"{name} {rate:,.0f}/s" for name, rate in rates.items())
    print(
        f"{what} {size:>9,}: {told}; on disk {point.disk_mib:,.0f} MiB, {indexes / MIB:,.0f} of them indexes",
        flush=True,
    )
    return point


async def frontier_points(uri: str, sizes: Sequence[int]) -> AsyncIterator[Point]:
    """Grow a frontier; what it does at each size."""
    async with (
        await Frontier.open(uri, DATABASE, worker="benchmark") as opened,
        AsyncMongoClient[dict[str, Any]](uri) as client,
    ):
        known = 0
        for size in sizes:
            began, first = time.monotonic(), known
            for start in range(first, size, ADDED):
                await opened.add(map(link, range(start, min(start + ADDED, size))))
            added = (size - first) / (time.monotonic() - began)
            known = size
            rates = {
                "links added": added,
                "claimed and acknowledged": await turnover(opened, min(TURNS, (size - first) // 2)),
            }
            yield await measured(client[DATABASE], ["frontier"], "frontier", size, rates)


async def turnover(opened: Frontier, turns: int) -> float:
    """URLs claimed and acknowledged a second."""
    began, settled = time.monotonic(), 0
    while settled < turns:
        leases = await opened.claim(CLAIMED, ["cn"])
        await opened.acknowledge([Completion(lease=lease, outcome=Outcome.NEW, status=200) for lease in leases])
        settled += len(leases)
    return settled / (time.monotonic() - began)


async def archive_points(uri: str, sizes: Sequence[int]) -> AsyncIterator[Point]:
    """Grow an archive; what it does at each size."""
    newsroom = Newsroom(1)
    async with await Store.open(uri, DATABASE) as opened, AsyncMongoClient[dict[str, Any]](uri) as client:
        number = 0
        for size in sizes:
            while number < size - TIMED:
                until = min(number + GROWN, size - TIMED)
                await stored(opened, [newsroom.article(each) for each in range(number, until)])
                number = until
            articles = [newsroom.article(each) for each in range(number, size)]
            number = size
            rates = {
                "new articles": await stored(opened, articles),
                "articles seen again": await stored(opened, articles),
            }
            yield await measured(client[DATABASE], ["articles", "revisions", "search"], "archive", size, rates)


async def stored(archive: Store, articles: Sequence[Article]) -> float:
    """Articles stored a second, in batches as a crawl's, a few under way at a time."""
    batches = iter([articles[start : start + BATCH] for start in range(0, len(articles), BATCH)])

    async def work() -> None:
        for batch in batches:
            await archive.save(batch)

    began = time.monotonic()
    await asyncio.gather(*(work() for _ in range(UNDER_WAY)))
    return len(articles) / (time.monotonic() - began)


async def points(uri: str, options: argparse.Namespace) -> list[Point]:
    """Everything."""
    found = [point async for point in frontier_points(uri, options.frontier)]
    return found + [point async for point in archive_points(uri, options.articles)]


def table(found: list[Point]) -> list[str]:
    """The points as a Markdown table."""
    lines = ["| | size | a second | MiB on disk | of them indexes | bytes each | mongod MiB |", "|---|" + "---:|" * 6]
    for each in found:
        rates = "; ".join(f"{name} {rate:,.0f}" for name, rate in each.rates.items())
        size = each.disk_mib * MIB / each.size
        cells = f"{each.size:,} | {rates} | {each.disk_mib:,.0f} | {each.index_mib:,.0f} | {size:,.0f}"
        lines.append(f"| {each.what} | {cells} | {each.server_mib:,.0f} |")
    return lines


def chart(found: list[Point]) -> bytes:
    """Speed by size, both on a logarithmic axis, as SVG that needs no script."""
    lines = pygal.XY(
        js=[], xrange=None, logarithmic=True, title="Things a second by size", legend_at_bottom=True,
        x_value_formatter=lambda value: f"{10**value:,.0f}", value_formatter=lambda value: f"{value:,.0f}",
        show_dots=True, width=900, height=500,
    )  # fmt: skip
    series: dict[str, list[tuple[float, float]]] = {}
    for each in found:
        for name, rate in each.rates.items():
            series.setdefault(name, []).append((len(str(each.size)) - 1, rate))
    for name, line in series.items():
        lines.add(name, line)
    drawn: bytes = lines.render()
    return drawn


def sizes(given: str) -> list[int]:
    """Sizes in ascending order."""
    return sorted(int(size) for size in given.split(",") if size)


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frontier", type=sizes, default=[10_000, 100_000, 1_000_000], help="URLs, powers of ten")
    parser.add_argument("--articles", type=sizes, default=[10_000, 100_000], help="articles, powers of ten")
    parser.add_argument("--uri", help=f"a server to use (its database {DATABASE}); default: one of its own")
    options = parser.parse_args()
    with contextlib.nullcontext(options.uri) if options.uri else stage.database() as uri:
        found = asyncio.run(points(uri, options))
    head = f"{datetime.now(UTC):%Y-%m-%d}, {stage.cores()}."
    text = "\n".join(["# Size", "", head, "", *table(found), ""])
    (stage.RESULTS / "scale.md").write_text(text, encoding="utf-8")
    (stage.RESULTS / "scale.json").write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n", "utf-8")
    (stage.RESULTS / "scale.svg").write_bytes(chart(found))
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
