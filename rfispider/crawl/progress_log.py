"""Says how a run goes: what it sets out to do, a line every half minute, and one at the end."""

import asyncio
import logging
import time
from typing import Self

from scrapy import Spider, signals
from scrapy.crawler import Crawler

from rfispider.crawl import run_text
from rfispider.crawl.run_record import given
from rfispider.crawl.scheduler import FrontierScheduler
from rfispider.storage import DatabaseError, hosts

logger = logging.getLogger(__name__)

PROGRESS_SECONDS = 30.0


class ProgressLog:
    """Logs what a run sets out to do, how far it has come, and what it leaves."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.task: asyncio.Task[None] | None = None
        self.done, self.told_at = 0, time.monotonic()
        crawler.signals.connect(self.spider_opened, signal=signals.spider_opened)
        crawler.signals.connect(self.spider_closed, signal=signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the crawler, whose statistics and frontier are told of."""
        return cls(crawler)

    @property
    def scheduler(self) -> FrontierScheduler | None:
        """The scheduler that works on the frontier; None in `scrapy shell`, and when no database can be reached."""
        scheduler = getattr(self.crawler.spider, "scheduler", None)
        return scheduler if isinstance(scheduler, FrontierScheduler) and scheduler.worker else None

    async def spider_opened(self, spider: Spider) -> None:
        """Say what is about to be done, and begin to tell how it goes."""
        if not hasattr(spider, "arguments") or not self.scheduler:
            return
        arguments, settings = given(spider), self.crawler.settings
        follow = spider.arguments.follow
        logger.info("crawling %s", run_text.intention(arguments, settings))
        logger.info("%s", run_text.means(settings, follow=follow))
        where = run_text.place(
            hosts(self.scheduler.uri), settings["MONGO_DATABASE"], embedded=not settings["MONGO_URI"]
        )
        try:
            backlog = await self.scheduler.backlog()
        except DatabaseError as error:
            logger.warning("what is due is not known: %s", error)
            return
        logger.info("%s; %s before any source is asked", where, backlog.told())
        self.told_at = time.monotonic()
        self.task = asyncio.ensure_future(self.repeat())

    def spider_closed(self) -> None:
        """Stop telling, with what is left to do."""
        if self.task:
            self.task.cancel()
        if self.scheduler and self.scheduler.left:
            self.say(self.scheduler.left)

    async def repeat(self) -> None:
        """Tell every half minute how it goes; where the database is away, the crawl finds out by itself."""
        while self.scheduler:
            await asyncio.sleep(PROGRESS_SECONDS)
            try:
                self.say(await self.scheduler.backlog())
            except DatabaseError as error:
                logger.warning("what is due is not known: %s", error)

    def say(self, backlog: run_text.Backlog) -> None:
        """Log one line of progress."""
        stats, now = self.crawler.stats.get_stats(), time.monotonic()
        done, before, seconds = run_text.done(stats), self.done, now - self.told_at
        self.done, self.told_at = done, now
        rate = (done - before) / seconds if seconds else 0.0
        logger.info("progress: %s", run_text.progress(stats, backlog, rate), extra={"due": backlog.total, "done": done})
