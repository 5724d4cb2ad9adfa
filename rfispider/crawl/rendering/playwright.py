"""Rendering by this machine's Chromium, through scrapy-playwright: the optional extra `playwright`."""

import logging
import os
import shutil
from contextlib import suppress
from typing import Any, Final, Self
from urllib.parse import urlsplit

from rfispider.site.hosts import SITE

from playwright.async_api import Error, Page, Request as BrowserRequest, Route  # isort: skip
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.http import Response, TextResponse
from scrapy.settings import BaseSettings
from scrapy_playwright.page import PageMethod

from rfispider.concurrency.process_globals import silence_loggers
from rfispider.crawl.rendering.render import NEEDLESS, Rendered, RenderError, RenderRequest, origins
from rfispider.settings import SettingError, base_url, number

HANDLER: Final = "scrapy_playwright.handler.ScrapyPlaywrightDownloadHandler"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""What the browser is called on PATH."""
COUNTED: Final = "browser_requests"
"""Key of a request's meta: what the page asked the site for."""


def configure(settings: BaseSettings) -> None:
    """Let requests with a `playwright` meta key be made by the browser.

    Raises:
        SettingError: there is no browser.

    """
    seconds = number(settings, "RFI_RENDER_SECONDS", least=1)
    # One scheme, for each of them would start a browser's driver of its own.
    settings["DOWNLOAD_HANDLERS"][urlsplit(base_url(settings) or SITE).scheme] = HANDLER
    for name, value in {
        "PLAYWRIGHT_BROWSER_TYPE": "chromium",
        "PLAYWRIGHT_LAUNCH_OPTIONS": launch_options(executable(str(settings["RFI_CHROMIUM"])), base_url(settings)),
        "PLAYWRIGHT_MAX_PAGES_PER_CONTEXT": int(number(settings, "RFI_RENDERS_AT_ONCE", least=1)),
        "PLAYWRIGHT_DEFAULT_NAVIGATION_TIMEOUT": seconds * 1000,
        "PLAYWRIGHT_PROCESS_REQUEST_HEADERS": None,
    }.items():
        settings.set(name, value, priority="addon")
    if settings["LOG_LEVEL"] != "DEBUG":
        # It warns with a traceback; the middleware logs the same failure in one line.
        silence_loggers(["scrapy-playwright"], up_to=logging.WARNING)


def executable(told: str) -> str:
    """The browser's program: the one that is told, else the first on PATH.

    Raises:
        SettingError: there is none.

    """
    for name in (told,) if told else NAMES:
        if found := shutil.which(name):
            return found
    raise SettingError(f"RFI_CHROMIUM: there is no program {told or ' or '.join(NAMES)}")


def launch_options(program: str, base: str) -> dict[str, Any]:
    """How the browser is started: hosts other than the site's have no address for it, whatever a page asks for."""
    hosts = {origin.split("/")[2].rpartition("@")[2].partition(":")[0] for origin in origins(base)}
    rules = ", ".join(["MAP * ~NOTFOUND", *(f"EXCLUDE {host}" for host in sorted(hosts))])
    return {
        "executable_path": program,
        # Chromium has no sandbox for root.
        "chromium_sandbox": os.geteuid() != 0,
        "args": [f"--host-resolver-rules={rules}", "--blink-settings=imagesEnabled=false"],
    }


class Renderer:
    """Asks the browser."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the crawler, whose robots.txt is obeyed by pages too."""
        return cls(crawler)

    def request(self, render_request: RenderRequest) -> Request:
        """Build the request that has a page rendered."""
        requested: list[str] = []

        async def prepare(page: Page, _: Request) -> None:
            await page.context.clear_cookies()
            await page.route("**", lambda route, asked: self.admit(route, asked, render_request, requested))

        async def complete(page: Page) -> None:
            # A page that never falls silent is taken as it is.
            with suppress(Error):
                await page.wait_for_load_state("networkidle", timeout=render_request.seconds * 1000 / 3)

        meta = {
            "playwright": True,
            "playwright_context_kwargs": {
                "user_agent": render_request.user_agent,
                "service_workers": "block",
                "accept_downloads": False,
            },
            "playwright_page_init_callback": prepare,
            "playwright_page_methods": [PageMethod(complete)],
            COUNTED: requested,
        }
        return Request(render_request.url, meta=meta)

    async def admit(
        self, route: Route, asked: BrowserRequest, render_request: RenderRequest, requested: list[str]
    ) -> None:
        """Let a page ask for what it needs, of the site, within robots.txt; nothing else."""
        needed = render_request.allows(asked.url) and asked.resource_type not in NEEDLESS
        if needed and await self.robots_allow(asked.url):
            requested.append(asked.url)
            await route.fallback()
        else:
            await route.abort()

    async def robots_allow(self, url: str) -> bool:
        """Whether robots.txt lets us ask for a resource of a page."""
        robots = self.crawler.get_downloader_middleware(RobotsTxtMiddleware)
        parser = await robots.robot_parser(Request(url)) if robots else None
        return parser is None or bool(parser.allowed(url, self.crawler.settings["USER_AGENT"]))

    def read(self, response: Response) -> Rendered:
        """Read the answer.

        Raises:
            RenderError: it is no text.

        """
        if not isinstance(response, TextResponse):
            raise RenderError("no-html")
        assert response.request  # noqa: S101 - the engine gives it to every response
        requests = len(response.request.meta[COUNTED])
        return Rendered(url=response.url, html=response.text, status=response.status, requests=requests)
