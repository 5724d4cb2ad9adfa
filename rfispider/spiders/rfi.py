"""Which page leads to which: sources to articles, articles to related articles."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from typing import Any, Self
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.settings import BaseSettings
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from rfispider import extract, feeds, urls
from rfispider.arguments import Arguments
from rfispider.items import Attempt, Entry, Kind, Link, Origin, Outcome, Page, Rejection
from rfispider.settings import base_url, derived, number
from rfispider.website import EDITIONS, SITE_HOSTS

logger = logging.getLogger(__name__)

NOT_MODIFIED = 304
FORBIDDEN = 403

LISTS = {
    Kind.FRONT,
    Kind.SECTION,
    Kind.TAG,
    Kind.AUTHOR,
    Kind.TICKER,
    Kind.PROGRAMME,
    Kind.ARCHIVE_YEAR,
    Kind.ARCHIVE_DAY,
}
TOPICS = {Kind.TAG, Kind.AUTHOR}
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
        self.base = ""
        self.list_pages = 0
        self.follow_topics = False
        self.past = frozenset(url for code in self.arguments.editions for url in self.backfill_urls(code))
        self.allowed_domains: list[str] = []
        self.scheduler: Any = None
        self.unreachable = False

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        """Turn our settings into Scrapy's."""
        super().update_settings(settings)
        for name, value in derived(settings).items():
            settings.set(name, value, priority="spider")

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:  # noqa: ANN401 - as Scrapy calls it
        """Make the spider know where the site is fetched from."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.base = base_url(crawler.settings)
        spider.list_pages = int(number(crawler.settings, "RFI_LIST_PAGES", least=0))
        spider.follow_topics = crawler.settings.getbool("RFI_FOLLOW_TOPICS")
        hosts = [urlsplit(url).hostname for url in (spider.base, *spider.arguments.sources)]
        spider.allowed_domains = [*SITE_HOSTS, *filter(None, hosts)]
        return spider

    async def start(self) -> AsyncIterator[Any]:
        """Yield the sources of the chosen editions, or the archive."""
        if self.arguments.archive:
            yield Request("data:,", callback=self.parse_archive, meta={"allow_offsite": True})
            return
        for url in self.source_urls():
            yield Link(url=url, kind=self.source_kind(url), edition=urls.edition(url), backfill=url in self.past)

    def source_urls(self) -> list[str]:
        """Where this crawl begins: the given sources, else the built-in ones and the archives of a backfill."""
        if self.arguments.sources:
            return [self.canonical(url) for url in self.arguments.sources]
        built_in = (EDITIONS[code].sources for code in self.arguments.editions)
        news = [urls.canonical(source.url) for sources in built_in for source in sources]
        return news + [url for code in self.arguments.editions for url in self.backfill_urls(code)]

    def backfill_urls(self, code: str) -> list[str]:
        """The archive pages and monthly sitemaps of an edition between `since` and `until`."""
        if not self.arguments.since:
            return []
        between = (code, self.arguments.since, self.arguments.until or datetime.now(UTC).date())
        days = urls.archive_days(*between) or urls.archive_years(*between)
        return days + urls.month_sitemaps(*between)

    def source_kind(self, url: str) -> Kind:
        """How a source is read: a list page or sitemap by its URL, anything else as a feed."""
        kind = urls.kind(url)
        return kind if kind in LISTS or kind is Kind.SITEMAP else Kind.FEED

    def request(self, link: Link, attempt: Attempt, headers: dict[str, str] | None = None) -> Request:
        """Build the request that asks for a link; `headers` make it conditional."""
        source = link.kind in LISTS or link.kind in {Kind.FEED, Kind.SITEMAP}
        return Request(
            urls.to_mirror(link.url, self.base),
            headers=headers,
            callback=self.parse_source if source else self.parse_article,
            errback=self.source_failed if source else self.article_failed,
            cb_kwargs={"link": link},
            meta={"attempt": attempt, "handle_httpstatus_list": [NOT_MODIFIED]},
        )

    def parse(self, response: Response, **_: Any) -> Iterator[Any]:  # noqa: ANN401 - as Scrapy calls it
        """Route a page by its URL, for `scrapy parse` and `scrapy shell`."""
        url = self.canonical(response.url)
        link = Link(url=url, kind=urls.kind(url), edition=urls.edition(url))
        yield from (
            self.parse_article(response, link) if urls.is_article(link.kind) else self.parse_source(response, link)
        )

    # ---- sources -----------------------------------------------------------------------------------------

    def parse_source(self, response: Response, link: Link) -> Iterator[Page | Link]:
        """Read a feed, a sitemap or a list page; yield what it carries and where it leads."""
        if self.is_unchanged(response):
            self.count("source/unchanged")
            return
        page = self.page(response, link)
        try:
            if link.kind in LISTS:
                yield from self.parse_list(page, link)
            elif link.kind is Kind.SITEMAP:
                yield from self.parse_sitemap(page, link)
            else:
                yield from self.parse_feed(page, link)
        except feeds.FeedError as error:
            self.lose_source(link, str(error), attempt_of(response))

    def parse_feed(self, page: Page, link: Link) -> Iterator[Page | Link]:
        """Follow the entries of a feed."""
        feed = feeds.entries(page.body, page.url, f"text/xml; charset={page.encoding}" if page.encoding else None)
        for entry in feed.entries:
            yield from self.follow_entry(entry, link, page)
        self.judge_source(page, link, len(feed.entries), feed.problem)

    def parse_sitemap(self, page: Page, link: Link) -> Iterator[Page | Link]:
        """Follow the entries of a sitemap as they are read; it may hold 50,000."""
        sitemap = feeds.sitemap(page.body)
        found = 0
        for entry in sitemap:
            found += 1
            yield from self.follow_entry(entry, link, page)
        self.judge_source(page, link, found, sitemap.problem)

    def parse_list(self, page: Page, link: Link) -> Iterator[Page | Link]:
        """Follow the items of a list page, and its next page."""
        entries = extract.listed(page)
        for entry in entries:
            yield from self.follow_entry(entry, link, page)
        self.judge_source(page, link, len(entries), None)
        more = extract.next_page(page)
        if more and (not self.list_pages or urls.list_page(more) <= self.list_pages):
            yield Link(url=more, kind=link.kind, edition=link.edition, found_on=link.url, continues=True)

    def follow_entry(self, entry: Entry, source: Link, page: Page) -> Iterator[Page | Link]:
        """Yield the content that an entry carries, if any, and the link to its page."""
        link = self.link(self.canonical(entry.url, source.url), depth=source.depth, found_on=source.url, entry=entry)
        if link is None or (source.backfill and not self.within_backfill(link)):
            return
        link.backfill = source.backfill
        if page.attempt:
            page.attempt.listed.append(urls.key(link.url))
            page.attempt.times += [entry.published_at] if entry.published_at else []
        if entry.content and urls.is_article(link.kind):
            yield self.entry_page(link)
        yield link

    def link(self, url: str, *, depth: int, found_on: str, entry: Entry | None = None) -> Link | None:
        """Make a link if this crawl wants the URL: an article or a list of a chosen edition, within the depth."""
        kind, edition = urls.kind(url), urls.edition(url)
        wanted = urls.is_article(kind) or kind in self.followed
        if not wanted or edition not in self.arguments.editions or not self.arguments.reaches(depth):
            return None
        return Link(url=url, kind=kind, edition=edition, depth=depth, found_on=found_on, entry=entry)

    @property
    def followed(self) -> set[Kind]:
        """Lists that are read when an article or another list leads to them."""
        topics = TOPICS if self.follow_topics else set()
        days: set[Kind] = {Kind.ARCHIVE_DAY} if self.arguments.since else set()
        return {Kind.PROGRAMME, Kind.SITEMAP} | topics | days

    def within_backfill(self, link: Link) -> bool:
        """Whether what an archive lists is of the days asked for; what tells no day may be."""
        told = link.entry.published_at.date() if link.entry and link.entry.published_at else None
        day = urls.archive_day(link.url) or told or urls.slug_date(link.url)
        since, until = self.arguments.since, self.arguments.until
        return day is None or ((not since or day >= since) and (not until or day <= until))

    def judge_source(self, page: Page, link: Link, found: int, problem: str | None) -> None:
        """Count what a source gave.

        Raises:
            FeedError: it is damaged and gave nothing.

        """
        if problem and not found:
            raise feeds.FeedError(problem)
        self.count("source/read" if found else "source/empty")
        if page.attempt:
            page.attempt.settle(Outcome.NOT_ARTICLE)
        if problem:
            logger.info("source %s: %s", link.url, problem)

    def source_failed(self, failure: Failure) -> None:
        """Count a source that gave no answer."""
        request: Request = failure.request  # type: ignore[attr-defined]
        attempt = request.meta.get("attempt")
        if attempt:
            attempt.status = status_of(failure)
        self.lose_source(request.cb_kwargs["link"], reason(failure), attempt)

    def lose_source(self, link: Link, why: str, attempt: Attempt | None) -> None:
        """Count and tell that a source could not be read; one that was asked for by name is the run's job."""
        self.count("source/failed")
        if self.arguments.sources and link.found_on is None:
            self.count("asked/failed")
        if attempt:
            attempt.settle(extract.outcome_of(attempt.status or 0), why)
        logger.warning("source %s cannot be read: %s", link.url, why)

    # ---- articles ----------------------------------------------------------------------------------------

    def parse_article(self, response: Response, link: Link) -> Iterator[Page | Link]:
        """Yield the page and the related articles it leads to, unless it is the page that we have."""
        if self.is_unchanged(response):
            self.count(f"outcome/{Outcome.UNCHANGED}")
            self.count(f"edition/{link.edition}/{Outcome.UNCHANGED}")
            return
        page = self.page(response, link)
        yield page
        yield from self.follow_related(page)

    def follow_related(self, page: Page) -> Iterator[Link]:
        """Yield the related articles of a page, and its topics if they are asked for, one hop further."""
        if not self.arguments.reaches(page.depth + 1):
            return
        found = [related.url for related in extract.related(page)]
        if self.follow_topics:
            found += extract.topics(page)
        for url in found:
            link = self.link(url, depth=page.depth + 1, found_on=page.url)
            if link is not None:
                yield link

    def article_failed(self, failure: Failure) -> Iterator[Page]:
        """Yield a page without body, so that what the source said is kept and the failure is counted."""
        request: Request = failure.request  # type: ignore[attr-defined]
        page = self.entry_page(request.cb_kwargs["link"])
        page.body, page.status, page.error = b"", status_of(failure), reason(failure)
        page.attempt = request.meta.get("attempt")
        if page.attempt:
            page.attempt.status = page.status
        yield page

    # ---- archived entries --------------------------------------------------------------------------------

    async def parse_archive(self, _: Response) -> AsyncIterator[Page | Link | Rejection]:
        """Read archived entries; nothing is fetched for them but the related articles within the depth."""
        assert self.arguments.archive  # noqa: S101 - start() asks for this only with an archive
        documents = feeds.documents(self.arguments.archive)
        while batch := await asyncio.to_thread(lambda: list(islice(documents, DOCUMENTS_AT_ONCE))):
            for name, document in batch:
                for thing in self.read_archived(name, document):
                    yield thing

    def read_archived(self, name: str, document: str | feeds.FeedError) -> Iterator[Page | Link | Rejection]:
        """Turn one archived document into a page, or say why it is none."""
        try:
            if isinstance(document, feeds.FeedError):
                raise document
            entry = feeds.archived(document)
        except feeds.FeedError as error:
            self.count("asked/failed")
            yield Rejection(outcome=Outcome.FAILED, reason=str(error), subject=name)
            return
        url = urls.canonical(entry.url)
        link = Link(url=url, kind=urls.kind(url), edition=urls.edition(url), found_on=name, entry=entry)
        page = self.entry_page(link, Origin.ARCHIVE)
        yield page
        yield from self.follow_related(page)

    # ---- pieces ------------------------------------------------------------------------------------------

    def host(self, url: str) -> str:
        """Host and port that a canonical URL is fetched from."""
        return urlsplit(urls.to_mirror(url, self.base)).netloc

    def canonical(self, url: str, base: str = "") -> str:
        """The canonical URL of a link found on the page `base`, wherever the site is fetched from."""
        return urls.from_mirror(url, self.base, base or None)

    def is_unchanged(self, response: Response) -> bool:
        """Whether the answer is what was fetched last time; the visit takes note of the answer."""
        attempt, known = attempt_of(response), response.meta.get("body_hash")
        if attempt is None:
            return False
        attempt.status = response.status
        if response.status != NOT_MODIFIED:
            attempt.etag, attempt.last_modified = header(response, b"ETag"), header(response, b"Last-Modified")
            attempt.body_hash = blake2b(response.body, digest_size=16).hexdigest()
        if response.status == NOT_MODIFIED or (known and known == attempt.body_hash):
            attempt.settle(Outcome.UNCHANGED)
        return attempt.outcome is Outcome.UNCHANGED

    def page(self, response: Response, link: Link) -> Page:
        """Make a page of a response."""
        url = self.canonical(response.url)
        return Page(
            url=url,
            aliases=[link.url] if urls.key(link.url) != urls.key(url) else [],
            body=response.body,
            origin=Origin.PAGE,
            fetched_at=datetime.now(UTC),
            status=response.status,
            encoding=charset(response),
            entry=link.entry,
            source=link.found_on,
            depth=link.depth,
            etag=header(response, b"ETag"),
            last_modified=header(response, b"Last-Modified"),
            attempt=attempt_of(response),
        )

    def entry_page(self, link: Link, origin: Origin = Origin.FEED) -> Page:
        """Make a page of what a source said about a link."""
        body = (link.entry.content or "").encode("utf-8", "replace") if link.entry else b""
        return Page(
            url=link.url,
            body=body,
            origin=origin,
            fetched_at=datetime.now(UTC),
            encoding="utf-8",
            entry=link.entry,
            source=link.found_on,
            depth=link.depth,
        )

    def count(self, name: str) -> None:
        """Count one event of this run."""
        self.crawler.stats.inc_value(name)


def attempt_of(response: Response) -> Attempt | None:
    """The visit that a response belongs to; None outside a crawl, as in `scrapy shell`."""
    attempt: Attempt | None = response.meta.get("attempt") if response.request else None
    return attempt


def status_of(failure: Failure) -> int:
    """The HTTP status of a failed request; 0 when no answer came, 403 when our manners forbade to ask."""
    if isinstance(failure.value, IgnoreRequest) and not isinstance(failure.value, HttpError):
        return FORBIDDEN
    return failure.value.response.status if isinstance(failure.value, HttpError) else 0


def header(response: Response, name: bytes) -> str | None:
    """One header of a response as text."""
    value = response.headers.get(name)
    return value.decode("latin-1") if value else None


def charset(response: Response) -> str | None:
    """The character set that the HTTP header tells."""
    _, _, told = (header(response, b"Content-Type") or "").lower().partition("charset=")
    return told.split(";")[0].strip("\"' ") or None


def reason(failure: Failure) -> str:
    """Why a request failed, in one line."""
    if isinstance(failure.value, HttpError):
        return f"HTTP {failure.value.response.status}"
    return " ".join(str(failure.value).split()) or type(failure.value).__name__
