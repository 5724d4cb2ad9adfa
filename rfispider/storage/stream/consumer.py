"""What those who use the archive take from it: all of it or a part, as it is or was, and what changes from now on."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import TypeVar

from bson import Timestamp
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from rfispider.items import SCHEMA, Page
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

    What one object reads is in order: what it was told of a position is contained in what it reads afterwards.
    """

    def __init__(self, client: AsyncMongoClient[Document], database: AsyncDatabase[Document], uri: str) -> None:
        self._articles = database[ARTICLES].with_options(read_concern=MAJORITY)
        self._pages = database[PAGES].with_options(read_concern=MAJORITY)
        self._positions = database[POSITIONS]
        self._database = database
        self._uri = uri
        self._session = client.start_session(causal_consistency=True)

    async def count(self, wanted: Selection) -> int:
        """How many articles are selected, as they are now."""
        with translating_errors("counting articles", self._uri):
            condition = wanted.condition()
            return await (
                self._articles.count_documents(condition) if condition else self._articles.estimated_document_count()
            )

    async def position(self) -> Position:
        """The position after all that was written so far.

        Raises:
            DatabaseError: the server keeps no order of writes, as it is no replica set.

        """
        with translating_errors("asking for the server's time", self._uri):
            told = await self._database.command("ping", session=self._session)
        if "operationTime" not in told:
            raise DatabaseError("following changes needs a replica set; the MongoDB server is none")
        time: Timestamp = told["operationTime"]
        # What was written at that time is read by now: the next is new.
        return Position(at=time.as_datetime(), cluster_time=(time.time, time.inc + 1))

    async def raw(self, wanted: Selection, at: datetime | None = None) -> AsyncIterator[bytes]:
        """Batches of the selected articles as they are, or as they were at a time (UTC), as BSON for `unpacked`."""
        found = (
            selection.as_of(self._articles, wanted, at, self._session)
            if at
            else selection.present(self._articles, wanted, self._session)
        )
        async for batch in self._told("reading articles", found):
            yield batch

    async def articles(self, wanted: Selection, at: datetime | None = None) -> Batches:
        """Batches of the selected articles as they are, or as they were at a time (UTC)."""
        async for batch in self.raw(wanted, at):
            yield selection.unpacked(batch)

    async def changed_since(self, wanted: Selection, at: datetime) -> Batches:
        """Batches of the selected articles that changed at a time (UTC) or later, by the clocks of the workers."""
        found = selection.changed_since(self._articles, wanted, at, self._session)
        async for batch in self._told("reading articles", found):
            yield selection.unpacked(batch)

    async def changes(self, wanted: Selection, start: Position) -> AsyncIterator[ChangeBatch[Document]]:
        """Batches of the selected articles that got a new revision after a position, up to now.

        Raises:
            HistoryLost: the server does not hold the position any more.

        """
        feed = change_stream.of_articles(self._articles, wanted, self._session)
        async for news in self._told("following changes", change_stream.changes(feed, start)):
            yield news
            if news.is_last:
                return

    async def follow(
        self, wanted: Selection, start: Position, troubled: Callable[[str], None]
    ) -> AsyncIterator[ChangeBatch[Document]]:
        """As `changes`, without end.

        It waits for a server that went away for as long as it takes; `troubled` is told why, in one line.
        """
        feed = change_stream.of_articles(self._articles, wanted, self._session)
        told = change_stream.follow(feed, start, lambda error: troubled(reason(error, self._uri)))
        async for news in self._told("following changes", told):
            yield news

    async def new_pages(self, wanted: Selection, start: Position) -> AsyncIterator[ChangeBatch[Page]]:
        """As `changes`, of the pages that `pages` gives."""
        feed = change_stream.of_pages(self._pages, raw_pages.fetched(wanted), self._session)
        async for kept, position, is_last in self._told("following changes", change_stream.changes(feed, start)):
            yield ChangeBatch(await raw_pages.read(self._pages, kept), position, is_last)
            if is_last:
                return

    async def pages(self, wanted: Selection) -> AsyncIterator[list[Page]]:
        """Batches of the raw pages that were kept, of the selected editions, fetched (not published) within the times.

        Those without a body, of articles of which only a source told, are not among them.
        """
        async for batch in self._told("reading pages", raw_pages.bodies(self._pages, raw_pages.fetched(wanted))):
            yield await raw_pages.read(self._pages, batch)

    async def count_pages(self, wanted: Selection) -> int:
        """How many pages that is."""
        with translating_errors("counting pages", self._uri):
            return await self._pages.count_documents(raw_pages.fetched(wanted))

    async def load(self, name: str) -> Document | None:
        """The document that was recorded under a name; None when there is none."""
        with translating_errors("reading a position", self._uri):
            return await self._positions.find_one({"_id": name})

    async def record(self, name: str, told: Document) -> None:
        """Record a position, or whatever is to be gone on from, under a name."""
        with translating_errors("recording a position", self._uri):
            document = {"_id": name, "schema": SCHEMA, "at": datetime.now(UTC), **told}
            await self._positions.replace_one({"_id": name}, document, upsert=True)

    async def forget(self, name: str) -> None:
        """Forget what was recorded under a name."""
        with translating_errors("forgetting a position", self._uri):
            await self._positions.delete_one({"_id": name})

    async def _told(self, action: str, found: AsyncIterator[Followed]) -> AsyncIterator[Followed]:
        """The same, with the errors of the driver explained."""
        with translating_errors(action, self._uri):
            async for each in found:
                yield each
