"""The report as one HTML page that needs nothing else: no script, no picture, no font, no network."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from rfispider import __version__
from rfispider.monitoring.health import check_health, worst
from rfispider.monitoring.report import charts, figures
from rfispider.monitoring.report.figures import ReportData
from rfispider.site.hosts import SITE
from rfispider.site.selectors import TIMEZONE
from rfispider.text import readable_urls

PALETTE = tuple(f"var(--c{n})" for n in range(figures.SHOWN + 1))
FATE_COLOURS = ("var(--c2)", "var(--quiet)", "var(--c5)", "var(--warning)", "var(--critical)")
OPACITIES = (0.03, 0.1, 0.18, 0.26, 0.36, 0.48, 0.84, 0.92, 1.0)
"""Of the steps of a heat map, from nothing to the most. The leap is where the letters turn from dark to light: between
its ends neither can be read (WCAG 2.2, 1.4.3)."""
SHADES = len(OPACITIES) - 1
FAILURES_SHOWN = 100
DAY_LABEL_LENGTH = len("01 Jan")
"""Of the label of a run, what fits below a bar."""


def render(data: ReportData) -> str:
    """The whole page."""
    environment = Environment(
        loader=PackageLoader("rfispider.monitoring.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"moment": moment, "readable": readable, "safe_url": safe_url, "shade": shade}
    environment.globals |= {"language_of": figures.language_of, "name_of": figures.name_of, "percent": figures.percent}
    return environment.get_template("report.html").render(**content(data))


def content(data: ReportData) -> Mapping[str, Any]:
    """What the template shows."""
    snapshot = data.snapshot
    findings = check_health(snapshot)
    days, by_day = figures.days(snapshot.now), figures.by_day(data.hours, snapshot.now)
    runs, fates = figures.by_run(snapshot.runs)
    failed = figures.failures(data.failed)
    return {
        "version": __version__,
        "database": data.database,
        "now": snapshot.now,
        "snapshot": snapshot,
        "level": worst(findings),
        "findings": findings,
        "freshness": [figures.freshness_row(edition, findings, snapshot.now) for edition in snapshot.editions],
        "last_day": last_day(data),
        "days": days,
        "by_day": by_day,
        "day_chart": charts.stacked("days", [f"{day:%d %b}" for day in days], by_day, PALETTE),
        "patterns": figures.weekly_patterns(data.hours),
        "weekdays": figures.WEEKDAYS,
        "zone": TIMEZONE,
        "fields": figures.REPORTED_FIELDS,
        "completeness": data.completeness,
        "run_labels": runs,
        "fates": fates,
        "palette": PALETTE,
        "opacities": OPACITIES,
        "fate_colours": FATE_COLOURS,
        "run_chart": charts.stacked("runs", [label[:DAY_LABEL_LENGTH] for label in runs], fates, FATE_COLOURS),
        "newest": by_edition(data.newest),
        "stories": data.stories,
        "failures": failed[:FAILURES_SHOWN],
        "failures_more": max(0, len(failed) - FAILURES_SHOWN),
    }


def last_day(data: ReportData) -> int:
    """Articles published in the last 24 whole hours."""
    since = data.snapshot.now - timedelta(hours=25)
    return sum(number for articles in data.hours.values() for hour, number in articles.items() if hour > since)


def by_edition(headlines: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Headlines under their editions."""
    editions: dict[str, list[Mapping[str, Any]]] = {}
    for headline in headlines:
        editions.setdefault(headline["edition"], []).append(headline)
    return editions


def moment(value: datetime | None) -> str:
    """A moment as a person reads it."""
    return f"{value:%Y-%m-%d %H:%M}" if value else "-"


def readable(url: str) -> str:
    """A URL as an IRI, without scheme and host of the site.

    >>> readable("https://www.rfi.fr/cn/%E6%B3%95%E5%B9%BF")
    '/cn/法广'
    """
    return readable_urls(url).removeprefix(SITE)


def safe_url(url: str) -> str:
    """A URL that may stand in a link; what is not of the web becomes a link to nowhere."""
    return url if urlsplit(url).scheme in {"http", "https"} else "#"


def shade(value: int, most: int) -> int:
    """The step of a heat map from 0 (nothing) to `SHADES` (the most)."""
    return 0 if not value else max(1, round(SHADES * value / most))
