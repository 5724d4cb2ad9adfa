"""The one door to the archive."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import pymongo
from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from rfispider.items import Article, Outcome
from rfispider.store import documents, queries
from rfispider.store.articles import Writer
from rfispider.store.documents import Document
from rfispider.store.errors import StoreError, explained, redacted
from rfispider.store.queries import Report
from rfispider.store.schema import ARTICLES, REVISIONS, RUNS, install

CONNECT_S = 5.0
"""Seconds within which the server must answer at the start."""

PATIENCE_S = 30.0
"""Seconds for which an operation rides out a failover or a restart of the server."""


class Store:
    """The archive in one database. Every write is on the disks of a majority when its call returns.

    Every method raises StoreError, with one line for a person, when the server does not do what it should.
    """

    def __init__(self, client: AsyncMongoClient[Document], uri: str, database: str, patience: float) -> None:
        self._client = client
        self._uri = uri
        self._patience = patience
        options: CodecOptions[Document] = CodecOptions(tz_aware=True)
        self._database = client.get_database(
            database,
            codec_options=options,
            # What the primary holds at this moment: the guards of `articles` are made for it.
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("local"),
            write_concern=WriteConcern("majority", j=True),
        )
        self._collections: Mapping[str, AsyncCollection[Document]] = {
            name: self._database[name] for name in (ARTICLES, REVISIONS, RUNS)
        }
        self._writer = Writer(self._collections[ARTICLES], self._collections[REVISIONS])

    @classmethod
    async def open(cls, uri: str, database: str, *, patience: float = PATIENCE_S) -> Self:
        """Connect, and install validators and indexes where they are missing.

        `patience` is the time, in seconds, for which later operations wait for a server that went away.
        """
        client = _client(uri, patience)
        try:
            with explained("connecting", uri):
                store = cls(client, uri, database, patience)
                with pymongo.timeout(CONNECT_S):
                    await client.admin.command("ping")
            with explained("preparing the database", uri), pymongo.timeout(patience):
                await install(store._database)
        except BaseException:
            await client.close()
            raise
        return store

    async def close(self) -> None:
        """Let go of the connections; may be called twice."""
        await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def save(self, articles: Sequence[Article]) -> list[Outcome]:
        """Store a batch: NEW, CHANGED or SAME for each article, in order.

        FAILED stands for one that MongoDB cannot hold (over 16 MB, against the validator); why is logged. All
        others are stored when this returns. May be called by many tasks and processes at once.
        """
        with explained("storing articles", self._uri), pymongo.timeout(self._patience):
            return await self._writer.save(articles)

    async def run_started(self, run: Mapping[str, Any]) -> None:
        """Write the record of a run; `worker` and `started_at` name it, the rest is free."""
        with explained("recording the run", self._uri), pymongo.timeout(self._patience):
            document = documents.run_document(run)
            await self._collections[RUNS].replace_one({"_id": document["_id"]}, document, upsert=True)

    async def run_updated(self, run: Mapping[str, Any]) -> None:
        """Write the record as it is by now, complete."""
        await self.run_started(run)

    async def run_finished(self, run: Mapping[str, Any]) -> None:
        """Write the record as it is at the end, complete."""
        await self.run_started(run)

    async def article(self, key: str) -> Document | None:
        """The document of an article by its key; None when there is none."""
        with explained("reading an article", self._uri):
            return await queries.article(self._collections, key)

    async def aliased(self, url: str) -> Document | None:
        """The document of the article that also goes by this canonical URL; None when there is none."""
        with explained("reading an article", self._uri):
            return await queries.aliased(self._collections, url)

    async def history(self, key: str) -> list[Document]:
        """The superseded states of an article, oldest first."""
        with explained("reading a history", self._uri):
            return await queries.history(self._collections, key)

    async def report(self) -> Report:
        """Articles by edition and section, how complete their fields are, the last runs."""
        with explained("making the report", self._uri):
            return await queries.report(self._collections)


def _client(uri: str, patience: float) -> AsyncMongoClient[Document]:
    """A client that has not connected yet. Raises StoreError for a URI that is none."""
    try:
        return AsyncMongoClient(uri, serverSelectionTimeoutMS=int(patience * 1000), appname="rfispider")
    except (PyMongoError, ValueError, TypeError) as error:
        raise StoreError(redacted(f"MONGO_URI is not a MongoDB URI: {error}", uri)) from error
