"""Pages are parsed in other processes: the crawl goes on meanwhile, and a page that hangs is killed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from rfispider import extract, feeds
from rfispider.concurrency.page_pool import PagePool
from rfispider.concurrency.process_pool import CallKilled
from rfispider.items import Article, Entry, Outcome, Page, Rejection, Status

Result = TypeVar("Result")


@dataclass(slots=True, kw_only=True)
class ParseResult:
    """All that is parsed from a page of an article."""

    result: Article | Rejection
    refusal: Outcome | None = None
    """What became of the page itself, if the article is a stub of what its source said: see `extract.refusal`."""
    related: list[str] = field(default_factory=list)
    """URLs of related articles, in the order of the page."""
    topics: list[str] = field(default_factory=list)
    """URLs of the tag and author lists that it names."""

    @property
    def content_hash(self) -> str:
        """Hash of the text of the article; empty if there is none."""
        return self.result.content_hash if isinstance(self.result, Article) and self.result.text else ""

    stub: Article | None = None
    """What the source of the link said of the article, where the page is none."""


@dataclass(slots=True, kw_only=True)
class Listing:
    """All that is parsed from a list page."""

    entries: list[Entry] = field(default_factory=list)
    next_page: str | None = None
    problem: str | None = None
    """Why it was not parsed, in one line."""


def article(page: Page, *, topics: bool) -> ParseResult:
    """Read a page of an article with its related links, and with its topics if they are asked for."""
    result = extract.article(page)
    if isinstance(result, Rejection) and result.outcome is Outcome.NOT_ARTICLE:
        return _no_article(page, result)
    is_stub = isinstance(result, Article) and result.status is Status.STUB
    return ParseResult(
        result=result,
        refusal=extract.refusal(page) if is_stub else None,
        related=[link.url for link in extract.related(page)],
        topics=extract.topics(page) if topics else [],
    )


def _no_article(page: Page, rejection: Rejection) -> ParseResult:
    """What is left of a page that is no article: where it moved to, and what the source said of the article."""
    moved_to = extract.refresh_target(page)
    unread = extract.article(replace(page, body=b"", status=0, error=rejection.reason, parsed=None))
    return ParseResult(
        result=rejection,
        related=[moved_to] if moved_to else [],
        stub=unread if isinstance(unread, Article) else None,
    )


def listing(page: Page) -> Listing:
    """Read a list page."""
    return Listing(entries=extract.listed(page), next_page=extract.next_page(page))


def feed(page: Page) -> feeds.ParsedFeed:
    """Read a feed.

    Raises:
        FeedError: it is none.

    """
    content_type = f"text/xml; charset={page.encoding}" if page.encoding else None
    return feeds.entries(page.body, page.url, content_type)


def load(_: None) -> None:
    """Do nothing: a process that can call this has imported all parsers."""


class ParserPool:
    """Parses pages in so many processes, each page within its time; with none, in this process and without limit."""

    def __init__(self, processes: int, seconds: float, *, topics: bool = False) -> None:
        """Take the number of processes, how long one page may take (seconds), and whether topics are asked for."""
        self._article = partial(article, topics=topics)
        self._pool = PagePool(processes, seconds) if processes else None
        # Without processes one page is parsed at a time, so that the crawl gets its turn between two of them.
        self._turn = asyncio.Lock()

    def open(self) -> None:
        """Start the processes before the first page comes."""
        if self._pool:
            self._pool.open(load)

    async def close(self) -> None:
        """End the processes, whatever they do."""
        if self._pool:
            await self._pool.close()

    async def article(self, page: Page) -> ParseResult:
        """The parse of a page of an article; one that takes too long has failed.

        Begun by whoever asks first, the same for all who ask later: a page is parsed once.
        """
        if page.parse is None:
            page.parse = asyncio.ensure_future(self._parse(page))
        result: ParseResult = await asyncio.shield(page.parse)
        return result

    async def _parse(self, page: Page) -> ParseResult:
        try:
            return await self._run(self._article, page)
        except CallKilled as error:
            return ParseResult(result=Rejection(outcome=Outcome.FAILED, reason=str(error)))

    async def listing(self, page: Page) -> Listing:
        """Read a list page; one that takes too long has a problem."""
        try:
            return await self._run(listing, page)
        except CallKilled as error:
            return Listing(problem=str(error))

    async def feed(self, page: Page) -> feeds.ParsedFeed:
        """Read a feed.

        Raises:
            FeedError: it is none, or took too long.

        """
        try:
            return await self._run(feed, page)
        except CallKilled as error:
            raise feeds.FeedError(str(error)) from error

    async def _run(self, function: Callable[[Page], Result], page: Page) -> Result:
        if self._pool and page.body:
            return await self._pool.apply(function, page)
        async with self._turn:
            return function(page)
