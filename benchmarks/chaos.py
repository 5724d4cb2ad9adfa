"""What crashes, other workers and repetition cost: real workers and a real mongod are killed on a generated site.

    python benchmarks/chaos.py [kill] [fleet] [speedup] [frontier] [again]

Without a name all are run. A figure that must not be (something lost, something stored twice) ends it with status 1.
"""

import argparse
import asyncio
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import stage
from crawling import SIZE, STAMP, Site, crawling, stored, wait_until
from pymongo import MongoClient
from rich.console import Console
from rich.table import Table

from rfispider import mongod
from rfispider.frontier import Done, Frontier
from rfispider.items import Kind, Link, Outcome
from rfispider.mongod import Embedded

WHOLE = ("-a", "editions=cn,en", *stage.WHOLE_SITE[2:])
LONGEST_S = 900
KILL_EVERY_S = (3.0, 6.0)
"""Bounds of the random time between two kills."""
KNOWN = (10_000, 1_000_000)
BATCH = 100
CLAIMED = 10_000


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    measured: str
    wanted: str = ""
    holds: bool = True


class World:
    """A site and an archive of their own."""

    def __init__(self, directory: Path, server: Embedded, uri: str, site: Site) -> None:
        self.directory, self.server, self.uri, self.site = directory, server, uri, site
        self.logs = count()

    @contextmanager
    def archive(self) -> Iterator[Any]:
        """The database."""
        with MongoClient[dict[str, Any]](self.uri) as client:
            yield client["rfi"]

    def worker(self) -> Any:  # noqa: ANN401 - a context with a process
        """A worker that crawls the whole site."""
        log = self.directory / f"worker-{next(self.logs)}.log"
        return crawling(self.uri, "rfi", log, *WHOLE, **self.site.environment())

    def crawl(self) -> float:
        """Crawl to the end with one worker; the seconds that it took."""
        started = time.monotonic()
        with self.worker() as worker:
            if worker.wait(LONGEST_S):
                print("a crawl ended with status", worker.returncode)
        return time.monotonic() - started

    def articles_a_second(self) -> float:
        """Articles fetched a second, between the first and the last of them."""
        times = [float(request[STAMP]) for request in self.site.articles()]
        return len(times) / (max(times) - min(times))

    def outcome(self) -> list[Figure]:
        """What every crash must leave whole."""
        with self.archive() as archive:
            have = stored(archive)
        lost = len(self.site.truth.keys() - set(have))
        strange = len(set(have) - self.site.truth.keys())
        twice = len(have) - len(set(have))
        return [
            Figure("articles", f"{len(self.site.truth)}"),
            Figure("lost", f"{lost}", "0", lost == 0),
            Figure("stored twice", f"{twice}", "0", twice == 0),
            Figure("stored though not on the site", f"{strange}", "0", strange == 0),
        ]


