"""The spider middleware that has a page without a body rendered; its lease is held until the page is stored."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from importlib import import_module
from typing import Any, Self

from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from scrapy.http import Response

from rfispider.crawl.parse_pool import ParserPool
from rfispider.crawl.rendering import render
from rfispider.crawl.rendering.page_renderer import PageRenderer
from rfispider.crawl.session import CrawlSession
from rfispider.crawl.spiders.rfi import RfiSpider
from rfispider.items import Link, Page
from rfispider.setting_values import base_url, number, renderer, whole_number


class Rendering:
    """A spider middleware: replaces a page that lacks its body by the rendered one, and adds the links of that."""

    def __init__(
        self,
        page_renderer: PageRenderer,
        parser_pool: ParserPool,
        follow_related: Callable[[Page], Awaitable[Iterable[Link]]],
    ) -> None:
        """Take what renders a page, what parses one, and what gives the links that are followed from one."""
        self.page_renderer = page_renderer
        self.parser_pool = parser_pool
        self.follow_related = follow_related

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build the renderer that the settings name, with the objects of the crawl that it needs.

        Raises:
            NotConfigured: the spider is none of ours, as in `scrapy shell`.

        """
        spider, settings, session = crawler.spider, crawler.settings, CrawlSession.of(crawler)
        if not isinstance(spider, RfiSpider):
            raise NotConfigured("the spider is not rfi")
        module = import_module(f"rfispider.crawl.rendering.{renderer(settings)}")
        page_renderer = PageRenderer(
            renderer=module.Renderer.from_crawler(crawler),
            # The engine is made after its middlewares, and the frontier is opened later still: both are looked up late.
            download=lambda request: crawler.engine.download_async(request),  # noqa: PLW0108 - no engine yet
            hosts=lambda: session.frontier.hosts,
            stats=crawler.stats,
            base=base_url(settings),
            user_agent=settings["USER_AGENT"],
            seconds=number(settings, "RFI_RENDER_SECONDS"),
            max_bytes=settings.getint("DOWNLOAD_MAXSIZE"),
            at_once=asyncio.Semaphore(whole_number(settings, "RFI_RENDERS_AT_ONCE")),
        )
        return cls(page_renderer, spider.parser_pool, spider.follow_related)

    async def process_spider_output(
        self,
        response: Response,
        result: AsyncIterator[Any],
    ) -> AsyncIterator[Any]:
        """Let everything pass but a page that lacks its body."""
        async for item in result:
            rendered = await self.rendered(item)
            yield rendered or item
            if rendered:
                for link in await self.follow_related(rendered):
                    yield link

    async def rendered(self, item: Any) -> Page | None:
        """The rendered page of one that lacks its body; None for anything else, and when it could not be rendered."""
        if not isinstance(item, Page):
            return None
        parsed = await self.parser_pool.article(item)
        return await self.page_renderer.rendered(item) if render.lacks_body(item, parsed.result) else None
