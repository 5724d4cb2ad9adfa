"""Rendering by this machine's Chromium, through scrapy-playwright: the optional extra `playwright`."""

import logging
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Self
from urllib.parse import urlsplit

from rfispider.site.hosts import SITE

from playwright.async_api import Error, Page, Request as BrowserRequest, Route  # isort: skip
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response, TextResponse
from scrapy.settings import BaseSettings
from scrapy_playwright.page import PageMethod

from rfispider.concurrency.process_globals import silence_loggers
from rfispider.crawl.rendering.render import NEEDLESS, Rendered, RenderError, RenderRequest, origins
from rfispider.setting_values import SettingError, base_url, number, whole_number

HANDLER: Final = "scrapy_playwright.handler.ScrapyPlaywrightDownloadHandler"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""What the browser is called on PATH."""
BROWSER_REQUESTS: Final = "browser_requests"
"""Key of a request's meta: the URLs that the page loaded from the site."""


def configure(settings: BaseSettings) -> None:
    """Let requests with a `playwright` meta key be made by the browser.

    Raises:
        SettingError: there is no browser.

    """
    seconds = number(settings, "RFI_RENDER_SECONDS")
    # One scheme, for each of them would start a browser's driver of its own.
    settings["DOWNLOAD_HANDLERS"][urlsplit(base_url(settings) or SITE).scheme] = HANDLER
    for name, value in {
        "PLAYWRIGHT_BROWSER_TYPE": "chromium",
        "PLAYWRIGHT_LAUNCH_OPTIONS": launch_options(executable(str(settings["RFI_CHROMIUM"])), base_url(settings)),
        "PLAYWRIGHT_MAX_PAGES_PER_CONTEXT": whole_number(settings, "RFI_RENDERS_AT_ONCE"),
        "PLAYWRIGHT_DEFAULT_NAVIGATION_TIMEOUT": seconds * 1000,
        "PLAYWRIGHT_PROCESS_REQUEST_HEADERS": None,
    }.items():
        settings.set(name, value, priority="addon")
    if settings["LOG_LEVEL"] != "DEBUG":
        # It warns with a traceback; the middleware logs the same failure in one line.
        silence_loggers(["scrapy-playwright"], up_to=logging.WARNING)


def executable(program: str) -> str:
    """The path of the browser: of the program that is named, else of the first known one on PATH.

    Raises:
        SettingError: there is none.

    """
    for name in (program,) if program else NAMES:
        if path := shutil.which(name):
            return path
    raise SettingError(f"RFI_CHROMIUM: there is no program {program or ' or '.join(NAMES)}")


def launch_options(program: str, base: str) -> dict[str, Any]:
    """How the browser is started: it can resolve no host but the site's, whatever a page asks for."""
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

    def __init__(self, robots: Callable[[], RobotsTxtMiddleware | None], user_agent: str) -> None:
        """Take what knows robots.txt (None: it is not obeyed), and the user agent for whom its rules are read."""
        self.robots = robots
        self.user_agent = user_agent

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the middleware for robots.txt, which the pages of the browser obey too, and the user agent."""
        # The engine, which knows the middlewares, is made later.
        return cls(lambda: crawler.get_downloader_middleware(RobotsTxtMiddleware), crawler.settings["USER_AGENT"])

    def request(self, render_request: RenderRequest) -> Request:
        """Build the request that has a page rendered."""
        requested: list[str] = []

        async def prepare(page: Page, _: Request) -> None:
            await page.context.clear_cookies()
            await page.route("**", lambda route, request: self.admit(route, request, render_request, requested))

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
            BROWSER_REQUESTS: requested,
        }
        return Request(render_request.url, meta=meta)

    async def admit(
        self, route: Route, request: BrowserRequest, render_request: RenderRequest, requested: list[str]
    ) -> None:
        """Let a page load what it needs, of the site, within robots.txt; nothing else."""
        is_needed = render_request.allows(request.url) and request.resource_type not in NEEDLESS
        if is_needed and await self.robots_allow(request.url):
            requested.append(request.url)
            await route.fallback()
        else:
            await route.abort()

    async def robots_allow(self, url: str) -> bool:
        """Whether robots.txt lets us ask for a resource of a page."""
        robots = self.robots()
        try:
            parser = await robots.robot_parser(Request(url)) if robots else None
        except IgnoreRequest:
            return False
        return parser is None or bool(parser.allowed(url, self.user_agent))

    def read(self, response: Response) -> Rendered:
        """Read the answer.

        Raises:
            RenderError: it is no text.

        """
        if not isinstance(response, TextResponse):
            raise RenderError("no-html")
        assert response.request  # noqa: S101 - the engine gives it to every response
        requests = len(response.request.meta[BROWSER_REQUESTS])
        return Rendered(url=response.url, html=response.text, status=response.status, requests=requests)
