"""Several workers on one crawl, told apart in the request log of the site, of whom any may be killed."""

import random
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.support.crawling import AGENT, PATH, STAMP, STATUS, Site, crawling, path


@dataclass
class Worker:
    """One worker; it names itself in the user agent."""

    name: str
    log: Path
    process: "subprocess.Popen[bytes]"
    ended_at: float = field(default=float("inf"))
    """When it was killed, seconds of the clock that the site has too."""

    def lived_at(self, moment: float) -> bool:
        return moment < self.ended_at


class Fleet:
    """Workers that crawl the same site into the same database."""

    def __init__(self, site: Site, uri: str, directory: Path, *options: str, **environment: str) -> None:
        self.site, self.uri, self.directory, self.options = site, uri, directory, options
        self.database = environment.pop("MONGO_DATABASE", "rfi")
        self.environment = environment
        self.workers: list[Worker] = []
        self._stack = ExitStack()

    def start(self) -> Worker:
        """Start one more worker."""
        name = f"{self.directory.name}/worker-{len(self.workers)}"
        log = self.directory / f"worker-{len(self.workers)}.log"
        told = self.site.environment(**self.environment, RFI_CONTACT=name)
        process = self._stack.enter_context(crawling(self.uri, self.database, log, *self.options, **told))
        self.workers.append(Worker(name, log, process))
        return self.workers[-1]

    def alive(self) -> list[Worker]:
        """The workers that have not ended."""
        return [worker for worker in self.workers if worker.process.poll() is None]

    def at_work(self) -> list[Worker]:
        """The workers that live and have asked the site for something."""
        known = {name_of(request) for request in self.site.requests()}
        return [worker for worker in self.alive() if worker.name in known]

    def kill_one(self, luck: random.Random) -> Worker:
        """Kill one of those that are at work.

        Raises IndexError when none is.
        """
        victim = luck.choice(self.at_work())
        # Taken before: what another worker does after the kill must not look as if both had lived.
        victim.ended_at = time.time()
        victim.process.kill()
        victim.process.wait()
        return victim

    def wait(self, seconds: float) -> list[int]:
        """Wait until all have ended; the exit statuses of those that were not killed.

        Raises TimeoutExpired when one takes longer.
        """
        deadline = time.monotonic() + seconds
        for worker in self.workers:
            worker.process.wait(max(0.0, deadline - time.monotonic()))
        return [worker.process.returncode for worker in self.workers if worker.ended_at == float("inf")]

    def close(self) -> None:
        """Kill what is left."""
        self._stack.close()


@contextmanager
def fleet(site: Site, uri: str, directory: Path, *options: str, **environment: str) -> Iterator[Fleet]:
    """A fleet without workers yet; those that are started do not outlive the context."""
    crew = Fleet(site, uri, directory, *options, **environment)
    try:
        yield crew
    finally:
        crew.close()


def name_of(request: list[str]) -> str:
    """Name of the worker that made a request of the log."""
    return request[AGENT].partition("(+")[2].rstrip(")")


def shared_while_alive(crew: Fleet) -> list[str]:
    """Articles that a worker was served while another lived that had been served them before: there must be none."""
    workers = {worker.name: worker for worker in crew.workers}
    served: dict[str, list[tuple[float, Worker]]] = defaultdict(list)
    for request in crew.site.articles():
        if request[STATUS] == "200":
            served[path(request[PATH])].append((float(request[STAMP]), workers[name_of(request)]))
    return [url for url, visits in served.items() if _overlap(sorted(visits, key=_moment))]


def _overlap(visits: list[tuple[float, Worker]]) -> bool:
    return any(before is not after and before.lived_at(at) for (_, before), (at, after) in pairwise(visits))


def _moment(visit: tuple[float, Any]) -> float:
    return visit[0]
