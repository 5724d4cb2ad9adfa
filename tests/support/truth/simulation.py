"""One history, made of one seed: the site errs, workers come and go, all becomes well, the archive is judged."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Final

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from rfispider.frontier import Frontier
from rfispider.items import Outcome
from rfispider.jobs.check import check
from rfispider.mongo.connection import Connection
from rfispider.storage import Store
from tests.support.truth.faults import Faults
from tests.support.truth.scheduling import Process, SimulatedTime, simulated
from tests.support.truth.site import FEED, Site
from tests.support.truth.verdict import hasty, problems
from tests.support.truth.worker import SimulatedWorker, World, add_feed

WORKERS: Final = 3
STEPS: Final = (30, 90)
"""Fewest and most steps before all becomes well."""
NAMED: Final = 0.3
"""The share of workers that have a name of the operator's choosing."""
ROUNDS: Final = 12
"""So many rounds may pass after that until nothing waits any more."""
LOOKS: Final = 5
"""So many looks at each URL may be needed after that: an alias is looked at again after its article has changed."""
STEADY: Final = frozenset({Outcome.UNCHANGED, Outcome.SAME, Outcome.DUPLICATE, Outcome.GONE, Outcome.NOT_ARTICLE})
"""What comes of a look at an archive that equals the site."""
CLEARED: Final = ("articles", "aliases", "claims", "revisions", "pages", "search", "frontier", "hosts", "runs")

Database = AsyncDatabase[dict[str, Any]]


@dataclass(slots=True)
class History:
    """What came of one seed."""

    seed: int
    problems: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    commands: int = 0


class Laboratory:
    """A database and connections, used by one history after the other."""

    def __init__(self, uri: str, name: str) -> None:
        self.uri = uri
        self.name = name

    async def open(self) -> None:
        """Connect, and make collections and indexes once."""
        self.connections = [await Connection.open(self.uri) for _ in range(WORKERS)]
        await Store(self.connections[0], self.name).prepare()
        await Frontier(self.connections[0], self.name).prepare()
        self.client = AsyncMongoClient[dict[str, Any]](self.uri, tz_aware=True)
        self.database: Database = self.client[self.name]

    async def close(self) -> None:
        """Drop the database and close the connections."""
        await self.client.drop_database(self.name)
        for connection in self.connections:
            await connection.close()
        await self.client.close()

    async def run(self, seed: int, show: Callable[[str], None] | None = None) -> History:
        """One history in an empty archive; `show` is called with each step."""
        for name in CLEARED:
            await self.database[name].delete_many({})
        simulation = Simulation(self, seed, show)
        history = History(seed, trace=simulation.trace)
        with simulated(simulation.times, self.name):
            try:
                await simulation.live()
                await simulation.heal()
                read = simulation.world.read
                history.problems = simulation.early + await problems(simulation.site, self.database, read)
                history.problems += await self._flaws()
            except Exception as error:
                logging.getLogger(__name__).debug("seed %d", seed, exc_info=True)
                history.problems = [f"{type(error).__name__}: {error}"]
            finally:
                await simulation.end()
        return history

    async def _flaws(self) -> list[str]:
        """What `rfispider check` finds."""
        store, frontier = Store(self.connections[0], self.name), Frontier(self.connections[0], self.name)
        result = await check(store, frontier, repair=False, note=lambda documents: None)
        return [f"check: {flaw}" for flaw in result.flaws]


