"""What becomes of a page: its article extracted, checked, stored. Each page is counted once.

Only articles leave Extract: dataclasses with the field names of the archive, read and written through itemadapter as
any item of Scrapy is, so that a pipeline of others and a feed export see what will be stored. The page that an article
was read from travels beside its fields, as `Article.page`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Self

from itemadapter import ItemAdapter
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem, NotConfigured
from scrapy.statscollectors import StatsCollector

from rfispider.crawl import claims
from rfispider.crawl.archive_writer import NOT_HELD, ArchiveWriter, ParsedPage, UnparsedPage
from rfispider.crawl.parse_pool import ParserPool
from rfispider.crawl.session import CrawlSession
from rfispider.crawl.spiders.rfi import RfiSpider
from rfispider.items import Article, Origin, Outcome, Page, Rejection, Status
from rfispider.site import urls
from rfispider.storage import DatabaseError

EXPECTED = ("title", "published_at", "text", "section", "images", "authors")
COVERED = (*EXPECTED, "lead", "tags", "agency")
"""Fields whose coverage is compared with that of earlier runs."""


class NotStored(DropItem):
    """The archive did not take an article: whatever it came from has to be visited again."""


def count(stats: StatsCollector, outcome: Outcome, edition: str | None = None) -> None:
    """Count the one outcome of a page."""
    stats.inc_value(f"outcome/{outcome}")
    if edition:
        stats.inc_value(f"edition/{edition}/{outcome}")


def reject(stats: StatsCollector, rejection: Rejection, page: Page | None) -> DropItem:
    """Count a page that gave no article, and make the exception that ends its way."""
    count(stats, rejection.outcome)
    if page and page.visit:
        page.visit.complete(rejection.outcome, rejection.reason)
    level = "WARNING" if rejection.outcome is Outcome.FAILED else "INFO"
    return DropItem(f"{rejection.outcome} {rejection.subject}: {rejection.reason}", log_level=level)


def may_hold_article(page: Page, rejection: Rejection) -> bool:
    """Whether a later extractor might read an article where this one found none."""
    of_article = rejection.outcome is Outcome.NOT_ARTICLE and urls.is_article(urls.kind(page.url))
    return bool(page.body) and (rejection.outcome is Outcome.FAILED or of_article)


async def put(writer: ArchiveWriter, item: ParsedPage | UnparsedPage) -> Outcome:
    """Store a page; give what came of it.

    Raises:
        NotStored: it could not be stored; the crawl is being ended.

    """
    try:
        return await writer.put(item)
    except DatabaseError as error:
        raise NotStored(str(error), log_level="DEBUG") from error


class Extract:
    """Turns pages into articles."""

    def __init__(
        self,
        parser_pool: ParserPool,
        writer: ArchiveWriter,
        stats: StatsCollector,
        now: Callable[[], datetime],
    ) -> None:
        """Take the parsers, the way into the archive, the statistics, and the clock that all workers share."""
        self.parser_pool = parser_pool
        self.writer = writer
        self.stats = stats
        self.now = now

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the parsers of the spider and the way into the archive.

        Raises:
            NotConfigured: the spider is none of ours.

        """
        session = CrawlSession.of(crawler)
        return cls(_spider(crawler).parser_pool, session.writer, crawler.stats, session.now)

    async def process_item(self, item: object) -> object:
        """Turn a `Page` into its `Article`; what is neither page nor rejection passes.

        Raises:
            DropItem: there is no article; it is counted, and the page kept if it may be read another time.

        """
        if isinstance(item, Rejection):
            raise reject(self.stats, item, None)
        if not isinstance(item, Page):
            return item
        if item.origin is Origin.ARCHIVE:
            item.fetched_at = self.now()  # it was never asked for: it is of the time at which it comes in
        parse = await self.parser_pool.article(item)
        if isinstance(parse.result, Article):
            return parse.result.read_from(item)
        rejection = claims.checked(item, parse.result)
        if rejection.outcome is Outcome.CLAIMED and parse.stub:
            return parse.stub.read_from(item)
        raise await self._dropped(item, rejection)

    async def _dropped(self, page: Page, rejection: Rejection) -> DropItem:
        rejection.subject = rejection.subject or page.url
        if may_hold_article(page, rejection):
            await put(self.writer, UnparsedPage(page, rejection))
        return reject(self.stats, rejection, page)


