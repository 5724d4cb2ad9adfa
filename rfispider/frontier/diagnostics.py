"""What the health of a crawl is judged by: sources, waiting articles, expired leases, budgets of hosts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rfispider.frontier import schema
from rfispider.frontier.policy.politeness import Breaker
from rfispider.frontier.policy.priorities import FARTHEST, FEED, LISTED, SOURCE
from rfispider.frontier.policy.revisit import State
from rfispider.frontier.records import Document
from rfispider.items import ARTICLE_KINDS, POLLED_KINDS, Kind, Outcome
from rfispider.mongo import operations as db
from rfispider.mongo.connection import Connection, operation

UNSTORED = [State.DUE.value, State.FAILED.value, State.LEASED.value]
EXPIRED_S = 120
"""Seconds after its end when a lease counts as expired: any working crawl takes it over within a few."""
WAITING_COUNTED = 100
"""Waiting articles are counted up to this number."""

_SOURCE_FIELDS = {
    **dict.fromkeys(("url", "kind", "edition", "state", "added_at", "interval_s", "failures", "misses"), 1),
    **dict.fromkeys(("last.at", "last.outcome", "last.error", "poll.at", "poll.newest_at"), 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """A polled feed, sitemap or list page as it stands in the frontier."""

    url: str
    kind: Kind
    edition: str | None
    state: State
    added_at: datetime
    interval_s: float | None = None
    failures: int = 0
    misses: int = 0
    last_at: datetime | None = None
    """When its last visit ended."""
    last_outcome: Outcome | None = None
    error: str | None = None
    listed_at: datetime | None = None
    """When it last listed anything."""
    newest_at: datetime | None = None
    """Publication time of the newest entry that it listed then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingArticles:
    """Articles that were found some time ago and are still not stored."""

    count: int
    """At most twice `WAITING_COUNTED`."""
    url: str
    """One of them."""
    error: str | None = None
    """Why its last visit failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """URLs that failed so often that they are not tried again until a person asks for it."""

    count: int
    url: str
    """One of them."""
    error: str | None = None
    """Why its last visit failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The politeness budget of a host."""

    host: str
    delay_s: float = 0.0
    blocks: int = 0
    """Pages refused in a row."""
    breaker: Breaker = Breaker.CLOSED
    blocked_until: datetime | None = None
    cooldown_s: float = 0.0
    crawl_delay_s: float = 0.0


class FrontierDiagnostics:
    """What monitoring asks of the frontier; each question is answered through an index."""

    def __init__(self, connection: Connection, collection: db.Collection, hosts: db.Collection) -> None:
        """Ask these collections of URLs and hosts."""
        self.connection = connection
        self._urls = collection
        self._hosts = hosts

    @operation("reading the sources")
    async def sources(self, editions: Collection[str | None]) -> list[SourceHealth]:
        """The polled sources of these editions, without those of a backfill, which are read once."""
        query = {
            "state": {"$in": [state.value for state in State]},
            "edition": {"$in": list(editions)},
            "kind": {"$in": sorted(POLLED_KINDS)},
            "priority": {"$in": [SOURCE, FEED]},
        }
        return [
            _source(document) async for document in self._urls.find(query, _SOURCE_FIELDS, hint=schema.STATES_INDEX)
        ]

    @operation("looking for articles that wait")
    async def waiting(
        self, edition: str, newer_than: datetime | None, found_before: datetime
    ) -> WaitingArticles | None:
        """The news of an edition that was added before `found_before` and is not stored; None when there is none.

        News are articles published after `newer_than`, and those whose publication time is unknown.
        """
        news: Document = {"edition": edition, "kind": {"$in": sorted(ARTICLE_KINDS)}, "added_at": {"$lt": found_before}}
        if newer_than:
            news["$or"] = [{"published_at": {"$gt": newer_than}}, {"published_at": {"$exists": False}}]
        fields = {"url": 1, "last.error": 1}
        due = {
            **news,
            "state": {"$in": UNSTORED},
            "priority": {"$gte": FARTHEST, "$lte": LISTED},
            "due_at": {"$type": "date"},
        }
        given_up = {**news, "state": State.FAILED.value, "published_at": {"$gt": newer_than or found_before}}
        documents = [
            *await self._urls.find(due, fields, hint=schema.CLAIM_INDEX).limit(WAITING_COUNTED).to_list(),
            *await self._urls.find(given_up, fields, hint=schema.STATES_INDEX).limit(WAITING_COUNTED).to_list(),
        ]
        return _waiting(list({document["_id"]: document for document in documents}.values()))

    @operation("looking for URLs that were given up")
    async def given_up(self) -> GivenUp | None:
        """The URLs that failed and are never due again by themselves; None when there are none."""
        query = {"state": State.FAILED.value, "due_at": None}
        example = await self._urls.find_one(query, {"url": 1, "last.error": 1}, hint=schema.STATES_INDEX)
        if example is None:
            return None
        count = await self._urls.count_documents(query, hint=schema.STATES_INDEX)
        return GivenUp(count=count, url=example["url"], error=example.get("last", {}).get("error"))

    @operation("looking for expired leases")
    async def expired(self) -> tuple[int, datetime | None]:
        """How many leases have run out without being taken over, and when the first of them ran out."""
        late = {"$dateSubtract": {"startDate": "$$NOW", "unit": "second", "amount": EXPIRED_S}}
        pipeline: list[Document] = [
            {"$match": {"state": State.LEASED.value}},
            {"$match": {"$expr": {"$lt": ["$lease.until", late]}}},
            {"$group": {"_id": None, "urls": {"$sum": 1}, "since": {"$min": "$lease.until"}}},
        ]
        rows = await db.rows(self._urls, pipeline, hint=schema.STATES_INDEX)
        return (rows[0]["urls"], rows[0]["since"]) if rows else (0, None)

    @operation("reading the budgets of hosts")
    async def hosts(self) -> list[Host]:
        """The politeness budgets of all hosts."""
        return [_host(document) async for document in self._hosts.find()]


def _source(document: Mapping[str, Any]) -> SourceHealth:
    last, poll = document.get("last") or {}, document.get("poll") or {}
    return SourceHealth(
        url=document["url"],
        kind=Kind(document["kind"]),
        edition=document["edition"],
        state=State(document["state"]),
        added_at=document["added_at"],
        interval_s=document.get("interval_s"),
        failures=document.get("failures", 0),
        misses=document.get("misses", 0),
        last_at=last.get("at"),
        last_outcome=Outcome(last["outcome"]) if last else None,
        error=last.get("error"),
        listed_at=poll.get("at"),
        newest_at=poll.get("newest_at"),
    )


def _waiting(documents: list[Document]) -> WaitingArticles | None:
    """The example is one whose last visit left an error, if there is one."""
    if not documents:
        return None
    errors = {document["url"]: (document.get("last") or {}).get("error") for document in documents}
    url = next((url for url, error in errors.items() if error), documents[0]["url"])
    return WaitingArticles(count=len(documents), url=url, error=errors[url])


def _host(document: Mapping[str, Any]) -> Host:
    return Host(
        host=document["_id"],
        delay_s=document.get("step_s") or document.get("delay_s", 0.0),
        blocks=document.get("blocks", 0),
        breaker=Breaker(document.get("breaker", Breaker.CLOSED)),
        blocked_until=document.get("blocked_until"),
        cooldown_s=document.get("cooldown_s", 0.0),
        crawl_delay_s=(document.get("robots") or {}).get("crawl_delay_s", 0.0),
    )
