"""How operations run: with majority, with aware times, and through a failover."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from bson.codec_options import CodecOptions
from pymongo import ReadPreference, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import AutoReconnect, PyMongoError
from pymongo.read_concern import ReadConcern

Result = TypeVar("Result")
Database = AsyncDatabase[dict[str, Any]]
Collection = AsyncCollection[dict[str, Any]]

TRIES = 4
"""Each try first waits for a primary (serverSelectionTimeoutMS), so few are enough for a failover or a restart."""


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


async def retrying(operation: Callable[[], Awaitable[Result]]) -> Result:
    """Run an idempotent operation until it succeeds, `TRIES` times at most.

    The driver itself repeats reads and writes of one document; it does not repeat an update of many.

    Raises:
        PyMongoError: the server stays away, or refuses the operation itself.

    """
    for _ in range(TRIES - 1):
        try:
            return await operation()
        except PyMongoError as error:
            if not is_transient(error):
                raise
    return await operation()


def is_transient(error: PyMongoError) -> bool:
    """Whether the server went away or is no longer the primary, so that another try may succeed."""
    return isinstance(error, AutoReconnect) or error.has_error_label("RetryableWriteError")


async def rows(collection: Collection, pipeline: list[dict[str, Any]], hint: str | None = None) -> list[dict[str, Any]]:
    """The documents that an aggregation yields, in one round trip."""
    options: Mapping[str, Any] = {"hint": hint} if hint else {}
    cursor = await collection.aggregate(pipeline, batchSize=ONE_BATCH, **options)
    return await cursor.to_list()


ONE_BATCH = 100_000
"""Documents in the first batch of a cursor, which comes with the answer itself: more than any query here yields."""


def union(name: str, queries: list[dict[str, Any]], stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The aggregation that runs several queries on the collection `name`, each followed by the same stages."""
    pipelines = [[{"$match": query}, *stages] for query in queries]
    return pipelines[0] + [{"$unionWith": {"coll": name, "pipeline": each}} for each in pipelines[1:]]
