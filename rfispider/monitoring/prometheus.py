"""What Prometheus reads: names, units and help of every metric, made from counters and from what the database says.

Names follow Prometheus' practice (prometheus.io/docs/practices/naming): base units, `_total` for counters,
`_timestamp_seconds` for moments. What a worker counts begins anew with each run. What the database says is the same
on every worker: aggregate it with max().
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rfispider.frontier.policy.politeness import Breaker
from rfispider.monitoring.health import HealthFinding, Level, alive, check_health, sign_of_life, worst
from rfispider.monitoring.snapshot import EditionFreshness, Snapshot

PREFIX = "rfispider"
LATENCY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Seconds: from a mirror on this machine to the time limit of a request."""
COMMIT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30)
"""Seconds: from a local disk to a failover."""


@dataclass(frozen=True, slots=True)
class StatsMetric:
    """A metric that is made of one group of Scrapy's statistics."""

    name: str
    help: str
    prefix: str
    """What the names of the statistics begin with; the rest is the value of the labels, parted by slashes.

    Without labels it is the whole name.
    """
    labels: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    """What may follow that is of another kind."""

    def covers(self, statistic: str) -> bool:
        """Whether a statistic is one of these."""
        if not self.labels:
            return statistic == self.prefix
        return statistic.startswith(self.prefix) and statistic.removeprefix(self.prefix) not in self.other


COUNTERS = (
    StatsMetric("outcomes", "Pages by what came of them.", "outcome/", ("outcome",)),
    StatsMetric("edition_outcomes", "Pages by edition and what came of them.", "edition/", ("edition", "outcome")),
    StatsMetric("sources", "Polls of feeds, sitemaps and lists, by result.", "source/", ("result",)),
    StatsMetric("requests", "Requests sent, retries and robots.txt included.", "downloader/request_count"),
    StatsMetric("responses", "Responses by HTTP status.", "downloader/response_status_count/", ("status",)),
    StatsMetric("response_bytes", "Bytes received, as sent over the wire.", "downloader/response_bytes"),
    StatsMetric(
        "request_errors", "Requests without an answer, by error.", "downloader/exception_type_count/", ("error",)
    ),
    StatsMetric("retries", "Requests sent again at once.", "retry/count"),
    StatsMetric("articles_lacking", "Articles that lack a field.", "missing/", ("field",)),
    StatsMetric(
        "renders", "Pages rendered by a browser, by result.", "render/", ("result",), ("asked", "requests", "seconds")
    ),
    StatsMetric("render_requests", "Requests that rendered pages made.", "render/requests"),
    StatsMetric("render_seconds", "Time that rendering took, waiting for its turn not included.", "render/seconds"),
    StatsMetric("visits_abandoned", "Visits of URLs that came to nothing.", "frontier/abandoned"),
    StatsMetric("exceptions", "Exceptions of the spider's callbacks.", "spider_exceptions/count"),
    StatsMetric("log_messages", "Lines of the log by level.", "log_count/", ("level",)),
)


def counters(stats: Mapping[str, Any]) -> Iterator[Metric]:
    """What a worker has counted since its run began, from Scrapy's statistics."""
    for metric in COUNTERS:
        family = CounterMetricFamily(f"{PREFIX}_{metric.name}", metric.help, labels=metric.labels)
        for name, value in sorted(stats.items()):
            if metric.covers(name) and isinstance(value, int | float):
                family.add_metric(_labels(name.removeprefix(metric.prefix), len(metric.labels)), value)
        if not metric.labels and not family.samples:
            family.add_metric([], 0)
        yield family


def _labels(rest: str, count: int) -> list[str]:
    return rest.split("/", count - 1) if count else []


# ---- What the database says ------------------------------------------------------------------------------


def gauges(snapshot: Snapshot) -> Iterator[Metric]:
    """Frontier, newest articles, budgets, runs, disk and health, as they are now."""
    yield _gauge("frontier_urls", "URLs of the frontier.", ("state", "edition", "kind"), snapshot.urls)
    yield from _freshness(snapshot)
    yield from _hosts(snapshot)
    yield from _runs(snapshot)
    yield from _server(snapshot)
    yield from _health(check_health(snapshot))


def _gauge(name: str, text: str, labels: Sequence[str], values: Mapping[Any, float | None]) -> GaugeMetricFamily:
    """One gauge; the keys of `values` are the values of the labels, what is None is left out."""
    family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=labels)
    for key, value in values.items():
        if value is not None:
            family.add_metric(list(key) if isinstance(key, tuple) else [str(key)] * bool(labels), float(value))
    return family


def _plain(name: str, text: str, value: float | None) -> GaugeMetricFamily:
    return _gauge(name, text, (), {"": value})


def _freshness(snapshot: Snapshot) -> Iterator[Metric]:
    def by_edition(value: Callable[[EditionFreshness], float | None]) -> dict[str, float | None]:
        return {edition.edition: value(edition) for edition in snapshot.editions}

    label = ("edition",)
    moments = by_edition(lambda each: each.newest_at.timestamp() if each.newest_at else None)
    ages = by_edition(lambda each: each.age(snapshot.now))
    expected = by_edition(lambda each: each.expected(snapshot.now))
    waiting = by_edition(lambda each: each.waiting.count if each.waiting else 0)
    yield _plain("articles", "Articles in the archive.", snapshot.articles)
    yield _gauge("newest_article_timestamp_seconds", "Publication of the newest article.", label, moments)
    yield _gauge("newest_article_age_seconds", "Time since the publication of the newest article.", label, ages)
    yield _gauge("expected_articles", "Articles usually published in the time since the newest.", label, expected)
    yield _gauge("unstored_articles", "Articles listed an interval ago that are not stored, up to 100.", label, waiting)


