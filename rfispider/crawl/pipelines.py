"""What becomes of a page: extracted, checked, stored; each step thin, each page counted once."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider, DropItem

from rfispider import storage
from rfispider.concurrency.batching import GroupCommit
from rfispider.items import Article, Outcome, Page, Rejection, Status
from rfispider.mongo import connection
from rfispider.settings import number
from rfispider.site import urls

logger = logging.getLogger(__name__)

COMMITTED = object()
"""Signal: a group commit has ended. `seconds`: how long it took."""

NOT_HELD = "MongoDB cannot hold it, see the log"

EXPECTED = ("title", "published_at", "text", "section", "images", "authors")
COVERED = (*EXPECTED, "lead", "tags", "agency")
"""Fields whose coverage is compared with that of earlier runs."""


@dataclass(slots=True)
class ParsedPage:
    """An article on its way to the store, with the page it was read from."""

    page: Page
    article: Article


@dataclass(slots=True)
class UnparsedPage:
    """A page in which no article was found though there may be one, on its way to be kept as a failure."""

    page: Page
    rejection: Rejection


def count(crawler: Crawler, outcome: Outcome, edition: str | None = None) -> None:
    """Count the one outcome of a page."""
    crawler.stats.inc_value(f"outcome/{outcome}")
    if edition:
        crawler.stats.inc_value(f"edition/{edition}/{outcome}")


def reject(crawler: Crawler, rejection: Rejection, page: Page | None) -> DropItem:
    """Count a page that gave no article, and make the exception that ends its way."""
    count(crawler, rejection.outcome)
    if page and page.visit:
        page.visit.complete(rejection.outcome, rejection.reason)
    level = "WARNING" if rejection.outcome is Outcome.FAILED else "INFO"
    return DropItem(f"{rejection.outcome} {rejection.subject}: {rejection.reason}", log_level=level)


def may_hold_article(page: Page, rejection: Rejection) -> bool:
    """Whether a later extractor might read an article where this one found none."""
    of_article = rejection.outcome is Outcome.NOT_ARTICLE and urls.is_article(urls.kind(page.url))
    return bool(page.body) and (rejection.outcome is Outcome.FAILED or of_article)


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

    async def process_item(self, item: Any) -> ParsedPage | UnparsedPage:  # noqa: ANN401 - as Scrapy calls it
        """Turn a `Page` into an `ParsedPage`, or into an `UnparsedPage` if it may be read another time.

        Raises:
            DropItem: the page holds no article; it is counted.

        """
        result = await self.read(item) if isinstance(item, Page) else item
        if not isinstance(result, Rejection):
            return ParsedPage(item, result)
        page = item if isinstance(item, Page) else None
        result.subject = result.subject or item.url
        if page and may_hold_article(page, result):
            return UnparsedPage(page, result)
        raise reject(self.crawler, result, page)

    async def read(self, page: Page) -> Article | Rejection:
        """What the page gives; one that the spider has not read, for it leads nowhere, is read now."""
        page.reading = page.reading or await self.crawler.spider.parser_pool.article(page)  # type: ignore[union-attr]
        result: Article | Rejection = page.reading.result
        return result


class Check:
    """Counts which fields an article lacks, and keeps out what cannot be used."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the crawler, whose statistics count what is missing."""
        return cls(crawler)

    def process_item(self, item: ParsedPage | UnparsedPage) -> ParsedPage | UnparsedPage:
        """Pass a usable article on; one without a title has failed."""
        if isinstance(item, UnparsedPage):
            return item
        for field in EXPECTED:
            if not getattr(item.article, field):
                self.crawler.stats.inc_value(f"missing/{field}")
        if item.article.status is not Status.STUB:
            self.cover(item.article)
        if not item.article.title:
            reason = "no title found"
            return UnparsedPage(item.page, Rejection(outcome=Outcome.FAILED, reason=reason, subject=item.page.url))
        return item

    def cover(self, article: Article) -> None:
        """Count which fields the article of a page has."""
        self.crawler.stats.inc_value(f"coverage/{article.edition}/articles")
        for field in COVERED:
            if getattr(article, field):
                self.crawler.stats.inc_value(f"coverage/{article.edition}/{field}")


