"""The politeness budget of each host, shared by every worker."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pymongo import ReturnDocument

from rfispider.frontier.policy.politeness import Breaker, Budget, Limits, answered, refused
from rfispider.frontier.records import Document
from rfispider.frontier.transitions import after_now
from rfispider.mongo import operations as db
from rfispider.mongo.clock import AnswerDelay
from rfispider.mongo.connection import Connection, operation

HORIZON_S = 0.6
"""Requests are granted no further ahead, in seconds. What a killed worker was granted is lost, and after a refusal what
was granted before it is still used, at a pace that is known to be too fast."""

PROBE_S = 120.0
"""Seconds after which a probe without an answer is taken for lost with its worker, and another is sent."""

PROBED_S = 10.0
"""Seconds within which most probes are answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateGrant:
    """Permission for one worker to make some requests to a host."""

    waits_s: list[float]
    """Seconds from now until each request may be made; negative when the answer came so late that its time has passed.
    Fewer than were asked for when enough are granted ahead already."""
    step_s: float
    """Seconds between any two requests of the fleet; 0 is no limit."""
    again_in_s: float
    """Seconds after which more requests can be granted."""
    breaker: Breaker
    """OPEN: none of them may be for a page. PROBING: the caller alone may make one request for a page."""
    pages_again_in_s: float = 0.0
    """Seconds after which it is worth asking again whether pages may be fetched."""


@dataclass(frozen=True, slots=True)
class RobotsCopy:
    """The text of a robots.txt that was read some time ago."""

    text: str
    age_s: float
    """Seconds since then, by the server's clock."""


class HostBudgets:
    """One document a host: when the next request may be made, how far apart, and whether pages are served."""

    def __init__(self, connection: Connection, collection: db.Collection, limits: Limits) -> None:
        """Share the budgets that are in this collection, within these limits."""
        self.connection = connection
        self._hosts = collection
        self._limits = limits
        self._answer_delay = AnswerDelay()
        self._healthy: dict[str, bool] = {}

    @operation("reserving requests")
    async def reserve(self, host: str, n: int, *, pages: bool = True) -> RateGrant:
        """Reserve up to n requests to a host, one delay apart, after all that any worker has reserved.

        After it: the granted requests are this worker's, and no other worker is granted the same time. What is not used
        is lost. One round trip; once the cooldown of an open breaker is over, a second one tries to get the probe if
        there are `pages` among the requests.
        """
        document = await db.retrying(lambda: self._changed(host, _reservation(n, self._limits)))
        self._note(host, document)
        answer_late_s = self._answer_delay.seconds(document["reserved_at"])
        breaker = await self._breaker_for_caller(host, document, pages=pages)
        return _grant(document, breaker, answer_late_s)

    async def _breaker_for_caller(self, host: str, document: Document, *, pages: bool) -> Breaker:
        """The breaker as this caller sees it: whoever gets the probe sees PROBING, the others OPEN."""
        if document.get("breaker", Breaker.CLOSED) == Breaker.CLOSED:
            return Breaker.CLOSED
        # The probe goes only to a worker that can make a request for a page now; with another it would be lost.
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
        """Slow the whole fleet down after a refusal (403, 429, 503), and return the new budget.

        `page`: the refused request was for a page, which counts for the breaker. `retry_after_s`: seconds for which the
        host asked to be left alone.
        """
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
        """Let the fleet speed up a little after so many `answers` that were no refusals, and return the new budget.

        No round trip while the host is in good health.
        """
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
        """Share what a host's robots.txt asks for; from then on `reserve` honours `crawl_delay_s` (seconds)."""
        await db.retrying(
            lambda: self._hosts.update_one({"_id": host}, {"$set": _under("robots", robots)}, upsert=True)
        )

    @operation("keeping a copy of the crawl rules")
    async def keep_robots_copy(self, host: str, text: str) -> None:
        """Keep the text of a host's robots.txt, as read just now, for all workers."""
        copy = {"robots.text": {"$literal": text}, "robots.fetched_at": "$$NOW"}
        await db.retrying(lambda: self._hosts.update_one({"_id": host}, [{"$set": copy}], upsert=True))

    @operation("reading a copy of the crawl rules")
    async def robots_copy(self, host: str) -> RobotsCopy | None:
        """The last text of a host's robots.txt that a worker read; None if there is none."""
        age_s = {"$divide": [{"$subtract": ["$$NOW", "$robots.fetched_at"]}, 1000]}
        query = {"_id": host, "robots.fetched_at": {"$exists": True}}
        documents = await db.rows(self._hosts, [{"$match": query}, {"$set": {"age_s": age_s}}])
        return RobotsCopy(documents[0]["robots"]["text"], documents[0]["age_s"]) if documents else None

    @operation("reading the budgets of hosts")
    async def budgets(self) -> list[Document]:
        """The documents of all hosts as they are stored."""
        return await self._hosts.find().to_list()

    async def _changed(self, host: str, update: list[Document]) -> Document:
        document = await self._hosts.find_one_and_update(
            {"_id": host}, update, upsert=True, return_document=ReturnDocument.AFTER
        )
        # An upsert always returns a document; the driver's type does not say so.
        return document or {}

    async def _read(self, host: str) -> Document:
        age = {"$divide": [{"$subtract": ["$$NOW", "$slowed_at"]}, 1000]}
        documents = await db.rows(self._hosts, [{"$match": {"_id": host}}, {"$set": {"slowed_ago_s": age}}])
        if documents:
            return documents[0]
        # Another worker may create it first: its revision must not be set back.
        await self._changed(host, [{"$set": {"rev": {"$ifNull": ["$rev", 0]}}}])
        return await self._read(host)

    async def _write(self, host: str, read: Document, fields: Document) -> bool:
        """Write a decision unless the document has changed since it was read; whether it was written."""
        unchanged = {"_id": host, "rev": read.get("rev")}
        update = [{"$set": {**fields, "rev": _NEXT_REV}}]
        # If the answer is lost the decision is taken once more, on what the first one has left: harmless.
        document = await db.retrying(
            lambda: self._hosts.find_one_and_update(unchanged, update, return_document=ReturnDocument.AFTER)
        )
        if document:
            self._note(host, document)
        return document is not None

    def _note(self, host: str, document: Document) -> None:
        self._healthy[host] = _budget(document) == Budget()


def _under(name: str, fields: Mapping[str, Any]) -> Document:
    """The fields of a part of a document, whose other fields stay."""
    return {f"{name}.{field}": value for field, value in fields.items()}


_NEXT_REV = {"$add": [{"$ifNull": ["$rev", 0]}, 1]}


def _reservation(n: int, limits: Limits) -> list[Document]:
    """The update that reserves up to n requests, one step apart, from the first free time of a host."""
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


def _grant(document: Document, breaker: Breaker, answer_late_s: float) -> RateGrant:
    now = document["reserved_at"]
    # A worker whose answers come late would otherwise make its requests at the times of others.
    late_s = answer_late_s if document["step_s"] else 0.0
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
    # The cooldown has just ended and another worker has the probe.
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