def _hosts(snapshot: Snapshot) -> Iterator[Metric]:
    def each(value: Callable[[Any], float | None]) -> dict[str, float | None]:
        return {host.host: value(host) for host in snapshot.hosts}

    label = ("host",)
    yield _gauge("host_delay_seconds", "Time between two requests, over all workers.", label, each(lambda h: h.delay_s))
    yield _gauge("host_crawl_delay_seconds", "Crawl-delay of robots.txt.", label, each(lambda host: host.crawl_delay_s))
    yield _gauge("host_refused_in_a_row", "Pages refused in a row.", label, each(lambda host: host.blocks))
    yield _gauge(
        "host_blocked_until_timestamp_seconds",
        "When pages are asked for again.",
        label,
        each(lambda host: host.blocked_until and host.blocked_until.timestamp()),
    )
    states = {(host.host, str(state)): float(host.breaker is state) for host in snapshot.hosts for state in Breaker}
    yield _gauge("host_breaker", "Circuit breaker of the host's pages: 1 for its state.", ("host", "state"), states)


def _runs(snapshot: Snapshot) -> Iterator[Metric]:
    yield _plain("runs_under_way", "Runs that gave a sign of life lately.", len(alive(snapshot.runs, snapshot.now)))
    last = max((run for run in snapshot.runs if run.get("finished_at")), key=sign_of_life, default=None)
    if last is None:
        return
    began, ended = last["started_at"], last["finished_at"]
    yield _plain("last_run_end_timestamp_seconds", "When the last run ended.", ended.timestamp())
    yield _plain("last_run_duration_seconds", "How long it took.", (ended - began).total_seconds())
    yield _plain("last_run_success", "1: it did its job.", float(not last.get("problem")))
    yield _plain("last_run_requests", "Requests that it sent.", last.get("requests"))
    yield _plain("last_run_response_bytes", "Bytes that it received.", last.get("bytes"))
    yield _gauge("last_run_outcomes", "Pages of it by outcome.", ("outcome",), last.get("outcomes") or {})
    yield _gauge("last_run_sources", "Polls of it by result.", ("result",), last.get("sources") or {})
    times = last.get("seconds") or {}
    yield _gauge("last_run_seconds", "Mean time that it took for one of these.", ("what",), times)
    yield _plain("last_run_peak_memory_bytes", "Most memory that it held.", last.get("memory"))


def _server(snapshot: Snapshot) -> Iterator[Metric]:
    yield _plain("leases_expired", "Leases that ran out and were taken over by nobody.", snapshot.expired_leases)
    if disk := snapshot.disk:
        yield _plain("database_disk_used_bytes", "Of the file system of the database.", disk.used)
        yield _plain("database_disk_size_bytes", "Of the file system of the database.", disk.total)
        yield _plain("database_documents_bytes", "Documents of the database, uncompressed.", disk.data)
        yield _plain("database_storage_bytes", "Documents of the database on the disk.", disk.storage)
        yield _plain("database_index_bytes", "Indexes of the database on the disk.", disk.indexes)


def _health(findings: Sequence[HealthFinding]) -> Iterator[Metric]:
    levels: dict[tuple[str, str], int] = {}
    for finding in findings:
        key = (finding.check, finding.subject)
        levels[key] = max(levels.get(key, 0), list(Level).index(finding.level))
    yield _plain("healthy", "1: no finding of `rfispider health` is critical.", worst(findings) is not Level.CRITICAL)
    yield _gauge("health_level", "0 ok, 1 warning, 2 critical.", ("check", "subject"), levels)


# ---- What a worker exposes -------------------------------------------------------------------------------


class CallbackCollector(Collector):
    """Metrics that are made when Prometheus scrapes them."""

    def __init__(self, make: Callable[[], Iterable[Metric]]) -> None:
        self.make = make

    def collect(self) -> Iterable[Metric]:
        """Make them."""
        return self.make()


class WorkerMetrics:
    """The metrics of one worker: its counters, its times, its memory, and what the database last said."""

    def __init__(self, stats: Callable[[], Mapping[str, Any]], started_at: datetime) -> None:
        """`stats` gives a copy of Scrapy's statistics; it is called from other threads."""
        self.registry = CollectorRegistry()
        self.snapshot: Snapshot | None = None
        self.success: bool | None = None
        self.started_at = started_at
        self.stats = stats
        ProcessCollector(namespace=PREFIX, registry=self.registry)
        self.latency = Histogram(
            f"{PREFIX}_response_latency_seconds",
            "Time from a request to the headers of its response.",
            ["status"],
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.commits = Histogram(
            f"{PREFIX}_store_commit_seconds",
            "Time of one group commit.",
            buckets=COMMIT_BUCKETS,
            registry=self.registry,
        )
        self.registry.register(CallbackCollector(self.collect))

    def collect(self) -> Iterator[Metric]:
        """What is not measured as it happens."""
        yield from counters(self.stats())
        yield _plain("run_start_timestamp_seconds", "When this run began.", self.started_at.timestamp())
        if self.success is not None:
            yield _plain("run_success", "1: this run did its job; set at its end.", float(self.success))
        if self.snapshot:
            yield from gauges(self.snapshot)
