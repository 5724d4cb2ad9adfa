"""What one worker does with the frontier that all share: it claims, paces, settles and renews. Nothing of Scrapy.

Three tasks of their own, so that none waits for the round trips of another.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from rfispider.crawl.arguments import Arguments
from rfispider.crawl.scheduler.visit import completion_of
from rfispider.frontier import Completion, Frontier, Lease, RateGrant
from rfispider.frontier.policy.politeness import Breaker
from rfispider.items import FETCHABLE_KINDS, PAGE_KINDS, VisitResult
from rfispider.site import urls

logger = logging.getLogger(__name__)

LOOK_S = 0.05
"""How often the tasks look around when nobody calls them, in seconds."""
GATHER_S = 0.005
"""Pages that were stored together come back one by one: so long they are waited for, to be settled together."""
LATE_S = 0.1
"""A turn may be taken so long after its time. Limits count over a second or more: this is a tenth more at worst."""
DRY_S = (0.1, 2.0)
"""A frontier that had nothing is asked again after this at first, and at most after that, in seconds."""


@dataclass(frozen=True, slots=True)
class ReadyRequest:
    """A lease whose turn has come."""

    lease: Lease
    visit: VisitResult
    held_off_s: float | None = None
    """The circuit breaker of the host is open: it must not be asked for before so many seconds have passed."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Leave to ask for a lease at a time."""

    lease: Lease
    at: float
    """When, by the clock of the loop."""
    step_s: float
    """The time to the next slot of anybody."""
    held_off_s: float | None = None
    """It is no leave at all, for so many seconds: the circuit breaker of the host is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlCallbacks:
    """The rest of the crawl, as the worker sees it."""

    host: Callable[[str], str]
    """Host and port that a canonical URL is fetched from."""
    under_way: Callable[[], Collection[object]]
    """What is not over yet: the attempts of turns, and whatever else leads to more."""
    wake: Callable[[], None]
    """Have turns asked for."""
    mark_gone: Callable[[Collection[str], datetime], Awaitable[object]]
    """Tell the archive which articles, by key, the site has removed."""
    count: Callable[[str], None]
    """Count one event of the run."""


class Worker:
    """Claims what is due ahead of its turn, and holds a lease until all that came of it is stored.

    At most `in_flight` URLs are given out and not yet settled: so many are fetched again when this process is killed.
    """

    def __init__(self, frontier: Frontier, arguments: Arguments, in_flight: int, callbacks: CrawlCallbacks) -> None:
        self.frontier = frontier
        self.arguments = arguments
        self.in_flight = in_flight
        self.callbacks = callbacks
        self.editions = [*arguments.editions, None]
        self.waiting: dict[str, deque[Lease]] = {}
        self.paced = 0
        self.ready: deque[Reservation] = deque()
        self.taken_at = 0.0
        self.taken: dict[int, ReadyRequest] = {}
        self.full_until: dict[str, float] = {}
        self.refusing: set[str] = set()
        self.exhausted = False
        self._dry = _Dry()
        self._news = 0
        self._called, self._returned = asyncio.Event(), asyncio.Event()

    # ---- for whoever fetches ------------------------------------------------------------------------------

    def take(self) -> ReadyRequest | None:
        """The next URL to be fetched; None when no turn has come or enough are under way."""
        self._called.set()
        self._returned.set()
        now = asyncio.get_running_loop().time()
        while self.ready and len(self.taken) < self.in_flight:
            slot = self.ready.popleft()
            if not self.is_missed(slot, now):
                self.taken_at = now if slot.held_off_s is None else self.taken_at
                ready_request = ReadyRequest(slot.lease, VisitResult(), slot.held_off_s)
                self.taken[id(ready_request.visit)] = ready_request
                return ready_request
            self.waiting.setdefault(self.callbacks.host(slot.lease.url), deque()).append(slot.lease)
        return None

    def is_missed(self, slot: Reservation, now: float) -> bool:
        """Whether the time of a slot is over: after a standstill, all that have piled up would come at once.

        One of them may go all the same, lest a worker that is always late gets nowhere.
        """
        late = slot.step_s > 0 and now - slot.at > LATE_S
        return late and now - self.taken_at < slot.step_s

    def note_new_work(self) -> None:
        """Take note that there may be more to do: what was judged before this does not count."""
        self._news += 1
        self.exhausted = False
        self._dry.reset()
        self._called.set()

    # ---- tasks --------------------------------------------------------------------------------------------

    async def claim_and_pace(self) -> None:
        """Claim and pace, for as long as the crawl lasts."""
        was_idle = False
        while True:
            self._called.clear()
            idle, news = self.is_idle(), self._news
            if idle and not was_idle:
                self._dry.reset()
            was_idle = idle
            claimed = await self.claim()
            for host in list(self.waiting):
                await self.pace(host)
            over = idle and claimed == 0 and not await self.may_get_more()
            # Links that came in while the frontier was asked were perhaps not seen.
            self.exhausted = over and news == self._news
            if self.exhausted or self.ready:
                self.callbacks.wake()
            await _called(self._called, LOOK_S)

    async def complete_visits(self) -> None:
        """Settle what is over, for as long as the crawl lasts."""
        while True:
            await _called(self._returned, LOOK_S)
            self._returned.clear()
            if await self.complete():
                self.callbacks.wake()

    async def renew_leases(self) -> None:
        """Renew the leases, for as long as the crawl lasts."""
        while True:
            await asyncio.sleep(self.frontier.lease_s / 3)
            for lease in await self.frontier.heartbeat():
                logger.warning("the lease of %s was lost to another worker", lease.url)
            if taken_back := await self.frontier.recover():
                logger.info("leases taken back from workers of this machine that have died: %d", taken_back)

    # ---- their steps --------------------------------------------------------------------------------------

    def is_idle(self) -> bool:
        """Whether this worker has nothing at all in hand."""
        return not (self.taken or self.ready or self.paced or any(self.waiting.values()) or self.callbacks.under_way())

    async def claim(self) -> int | None:
        """Lease more URLs if there is room; how many were got, None when the frontier was not asked."""
        if self.arguments.is_offline:
            return 0
        # Enough for the round trips of a claim to a database far away; more would keep other workers idle at the end.
        room = 2 * self.in_flight - len(self.ready) - self.paced - sum(map(len, self.waiting.values()))
        if room < self.in_flight or self._dry.lasts():
            return None
        leases = await self.frontier.claim(room, self.editions)
        self._dry.note(found=bool(leases))
        for lease in leases:
            self.waiting.setdefault(self.callbacks.host(lease.url), deque()).append(lease)
        return len(leases)

    async def may_get_more(self) -> bool:
        """Whether there is reason to stay although nothing was got: what others hold may lead to more, or fail."""
        if self.arguments.follow or self.arguments.is_offline:
            return self.arguments.follow
        pending = await self.frontier.statistics.pending(self.editions, FETCHABLE_KINDS)
        return pending.due or pending.leased_elsewhere > 0

    async def pace(self, host: str) -> None:
        """Give the leases that wait for a host their times within the budget that all workers share."""
        queue, loop = self.waiting[host], asyncio.get_running_loop()
        if not queue or loop.time() < self.full_until.get(host, 0.0):
            return
        pages = sum(lease.kind in PAGE_KINDS for lease in queue)
        # A host that refuses pages is asked for none: slots for them would be lost to the feeds.
        wanted = max(1, len(queue) - pages) if host in self.refusing else len(queue)
        slots = await self.frontier.hosts.reserve(host, wanted, pages=pages > 0)
        self.full_until[host] = loop.time() + slots.again_in_s
        self.refusing.discard(host)
        if slots.breaker is not Breaker.CLOSED:
            self.refusing.add(host)
            queue = self.waiting[host] = self.hold_off(queue, slots)
        for wait_s in slots.waits_s[: len(queue)]:
            self.paced += 1
            at = loop.time() + wait_s
            loop.call_at(at, self.offer, Reservation(queue.popleft(), at, slots.step_s))

    def hold_off(self, queue: Collection[Lease], slots: RateGrant) -> deque[Lease]:
        """Let go of the pages that must not be asked for; what is left, the page first that is the probe."""
        pages = [lease for lease in queue if lease.kind in PAGE_KINDS]
        probes = pages[:1] if slots.breaker is Breaker.PROBING else []
        now = asyncio.get_running_loop().time()
        self.ready.extend(Reservation(lease, now, 0.0, slots.pages_again_in_s) for lease in pages[len(probes) :])
        return deque([*probes, *(lease for lease in queue if lease.kind not in PAGE_KINDS)])

    def offer(self, slot: Reservation) -> None:
        """Make a lease whose time has come ready to be taken."""
        self.paced -= 1
        self.ready.append(slot)
        self.callbacks.wake()

    async def complete(self) -> bool:
        """Acknowledge the leases whose visits are over; whether there were any.

        They count as taken until that is written down. Safe to repeat when it was cancelled or failed.
        """
        busy = set(map(id, self.callbacks.under_way()))
        over = {key: ready_request for key, ready_request in self.taken.items() if key not in busy}
        if not over:
            return False
        now = self.frontier.now()
        done = [self.report(ready_request, now) for ready_request in over.values()]
        await self.mark_gone(done, now)
        for lease in await self.frontier.acknowledge(done):
            logger.warning("the lease of %s was lost to another worker before it was done", lease.url)
        for key, ready_request in over.items():
            del self.taken[key]
            if ready_request.visit.outcome is None:
                self.callbacks.count("frontier/abandoned")
        return True

    def report(self, ready_request: ReadyRequest, now: datetime) -> Completion:
        """What the frontier is told of a visit that is over."""
        depth = self.arguments.max_depth
        return completion_of(
            ready_request.lease, ready_request.visit, now, max_depth=depth, held_off_s=ready_request.held_off_s
        )

    async def mark_gone(self, done: list[Completion], now: datetime) -> None:
        """Tell the archive of articles that become tombstones, before the frontier forgets that they were due."""
        gone = [each.lease.key for each in done if urls.is_article(each.lease.kind) and self.frontier.removes(each)]
        if gone:
            await self.callbacks.mark_gone(gone, now)

    async def hand_back(self) -> None:
        """Settle what is over and release the rest, so that others go on at once."""
        await self.complete()
        await self.frontier.release(self.frontier.held)


class _Dry:
    """How long a frontier that had nothing is left alone."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._pause_s = self._until = 0.0

    def note(self, *, found: bool) -> None:
        first, longest = DRY_S
        self._pause_s = 0.0 if found else min(longest, max(first, 2 * self._pause_s))
        self._until = asyncio.get_running_loop().time() + self._pause_s

    def lasts(self) -> bool:
        return asyncio.get_running_loop().time() < self._until


async def _called(event: asyncio.Event, patience_s: float) -> None:
    """Wait until called, and a moment more for others who call; not longer than the patience."""
    # Not wait_for: before Python 3.12 it can swallow a cancellation.
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_s):
            await event.wait()
    await asyncio.sleep(GATHER_S)
