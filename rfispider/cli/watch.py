"""`rfispider watch`: new and changed articles as they are stored."""

import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from rfispider import settings
from rfispider.cli import options
from rfispider.cli.console import Database, abandon_output, err, fail, with_store
from rfispider.jobs.export import JsonLines, OutputError, write_text
from rfispider.jobs.export.run import CLOCK_MARGIN
from rfispider.storage import DatabaseError, HistoryLost, Position, Selection, Store

IDLE_S = 10.0
"""How often the position is remembered while nothing happens: it moves on all the same."""


@dataclass(slots=True)
class Checkpoint:
    """Where it is remembered up to where articles were written: a file, a name in MongoDB, or nowhere."""

    store: Store
    file: Path | None
    name: str | None
    editions: tuple[str, ...]

    async def load(self) -> Position | None:
        """What is remembered; None when nothing is.

        Raises:
            typer.BadParameter: it is of other editions, or is not readable.

        """
        option = "--state" if self.file else "--name"
        try:
            record = await self._record()
            if record is None:
                return None
            position, editions = Position.from_document(record), tuple(record["query"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise typer.BadParameter(f"no position can be read there: {error}", param_hint=option) from error
        if editions != self.editions:
            names = " ".join(editions) or "all"
            raise typer.BadParameter(f"this position is of the editions {names}", param_hint=option)
        return position

    async def save(self, position: Position) -> None:
        """Remember that everything up to here was written."""
        record = position.as_document() | {"query": list(self.editions)}
        if self.file:
            write_text(self.file, json.dumps(record) + "\n")
        if self.name:
            record["query"] = json.dumps(record["query"])
            await self.store.consumer.record(f"watch:{self.name}", record | {"at": position.at})

    async def _record(self) -> dict[str, Any] | None:
        """What is remembered as it was written, with the editions under `query`."""
        if self.file:
            return json.loads(self.file.read_text("utf-8")) if self.file.exists() else None
        record = await self.store.consumer.load(f"watch:{self.name}") if self.name else None
        return {**record, "query": json.loads(record["query"])} if record else None


def watch(
    *,
    edition: options.Edition = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Start with what changed since then (UTC), unless a position is known."),
    ] = None,
    fields: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Only these fields; else all but internal ones.")
    ] = None,
    state: Annotated[Path | None, typer.Option(metavar="FILE", help="Remember in this file how far it came.")] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Remember that in MongoDB, under this name.")] = None,
    database: Database = settings.MONGO_DATABASE,
) -> None:
    """Write every new and every changed article to standard output, one JSON document a line, until stopped.

    A line is what `rfispider export` writes: `revision` 1 is a new article, a higher one a changed article. With
    --state or --name it continues where it was stopped, even by kill -9 or a failover. What was written just before a
    stop may come again: recognise repetitions by `_id` and `revision`. SIGINT and SIGTERM end it with exit status 0.

    For example:

      rfispider watch -e cn --name newsroom | while read -r line; do ...; done
      rfispider watch --state watch.json --since 2026-03-01 --fields url,title,changed_at
    """
    if state and name:
        raise typer.BadParameter("either --state or --name", param_hint="--name")
    selection = Selection(editions=options.editions(edition), fields=options.fields(fields))
    start = options.moment(since, "--since")
    # A script starts its background jobs with SIGINT ignored; then SIGTERM, which is treated alike, would be too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with_store(database, lambda store: run(Checkpoint(store, state, name, selection.editions), selection, start))
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        abandon_output()  # whoever reads it has enough
    except OutputError as error:
        fail(str(error))


async def run(checkpoint: Checkpoint, selection: Selection, since: datetime | None) -> None:
    """Write what is new, remembering after each batch how far it came."""
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    lines, saved = JsonLines(sys.stdout.buffer), 0.0
    async for batch, position in new_articles(checkpoint, selection, since):
        if batch:
            lines.write(batch)
            sys.stdout.buffer.flush()
        if position and (batch or time.monotonic() - saved > IDLE_S):
            await remember(checkpoint, position)
            saved = time.monotonic()


async def remember(checkpoint: Checkpoint, position: Position) -> None:
    """Save the position; a server that is away is no reason to stop, the next batch saves it again."""
    try:
        await checkpoint.save(position)
    except DatabaseError as error:
        report_outage(str(error))


async def new_articles(
    checkpoint: Checkpoint, selection: Selection, since: datetime | None
) -> AsyncIterator[tuple[list[dict[str, Any]], Position | None]]:
    """Batches to write, from the remembered position on, each with the position after it once there is one."""
    consumer, start = checkpoint.store.consumer, await checkpoint.load()
    while True:
        if start is None:
            # Taken first: what changes while the past is written comes again, and is not missed.
            start = await consumer.position()
            if since:
                async for batch in consumer.changed_since(selection, since):
                    yield batch, None
            yield [], start
        try:
            async for batch, position, _ in consumer.follow(selection, start, report_outage):
                yield batch, position
        except HistoryLost:
            since = start.at - CLOCK_MARGIN
            report_lost_history(start.at, since)
            start = None


def report_outage(reason: str) -> None:
    """Say that the server went away."""
    err.print(f"rfispider: waiting for the server: {escape(reason)}")


def report_lost_history(at: datetime, since: datetime) -> None:
    """Say that the server does not know any more what happened since a position, and what is done about it."""
    err.print(
        f"rfispider: the server's oplog does not reach back to where this stopped ({at:%Y-%m-%d %H:%M} UTC): "
        f"by the clocks of the workers, everything that changed since {since:%Y-%m-%d %H:%M} UTC comes (again); "
        "of an article that changed several times, the present state only"
    )
