"""What the frontier knows of its own health: sources, articles that wait, leases that ran out, budgets."""

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
"""A lease is taken over within seconds of its end by whoever has work to do; this leaves a margin."""
COUNTED = 100
"""Waiting articles are counted up to this."""

_SOURCE_FIELDS = {
    **dict.fromkeys(("url", "kind", "edition", "state", "added_at", "interval_s", "failures", "misses"), 1),
    **dict.fromkeys(("last.at", "last.outcome", "last.error", "poll.at", "poll.newest_at"), 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """A polled feed, sitemap or list as the frontier knows it."""

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
    """Publication of the newest entry that it listed then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingArticles:
    """Articles that sources list and that were never stored, longer than an interval after they were found."""

    count: int
    """Counted up to a limit of the query."""
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
    """Questions about health, each answered through an index."""

    def __init__(self, connection: Connection, collection: db.Collection, hosts: db.Collection) -> None:
        """Ask these collections of URLs and hosts."""
        self.connection = connection
        self._urls = collection
        self._hosts = hosts

    @operation("reading the sources")
    async def sources(self, editions: Collection[str | None]) -> list[SourceHealth]:
        """The sources of these editions that are polled; those of a backfill, read once, are not among them."""
        query = {
            "state": {"$in": [state.value for state in State]},
            "edition": {"$in": list(editions)},
            "kind": {"$in": sorted(POLLED_KINDS)},
            "priority": {"$in": [SOURCE, FEED]},
        }
        return [source(found) async for found in self._urls.find(query, _SOURCE_FIELDS, hint=schema.STATES)]

    @operation("looking for articles that wait")
    async def waiting(
        self, edition: str, newer_than: datetime | None, found_before: datetime
    ) -> WaitingArticles | None:
        """The articles of an edition that were found before then and are not stored, if they are news.

        News is what was published after `newer_than`, and what nobody told the time of.
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
        found = {
            document["_id"]: document
            for query, index in ((due, schema.CLAIM), (given_up, schema.STATES))
            async for document in self._urls.find(query, fields, hint=index).limit(COUNTED)
        }
        return waiting(list(found.values()))

    @operation("looking for expired leases")
    async def expired(self) -> tuple[int, datetime | None]:
        """How many leases ran out and were not taken over, and when the first of them did."""
        late = {"$dateSubtract": {"startDate": "$$NOW", "unit": "second", "amount": EXPIRED_S}}
        pipeline: list[Document] = [
            {"$match": {"state": State.LEASED.value}},
            {"$match": {"$expr": {"$lt": ["$lease.until", late]}}},
            {"$group": {"_id": None, "urls": {"$sum": 1}, "since": {"$min": "$lease.until"}}},
        ]
        rows = await db.rows(self._urls, pipeline, hint=schema.STATES)
        return (rows[0]["urls"], rows[0]["since"]) if rows else (0, None)

    @operation("reading the budgets of hosts")
    async def hosts(self) -> list[Host]:
        """The budgets of the hosts that pages are asked of."""
        return [host(found) async for found in self._hosts.find()]


def source(document: Mapping[str, Any]) -> SourceHealth:
    """The source that a document of the frontier stands for."""
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


def waiting(documents: list[Document]) -> WaitingArticles | None:
    """What waits, named by one that says why, if any does."""
    if not documents:
        return None
    errors = {document["url"]: (document.get("last") or {}).get("error") for document in documents}
    url = next((url for url, error in errors.items() if error), documents[0]["url"])
    return WaitingArticles(count=len(documents), url=url, error=errors[url])


def host(document: Mapping[str, Any]) -> Host:
    """The budget that a document of the hosts holds."""
    return Host(
        host=document["_id"],
        delay_s=document.get("step_s") or document.get("delay_s", 0.0),
        blocks=document.get("blocks", 0),
        breaker=Breaker(document.get("breaker", Breaker.CLOSED)),
        blocked_until=document.get("blocked_until"),
        cooldown_s=document.get("cooldown_s", 0.0),
        crawl_delay_s=(document.get("robots") or {}).get("crawl_delay_s", 0.0),
    )
