"""Scrapy's scheduler on the shared frontier: what is due is leased, paced, fetched, and acknowledged when stored.

A lease is acknowledged only when Scrapy has let go of its request: the response downloaded, the callback
exhausted, every item out of the pipelines, every link in the frontier. A visit without an outcome has failed.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, cast

from scrapy import Request, Spider, signals
from scrapy.core.scheduler import BaseScheduler, Scheduler
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider
from scrapy.http import Response
from scrapy.utils.defer import deferred_from_coro
from scrapy.utils.misc import build_from_crawler
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from rfispider import mongod
from rfispider.frontier import FETCHABLE, Done, Frontier, Lease, Validators
from rfispider.items import Attempt, Link, Outcome
from rfispider.pipelines import NotStored
from rfispider.politeness import PAGES, Breaker, Limits
from rfispider.revisit import POLL_KEYS, SOURCES, Poll
from rfispider.settings import number, request_rate
from rfispider.spiders.rfi import RfiSpider
from rfispider.store import StoreError, explained

logger = logging.getLogger(__name__)

BUSY_S, IDLE_S = 0.02, 0.5
"""How often the frontier is looked at while pages are under way, and while none is, in seconds."""
GRACE_S = 10.0
"""How long a crawl that is asked to stop waits for the pages in flight, in seconds."""


class FrontierScheduler(BaseScheduler):
    """Hands out requests for leases of the frontier, and settles the leases when their requests are done with."""

    def __init__(self, crawler: Crawler, *, limits: Limits, concurrency: int) -> None:
        self.crawler = crawler
        self.limits = limits
        self.buffer = concurrency * 2
        self.local: deque[Request] = deque()
        self.ready: deque[tuple[Lease, bool]] = deque()
        self.waiting: dict[str, deque[Lease]] = {}
        self.paced = 0
        self.taken: dict[str, tuple[Lease, Attempt]] = {}
        self.shut_until: dict[str, float] = {}
        self.exhausted = False
        self.closing = False
        self.closing_at: float | None = None
        self.awake = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []
        self.closer: asyncio.Task[None] | None = None
        for signal, receiver in (
            (signals.spider_opened, self.spider_opened),
            (signals.spider_error, self.spider_error),
            (signals.item_error, self.item_error),
            (signals.item_dropped, self.item_dropped),
        ):
            crawler.signals.connect(receiver, signal=signal)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the limits from the settings, and make the scheduler known to the middlewares.

        Another spider than ours, such as that of `scrapy shell`, gets Scrapy's own scheduler.
        """
        if not isinstance(crawler.spider, RfiSpider):
            return cast("Self", build_from_crawler(Scheduler, crawler))
        limits = Limits(rate=request_rate(crawler.settings))
        concurrency = int(number(crawler.settings, "RFI_CONCURRENCY", least=1))
        scheduler = cls(crawler, limits=limits, concurrency=concurrency)
        scheduler.spider.scheduler = scheduler
        return scheduler

    @property
    def spider(self) -> RfiSpider:
        """The spider that reads what is fetched."""
        spider = self.crawler.spider
        assert isinstance(spider, RfiSpider)  # noqa: S101 - this scheduler is of use to it alone
        return spider

    # ---- Scrapy's side -----------------------------------------------------------------------------------

    def open(self, spider: Spider) -> "Deferred[None]":  # noqa: ARG002 - as Scrapy calls it
        """Connect to the frontier, and take back what dead workers of this machine held."""
        return deferred_from_coro(self.connect())

    def close(self, reason: str) -> "Deferred[None]":  # noqa: ARG002 - as Scrapy calls it
        """Settle what is done, hand back what is not."""
        return deferred_from_coro(self.disconnect())

    def has_pending_requests(self) -> bool:
        """Whether the crawl may have more to do."""
        return not self.exhausted or bool(self.local or self.ready)

    def enqueue_request(self, request: Request) -> bool:
        """Take a request that Scrapy made itself: a redirect, a retry, the reading of an archive."""
        self.local.append(request)
        self.exhausted = False
        return True

    def next_request(self) -> Request | None:
        """Give the next request whose turn has come."""
        self.awake.set()
        if self.local:
            return self.local.popleft()
        if not self.ready or len(self.taken) >= self.buffer:
            return None
        lease, refused = self.ready.popleft()
        attempt = Attempt()
        self.taken[lease.key] = (lease, attempt)
        request = self.spider.request(link_of(lease), attempt, conditions(lease.validators))
        request.meta.update(body_hash=lease.validators.body_hash, refused=refused, kind=lease.kind)
        request.meta["polled_at"] = lease.poll and lease.poll.at
        return request

    # ---- the frontier's side -----------------------------------------------------------------------------

    async def connect(self) -> None:
        """Open the frontier and start to work; if it cannot be reached, say why in one line."""
        settings = self.crawler.settings
        try:
            uri = await asyncio.to_thread(mongod.uri, settings["MONGO_URI"], Path(settings["RFI_DATA"]))
            with explained("opening the frontier", uri):
                self.frontier = await Frontier.open(uri, settings["MONGO_DATABASE"], limits=self.limits)
                await self.frontier.recover()
        except (mongod.MongodError, StoreError) as error:
            logger.error("%s", error)  # noqa: TRY400 - one line for a person, no traceback
            self.spider.unreachable = True
            return
        self.uri = uri
        self.tasks = [asyncio.ensure_future(self.guard(task)) for task in (self.work(), self.beat())]

    def spider_opened(self) -> None:
        """End the crawl if it cannot begin; raised earlier, this would keep Scrapy from closing what it opened.

        Raises:
            CloseSpider: the archive cannot be reached.

        """
        if self.spider.unreachable:
            raise CloseSpider("archive-unreachable")

    async def disconnect(self) -> None:
        """Stop to work; acknowledge what is done and release the rest, so that others go on at once."""
        self.closing = True
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if not self.tasks:
            return
        try:
            with explained("handing leases back", self.uri):
                await self.settle()
                await self.frontier.release(self.frontier.held)
        except StoreError as error:
            logger.error("%s; they run out by themselves", error)  # noqa: TRY400 - one line for a person
        finally:
            await self.frontier.close()

    async def guard(self, task: Awaitable[None]) -> None:
        """Run a task; end the crawl when it cannot go on."""
        try:
            with explained("working on the frontier", self.uri):
                await task
        except StoreError as error:
            logger.error("the frontier is out of reach, the crawl stops: %s", error)  # noqa: TRY400 - one line
            self.end("frontier-failed")
        except Exception:
            # Without this task nothing would ever come due again, and the crawl would wait for ever.
            logger.exception("a fault in the scheduler, the crawl stops")
            self.end("scheduler-failed")

    def end(self, reason: str) -> None:
        """End the crawl; not awaited here, for closing waits for the task that asks for it."""
        self.closer = asyncio.ensure_future(self.crawler.engine.close_spider_async(reason=reason))

    async def beat(self) -> None:
        """Renew the leases while this worker lives."""
        while True:
            await asyncio.sleep(self.frontier.lease_s / 3)
            for lease in await self.frontier.heartbeat():
                logger.warning("the lease of %s was lost to another worker", lease.url)

    async def work(self) -> None:
        """Settle, claim and pace, for as long as the crawl lasts."""
        while not self.closing:
            self.hasten()
            await self.settle()
            idle = not (self.taken or self.ready or self.paced or self.local or any(self.waiting.values()))
            claimed = await self.claim()
            for host in list(self.waiting):
                await self.pace(host)
            self.exhausted = idle and not claimed and not await self.may_get_more()
            if self.exhausted or self.ready:
                self.wake_engine()
            self.awake.clear()
            # Not wait_for: before Python 3.12 it can swallow a cancellation.
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_S if idle and not claimed else BUSY_S):
                    await self.awake.wait()
            await asyncio.sleep(BUSY_S / 2)

    def hasten(self) -> None:
        """Once a crawl that is closing has waited long enough for its pages, let it close without them."""
        slot, now = self.crawler.engine._slot, asyncio.get_running_loop().time()  # noqa: SLF001 - no public way
        if not slot or slot.closing is None or slot.closing.called:
            return
        self.closing_at = self.closing_at or now
        if now - self.closing_at < GRACE_S:
            return
        logger.info("%d pages in flight are given back unfinished", len(slot.inprogress))
        slot.nextcall.cancel()
        if slot.heartbeat.running:
            slot.heartbeat.stop()
        slot.closing.callback(None)

    def wake_engine(self) -> None:
        """Let the engine look at the scheduler at once instead of at its next heartbeat."""
        slot = self.crawler.engine._slot  # noqa: SLF001 - there is no public way
        if slot:
            slot.nextcall.schedule()

    async def claim(self) -> bool:
        """Lease more URLs if there is room; whether any were got."""
        room = self.buffer - len(self.ready) - self.paced - sum(map(len, self.waiting.values()))
        if room < self.buffer / 2 or self.spider.arguments.is_offline:
            return False
        leases = await self.frontier.claim(room, [*self.spider.arguments.editions, None])
        for lease in leases:
            self.waiting.setdefault(self.spider.host(lease.url), deque()).append(lease)
        return bool(leases)

    async def may_get_more(self) -> bool:
        """Whether there is reason to stay although nothing was got: what others hold may lead to more, or fail."""
        arguments = self.spider.arguments
        if arguments.follow or arguments.is_offline:
            return arguments.follow
        pending = await self.frontier.census.pending([*arguments.editions, None], FETCHABLE)
        return pending.due or pending.leased_elsewhere > 0

    async def pace(self, host: str) -> None:
        """Give the leases that wait for a host their times within the budget that all workers share."""
        queue, loop = self.waiting[host], asyncio.get_running_loop()
        if not queue or loop.time() < self.shut_until.get(host, 0.0):
            return
        slots = await self.frontier.hosts.reserve(host, len(queue))
        self.shut_until[host] = loop.time() + slots.again_in_s
        probes = int(slots.breaker is Breaker.PROBING)
        for wait_s in slots.waits_s:
            lease = queue.popleft()
            refused = slots.breaker is not Breaker.CLOSED and lease.kind in PAGES and not probes
            probes -= bool(probes) and lease.kind in PAGES
            self.paced += 1
            loop.call_later(max(0.0, wait_s), self.offer, lease, refused)

    def offer(self, lease: Lease, refused: bool) -> None:  # noqa: FBT001 - handed on by the loop
        """Make a lease whose time has come ready for the engine."""
        self.paced -= 1
        self.ready.append((lease, refused))
        self.wake_engine()

    async def settle(self) -> None:
        """Acknowledge the leases whose requests Scrapy has let go of."""
        slot = self.crawler.engine._slot  # noqa: SLF001 - there is no public way
        under_way = [*(slot.inprogress if slot else ()), *self.local]
        busy = {id(request.meta.get("attempt")) for request in under_way}
        over = [key for key, (_, attempt) in self.taken.items() if id(attempt) not in busy]
        for key in over:
            if self.taken[key][1].outcome is None:
                self.crawler.stats.inc_value("frontier/abandoned")
        done = [done_of(*self.taken.pop(key), self.frontier.now()) for key in over]
        for lease in await self.frontier.acknowledge(done):
            logger.warning("the lease of %s was lost to another worker before it was done", lease.url)

    async def add(self, links: Iterable[Link], *, stale_s: float | None = None) -> None:
        """Put links into the frontier.

        Raises:
            StoreError: the frontier does not take them.

        """
        limit = self.spider.arguments.depth
        by_urgency: dict[bool, list[Link]] = {}
        for link in links:
            by_urgency.setdefault(link.backfill, []).append(link)
        with explained("writing to the frontier", self.uri):
            for backfill, group in by_urgency.items():
                depth = limit if limit >= 0 else None
                await self.frontier.add(group, backfill=backfill, stale_s=stale_s, max_depth=depth)
        self.exhausted = False
        self.awake.set()

    async def found_since(self, links: Iterable[Link], since: datetime) -> bool:
        """Whether any of these links came into the frontier after a time of its server.

        Raises:
            StoreError: the frontier cannot be asked.

        """
        with explained("asking the frontier", self.uri):
            return await self.frontier.found_since(links, since)

    # ---- what goes wrong on the way ----------------------------------------------------------------------

    def spider_error(self, failure: Failure, response: Response | Failure) -> None:
        """A callback raised: what it found is not complete."""
        spoil(response, f"{type(failure.value).__name__}: {failure.value}")

    def item_error(self, failure: Failure, response: Response | Failure | None) -> None:
        """A pipeline raised: what it was given is lost."""
        spoil(response, f"{type(failure.value).__name__}: {failure.value}")

    def item_dropped(self, exception: Exception, response: Response | Failure | None) -> None:
        """A pipeline dropped an item: of no matter unless the archive refused it."""
        if isinstance(exception, NotStored):
            spoil(response, str(exception))


