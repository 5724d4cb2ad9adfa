"""What becomes of a page: extracted, checked, stored; each step thin, each page counted once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider, DropItem

from rfispider import extract, mongod, store
from rfispider.items import Article, Outcome, Page, Rejection, Status
from rfispider.settings import number

logger = logging.getLogger(__name__)

EXPECTED = ("title", "published_at", "text", "section", "images", "authors")


@dataclass(slots=True)
class Extracted:
    """An article on its way to the store, with the page it was read from."""

    page: Page
    article: Article


def count(crawler: Crawler, outcome: Outcome, edition: str | None = None) -> None:
    """Count the one outcome of a page."""
    crawler.stats.inc_value(f"outcome/{outcome}")
    if edition:
        crawler.stats.inc_value(f"edition/{edition}/{outcome}")


def reject(crawler: Crawler, rejection: Rejection, page: Page | None) -> DropItem:
    """Count a page that gave no article, and make the exception that ends its way."""
    count(crawler, rejection.outcome)
    if page and page.attempt:
        page.attempt.settle(rejection.outcome, rejection.reason)
    level = "WARNING" if rejection.outcome is Outcome.FAILED else "INFO"
    return DropItem(f"{rejection.outcome} {rejection.subject}: {rejection.reason}", log_level=level)


class NotStored(DropItem):
    """The archive did not take an article: whatever it came from has to be visited again."""


class Extract:
    """Reads the article out of a page."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the crawler, whose statistics count outcomes."""
        return cls(crawler)

    def process_item(self, item: Any) -> Extracted:  # noqa: ANN401 - as Scrapy calls it
        """Turn a `Page` into an `Extracted`.

        Raises:
            DropItem: the page holds no article; it is counted.

        """
        result = extract.article(item) if isinstance(item, Page) else item
        if isinstance(result, Rejection):
            page = item if isinstance(item, Page) else None
            result.subject = result.subject or item.url
            raise reject(self.crawler, result, page)
        return Extracted(item, result)


class Check:
    """Counts which fields an article lacks, and keeps out what cannot be used."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the crawler, whose statistics count what is missing."""
        return cls(crawler)

    def process_item(self, item: Extracted) -> Extracted:
        """Pass a usable article on.

        Raises:
            DropItem: it has no title; it is counted as failed.

        """
        for field in EXPECTED:
            if not getattr(item.article, field):
                self.crawler.stats.inc_value(f"missing/{field}")
        if not item.article.title:
            rejection = Rejection(outcome=Outcome.FAILED, reason="no title found", subject=item.page.url)
            raise reject(self.crawler, rejection, item.page)
        return item


class GroupCommit:
    """Gathers what is to be stored into batches, each one round trip; lets go of nothing before it is stored."""

    def __init__(
        self, save: Callable[[Sequence[Article]], Awaitable[Sequence[Outcome]]], *, size: int, seconds: float
    ) -> None:
        self.save = save
        self.size = size
        self.seconds = seconds
        self.waiting: list[tuple[Article, asyncio.Future[Outcome]]] = []
        self.timer: asyncio.TimerHandle | None = None
        self.commits: set[asyncio.Task[None]] = set()

    async def put(self, article: Article) -> Outcome:
        """Wait until the article is stored; give what came of it, or raise what the store raised."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self.waiting.append((article, future))
        if len(self.waiting) >= self.size:
            self.flush()
        elif self.timer is None:
            self.timer = loop.call_later(self.seconds, self.flush)
        return await future

    def flush(self) -> None:
        """Send what is waiting as one batch."""
        if self.timer:
            self.timer.cancel()
            self.timer = None
        batch, self.waiting = self.waiting, []
        if batch:
            task = asyncio.ensure_future(self.commit(batch))
            self.commits.add(task)
            task.add_done_callback(self.commits.discard)

    async def commit(self, batch: list[tuple[Article, asyncio.Future[Outcome]]]) -> None:
        """Store one batch and tell everybody who waits for it."""
        try:
            outcomes = await self.save([article for article, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            for _, future in batch:
                future.set_exception(error)
            return
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            future.set_result(outcome)


class Save:
    """Stores articles in MongoDB; an article leaves only when its write is acknowledged."""

    def __init__(self, crawler: Crawler, *, size: int, seconds: float) -> None:
        self.crawler = crawler
        self.size = size
        self.seconds = seconds
        self.store: store.Store | None = None
        self.broken = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the batch limits from the settings."""
        size = int(number(crawler.settings, "RFI_BATCH_ARTICLES", least=1))
        return cls(crawler, size=size, seconds=number(crawler.settings, "RFI_BATCH_SECONDS", least=0))

    async def open_spider(self) -> None:
        """Connect to the archive.

        Raises:
            CloseSpider: it cannot be reached; why is logged in one line.

        """
        if getattr(self.crawler.spider, "unreachable", False):
            return  # the scheduler has found out, and said so
        settings = self.crawler.settings
        try:
            uri = await asyncio.to_thread(mongod.uri, settings["MONGO_URI"], Path(settings["RFI_DATA"]))
            self.store = await store.Store.open(uri, settings["MONGO_DATABASE"])
        except (mongod.MongodError, store.StoreError) as error:
            logger.error("%s", error)  # noqa: TRY400 - one line for a person, no traceback
            raise CloseSpider("store-unreachable") from error
        self.commits = GroupCommit(self.store.save, size=self.size, seconds=self.seconds)

    async def process_item(self, item: Extracted) -> Article:
        """Store one article together with others that wait.

        Raises:
            NotStored: it could not be stored; the crawl is being stopped.
            DropItem: MongoDB cannot hold this article; it is counted as failed.

        """
        try:
            outcome = await self.commits.put(item.article)
        except store.StoreError as error:
            self.stop(error)
            raise NotStored(str(error), log_level="DEBUG") from error
        if outcome is Outcome.FAILED:
            reason = "MongoDB cannot hold it, see the line above"
            raise reject(self.crawler, Rejection(outcome=outcome, reason=reason, subject=item.page.url), item.page)
        self.settle(item, verdict(item, outcome))
        return item.article

    def settle(self, item: Extracted, outcome: Outcome) -> None:
        """Count what came of a page, and tell the visit that it came from."""
        count(self.crawler, outcome, item.article.edition)
        if attempt := item.page.attempt:
            attempt.settle(outcome, item.page.error)
            attempt.published_at = item.article.published_at

    def stop(self, error: store.StoreError) -> None:
        """End the crawl, once, when the archive does not take what is found."""
        if self.broken:
            return
        self.broken = True
        logger.error("the archive takes no more, the crawl stops: %s", error)
        task = asyncio.ensure_future(self.crawler.engine.close_spider_async(reason="store-failed"))
        self.commits.commits.add(task)


def verdict(item: Extracted, outcome: Outcome) -> Outcome:
    """The outcome of a stored page: a stub is news only as a stub, and none if the page itself was refused."""
    if item.article.status is not Status.STUB:
        return outcome
    if outcome in {Outcome.NEW, Outcome.CHANGED}:
        return Outcome.STUB
    return extract.refusal(item.page) or outcome
