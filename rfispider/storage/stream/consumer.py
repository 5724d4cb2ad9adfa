"""What consumers read of the archive: all of it or a part, as it is or was, and what changes from now on."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import TypeVar

import pymongo
from bson import Timestamp
from pymongo.asynchronous.database import AsyncDatabase

from rfispider.items import SCHEMA, Page
from rfispider.mongo.connection import Connection
from rfispider.mongo.errors import DatabaseError, reason, translating_errors
from rfispider.storage.documents import Document
from rfispider.storage.pages import raw_pages
from rfispider.storage.read import selection
from rfispider.storage.read.selection import MAJORITY, Selection
from rfispider.storage.schema import ARTICLES, PAGES, POSITIONS
from rfispider.storage.stream import change_stream
from rfispider.storage.stream.change_stream import ChangeBatch, Position

Batches = AsyncIterator[list[Document]]
Followed = TypeVar("Followed")


class Consumer:
    """Reads the archive as majorities have it. Every method raises DatabaseError when the server does not answer.

    What one object reads is in order: whatever a position covers is contained in what is read after it was taken.
    Single questions are given up after the patience of the connection. Streams are not: they last as long as whoever
    reads them takes, and each wait for the server is bounded by the driver. Counts look at every index key.
    """

    def __init__(self, connection: Connection, database: AsyncDatabase[Document]) -> None:
        self._articles = database[ARTICLES].with_options(read_concern=MAJORITY)
        self._pages = database[PAGES].with_options(read_concern=MAJORITY)
        self._positions = database[POSITIONS]
        self._database = database
        self._uri = connection.uri
        self._patience = connection.patience_s
        self._session = connection.client.start_session(causal_consistency=True)

    async def count(self, selected: Selection) -> int:
        """How many articles are selected, as they are now. Without time-out: it may scan an index."""
        with translating_errors("counting articles", self._uri):
            condition = selected.condition()
            return await (
                self._articles.count_documents(condition) if condition else self._articles.estimated_document_count()
            )

    async def position(self) -> Position:
        """The position after all that was written so far.

        Raises:
            DatabaseError: the server keeps no order of writes, as it is no replica set.

        """
        with translating_errors("asking for the server's time", self._uri), pymongo.timeout(self._patience):
            answer = await self._database.command("ping", session=self._session)
        if "operationTime" not in answer:
            raise DatabaseError("following changes needs a replica set; the MongoDB server is none")
        time: Timestamp = answer["operationTime"]
        # What was written at that time is read by now: the next is new.
        return Position(at=time.as_datetime(), cluster_time=(time.time, time.inc + 1))

    async def raw(self, selected: Selection, at: datetime | None = None) -> AsyncIterator[bytes]:
        """Batches of the selected articles as they are, or as they were at a time (UTC), as BSON for `unpacked`."""
        batches = (
            selection.as_of(self._articles, selected, at, self._session)
            if at
            else selection.present(self._articles, selected, self._session)
        )
        async for batch in self._translated("reading articles", batches):
            yield batch

    async def articles(self, selected: Selection, at: datetime | None = None) -> Batches:
        """Batches of the selected articles as they are, or as they were at a time (UTC)."""
        async for batch in self.raw(selected, at):
            yield selection.unpacked(batch)

    async def changed_since(self, selected: Selection, at: datetime) -> Batches:
        """Batches of the selected articles that changed at a time (UTC) or later, by the clocks of the workers."""
        batches = selection.changed_since(self._articles, selected, at, self._session)
        async for batch in self._translated("reading articles", batches):
            yield selection.unpacked(batch)

    async def changes(self, selected: Selection, start: Position) -> AsyncIterator[ChangeBatch[Document]]:
        """Batches of the selected articles that got a new revision after a position, up to now.

        Raises:
            HistoryLost: the server does not hold the position any more.

        """
        feed = change_stream.of_articles(self._articles, selected, self._session)
        async for batch in self._translated("following changes", change_stream.changes(feed, start)):
            yield batch
            if batch.is_last:
                return

    async def follow(
        self, selected: Selection, start: Position, on_error: Callable[[str], None]
    ) -> AsyncIterator[ChangeBatch[Document]]:
        """As `changes`, without end.

        It waits for a server that went away for as long as it takes; `on_error` gets the reason each time, in one line.
        """
        feed = change_stream.of_articles(self._articles, selected, self._session)
        batches = change_stream.follow(feed, start, lambda error: on_error(reason(error, self._uri)))
        async for batch in self._translated("following changes", batches):
            yield batch

    async def new_pages(self, selected: Selection, start: Position) -> AsyncIterator[ChangeBatch[Page]]:
        """As `changes`, of the pages that `pages` gives."""
        feed = change_stream.of_pages(self._pages, raw_pages.fetched(selected), self._session)
        changes = self._translated("following changes", change_stream.changes(feed, start))
        async for documents, position, is_last in changes:
            yield ChangeBatch(await self._read(documents), position, is_last)
            if is_last:
                return

    async def pages(self, selected: Selection) -> AsyncIterator[list[Page]]:
        """Batches of the raw pages that were kept, of the selected editions, fetched (not published) within the times.

        Pages without a body, of articles that only a source told of, are left out.
        """
        async for batch in self._translated(
            "reading pages", raw_pages.bodies(self._pages, raw_pages.fetched(selected))
        ):
            yield await self._read(batch)

    async def count_pages(self, selected: Selection) -> int:
        """How many pages that is. Without time-out: it scans an index."""
        with translating_errors("counting pages", self._uri):
            return await self._pages.count_documents(raw_pages.fetched(selected))

    async def load(self, name: str) -> Document | None:
        """The document that was recorded under a name; None when there is none."""
        with translating_errors("reading a position", self._uri), pymongo.timeout(self._patience):
            return await self._positions.find_one({"_id": name})

    async def record(self, name: str, fields: Document) -> None:
        """Record under a name where to go on: a position, or other fields.

        Without time-out: it is called between the batches of a stream that is ended by cancelling it, and Python 3.11
        loses a cancellation that meets the end of a wait with a time-out (`asyncio.wait_for`, bpo-37658).
        """
        with translating_errors("recording a position", self._uri):
            written: Document = {"$literal": {"_id": name, "schema": SCHEMA, **fields}}
            document = {"$replaceWith": {"$mergeObjects": [{"at": "$$NOW"}, written]}}
            await self._positions.update_one({"_id": name}, [document], upsert=True)

    async def forget(self, name: str) -> None:
        """Forget what was recorded under a name."""
        with translating_errors("forgetting a position", self._uri), pymongo.timeout(self._patience):
            await self._positions.delete_one({"_id": name})

    async def _read(self, documents: list[Document]) -> list[Page]:
        with translating_errors("reading pages", self._uri):
            return await raw_pages.read(self._pages, documents)

    async def _translated(self, action: str, batches: AsyncIterator[Followed]) -> AsyncIterator[Followed]:
        """The same, with the driver's errors as DatabaseError."""
        with translating_errors(action, self._uri):
            async for batch in batches:
                yield batch
