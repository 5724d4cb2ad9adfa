"""The politeness budget of each host, shared by every worker."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pymongo import ReturnDocument

from rfispider.frontier.policy.politeness import Breaker, Budget, Limits, answered, refused
from rfispider.frontier.records import Document
from rfispider.frontier.transitions import after_now
from rfispider.mongo import operations as db
from rfispider.mongo.clock import PromptClock
from rfispider.mongo.connection import Connection, operation

HORIZON_S = 0.6
"""Slots are given out no further ahead: those of a killed worker are lost, and after a refusal those that were given
out before it are still used, at a pace that is known to be too fast."""

PROBE_S = 120.0
"""A probe that was not answered by then is lost with its worker, and another is sent."""

PROBED_S = 10.0
"""By then most probes are answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateGrant:
    """Leave to make requests."""

    waits_s: list[float]
    """Seconds from now until each of them may be made, below 0 when the answer was so slow that its time has passed;
    fewer than asked for when too many are waiting already."""
    step_s: float
    """Seconds between any two of them, whoever has them; 0 = no limit."""
    again_in_s: float
    """After so many seconds more slots are to be had."""
    breaker: Breaker
    """OPEN: use none for a page. PROBING: the caller alone may use one, for a single page."""
    pages_again_in_s: float = 0.0
    """After so many seconds it is worth asking whether pages may be fetched."""


class HostBudgets:
    """One document a host: when the next request may be made, how far apart, and whether pages are served."""

    def __init__(self, connection: Connection, collection: db.Collection, limits: Limits) -> None:
        """Share budgets through this collection, within these limits."""
        self.connection = connection
        self._hosts = collection
        self._limits = limits
        self._clock = PromptClock()
        self._healthy: dict[str, bool] = {}

    @operation("reserving requests")
    async def reserve(self, host: str, n: int, *, pages: bool = True) -> RateGrant:
        """Reserve up to n requests to a host, one delay apart, after all that any worker has reserved.

        One round trip. While the breaker is open and its cooldown over, a second one asks for the probe if there are
        `pages` among the requests.
        """
        document = await db.retrying(lambda: self._changed(host, _reservation(n, self._limits)))
        self._note(host, document)
        heard_late_s = self._clock.late_s(document["reserved_at"])
        breaker = await self._admitted(host, document, pages=pages)
        return _slots(document, breaker, heard_late_s)

    async def _admitted(self, host: str, document: Document, *, pages: bool = True) -> Breaker:
        """What the breaker says to this caller; the one that is given the probe sees PROBING, the others OPEN."""
        if document.get("breaker", Breaker.CLOSED) == Breaker.CLOSED:
            return Breaker.CLOSED
        # The probe goes to somebody who may make a request for a page now: with another, it would be lost.
        if document["blocked_until"] > document["reserved_at"] or not document["granted"] or not pages:
            return Breaker.OPEN
        cooled = {
            "_id": host,
            "breaker": {"$ne": Breaker.CLOSED.value},
            "$expr": {"$lte": ["$blocked_until", "$$NOW"]},
        }
        probe = {"breaker": Breaker.PROBING.value, "blocked_until": after_now(PROBE_S), "rev": _NEXT_REV}
        result = await self._hosts.update_one(cooled, [{"$set": probe}])
        return Breaker.PROBING if result.modified_count else Breaker.OPEN

    @operation("slowing down for a host")
    async def on_refusal(self, host: str, *, page: bool, retry_after_s: float = 0.0) -> Budget:
        """Slow the whole fleet down after a refusal (403, 429, 503); `retry_after_s` stops it for so long."""
        while True:
            document = await self._read(host)
            refusal = refused(
                _budget(document),
                self._limits,
                page=page,
                retry_after_s=retry_after_s,
                slowed_ago_s=document.get("slowed_ago_s"),
            )
            fields = _fields(document, refusal.budget)
            fields["next_at"] = {"$max": ["$next_at", after_now(refusal.pause_s)]}
            if refusal.slowed:
                fields["slowed_at"] = "$$NOW"
            if await self._write(host, document, fields):
                return refusal.budget

    @operation("speeding up for a host")
    async def on_success(self, host: str, *, page: bool, answers: int = 1) -> Budget:
        """Let the fleet recover a little after so many answers that were no refusals; no round trip in good health."""
        if self._healthy.get(host, True):
            return Budget()
        while True:
            document = await self._read(host)
            budget = answered(
                _budget(document),
                self._limits,
                page=page,
                answers=answers,
                slowed_ago_s=document.get("slowed_ago_s"),
            )
            if await self._write(host, document, _fields(document, budget)):
                return budget

    @operation("keeping a crawl delay")
    async def set_robots_delay(self, host: str, robots: Mapping[str, Any]) -> None:
        """Keep what a host's robots.txt says to everybody: `crawl_delay_s` (seconds) is honoured by `reserve`."""
        await db.retrying(
            lambda: self._hosts.update_one({"_id": host}, {"$set": {"robots": dict(robots)}}, upsert=True)
        )

    @operation("reading the budgets of hosts")
    async def budgets(self) -> list[Document]:
        """Every host's document as it is stored."""
        return await self._hosts.find().to_list()

    async def _changed(self, host: str, update: list[Document]) -> Document:
        document = await self._hosts.find_one_and_update(
            {"_id": host}, update, upsert=True, return_document=ReturnDocument.AFTER
        )
        return document or {}  # An upsert always finds one; only the type does not know.

    async def _read(self, host: str) -> Document:
        age = {"$divide": [{"$subtract": ["$$NOW", "$slowed_at"]}, 1000]}
        found = await db.rows(self._hosts, [{"$match": {"_id": host}}, {"$set": {"slowed_ago_s": age}}])
        if found:
            return found[0]
        # Another worker may make it first, and count on from there: its number must not be set back.
        await self._changed(host, [{"$set": {"rev": {"$ifNull": ["$rev", 0]}}}])
        return await self._read(host)

    async def _write(self, host: str, read: Document, fields: Document) -> bool:
        """Write what was decided unless the document has changed since it was read."""
        unchanged = {"_id": host, "rev": read.get("rev")}
        document = await self._hosts.find_one_and_update(
            unchanged, [{"$set": {**fields, "rev": _NEXT_REV}}], return_document=ReturnDocument.AFTER
        )
        if document:
            self._note(host, document)
        return document is not None

    def _note(self, host: str, document: Document) -> None:
        self._healthy[host] = _budget(document) == Budget()


