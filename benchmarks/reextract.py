"""Kept pages: what keeping them costs a crawl, what they take on the disk, how fast they are read again.

    python benchmarks/reextract.py [--pages 3000] [--shared ../shared]

Real bodies in the furniture of a real page where they are at hand, else generated pages, each with an article of its
own. Prints the CPU time of the thread of the event loop for each page kept, the size by level of compression, and how
many pages a second `rfispider reextract` reads on all cores. Exit status 1: over 1 ms, or under 300 pages a second.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import stage
import zstandard

from rfispider import extract
from rfispider.items import Article, Origin, Page
from rfispider.storage import FetchedPage, Store

DATABASE = "reextract"
LEAST = 300.0
"""Pages read again a second."""
MOST = 1.0
"""Milliseconds of the event loop's thread for a page that is kept."""
BATCH = 50
LEVELS = (1, 3, 6, 9, 12)


def pages(samples: Iterable[stage.Sample]) -> list[tuple[Page, Article]]:
    """Pages with their articles, those that give one."""
    found = []
    for sample in samples:
        page = Page(
            url=sample.url, body=sample.body, origin=Origin.PAGE, fetched_at=datetime.now(UTC), encoding="utf-8",
            headers=[("Content-Type", "text/html; charset=utf-8")],
        )  # fmt: skip
        article = extract.article(page)
        page.parsed = None
        if isinstance(article, Article):
            found.append((page, article))
    return found


async def kept(uri: str, found: list[tuple[Page, Article]]) -> float:
    """Store articles, then their pages; milliseconds of this thread for each page."""
    async with await Store.open(uri, DATABASE) as store:
        spent = 0.0
        for first in range(0, len(found), BATCH):
            batch = found[first : first + BATCH]
            outcomes = await store.save([article for _, article in batch])
            sights = [
                FetchedPage(page=page, outcome=outcome, article=article)
                for (page, article), outcome in zip(batch, outcomes, strict=True)
            ]
            started = time.thread_time()
            await store.keep(sights)
            spent += time.thread_time() - started
        return spent / len(found) * 1000


def sizes(bodies: list[bytes]) -> None:
    """Print size and time by level, and with another page of the site as the dictionary."""
    raw = sum(map(len, bodies)) / len(bodies)
    print(f"{len(bodies)} pages of {raw / 1024:.0f} KiB")
    dictionary = zstandard.ZstdCompressionDict(bodies[-1], dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    for level in LEVELS:
        for name, known in (("", None), (" and a page as dictionary", dictionary)):
            compressor = zstandard.ZstdCompressor(level=level, write_checksum=True, dict_data=known)
            started = time.process_time()
            size = sum(len(compressor.compress(body)) for body in bodies[:-1]) / (len(bodies) - 1)
            took = (time.process_time() - started) / (len(bodies) - 1)
            print(f"  zstd {level:>2}{name}: {size / 1024:6.1f} KiB ({size / raw:.1%}), {took * 1000:5.2f} ms")


def reread(uri: str) -> tuple[float, float, str]:
    """Wall clock and CPU time of the command, in seconds, and the last line it says."""
    command = [sys.executable, "-c", "from rfispider.cli import main; main()", "reextract"]
    environment = {**os.environ, "MONGO_URI": uri, "MONGO_DATABASE": DATABASE}
    before, started = os.times(), time.monotonic()
    done = subprocess.run(command, cwd=stage.ROOT, env=environment, capture_output=True, text=True, check=True)
    wall, after = time.monotonic() - started, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu, " ".join(done.stdout.split("\n\n")[-1].split())


def main() -> int:
    """Keep, read again, print; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=3000)
    parser.add_argument("--shared", type=Path, default=stage.SHARED)
    options = parser.parse_args()
    is_real = stage.has_corpus(options.shared)
    samples = (
        stage.real_pages(options.shared, options.pages) if is_real else stage.generated_pages(["cn"], options.pages)
    )
    found = pages(samples)
    print(f"{stage.cores()}; {'real bodies in the furniture of a real page' if is_real else 'generated pages'}")
    sizes([page.body for page, _ in found[:100]])
    with stage.database() as uri:
        cost = asyncio.run(kept(uri, found))
        print(f"keeping a page takes {cost:.2f} ms of the event loop's thread")
        wall, cpu, told = reread(uri)
    print(told)
    rate = len(found) / wall
    print(
        f"read again: {rate:.0f} pages a second, {len(found) / cpu:.0f} a CPU second, the start of the program included"
    )
    return rate < LEAST or cost > MOST


if __name__ == "__main__":
    sys.exit(main())
