"""Runs an export: where it starts, what it writes, and what it records of itself."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from rfispider.concurrency.prefetch import ahead
from rfispider.concurrency.process_globals import tuned_for_export
from rfispider.jobs import export
from rfispider.jobs.export import Encoder, Format, Manifest, Output
from rfispider.jobs.export.manifest import beside
from rfispider.jobs.export.parallel import cores, packed
from rfispider.storage import DatabaseError, HistoryLost, Position, Selection, Store, rules

CLOCK_MARGIN = timedelta(days=1)
"""When only the clocks of workers can say what is new: longer than any page is on its way and any clock is wrong."""

PARALLEL_FROM = 20_000
"""Number of articles from which it pays to read, to format and to write at the same time."""

STDOUT = Path("-")

Batch = tuple[Sequence[Any], Position | None]
"""Documents or pages, and the position after them where that moves on."""


class ResumeError(Exception):
    """An export cannot go on from the last one; the message is one line and says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """What to export, and where to."""

    format: Format
    output: Path
    """The file; `-` is standard output."""
    selection: Selection
    at: datetime | None = None
    """As the archive was at this time (UTC); None: as it is."""
    since_last: bool = False
    """Only what is new or changed since the last export of the same name, or to the same file."""
    name: str | None = None
    """The name under which the archive remembers how far this export came."""

    @property
    def fields(self) -> list[str]:
        """Names of the fields; a page has none."""
        return [] if self.is_of_pages else list(self.selection.fields)

    @property
    def is_of_pages(self) -> bool:
        """Whether raw pages are exported, and not articles."""
        return self.format is Format.WARC

    @property
    def query(self) -> dict[str, Any]:
        """The request as the manifest states it, fit for JSON."""
        times = {"since": self.selection.since, "until": self.selection.until, "as_of": self.at}
        texts = {name: at.isoformat() if at else None for name, at in times.items()}
        return {"editions": list(self.selection.editions), **texts, "since_last": self.since_last}

    def continues(self, query: dict[str, Any], format_: str) -> bool:
        """Whether an export of such a query and format left out nothing that this one selects."""
        return {**query, "since_last": None} == {**self.query, "since_last": None} and format_ == self.format


