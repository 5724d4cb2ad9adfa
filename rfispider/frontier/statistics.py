"""What is in the frontier: counts, leases, gaps, and what a worker without work can expect."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from rfispider.frontier import schema, transitions
from rfispider.frontier.policy import fair_share
from rfispider.frontier.policy.revisit import BOUNDS, Gap, State
from rfispider.frontier.records import Document
from rfispider.items import Kind
from rfispider.mongo import operations as db
from rfispider.mongo.connection import Connection, operation
from rfispider.site import urls


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many URLs of an edition and kind are in a state."""

    state: State
    edition: str | None
    kind: Kind
    urls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A worker that holds leases."""

    worker: str
    urls: int
    until: datetime
    """When the first of its leases runs out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What a worker without work can expect."""

    due: bool
    """Something can be claimed now."""
    leased_elsewhere: int
    """URLs leased by other workers; more links may come of them."""
    next_in_s: float | None
    """Seconds until a URL of these kinds becomes due or its lease runs out; None when nothing is planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceGap:
    """A time in which a source may have listed something that nobody saw."""

    url: str
    edition: str | None
    gap: Gap


VISIT = dict.fromkeys(("url", "kind", "edition", "state", "due_at", "last", "lease"), 1)
"""The fields that show the state of a URL and its last visit."""


