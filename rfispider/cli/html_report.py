"""`rfispider report --html`: the state of the archive as a page for people."""

from datetime import timedelta
from pathlib import Path

from rfispider.cli.console import with_both
from rfispider.frontier import Frontier
from rfispider.monitoring.gather import take_snapshot
from rfispider.monitoring.report import ReportData, render
from rfispider.site.editions import EDITIONS
from rfispider.storage import Store

NEWEST, STORIES, FAILED = 3, 10, 1000
"""So many are told of each."""
STORY_AGE = timedelta(days=7)


def write(database: str, file: Path) -> None:
    """Write the report.

    Raises:
        DatabaseError, EmbeddedServerError: the database does not answer.
        OSError: the file cannot be written.

    """
    page = render(with_both(database, lambda store, frontier: gather(database, store, frontier)))
    file.write_text(page, "utf-8")


async def gather(database: str, store: Store, frontier: Frontier) -> ReportData:
    """Ask the database for all that the report shows."""
    condition = await store.condition(list(EDITIONS))
    told = await store.report()
    return ReportData(
        database=database,
        snapshot=await take_snapshot(store, frontier, count_urls=False),
        hours=condition.hours,
        completeness=told.completeness,
        newest=await store.newest_articles(list(EDITIONS), NEWEST),
        stories=await store.biggest_stories(condition.now - STORY_AGE, STORIES),
        failed=await frontier.statistics.failed([*EDITIONS, None], FAILED),
    )
