"""One worker of the simulation: the real frontier, spider, pipelines and archive, in a process that may be killed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

from scrapy import Request
from scrapy.exceptions import DropItem
from scrapy.http import HtmlResponse, Response, XmlResponse
from scrapy.settings import Settings
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from rfispider.crawl.archive_writer import ArchiveWriter
from rfispider.crawl.link_buffer import LinkBuffer
from rfispider.crawl.middlewares import FollowLinks, Redirects
from rfispider.crawl.pipelines import Check, Extract, NotStored, Save
from rfispider.crawl.scheduler.scheduler import FrontierScheduler
from rfispider.crawl.scheduler.worker import ReadyRequest
from rfispider.crawl.session import CrawlSession
from rfispider.crawl.spiders.rfi import RfiSpider
from rfispider.frontier import Completion, Frontier, Lease
from rfispider.frontier.policy.politeness import Limits
from rfispider.items import Kind, Link, Outcome, Page, VisitResult
from rfispider.mongo.connection import Connection
from rfispider.storage import Store
from tests.support.truth.faults import Faults
from tests.support.truth.scheduling import BEGINNING, Process, SimulatedTime, current
from tests.support.truth.site import EDITION, FEED, Answer, Version

LATENCY = timedelta(milliseconds=40)
"""From a request to its answer."""
KINDS = frozenset({Kind.ARTICLE, Kind.FEED})
"""All that the model site has: to look for other kinds costs time."""


@dataclass(slots=True)
class World:
    """What all workers share."""

    times: SimulatedTime
    faults: Faults
    luck: Random
    database: str
    note: Callable[[str], None]
    """Take note of what happens, for the trace."""
    latest: dict[str, datetime] = field(default_factory=dict)
    """URL -> the latest time for which it was asked and answered."""
    read: list["Reading"] = field(default_factory=list)
    """Every acknowledged visit, in the order of the acknowledgements."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a worker read and had acknowledged."""

    key: str
    version: Version | None
    """None when the answer was not the truth."""
    outcome: Outcome
    is_overtaken: bool
    """Another answer of the URL, to a later request, had come in by then."""


class Stats:
    """Counts, as Scrapy's collector does."""

    def __init__(self) -> None:
        self.values: Counter[str] = Counter()

    def inc_value(self, name: str, count: int = 1, start: int = 0) -> None:
        self.values[name] += count


class ObservedFrontier(Frontier):
    """The frontier, whose acknowledgements are noted."""

    on_acknowledged: Callable[[Sequence[Completion], Sequence[Lease]], None]

    async def acknowledge(self, done: Sequence[Completion]) -> list[Lease]:
        lost = await super().acknowledge(done)
        self.on_acknowledged(done, lost)
        return lost


