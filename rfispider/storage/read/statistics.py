"""What the archive knows of its own health. Every query uses an index."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import DESCENDING
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from rfispider.items import Status
from rfispider.storage.documents import Document
from rfispider.storage.read import queries
from rfispider.storage.schema import ARTICLES, CHANGES_INDEX, NEWEST_INDEX

Articles = AsyncCollection[Document]

RATE_HISTORY = timedelta(weeks=4)
"""How far back the rhythm of an edition is learnt: every hour of the week four times."""
LATEST_CHANGES = 500
"""So many of the last changed articles are looked at to see which editions take any."""

RUNS_JUDGED = 30
"""So many of the last runs tell how often crawls take place and how they end."""
ACTIVE = timedelta(hours=2)
RUNS_ACTIVE = 200
"""So many runs that gave a sign of life lately are read besides: one that follows the site may have begun long ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The file system that holds the database, in bytes."""

    used: int
    total: int
    data: int = 0
    """Uncompressed documents of this database."""
    storage: int = 0
    """Documents as they lie on the disk."""
    indexes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveStats:
    """What the archive says of its own health."""

    now: datetime
    """The time of the server."""
    hours: Mapping[str, Mapping[datetime, int]]
    """Edition -> hour (UTC) -> articles published in it, over `RATE_HISTORY`."""
    newest: Mapping[str, datetime]
    """Edition -> publication of its newest article."""
    stored: Mapping[str, datetime]
    """Edition -> when an article of it was last stored or changed, of those that were lately."""
    runs: Sequence[Document]
    """The last ones, newest first."""
    disk: Disk | None
    articles: int
    """How many there are, as the server's statistics say."""


async def condition(
    database: AsyncDatabase[Document], collections: queries.Collections, editions: Collection[str]
) -> ArchiveStats:
    """All of it."""
    articles, now = collections[ARTICLES], await clock(database)
    return ArchiveStats(
        now=now,
        hours=await hours(articles, now - RATE_HISTORY, now),
        newest=await newest(articles, editions, now),
        stored=await stored(articles),
        runs=await runs(collections, now),
        disk=await disk(database),
        articles=await articles.estimated_document_count(),
    )


async def runs(collections: queries.Collections, now: datetime) -> list[Document]:
    """The last runs and those that gave a sign of life lately, by their start, newest first."""
    last = await queries.runs(collections, RUNS_JUDGED)
    return await queries.with_active(collections, last, now - ACTIVE, RUNS_ACTIVE)


async def hours(articles: Articles, since: datetime, until: datetime) -> dict[str, dict[datetime, int]]:
    """Edition -> hour (UTC) -> articles published in it, of the time given. Answered from the index alone."""
    hour = {"$dateTrunc": {"date": "$published_at", "unit": "hour"}}
    pipeline: list[Document] = [
        {"$match": {"edition": {"$gt": ""}, "published_at": {"$gte": since, "$lt": until}}},
        {"$project": {"_id": 0, "edition": 1, "published_at": 1}},
        {"$group": {"_id": {"edition": "$edition", "hour": hour}, "articles": {"$sum": 1}}},
    ]
    counted: dict[str, dict[datetime, int]] = {}
    async for row in await articles.aggregate(pipeline, hint=NEWEST_INDEX, batchSize=100_000):
        counted.setdefault(row["_id"]["edition"], {})[row["_id"]["hour"]] = row["articles"]
    return counted


async def newest(articles: Articles, editions: Collection[str], now: datetime) -> dict[str, datetime]:
    """Edition -> publication of its newest article; one that is dated in the future counts for nothing.

    Nor does a stub: as long as its page is refused, the article is not stored.
    """
    times: dict[str, datetime] = {}
    for edition in editions:
        query = {"edition": edition, "published_at": {"$lte": now}, "status": {"$ne": Status.STUB.value}}
        fields = {"_id": 0, "published_at": 1}
        document = await articles.find_one(query, fields, sort=[("published_at", DESCENDING)], hint=NEWEST_INDEX)
        if document:
            times[edition] = document["published_at"]
    return times


async def stored(articles: Articles) -> dict[str, datetime]:
    """Edition -> when an article of it was last stored or changed, of those that were lately; stubs apart."""
    pipeline: list[Document] = [
        {"$sort": {"changed_at": DESCENDING}},
        {"$limit": LATEST_CHANGES},
        {"$match": {"status": {"$ne": Status.STUB.value}}},
        {"$group": {"_id": "$edition", "at": {"$max": "$changed_at"}}},
    ]
    rows = await articles.aggregate(pipeline, hint=CHANGES_INDEX)
    return {row["_id"]: row["at"] async for row in rows}


async def disk(database: AsyncDatabase[Document]) -> Disk | None:
    """The file system of the server; None when it does not tell, as a mongos does not."""
    stats = await database.command("dbStats")
    if "fsTotalSize" not in stats:
        return None
    return Disk(
        used=int(stats["fsUsedSize"]),
        total=int(stats["fsTotalSize"]),
        data=int(stats["dataSize"]),
        storage=int(stats["storageSize"]),
        indexes=int(stats["indexSize"]),
    )


async def clock(database: AsyncDatabase[Document]) -> datetime:
    """What time the server has."""
    hello: Mapping[str, Any] = await database.client.admin.command("hello")
    now: datetime = hello["localTime"]
    return now.replace(tzinfo=UTC)