class Check:
    """Counts which fields an article lacks, and keeps out what cannot be used."""

    def __init__(self, writer: ArchiveWriter, stats: StatsCollector) -> None:
        self.writer = writer
        self.stats = stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the way into the archive, for what cannot be used is kept as a failure.

        Raises:
            NotConfigured: the spider is none of ours.

        """
        return cls(CrawlSession.of(crawler).writer, crawler.stats)

    async def process_item(self, item: object) -> object:
        """Pass a usable article on.

        Raises:
            DropItem: it has no title: the page has failed; it is counted and kept.

        """
        if not isinstance(item, Article):
            return item
        fields = ItemAdapter(item)
        for name in EXPECTED:
            if not fields.get(name):
                self.stats.inc_value(f"missing/{name}")
        if fields["status"] is not Status.STUB:
            self._cover(fields)
        if not fields["title"]:
            rejection = Rejection(outcome=Outcome.FAILED, reason="no title found", subject=item.url)
            await put(self.writer, UnparsedPage(item.page, rejection))
            raise reject(self.stats, rejection, item.page)
        return item

    def _cover(self, fields: ItemAdapter) -> None:
        """Count which fields the article of a page has."""
        edition = fields["edition"]
        self.stats.inc_value(f"coverage/{edition}/articles")
        for name in COVERED:
            if fields.get(name):
                self.stats.inc_value(f"coverage/{edition}/{name}")


class Save:
    """Stores articles and their pages in MongoDB; a page is let go only when both writes are acknowledged."""

    def __init__(self, parser_pool: ParserPool, writer: ArchiveWriter, stats: StatsCollector) -> None:
        self.parser_pool = parser_pool
        self.writer = writer
        self.stats = stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the parsers of the spider and the way into the archive.

        Raises:
            NotConfigured: the spider is none of ours.

        """
        return cls(_spider(crawler).parser_pool, CrawlSession.of(crawler).writer, crawler.stats)

    async def process_item(self, item: object) -> object:
        """Store one article, with the page it was read from, together with others that wait.

        Raises:
            NotStored: it could not be stored; the crawl is being ended.
            DropItem: MongoDB cannot hold this article; it is counted.
            TypeError: a pipeline before this one made another item of the article.

        """
        if not isinstance(item, Article):
            return item
        if not hasattr(item, "page"):
            raise TypeError("a pipeline replaced an article by another item: it may change it, not replace it")
        claims.confirm(item)
        outcome = await put(self.writer, ParsedPage(item.page, item))
        if outcome is Outcome.FAILED:
            raise reject(self.stats, Rejection(outcome=outcome, reason=NOT_HELD, subject=item.url), item.page)
        await self._complete(item, outcome)
        return item

    async def _complete(self, article: Article, outcome: Outcome) -> None:
        """Count what came of a page, and tell the visit that it came from."""
        visit = article.page.visit
        if article.status is Status.STUB:
            outcome = stub_outcome(outcome, (await self.parser_pool.article(article.page)).refusal)
        elif outcome is Outcome.CLAIMED and visit:
            visit.claim_evidence = claims.bond(article)
        if visit and visit.claim_evidence:
            outcome = Outcome.CLAIMED
        count(self.stats, outcome, article.edition)
        if visit:
            visit.complete(outcome, article.page.error)
            visit.published_at = article.published_at


def stub_outcome(outcome: Outcome, refusal: Outcome | None) -> Outcome:
    """The outcome of a page of which only a stub is stored: news as a stub, else why the page itself was refused."""
    if outcome in {Outcome.NEW, Outcome.CHANGED}:
        return Outcome.STUB
    return refusal or outcome


def _spider(crawler: Crawler) -> RfiSpider:
    if not isinstance(crawler.spider, RfiSpider):
        raise NotConfigured("the spider is not rfi")
    return crawler.spider
