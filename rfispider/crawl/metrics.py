"""Tells Prometheus of a run: over HTTP while it lasts, and in a file for the node exporter."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from prometheus_client import start_http_server, write_to_textfile
from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.statscollectors import StatsCollector

from rfispider.crawl.run_record import shortfall
from rfispider.crawl.session import COMMITTED, CrawlSession
from rfispider.monitoring.gather import take_snapshot
from rfispider.monitoring.prometheus import WorkerMetrics
from rfispider.setting_values import listen_address
from rfispider.storage import DatabaseError

logger = logging.getLogger(__name__)

SAMPLE_S = 30.0
"""How often the database is asked and the file written; the node exporter reads it about as often."""
SAMPLE_SHARE = 20
"""Asking takes at most one part in so many of the time, however large the frontier has grown."""


class Metrics:
    """Measures a run, and exposes it where it is asked to."""

    def __init__(
        self, session: CrawlSession, stats: StatsCollector, *, listen: tuple[str, int] | None, file: Path | None
    ) -> None:
        """Take the database, the statistics, and where to tell of them: host and port, a file, both or neither."""
        self.session = session
        self.stats = stats
        self.listen = listen
        self.file = file
        self.exposition = WorkerMetrics(self.copied_stats, datetime.now(UTC))
        self.server: Any = None
        self.sampling: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the address and the file from the settings.

        Raises:
            NotConfigured: the spider is none of ours.

        """
        file = str(crawler.settings["RFI_METRICS_FILE"]).strip()
        listen = listen_address(crawler.settings, "RFI_METRICS_PORT")
        session = CrawlSession.of(crawler)
        metrics = cls(session, crawler.stats, listen=listen, file=Path(file) if file else None)
        for signal, receiver in (
            (signals.spider_opened, metrics.spider_opened),
            (signals.response_downloaded, metrics.response_downloaded),
            (COMMITTED, metrics.committed),
        ):
            crawler.signals.connect(receiver, signal=signal)
        session.before_close(metrics.finish)
        return metrics

    def copied_stats(self) -> Mapping[str, Any]:
        """A copy of the statistics: they are asked for from another thread."""
        return dict(self.stats.get_stats())

    def spider_opened(self) -> None:
        """Begin to expose; a port that is taken is no reason not to crawl."""
        if self.listen:
            host, port = self.listen
            try:
                self.server, _ = start_http_server(port, host, self.exposition.registry)
            except OSError as error:
                logger.warning("RFI_METRICS_PORT: no metrics on %s:%d: %s", host, port, error)
            else:
                logger.info("metrics on http://%s:%d/metrics", host, self.server.server_port)
        if self.server or self.file:
            self.sampling = asyncio.ensure_future(self.sample_on())

    async def finish(self, reason: str) -> None:
        """Write the file for the last time, and stop."""
        if self.sampling:
            self.sampling.cancel()
            await asyncio.gather(self.sampling, return_exceptions=True)
            self.exposition.success = shortfall(self.copied_stats(), reason) is None
            await self.sample()
        if self.server:
            await asyncio.to_thread(self.server.shutdown)
            self.server.server_close()

    def response_downloaded(self, response: Response, request: Request) -> None:
        """Measure the time of an answer."""
        seconds = request.meta.get("download_latency")
        if seconds is not None:
            self.exposition.latency.labels(str(response.status)).observe(seconds)
            self.count("response", seconds)

    def committed(self, seconds: float) -> None:
        """Measure the time of a group commit."""
        self.exposition.commits.observe(seconds)
        self.count("commit", seconds)

    def count(self, what: str, seconds: float) -> None:
        """Add to the times that the run's record tells the mean of."""
        stats = self.stats
        stats.set_value(f"seconds/{what}/sum", stats.get_value(f"seconds/{what}/sum", 0.0) + seconds)
        stats.inc_value(f"seconds/{what}/count")

    async def sample_on(self) -> None:
        """Ask the database and write the file, again and again."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await self.sample()
            await asyncio.sleep(max(SAMPLE_S, SAMPLE_SHARE * (loop.time() - began)))

    async def sample(self) -> None:
        """Ask the database how things stand, and write the file; a fault of either is logged, and no more."""
        if self.session.is_open:
            try:
                self.exposition.snapshot = await take_snapshot(self.session.store, self.session.frontier)
            except DatabaseError as error:
                logger.warning("no metrics of the database: %s", error)
        if not self.file:
            return
        try:
            await asyncio.to_thread(write_to_textfile, str(self.file), self.exposition.registry)
        except OSError as error:
            logger.warning("RFI_METRICS_FILE: %s", error)
