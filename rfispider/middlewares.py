"""What stands between the spider and Scrapy: links become requests, each URL once a run."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from rfispider import urls
from rfispider.items import Link


class FollowLinks:
    """Turns the links that the spider yields into requests.

    A request is built only for a link that was not asked for before, or was asked for at a greater depth, from
    where its own related links were out of reach. The next page of a list is asked for only when the page
    before it listed something that the list had not shown so far.
    """

    def __init__(self, request: Callable[[Link], Request]) -> None:
        self.request = request
        self.depths: dict[str, int] = {}
        self.shown: dict[str, set[str]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the way to build a request from the spider."""
        return cls(crawler.spider.request)  # type: ignore[union-attr]

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Follow the links that the crawl begins with."""
        async for thing in self.follow(start):
            yield thing

    async def process_spider_output(self, response: Response, result: AsyncIterator[Any]) -> AsyncIterator[Any]:  # noqa: ARG002
        """Follow the links of one page."""
        async for thing in self.follow(result):
            yield thing

    async def follow(self, things: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Replace links by requests; anything else passes."""
        more: list[Link] = []
        found: set[str] = set()
        async for thing in things:
            if not isinstance(thing, Link):
                yield thing
            elif thing.list_page > 1:
                more.append(thing)
            else:
                found.add(urls.key(thing.url))
                if self.admit(thing):
                    yield self.request(thing)
        for link in more:
            if self.goes_on(link, found) and self.admit(link):
                yield self.request(link)

    def goes_on(self, link: Link, found: set[str]) -> bool:
        """Whether the page before the one that `link` leads to listed anything that its list had not shown."""
        shown = self.shown.setdefault(urls.page_of_list(link.url, 1), set())
        fresh = found - shown
        shown |= fresh
        return bool(fresh)

    def admit(self, link: Link) -> bool:
        """Whether a link leads anywhere that this run has not been, and remember it."""
        key = urls.key(link.url)
        known = self.depths.get(key)
        if known is not None and known <= link.depth:
            return False
        self.depths[key] = link.depth
        return True
