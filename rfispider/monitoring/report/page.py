"""The report as one HTML page that needs nothing else: no script, no picture, no font, no network."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from rfispider import __version__
from rfispider.monitoring.report import charts, figures
from rfispider.monitoring.report.figures import ReportData
from rfispider.site.hosts import SITE
from rfispider.site.selectors import TIMEZONE

PALETTE = tuple(f"var(--c{n})" for n in range(figures.SHOWN + 1))
FATE_COLOURS = ("var(--c2)", "var(--quiet)", "var(--c5)", "var(--warning)", "var(--critical)")
OPACITIES = (0.03, 0.1, 0.18, 0.26, 0.36, 0.48, 0.84, 0.92, 1.0)
"""Of the steps of a heat map, from nothing to the most. The leap is where the letters turn from dark to light: between
its ends neither can be read (WCAG 2.2, 1.4.3)."""
SHADES = len(OPACITIES) - 1
FAILED_TOLD = 100
DAY = len("01 Jan")
"""Of the label of a run, what fits below a bar."""


def render(material: ReportData) -> str:
    """The whole page."""
    environment = Environment(
        loader=PackageLoader("rfispider.monitoring.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"moment": moment, "readable": readable, "safe_url": safe_url, "shade": shade}
    environment.globals |= {"language_of": figures.language_of, "name_of": figures.name_of, "percent": figures.percent}
    return environment.get_template("report.html").render(**content(material))


def content(material: ReportData) -> Mapping[str, Any]:
    """What the template shows."""
    vitals = material.vitals
    level, found = figures.judged(vitals)
    days, by_day = figures.days(vitals.now), figures.by_day(material.hours, vitals.now)
    runs, fates = figures.by_run(vitals.runs)
    failed = figures.failures(material.failed)
    return {
        "version": __version__,
        "database": material.database,
        "now": vitals.now,
        "vitals": vitals,
        "level": level,
        "findings": found,
        "fresh": [figures.fresh(news, found, vitals.now) for news in vitals.news],
        "last_day": last_day(material),
        "days": days,
        "by_day": by_day,
        "day_chart": charts.stacked("days", [f"{day:%d %b}" for day in days], by_day, PALETTE),
        "rhythms": figures.rhythms(material.hours),
        "weekdays": figures.WEEKDAYS,
        "zone": TIMEZONE,
        "fields": figures.FIELDS,
        "completeness": material.completeness,
        "run_labels": runs,
        "fates": fates,
        "palette": PALETTE,
        "opacities": OPACITIES,
        "fate_colours": FATE_COLOURS,
        "run_chart": charts.stacked("runs", [label[:DAY] for label in runs], fates, FATE_COLOURS),
        "newest": by_edition(material.newest),
        "stories": material.stories,
        "failures": failed[:FAILED_TOLD],
        "failures_more": max(0, len(failed) - FAILED_TOLD),
    }


def last_day(material: ReportData) -> int:
    """Articles published in the last 24 whole hours."""
    since = material.vitals.now - timedelta(hours=25)
    return sum(number for of_it in material.hours.values() for hour, number in of_it.items() if hour > since)


def by_edition(headlines: Any) -> dict[str, list[Mapping[str, Any]]]:  # noqa: ANN401 - documents of MongoDB
    """Headlines under their editions."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for headline in headlines:
        found.setdefault(headline["edition"], []).append(headline)
    return found


def moment(value: datetime | None) -> str:
    """A moment as a person reads it."""
    return f"{value:%Y-%m-%d %H:%M}" if value else "-"


def readable(url: str) -> str:
    """A URL with its letters instead of their codes, without scheme and host of the site."""
    return unquote(url).removeprefix(SITE)


def safe_url(url: str) -> str:
    """A URL that may stand in a link; what is not of the web becomes a link to nowhere."""
    return url if urlsplit(url).scheme in {"http", "https"} else "#"


def shade(value: int, most: int) -> int:
    """The step of a heat map from 0 (nothing) to `SHADES` (the most)."""
    return 0 if not value else max(1, round(SHADES * value / most))
