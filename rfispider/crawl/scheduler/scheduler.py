"""What Scrapy's engine sees of the frontier: a scheduler that hands out requests."""

import asyncio
import gc
import logging
from collections import deque
from collections.abc import Awaitable, Collection, Iterable
from datetime import datetime
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

from rfispider.crawl.pipelines import NotStored, Save
from rfispider.crawl.run_text import Backlog
from rfispider.crawl.scheduler.link_buffer import Links
from rfispider.crawl.scheduler.visit import conditions, link_of
from rfispider.crawl.scheduler.worker import CrawlCallbacks, ReadyRequest, Worker
from rfispider.crawl.spiders.rfi import RfiSpider
from rfispider.frontier import Frontier, Validators
from rfispider.frontier.policy.politeness import Breaker, Limits
from rfispider.items import FETCHABLE_KINDS, Link
from rfispider.mongo import connection
from rfispider.settings import in_flight, request_rate
from rfispider.storage import DatabaseError

logger = logging.getLogger(__name__)

GRACE_S = 10.0
"""How long a crawl that is asked to stop waits for the pages in flight, in seconds."""
WATCH_S = 0.5
GARBAGE = 10_000
"""New objects after which Python looks for cycles among them: a page makes some thousands, few of them in cycles."""
COUNTED = 100_000
"""What is due is counted up to this: that takes about a tenth of a second of the server's time."""


