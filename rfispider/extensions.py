"""What a run tells about itself: a line now and then, a record in the archive, a summary at its end."""

import logging
import os
import socket
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Self

from scrapy import Spider, signals
from scrapy.crawler import Crawler
from scrapy.settings import BaseSettings
from scrapy.utils.asyncio import create_looping_call

from rfispider.items import Outcome
from rfispider.pipelines import Save
from rfispider.settings import base_url, request_rate
from rfispider.store import Store, StoreError
from rfispider.website import SITE

logger = logging.getLogger(__name__)

PROGRESS_SECONDS = 30.0
PACKAGES = ("scrapy", "trafilatura", "pymongo")


class Progress:
    """Logs one line every half minute: how many pages, how fast, what came of them."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.loop = create_looping_call(self.tell)
        self.before = 0
        crawler.signals.connect(self.spider_opened, signal=signals.spider_opened)
        crawler.signals.connect(self.spider_closed, signal=signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the crawler, whose statistics are told."""
        return cls(crawler)

    def spider_opened(self) -> None:
        """Begin to tell."""
        self.loop.start(PROGRESS_SECONDS, now=False)

    def spider_closed(self) -> None:
        """Stop telling."""
        if self.loop.running:
            self.loop.stop()

    def tell(self) -> None:
        """Log one line of progress."""
        stats = self.crawler.stats.get_stats()
        pages = sum(group(stats, "outcome/").values())
        rate, self.before = (pages - self.before) / PROGRESS_SECONDS, pages
        logger.info("%.1f pages a second; so far %s", rate, told(stats))


class RunRecord:
    """Keeps one document a run in the archive: what it was asked, what it did, why it ended."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.run: dict[str, Any] = {}
        self.clock = time.monotonic()
        crawler.signals.connect(self.spider_opened, signal=signals.spider_opened)
        crawler.signals.connect(self.spider_closed, signal=signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the crawler, whose statistics become the record."""
        return cls(crawler)

    @property
    def store(self) -> Store | None:
        """The archive, once the pipeline that owns it has opened it."""
        pipeline = self.crawler.get_item_pipeline(Save)
        return pipeline.store if pipeline else None

    async def spider_opened(self, spider: Spider) -> None:
        """Write that the run has begun, and say what it is about to do; `scrapy shell` is no run."""
        if not hasattr(spider, "arguments"):
            return
        self.run = beginning(spider)
        logger.info("crawling %s", intention(self.run["arguments"], self.crawler.settings))
        if self.store:
            await self.store.run_started(self.run)

    async def spider_closed(self, reason: str) -> None:
        """Write how the run ended, say so in one line, and close the archive."""
        if not self.run:
            if self.store:
                await self.store.close()
            return
        stats = self.crawler.stats.get_stats()
        self.run |= ending(stats, reason)
        if self.store:
            await self.record(self.store)
        logger.info("%s after %.1f s: %s", reason, time.monotonic() - self.clock, told(stats))
        if failure := shortfall(stats, reason):
            logger.error("the run did not do its job: %s", failure)

    async def record(self, store: Store) -> None:
        """Write the record; a broken archive must not hide why the run ended."""
        try:
            await store.run_finished(self.run)
        except StoreError as error:
            logger.error("the run record could not be written: %s", error)  # noqa: TRY400 - one line for a person
        finally:
            await store.close()


def beginning(spider: Spider) -> dict[str, Any]:
    """The run document as it is when a run begins."""
    return {
        "worker": f"{socket.gethostname()}:{os.getpid()}",
        "started_at": datetime.now(UTC),
        "arguments": given(spider),
        "versions": {name: version(name) for name in PACKAGES},
    }


def given(spider: Spider) -> dict[str, Any]:
    """The arguments of the spider as they were understood, fit for MongoDB."""
    arguments = spider.arguments  # type: ignore[attr-defined]
    return {
        "editions": list(arguments.editions),
        "depth": arguments.depth,
        "archive": arguments.archive.name if arguments.archive else None,
        "sources": list(arguments.sources),
    }


def ending(stats: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """What a run adds to its document when it ends."""
    return {
        "finished_at": datetime.now(UTC),
        "reason": reason,
        "problem": shortfall(stats, reason),
        "outcomes": group(stats, "outcome/"),
        "editions": editions(stats),
        "sources": group(stats, "source/"),
        "missing": group(stats, "missing/"),
        "requests": stats.get("downloader/request_count", 0),
        "bytes": stats.get("downloader/response_bytes", 0),
    }


def group(stats: Mapping[str, Any], prefix: str) -> dict[str, int]:
    """The counters under a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in sorted(stats.items()) if name.startswith(prefix)}


def editions(stats: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Outcomes by edition."""
    counted: dict[str, dict[str, int]] = {}
    for name, value in group(stats, "edition/").items():
        edition, _, outcome = name.partition("/")
        counted.setdefault(edition, {})[outcome] = value
    return counted


def told(stats: Mapping[str, Any]) -> str:
    """Sources and outcomes as a person reads them."""
    sources, outcomes = group(stats, "source/"), group(stats, "outcome/")
    return f"{counted('source', sources)}; {counted('page', outcomes)}"


def counted(what: str, counts: Mapping[str, int]) -> str:
    """So many of something, and what became of them."""
    total = sum(counts.values())
    parts = ", ".join(f"{value} {name}" for name, value in counts.items())
    return f"{total} {what}{'' if total == 1 else 's'}" + (f" ({parts})" if parts else "")


def intention(arguments: Mapping[str, Any], settings: BaseSettings) -> str:
    """What a run is about to do, in one line."""
    rate = request_rate(settings)
    pace = f"at {rate:g} requests a second" if rate else "without a limit of the rate"
    place = base_url(settings) or SITE
    origin = arguments["archive"] or ", ".join(arguments["sources"]) or f"{place} {pace}"
    return f"{' '.join(arguments['editions'])} from {origin}, depth {arguments['depth']}"


def shortfall(stats: Mapping[str, Any], reason: str) -> str | None:
    """Why a run did not do its job, in one line; None if it did.

    A page that failed is retried by a later run. A run is at fault when it was stopped, when an exception
    escaped, when no source could be read, or when a source or archive document that was asked for by name
    could not.
    """
    failed, pages = stats.get(f"outcome/{Outcome.FAILED}", 0), sum(group(stats, "outcome/").values())
    faults = {
        reason: reason != "finished",
        "no source could be read": set(group(stats, "source/")) == {"failed"},
        f"{stats.get('spider_exceptions/count')} exceptions in the spider, see the log": "spider_exceptions/count"
        in stats,
        f"{stats.get('frontier/abandoned')} visits came to nothing, see the log": "frontier/abandoned" in stats,
        f"{stats.get('asked/failed')} of the given sources or documents could not be read": "asked/failed" in stats,
        f"all {failed} pages failed": failed > 0 and failed == pages,
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)
