"""What stands between the spider and Scrapy: links go to the frontier, answers tell how fast we may ask."""

from collections.abc import AsyncIterator
from datetime import datetime
from math import isfinite
from typing import Any, Self
from urllib.parse import urlsplit

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.robotstxt import RobotParser

from rfispider.crawl.session import CrawlSession
from rfispider.frontier.policy.politeness import REFUSAL_STATUSES, retry_after_s
from rfispider.items import PAGE_KINDS, Link

CONDITIONS = ("If-None-Match", "If-Modified-Since")
"""Headers of a conditional GET."""
SOURCE_FRESH_S = 1.0
"""Sources that were read less than so many seconds ago are not read again at the start of a run."""


MAX_CRAWL_DELAY_S = 3600.0
"""A longer delay asked for by robots.txt is cut to this, lest one odd line stop the crawl."""
LINKS_AT_ONCE = 200
"""A sitemap of 50,000 URLs is not held in memory as a whole, and its first ones are fetched while others are read."""


class FollowLinks:
    """Puts the links that the spider yields into the frontier, before the page that held them is done with.

    The next page of a list is asked for only when the page before it is read for the first time, or lists something
    that the frontier did not know when it was last read. What this run has found would not do: after a crash, or
    beside another worker, there is more that is new.
    """

    def __init__(self, session: CrawlSession) -> None:
        self.session = session

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the way into the frontier.

        Raises:
            NotConfigured: the spider is none of ours.

        """
        return cls(CrawlSession.of(crawler))

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Follow the links that the crawl begins with."""
        async for item in self.follow(start, stale_s=SOURCE_FRESH_S):
            yield item

    async def process_spider_output(self, response: Response, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Follow the links of one page."""
        async for item in self.follow(result, polled_at=response.meta.get("polled_at")):
            yield item

    async def follow(
        self, output: AsyncIterator[Any], *, stale_s: float | None = None, polled_at: datetime | None = None
    ) -> AsyncIterator[Any]:
        """Keep links for the frontier; anything else passes."""
        links: list[Link] = []
        next_pages: list[Link] = []
        has_news = False
        async for item in output:
            if not isinstance(item, Link):
                yield item
                continue
            (next_pages if item.continues else links).append(item)
            if len(links) >= LINKS_AT_ONCE:
                has_news |= await self.add(links, stale_s, polled_at)
                links = []
        has_news |= await self.add(links, stale_s, polled_at)
        if next_pages and has_news:
            await self.add(next_pages, SOURCE_FRESH_S, None)

    async def add(self, links: list[Link], stale_s: float | None, polled_at: datetime | None) -> bool:
        """Put links into the frontier; whether any of them was not known when their page was last read."""
        if not links:
            return False
        await self.session.links.add(links, stale_s=stale_s)
        return polled_at is None or await self.session.links.found_since(links, polled_at)


class Redirects(RedirectMiddleware):
    """Follows redirects; the conditions of a request are about its own URL, and are not sent to another one.

    The ETags of two URLs may be equal: a 304 of the other one would say nothing about what was asked for.
    """

    def process_response(
        self,
        request: Request,
        response: Response,
        spider: Spider | None = None,
    ) -> Request | Response:
        """Give the answer, or the request that it leads to."""
        answer = super().process_response(request, response)
        if isinstance(answer, Request):
            for condition in CONDITIONS:
                answer.headers.pop(condition, None)
            answer.meta["body_hash"] = None
        return answer


class Politeness:
    """Tells the budget that all workers share how the site answers, and asks for nothing while it refuses."""

    def __init__(self, session: CrawlSession, user_agent: str) -> None:
        """Take the database, which holds the budgets of the hosts, and the name under which robots.txt is read."""
        self.session = session
        self.user_agent = user_agent

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the budgets of the hosts.

        Raises:
            NotConfigured: the spider is none of ours, as in `scrapy shell`.

        """
        politeness = cls(CrawlSession.of(crawler), crawler.settings["USER_AGENT"])
        crawler.signals.connect(politeness.robots_parsed, signal=signals.robots_parsed)
        return politeness

    def process_request(self, request: Request) -> None:
        """Leave a page alone that the site does not serve at present.

        Raises:
            IgnoreRequest: the circuit breaker of the host is open.

        """
        if request.meta.get("held_off"):
            raise IgnoreRequest("the site refuses pages at present, this one was not asked for")

    async def process_response(self, request: Request, response: Response) -> Response:
        """Slow down after a refusal, recover after an answer."""
        host, page = urlsplit(request.url).netloc, request.meta.get("kind") in PAGE_KINDS
        if "kind" not in request.meta:
            return response
        if response.status in REFUSAL_STATUSES:
            headers = {str(name).lower(): str(value) for name, value in response.headers.to_unicode_dict().items()}
            await self.session.frontier.hosts.on_refusal(
                host, page=page, retry_after_s=retry_after_s(headers, self.session.now())
            )
        else:
            await self.session.frontier.hosts.on_success(host, page=page)
        return response

    async def robots_parsed(self, robotparser: RobotParser, request: Request) -> None:
        """Keep the Crawl-delay of robots.txt for everybody."""
        asked_s = robotparser.crawl_delay(self.user_agent) or 0.0
        delay_s = min(max(0.0, asked_s), MAX_CRAWL_DELAY_S) if isfinite(asked_s) else 0.0
        await self.session.frontier.hosts.set_robots_delay(urlsplit(request.url).netloc, {"crawl_delay_s": delay_s})