class Reporter(Protocol):
    """What follows an export while it runs."""

    def warn(self, message: str) -> None:
        """Take one line that a person should read."""

    def progress(self, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
        """Follow the number of documents written, out of `total` (None: unknown), by the function it gives."""


# ---- Where it starts -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _LastExport:
    """What is recorded of an earlier export."""

    query: dict[str, Any]
    format: str
    position: dict[str, Any] | None
    """Where it ended, as recorded; None when the server kept no order of writes."""


async def start_of(store: Store, request: ExportRequest, reporter: Reporter) -> Position | None:
    """Where the last export of the same ended; None when everything is to be exported.

    Raises:
        ResumeError: it was an export of something else, so what that left out would be missed.

    """
    if not request.since_last:
        return None
    last = await _recorded(store, request.name) if request.name else _of_manifest(beside(request.output))
    if last is None:
        reporter.warn("there is no earlier export to continue from: everything is exported")
        return None
    if last.position is None:
        raise ResumeError("the last export was from a server that keeps no order of writes")
    if not request.continues(last.query, last.format):
        raise ResumeError("the last export was of another format, edition or time")
    return Position.from_document(last.position)


async def _recorded(store: Store, name: str) -> _LastExport | None:
    """What the archive remembers of the last export of a name; None when there was none."""
    record = await store.consumer.load(f"export:{name}")
    if record is None:
        return None
    recorded = json.loads(record["query"])
    return _LastExport(recorded["query"], recorded["format"], record)


def _of_manifest(path: Path) -> _LastExport | None:
    """What the manifest of an earlier export says; None when there is none.

    Raises:
        ResumeError: there is something else.

    """
    if not path.exists():
        return None
    try:
        manifest = Manifest.read(path)
    except (OSError, ValueError, TypeError) as error:
        raise ResumeError(f"{path} is not a manifest: {error}") from error
    return _LastExport(manifest.query, manifest.format, manifest.position)


async def batches(
    store: Store, request: ExportRequest, start: Position | None, reporter: Reporter
) -> AsyncIterator[Batch]:
    """What to write, all or what is new since `start`, with the position after it where that moves on."""
    if start is None:
        async for batch in _everything(store, request):
            yield batch, None
        return
    try:
        async for batch, position in _new_since(store, request, start):
            yield batch, position
    except HistoryLost:
        since = start.at - CLOCK_MARGIN
        reporter.warn(
            f"the server's oplog does not reach back to the last export ({start.at:%Y-%m-%d %H:%M} UTC): "
            f"going by the clocks of the workers, everything that changed since {since:%Y-%m-%d %H:%M} UTC is exported"
        )
        now = await store.consumer.position()
        async for batch in _changed_since(store, request, since):
            yield batch, now


def _everything(store: Store, request: ExportRequest) -> AsyncIterator[Sequence[Any]]:
    if request.is_of_pages:
        return store.consumer.pages(request.selection)
    return store.consumer.articles(request.selection, request.at)


async def _new_since(store: Store, request: ExportRequest, start: Position) -> AsyncIterator[Batch]:
    consumer, selection = store.consumer, request.selection
    if request.is_of_pages:
        async for pages, position, _ in consumer.new_pages(selection, start):
            yield pages, position
        return
    async for articles, position, _ in consumer.changes(selection, start):
        yield articles, position


def _changed_since(store: Store, request: ExportRequest, since: datetime) -> AsyncIterator[Sequence[Any]]:
    """The same by the clocks of the workers; of pages, those fetched since then."""
    selection = request.selection
    if request.is_of_pages:
        later = replace(selection, since=max(since, selection.since or since))
        return store.consumer.pages(later)
    return store.consumer.changed_since(selection, since)


# ---- Writing ---------------------------------------------------------------------------------------------


async def write(store: Store, request: ExportRequest, reporter: Reporter) -> None:
    """Write the file, then its manifest, then what the archive remembers of the export.

    Raises:
        DatabaseError: the archive cannot be read.
        MissingExtra: the format needs a package that is not installed.
        OutputError, OSError: the file cannot be written.
        ResumeError: the export cannot go on from the last one.

    """
    started_at = datetime.now(UTC)
    start = await start_of(store, request, reporter)
    position = await present(store)
    count = 0
    with Output(request.output, own=request.is_of_pages) as output, tuned_for_export():
        encoder = export.encoder(request.format, output, request.selection.fields, rules())
        total = None if start else await expected(store, request)
        writing = pieces(store, request, start, total=total, output=output, encoder=encoder, reporter=reporter)
        with reporter.progress(total) as advance:
            async for written, after in writing:
                count, position = count + written, after or position
                advance(count)
        encoder.close()
    if request.output != STDOUT:
        manifest(request, output, count, position, started_at).write(request.output)
    if request.name and position:
        await _record(store, request, request.name, position)


def manifest(
    request: ExportRequest, output: Output, count: int, position: Position | None, started_at: datetime
) -> Manifest:
    """The manifest of a file that is complete."""
    return Manifest(
        file=request.output.name,
        format=request.format,
        count=count,
        bytes=output.digest.bytes,
        sha256=output.digest.sha256(),
        query=request.query,
        fields=request.fields,
        position=position.as_document() if position else None,
        started_at=started_at.isoformat(),
        finished_at=datetime.now(UTC).isoformat(),
    )


async def _record(store: Store, request: ExportRequest, name: str, position: Position) -> None:
    """Remember in the archive, under a name, how far this export came."""
    query = json.dumps({"query": request.query, "format": request.format})
    await store.consumer.record(f"export:{name}", {**position.as_document(), "at": position.at, "query": query})


async def pieces(
    store: Store,
    request: ExportRequest,
    start: Position | None,
    *,
    total: int | None,
    output: Output,
    encoder: Encoder,
    reporter: Reporter,
) -> AsyncIterator[tuple[int, Position | None]]:
    """Write piece by piece; gives how many articles each held, and the position after it where that moves on."""
    pack = export.packer(request.format, request.selection.fields)
    if pack and total and total >= PARALLEL_FROM:
        batches_of_bson = store.consumer.raw(request.selection, request.at)
        processes = cores() if request.format is Format.CSV else 0
        async for count, data in ahead(packed(batches_of_bson, pack, processes=processes)):
            await asyncio.to_thread(output.sink.write, data)
            yield count, None
        return
    async for batch, after in ahead(batches(store, request, start, reporter)):
        await asyncio.to_thread(encoder.write, batch)
        yield len(batch), after


async def present(store: Store) -> Position | None:
    """Where the server's writes are before anything is read; None when it is no replica set and keeps no order."""
    try:
        return await store.consumer.position()
    except DatabaseError:
        return None


async def expected(store: Store, request: ExportRequest) -> int:
    """About how many documents there will be."""
    consumer = store.consumer
    return await (consumer.count_pages if request.is_of_pages else consumer.count)(request.selection)
