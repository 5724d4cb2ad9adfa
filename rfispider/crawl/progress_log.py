"""Says how a run goes: what it sets out to do, a line every half minute, and one at the end."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any, Self

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.statscollectors import StatsCollector

from rfispider.crawl import run_text
from rfispider.crawl.arguments import Arguments
from rfispider.crawl.backlog import backlog
from rfispider.crawl.run_record import argument_record
from rfispider.crawl.session import CrawlSession
from rfispider.mongo.errors import hosts
from rfispider.storage import DatabaseError

logger = logging.getLogger(__name__)

PROGRESS_SECONDS = 30.0


class ProgressLog:
    """Logs what a run sets out to do, how far it has come, and what it leaves."""

    def __init__(
        self, session: CrawlSession, arguments: Arguments, settings: Mapping[str, Any], stats: StatsCollector
    ) -> None:
        """Take the database, what the crawl was asked for, its settings, and its statistics."""
        self.session = session
        self.arguments = arguments
        self.settings = settings
        self.stats = stats
        self.task: asyncio.Task[None] | None = None
        self.done, self.said_at = 0, time.monotonic()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Follow a crawl.

        Raises:
            NotConfigured: the spider is none of ours, as in `scrapy shell`.

        """
        session = CrawlSession.of(crawler)
        progress = cls(session, crawler.spider.arguments, crawler.settings, crawler.stats)  # type: ignore[union-attr]
        crawler.signals.connect(progress.spider_opened, signal=signals.spider_opened)
        session.before_close(progress.finish)
        return progress

    async def spider_opened(self) -> None:
        """Say what is about to be done, and begin to say how it goes."""
        if not self.session.is_open:
            return
        logger.info("crawling %s", run_text.intention(argument_record(self.arguments), self.settings))
        logger.info("%s", run_text.means(self.settings, follow=self.arguments.follow))
        servers, is_embedded = hosts(self.session.uri), not self.settings["MONGO_URI"]
        where = run_text.place(servers, self.session.database, embedded=is_embedded)
        try:
            due = await backlog(self.session.frontier, self.arguments.editions)
        except DatabaseError as error:
            logger.warning("what is due is not known: %s", error)
            return
        logger.info("%s", run_text.start(where, due))
        self.said_at = time.monotonic()
        self.task = asyncio.ensure_future(self.repeat())

    async def finish(self, reason: str) -> None:
        """Stop, with what is left to do; a crawl that never began has said nothing and says nothing now."""
        if self.task:
            self.task.cancel()
            await self.say()

    async def repeat(self) -> None:
        """Say every half minute how it goes."""
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            await self.say()

    async def say(self) -> None:
        """Log one line of progress; where the database is away, the crawl finds out by itself."""
        try:
            due = await backlog(self.session.frontier, self.arguments.editions)
        except DatabaseError as error:
            logger.warning("what is due is not known: %s", error)
            return
        stats, now = self.stats.get_stats(), time.monotonic()
        done, before, seconds = run_text.done(stats), self.done, now - self.said_at
        self.done, self.said_at = done, now
        rate = (done - before) / seconds if seconds else 0.0
        logger.info("progress: %s", run_text.progress(stats, due, rate), extra={"due": due.total, "done": done})
