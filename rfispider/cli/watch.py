"""`rfispider watch`: new and changed articles as they are stored."""

import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from rfispider import settings
from rfispider.cli import options
from rfispider.cli.console import Database, err, with_store
from rfispider.jobs.export import JsonLines, OutputError, write_text
from rfispider.storage import DatabaseError, HistoryLost, Position, Selection, Store

MARGIN = timedelta(days=1)
"""When only the clocks of workers can tell what was missed: longer than any page is on its way."""

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
            told = await self._told()
            if told is None:
                return None
            position = Position.from_document(told)
            editions = tuple(told["query"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise typer.BadParameter(f"no position can be read there: {error}", param_hint=option) from error
        if editions != self.editions:
            known = " ".join(editions) or "all"
            raise typer.BadParameter(f"this position is of the editions {known}", param_hint=option)
        return position

    async def save(self, position: Position) -> None:
        """Remember that everything up to here was written."""
        told = position.as_document() | {"query": list(self.editions)}
        if self.file:
            write_text(self.file, json.dumps(told) + "\n")
        if self.name:
            told["query"] = json.dumps(told["query"])
            await self.store.consumer.record(f"watch:{self.name}", told | {"at": position.at})

    async def _told(self) -> dict[str, Any] | None:
        if self.file:
            return json.loads(self.file.read_text("utf-8")) if self.file.exists() else None
        told = await self.store.consumer.load(f"watch:{self.name}") if self.name else None
        return {**told, "query": json.loads(told["query"])} if told else None


def watch(
    *,
    edition: options.Edition = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Begin with what changed since then (UTC), if nothing is known.")
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
    --state or --name it goes on where it was stopped, also by kill -9 or a failover. What was written just before a
    stop may come again: tell repetitions by `_id` and `revision`. SIGINT and SIGTERM end it with exit status 0.

    For example:

      rfispider watch -e cn --name newsroom | while read -r line; do ...; done
      rfispider watch --state watch.json --since 2026-03-01 --fields url,title,changed_at
    """
    if state and name:
        raise typer.BadParameter("either --state or --name", param_hint="--name")
    wanted = Selection(editions=options.editions(edition), fields=options.fields(fields))
    begin = options.moment(since, "--since")
    # The background jobs of a script are born deaf to it, and then to SIGTERM as well, which is treated alike.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with_store(database, lambda store: run(Checkpoint(store, state, name, wanted.editions), wanted, begin))
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        # Who reads has enough. What is still in the buffer must not be flushed into the pipe at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OutputError as error:
        err.print(f"rfispider: {escape(str(error))}")
        raise typer.Exit(1) from error


async def run(checkpoint: Checkpoint, wanted: Selection, since: datetime | None) -> None:
    """Write what happens, remembering after each batch how far it came."""
    # The first signal cancels this at its next wait, the second ends it at once: as asyncio does with SIGINT.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    lines, saved = JsonLines(sys.stdout.buffer), 0.0
    async for batch, position in news(checkpoint, wanted, since):
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
        troubled(str(error))


async def news(
    checkpoint: Checkpoint, wanted: Selection, since: datetime | None
) -> AsyncIterator[tuple[list[dict[str, Any]], Position | None]]:
    """What is to be written, from where it was left on, with the position after it once there is one to go on from."""
    down, start = checkpoint.store.consumer, await checkpoint.load()
    while True:
        if start is None:
            # Taken first: what changes while the past is written comes again, and is not missed.
            start = await down.position()
            if since:
                async for batch in down.changed_since(wanted, since):
                    yield batch, None
            yield [], start
        try:
            async for found, position, _ in down.follow(wanted, start, troubled):
                yield found, position
        except HistoryLost:
            since = start.at - MARGIN
            lost(start.at, since)
            start = None


def troubled(why: str) -> None:
    """Say that the server went away."""
    err.print(f"rfispider: waiting for the server: {escape(why)}")


def lost(at: datetime, since: datetime) -> None:
    """Say that the server does not know any more what happened since a position, and what is done about it."""
    err.print(
        f"rfispider: the server's oplog does not reach back to where this stopped ({at:%Y-%m-%d %H:%M} UTC): "
        f"by the clocks of the workers, everything that changed since {since:%Y-%m-%d %H:%M} UTC comes (again); "
        "of an article that changed several times, the present state only"
    )
