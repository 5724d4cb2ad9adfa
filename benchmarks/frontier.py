"""How fast the frontier turns over: URLs claimed and acknowledged a second among few that are known, and among many.

    python benchmarks/frontier.py [SMALL LARGE]

The two are measured in turns, so that neither is blamed for what else the machine, or a checkpoint of the server, does
meanwhile; the server's own CPU time a URL tells the same without a clock.
"""

import asyncio
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import stage
from world import Figure

from rfispider.frontier import Completion, Frontier
from rfispider.items import Kind, Link, Outcome
from rfispider.mongo.embedded import Embedded

BATCH = 100
ROUND = 500
"""URLs in one turn."""
FILL = 5000
SHARE = 0.5
"""Of the smaller frontier so much is claimed in all: the index of what is due must stay its own."""


@dataclass
class Turnover:
    """What was measured in one frontier."""

    rates: list[float] = field(default_factory=list)
    """URLs a second, turn by turn."""
    server_ms: list[float] = field(default_factory=list)
    """CPU time of the server a URL."""

    @property
    def rate(self) -> float:
        """URLs a second over all turns."""
        return statistics.harmonic_mean(self.rates)


def frontier(*, known: Sequence[int]) -> list[Figure]:
    """Claims and acknowledgements a second, in a small frontier and in a large one."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        server = Embedded(Path(directory))
        uri = server.up()
        try:
            return asyncio.run(measured(uri, server.status().pid or 0, known[0], known[1]))
        finally:
            server.down()


async def measured(uri: str, pid: int, few: int, many: int) -> list[Figure]:
    """Fill both frontiers, take turns, compare."""
    small, large = Turnover(), Turnover()
    async with await filled(uri, few) as first:
        await turn(first, pid, Turnover())
        before = resident_mib()
        async with await filled(uri, many) as second:
            for _ in range(int(few * SHARE / ROUND)):
                await turn(first, pid, small)
                await turn(second, pid, large)
    return figures(few, many, small, large, resident_mib() - before)


async def filled(uri: str, known: int) -> Frontier:
    """A frontier in which so many URLs are due."""
    opened = await Frontier.open(uri, f"known_{known}", worker="benchmark")
    for first in range(0, known, FILL):
        await opened.add(map(link, range(first, min(known, first + FILL))))
    return opened


async def turn(opened: Frontier, pid: int, turnover: Turnover) -> None:
    """Claim and acknowledge some URLs, and note how long that took."""
    started, burnt, settled = time.monotonic(), burnt_s(pid), 0
    while settled < ROUND:
        leases = await opened.claim(BATCH, ["cn"])
        await opened.acknowledge([Completion(lease=lease, outcome=Outcome.NEW, status=200) for lease in leases])
        settled += len(leases)
    turnover.rates.append(settled / (time.monotonic() - started))
    turnover.server_ms.append((burnt_s(pid) - burnt) / settled * 1000)


def figures(few: int, many: int, small: Turnover, large: Turnover, more_mib: float) -> list[Figure]:
    """What came of it, with the bounds."""
    ratio = large.rate / small.rate
    cpu = " and ".join(f"{statistics.mean(each.server_ms):.2f}" for each in (small, large))
    return [
        Figure(f"claimed and settled at {few:,}", f"{small.rate:.0f} a second", "over 1500", small.rate > 1500),
        Figure(f"claimed and settled at {many:,}", f"{large.rate:.0f} a second", "over 1500", large.rate > 1500),
        Figure("ratio", f"{ratio:.2f}", "at least 0.8", ratio >= 0.8),
        Figure("CPU time of the server a URL", f"{cpu} ms"),
        Figure("more memory at the latter", f"{more_mib:.0f} MiB", "at most 20", more_mib < 20),
    ]


def burnt_s(pid: int) -> float:
    """CPU time that a process has used, in seconds (man 5 proc: utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def link(number: int) -> Link:
    """An article of the site that nobody wrote."""
    return Link(url=f"https://www.rfi.fr/cn/politics/20260301-story-{number}", kind=Kind.ARTICLE, edition="cn")


def main() -> int:
    """Print the figures; 1 when one is not as wanted."""
    few, many = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (10_000, 1_000_000)
    found = frontier(known=(few, many))
    for each in found:
        print(f"{each.what:<36} {each.measured:<20} {each.wanted}{'' if each.holds else '   NOT SO'}")
    print(stage.cores())
    return 0 if all(each.holds for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
