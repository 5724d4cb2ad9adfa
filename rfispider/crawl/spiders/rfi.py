"""Which page leads to which: sources to articles, articles to related articles."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Self
from urllib.parse import urlsplit

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.settings import BaseSettings
from twisted.python.failure import Failure

from rfispider import extract, feeds
from rfispider.crawl import parse_pool, responses
from rfispider.crawl.arguments import Arguments
from rfispider.crawl.parse_pool import ParserPool
from rfispider.crawl.scope import Scope
from rfispider.crawl.trap_budget import TrapBudget
from rfispider.items import LIST_KINDS, SOURCE_KINDS, Entry, Link, Origin, Outcome, Page, Rejection, VisitResult
from rfispider.setting_values import base_url, derived, flag, number, whole_number
from rfispider.site import urls

logger = logging.getLogger(__name__)

DOCUMENTS_AT_ONCE = 50
"""Archive documents read ahead in a thread; enough to keep the reactor busy, few enough to keep memory flat."""


class RfiSpider(Spider):
    """Crawls RFI from its feeds and lists along the related-article links."""

    name = "rfi"

    def __init__(self, name: str | None = None, **given: str) -> None:
        """Take the arguments as typed.

        Raises:
            ArgumentError: one that is unknown or cannot be read.

        """
        super().__init__(name)
        self.arguments = Arguments.parse(given)
        self.scope = Scope(arguments=self.arguments, today=datetime.now(UTC).date())
        self.parser_pool = ParserPool(0, 0.0)
        self.trap_budget = TrapBudget()

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        """Turn our settings into Scrapy's."""
        super().update_settings(settings)
        for name, value in derived(settings).items():
            settings.set(name, value, priority="spider")

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Make the spider know where the site is fetched from."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        settings = crawler.settings
        if spider.arguments.archive:  # one response, from which all pages come
            settings.set("CONCURRENT_ITEMS", settings["RFI_BATCH_ARTICLES"], priority="spider")
        spider.scope = Scope(
            arguments=spider.arguments,
            today=datetime.now(UTC).date(),
            base=base_url(settings),
            follow_topics=flag(settings, "RFI_FOLLOW_TOPICS"),
            list_pages=whole_number(settings, "RFI_LIST_PAGES"),
        )
        spider.parser_pool = ParserPool(
            whole_number(settings, "RFI_EXTRACT_PROCESSES"),
            number(settings, "RFI_EXTRACT_SECONDS"),
            topics=spider.scope.follow_topics,
        )
        crawler.signals.connect(spider.parser_pool.open, signal=signals.spider_opened)
        crawler.signals.connect(spider.parser_pool.close, signal=signals.spider_closed)
        return spider

    async def start(self) -> AsyncIterator[Any]:
        """Yield the sources of the chosen editions, or the archive."""
        if self.arguments.archive:
            yield Request("data:,", callback=self.parse_archive, meta={"allow_offsite": True})
            return
        for link in self.scope.sources():
            yield link

    def request(self, link: Link, visit: VisitResult, headers: dict[str, str] | None = None) -> Request:
        """Build the request that asks for a link; `headers` make it conditional."""
        source = link.kind in SOURCE_KINDS
        return Request(
            urls.to_mirror(link.url, self.scope.base),
            headers=headers,
            callback=self.parse_source if source else self.parse_article,
            errback=self.source_failed if source else self.article_failed,
            cb_kwargs={"link": link},
            meta={"visit": visit, "handle_httpstatus_list": [responses.NOT_MODIFIED]},
        )

    async def parse(self, response: Response, **_: Any) -> AsyncIterator[Any]:
        """Route a page by its URL, for `scrapy parse` and `scrapy shell`."""
        url = self.scope.canonical(response.url)
        link = Link(url=url, kind=urls.kind(url), edition=urls.edition(url))
        read = self.parse_article if urls.is_article(link.kind) else self.parse_source
        async for thing in read(response, link):
            yield thing

    # ---- sources -----------------------------------------------------------------------------------------

    async def parse_source(self, response: Response, link: Link) -> AsyncIterator[Page | Link]:
        """Read a feed, a sitemap or a list page; yield what it carries and where it leads."""
        if responses.is_unchanged(response):
            self.count("source/unchanged")
            return
        page = self.page(response, link)
        try:
            for thing in await self.read_source(page, link):
                yield thing
        except feeds.FeedError as error:
            self.lose_source(link, str(error), responses.visit_of(response))

    async def read_source(self, page: Page, link: Link) -> Iterator[Page | Link]:
        """What a source carries and where it leads.

        Raises:
            FeedError: nothing can be read from it; when it is damaged, this is raised at the end of what it gave.

        """
        if link.kind in LIST_KINDS:
            return self.parse_list(page, link, await self.parser_pool.listing(page))
        if feeds.is_sitemap(page.body):
            return self.parse_sitemap(page, link)
        return self.parse_feed(page, link, await self.parser_pool.feed(page))

    def parse_feed(self, page: Page, link: Link, feed: feeds.ParsedFeed) -> Iterator[Page | Link]:
        """Follow the entries of a feed."""
        for entry in feed.entries:
            yield from self.follow_entry(entry, link, page)
        self.judge_source(page, link, len(feed.entries), feed.problem)

    def parse_sitemap(self, page: Page, link: Link) -> Iterator[Page | Link]:
        """Follow the entries of a sitemap as they are read; it may hold 50,000."""
        sitemap = feeds.sitemap(page.body, page.encoding)
        found = 0
        for entry in sitemap:
            found += 1
            yield from self.follow_entry(entry, link, page, index=sitemap.is_index)
        self.judge_source(page, link, found, sitemap.problem)

    def parse_list(self, page: Page, link: Link, listing: parse_pool.Listing) -> Iterator[Page | Link]:
        """Follow the items of a list page, and its next page."""
        for entry in listing.entries:
            yield from self.follow_entry(entry, link, page)
        self.judge_source(page, link, len(listing.entries), listing.problem)
        if listing.next_page and (following := self.scope.next_page(listing.next_page, link)):
            yield following

    def follow_entry(self, entry: Entry, source: Link, page: Page, *, index: bool = False) -> Iterator[Page | Link]:
        """Yield the content that an entry carries, if any, and the link to its page, or sitemap if of an index."""
        link = self.scope.child_sitemap(entry, source) if index else self.scope.listed(entry, source)
        if link is None:
            return
        if page.visit:
            page.visit.listed.append(urls.key(link.url))
            page.visit.times += [entry.published_at] if entry.published_at and not entry.published_day_alone else []
        if entry.content and urls.is_article(link.kind):
            yield self.entry_page(link, page.fetched_at)
        yield link

    def judge_source(self, page: Page, link: Link, found: int, problem: str | None) -> None:
        """Count what a source gave.

        Raises:
            FeedError: it is damaged and gave nothing.

        """
        if problem and not found:
            raise feeds.FeedError(problem)
        self.count("source/read" if found else "source/empty")
        if page.visit:
            page.visit.complete(Outcome.NOT_ARTICLE)
        if problem:
            logger.info("source %s: %s", link.url, problem)

    def source_failed(self, failure: Failure) -> None:
        """Count a source that gave no answer."""
        request: Request = failure.request  # type: ignore[attr-defined]
        visit = request.meta.get("visit")
        if visit:
            visit.status = responses.status(failure)
        self.lose_source(request.cb_kwargs["link"], responses.reason(failure), visit)

    def lose_source(self, link: Link, why: str, visit: VisitResult | None) -> None:
        """Count and tell that a source could not be read; one that was asked for by name is the run's job."""
        self.count("source/failed")
        if self.arguments.sources and link.found_on is None:
            self.count("asked/failed")
        if visit:
            visit.complete(extract.outcome_of(visit.status or 0), why)
        logger.warning("source %s cannot be read: %s", link.url, why)

    # ---- articles ----------------------------------------------------------------------------------------

    async def parse_article(self, response: Response, link: Link) -> AsyncIterator[Page | Link]:
        """Yield the page and the related articles it leads to, unless it is the page that we have."""
        if responses.is_unchanged(response):
            self.count(f"outcome/{Outcome.UNCHANGED}")
            self.count(f"edition/{link.edition}/{Outcome.UNCHANGED}")
            return
        page = self.page(response, link)
        yield page
        for related in await self.follow_related(page):
            yield related

    async def follow_related(self, page: Page) -> list[Link]:
        """The related articles of a page, and its topics if they are asked for, one hop further."""
        if not self.arguments.reaches(page.depth + 1):
            return []
        result = await self.parser_pool.article(page)
        if page.depth and not self.trap_budget.follows(page.url, result.content_hash, datetime.now(UTC).date()):
            self.count("trap/pages")
            return []
        links = (
            self.scope.link(url, depth=page.depth + 1, found_on=page.url) for url in (*result.related, *result.topics)
        )
        return [link for link in links if link is not None]

    def article_failed(self, failure: Failure) -> Iterator[Page]:
        """Yield a page without body, so that what the source said is kept and the failure is counted."""
        request: Request = failure.request  # type: ignore[attr-defined]
        page = self.entry_page(request.cb_kwargs["link"], request.meta.get("asked_at") or datetime.now(UTC))
        page.status, page.error = responses.status(failure), responses.reason(failure)
        page.body = b""
        page.claim, page.visit = request.meta.get("claim"), request.meta.get("visit")
        if page.visit:
            page.visit.status = page.status
        yield page

    # ---- archived entries --------------------------------------------------------------------------------

    async def parse_archive(self, _: Response) -> AsyncIterator[Page | Link | Rejection]:
        """Read archived entries; nothing is fetched for them but the related articles within the depth."""
        assert self.arguments.archive  # noqa: S101 - start() asks for this only with an archive
        documents = feeds.documents(self.arguments.archive)
        while batch := await asyncio.to_thread(lambda: list(islice(documents, DOCUMENTS_AT_ONCE))):
            for page in [self.archived(name, document) for name, document in batch]:
                yield page
                if isinstance(page, Page):
                    for link in await self.follow_related(page):
                        yield link

    def archived(self, name: str, document: str | feeds.FeedError) -> Page | Rejection:
        """Turn one archived document into a page, or say why it is none."""
        try:
            if isinstance(document, feeds.FeedError):
                raise document
            entry = feeds.archived(document)
        except feeds.FeedError as error:
            self.count("asked/failed")
            return Rejection(outcome=Outcome.FAILED, reason=str(error), subject=name)
        url = urls.canonical(entry.url)
        link = Link(url=url, kind=urls.kind(url), edition=urls.edition(url), found_on=name, entry=entry)
        return self.entry_page(link, datetime.now(UTC), Origin.ARCHIVE)

    # ---- pieces ------------------------------------------------------------------------------------------

    def page(self, response: Response, link: Link) -> Page:
        """Make a page of a response."""
        return responses.page(response, link, self.scope.canonical(response.url), self.scope.base)

    def host(self, url: str) -> str:
        """Host and port that a canonical URL is fetched from."""
        return urlsplit(urls.to_mirror(url, self.scope.base)).netloc

    def entry_page(self, link: Link, at: datetime, origin: Origin = Origin.FEED) -> Page:
        """Make a page of what a source said about a link at a time."""
        body = (link.entry.content or "").encode("utf-8", "replace") if link.entry else b""
        return Page(
            url=link.url,
            body=body,
            origin=origin,
            fetched_at=at,
            encoding="utf-8",
            entry=link.entry,
            source=link.found_on,
            depth=link.depth,
        )

    def count(self, name: str, events: int = 1) -> None:
        """Count events of this run."""
        self.crawler.stats.inc_value(name, events)
