"""What one worker does with the frontier that all workers share. It knows nothing of Scrapy.

It claims URLs and paces them, completes visits, and renews leases: three tasks, so that none waits for the round
trips of another.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
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

WORKER_LOOK_S = 0.05
"""How often the tasks look around when nobody calls them, in seconds."""
PAGE_GATHER_S = 0.005
"""Pages that were stored together come back one by one; so long they are waited for, to be completed together."""
LATE_S = 0.1
"""A reserved time may be used so long after it came. Limits count over a second or more: a tenth more at worst."""
MARK_S = 0.05
"""How often the requests that were sent are counted, in seconds: those of that time share an update."""
EMPTY_S = (0.1, 2.0)
"""Seconds after which a frontier that had nothing is asked again: at first, and at most."""


@dataclass(frozen=True, slots=True)
class ReadyRequest:
    """A lease whose time has come."""

    lease: Lease
    visit: VisitResult
    held_off_s: float | None = None
    """The circuit breaker of its host is open: it must not be asked for before so many seconds have passed."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A time at which a lease may be asked for."""

    lease: Lease
    at: float
    """When, by the clock of the loop."""
    step_s: float
    """The time from one request of any worker to the next."""
    held_off_s: float | None = None
    """It must not be asked for at all for so many seconds: the circuit breaker of its host is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlCallbacks:
    """The rest of the crawl, as the worker sees it."""

    host: Callable[[str], str]
    """Host and port that a canonical URL is fetched from."""
    under_way: Callable[[], Collection[object]]
    """What is not over yet: the visits of leases, and whatever else leads to more."""
    wake: Callable[[], None]
    """Have ready requests taken."""
    mark_gone: Callable[[Collection[str], datetime], Awaitable[object]]
    """Tell the archive which articles, by key, the site has removed."""
    count: Callable[[str], None]
    """Count one event of the run."""


class Worker:
    """Claims what is due ahead of its turn, and holds a lease until all that came of it is stored.

    At most `in_flight` URLs are given out and not yet completed: so many are fetched again when this process is killed.
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
        self._empty = _EmptyFrontier()
        self._new_work = 0
        self._unmarked: list[Lease] = []
        self._marked_at = 0.0
        self._work_wanted, self._page_returned = asyncio.Event(), asyncio.Event()

    # ---- for whoever fetches ------------------------------------------------------------------------------

    def take(self) -> ReadyRequest | None:
        """The next URL to be fetched; None when no time has come, or enough are under way."""
        self._work_wanted.set()
        self._page_returned.set()
        now = asyncio.get_running_loop().time()
        while self.ready and len(self.taken) < self.in_flight:
            reservation = self.ready.popleft()
            if not self.is_missed(reservation, now):
                self.taken_at = now if reservation.held_off_s is None else self.taken_at
                request = ReadyRequest(reservation.lease, VisitResult(), reservation.held_off_s)
                self.taken[id(request.visit)] = request
                if request.held_off_s is None:
                    self._unmarked.append(request.lease)
                return request
            self.wait(reservation.lease)
        return None

    def wait(self, lease: Lease) -> None:
        """Have a lease wait for a time at which its host may be asked."""
        self.waiting.setdefault(self.callbacks.host(lease.url), deque()).append(lease)

    def is_missed(self, reservation: Reservation, now: float) -> bool:
        """Whether a reserved time is over: after a standstill, all that have piled up would come at once.

        One of them may go all the same, lest a worker that is always late gets nowhere.
        """
        late = reservation.step_s > 0 and now - reservation.at > LATE_S
        return late and now - self.taken_at < reservation.step_s

    def note_new_work(self) -> None:
        """Take note that there may be more to do: what was judged before this does not count."""
        self._new_work += 1
        self.exhausted = False
        self._empty.reset()
        self._work_wanted.set()

    # ---- tasks --------------------------------------------------------------------------------------------

    async def claim_and_pace(self) -> None:
        """Claim and pace, for as long as the crawl lasts."""
        was_idle = False
        while True:
            self._work_wanted.clear()
            idle, new_work = self.is_idle(), self._new_work
            if idle and not was_idle:
                self._empty.reset()
            was_idle = idle
            claimed = await self.claim()
            for host in list(self.waiting):
                await self.pace(host)
            over = idle and claimed == 0 and not await self.may_get_more()
            # Links that came in while the frontier was asked were perhaps not seen.
            self.exhausted = over and new_work == self._new_work
            if self.exhausted or self.ready:
                self.callbacks.wake()
            await _set(self._work_wanted, WORKER_LOOK_S)

    async def complete_visits(self) -> None:
        """Complete the visits that are over, for as long as the crawl lasts."""
        while True:
            await _set(self._page_returned, WORKER_LOOK_S)
            self._page_returned.clear()
            if await self.complete():
                self.callbacks.wake()
            await self.mark_sent()

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
        if room < self.in_flight or self._empty.lasts():
            return None
        leases = await self.frontier.claim(room, self.editions)
        self._empty.note(found=bool(leases))
        for lease in leases:
            self.wait(lease)
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
        # A host that refuses pages is asked for none: times for them would be lost to the feeds.
        requests = max(1, len(queue) - pages) if host in self.refusing else len(queue)
        grant = await self.frontier.hosts.reserve(host, requests, pages=pages > 0)
        self.full_until[host] = loop.time() + grant.again_in_s
        self.refusing.discard(host)
        if grant.breaker is not Breaker.CLOSED:
            self.refusing.add(host)
            queue = self.waiting[host] = self.hold_off(queue, grant)
        for wait_s in grant.waits_s[: len(queue)]:
            self.paced += 1
            at = loop.time() + wait_s
            loop.call_at(at, self.offer, Reservation(queue.popleft(), at, grant.step_s))

    def hold_off(self, queue: Collection[Lease], grant: RateGrant) -> deque[Lease]:
        """Let go of the pages that must not be asked for; what is left, the page first that is the probe."""
        pages = [lease for lease in queue if lease.kind in PAGE_KINDS]
        probes = pages[:1] if grant.breaker is Breaker.PROBING else []
        now = asyncio.get_running_loop().time()
        self.ready.extend(Reservation(lease, now, 0.0, grant.pages_again_in_s) for lease in pages[len(probes) :])
        return deque([*probes, *(lease for lease in queue if lease.kind not in PAGE_KINDS)])

    def offer(self, reservation: Reservation) -> None:
        """Make a lease whose time has come ready to be taken."""
        self.paced -= 1
        self.ready.append(reservation)
        self.callbacks.wake()

    async def complete(self) -> bool:
        """Acknowledge the leases of the visits that are over; whether there were any.

        They count as taken until that is written down. Safe to repeat when it was cancelled or failed.
        """
        busy = set(map(id, self.callbacks.under_way()))
        over = {key: request for key, request in self.taken.items() if key not in busy}
        if not over:
            return False
        now = self.frontier.now()
        completions = [self.completion(request, now) for request in over.values()]
        await self.mark_gone(
            completions, {request.lease.key: request.visit.asked_at or now for request in over.values()}
        )
        for lease in await self.frontier.acknowledge(completions):
            logger.warning("the lease of %s was lost to another worker before it was done", lease.url)
        for key, request in over.items():
            del self.taken[key]
            if request.visit.outcome is None:
                self.callbacks.count("frontier/abandoned")
        return True

    def completion(self, request: ReadyRequest, now: datetime) -> Completion:
        """What the frontier records of a visit that is over."""
        depth = self.arguments.max_depth
        return completion_of(request.lease, request.visit, now, max_depth=depth, held_off_s=request.held_off_s)

    async def mark_sent(self) -> None:
        """Have the requests counted that were sent lately: one that takes its worker down is not tried for ever.

        What was answered and completed within `MARK_S` needs no mark.
        """
        now = asyncio.get_running_loop().time()
        if not self._unmarked or now - self._marked_at < MARK_S:
            return
        leases, self._unmarked, self._marked_at = self._unmarked, [], now
        under_way = {request.lease.key for request in self.taken.values()}
        await self.frontier.mark_sent([lease for lease in leases if lease.key in under_way])

    async def mark_gone(self, completions: list[Completion], asked_at: Mapping[str, datetime]) -> None:
        """Tell the archive of articles that become tombstones, before the frontier forgets that they were due.

        `asked_at` by key: what was seen of an article by another worker since then holds.
        """
        gone: dict[datetime, list[str]] = {}
        for each in completions:
            if urls.is_article(each.lease.kind) and self.frontier.removes(each):
                gone.setdefault(asked_at[each.lease.key], []).append(each.lease.key)
        for at, keys in gone.items():
            await self.callbacks.mark_gone(keys, at)

    async def hand_back(self) -> None:
        """Complete what is over and release the rest, so that others go on at once."""
        await self.complete()
        await self.frontier.release(self.frontier.leases)


class _EmptyFrontier:
    """How long a frontier that had nothing is left alone."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._pause_s = self._until = 0.0

    def note(self, *, found: bool) -> None:
        first, longest = EMPTY_S
        self._pause_s = 0.0 if found else min(longest, max(first, 2 * self._pause_s))
        self._until = asyncio.get_running_loop().time() + self._pause_s

    def lasts(self) -> bool:
        return asyncio.get_running_loop().time() < self._until


async def _set(event: asyncio.Event, patience_s: float) -> None:
    """Wait until an event is set, and a moment more for others to set it; not longer than the patience."""
    # Not wait_for: before Python 3.12 it can swallow a cancellation.
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_s):
            await event.wait()
    await asyncio.sleep(PAGE_GATHER_S)