_NEXT_REV = {"$add": [{"$ifNull": ["$rev", 0]}, 1]}


def _reservation(n: int, limits: Limits) -> list[Document]:
    """Take up to n slots from the front of a host's free time."""
    ahead_ms = {"$subtract": ["$next_at", "$$NOW"]}
    room = {"$subtract": [HORIZON_S * 1000, ahead_ms]}
    fitting = {"$add": [{"$floor": {"$divide": [room, {"$multiply": ["$step_s", 1000]}]}}, 1]}
    granted = {"$cond": [{"$gt": ["$step_s", 0]}, {"$min": [fitting, n]}, n]}
    return [
        {
            "$set": {
                "reserved_at": "$$NOW",
                "next_at": {"$max": ["$next_at", "$$NOW"]},
                "step_s": {"$max": [limits.floor_s, "$delay_s", "$robots.crawl_delay_s"]},
            }
        },
        {"$set": {"first_at": "$next_at", "granted": {"$cond": [{"$gte": [room, 0]}, {"$toInt": granted}, 0]}}},
        {"$set": {"next_at": {"$add": ["$next_at", {"$multiply": ["$granted", "$step_s", 1000]}]}}},
    ]


def _slots(document: Document, breaker: Breaker, heard_late_s: float) -> RateGrant:
    now = document["reserved_at"]
    # Workers that hear late would else make their requests at the times of others.
    late_s = heard_late_s if document["step_s"] else 0.0
    first_s = (document["first_at"] - now).total_seconds() - late_s
    ahead_s = (document["next_at"] - now).total_seconds() - late_s
    waits_s = [first_s + i * document["step_s"] for i in range(document["granted"])]
    again_in_s = max(0.0, ahead_s - HORIZON_S)
    return RateGrant(
        waits_s=waits_s,
        step_s=document["step_s"],
        again_in_s=again_in_s,
        breaker=breaker,
        pages_again_in_s=_pages_again_in_s(document, breaker),
    )


def _pages_again_in_s(document: Document, breaker: Breaker) -> float:
    if breaker is Breaker.CLOSED:
        return 0.0
    if Breaker.PROBING in {breaker, document["breaker"]}:
        return PROBED_S
    left_s: float = (document["blocked_until"] - document["reserved_at"]).total_seconds()
    # Over for a moment, and the probe was another's: as if it was on its way.
    return left_s if left_s > 0 else PROBED_S


def _budget(document: Document) -> Budget:
    return Budget(
        delay_s=document.get("delay_s", 0.0),
        too_fast_delay_s=document.get("wall_s", 0.0),
        blocks=document.get("blocks", 0),
        breaker=Breaker(document.get("breaker", Breaker.CLOSED)),
        cooldown_s=document.get("cooldown_s", 0.0),
    )


def _fields(before: Document, budget: Budget) -> Document:
    fields: Document = {
        "delay_s": budget.delay_s,
        "wall_s": budget.too_fast_delay_s,
        "blocks": budget.blocks,
        "breaker": budget.breaker.value,
        "cooldown_s": budget.cooldown_s,
    }
    if budget.breaker is Breaker.CLOSED:
        fields["blocked_until"] = None
    elif budget.breaker is Breaker.OPEN and before.get("breaker") != Breaker.OPEN:
        fields["blocked_until"] = after_now(budget.cooldown_s)
    return fields
