"""`rfispider health`: whether the crawl does what it should, for people, containers and monitoring."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from rfispider import settings
from rfispider.cli.console import Database, err, out, print_json, titled, with_both
from rfispider.monitoring.gather import take_snapshot
from rfispider.monitoring.health import HealthFinding, Level, check_health, worst
from rfispider.storage import DatabaseError
from rfispider.text import readable_urls

COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.CRITICAL: "red"}


def health(
    *,
    database: Database = settings.MONGO_DATABASE,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say whether the crawl is healthy. Exit status 0: it is, or there are warnings only; 1: it is not."""
    try:
        snapshot = with_both(database, lambda store, frontier: take_snapshot(store, frontier, count_urls=False))
        findings, now = check_health(snapshot), snapshot.now
    except DatabaseError as error:
        findings, now = [HealthFinding("database", "", Level.CRITICAL, str(error))], datetime.now(UTC)
    if as_json:
        print_json(verdict(findings, now))
    else:
        show(findings)
    if worst(findings) is Level.CRITICAL:
        raise typer.Exit(1)


def verdict(findings: Sequence[HealthFinding], now: datetime) -> dict[str, Any]:
    """The judgement for programs: `status`, `checked_at`, and every finding, the worst first."""
    return {"status": worst(findings), "checked_at": now, "findings": [asdict(finding) for finding in findings]}


def show(findings: Sequence[HealthFinding]) -> None:
    """Print the findings; what is wrong stands on stderr too, in one line, where a container keeps it."""
    table = titled(f"Health: {worst(findings)}", "", "check", "about", "finding")
    for finding in findings:
        colour = COLOURS[finding.level]
        row = (finding.check, escape(finding.subject), escape(readable_urls(finding.message)))
        table.add_row(f"[{colour}]{finding.level}[/]", *row)
    out.print(table)
    bad = [finding for finding in findings if finding.level is Level.CRITICAL]
    if bad:
        names = "; ".join(f"{each.check} {each.subject}".strip() for each in bad)
        err.print(f"rfispider: {escape(names)} critical")
