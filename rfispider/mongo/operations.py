"""How the frontier talks to its server: majority always, times aware, a failover survived."""

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
    """A collection of which nothing acknowledged is lost and nothing stale is read, whatever the URI says."""
    options: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
    return database.get_collection(
        name,
        codec_options=options,
        read_preference=ReadPreference.PRIMARY,
        write_concern=WriteConcern(w="majority"),
        read_concern=ReadConcern("majority"),
    )


async def retrying(operation: Callable[[], Awaitable[Result]]) -> Result:
    """Run an operation that may safely be run twice until it succeeds.

    The driver repeats single writes and reads by itself, once; updates of many documents it does not.

    Raises:
        PyMongoError: the server stays away, or refuses the operation itself.

    """
    for _ in range(TRIES - 1):
        try:
            return await operation()
        except PyMongoError as error:
            if not passing(error):
                raise
    return await operation()


def passing(error: PyMongoError) -> bool:
    """Whether an error is that of a server that went away or lost its rank, and not of the operation."""
    return isinstance(error, AutoReconnect) or error.has_error_label("RetryableWriteError")


async def rows(collection: Collection, pipeline: list[dict[str, Any]], hint: str | None = None) -> list[dict[str, Any]]:
    """The result of an aggregation, all of it in one round trip."""
    options: Mapping[str, Any] = {"hint": hint} if hint else {}
    cursor = await collection.aggregate(pipeline, batchSize=ONE_BATCH, **options)
    return await cursor.to_list()


ONE_BATCH = 100_000
"""A batch that holds any answer: a cursor gives its first one with the answer itself."""


def union(name: str, queries: list[dict[str, Any]], stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The aggregation of a collection that answers several queries, each followed by the same stages."""
    pipelines = [[{"$match": query}, *stages] for query in queries]
    return pipelines[0] + [{"$unionWith": {"coll": name, "pipeline": each}} for each in pipelines[1:]]
