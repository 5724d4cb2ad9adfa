"""The collections of the frontier: their indexes and validators."""

from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.database import AsyncDatabase

from rfispider.frontier.policy.politeness import Breaker
from rfispider.frontier.policy.priorities import PRIORITIES
from rfispider.frontier.policy.revisit import State
from rfispider.items import Kind, Outcome
from rfispider.mongo import schema
from rfispider.mongo.schema import COUNT, FLAG, FROM_ONE, KEY, NUMBER, SOME_TEXT, TEXT, TEXTS, TIME, maybe, part, parts

FRONTIER = "frontier"
HOSTS = "hosts"

CLAIM_INDEX = "claim"
STATES_INDEX = "states"
GAPS_INDEX = "gaps"
DAYS_INDEX = "days"
UNFOLLOWED_INDEX = "unfollowed"

INDEXES = {
    FRONTIER: [
        # Without what is never due again, which is most of a grown archive.
        IndexModel(
            [("edition", ASCENDING), ("kind", ASCENDING), ("priority", DESCENDING), ("due_at", ASCENDING)],
            name=CLAIM_INDEX,
            partialFilterExpression={"due_at": {"$type": "date"}},
        ),
        IndexModel([("state", ASCENDING), ("edition", ASCENDING), ("kind", ASCENDING)], name=STATES_INDEX),
        IndexModel([("gaps.until", ASCENDING)], name=GAPS_INDEX, sparse=True),
        IndexModel(
            [("days", ASCENDING), ("edition", ASCENDING)],
            name=DAYS_INDEX,
            partialFilterExpression={"days": {"$exists": True}},
        ),
        IndexModel(
            [("edition", ASCENDING), ("depth", ASCENDING)],
            name=UNFOLLOWED_INDEX,
            partialFilterExpression={"unfollowed": True},
        ),
    ],
}

_STATE = {"enum": [state.value for state in State]}

_ENTRY: dict[str, dict[str, Any]] = {
    "title": TEXT,
    "summary": TEXT,
    "published_at": TIME,
    "modified_at": TIME,
    "published_day_alone": FLAG,
    "modified_day_alone": FLAG,
    "image": TEXT,
    "audio": part(["url"], url=SOME_TEXT, duration_s=COUNT),
    "keywords": TEXTS,
    "authors": TEXTS,
    "label": TEXT,
}

VALIDATORS: dict[str, dict[str, Any]] = {
    FRONTIER: {
        "bsonType": "object",
        "required": ["_id", "url", "kind", "edition", "state", "priority", "due_at", "attempts", "depth", "added_at"],
        "properties": {
            "_id": KEY,
            "schema": FROM_ONE,
            "url": SOME_TEXT,
            "kind": {"enum": [kind.value for kind in Kind]},
            "edition": maybe(SOME_TEXT),
            "state": _STATE,
            "priority": {"enum": sorted(PRIORITIES)},
            "due_at": maybe(TIME),
            "attempts": COUNT,
            "failures": COUNT,
            "misses": COUNT,
            "depth": COUNT,
            "found_on": TEXT,
            "entry": {"bsonType": "object", "properties": _ENTRY},
            "published_at": TIME,
            "days": TEXTS,
            "told_at": TIME,
            "added_at": TIME,
            "lease": part(
                ["worker", "token", "until", "state", "due_at"],
                worker=SOME_TEXT,
                token={"bsonType": "objectId"},
                until=TIME,
                sent=FLAG,
                state=_STATE,
                due_at=TIME,
            ),
            "etag": TEXT,
            "last_modified": TEXT,
            "body_hash": TEXT,
            "claim": part(["evidence", "at"], evidence=TEXT, at=TIME, changes=COUNT),
            "interval_s": NUMBER,
            "unfollowed": FLAG,
            "poll": part(["at", "keys"], at=TIME, keys=TEXTS, oldest_at=maybe(TIME), newest_at=maybe(TIME)),
            "gaps": parts(["at", "since", "until"], at=TIME, since=TIME, until=TIME),
            "last": part(
                ["at", "outcome"],
                at=TIME,
                status={"bsonType": ["int", "null"]},
                outcome={"enum": [outcome.value for outcome in Outcome]},
                error=maybe(TEXT),
                token={"bsonType": "objectId"},
            ),
        },
    },
    HOSTS: {
        "bsonType": "object",
        "required": ["_id"],
        "properties": {
            "_id": SOME_TEXT,
            "next_at": TIME,
            "step_s": maybe(NUMBER),
            "first_at": TIME,
            "reserved_at": TIME,
            "granted": COUNT,
            "delay_s": NUMBER,
            "wall_s": NUMBER,
            "blocks": COUNT,
            "breaker": {"enum": [breaker.value for breaker in Breaker]},
            "cooldown_s": NUMBER,
            "blocked_until": maybe(TIME),
            "slowed_at": TIME,
            "rev": {"bsonType": "number"},
            "robots": {
                "bsonType": "object",
                "properties": {"crawl_delay_s": maybe(NUMBER), "text": {"bsonType": "string"}, "fetched_at": TIME},
            },
        },
    },
}
"""The rules for fields where they are present. A new field takes a line here and a row in docs/data.md."""


async def prepare(database: AsyncDatabase[dict[str, Any]]) -> None:
    """Create the collections, validators and indexes that are missing, and replace those that differ.

    Raises:
        SchemaMismatch: the database was written by another release.

    """
    await schema.prepare(database, VALIDATORS, INDEXES)