class FrontierScheduler(BaseScheduler):
    """Hands out requests for what the worker has claimed, and keeps the worker going."""

    frontier: Frontier

    def __init__(self, crawler: Crawler, *, limits: Limits, in_flight: int) -> None:
        self.crawler = crawler
        self.limits = limits
        self.in_flight = in_flight
        self.worker: Worker | None = None
        self.local: deque[Request] = deque()
        self.closing_at: float | None = None
        self.left: Backlog | None = None
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
        scheduler = cls(crawler, limits=limits, in_flight=in_flight(crawler.settings))
        scheduler.spider.scheduler = scheduler
        return scheduler

    @property
    def spider(self) -> RfiSpider:
        """The spider that reads what is fetched."""
        spider = self.crawler.spider
        assert isinstance(spider, RfiSpider)  # noqa: S101 - this scheduler is of use to it alone
        return spider

    # ---- requests ----------------------------------------------------------------------------------------

    def has_pending_requests(self) -> bool:
        """Whether the crawl may have more to do."""
        worker = self.worker
        return worker is None or not worker.exhausted or bool(self.local or worker.ready)

    def enqueue_request(self, request: Request) -> bool:
        """Take a request that Scrapy made itself: a redirect, a retry, the reading of an archive."""
        self.local.append(request)
        if self.worker:
            self.worker.note_new_work()
        return True

    def next_request(self) -> Request | None:
        """Give the next request whose turn has come."""
        if self.local:
            return self.local.popleft()
        ready_request = self.worker.take() if self.worker else None
        return self.request(ready_request) if ready_request else None

    def request(self, ready_request: ReadyRequest) -> Request:
        """The request for a lease."""
        lease = ready_request.lease
        # Its links can be followed only in the page itself, not in the answer that it is unchanged.
        whole = lease.unfollowed and self.spider.arguments.reaches(lease.depth + 1)
        known = Validators() if whole else lease.validators
        request = self.spider.request(link_of(lease), ready_request.visit, conditions(known))
        request.meta.update(body_hash=known.body_hash, held_off=ready_request.held_off_s is not None, kind=lease.kind)
        request.meta["polled_at"] = lease.poll and lease.poll.at
        return request

    def under_way(self) -> list[object]:
        """What Scrapy still has in hand: the visits of leases, and requests of its own."""
        slot = self.crawler.engine._slot  # noqa: SLF001 - there is no public way
        requests = [*(slot.inprogress if slot else ()), *self.local]
        return [request.meta.get("attempt", request) for request in requests]

    def wake_engine(self) -> None:
        """Let the engine look at the scheduler at once instead of at its next heartbeat."""
        slot = self.crawler.engine._slot  # noqa: SLF001 - there is no public way
        if slot:
            slot.nextcall.schedule()

    # ---- opening and closing -----------------------------------------------------------------------------

    def open(self, spider: Spider) -> "Deferred[None]":  # noqa: ARG002 - as Scrapy calls it
        """Connect to the frontier, and take back what dead workers of this machine held."""
        return deferred_from_coro(self.connect())

    def close(self, reason: str) -> "Deferred[None]":  # noqa: ARG002 - as Scrapy calls it
        """Settle what is done, hand back what is not."""
        return deferred_from_coro(self.disconnect())

    async def connect(self) -> None:
        """Open the frontier and start to work; if it cannot be reached, say why in one line."""
        settings = self.crawler.settings
        try:
            uri = await asyncio.to_thread(connection.resolve_uri, settings["MONGO_URI"], Path(settings["RFI_DATA"]))
            self.frontier = await Frontier.open(uri, settings["MONGO_DATABASE"], limits=self.limits)
            await self.frontier.recover()
            await self.requeue_for_depth()
        except DatabaseError as error:
            logger.error("%s", error)  # noqa: TRY400 - one line for a person, no traceback
            self.spider.unreachable = True
            return
        # What has been loaded by now stays: to look through it each time would hold the reactor for 40 ms.
        gc.freeze()
        gc.set_threshold(GARBAGE)
        self.uri = uri
        self.links = Links(self.frontier, self.spider.arguments.max_depth)
        self.worker = worker = self.make_worker(self.frontier)
        tasks = (worker.claim_and_pace(), worker.complete_visits(), worker.renew_leases(), self.watch())
        self.tasks = [asyncio.ensure_future(self.guard(task)) for task in tasks]

    def make_worker(self, frontier: Frontier) -> Worker:
        """The worker of this crawl."""
        callbacks = CrawlCallbacks(
            host=self.spider.host,
            under_way=self.under_way,
            wake=self.wake_engine,
            mark_gone=self.mark_gone,
            count=self.spider.count,
        )
        return Worker(frontier, self.spider.arguments, self.in_flight, callbacks)

    async def requeue_for_depth(self) -> None:
        """Have pages read again whose links an earlier crawl left alone, if this one goes deeper."""
        arguments = self.spider.arguments
        if arguments.archive or not arguments.depth:
            return
        if pages := await self.frontier.requeue_for_depth(arguments.editions, arguments.max_depth):
            logger.info("pages to be read again, for an earlier crawl of less depth left their links alone: %d", pages)

    def spider_opened(self) -> None:
        """End the crawl if it cannot begin; raised earlier, this would keep Scrapy from closing what it opened.

        Raises:
            CloseSpider: the archive cannot be reached.

        """
        if self.spider.unreachable:
            raise CloseSpider("archive-unreachable")

    async def disconnect(self) -> None:
        """Stop to work; acknowledge what is done and release the rest, so that others go on at once."""
        if not self.worker:
            return
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        try:
            await self.worker.hand_back()
            self.left = await self.backlog()
        except DatabaseError as error:
            logger.error("%s; they run out by themselves", error)  # noqa: TRY400 - one line for a person
        finally:
            await self.frontier.close()

    async def guard(self, task: Awaitable[None]) -> None:
        """Run a task; end the crawl when it cannot go on."""
        try:
            await task
        except DatabaseError as error:
            logger.error("the frontier is out of reach, the crawl stops: %s", error)  # noqa: TRY400 - one line
            self.end("frontier-failed")
        except Exception:
            # Without this task nothing would ever come due again, and the crawl would wait for ever.
            logger.exception("a fault in the scheduler, the crawl stops")
            self.end("scheduler-failed")

    def end(self, reason: str) -> None:
        """End the crawl; not awaited here, for closing waits for the task that asks for it."""
        if not self.closer:
            self.closer = asyncio.ensure_future(self.crawler.engine.close_spider_async(reason=reason))

    async def backlog(self) -> Backlog:
        """What stands in the frontier for this run.

        Raises:
            DatabaseError: the frontier cannot be asked.

        """
        editions: list[str | None] = [*self.spider.arguments.editions, None]
        due = await self.frontier.statistics.due(editions, COUNTED)
        pending = await self.frontier.statistics.pending(editions, FETCHABLE_KINDS)
        hosts = await self.frontier.hosts.budgets()
        return Backlog(
            due={edition or "no edition": urls for edition, urls in due.items()},
            leased_elsewhere=pending.leased_elsewhere,
            next_in_s=pending.next_in_s,
            counted_to=COUNTED,
            refusing=[host["_id"] for host in hosts if host.get("breaker", Breaker.CLOSED) != Breaker.CLOSED],
        )

    async def watch(self) -> None:
        """Once a crawl that is closing has waited long enough for its pages, let it close without them."""
        while True:
            await asyncio.sleep(WATCH_S)
            self.force_close(asyncio.get_running_loop().time())

    def force_close(self, now: float) -> None:
        """Give pages back unfinished when the time for them is over."""
        slot = self.crawler.engine._slot  # noqa: SLF001 - there is no public way
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

    # ---- what comes of a page ----------------------------------------------------------------------------

    async def add(self, links: Iterable[Link], *, stale_s: float | None = None) -> None:
        """Put links into the frontier.

        Raises:
            DatabaseError: the frontier does not take them.

        """
        written = await self.links.add(links, stale_s)
        if self.worker and written:
            self.worker.note_new_work()

    async def found_since(self, links: Iterable[Link], since: datetime) -> bool:
        """Whether any of these links came into the frontier after a time of its server.

        Raises:
            DatabaseError: the frontier cannot be asked.

        """
        return await self.frontier.found_since(links, since)

    async def mark_gone(self, keys: Collection[str], at: datetime) -> None:
        """Tell the archive, where the crawl has one, that the site has removed articles.

        Raises:
            DatabaseError: the archive does not take it.

        """
        pipeline = self.crawler.get_item_pipeline(Save)
        if pipeline and pipeline.store:
            marked_gone = await pipeline.store.mark_gone(keys, at)
            self.crawler.stats.inc_value("archive/buried", len(marked_gone))

    def spider_error(self, failure: Failure, response: Response | Failure) -> None:
        """A callback raised: what it found is not complete."""
        fail(response, f"{type(failure.value).__name__}: {failure.value}")

    def item_error(self, failure: Failure, response: Response | Failure | None) -> None:
        """A pipeline raised: what it was given is lost."""
        fail(response, f"{type(failure.value).__name__}: {failure.value}")

    def item_dropped(self, exception: Exception, response: Response | Failure | None) -> None:
        """A pipeline dropped an item: of no matter unless the archive refused it."""
        if isinstance(exception, NotStored):
            fail(response, str(exception))


def fail(response: Response | Failure | None, reason: str) -> None:
    """Make the visit that a response belongs to a failed one."""
    request: Request | None = getattr(response, "request", None)
    if request and (visit := request.meta.get("attempt")):
        visit.fail(reason)
