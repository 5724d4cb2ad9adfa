"""The memory of one worker over a crawl of hundreds of thousands of pages has to stay where it was early on.

    python benchmarks/endurance.py --pages 200000

A site without an end, no rate limit, everything as in production: links are followed, metrics written, pages kept. The
table tells the resident memory of the worker, with that of the processes that read its pages, each ten thousand pages;
the exit status is 1 when the last one is more than 30 MB over the first.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from statistics import linear_regression
from typing import Annotated

import endless
import stage
import typer

from tests.support.crawling import crawling

MEGABYTE = 1e6
MOST_GROWN = 30
SAMPLE_S = 0.5
PATIENCE_S = 60
app = typer.Typer(help=__doc__, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def endure(
    *,
    pages: Annotated[int, typer.Option(help="Pages to be fetched.")] = 200_000,
    step: Annotated[int, typer.Option(help="Pages between two looks; the first is what is compared with.")] = 10_000,
    minutes: Annotated[float, typer.Option(help="It ends after this, however far it came.")] = 60,
    keep: Annotated[Path | None, typer.Option(help="File for the log of the worker.")] = None,
    options: Annotated[list[str] | None, typer.Argument(help="More for `scrapy crawl`.")] = None,
) -> None:
    """Crawl, and watch the memory."""
    with tempfile.TemporaryDirectory() as directory, stage.database() as uri:
        log = keep or Path(directory) / "worker.log"
        levels = asyncio.run(watched(uri, log, options or [], pages=pages, step=step, minutes=minutes))
    judge(levels, stage.cores())


async def watched(
    uri: str, log: Path, options: list[str], *, pages: int, step: int, minutes: float
) -> dict[int, float]:
    """Crawl; the pages fetched -> resident memory in MB, at each step."""
    site = endless.Endless()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    base = "http://127.0.0.1:{1}".format(*server.sockets[0].getsockname())
    textfile = str(log.with_suffix(".prom"))
    told = {"RFI_BASE_URL": base, "RFI_RATE": "0", "RFI_METRICS_FILE": textfile, "RFI_EXTRACT_PROCESSES": "1"}
    told["MALLOC_ARENA_MAX"] = "2"  # as in the container
    arguments = ("-a", f"editions={endless.EDITION}", "-a", "depth=-1", *options)
    levels: dict[int, float] = {}
    with crawling(uri, "rfi", log, *arguments, **told) as worker:
        deadline = time.monotonic() + minutes * 60
        while site.served < pages and worker.poll() is None and time.monotonic() < deadline:
            await asyncio.sleep(SAMPLE_S)
            if site.served // step > len(levels) or (site.served >= pages and levels):
                levels[site.served] = resident(worker.pid)
                print(f"{site.served:>9,} pages  {levels[site.served]:6.1f} MB", flush=True)
        if worker.poll() is None:
            levels.setdefault(site.served, resident(worker.pid))
            worker.send_signal(signal.SIGTERM)
        await asyncio.to_thread(worker.wait, PATIENCE_S)
    server.close()
    return levels


def resident(pid: int) -> float:
    """The resident memory of a process and of those that it started, in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE + sum(resident(int(child)) for child in children)


def judge(levels: dict[int, float], machine: str) -> None:
    """Print what was measured; exit 1 when the memory has grown."""
    (first, low), (last, high) = min(levels.items()), max(levels.items())
    slope = linear_regression(list(levels), list(levels.values())).slope if len(levels) > 1 else 0.0
    grown = high - low
    print(f"{low:.1f} MB after {first:,} pages, {high:.1f} MB after {last:,}: {grown:+.1f} MB, at most {MOST_GROWN};")
    print(f"slope {slope * 100_000:+.1f} MB per 100,000 pages; {machine}")
    if grown > MOST_GROWN:
        raise typer.Exit(1)


if __name__ == "__main__":
    sys.exit(app())
