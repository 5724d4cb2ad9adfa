"""`rfispider migrate`: an archive of an earlier release is brought into the form of this one."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rfispider import settings
from rfispider.cli.console import Database, err, out
from rfispider.frontier import Frontier
from rfispider.frontier.discovery import added
from rfispider.frontier.schema import FRONTIER
from rfispider.items import SCHEMA
from rfispider.mongo.connection import resolve_uri
from rfispider.storage import Migrated, Store

OTHERS = {FRONTIER: added}
"""Collections beside the archive's, with what their documents get."""


def migrate(
    database: Database = settings.MONGO_DATABASE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
) -> None:
    """Bring the archive into the form that this release needs. Stop its workers first; may be stopped and run again.

    Exit status 1 when documents could not be brought into the new form; they are named.
    """
    done = asyncio.run(migrated(database, dry_run=dry_run))
    if done is None:
        return
    for line in done.refused:
        err.print(f"rfispider: {escape(line)}")
    if done.refused:
        raise typer.Exit(1)
    out.print(f"schema {SCHEMA}: {told(done.documents)} migrated")


async def migrated(database: str, *, dry_run: bool) -> Migrated | None:
    """Do it with a progress bar; None when nothing was done."""
    uri = await asyncio.to_thread(resolve_uri, settings.MONGO_URI, Path(settings.RFI_DATA))
    async with await Store.open(uri, database, prepare=False) as store:
        planned = await store.administration.plan(OTHERS)
        if planned.version < SCHEMA and dry_run:
            out.print(f"schema {planned.version} to {SCHEMA}: {told(planned.documents)} to migrate", soft_wrap=True)
        if planned.version == SCHEMA:
            out.print(f"{escape(database)} is of schema {SCHEMA}: nothing to do")
        if dry_run or planned.version == SCHEMA:
            return None
        done = await shown(store, planned.documents)
    async with await Frontier.open(uri, database):
        return done


async def shown(store: Store, documents: Mapping[str, int]) -> Migrated:
    """Migrate, with a bar for each collection."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err) as bars:
        tasks = {name: bars.add_task(name, total=count) for name, count in documents.items()}
        return await store.administration.migrate(OTHERS, lambda name, count: bars.advance(tasks[name], count))


def told(documents: Mapping[str, int]) -> str:
    """So many of each collection."""
    return ", ".join(f"{count} {name}" for name, count in documents.items())
