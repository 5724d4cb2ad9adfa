"""The archive: all that it is asked, and all that is written to it."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from types import TracebackType
from typing import Any, Self

import pymongo
from bson.codec_options import CodecOptions
from pymongo import ReadPreference, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.read_concern import ReadConcern

from rfispider.items import Article, Outcome
from rfispider.mongo import schema
from rfispider.mongo.connection import PATIENCE_S, Connection
from rfispider.mongo.errors import translating_errors
from rfispider.storage import documents
from rfispider.storage.admin.administration import Administration
from rfispider.storage.documents import Document
from rfispider.storage.pages.documents import FetchedPage
from rfispider.storage.pages.raw_pages import Pages
from rfispider.storage.pages.replay import ReparseBatch, Replay
from rfispider.storage.read import days, highlights, history, queries, statistics
from rfispider.storage.read.highlights import Story
from rfispider.storage.read.integrity import ArchiveIntegrity
from rfispider.storage.read.queries import Report
from rfispider.storage.read.statistics import ArchiveStats
from rfispider.storage.schema import ARTICLES, INDEXES, PAGES, REVISIONS, RUNS, SEARCH
from rfispider.storage.search.index import SearchIndex, SearchRequest, SearchResult
from rfispider.storage.stream.consumer import Consumer
from rfispider.storage.validators import VALIDATORS
from rfispider.storage.write import tombstones
from rfispider.storage.write.writer import Writer


class Store:
    """The archive in one database. Every write is on the disks of a majority when its call returns.

    Every method raises DatabaseError, with one line for a person, when the server does not do what it should. It is
    given up after the patience of the connection, in seconds, unless its docstring says why not.
    """

    def __init__(self, connection: Connection, database: str) -> None:
        self._connection = connection
        self._uri = connection.uri
        self._patience = connection.patience_s
        with translating_errors("opening the database", self._uri):
            self._database = _database(connection, database)
        self._collections: Mapping[str, AsyncCollection[Document]] = {
            name: self._database[name] for name in (ARTICLES, REVISIONS, RUNS)
        }
        self._search = SearchIndex(self._collections[ARTICLES], self._database[SEARCH])
        self._writer = Writer(self._database, self._search)

        self.pages = Pages(self._collections[ARTICLES], self._database[PAGES])
        self.consumer = Consumer(connection, self._database)
        self.administration = Administration(connection, self._database)
        self.integrity = ArchiveIntegrity(connection, self._database, self._search)

    @contextmanager
    def _operation(self, action: str) -> Iterator[None]:
        """One operation: errors of the driver as DatabaseError, and an end to patience."""
        with translating_errors(action, self._uri), pymongo.timeout(self._patience):
            yield

    @classmethod
    async def open(cls, uri: str, database: str, *, patience: float = PATIENCE_S, prepare: bool = True) -> Self:
        """The archive over a connection of its own, which `close` closes; `prepare=False` only reads.

        `patience` is the time, in seconds, for which later operations wait for a server that went away.
        """
        connection = await Connection.open(uri, patience_s=patience)
        try:
            store = cls(connection, database)
            if prepare:
                await store.prepare()
        except BaseException:
            await connection.close()
            raise
        return store

    async def prepare(self) -> None:
        """Install validators and indexes where they are missing."""
        with self._operation("preparing the database"):
            await schema.prepare(self._database, VALIDATORS, INDEXES)

    async def close(self) -> None:
        """Close the connection; may be called twice."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # ---- Articles ----------------------------------------------------------------------------------------

    async def save(self, articles: Sequence[Article]) -> list[Outcome]:
        """Store a batch: NEW, CHANGED, SAME, DUPLICATE or CLAIMED for each article, in order.

        DUPLICATE: its URL is an alias of another article. CLAIMED: it would become one, or another article would end
        as its alias; nothing is changed until the article comes again, fetched anew and later, with `confirmed`.
        FAILED stands for one that MongoDB cannot hold (over 16 MB, against the validator); why is logged. All others
        are stored when this returns. May be called by many tasks and processes at once.

        States are ordered by `fetched_at`, which is the server's time when the request was sent.
        """
        with self._operation("storing articles"):
            return await self._writer.save(articles)

    async def save_reread(self, articles: Sequence[Article], at: datetime) -> list[Outcome]:
        """As `save`, of kept pages that were parsed again at a time (UTC); `fetched_at` is that of the stored state.

        CHANGED where a reader sees a difference. Nothing is written of an article that was fetched anew since it was
        read, nor where less was read than is stored.
        """
        with self._operation("storing articles"):
            return await self._writer.save(articles, reread_at=at)

    async def mark_gone(self, keys: Collection[str], at: datetime) -> list[str]:
        """Make tombstones of articles whose pages the site has removed, as was seen at a time (UTC).

        A tombstone keeps its last text; `status` is gone, `gone_at` says since when, and the state before it is
        a revision. Returns the keys of those that were alive until now, in order; keys that are not stored, gone
        already, or seen again after `at` are left alone. May be called by many workers, and again.
        """
        with self._operation("marking articles as gone"):
            return await tombstones.mark_gone(self._collections[ARTICLES], self._writer, keys, at)

    async def article(self, key: str) -> Document | None:
        """The document of an article by its key; None when there is none."""
        with self._operation("reading an article"):
            return await queries.article(self._collections, key)

    async def aliased(self, url: str) -> Document | None:
        """The document of the article that has this canonical URL as an alias; None when there is none."""
        with self._operation("reading an article"):
            return await queries.aliased(self._collections, url)

    async def articles_by_key(self, urls: Mapping[str, str]) -> dict[str, Document]:
        """Key, URL, aliases, edition and status of articles, by the key that was asked for.

        `urls` are canonical URLs by key. Where one is an alias, it is the article that has it.
        """
        with self._operation("reading articles"):
            return await days.by_url(self._collections[ARTICLES], urls)

    async def published(self, day: date, editions: Collection[str]) -> list[Document]:
        """Key, URL, aliases, edition and status of the articles published on a day (UTC)."""
        with self._operation("reading the articles of a day"):
            return await days.published(self._collections[ARTICLES], day, editions)

    async def history(self, key: str) -> list[Document]:
        """The superseded states of an article, oldest first."""
        with self._operation("reading a history"):
            return await history.history(self._collections, key)

    async def as_of(self, key: str, at: datetime) -> Document | None:
        """The document of an article as it was at a time (UTC); None when the archive did not hold it yet."""
        with self._operation("reading a history"):
            return await history.as_of(self._collections, key, at)

    async def search(self, request: SearchRequest, limit: int) -> SearchResult:
        """The best of the newest articles that hold all terms of a query, at most `limit`."""
        with self._operation("searching"):
            return await self._search.search(request, limit)

    async def newest_articles(self, editions: Collection[str], count: int) -> list[Document]:
        """Title, url, edition, language, time and status of the newest articles of each edition."""
        with self._operation("reading the newest articles"):
            return await highlights.newest(self._collections[ARTICLES], editions, count)

    async def biggest_stories(self, since: datetime, count: int) -> list[Story]:
        """The stories of the most articles among those first seen since a moment (UTC)."""
        with self._operation("reading the stories"):
            return await highlights.biggest(self._collections[ARTICLES], since, count)

    async def count(self, condition: Mapping[str, Any]) -> int:
        """How many articles there are under a condition. Without time-out: it may scan the collection."""
        with translating_errors("counting articles", self._uri):
            return await self._collections[ARTICLES].count_documents(dict(condition))

    # ---- Raw pages ---------------------------------------------------------------------------------------

    async def keep(self, fetched_pages: Sequence[FetchedPage]) -> None:
        """Keep the raw pages of revisions that were stored, and of what gave no article.

        Of unchanged articles the page is kept when the one that they were read from is missing.
        """
        with self._operation("storing pages"):
            await self.pages.keep(fetched_pages)

    async def segments(
        self, condition: Mapping[str, Any], after: str, *, failures: bool
    ) -> AsyncIterator[ReparseBatch]:
        """Kept pages to parse again: of the articles under a condition, in the order of their keys, `after` a place.

        With `failures` those that gave no article follow. Without time-out: it lasts as long as whoever reads it takes.
        """
        replay = Replay(self._collections[ARTICLES], self.pages)
        with translating_errors("reading pages", self._uri):
            async for batch in replay.segments(condition, after, failures=failures):
                yield batch

    async def note_reread(self, read: Mapping[str, Article], at: datetime) -> None:
        """Note on kept pages, given by their `_id`, that parsing them again at a time (UTC) changed an article."""
        with self._operation("storing pages"):
            await self.pages.reread(read, at)

    # ---- Runs, and the archive as a whole ----------------------------------------------------------------

    async def run_started(self, run: Mapping[str, Any]) -> None:
        """Write the record of a run; `worker` and `started_at` identify it, the rest is free."""
        with self._operation("recording the run"):
            document = documents.run_document(run)
            await self._collections[RUNS].replace_one({"_id": document["_id"]}, document, upsert=True)

    async def run_updated(self, run: Mapping[str, Any]) -> None:
        """Write the record as it is by now, complete."""
        await self.run_started(run)

    async def run_finished(self, run: Mapping[str, Any]) -> None:
        """Write the record as it is at the end, complete."""
        await self.run_started(run)

    async def run_alive(self, run: Mapping[str, Any], figures: Mapping[str, Any]) -> None:
        """Set fields in the record of a run while it is under way; that of a run that has ended is left alone."""
        with self._operation("recording the run"):
            under_way = {"_id": documents.run_document(run)["_id"], "finished_at": {"$exists": False}}
            await self._collections[RUNS].update_one(under_way, {"$set": dict(figures)})

    async def runs(self, count: int) -> list[Document]:
        """The records of the last runs, newest first."""
        with self._operation("reading the runs"):
            return await queries.runs(self._collections, count)

    async def condition(self, editions: Collection[str]) -> ArchiveStats:
        """Figures of the whole archive, and the newest articles of these editions."""
        with self._operation("reading the statistics"):
            return await statistics.condition(self._database, self._collections, editions)

    async def report(self) -> Report:
        """Articles by edition and section, how complete their fields are, the last runs.

        Without time-out: it scans an index of all articles.
        """
        with translating_errors("making the report", self._uri):
            return await queries.report(self._collections)


def _database(connection: Connection, name: str) -> AsyncDatabase[Document]:
    options: CodecOptions[Document] = CodecOptions(tz_aware=True)
    return connection.client.get_database(
        name,
        codec_options=options,
        # What the primary holds at this moment: the guards of `articles` are made for it.
        read_preference=ReadPreference.PRIMARY,
        read_concern=ReadConcern("local"),
        write_concern=WriteConcern("majority", j=True),
    )