class FrontierStats:
    """What people and idle workers ask of the frontier; each question is answered through an index."""

    def __init__(self, connection: Connection, collection: db.Collection, worker: str) -> None:
        """Answer on behalf of a worker."""
        self.connection = connection
        self._urls = collection
        self._worker = worker

    @operation("counting URLs")
    async def counts(self) -> list[Count]:
        """URLs by state, edition and kind. Reads a whole index: about half a second for a million URLs."""
        group = {"state": "$state", "edition": "$edition", "kind": "$kind"}
        pipeline: list[Document] = [
            {"$project": {"_id": 0, **dict.fromkeys(group, 1)}},
            {"$group": {"_id": group, "urls": {"$sum": 1}}},
            {"$sort": {"_id": 1}},
        ]
        return [
            Count(
                state=State(row["_id"]["state"]),
                edition=row["_id"]["edition"],
                kind=Kind(row["_id"]["kind"]),
                urls=row["urls"],
            )
            for row in await db.rows(self._urls, pipeline, hint=schema.STATES_INDEX)
        ]

    @operation("counting leases")
    async def holders(self) -> list[Holder]:
        """The workers that hold leases, the busiest first."""
        pipeline: list[Document] = [
            {"$match": {"state": State.LEASED.value}},
            {"$group": {"_id": "$lease.worker", "urls": {"$sum": 1}, "until": {"$min": "$lease.until"}}},
            {"$sort": {"urls": -1, "_id": 1}},
        ]
        rows = await db.rows(self._urls, pipeline)
        return [Holder(worker=row["_id"], urls=row["urls"], until=row["until"]) for row in rows]

    @operation("looking for what is due")
    async def oldest_due(self, editions: Collection[str | None]) -> Document | None:
        """The document that has been due the longest; None when nothing is due."""
        queries = list(fair_share.by_due_time(editions, list(Kind)).values())
        earliest = await self._earliest(queries, "$lte", {"due_at": 1})
        return await self._urls.find_one({"_id": earliest["_id"]}) if earliest else None

    @operation("looking for what is due")
    async def pending(self, editions: Collection[str | None], kinds: Collection[Kind]) -> Pending:
        """Whether there is reason to wait for more work, and for how long. Three round trips."""
        queries = list(fair_share.by_due_time(editions, kinds).values())
        wait = {"due_at": 1, "wait_ms": {"$subtract": ["$due_at", "$$NOW"]}}
        due = await self._earliest(queries, "$lte", wait)
        planned = await self._earliest(queries, "$gt", wait)
        return Pending(
            due=due is not None,
            leased_elsewhere=await self._leased_elsewhere(editions),
            next_in_s=planned["wait_ms"] / 1000 if planned else None,
        )

    @operation("counting what is due")
    async def due(self, editions: Collection[str | None], limit: int) -> dict[str | None, int]:
        """How many URLs can be claimed now, by edition; counted up to `limit` in all."""
        query = {"edition": {"$in": list(editions)}, "kind": {"$in": [kind.value for kind in Kind]}}
        pipeline: list[Document] = [
            {"$match": query | transitions.DUE},
            {"$limit": limit},
            {"$group": {"_id": "$edition", "urls": {"$sum": 1}}},
            {"$sort": {"_id": 1}},
        ]
        return {row["_id"]: row["urls"] for row in await db.rows(self._urls, pipeline, hint=schema.CLAIM_INDEX)}

    async def _earliest(self, queries: list[Document], comparison: str, fields: Document) -> Document | None:
        """The first to become due of what is due (`$lte`), or of what is not due yet (`$gt`)."""
        if not queries:
            return None
        timed = [query | transitions.due(comparison) for query in queries]
        stages: list[Document] = [{"$sort": {"due_at": 1}}, {"$limit": 1}, {"$project": fields}]
        rows = await db.rows(self._urls, db.union(schema.FRONTIER, timed, stages), hint=schema.CLAIM_INDEX)
        return min(rows, key=lambda row: row["due_at"], default=None)

    async def _leased_elsewhere(self, editions: Collection[str | None]) -> int:
        others = {
            "state": State.LEASED.value,
            "edition": {"$in": list(editions)},
            "lease.worker": {"$ne": self._worker},
        }
        return await self._urls.count_documents(others, hint=schema.STATES_INDEX)

    @operation("looking for a URL in the frontier")
    async def find(self, url: str) -> Document | None:
        """The document of a URL in any of its spellings, as it is stored; None when it is not in the frontier."""
        return await self._urls.find_one({"_id": urls.key(url)})

    @operation("reading failed URLs")
    async def failed(self, editions: Collection[str | None], limit: int = 100) -> list[Document]:
        """Up to `limit` documents whose last visit failed."""
        query = {"state": State.FAILED.value, "edition": {"$in": list(editions)}}
        return await self._urls.find(query).limit(limit).to_list()

    @operation("retrying failed URLs", timed=False)
    async def retry(self, editions: Collection[str | None], url: str | None = None) -> int:
        """Make failed URLs due now, as if they had never failed; return how many.

        All failed ones of these editions, or the one given by `url`, which may also be gone. Without a time-out:
        everything may have failed.
        """
        query: Document = {"state": State.FAILED.value, "edition": {"$in": list(editions)}}
        if url is not None:
            query = {"_id": urls.key(url), "state": {"$in": [State.FAILED.value, State.GONE.value]}}
        fresh: list[Document] = [
            {"$set": {"state": State.DUE.value, "due_at": "$$NOW", "attempts": 0}},
            {"$unset": ["failures", "misses"]},
        ]
        result = await db.retrying(lambda: self._urls.update_many(query, fresh), timed=False)
        return result.modified_count

    @operation("reading the articles of a day")
    async def of_day(self, day: date, editions: Collection[str]) -> list[Document]:
        """The documents of the articles that belong to a day by their URL or by what a source said of them."""
        query = {"days": day.isoformat(), "edition": {"$in": list(editions)}}
        return await self._urls.find(query, VISIT, hint=schema.DAYS_INDEX, batch_size=db.ONE_BATCH).to_list()

    @operation("looking for lost sources")
    async def lost_sources(self, editions: Collection[str | None], until: datetime) -> list[Document]:
        """Sources that could be read before `until` and have failed or been gone since."""
        query: Document = {
            "state": {"$in": [State.FAILED.value, State.GONE.value]},
            "edition": {"$in": list(editions)},
            "kind": {"$in": [kind.value for kind in BOUNDS]},
            "poll.at": {"$lt": until},
        }
        return await self._urls.find(query, {**VISIT, "poll.at": 1}, hint=schema.STATES_INDEX).to_list()

    @operation("looking for gaps in sources")
    async def gaps(self, since: datetime, until: datetime) -> list[SourceGap]:
        """The gaps of sources that overlap the time from `since` to `until`."""
        pipeline: list[Document] = [
            {"$match": {"gaps.until": {"$gt": since}}},
            {"$unwind": "$gaps"},
            {"$match": {"gaps.until": {"$gt": since}, "gaps.since": {"$lt": until}}},
            {"$sort": {"gaps.since": 1}},
        ]
        return [
            SourceGap(
                url=row["url"],
                edition=row["edition"],
                gap=Gap(since=row["gaps"]["since"], until=row["gaps"]["until"]),
            )
            for row in await db.rows(self._urls, pipeline, hint=schema.GAPS_INDEX)
        ]