class Save:
    """Stores articles and their pages in MongoDB; a page is let go only when both writes are acknowledged."""

    def __init__(self, crawler: Crawler, *, size: int, seconds: float) -> None:
        self.crawler = crawler
        self.size = size
        self.seconds = seconds
        self.store: storage.Store | None = None
        self.broken = False
        self.closing: asyncio.Task[None] | None = None

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
            uri = await asyncio.to_thread(connection.resolve_uri, settings["MONGO_URI"], Path(settings["RFI_DATA"]))
            self.store = await storage.Store.open(uri, settings["MONGO_DATABASE"])
        except storage.DatabaseError as error:
            logger.error("%s", error)  # noqa: TRY400 - one line for a person, no traceback
            raise CloseSpider("store-unreachable") from error
        self.commits = GroupCommit(self.save, size=self.size, seconds=self.seconds)

    async def save(self, items: Sequence[ParsedPage | UnparsedPage]) -> list[Outcome]:
        """Store a batch, and tell whoever measures how long it took."""
        assert self.store  # noqa: S101 - opened before anything is stored
        began = time.monotonic()
        told = iter(await self.store.save([item.article for item in items if isinstance(item, ParsedPage)]))
        outcomes = [next(told) if isinstance(item, ParsedPage) else item.rejection.outcome for item in items]
        if self.crawler.settings.getbool("RFI_KEEP_PAGES"):
            await self.store.keep([fetched_page(item, outcome) for item, outcome in zip(items, outcomes, strict=True)])
        self.crawler.signals.send_catch_log(COMMITTED, seconds=time.monotonic() - began)
        return outcomes

    async def process_item(self, item: ParsedPage | UnparsedPage) -> Article:
        """Store one article, with the page it was read from, together with others that wait.

        Raises:
            NotStored: it could not be stored; the crawl is being stopped.
            DropItem: the page was not read, or MongoDB cannot hold this article; it is counted.

        """
        try:
            outcome = await self.commits.put(item)
        except storage.DatabaseError as error:
            self.stop(error)
            raise NotStored(str(error), log_level="DEBUG") from error
        if isinstance(item, UnparsedPage):
            raise reject(self.crawler, item.rejection, item.page)
        if outcome is Outcome.FAILED:
            raise reject(self.crawler, Rejection(outcome=outcome, reason=NOT_HELD, subject=item.page.url), item.page)
        self.complete(item, verdict(item, outcome))
        return item.article

    def complete(self, item: ParsedPage, outcome: Outcome) -> None:
        """Count what came of a page, and tell the visit that it came from."""
        count(self.crawler, outcome, item.article.edition)
        if visit := item.page.visit:
            visit.complete(outcome, item.page.error)
            visit.published_at = item.article.published_at

    def stop(self, error: storage.DatabaseError) -> None:
        """End the crawl, once, when the archive does not take what is found."""
        if self.broken:
            return
        self.broken = True
        logger.error("the archive takes no more, the crawl stops: %s", error)
        task = asyncio.ensure_future(self.crawler.engine.close_spider_async(reason="store-failed"))
        self.closing = task


def fetched_page(item: ParsedPage | UnparsedPage, outcome: Outcome) -> storage.FetchedPage:
    """What the archive is told of a page."""
    if isinstance(item, UnparsedPage):
        return storage.FetchedPage(page=item.page, outcome=outcome, reason=item.rejection.reason)
    if outcome is Outcome.FAILED:
        return storage.FetchedPage(page=item.page, outcome=outcome, reason=NOT_HELD)
    return storage.FetchedPage(page=item.page, outcome=outcome, article=item.article)


def verdict(item: ParsedPage, outcome: Outcome) -> Outcome:
    """The outcome of a stored page: a stub is news only as a stub, and none if the page itself was refused."""
    if item.article.status is not Status.STUB:
        return outcome
    if outcome in {Outcome.NEW, Outcome.CHANGED}:
        return Outcome.STUB
    return item.page.reading.refusal or outcome
