"""What Scrapy's engine sees of the frontier: a scheduler that hands out requests."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Collection
from contextlib import ExitStack
from datetime import datetime
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

from rfispider.concurrency.process_globals import tuned_for_crawl
from rfispider.crawl.pipelines import NotStored
from rfispider.crawl.scheduler.engine_access import EngineAccess
from rfispider.crawl.scheduler.visit import conditions, link_of
from rfispider.crawl.scheduler.worker import CrawlCallbacks, ReadyRequest, Worker
from rfispider.crawl.session import CrawlSession
from rfispider.crawl.spiders.rfi import RfiSpider
from rfispider.frontier import Validators
from rfispider.setting_values import in_flight
from rfispider.storage import DatabaseError

logger = logging.getLogger(__name__)

CLOSING_LOOK_S = 0.5
"""How often a closing crawl is looked after, in seconds."""


class FrontierScheduler(BaseScheduler):
    """Hands out requests for what the worker has claimed, and keeps the worker going."""

    def __init__(self, session: CrawlSession, spider: RfiSpider, engine: EngineAccess, *, in_flight: int) -> None:
        """Take the database, the spider that reads what is fetched, the engine, and how many URLs may be in flight."""
        self.session = session
        self.spider = spider
        self.engine = engine
        self.in_flight = in_flight
        self.worker: Worker | None = None
        self.local: deque[Request] = deque()
        self.tasks: list[asyncio.Task[None]] = []
        self.tuning = ExitStack()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make the scheduler of a crawl.

        Another spider than ours, such as that of `scrapy shell`, gets Scrapy's own.
        """
        if not isinstance(crawler.spider, RfiSpider):
            return cast("Self", build_from_crawler(Scheduler, crawler))
        session = CrawlSession.of(crawler)
        scheduler = cls(session, crawler.spider, EngineAccess(crawler), in_flight=in_flight(crawler.settings))
        for signal, receiver in (
            (signals.spider_opened, scheduler.spider_opened),
            (signals.spider_error, scheduler.spider_error),
            (signals.item_error, scheduler.item_error),
            (signals.item_dropped, scheduler.item_dropped),
        ):
            crawler.signals.connect(receiver, signal=signal)
        return scheduler

    # ---- requests ----------------------------------------------------------------------------------------

    def has_pending_requests(self) -> bool:
        """Whether the crawl may have more to do."""
        worker = self.worker
        return worker is None or not worker.exhausted or bool(self.local or worker.ready)

    def enqueue_request(self, request: Request) -> bool:
        """Take a request that Scrapy made itself: a redirect, a retry, the reading of an archive."""
        self.local.append(request)
        self.note_new_work()
        return True

    def note_new_work(self) -> None:
        """Have the worker look again before the crawl is taken to be over."""
        if self.worker:
            self.worker.note_new_work()

    def next_request(self) -> Request | None:
        """Give the next request whose time has come."""
        if self.local:
            return self.local.popleft()
        ready = self.worker.take() if self.worker else None
        return self.request(ready) if ready else None

    def request(self, ready: ReadyRequest) -> Request:
        """The request for a lease."""
        lease = ready.lease
        # Its links can be followed only in the page itself, not in the answer that it is unchanged.
        unfollowed = lease.unfollowed and self.spider.arguments.reaches(lease.depth + 1)
        # What a claim is confirmed by has to be fetched anew.
        known = Validators() if unfollowed or lease.claim else lease.validators
        request = self.spider.request(link_of(lease), ready.visit, conditions(known))
        request.meta.update(body_hash=known.body_hash, held_off=ready.held_off_s is not None, kind=lease.kind)
        # What the answer shows is what the site showed now, by the clock that all workers share.
        ready.visit.asked_at = self.session.frontier.now()
        request.meta.update(asked_at=ready.visit.asked_at, polled_at=lease.poll and lease.poll.at)
        request.meta["claim"] = lease.claim
        return request

    def under_way(self) -> list[object]:
        """What Scrapy still has in hand: the visits of leases, and requests of its own."""
        requests = [*self.engine.requests_in_progress(), *self.local]
        return [request.meta.get("visit", request) for request in requests]

    # ---- opening and closing -----------------------------------------------------------------------------

    def open(self, spider: Spider) -> "Deferred[None]":
        """Open the session, take back what dead workers of this machine held, and start to work."""
        return deferred_from_coro(self.connect())

    def close(self, reason: str) -> "Deferred[None]":
        """Settle what is done, hand back what is not."""
        return deferred_from_coro(self.disconnect())

    async def connect(self) -> None:
        """Open the session and start to work; if the database cannot be used, say why in one line."""
        try:
            await self.session.open(on_new_links=self.note_new_work)
            await self.session.frontier.recover()
            await self.requeue_for_depth()
        except DatabaseError as error:
            logger.error("%s", error)
            await self.session.close()
            return
        self.tuning.enter_context(tuned_for_crawl())
        self.worker = worker = self.make_worker()
        tasks = (worker.claim_and_pace(), worker.complete_visits(), worker.renew_leases(), self.watch_closing())
        self.tasks = [asyncio.ensure_future(self.guard(task)) for task in tasks]

    def make_worker(self) -> Worker:
        """The worker of this crawl."""
        callbacks = CrawlCallbacks(
            host=self.spider.host,
            under_way=self.under_way,
            wake=self.engine.wake,
            mark_gone=self.mark_gone,
            count=self.spider.count,
        )
        return Worker(self.session.frontier, self.spider.arguments, self.in_flight, callbacks)

    async def requeue_for_depth(self) -> None:
        """Have pages read again whose links an earlier crawl left alone, if this one goes deeper."""
        arguments = self.spider.arguments
        if arguments.archive or not arguments.depth:
            return
        if pages := await self.session.frontier.requeue_for_depth(arguments.editions, arguments.max_depth):
            logger.info("pages to be read again because a shallower crawl left their links alone: %d", pages)

    def spider_opened(self) -> None:
        """End the crawl if it cannot begin; raised earlier, this would keep Scrapy from closing what it opened.

        Raises:
            CloseSpider: the database cannot be used.

        """
        if not self.session.is_open:
            raise CloseSpider("archive-unreachable")

    async def disconnect(self) -> None:
        """Stop to work; acknowledge what is done and release the rest, so that others go on at once."""
        if not self.worker:
            return
        self.tuning.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        try:
            await self.worker.hand_back()
        except DatabaseError as error:
            logger.error("%s; the leases run out by themselves", error)

    async def guard(self, task: Awaitable[None]) -> None:
        """Run a task; end the crawl when it cannot go on."""
        try:
            await task
        except DatabaseError as error:
            logger.error("the frontier is out of reach, the crawl stops: %s", error)
            self.engine.close("frontier-failed")
        except Exception:
            # Without this task nothing would ever come due again, and the crawl would wait for ever.
            logger.exception("a fault in the scheduler, the crawl stops")
            self.engine.close("scheduler-failed")

    async def watch_closing(self) -> None:
        """Once a crawl that is closing has waited long enough for its pages, let it close without them."""
        while True:
            await asyncio.sleep(CLOSING_LOOK_S)
            self.engine.force_close(asyncio.get_running_loop().time())

    # ---- what comes of a page ----------------------------------------------------------------------------

    async def mark_gone(self, keys: Collection[str], at: datetime) -> None:
        """Tell the archive that the site has removed articles.

        Raises:
            DatabaseError: the archive does not take it.

        """
        gone = await self.session.store.mark_gone(keys, at)
        self.spider.count("archive/gone", len(gone))

    def spider_error(self, failure: Failure, response: Response | Failure) -> None:
        """A callback raised: what it found is not complete."""
        fail_visit(response, f"{type(failure.value).__name__}: {failure.value}")

    def item_error(self, failure: Failure, response: Response | Failure | None) -> None:
        """A pipeline raised: what it was given is lost."""
        fail_visit(response, f"{type(failure.value).__name__}: {failure.value}")

    def item_dropped(self, exception: Exception, response: Response | Failure | None) -> None:
        """A pipeline dropped an item: of no matter unless the archive refused it."""
        if isinstance(exception, NotStored):
            fail_visit(response, str(exception))


def fail_visit(response: Response | Failure | None, reason: str) -> None:
    """Make the visit that a response belongs to a failed one."""
    request: Request | None = getattr(response, "request", None)
    if request and (visit := request.meta.get("visit")):
        visit.fail(reason)
