"""`rfispider report`: the state of the archive, as tables or as a page for people."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from rfispider import settings
from rfispider.cli.console import Database, counted, fail, out, text_of, titled, with_both, with_store
from rfispider.frontier import Frontier
from rfispider.monitoring.gather import take_snapshot
from rfispider.monitoring.health import alive, sign_of_life
from rfispider.monitoring.report.figures import REPORTED_FIELDS
from rfispider.site.editions import EDITIONS
from rfispider.storage import Report, Store

if TYPE_CHECKING:
    from rfispider.monitoring.report import ReportData


NEWEST, STORIES, FAILED = 3, 10, 1000
"""How many of each the page reports at most."""
STORY_AGE = timedelta(days=7)


def report(
    database: Database = settings.MONGO_DATABASE,
    html: Annotated[Path | None, typer.Option(help="Write an HTML page to this file instead.")] = None,
) -> None:
    """Articles by edition and section, what the last runs did, how complete the fields are."""
    if html:
        write_page(database, html)
        return
    result = with_store(database, lambda store: store.report())
    if not result.articles:
        out.print(f"The database {escape(database)} holds no article yet: `scrapy crawl rfi` fills it.")
        return
    for table in (sections_table(result), completeness_table(result), runs_table(result)):
        if table.row_count:
            out.print(table)


# ---- Tables ----------------------------------------------------------------------------------------------


def sections_table(report: Report) -> Table:
    """Articles by edition and section."""
    table = titled(counted(report.articles, "article"), "edition", "section")
    table.add_column("articles", justify="right")
    table.add_column("newest (UTC)")
    for count in report.sections:
        table.add_row(count.edition, escape(count.section or "-"), str(count.articles), text_of(count.newest))
    return table


def completeness_table(report: Report) -> Table:
    """How many of the newest articles of each edition have a field."""
    table = titled("Per cent of the newest articles that have the field", "field")
    for row in report.completeness:
        table.add_column(row.edition, justify="right")
    table.add_row("(of)", *(str(row.sampled) for row in report.completeness))
    for name in REPORTED_FIELDS:
        shares = [f"{100 * row.filled[name] / row.sampled:.0f}" if row.sampled else "-" for row in report.completeness]
        table.add_row(name, *shares)
    return table


def runs_table(report: Report) -> Table:
    """What the last runs did."""
    table = titled("Last runs", "started (UTC)", "ended", "outcomes")
    for run in report.runs:
        outcomes = ", ".join(f"{count} {name}" for name, count in (run.get("outcomes") or {}).items())
        ended = run.get("problem") or run.get("reason") or _unended(run)
        table.add_row(text_of(run["started_at"]), escape(ended), outcomes)
    return table


def _unended(run: Mapping[str, Any]) -> str:
    """The state of a run whose record has no end."""
    return "running" if alive([run], datetime.now(UTC)) else f"killed, after {text_of(sign_of_life(run))}"


# ---- Page ------------------------------------------------------------------------------------------------


def write_page(database: str, file: Path) -> None:
    """Write the report as a page. Exit status 1 when the file cannot be written."""
    # pygal and jinja2 take a third of a second to load, which no other command needs.
    from rfispider.monitoring.report import render  # noqa: PLC0415 - see above

    data = with_both(database, lambda store, frontier: gather(database, store, frontier))
    try:
        file.write_text(render(data), "utf-8")
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror or error}")
    out.print(escape(str(file)), soft_wrap=True)


async def gather(database: str, store: Store, frontier: Frontier) -> "ReportData":
    """Read all that the page shows."""
    from rfispider.monitoring.report import ReportData  # noqa: PLC0415 - as in `write_page`

    archive = await store.condition(list(EDITIONS))
    return ReportData(
        database=database,
        snapshot=await take_snapshot(store, frontier, count_urls=False),
        hours=archive.hours,
        completeness=(await store.report()).completeness,
        newest=await store.newest_articles(list(EDITIONS), NEWEST),
        stories=await store.biggest_stories(archive.now - STORY_AGE, STORIES),
        failed=await frontier.statistics.failed([*EDITIONS, None], FAILED),
    )
