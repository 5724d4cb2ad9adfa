"""`rfispider migrate`: an archive of an earlier release is brought into the form of this one."""

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rfispider import settings
from rfispider.cli.console import Database, connected, err, out, run
from rfispider.frontier import Frontier
from rfispider.frontier.discovery import added_fields
from rfispider.frontier.schema import FRONTIER
from rfispider.items import SCHEMA
from rfispider.storage import Migrated, Store

OTHER_COLLECTIONS = {FRONTIER: added_fields}
"""Collections beside the archive's, with what their documents get."""


def migrate(
    *,
    database: Database = settings.MONGO_DATABASE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
) -> None:
    """Bring the archive into the form that this release needs. Stop its workers first; may be stopped and run again.

    Exit status 1 when documents could not be brought into the new form; they are named.
    """
    result = run(migrated(database, dry_run=dry_run))
    if result is None:
        return
    for line in result.refused:
        err.print(f"rfispider: {escape(line)}")
    if result.refused:
        raise typer.Exit(1)
    out.print(f"schema {SCHEMA}: {numbers(result.documents)} migrated")


async def migrated(database: str, *, dry_run: bool) -> Migrated | None:
    """Migrate with a progress bar; None when nothing was done."""
    async with connected() as connection:
        store = Store(connection, database)
        plan = await store.administration.plan(OTHER_COLLECTIONS)
        if plan.version < SCHEMA and dry_run:
            out.print(f"schema {plan.version} to {SCHEMA}: {numbers(plan.documents)} to migrate", soft_wrap=True)
        if plan.version == SCHEMA:
            out.print(f"{escape(database)} is of schema {SCHEMA}: nothing to do")
        if dry_run or plan.version == SCHEMA:
            return None
        result = await with_progress(store, plan.documents)
        await Frontier(connection, database).prepare()
        return result


async def with_progress(store: Store, documents: Mapping[str, int]) -> Migrated:
    """Migrate, with a bar for each collection."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err) as bars:
        tasks = {name: bars.add_task(name, total=count) for name, count in documents.items()}
        return await store.administration.migrate(
            OTHER_COLLECTIONS, lambda name, count: bars.advance(tasks[name], count)
        )


def numbers(documents: Mapping[str, int]) -> str:
    """How many documents of each collection."""
    return ", ".join(f"{count} {name}" for name, count in documents.items())
