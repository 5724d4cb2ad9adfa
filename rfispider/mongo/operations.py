"""How operations run: with majority, with aware times, and through a failover."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, TypeVar

import pymongo
from bson.codec_options import CodecOptions
from pymongo import ReadPreference, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import AutoReconnect, PyMongoError
from pymongo.read_concern import ReadConcern

Result = TypeVar("Result")
Database = AsyncDatabase[dict[str, Any]]
Collection = AsyncCollection[dict[str, Any]]

TRY_LIMITS_S: Final = (5.0, 10.0)
"""Seconds that the first tries of an operation may take. An answer that breaks off never comes: it is soon asked for
again."""
MORE_TRIES: Final = 2
"""Tries after those, which have all the time that is left to the operation, for it may be a slow one. Each try first
waits for a primary, so that few are enough for a failover or a restart."""


def collection(database: Database, name: str) -> Collection:
    """A collection that loses no acknowledged write and reads nothing stale, whatever the URI says."""
    options: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
    return database.get_collection(
        name,
        codec_options=options,
        read_preference=ReadPreference.PRIMARY,
        write_concern=WriteConcern(w="majority"),
        read_concern=ReadConcern("majority"),
    )


async def retrying(operation: Callable[[], Awaitable[Result]], *, timed: bool = True) -> Result:
    """Run an idempotent operation until it succeeds, a few times at most. One that is not `timed` may take any time.

    The driver itself repeats reads and writes of one document, but no update of many, and nothing that timed out.

    Raises:
        PyMongoError: the server stays away, or refuses the operation itself.

    """
    for limit_s in (*TRY_LIMITS_S, *[None] * (MORE_TRIES - 1)):
        try:
            with _within(limit_s if timed else None):
                return await operation()
        except PyMongoError as error:
            if not is_transient(error):
                raise
    return await operation()


def _within(seconds: float | None) -> AbstractContextManager[None]:
    """A shorter time-out than that of the operation as a whole; None leaves that as it is."""
    # Not `pymongo.timeout(None)`, which lifts the time-out of the operation as a whole.
    return nullcontext() if seconds is None else pymongo.timeout(seconds)


def is_transient(error: PyMongoError) -> bool:
    """Whether the server went away, is no longer the primary or did not answer in time: another try may succeed."""
    return isinstance(error, AutoReconnect) or error.timeout or error.has_error_label("RetryableWriteError")


async def rows(collection: Collection, pipeline: list[dict[str, Any]], hint: str | None = None) -> list[dict[str, Any]]:
    """The documents that an aggregation yields, in one round trip."""
    options: Mapping[str, Any] = {"hint": hint} if hint else {}

    async def read() -> list[dict[str, Any]]:
        cursor = await collection.aggregate(pipeline, batchSize=ONE_BATCH, **options)
        return await cursor.to_list()

    return await retrying(read)


ONE_BATCH = 100_000
"""Documents in the first batch of a cursor, which comes with the answer itself: more than any query here yields."""


def union(name: str, queries: list[dict[str, Any]], stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The aggregation that runs several queries on the collection `name`, each followed by the same stages."""
    pipelines = [[{"$match": query}, *stages] for query in queries]
    return pipelines[0] + [{"$unionWith": {"coll": name, "pipeline": each}} for each in pipelines[1:]]
