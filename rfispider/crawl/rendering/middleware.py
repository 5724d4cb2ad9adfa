"""Has a page without a body rendered while its visit goes on: the lease is held until the page is stored."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.http import Response

from rfispider.crawl.rendering import render
from rfispider.crawl.rendering.render import Rendered, RendererError, RenderError, RenderRequest
from rfispider.crawl.session import CrawlSession
from rfispider.crawl.spiders.rfi import RfiSpider
from rfispider.frontier.host_budget import HostBudgets
from rfispider.frontier.policy.politeness import REFUSALS, Breaker
from rfispider.items import Page
from rfispider.settings import base_url, number, renderer
from rfispider.site import urls

logger = logging.getLogger(__name__)


class Renderer(Protocol):
    """How one kind of renderer is asked, and how its answer is read."""

    def request(self, render_request: RenderRequest) -> Request:
        """Build the request that has a page rendered."""

    def read(self, response: Response) -> Rendered:
        """Read the answer; raises RenderError if it is a failure."""


@dataclass(slots=True)
class RendererHealth:
    """Whether the renderer is worth asking: after some failures in a row it is left alone for a while."""

    failures: int = 3
    """In a row."""
    rest_s: float = 60.0
    in_a_row: int = field(default=0, init=False)
    rests_until: float = field(default=float("-inf"), init=False)

    def note(self, *, failed: bool, now: float) -> None:
        """Take note of an answer; `now` is of any clock that runs, in seconds."""
        self.in_a_row = self.in_a_row + 1 if failed else 0
        if self.in_a_row >= self.failures:
            self.in_a_row, self.rests_until = 0, now + self.rest_s

    def rests(self, now: float) -> bool:
        """Whether the renderer is left alone at present."""
        return now < self.rests_until


class Rendering:
    """A spider middleware: a page that lacks its body leaves it as it was rendered, with what it then links to."""

    def __init__(self, crawler: Crawler, spider: RfiSpider, session: CrawlSession, chosen: Renderer) -> None:
        settings = crawler.settings
        self.crawler = crawler
        self.spider = spider
        self.session = session
        self.renderer = chosen
        self.base = base_url(settings)
        self.seconds = number(settings, "RFI_RENDER_SECONDS", least=1)
        self.max_bytes = settings.getint("DOWNLOAD_MAXSIZE")
        self.at_once = asyncio.Semaphore(int(number(settings, "RFI_RENDERS_AT_ONCE", least=1)))
        self.health = RendererHealth()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the renderer that the settings name.

        Raises:
            NotConfigured: the spider is none of ours, as in `scrapy shell`.

        """
        if not isinstance(crawler.spider, RfiSpider):
            raise NotConfigured("the spider is not rfi")
        module = import_module(f"rfispider.crawl.rendering.{renderer(crawler.settings)}")
        return cls(crawler, crawler.spider, CrawlSession.of(crawler), module.Renderer.from_crawler(crawler))

    async def process_spider_output(
        self,
        response: Response,  # noqa: ARG002 - as Scrapy calls it
        result: AsyncIterator[Any],
    ) -> AsyncIterator[Any]:
        """Let everything pass but a page that lacks its body."""
        async for thing in result:
            better = await self.rendered(thing) if isinstance(thing, Page) and await self.lacks_body(thing) else None
            yield better or thing
            if better:
                for link in await self.spider.follow_related(better):
                    yield link

    async def lacks_body(self, page: Page) -> bool:
        """Whether a page is to be rendered."""
        return render.lacks_body(page, (await self.spider.parser_pool.article(page)).result)

    async def rendered(self, page: Page) -> Page | None:
        """The page as a browser shows it; None, counted and told, if that brings nothing."""
        async with self.at_once:
            began = asyncio.get_running_loop().time()
            try:
                better = await self.visit(page)
            except RenderError as error:
                better, told = None, str(error)
                self.count(f"failed/{told}")
            else:
                told = "filled"
                self.count(told)
            took = asyncio.get_running_loop().time() - began
        self.count("seconds", took)
        logger.info("rendering %s, %.1f s: %s", page.url, took, told)
        return better

    async def visit(self, page: Page) -> Page:
        """Ask the renderer, within the budget of the site.

        Raises:
            RenderError: the page could not be rendered, or is no better than before.

        """
        if self.health.rests(asyncio.get_running_loop().time()):
            raise RenderError("renderer-rests")
        url = urls.to_mirror(page.url, self.base)
        host = urlsplit(url).netloc
        await self.turn(host)
        self.count("asked")
        rendered = await self.ask(url, page)
        self.count("requests", rendered.requests)
        await self.complete(host, rendered)
        return render.filled(page, rendered, base=self.base, max_bytes=self.max_bytes, now=datetime.now(UTC))

    async def ask(self, url: str, page: Page) -> Rendered:
        """The renderer's answer.

        Raises:
            RenderError: it gave none.

        """
        render_request = RenderRequest(
            url=url,
            origins=render.origins(self.base),
            seconds=self.seconds,
            user_agent=self.crawler.settings["USER_AGENT"],
        )
        request = self.renderer.request(render_request)
        # One render a visit, which a retry would break; the lease is held by whoever carries its attempt.
        request.meta.update(visit=page.visit, dont_retry=True, dont_redirect=True, rendering=True)
        failed = False
        try:
            return self.renderer.read(await self.download(request))
        except RendererError:
            failed = True
            raise
        finally:
            self.health.note(failed=failed, now=asyncio.get_running_loop().time())

    async def download(self, request: Request) -> Response:
        """What the renderer sends; raises RendererError if it sends nothing, whatever went wrong in it."""
        try:
            return await self.crawler.engine.download_async(request)
        except IgnoreRequest as error:
            raise RenderError("not-allowed") from error
        except Exception as error:
            logger.debug("rendering %s failed", request.url, exc_info=True)
            raise RendererError(type(error).__name__) from error

    # ---- the site's budget -------------------------------------------------------------------------------

    @property
    def hosts(self) -> HostBudgets:
        """The budgets of the hosts."""
        return self.session.frontier.hosts

    async def turn(self, host: str, requests: int = 1) -> None:
        """Wait for the turn of so many requests among all that the workers make.

        Raises:
            RenderError: the site refuses pages at present.

        """
        while requests > 0:
            slots = await self.hosts.reserve(host, requests)
            if slots.breaker is Breaker.OPEN:
                raise RenderError("site-refuses")
            requests -= len(slots.waits_s)
            await asyncio.sleep(slots.waits_s[-1] if slots.waits_s else slots.again_in_s)

    async def complete(self, host: str, rendered: Rendered) -> None:
        """Tell the budget how the site answered, and pay for what the page loaded besides itself."""
        if rendered.status in REFUSALS:
            await self.hosts.on_refusal(host, page=True)
        elif rendered.status:
            await self.hosts.on_success(host, page=True)
            await self.turn(host, rendered.requests - 1)

    def count(self, name: str, value: float = 1) -> None:
        """Count what rendering costs and brings."""
        stats, key = self.crawler.stats, f"render/{name}"
        stats.set_value(key, round(stats.get_value(key, 0) + value, 3))
