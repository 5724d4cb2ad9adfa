"""What a run leaves: its record in the archive, a summary in the log, a judgement."""

import logging
import os
import re
import socket
import time
from collections.abc import Mapping
from importlib.metadata import version
from resource import RUSAGE_SELF, getrusage
from typing import Any, Self

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.statscollectors import StatsCollector

from rfispider.crawl import run_text
from rfispider.crawl.arguments import Arguments
from rfispider.crawl.heartbeat import Heartbeat
from rfispider.crawl.run_text import by_edition, group
from rfispider.crawl.session import CrawlSession
from rfispider.items import Outcome
from rfispider.monitoring.alerts import Receivers
from rfispider.monitoring.run_evaluation import ALARM, RunEvaluation
from rfispider.setting_values import json_wanted
from rfispider.storage import DatabaseError
from rfispider.text import without_credentials

logger = logging.getLogger(__name__)

STAYING = "run/staying"
"""Statistic of a run that goes on until it is told to stop."""
PACKAGES = ("scrapy", "trafilatura", "pymongo")


class RunRecord:
    """Keeps one document a run in the archive: what it was asked, what it did, why it ended."""

    def __init__(
        self,
        session: CrawlSession,
        arguments: Arguments,
        evaluation: RunEvaluation,
        stats: StatsCollector,
        *,
        json: bool,
    ) -> None:
        """Take the database, what the crawl was asked for, who judges it, and its statistics.

        `json`: the summary is logged as fields for programs, not as a table for people.
        """
        self.session = session
        self.arguments = arguments
        self.evaluation = evaluation
        self.stats = stats
        self.json = json
        self.run: dict[str, Any] = {}
        self.started_at = time.monotonic()
        self.heartbeat: Heartbeat | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Record a crawl.

        Raises:
            NotConfigured: the spider is none of ours; `scrapy shell` is no run.

        """
        session, settings = CrawlSession.of(crawler), crawler.settings
        record = cls(
            session,
            crawler.spider.arguments,  # type: ignore[union-attr] # a session is of our spider alone
            RunEvaluation(Receivers.of(settings)),
            crawler.stats,
            json=json_wanted(settings),
        )
        crawler.signals.connect(record.spider_opened, signal=signals.spider_opened)
        session.before_close(record.finish)
        return record

    async def spider_opened(self) -> None:
        """Write that the run has begun, and go on to give signs of life."""
        self.run = beginning(self.arguments) | {"started_at": self.session.now()}
        if self.arguments.follow:
            self.stats.set_value(STAYING, value=True)
        if self.session.is_open:
            await self.session.store.run_started(self.run)
            self.heartbeat = Heartbeat(self.session, self.run, self.stats)
            self.heartbeat.start()

    async def finish(self, reason: str) -> None:
        """Write how the run ended, and say so."""
        if self.heartbeat:
            await self.heartbeat.stop()
        stats = self.stats.get_stats()
        self.run |= ending(stats, reason) | {"finished_at": self.session.now()}
        if self.session.is_open:
            await self.evaluation.judge(self.session.store, self.run, stats)
            self.run["problem"] = shortfall(stats, reason)
            await self.record()
        self.sum_up(reason, stats)
        if failure := shortfall(stats, reason):
            logger.error("the run did not do its job: %s", failure)
        await self.evaluation.announce(self.run)

    def sum_up(self, reason: str, stats: Mapping[str, Any]) -> None:
        """Log what came of the run: as fields where the log is read by programs, as a table where people read it."""
        line = run_text.ended(reason, time.monotonic() - self.started_at, stats)
        if self.json:
            names = ("reason", "problem", "outcomes", "editions", "sources", "requests", "bytes")
            logger.info("%s", line, extra={"run": {name: self.run[name] for name in names}})
        else:
            logger.info("%s\n%s", line, run_text.summary(stats))

    async def record(self) -> None:
        """Write the record; a broken archive must not hide why the run ended."""
        try:
            await self.session.store.run_finished(self.run)
        except DatabaseError as error:
            logger.error("the run record could not be written: %s", error)


def beginning(arguments: Arguments) -> dict[str, Any]:
    """The run document as it is when a run begins."""
    return {
        "worker": f"{socket.gethostname()}:{os.getpid()}",
        "arguments": argument_record(arguments),
        "versions": {name: version(name) for name in PACKAGES},
    }


def argument_record(arguments: Arguments) -> dict[str, Any]:
    """The arguments of a crawl as they were understood, fit for MongoDB."""
    return {
        "editions": list(arguments.editions),
        "depth": arguments.depth,
        "archive": arguments.archive.name if arguments.archive else None,
        "sources": [without_credentials(source) for source in arguments.sources],
        "since": arguments.since and arguments.since.isoformat(),
        "until": arguments.until and arguments.until.isoformat(),
    }


def ending(stats: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """What a run adds to its document when it ends."""
    return {
        "reason": reason,
        "problem": shortfall(stats, reason),
        "outcomes": group(stats, "outcome/"),
        "editions": by_edition(stats, "edition/"),
        "coverage": by_edition(stats, "coverage/"),
        "statuses": group(stats, "downloader/response_status_count/"),
        "seconds": means(stats),
        "memory": getrusage(RUSAGE_SELF).ru_maxrss * 1024,
        "sources": group(stats, "source/"),
        "missing": group(stats, "missing/"),
        "rendering": group(stats, "render/"),
        "requests": stats.get("downloader/request_count", 0),
        "bytes": stats.get("downloader/response_bytes", 0),
    }


def means(stats: Mapping[str, Any]) -> dict[str, float]:
    """How long one of each took that was measured, in seconds: a response, a group commit."""
    sums = {name.split("/")[1]: value for name, value in stats.items() if re.fullmatch("seconds/[a-z]+/sum", name)}
    return {what: value / stats[f"seconds/{what}/count"] for what, value in sorted(sums.items())}


def shortfall(stats: Mapping[str, Any], reason: str) -> str | None:
    """Why a run did not do its job, in one line; None if it did.

    A page that failed is retried by a later run. A run is at fault when it was stopped, when an exception
    escaped, when no source could be read, or when a source or archive document that was asked for by name
    could not, or when a monitor raised an alarm.
    """
    failed, pages = stats.get(f"outcome/{Outcome.FAILED}", 0), sum(group(stats, "outcome/").values())
    faults = {
        reason: reason != "finished" and not (reason == "shutdown" and STAYING in stats),
        "no source could be read": set(group(stats, "source/")) == {"failed"},
        f"{stats.get('spider_exceptions/count')} exceptions in the spider, see the log": "spider_exceptions/count"
        in stats,
        f"{stats.get('frontier/abandoned')} visits came to nothing, see the log": "frontier/abandoned" in stats,
        f"{stats.get('asked/failed')} of the given sources or documents could not be read": "asked/failed" in stats,
        f"all {failed} pages failed": failed > 0 and failed == pages,
        f"it looks unlike the runs before: {stats.get(ALARM)}": ALARM in stats,
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)
