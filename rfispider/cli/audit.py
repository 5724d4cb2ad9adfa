"""`rfispider audit`: whether the archive holds all that is known of a day."""

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from rfispider import settings
from rfispider.cli import options
from rfispider.cli.console import Database, out, plain, text_of, titled, with_both
from rfispider.frontier import Frontier
from rfispider.frontier.policy.revisit import Gap
from rfispider.monitoring.day_audit import Audit, AuditFinding, Fate, SourceGapOfDay, fate
from rfispider.site.editions import EDITIONS
from rfispider.storage import Store
from rfispider.storage.read.days import bounds


def audit(
    day: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="The day, in UTC.")],
    edition: options.Edition = None,
    database: Database = settings.MONGO_DATABASE,
    as_json: Annotated[bool, typer.Option("--json", help="All of it, for programs.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Compare what is known of the articles of a day with what is stored, and list what is missing and why.

    Exit status 0 when all that was seen is stored, or gone from the site; 1 when something is missing, a source has a
    gap, or nothing at all is known of the day; 2 for a day or edition that there is not.
    """
    wanted, editions = day_of(day), options.editions(edition) or tuple(EDITIONS)
    found = with_both(database, lambda store, frontier: audited(store, frontier, wanted, editions))
    if as_json:
        out.print_json(json.dumps(as_document(found), default=plain, ensure_ascii=False))
    else:
        print_audit(found)
    if not found.is_complete:
        raise typer.Exit(1)


def day_of(text: str) -> date:
    """The day that a user gave.

    Raises:
        BadParameter: it is none; exit status 2.

    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"--day: {text!r} is no day such as 2026-03-01") from error


async def audited(store: Store, frontier: Frontier, day: date, editions: tuple[str, ...]) -> Audit:
    """Ask archive and frontier for all that is known of a day."""
    visits = {visit["_id"]: visit for visit in await frontier.statistics.of_day(day, editions)}
    stored = await store.known({key: visit["url"] for key, visit in visits.items()})
    published = {document["_id"]: document for document in await store.published(day, editions)}
    found: dict[str, AuditFinding] = {}
    for key in [*published, *visits]:
        document, visit = stored.get(key) or published.get(key), visits.get(key)
        told = fate(document["status"] if document else None, visit)
        about = document or visit
        if told and about:
            found[about["_id"]] = AuditFinding(edition=about["edition"], url=about["url"], fate=told[0], why=told[1])
    holes = await holes_of(frontier, day, editions)
    return Audit(day=day, editions=editions, findings=sorted(found.values()), holes=holes)


async def holes_of(frontier: Frontier, day: date, editions: tuple[str, ...]) -> list[SourceGapOfDay]:
    """The gaps of the day that sources had, and those that sources have which cannot be read any more."""
    since, until = bounds(day)
    gaps = await frontier.statistics.gaps(since, until)
    lost = await frontier.statistics.lost_sources(editions, until)
    now = datetime.now(UTC)
    return [
        *(
            SourceGapOfDay(edition=each.edition, url=each.url, gap=each.gap)
            for each in gaps
            if each.edition in editions
        ),
        *(
            SourceGapOfDay(
                edition=each["edition"], url=each["url"], gap=Gap(since=each["poll"]["at"], until=now), open=True
            )
            for each in lost
        ),
    ]


def print_audit(found: Audit) -> None:
    """Print an audit as a person reads it."""
    if not found.findings:
        out.print(f"Nothing is known of {found.day}: no source told of an article of that day.")
    else:
        out.print(counts_table(found))
    for finding in found.missing:
        out.print(f"{finding.fate:8} {finding.url}\n         {escape(finding.why)}", soft_wrap=True)
    for hole in found.holes:
        end = "and not since" if hole.open else f"until {text_of(hole.gap.until)}"
        out.print(f"gap      {hole.url}\n         not seen from {text_of(hole.gap.since)} {end} (UTC)", soft_wrap=True)
    if found.is_complete:
        out.print("Complete: all that was seen is stored, or gone from the site.")


def counts_table(found: Audit) -> Table:
    """Articles by edition, a column for each fate."""
    table = titled(f"Articles of {found.day}", "edition")
    for name in ("seen", *Fate):
        table.add_column(name, justify="right")
    for edition, fates in sorted(found.counts.items()):
        table.add_row(edition, str(sum(fates.values())), *(str(fates[each] or "") for each in Fate))
    return table


def as_document(found: Audit) -> dict[str, object]:
    """An audit as a program reads it."""
    return {
        "day": found.day.isoformat(),
        "editions": list(found.editions),
        "complete": found.is_complete,
        "seen": len(found.findings),
        "counts": {edition: {"seen": sum(fates.values()), **fates} for edition, fates in found.counts.items()},
        "missing": [asdict(finding) for finding in found.missing],
        "gone": [asdict(finding) for finding in found.findings if finding.fate is Fate.GONE],
        "gaps": [
            {"edition": hole.edition, "url": hole.url, **asdict(hole.gap), "open": hole.open} for hole in found.holes
        ],
    }
