"""`rfispider metrics`: the state of frontier and archive, for Prometheus."""

import signal
import time
from collections.abc import Iterator
from threading import Lock
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from rich.markup import escape

from rfispider import settings
from rfispider.cli.console import USAGE_STATUS, Database, err, with_both
from rfispider.monitoring.gather import take_snapshot
from rfispider.monitoring.prometheus import PREFIX, CallbackCollector, gauges
from rfispider.monitoring.snapshot import Snapshot
from rfispider.setting_values import SettingError, listening
from rfispider.storage import DatabaseError

SNAPSHOT_FRESH_S = 10.0
"""A snapshot is served for so many seconds: several scrapers cost no more than one."""


def metrics(
    database: Database = settings.MONGO_DATABASE,
    serve: Annotated[str, typer.Option(help="Serve them on HOST:PORT until SIGTERM instead.")] = "",
) -> None:
    """Print frontier, newest articles, budgets, last run, disk and health in Prometheus' text format."""
    registry, cache = CollectorRegistry(auto_describe=False), CachedSnapshot(database)
    registry.register(CallbackCollector(cache.metrics))
    if serve:
        serve_on(serve, registry)
        return
    cache.fail = True
    typer.echo(generate_latest(registry).decode(), nl=False)


def serve_on(where: str, registry: CollectorRegistry) -> None:
    """Serve until SIGTERM or SIGINT."""
    try:
        host, port = listening(where, "--serve")
        # Before the server's threads begin: they inherit the mask, and only this thread is woken.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
        server, _ = start_http_server(port, host, registry)
    except (SettingError, OSError) as error:
        err.print(f"rfispider metrics: {escape(str(error))}")
        raise typer.Exit(USAGE_STATUS) from error
    typer.echo(f"http://{host}:{server.server_port}/metrics")
    signal.sigwait(ENDS)
    server.shutdown()


ENDS = {signal.SIGTERM, signal.SIGINT}


class CachedSnapshot:
    """Reads the database when metrics are scraped, not too often."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.fail = False
        """Raise what goes wrong, instead of reporting that the database is down."""
        self.lock = Lock()
        self.snapshot: Snapshot | None = None
        self.at = float("-inf")

    def metrics(self) -> Iterator[Metric]:
        """The metrics of the database; when it cannot be reached, only that it is down."""
        try:
            snapshot = self.read()
        except DatabaseError as error:
            if self.fail:
                raise
            err.print(f"rfispider metrics: {escape(str(error))}")
            yield up(0)
            return
        yield up(1)
        yield from gauges(snapshot)

    def read(self) -> Snapshot:
        """The present snapshot, or one taken less than `SNAPSHOT_FRESH_S` seconds ago."""
        with self.lock:
            if self.snapshot is None or time.monotonic() - self.at > SNAPSHOT_FRESH_S:
                self.snapshot = with_both(self.database, take_snapshot)
                self.at = time.monotonic()
            return self.snapshot


def up(value: int) -> Metric:
    """Whether the database answers."""
    return GaugeMetricFamily(f"{PREFIX}_database_up", "1: the database answers.", value=value)
