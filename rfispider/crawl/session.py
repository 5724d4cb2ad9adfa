"""The database of one crawl: opened once, handed to all who use it, closed once, after everybody's last word."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from weakref import WeakKeyDictionary

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured

from rfispider.crawl.archive_writer import ArchiveWriter
from rfispider.crawl.link_buffer import LinkBuffer
from rfispider.crawl.spiders.rfi import RfiSpider
from rfispider.frontier import Frontier
from rfispider.frontier.policy.politeness import Limits
from rfispider.mongo.connection import Connection, resolve_uri
from rfispider.setting_values import flag, number, request_rate, whole_number
from rfispider.storage import Store

logger = logging.getLogger(__name__)

COMMITTED = object()
"""Signal: a group commit has ended. `seconds`: how long it took."""

Finisher = Callable[[str], Awaitable[None]]
"""The last word of a component; takes the reason for which the crawl ended."""


class CrawlSession:
    """One connection to MongoDB, and what a crawl uses over it. Between `open` and `close` its parts may be used."""

    store: Store
    """The archive."""
    frontier: Frontier
    """What is to be fetched."""
    links: LinkBuffer
    """The way of links into the frontier."""

    def __init__(
        self, *, uri: str, data: Path, database: str, limits: Limits, max_depth: int | None, writer: ArchiveWriter
    ) -> None:
        """Take where the database is and what the crawl may do; nothing is opened yet.

        `uri` may be empty: then the embedded server under `data` is used. `max_depth`: related-article hops, None
        without limit. `writer`: the way of articles into the archive.
        """
        self.uri = uri
        self.database = database
        self.writer = writer
        self.is_open = False
        self._data = data
        self._limits = limits
        self._max_depth = max_depth
        self._finishers: list[Finisher] = []

    @staticmethod
    def of(crawler: Crawler) -> "CrawlSession":
        """The session of a crawl, made when it is first asked for.

        Raises:
            NotConfigured: the spider is none of ours, as in `scrapy shell`: it needs no database.

        """
        if crawler not in _SESSIONS:
            _SESSIONS[crawler] = CrawlSession.from_crawler(crawler)
        return _SESSIONS[crawler]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make the session of a crawl from its settings.

        Raises:
            NotConfigured: the spider is none of ours.

        """
        if not isinstance(crawler.spider, RfiSpider):
            raise NotConfigured("the spider is not rfi")
        settings = crawler.settings
        session = cls(
            uri=settings["MONGO_URI"],
            data=Path(settings["RFI_DATA"]),
            database=settings["MONGO_DATABASE"],
            limits=Limits(rate=request_rate(settings)),
            max_depth=crawler.spider.arguments.max_depth,
            writer=ArchiveWriter(
                size=whole_number(settings, "RFI_BATCH_ARTICLES"),
                seconds=number(settings, "RFI_BATCH_SECONDS"),
                keep_pages=flag(settings, "RFI_KEEP_PAGES"),
                on_commit=lambda seconds: crawler.signals.send_catch_log(COMMITTED, seconds=seconds),
                on_failure=lambda: crawler.engine.close_spider_async(reason="store-failed"),
            ),
        )
        crawler.signals.connect(session.finish, signal=signals.spider_closed)
        return session

    async def open(self, on_new_links: Callable[[], None]) -> None:
        """Connect, install what is missing, and make the parts ready; `on_new_links` is called when links were written.

        Raises:
            DatabaseError: the database cannot be used; nothing is left open.

        """
        self.uri = await asyncio.to_thread(resolve_uri, self.uri, self._data)
        connection = await Connection.open(self.uri)
        try:
            self.store = Store(connection, self.database)
            await self.store.prepare()
            self.frontier = Frontier(connection, self.database, limits=self._limits)
            await self.frontier.prepare()
        except BaseException:
            await connection.close()
            raise
        self.links = LinkBuffer(self.frontier, self._max_depth, on_new_links)
        self.writer.store = self.store
        self._connection = connection
        self.is_open = True

    def now(self) -> datetime:
        """The time of the database's server, by which all workers agree; this machine's while there is none."""
        return self.frontier.now() if self.is_open else datetime.now(UTC)

    def before_close(self, finisher: Finisher) -> None:
        """Have a component say its last word when the crawl is over, in the order of these calls.

        The database can still be used then, if it could be opened.
        """
        self._finishers.append(finisher)

    async def finish(self, reason: str) -> None:
        """Let everybody say the last word, then close; a fault of one does not silence the others."""
        for finisher in self._finishers:
            try:
                await finisher(reason)
            except Exception:
                logger.exception("a fault at the end of the crawl")
        await self.close()

    async def close(self) -> None:
        """Close the connection, if it was opened."""
        if self.is_open:
            self.is_open = False
            await self._connection.close()


_SESSIONS: "WeakKeyDictionary[Crawler, CrawlSession]" = WeakKeyDictionary()
