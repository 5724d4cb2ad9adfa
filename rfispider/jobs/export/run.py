"""What `rfispider export` does: where it goes on, what it writes, what it leaves to be known of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import typer

from rfispider.concurrency.prefetch import ahead
from rfispider.concurrency.process_globals import tuned_for_export
from rfispider.jobs import export
from rfispider.jobs.export import Encoder, Format, Manifest, Output
from rfispider.jobs.export.manifest import beside
from rfispider.jobs.export.parallel import cores, packed
from rfispider.storage import DatabaseError, HistoryLost, Position, Selection, Store, rules

MARGIN = timedelta(days=1)
"""When only the clocks of workers can tell what is new: longer than any page is on its way and any clock is wrong."""

MANY = 20_000
"""Articles from which on it pays to read, to make lines and to write at the same time."""

STDOUT = Path("-")

Batch = tuple[Sequence[Any], Position | None]


@dataclass(slots=True, kw_only=True)
class Order:
    """What is to be exported, and where to."""

    format: Format
    output: Path
    wanted: Selection
    at: datetime | None
    since_last: bool
    name: str | None
    query: dict[str, Any] = field(default_factory=dict)
    warn: Callable[[str], None]
    """Is told, in one line, what a person should know while the export goes on."""
    progress: Callable[[int | None], AbstractContextManager[Callable[[int], None]]]
    """Shows progress towards a number of documents (None: not known); gives what is told how many are done."""

    @property
    def fields(self) -> list[str]:
        """Names of the fields; a page has none."""
        return [] if self.format is Format.WARC else list(self.wanted.fields)

    @property
    def is_of_pages(self) -> bool:
        """Whether raw pages are asked for, and not articles."""
        return self.format is Format.WARC


# ---- Where it goes on ------------------------------------------------------------------------------------


async def last(store: Store, order: Order) -> Position | None:
    """Where the last export of the same ended; None when there was none.

    Raises:
        typer.BadParameter: it was of something else: what that left out would be missed.

    """
    if not order.since_last:
        return None
    told = await of_name(store, order.name) if order.name else of_manifest(beside(order.output))
    if told is None:
        order.warn("no earlier export to go on from: everything is exported")
        return None
    if told["position"] is None:
        raise typer.BadParameter(
            "the last export was of a server that keeps no order of writes", param_hint="--since-last"
        )
    asked = {**order.query, "since_last": None}
    if {**told["query"], "since_last": None} != asked or told["format"] != order.format:
        raise typer.BadParameter("the last export was of another format, edition or time", param_hint="--since-last")
    return Position.from_document(told["position"])


async def of_name(store: Store, name: str) -> dict[str, Any] | None:
    """What is recorded of the last export of a name; None when there was none."""
    told = await store.consumer.load(f"export:{name}")
    return {**json.loads(told["query"]), "position": told} if told else None


def of_manifest(path: Path) -> dict[str, Any] | None:
    """What the manifest of an earlier export tells; None when there is none.

    Raises:
        typer.BadParameter: there is something else.

    """
    if not path.exists():
        return None
    try:
        told = Manifest.read(path)
    except (OSError, ValueError, TypeError) as error:
        raise typer.BadParameter(f"{path} is no manifest: {error}", param_hint="--since-last") from error
    return {"query": told.query, "format": told.format, "position": told.position}


async def batches(store: Store, order: Order, start: Position | None) -> AsyncIterator[Batch]:
    """What is to be written, with the position after it where that moves on."""
    down, wanted, pages = store.consumer, order.wanted, order.is_of_pages
    try:
        if start is None:
            async for batch in down.pages(wanted) if pages else down.articles(wanted, order.at):
                yield batch, None
            return
        async for found, position, _ in down.new_pages(wanted, start) if pages else down.changes(wanted, start):
            yield found, position
    except HistoryLost:
        assert start  # noqa: S101 - without one no history is asked for
        now, since = await down.position(), start.at - MARGIN
        order.warn(
            f"the server's oplog does not reach back to the last export ({start.at:%Y-%m-%d %H:%M} UTC): "
            f"going by the clocks of the workers, everything that changed since {since:%Y-%m-%d %H:%M} UTC is exported"
        )
        later = replace(wanted, since=max(since, wanted.since or since))
        async for batch in down.pages(later) if pages else down.changed_since(wanted, since):
            yield batch, now


# ---- Writing ---------------------------------------------------------------------------------------------


async def write(store: Store, order: Order) -> None:
    """Write the file, then what is to be known of it."""
    began = datetime.now(UTC)
    start = await last(store, order)
    position = await present(store)
    count = 0
    with Output(order.output, own=order.is_of_pages) as output, tuned_for_export():
        encoder = export.encoder(order.format, output, order.wanted.fields, rules())
        total = None if start else await expected(store, order)
        with order.progress(total) as tell:
            async for written, after in pieces(store, order, start, total=total, output=output, encoder=encoder):
                count, position = count + written, after or position
                tell(count)
        encoder.close()
    if order.output != STDOUT:
        Manifest(
            file=order.output.name,
            format=order.format,
            count=count,
            bytes=output.digest.bytes,
            sha256=output.digest.sha256(),
            query=order.query,
            fields=order.fields,
            position=position.as_document() if position else None,
            started_at=began.isoformat(),
            finished_at=datetime.now(UTC).isoformat(),
        ).write(order.output)
    if order.name and position:
        query = json.dumps({"query": order.query, "format": order.format})
        await store.consumer.record(
            f"export:{order.name}", {**position.as_document(), "at": position.at, "query": query}
        )


async def pieces(
    store: Store, order: Order, start: Position | None, *, total: int | None, output: Output, encoder: Encoder
) -> AsyncIterator[tuple[int, Position | None]]:
    """Write piece by piece; gives how many articles each held, and the position after it where that moves on."""
    pack = export.packer(order.format, order.wanted.fields)
    if pack and total and total >= MANY:
        found = store.consumer.raw(order.wanted, order.at)
        async for count, data in ahead(packed(found, pack, processes=cores() if order.format is Format.CSV else 0)):
            await asyncio.to_thread(output.sink.write, data)
            yield count, None
        return
    async for batch, after in ahead(batches(store, order, start)):
        await asyncio.to_thread(encoder.write, batch)
        yield len(batch), after


async def present(store: Store) -> Position | None:
    """Where the server's writes are before anything is read; None when it is no replica set and keeps no order."""
    try:
        return await store.consumer.position()
    except DatabaseError:
        return None


async def expected(store: Store, order: Order) -> int:
    """About how many there will be."""
    down = store.consumer
    return await (down.count_pages(order.wanted) if order.is_of_pages else down.count(order.wanted))
