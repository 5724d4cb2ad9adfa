"""Who may start a scheduled run, and when: one document a schedule in MongoDB, by the server's clock.

Any number of schedulers may serve the same schedule. The one whose update finds the schedule due and free holds it
while its run lasts; when a holder goes away its lease runs out and the run is taken up by another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from bson import ObjectId
from bson.codec_options import CodecOptions
from pymongo import WriteConcern
from pymongo.read_concern import ReadConcern

from rfispider.jobs.cron.rule import ScheduleRule
from rfispider.mongo.connection import CONNECT_S, Connection
from rfispider.mongo.schema import SOME_TEXT, TEXT, TEXTS, TIME, Validators, install, part, parts

SCHEDULES = "schedules"
LEASE_S = 30.0
"""How long a scheduler that went away keeps others from taking its run up, in seconds."""
KEPT = 50
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
    """The schedules of one database. Methods raise PyMongoError when the server fails."""

    def __init__(self, connection: Connection, database: str, *, lease_s: float = LEASE_S) -> None:
        options: CodecOptions[Document] = CodecOptions(tz_aware=True)
        self._connection = connection
        self.lease_s = lease_s
        self._schedules = connection.client[database].get_collection(
            SCHEDULES,
            codec_options=options,
            write_concern=WriteConcern("majority", j=True),
            read_concern=ReadConcern("majority"),
        )

    @classmethod
    async def open(cls, uri: str, database: str, *, lease_s: float = LEASE_S) -> Self:
        """The schedules over a connection of their own, which leaving the context closes.

        Raises:
            DatabaseError: the server cannot be reached within seconds.

        """
        connection = await Connection.open(uri, patience_s=CONNECT_S)
        try:
            await install(connection.client[database], VALIDATORS, {})
        except BaseException:
            await connection.close()
            raise
        return cls(connection, database, lease_s=lease_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connection.close()

    async def register(self, name: str, recurrence: ScheduleRule, command: Sequence[str]) -> None:
        """Make the schedule known; where its rule is another than before, its next due time is reckoned anew."""
        now = await self._now()
        told = {"rule": str(recurrence), "command": list(command)}
        first = {"due_at": recurrence.first(now), "runs": []}
        await self._schedules.update_one({"_id": name}, {"$setOnInsert": told | first}, upsert=True)
        await self._schedules.update_one(
            {"_id": name, "rule": {"$ne": told["rule"]}}, {"$set": {"due_at": recurrence.first(now)}}
        )
        await self._schedules.update_one({"_id": name}, {"$set": told})

    async def claim(self, name: str, recurrence: ScheduleRule, who: str) -> RunClaim | NotDue:
        """Take the run if it is due and nobody has it. A run whose holder went away is due at once."""
        schedule, now = await self._look(name)
        holder = schedule.get("holder")
        wait = ((holder["until"] if holder else schedule["due_at"]) - now).total_seconds()
        if wait > 0:
            return NotDue(wait, holder and holder["who"])
        token, following = ObjectId(), recurrence.after(schedule["due_at"], now)
        if schedule["due_at"] > now:
            # The holder died after its run had been counted: the time after it stands.
            following = schedule["due_at"]
        update: Document = {"$set": {"holder": self._holder(who, token, now), "due_at": following}}
        if holder:
            update["$push"] = _past(holder, now, None, "its scheduler went away")
        seen = {"_id": name, "due_at": schedule["due_at"], "holder.token": holder["token"] if holder else None}
        if holder:
            seen["holder.until"] = holder["until"]
        result = await self._schedules.update_one(seen, update)
        if not result.modified_count:
            return NotDue(0.0)
        return RunClaim(name, token, schedule["due_at"], following)

    async def renew(self, claim: RunClaim) -> bool:
        """Keep the run for another while; False when it is no longer ours."""
        until = {"$add": ["$$NOW", round(self.lease_s * 1000)]}
        result = await self._schedules.update_one(_ours(claim), [{"$set": {"holder.until": until}}])
        return result.matched_count == 1

    async def finish(self, claim: RunClaim, exit_status: int | None, reason: str) -> bool:
        """Write down how the run ended, and let the schedule go; False when it was no longer ours."""
        schedule, now = await self._look(claim.name)
        holder = schedule.get("holder") or {}
        if holder.get("token") != claim.token:
            return False
        update: Document = {"$unset": {"holder": ""}, "$push": _past(holder, now, exit_status, reason)}
        result = await self._schedules.update_one(_ours(claim), update)
        return result.matched_count == 1

    async def list(self) -> "list[Document]":
        """All schedules, by name."""
        return await self._schedules.find().sort("_id").to_list()

    def _holder(self, who: str, token: ObjectId, now: datetime) -> Document:
        return {"who": who, "token": token, "since": now, "until": now + timedelta(seconds=self.lease_s)}

    async def _look(self, name: str) -> tuple[Document, datetime]:
        """The schedule, and the server's time of the look."""
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
    return {"runs": {"$each": [run], "$slice": -KEPT}}