def spoil(response: Response | Failure | None, reason: str) -> None:
    """Make the visit that a response belongs to a failed one."""
    request: Request | None = getattr(response, "request", None)
    if request and (attempt := request.meta.get("attempt")):
        attempt.spoil(reason)


def link_of(lease: Lease) -> Link:
    """The link that a lease stands for."""
    return Link(
        url=lease.url,
        kind=lease.kind,
        edition=lease.edition,
        depth=lease.depth,
        found_on=lease.found_on,
        entry=lease.entry,
        backfill=lease.priority < 0,
    )


def conditions(validators: Validators) -> dict[str, str]:
    """The headers of a conditional GET."""
    told = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    return {name: value for name, value in told.items() if value}


def done_of(lease: Lease, attempt: Attempt, now: datetime) -> Done:
    """What the frontier is told of a visit."""
    outcome = attempt.outcome or Outcome.FAILED
    fetched = outcome not in {Outcome.FAILED, Outcome.BLOCKED, Outcome.STUB, Outcome.GONE, Outcome.UNCHANGED}
    validators = Validators(etag=attempt.etag, last_modified=attempt.last_modified, body_hash=attempt.body_hash)
    return Done(
        lease=lease,
        outcome=outcome,
        status=attempt.status,
        error=attempt.error or (None if attempt.outcome else "nothing came of it"),
        validators=validators if fetched else None,
        published_at=attempt.published_at,
        poll=poll_of(attempt, now) if fetched and lease.kind in SOURCES else None,
    )


def poll_of(attempt: Attempt, now: datetime) -> Poll:
    """What a look at a source showed."""
    times = sorted(attempt.times)
    return Poll(
        at=now.astimezone(UTC),
        keys=tuple(attempt.listed[:POLL_KEYS]),
        oldest_at=times[0] if times else None,
        newest_at=times[-1] if times else None,
    )
