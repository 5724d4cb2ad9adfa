"""Which articles are asked for, and the batches in which they come: for exports and for those who follow along."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import bson
from bson.codec_options import CodecOptions
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.read_concern import ReadConcern

from rfispider.storage.documents import Document
from rfispider.storage.read import history
from rfispider.storage.validators import ADDED, INTERNAL, PROPERTIES

READER_FIELDS: Final = tuple(name for name in ("_id", *PROPERTIES, *ADDED) if name not in INTERNAL)
"""The fields of an article that teams read, in the order of the contract."""

VALIDITY: Final = ("valid_from", "valid_to")
"""What tells, of a state as of a moment, from when until when it held."""

ARTICLES_PER_BATCH: Final = 200
"""Articles in memory at a time: about a megabyte, so that what is made of them is still in the processor's cache."""

NAIVE: Final = CodecOptions[Document](tz_aware=False)
"""Times without time zone are UTC: a quarter of the time of decoding goes into saying so."""

MAJORITY: Final = ReadConcern("majority")
"""An article that a failover can take back is not handed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which articles, and which fields of them."""

    editions: tuple[str, ...] = ()
    """Edition codes; empty: all."""
    since: datetime | None = None
    """Published at this time or later (UTC)."""
    until: datetime | None = None
    """Published before this time (UTC)."""
    fields: tuple[str, ...] = READER_FIELDS

    def condition(self) -> Document:
        """The filter on documents of `articles`."""
        published = {"$gte": self.since, "$lt": self.until}
        times = {operator: at for operator, at in published.items() if at}
        return self.of_editions() | ({"published_at": times} if times else {})

    def of_editions(self) -> Document:
        """The part of the filter that holds for every state of an article."""
        return {"edition": {"$in": list(self.editions)}} if self.editions else {}

    def projection(self) -> Document:
        """The fields as MongoDB is asked for them."""
        return {"_id": int("_id" in self.fields), **{name: 1 for name in self.fields if name != "_id"}}


async def present(
    articles: AsyncCollection[Document], selection: Selection, session: AsyncClientSession
) -> AsyncIterator[bytes]:
    """Batches of the selected articles as they are; in no order, each once."""
    batches = articles.find_raw_batches(
        selection.condition(), selection.projection(), batch_size=ARTICLES_PER_BATCH, session=session
    )
    async for batch in batches:
        yield _bytes(batch)


async def as_of(
    articles: AsyncCollection[Document], selection: Selection, at: datetime, session: AsyncClientSession
) -> AsyncIterator[bytes]:
    """Batches of the selected articles as they were at a time (UTC).

    Most have not changed since, and are read as they are; only for the others are the revisions looked up. One that
    changes for the first time since `at` while this runs may come twice, with the same content.
    """
    for pipeline in as_of_pipelines(selection, at):
        async for batch in await articles.aggregate_raw_batches(
            pipeline, batchSize=ARTICLES_PER_BATCH, session=session
        ):
            yield _bytes(batch)


def as_of_pipelines(selection: Selection, at: datetime) -> list[list[Document]]:
    """Two aggregations on `articles` that together give the state of the archive at a time."""
    shown: Document = {"$project": selection.projection()}
    since_change: Document = {"$set": {"valid_from": "$changed_at"}}
    since_then = [
        {"$match": selection.of_editions() | {"changed_at": {"$gt": at}}},
        *history.states(at),
        {"$match": selection.condition()},
    ]
    unchanged = [{"$match": selection.condition() | {"changed_at": {"$lte": at}}}, since_change]
    return [[*unchanged, shown], [*since_then, shown]]


async def changed_since(
    articles: AsyncCollection[Document], selection: Selection, at: datetime, session: AsyncClientSession
) -> AsyncIterator[bytes]:
    """Batches of the selected articles whose present revision holds since `at` (UTC) or later, oldest change first.

    By the clocks of the workers, and by when they fetched a page, not by when they stored it.
    """
    condition = selection.condition() | {"changed_at": {"$gte": at}}
    batches = articles.find_raw_batches(
        condition, selection.projection(), batch_size=ARTICLES_PER_BATCH, session=session, sort=[("changed_at", 1)]
    )
    async for batch in batches:
        yield _bytes(batch)


async def revisions(
    articles: AsyncCollection[Document], selection: Selection, numbers: Mapping[str, int], session: AsyncClientSession
) -> list[Document]:
    """The selected ones of the articles whose revision is the given number, in the given order.

    A later revision is left to the change that made it.
    """
    condition = selection.condition() | {"_id": {"$in": list(numbers)}}
    projection = selection.projection() | {"_id": 1, "revision": 1}
    cursor = articles.with_options(codec_options=NAIVE).find(condition, projection, session=session)
    documents = {document["_id"]: document async for document in cursor}
    in_order = [documents[key] for key in numbers if key in documents]
    surplus = {"_id", "revision"}.difference(selection.fields)
    # A later revision may stand there by now.
    current = [document for document in in_order if document["revision"] == numbers[document["_id"]]]
    return [_without(document, surplus) for document in current]


def _without(document: Document, names: set[str]) -> Document:
    return {name: value for name, value in document.items() if name not in names} if names else document


def _bytes(batch: Any) -> bytes:
    return bytes(batch)


def unpacked(batch: bytes) -> list[Document]:
    """The documents of one answer of the server; times without time zone, in UTC."""
    return bson.decode_all(batch, NAIVE)


def rules() -> Mapping[str, Any]:
    """The rule of the validator for every field that can be selected."""
    times = dict.fromkeys(VALIDITY, ADDED["changed_at"])
    return {"_id": PROPERTIES["related"]["items"]["properties"]["key"], **PROPERTIES, **ADDED, **times}
