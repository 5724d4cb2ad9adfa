"""The collections of the frontier: their indexes and what a document must look like."""

from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import CollectionInvalid, OperationFailure

from rfispider.frontier.priorities import PRIORITIES
from rfispider.items import Kind
from rfispider.politeness import Breaker
from rfispider.revisit import State

FRONTIER = "frontier"
HOSTS = "hosts"

CLAIM = "claim"
STATES = "states"
GAPS = "gaps"

_INDEXES = [
    # What is never due again is most of a grown archive: it does not stand in this index.
    IndexModel(
        [("edition", ASCENDING), ("kind", ASCENDING), ("priority", DESCENDING), ("due_at", ASCENDING)],
        name=CLAIM,
        partialFilterExpression={"due_at": {"$type": "date"}},
    ),
    IndexModel([("state", ASCENDING), ("edition", ASCENDING), ("kind", ASCENDING)], name=STATES),
    IndexModel([("gaps.until", ASCENDING)], name=GAPS, sparse=True),
]

_VALIDATORS: dict[str, dict[str, Any]] = {
    FRONTIER: {
        "bsonType": "object",
        "required": ["_id", "url", "kind", "edition", "state", "priority", "due_at", "attempts", "depth", "added_at"],
        "properties": {
            "_id": {"bsonType": "string", "minLength": 32, "maxLength": 32},
            "url": {"bsonType": "string"},
            "kind": {"enum": [kind.value for kind in Kind]},
            "edition": {"bsonType": ["string", "null"]},
            "state": {"enum": [state.value for state in State]},
            "priority": {"enum": sorted(PRIORITIES)},
            "due_at": {"bsonType": ["date", "null"]},
            "attempts": {"bsonType": "int", "minimum": 0},
            "depth": {"bsonType": "int", "minimum": 0},
            "lease": {"bsonType": "object", "required": ["worker", "token", "until", "state", "due_at"]},
        },
    },
    HOSTS: {
        "bsonType": "object",
        "properties": {
            "next_at": {"bsonType": "date"},
            "delay_s": {"bsonType": "number", "minimum": 0},
            "blocked_until": {"bsonType": ["date", "null"]},
            "breaker": {"enum": [breaker.value for breaker in Breaker]},
        },
    },
}

_EXISTS = 48
"""Error code NamespaceExists: another worker was first."""


async def prepare(database: AsyncDatabase[dict[str, Any]]) -> None:
    """Make the collections, validators and indexes; what is there already stays."""
    for name, validator in _VALIDATORS.items():
        await _validated(database, name, {"$jsonSchema": validator})
    await database[FRONTIER].create_indexes(_INDEXES)


async def _validated(database: AsyncDatabase[dict[str, Any]], name: str, validator: dict[str, Any]) -> None:
    existing = await database[name].options()
    if existing.get("validator") == validator:
        return
    try:
        await database.create_collection(name, validator=validator, check_exists=False)
    except CollectionInvalid:
        await database.command("collMod", name, validator=validator)
    except OperationFailure as error:
        if error.code != _EXISTS:
            raise
        await database.command("collMod", name, validator=validator)
