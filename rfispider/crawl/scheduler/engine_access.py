"""What the scheduler needs of Scrapy's engine and Scrapy has no public way to: all of it here, and nowhere else.

Read in Scrapy 2.19, `scrapy/core/engine.py`: the engine keeps a request in `_slot.inprogress` until its callback is
exhausted and all its items have left the pipelines.
"""

import asyncio
import logging
from typing import Any

from scrapy import Request
from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

CLOSE_GRACE_S = 10.0
"""How long a crawl that is asked to stop waits for the pages in flight, in seconds."""


class EngineAccess:
    """The engine of one crawl, from the moment on that it exists."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._closing_since: float | None = None
        self._closer: asyncio.Task[None] | None = None

    @property
    def _slot(self) -> Any:
        return self._crawler.engine._slot  # noqa: SLF001 - there is no public way

    def requests_in_progress(self) -> list[Request]:
        """Requests that are being downloaded, read or stored."""
        return list(self._slot.inprogress) if self._slot else []

    def wake(self) -> None:
        """Have the engine ask the scheduler at once, instead of at its next heartbeat."""
        if self._slot:
            self._slot.nextcall.schedule()

    def close(self, reason: str) -> None:
        """End the crawl, once; not awaited, for closing waits for the tasks that ask for it."""
        if not self._closer:
            self._closer = asyncio.ensure_future(self._crawler.engine.close_spider_async(reason=reason))

    def force_close(self, now: float) -> None:
        """Once a crawl that is closing has waited `CLOSE_GRACE_S` for its pages, have it close without them.

        `now` is the time of the event loop, in seconds.
        """
        slot = self._slot
        if not slot or slot.closing is None or slot.closing.called:
            return
        self._closing_since = self._closing_since or now
        if now - self._closing_since < CLOSE_GRACE_S:
            return
        logger.info("%d pages in flight are given back unfinished", len(slot.inprogress))
        slot.nextcall.cancel()
        if slot.heartbeat.running:
            slot.heartbeat.stop()
        slot.closing.callback(None)
