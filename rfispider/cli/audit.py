"""`rfispider audit`: whether the archive holds all that is known of a day."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from rfispider import settings
from rfispider.cli import options
from rfispider.cli.console import Database, out, print_json, text_of, titled, with_both
from rfispider.frontier import Frontier
from rfispider.frontier.policy.revisit import Gap
from rfispider.monitoring.day_audit import Audit, AuditFinding, CoverageGap, Fate, fate
from rfispider.site.editions import EDITIONS
from rfispider.storage import Store
from rfispider.storage.read.days import bounds
from rfispider.text import readable_urls


def audit(
    *,
    day: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="The day, in UTC.")],
    edition: options.Edition = None,
    database: Database = settings.MONGO_DATABASE,
    as_json: Annotated[bool, typer.Option("--json", help="All of it, for programs.")] = False,
) -> None:
    """Compare what is known of the articles of a day with what is stored, and list what is missing and why.

    Exit status 0 when all that was seen is stored, or gone from the site; 1 when something is missing, a source has a
    gap, or nothing at all is known of the day; 2 for a day or edition that does not exist.
    """
    date_, editions = day_of(day), options.editions(edition) or tuple(EDITIONS)
    result = with_both(database, lambda store, frontier: run_audit(store, frontier, date_, editions))
    if as_json:
        print_json(as_document(result))
    else:
        print_audit(result)
    if not result.is_complete:
        raise typer.Exit(1)


def day_of(text: str) -> date:
    """The day that a user gave.

    Raises:
        BadParameter: it is none; exit status 2.

    """
    try:
        day = date.fromisoformat(text)
        bounds(day)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"--day: {text!r} is not a day such as 2026-03-01") from error
    return day


async def run_audit(store: Store, frontier: Frontier, day: date, editions: tuple[str, ...]) -> Audit:
    """Read from archive and frontier all that is known of a day."""
    visits = {visit["_id"]: visit for visit in await frontier.statistics.of_day(day, editions)}
    stored = await store.articles_by_key({key: visit["url"] for key, visit in visits.items()})
    published = {document["_id"]: document for document in await store.published(day, editions)}
    findings: dict[str, AuditFinding] = {}
    for key in [*published, *visits]:
        document, visit = stored.get(key) or published.get(key), visits.get(key)
        verdict = fate(document["status"] if document else None, visit)
        subject = document or visit
        if verdict and subject:
            findings[subject["_id"]] = AuditFinding(
                edition=subject["edition"], url=subject["url"], fate=verdict[0], why=verdict[1]
            )
    gaps = await gaps_of(frontier, day, editions)
    return Audit(day=day, editions=editions, findings=sorted(findings.values()), gaps=gaps)


async def gaps_of(frontier: Frontier, day: date, editions: tuple[str, ...]) -> list[CoverageGap]:
    """The gaps of the day that sources had, and those of sources that cannot be read any more."""
    since, until = bounds(day)
    gaps = await frontier.statistics.gaps(since, until)
    closed = [
        CoverageGap(edition=each.edition, url=each.url, gap=each.gap) for each in gaps if each.edition in editions
    ]
    now = datetime.now(UTC)
    lost = await frontier.statistics.lost_sources(editions, until)
    return closed + [
        CoverageGap(
            edition=source["edition"], url=source["url"], gap=Gap(since=source["poll"]["at"], until=now), open=True
        )
        for source in lost
    ]


def print_audit(result: Audit) -> None:
    """Print an audit as a person reads it."""
    if not result.findings:
        out.print(f"Nothing is known of {result.day}: no source has listed an article of that day.")
    else:
        out.print(counts_table(result))
    for finding in result.missing:
        out.print(f"{finding.fate:8} {_shown(finding.url)}\n         {escape(finding.why)}", soft_wrap=True)
    for gap in result.gaps:
        end = "and not since" if gap.open else f"until {text_of(gap.gap.until)}"
        out.print(
            f"gap      {_shown(gap.url)}\n         not seen from {text_of(gap.gap.since)} {end} (UTC)", soft_wrap=True
        )
    if result.is_complete:
        out.print("Complete: every article that was seen is stored, or gone from the site.")


def _shown(url: str) -> str:
    return escape(readable_urls(url))


def counts_table(result: Audit) -> Table:
    """Articles by edition, a column for each fate."""
    table = titled(f"Articles of {result.day}", "edition")
    for name in ("seen", *Fate):
        table.add_column(name, justify="right")
    for edition, fates in sorted(result.counts.items()):
        table.add_row(edition, str(sum(fates.values())), *(str(fates[each] or "") for each in Fate))
    return table


def as_document(result: Audit) -> dict[str, object]:
    """An audit as a program reads it."""
    return {
        "day": result.day.isoformat(),
        "editions": list(result.editions),
        "complete": result.is_complete,
        "seen": len(result.findings),
        "counts": {edition: {"seen": sum(fates.values()), **fates} for edition, fates in result.counts.items()},
        "missing": [asdict(finding) for finding in result.missing],
        "gone": [asdict(finding) for finding in result.findings if finding.fate is Fate.GONE],
        "gaps": [{"edition": gap.edition, "url": gap.url, **asdict(gap.gap), "open": gap.open} for gap in result.gaps],
    }