class Simulation:
    """The world of one seed."""

    def __init__(self, laboratory: Laboratory, seed: int, show: Callable[[str], None] | None) -> None:
        self.laboratory = laboratory
        self.show = show
        self.trace: list[str] = []
        self.luck = Random(seed)
        self.times = SimulatedTime()
        self.site = Site(Random(self.luck.random()), self.times.now)
        self.faults = Faults(self.site, Random(self.luck.random()))
        self.world = World(self.times, self.faults, Random(self.luck.random()), laboratory.name, self.note)
        self.workers: list[SimulatedWorker | None] = [None] * WORKERS
        self.early: list[str] = []
        """What was wrong before all became well, and must not be even then."""
        self._started = 0

    def note(self, line: str) -> None:
        """Add a line to the trace."""
        text = f"{self.times.now:%d %H:%M:%S.%f}"[:-3] + f" {line}"
        self.trace.append(text)
        if self.show:
            self.show(text)

    # ---- while it lasts ---------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Let many things happen."""
        await add_feed(self._anybody().frontier)
        for _ in range(self.luck.randint(*STEPS)):
            (step,) = self.luck.choices(list(STEPS_BY_WEIGHT), list(STEPS_BY_WEIGHT.values()))
            await step(self)

    async def pass_time(self) -> None:
        """Some time passes."""
        seconds = self.luck.choice((1, 5, 30, 70, 600, 3700, 3700 * 6, 86400))
        self.times.pass_by(timedelta(seconds=seconds))
        self.note(f"{seconds} s pass")

    async def change_site(self) -> None:
        """Something is published, edited, removed."""
        site = self.site
        change = self.luck.choice(
            (
                *(site.publish, site.publish_again, site.edit, site.edit, site.edit, site.edit),
                *(site.remove, site.bring_back, site.redirect),
            )
        )
        self.note(f"SITE {change.__name__} {change(self.times.now)}")

    async def err(self) -> None:
        """The site begins to err."""
        self.note(f"FAULT {self.faults.begin(self.times.now)}")

    async def work(self) -> None:
        """A worker goes on: it begins a batch, or sends some commands of the one it has begun."""
        place = self.luck.randrange(WORKERS)
        worker = self.workers[place] or self._start(place)
        if not worker.process.is_running:
            await worker.process.start(worker.batch(self.luck.randint(1, 6)))
        for _ in range(self.luck.choice((1, 2, 4, 8, 16, 100))):
            if not worker.process.is_running:
                break
            await worker.process.advance()
        self._blame(worker)

    async def beat(self) -> None:
        """A worker that is at work renews its leases."""
        busy = [each for each in self.workers if each and each.process.is_running]
        if busy:
            worker = self.luck.choice(busy)
            lost = await worker.frontier.heartbeat()
            self.note(f"{worker.process.name} renews its leases, {len(lost)} are lost")

    async def kill(self) -> None:
        """A worker that is at work is killed."""
        places = [place for place, each in enumerate(self.workers) if each and each.process.is_running]
        if not places:
            return
        place = self.luck.choice(places)
        worker = self.workers[place]
        assert worker
        self.note(f"KILL {worker.process.name} after {worker.process.label}")
        await worker.process.kill()
        self.workers[place] = None

    async def make_due(self) -> None:
        """As if somebody had asked for a new look at all that is not being looked at."""
        await self._look_again()
        self.note("all is due")

    # ---- when all becomes well ----------------------------------------------------------------------------------

    async def heal(self) -> None:
        """The site tells the truth, workers do their work to the end, and each URL is visited."""
        for worker in filter(None, self.workers):
            if self.luck.random() < 0.5:
                await worker.process.kill()
            else:
                await worker.process.finish()
                self._blame(worker)
        self.early = await hasty(self.site, self.laboratory.database, self.world.read, self.faults.lies)
        self.note("HEALED")
        self.faults.end()
        self.times.pass_by(timedelta(minutes=2))
        self.workers = [None] * WORKERS
        worker = self._start(0)
        await self._work_off(worker)
        for _ in range(LOOKS):
            before = len(self.world.read)
            await self._look_at_all(worker)
            if STEADY.issuperset(each.outcome for each in self.world.read[before:]):
                return
        raise AssertionError(f"it still changes after {LOOKS} looks at each URL")

    async def _look_at_all(self, worker: SimulatedWorker) -> None:
        """Visit each URL, and those again whose answers have to be confirmed."""
        await self._look_again()
        for _ in range(ROUNDS):
            await self._work_off(worker)
            if not await self._waits():
                return
            self.times.pass_by(timedelta(hours=2))
        raise AssertionError(f"not at rest after {ROUNDS} rounds: {await self._waits()}")

    async def end(self) -> None:
        """Nothing runs any more."""
        for worker in filter(None, self.workers):
            await worker.process.kill()

    async def _work_off(self, worker: SimulatedWorker) -> None:
        """Do all that is due."""
        for _ in range(50):
            before = len(self.world.read)
            await worker.process.start(worker.batch(16))
            await worker.process.finish()
            self._blame(worker)
            if len(self.world.read) == before:
                return
        raise AssertionError("there is always something due")

    async def _look_again(self) -> None:
        again = {"state": "due", "due_at": self.times.now}
        await self.laboratory.database["frontier"].update_many({"state": {"$ne": "leased"}}, {"$set": again})

    async def _waits(self) -> list[str]:
        """URLs of articles that the frontier has not done with: failed, due or claimed."""
        pending = {"url": {"$ne": FEED}, "$or": [{"state": {"$in": WAITING}}, {"claim": {"$exists": True}}]}
        return [each["url"] async for each in self.laboratory.database["frontier"].find(pending)]

    # ---- workers ---------------------------------------------------------------------------------------------------

    def _anybody(self) -> SimulatedWorker:
        return SimulatedWorker(self.world, Process("first", timedelta()), self.laboratory.connections[0])

    def _start(self, place: int) -> SimulatedWorker:
        self._started += 1
        skew = timedelta(days=self.luck.choice((0, 0, 1, -1)))
        # A worker with the name of one that was killed takes back at once what that one held.
        name = f"w{place}" if self.luck.random() < NAMED else f"w{place}.{self._started}"
        process = Process(name, skew)
        worker = SimulatedWorker(self.world, process, self.laboratory.connections[place])
        self.workers[place] = worker
        return worker

    def _blame(self, worker: SimulatedWorker) -> None:
        """Raise what a worker failed with, for it must not fail."""
        if worker.process.failure:
            raise AssertionError(
                f"{worker.process.name} failed: {worker.process.failure!r}"
            ) from worker.process.failure


WAITING: Final = ["due", "leased", "failed"]

STEPS_BY_WEIGHT: Final[dict[Callable[[Simulation], Awaitable[None]], float]] = {
    Simulation.work: 10,
    Simulation.pass_time: 4,
    Simulation.change_site: 2,
    Simulation.err: 1.5,
    Simulation.kill: 0.7,
    Simulation.beat: 1.5,
    Simulation.make_due: 1,
}
