"""Which URLs the frontier takes for stored, and how they are made due again where the archive lacks them."""

from collections.abc import AsyncIterator, Collection
from typing import Final

from rfispider.frontier.policy.revisit import State
from rfispider.frontier.records import Document
from rfispider.items import Outcome
from rfispider.mongo import operations as db
from rfispider.mongo.connection import Connection
from rfispider.mongo.errors import translating_errors

URLS_PER_BATCH: Final = 2_000
STORED: Final = (Outcome.NEW, Outcome.CHANGED, Outcome.SAME, Outcome.DUPLICATE)
"""Outcomes after which the archive holds the article of a URL."""


class FrontierIntegrity:
    """Questions about what the frontier believes of the archive. Without time-outs: each goes through everything.

    Every method raises DatabaseError when the server fails.
    """

    def __init__(self, connection: Connection, collection: db.Collection) -> None:
        self._uri = connection.uri
        self._urls = collection

    async def stored(self) -> AsyncIterator[dict[str, str]]:
        """Batches of key -> URL of what is stored as far as the frontier knows, in the order of the keys."""
        query: Document = {"last.outcome": {"$in": [outcome.value for outcome in STORED]}}
        after = ""
        with translating_errors("checking the frontier", self._uri):
            while True:
                cursor = (
                    self._urls.find({**query, "_id": {"$gt": after}}, {"url": 1}).sort("_id", 1).limit(URLS_PER_BATCH)
                )
                batch = {document["_id"]: document["url"] async for document in cursor}
                if not batch:
                    return
                yield batch
                after = max(batch)

    async def revisit(self, keys: Collection[str]) -> int:
        """Make URLs due now, to be fetched whole: what made their requests conditional is dropped. How many were."""
        again: list[Document] = [
            {"$set": {"state": State.DUE.value, "due_at": "$$NOW", "attempts": 0}},
            {"$unset": ["etag", "last_modified", "body_hash", "failures", "misses"]},
        ]
        idle = {"_id": {"$in": list(keys)}, "state": {"$ne": State.LEASED.value}}
        with translating_errors("making URLs due again", self._uri):
            return (await self._urls.update_many(idle, again)).modified_count
