"""One page is rendered: within the budget of its host, by a renderer that is left alone while it fails."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.statscollectors import StatsCollector

from rfispider.crawl.rendering import render
from rfispider.crawl.rendering.render import Rendered, RendererError, RenderError, RenderRequest
from rfispider.frontier.host_budget import HostBudgets
from rfispider.frontier.policy.politeness import REFUSAL_STATUSES, Breaker
from rfispider.items import Page
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
        """Take note of an answer; `now` is of any monotonic clock, in seconds."""
        self.in_a_row = self.in_a_row + 1 if failed else 0
        if self.in_a_row >= self.failures:
            self.in_a_row, self.rests_until = 0, now + self.rest_s

    def rests(self, now: float) -> bool:
        """Whether the renderer is left alone at present."""
        return now < self.rests_until


@dataclass(slots=True, kw_only=True)
class PageRenderer:
    """Renders pages with one renderer. For one event loop."""

    renderer: Renderer
    download: Callable[[Request], Awaitable[Response]]
    """Makes a request outside the scheduler."""
    hosts: Callable[[], HostBudgets]
    """The budgets that all workers share; asked for only once the frontier is open."""
    stats: StatsCollector
    base: str
    """Where the site is fetched from, when that is a mirror."""
    user_agent: str
    seconds: float
    """The longest that one page may take."""
    max_bytes: int
    """A larger page is refused."""
    at_once: asyncio.Semaphore
    """Limits the pages that are rendered at the same time."""
    health: RendererHealth = field(default_factory=RendererHealth)

    async def rendered(self, page: Page) -> Page | None:
        """The page as a browser shows it; None, counted and logged, if rendering does not improve it."""
        async with self.at_once:
            started = asyncio.get_running_loop().time()
            try:
                rendered, result = await self.render(page), "filled"
                self.count(result)
            except RenderError as error:
                rendered, result = None, str(error)
                self.count(f"failed/{result}")
            seconds = asyncio.get_running_loop().time() - started
        self.count("seconds", seconds)
        logger.info("rendering %s, %.1f s: %s", page.url, seconds, result)
        return rendered

    async def render(self, page: Page) -> Page:
        """Have the renderer load a page, within the budget of the site.

        Raises:
            RenderError: the page could not be rendered, or is no better than before.

        """
        if self.health.rests(asyncio.get_running_loop().time()):
            raise RenderError("renderer-rests")
        url = urls.to_mirror(page.url, self.base)
        host = urlsplit(url).netloc
        await self.reserve(host)
        self.count("asked")
        rendered = await self.ask(url, page)
        self.count("requests", rendered.requests)
        await self.settle(host, rendered)
        return render.filled(page, rendered, base=self.base, max_bytes=self.max_bytes, now=datetime.now(UTC))

    async def ask(self, url: str, page: Page) -> Rendered:
        """The renderer's answer.

        Raises:
            RenderError: it gave none.

        """
        request = self.renderer.request(
            RenderRequest(url=url, origins=render.origins(self.base), seconds=self.seconds, user_agent=self.user_agent)
        )
        # One render a visit, which a retry would exceed; the lease is held by the request that carries the visit.
        request.meta.update(visit=page.visit, dont_retry=True, dont_redirect=True, rendering=True)
        failed = False
        try:
            return self.renderer.read(await self.response(request))
        except RendererError:
            failed = True
            raise
        finally:
            self.health.note(failed=failed, now=asyncio.get_running_loop().time())

    async def response(self, request: Request) -> Response:
        """The response of the renderer.

        Raises:
            RenderError: the request is not allowed.
            RendererError: there is none, whatever went wrong.

        """
        try:
            return await self.download(request)
        except IgnoreRequest as error:
            raise RenderError("not-allowed") from error
        except Exception as error:
            logger.debug("rendering %s failed", request.url, exc_info=True)
            raise RendererError(type(error).__name__) from error

    # ---- the site's budget -------------------------------------------------------------------------------

    async def reserve(self, host: str, requests: int = 1) -> None:
        """Wait until so many requests may be made to a host.

        Raises:
            RenderError: the site refuses pages at present.

        """
        while requests > 0:
            grant = await self.hosts().reserve(host, requests)
            if grant.breaker is Breaker.OPEN:
                raise RenderError("site-refuses")
            requests -= len(grant.waits_s)
            await asyncio.sleep(grant.waits_s[-1] if grant.waits_s else grant.again_in_s)

    async def settle(self, host: str, rendered: Rendered) -> None:
        """Report to the budget how the site answered, and pay for what the page loaded besides itself."""
        if rendered.status in REFUSAL_STATUSES:
            await self.hosts().on_refusal(host, page=True)
        elif rendered.status:
            await self.hosts().on_success(host, page=True)
            await self.reserve(host, rendered.requests - 1)

    def count(self, name: str, value: float = 1) -> None:
        """Count what rendering costs and brings."""
        key = f"render/{name}"
        self.stats.set_value(key, round(self.stats.get_value(key, 0) + value, 3))