class SimulatedWorker:
    """Claims, fetches from the model site, stores and acknowledges, one batch after the other."""

    def __init__(self, world: World, process: Process, connection: Connection) -> None:
        self.world = world
        self.process = process
        self.versions: dict[int, Version | None] = {}
        """What the answer to a visit truly showed, by `id` of the visit; None when it was not the truth."""
        self.asked_at: dict[int, datetime] = {}
        self.in_progress: list[Request] = []
        self.has_begun = False
        self.stats = Stats()
        self.spider = RfiSpider(editions=EDITION, depth="0")
        cast("Any", self.spider).crawler = SimpleNamespace(stats=self.stats, spider=self.spider)
        self.store = Store(connection, world.database)
        self.frontier = self._frontier(connection)
        self.session = self._session(connection)
        engine = cast("Any", SimpleNamespace(wake=lambda: None, requests_in_progress=lambda: self.in_progress))
        self.scheduler = FrontierScheduler(self.session, self.spider, engine, in_flight=16)
        self.worker = self.scheduler.worker = self.scheduler.make_worker()
        writer, pool, stats = self.session.writer, self.spider.parser_pool, cast("Any", self.stats)
        self.redirects = Redirects(Settings())
        self.redirects.crawler = self.spider.crawler
        self.extract, self.check, self.save = (
            Extract(pool, writer, stats, self.frontier.now),
            Check(writer, stats),
            Save(pool, writer, stats),
        )
        self.follow_links = FollowLinks(self.session)

    def _frontier(self, connection: Connection) -> ObservedFrontier:
        frontier = ObservedFrontier(
            connection,
            self.world.database,
            worker=self.process.name,
            limits=Limits(),
            jitter=self.world.luck.random,
        )
        frontier.on_acknowledged = self._note_acknowledged
        # As `prepare` does, which would make all collections again.
        frontier._clock.set(self.world.times.now)
        return frontier

    def _session(self, connection: Connection) -> CrawlSession:
        async def give_up() -> None:
            raise AssertionError("the archive failed")

        writer = ArchiveWriter(
            size=16,
            seconds=0.0,
            keep_pages=self.world.luck.random() < 0.2,
            on_commit=lambda seconds: None,
            on_failure=give_up,
        )
        session = CrawlSession(
            uri=connection.uri,
            data=Path("unused"),
            database=self.world.database,
            limits=Limits(),
            max_depth=0,
            writer=writer,
        )
        session.store, session.frontier = self.store, self.frontier
        session.links = LinkBuffer(self.frontier, 0, lambda: None)
        session.links.commits.seconds = 0.0
        writer.store = self.store
        session.is_open = True
        return session

    # ---- a batch -----------------------------------------------------------------------------------------------

    async def batch(self, size: int) -> None:
        """Claim some URLs, fetch each, store what came, acknowledge."""
        if not self.has_begun:
            self.has_begun = True
            await self.frontier.recover()
        leases = await self.frontier.claim(size, [EDITION, None], KINDS)
        if not leases:
            return
        requests = [self._request(lease) for lease in leases]
        self.in_progress = [*requests]
        await self.frontier.mark_sent(leases)
        responses = [await self._fetch(request) for request in requests]
        pages = []
        for request, response in zip(requests, responses, strict=True):
            pages += [(request, item) for item in await self._parse(request, response)]
        checked = [(request, await self._checked(request, item)) for request, item in pages]
        await asyncio.gather(*(self._saved(request, item) for request, item in checked if item is not None))
        self.in_progress = []
        await self.worker.complete()

    def _request(self, lease: Lease) -> Request:
        visit = VisitResult()
        ready = ReadyRequest(lease, visit)
        self.worker.taken[id(visit)] = ready
        return self.scheduler.request(ready)

    async def _fetch(self, request: Request) -> Response | Failure:
        """The answer, redirects followed."""
        answer = await self._answer(request)
        response = _response(request, answer)
        followed = self.redirects.process_response(request, response)
        if isinstance(followed, Request):
            return await self._fetch(followed)
        visit = id(request.meta["visit"])
        self.asked_at[visit] = request.meta["asked_at"]
        latest = self.world.latest
        latest[answer.url] = max(latest.get(answer.url, self.asked_at[visit]), self.asked_at[visit])
        is_own = answer.url == request.cb_kwargs["link"].url and answer.status == 200
        self.versions[visit] = answer.version if is_own else None
        if answer.broken:
            return _failure(request, ConnectionError("the connection was closed before all had arrived"))
        return _failure(request, HttpError(response)) if answer.status >= 400 else response

    async def _answer(self, request: Request) -> Answer:
        """Ask the site; the process waits for that as for a command: it may be killed or frozen before and after."""
        condition = request.headers.get("If-None-Match")
        etag = condition.decode() if condition else None
        async with current().turn(f"GET {request.url[-13:]}"):
            if "redirect_urls" not in request.meta:
                # It is sent now, and not when the batch was claimed.
                request.meta["visit"].asked_at = request.meta["asked_at"] = self.frontier.now()
            self.world.times.pass_by(LATENCY)
            answer = self.world.faults.answer(request.url, self.world.times.now, etag)
        self.world.note(f"{self.process.name} asked for {request.url[-13:]} ({etag}): {answer}")
        return answer

    async def _parse(self, request: Request, response: Response | Failure) -> list[Page]:
        if isinstance(response, Failure):
            return [item for item in request.errback(response) or () if isinstance(item, Page)]
        found: AsyncIterator[Any] = request.callback(response, **request.cb_kwargs)
        followed = self.follow_links.follow(found, polled_at=request.meta.get("polled_at"))
        return [item async for item in followed if isinstance(item, Page)]

    async def _checked(self, request: Request, page: Page) -> object | None:
        try:
            return await self.check.process_item(await self.extract.process_item(page))
        except NotStored as error:
            request.meta["visit"].fail(str(error))
        except DropItem:
            pass
        return None

    async def _saved(self, request: Request, item: object) -> None:
        try:
            await self.save.process_item(item)
        except NotStored as error:
            request.meta["visit"].fail(str(error))
        except DropItem:
            pass

    # ---- what is noted -------------------------------------------------------------------------------------------

    def _note_acknowledged(self, done: Sequence[Completion], lost: Sequence[Lease]) -> None:
        lost_keys = {lease.key for lease in lost}
        visits = {ready.lease.key: visit for visit, ready in self.worker.taken.items()}
        for each in done:
            visit = visits.get(each.lease.key, 0)
            is_lost = each.lease.key in lost_keys
            self.world.note(
                f"{self.process.name} {'lost' if is_lost else 'acknowledged'} {each.lease.url[-13:]}: {each.outcome}"
            )
            if visit in self.asked_at and not is_lost:
                is_overtaken = self.world.latest.get(each.lease.url, BEGINNING) > self.asked_at[visit]
                reading = Reading(each.lease.key, self.versions[visit], each.outcome, is_overtaken)
                self.world.read.append(reading)


def _response(request: Request, answer: Answer) -> Response:
    headers = {"ETag": answer.etag, "Location": answer.location}
    kind = XmlResponse if answer.url == FEED else HtmlResponse if answer.status == 200 else Response
    return kind(
        answer.url,
        status=answer.status,
        headers={name: value for name, value in headers.items() if value},
        body=answer.body,
        request=request,
    )


def _failure(request: Request, error: Exception) -> Failure:
    failure = Failure(error)
    cast("Any", failure).request = request
    return failure


async def add_feed(frontier: Frontier) -> None:
    """Make the feed known, as the start of a crawl does."""
    await frontier.add([Link(url=FEED, kind=Kind.FEED, edition=EDITION)])