@contextmanager
def world(articles: int, latency_ms: float, in_flight: int) -> Iterator[World]:
    """Serve about so many articles, half of them in each of two editions, beside a new mongod."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, ExitStack() as stack:
        directory = Path(name)
        server = Embedded(directory / "mongo")
        uri = server.up()
        stack.callback(server.down)
        options = ("--editions", "cn,en", "--articles", str(articles // 2), "--latency-ms", str(latency_ms))
        replica = stack.enter_context(stage.serving(directory, *options))
        yield World(directory, server, uri, Site(replica, in_flight=in_flight))


# ---- experiments -----------------------------------------------------------------------------------------


def kill() -> list[Figure]:
    """One worker is killed at 40 % and started again."""
    with world(articles=600, latency_ms=150, in_flight=16) as here:
        site = here.site
        with here.worker() as worker:
            site.wait_for_articles(0.4)
            worker.kill()
            worker.wait()
        before, killed_at = len(site.articles()), time.time()
        here.crawl()
        again, on_after_s = site.fetched_again(), float(site.articles()[before][STAMP]) - killed_at
        return [
            *here.outcome(),
            Figure("fetched again", f"{again}", f"at most {2 * site.in_flight} under way", again <= 2 * site.in_flight),
            Figure("goes on after", f"{on_after_s:.1f} s", "under 5 s", on_after_s < 5),
        ]


def fleet() -> list[Figure]:
    """Four workers; every few seconds one of them is killed and another started; mongod is killed once."""
    luck, kills = random.Random(4), 0
    with world(articles=2000, latency_ms=150, in_flight=8) as here, ExitStack() as stack:
        total, started = len(here.site.truth), time.monotonic()
        workers = [stack.enter_context(here.worker()) for _ in range(4)]
        crashed = False
        while (share := len(here.site.fetched()) / total) < 0.9 and time.monotonic() - started < LONGEST_S:
            time.sleep(luck.uniform(*KILL_EVERY_S))
            victim = luck.randrange(len(workers))
            workers[victim].kill()
            workers[victim] = stack.enter_context(here.worker())
            kills += 1
            if share > 0.3 and not crashed:
                crashed = True
                restart(here.server)
        ended = [worker.wait(LONGEST_S) for worker in workers]
        seconds = time.monotonic() - started
        last_s = here.crawl()
        return [
            *here.outcome(),
            Figure("workers killed", f"{kills}"),
            Figure("mongod killed", f"{int(crashed)}", "1", crashed),
            Figure("exit statuses of the last workers", f"{ended}"),
            Figure("fetched again", f"{here.site.fetched_again()}", f"at most {16 * (kills + 4 * crashed)}"),
            Figure("seconds", f"{seconds:.0f} + {last_s:.0f} for a last run"),
        ]


def restart(server: Embedded) -> None:
    """Kill mongod and start it again."""
    pid = server.status().pid
    if pid:
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{pid}/cmdline").exists() or not mongod._arguments(pid), "mongod is dead")  # noqa: SLF001
    server.up()


def speedup() -> list[Figure]:
    """One worker and two on a slow site."""
    rates = []
    for workers in (1, 2):
        with world(articles=600, latency_ms=200, in_flight=8) as here, ExitStack() as stack:
            fleet = [stack.enter_context(here.worker()) for _ in range(workers)]
            for worker in fleet:
                worker.wait(LONGEST_S)
            rates.append(here.articles_a_second())
    ratio = rates[1] / rates[0]
    return [
        Figure("one worker", f"{rates[0]:.1f} articles a second"),
        Figure("two workers", f"{rates[1]:.1f} articles a second"),
        Figure("ratio", f"{ratio:.2f}", "at least 1.7", ratio >= 1.7),
    ]


def frontier() -> list[Figure]:
    """Claims and acknowledgements a second, in a small frontier and in a large one."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        server = Embedded(Path(directory))
        uri = server.up()
        try:
            measured = [asyncio.run(turnover(uri, f"known_{known}", known)) for known in KNOWN]
        finally:
            server.down()
    (small, small_mib), (large, large_mib) = measured
    return [
        Figure(f"claimed and settled at {KNOWN[0]:,}", f"{small:.0f} a second", "over 1500", small > 1500),
        Figure(f"claimed and settled at {KNOWN[1]:,}", f"{large:.0f} a second", "over 1500", large > 1500),
        Figure("ratio", f"{large / small:.2f}", "at least 0.8", large >= 0.8 * small),
        Figure(
            "more memory at the latter", f"{large_mib - small_mib:.0f} MiB", "at most 20", large_mib - small_mib < 20
        ),
    ]


async def turnover(uri: str, database: str, known: int) -> tuple[float, float]:
    """URLs claimed and acknowledged a second among so many; the most memory this process has had, in MiB."""
    async with await Frontier.open(uri, database, worker="benchmark") as opened:
        for first in range(0, known, 5000):
            await opened.add(map(link, range(first, min(known, first + 5000))))
        started, settled = time.monotonic(), 0
        while settled < min(CLAIMED, known // 2):
            leases = await opened.claim(BATCH, ["cn"])
            await opened.acknowledge([Done(lease=lease, outcome=Outcome.NEW, status=200) for lease in leases])
            settled += len(leases)
        seconds = time.monotonic() - started
    return settled / seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def link(number: int) -> Link:
    """An article of the site that nobody wrote."""
    return Link(url=f"https://www.rfi.fr/cn/politics/20260301-story-{number}", kind=Kind.ARTICLE, edition="cn")


def again() -> list[Figure]:
    """A second run over an unchanged site, beside one that knows nothing of the first."""
    with world(articles=2000, latency_ms=0, in_flight=8) as here:
        naive_s = here.crawl()
        first = here.site.requests()
        second_s = here.crawl()
        second = here.site.requests()[len(first) :]
        articles = len(here.site.articles()) - len([r for r in first if r in here.site.articles()])
        size, naive = sum(int(r[SIZE]) for r in second), sum(int(r[SIZE]) for r in first)
        return [
            *here.outcome(),
            Figure("requests", f"{len(second)}, a naive run {len(first)}"),
            Figure("bytes", f"{size:,}, a naive run {naive:,}"),
            Figure("seconds, start included", f"{second_s:.1f}, a naive run {naive_s:.1f}", "under 5", second_s < 5),
            Figure("articles fetched again", f"{articles}", "0", articles == 0),
        ]


# ---- the table -------------------------------------------------------------------------------------------

EXPERIMENTS: dict[str, Callable[[], list[Figure]]] = {
    each.__name__: each for each in (kill, fleet, speedup, frontier, again)
}


def main() -> int:
    """Run what was asked for; 1 when something is not as wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", choices=[[], *EXPERIMENTS], help="what to measure (default: all)")
    wanted = parser.parse_args().name or list(EXPERIMENTS)
    all_hold = True
    for name in wanted:
        experiment = EXPERIMENTS[name]
        table = Table("measure", "measured", "wanted", title=f"{name}: {experiment.__doc__}")
        for figure in experiment():
            all_hold &= figure.holds
            table.add_row(figure.what, figure.measured, figure.wanted, style=None if figure.holds else "red")
        Console().print(table)
    print(stage.cores())
    return 0 if all_hold else 1


if __name__ == "__main__":
    sys.exit(main())
