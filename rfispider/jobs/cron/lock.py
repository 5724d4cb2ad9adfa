"""Who may start a scheduled run, and when: one document a schedule in MongoDB, by the server's clock.

Any number of schedulers may serve the same schedule. The one whose update finds the schedule due and free holds it
while its run lasts; when a holder goes away its lease runs out and the run is taken up by another.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pymongo
from bson import ObjectId
from bson.codec_options import CodecOptions
from pymongo import WriteConcern
from pymongo.read_concern import ReadConcern

from rfispider.jobs.cron.rule import ScheduleRule
from rfispider.mongo.connection import Connection
from rfispider.mongo.errors import translating_errors
from rfispider.mongo.schema import SOME_TEXT, TEXT, TEXTS, TIME, Validators, install, part, parts

SCHEDULES = "schedules"
RUN_LEASE_S = 30.0
"""How long a scheduler that went away keeps others from taking its run up, in seconds."""
RUNS_KEPT = 50
"""So many past runs are remembered, the latest last."""

EXIT_STATUS = {"bsonType": ["int", "null"]}
"""Null: the run was given up with its scheduler."""

VALIDATORS: Validators = {
    SCHEDULES: {
        "bsonType": "object",
        "required": ["_id", "rule", "command", "due_at", "runs"],
        "properties": {
            "_id": SOME_TEXT,
            "rule": SOME_TEXT,
            "command": TEXTS,
            "due_at": TIME,
            "holder": part(
                ["who", "token", "since", "until"],
                who=SOME_TEXT,
                token={"bsonType": "objectId"},
                since=TIME,
                until=TIME,
            ),
            "runs": parts(
                ["who", "started_at", "ended_at", "exit_status", "reason"],
                who=SOME_TEXT,
                started_at=TIME,
                ended_at=TIME,
                exit_status=EXIT_STATUS,
                reason=TEXT,
            ),
        },
    }
}

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunClaim:
    """The right to one run."""

    name: str
    token: ObjectId
    due_at: datetime
    """When the run was due."""
    next_due_at: datetime


@dataclass(frozen=True, slots=True)
class NotDue:
    """There is nothing to run."""

    seconds: float
    """Until it is due or its holder's lease runs out."""
    holder: str | None = None
    """Who runs it now."""


class ScheduleLocks:
    """The schedules of one database, over a connection that somebody else closes.

    Every method raises DatabaseError, with one line for a person, when the server does not answer or refuses.
    """

    def __init__(self, connection: Connection, database: str, *, lease_s: float = RUN_LEASE_S) -> None:
        """`lease_s` is how long a run is held without being renewed, in seconds."""
        options: CodecOptions[Document] = CodecOptions(tz_aware=True)
        self._connection = connection
        self.lease_s = lease_s
        self._schedules = connection.client[database].get_collection(
            SCHEDULES,
            codec_options=options,
            write_concern=WriteConcern("majority", j=True),
            read_concern=ReadConcern("majority"),
        )

    async def prepare(self) -> None:
        """Install the collection's validator where it is missing."""
        with self._operation("opening the schedules"):
            await install(self._schedules.database, VALIDATORS, {})

    async def register(self, name: str, rule: ScheduleRule, command: Sequence[str]) -> None:
        """Add the schedule, or update it; where its rule changed, its next due time is computed anew."""
        with self._operation("writing the schedule"):
            now = await self._now()
            settings = {"rule": str(rule), "command": list(command)}
            first = {"due_at": rule.first(now), "runs": []}
            await self._schedules.update_one({"_id": name}, {"$setOnInsert": settings | first}, upsert=True)
            await self._schedules.update_one(
                {"_id": name, "rule": {"$ne": settings["rule"]}}, {"$set": {"due_at": rule.first(now)}}
            )
            await self._schedules.update_one({"_id": name}, {"$set": settings})

    async def claim(self, name: str, rule: ScheduleRule, who: str) -> RunClaim | NotDue:
        """Take the run if it is due and nobody has it. A run whose holder went away is due at once."""
        with self._operation("claiming a run"):
            return await self._claim(name, rule, who)

    async def renew(self, claim: RunClaim) -> bool:
        """Keep the run for another lease; False when it is no longer ours."""
        until = {"$add": ["$$NOW", round(self.lease_s * 1000)]}
        with self._operation("renewing the lease"):
            result = await self._schedules.update_one(_ours(claim), [{"$set": {"holder.until": until}}])
        return result.matched_count == 1

    async def finish(self, claim: RunClaim, exit_status: int | None, reason: str) -> bool:
        """Record how the run ended, and let the schedule go; False when it was no longer ours."""
        with self._operation("recording the run"):
            schedule, now = await self._read(claim.name)
            holder = schedule.get("holder") or {}
            if holder.get("token") != claim.token:
                return False
            update: Document = {"$unset": {"holder": ""}, "$push": _past(holder, now, exit_status, reason)}
            result = await self._schedules.update_one(_ours(claim), update)
        return result.matched_count == 1

    async def list(self) -> "list[Document]":
        """All schedules, by name."""
        with self._operation("reading the schedules"):
            return await self._schedules.find().sort("_id").to_list()

    @contextmanager
    def _operation(self, action: str) -> Iterator[None]:
        """The time and the errors of one operation: `Connection.patience_s` seconds, and DatabaseError."""
        with translating_errors(action, self._connection.uri), pymongo.timeout(self._connection.patience_s):
            yield

    async def _claim(self, name: str, rule: ScheduleRule, who: str) -> RunClaim | NotDue:
        schedule, now = await self._read(name)
        holder = schedule.get("holder")
        wait = ((holder["until"] if holder else schedule["due_at"]) - now).total_seconds()
        if wait > 0:
            return NotDue(wait, holder and holder["who"])
        token, following = ObjectId(), rule.after(schedule["due_at"], now)
        if schedule["due_at"] > now:
            # The holder died after its run had been counted: the time after it stands.
            following = schedule["due_at"]
        update: Document = {"$set": {"holder": self._holder(who, token, now), "due_at": following}}
        if holder:
            update["$push"] = _past(holder, now, None, "its scheduler went away")
        unchanged = {"_id": name, "due_at": schedule["due_at"], "holder.token": holder["token"] if holder else None}
        if holder:
            unchanged["holder.until"] = holder["until"]
        result = await self._schedules.update_one(unchanged, update)
        if not result.modified_count:
            return NotDue(0.0)
        return RunClaim(name, token, schedule["due_at"], following)

    def _holder(self, who: str, token: ObjectId, now: datetime) -> Document:
        return {"who": who, "token": token, "since": now, "until": now + timedelta(seconds=self.lease_s)}

    async def _read(self, name: str) -> tuple[Document, datetime]:
        """The schedule, and the server's time when it was read."""
        cursor = await self._schedules.aggregate([{"$match": {"_id": name}}, {"$set": {"now": "$$NOW"}}])
        schedule = (await cursor.to_list())[0]
        return schedule, schedule["now"]

    async def _now(self) -> datetime:
        hello = await self._connection.client.admin.command("hello")
        now: datetime = hello["localTime"]
        return now.replace(tzinfo=self._schedules.codec_options.tzinfo)


def _ours(claim: RunClaim) -> Document:
    return {"_id": claim.name, "holder.token": claim.token}


def _past(holder: Document, now: datetime, exit_status: int | None, reason: str) -> Document:
    run = {
        "who": holder["who"],
        "started_at": holder["since"],
        "ended_at": now,
        "exit_status": exit_status,
        "reason": reason,
    }
    return {"runs": {"$each": [run], "$slice": -RUNS_KEPT}}
