"""The collections of the archive: what a document must look like, and the indexes of every query."""

from dataclasses import fields
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import CollectionInvalid, OperationFailure

from rfispider.items import Article, Kind, Origin, Status
from rfispider.store.documents import ARCHIVAL, NOT_SUPERSEDED, Document

ARTICLES = "articles"
REVISIONS = "revisions"
RUNS = "runs"

SECTIONS = "sections"
NEWEST = "newest"
CHANGES = "changes"
ALIASES = "aliases"
HISTORY = "history"
LATEST = "latest"

_EXISTS = 48
"""Error code NamespaceExists: another worker was first."""

_TEXT: Document = {"bsonType": "string"}
_SOME_TEXT: Document = {"bsonType": "string", "minLength": 1}
_TIME: Document = {"bsonType": "date"}
_TEXTS: Document = {"bsonType": "array", "items": _TEXT}
_TEXT_BY_NAME: Document = {"bsonType": "object", "additionalProperties": _TEXT}
_COUNT: Document = {"bsonType": "int", "minimum": 0}
_FROM_ONE: Document = {"bsonType": "int", "minimum": 1}
_KEY: Document = {"bsonType": "string", "pattern": "^[0-9a-f]{32}$"}


def _records(required: list[str], **properties: Document) -> Document:
    item = {"bsonType": "object", "required": required, "properties": properties, "additionalProperties": False}
    return {"bsonType": "array", "items": item}


PROPERTIES: dict[str, Document] = {
    "url": _SOME_TEXT,
    "aliases": _TEXTS,
    "edition": _SOME_TEXT,
    "language": _SOME_TEXT,
    "kind": {"enum": [kind.value for kind in Kind]},
    "section": _SOME_TEXT,
    "programme": _SOME_TEXT,
    "title": _SOME_TEXT,
    "lead": _TEXT,
    "text": _TEXT,
    "authors": _TEXTS,
    "agency": _TEXT,
    "credits": _TEXT,
    "tags": _TEXTS,
    "published_at": _TIME,
    "modified_at": _TIME,
    "images": _records(["url"], url=_SOME_TEXT, caption=_TEXT, credit=_TEXT),
    "audio": _records(["url"], url=_SOME_TEXT, duration_s=_COUNT),
    "related": _records(
        ["key", "url", "title", "position"], key=_KEY, url=_SOME_TEXT, title=_TEXT, label=_TEXT, position=_COUNT
    ),
    "short_code": _TEXT,
    "status": {"enum": [status.value for status in Status]},
    "origin": {"enum": [origin.value for origin in Origin]},
    "provenance": _TEXT_BY_NAME,
    "extractor": _TEXT_BY_NAME,
    "content_hash": _TEXT,
    "fetched_at": _TIME,
    "sources": _TEXTS,
}
"""What the value of each field of an article must be, where it is present. Other fields may be added."""

OPTIONAL = frozenset(field.name for field in fields(Article) if field.default is None)
"""Fields that are absent when they are not known."""

_ALWAYS = [name for name in PROPERTIES if name not in OPTIONAL]

VALIDATORS: dict[str, Document] = {
    ARTICLES: {
        "bsonType": "object",
        "required": ["_id", "schema", *_ALWAYS, *ARCHIVAL],
        "properties": {
            "_id": _KEY,
            "schema": _FROM_ONE,
            **PROPERTIES,
            "revision": _FROM_ONE,
            "first_seen_at": _TIME,
            "last_seen_at": _TIME,
            "changed_at": _TIME,
        },
    },
    REVISIONS: {
        "bsonType": "object",
        "required": [
            *("_id", "schema", "article", "revision", "valid_from", "valid_to", "changed"),
            *(name for name in _ALWAYS if name not in NOT_SUPERSEDED),
        ],
        "properties": {
            "_id": {"bsonType": "string", "pattern": "^[0-9a-f]{32}:[1-9][0-9]*$"},
            "schema": _FROM_ONE,
            "article": _KEY,
            "revision": _FROM_ONE,
            "valid_from": _TIME,
            "valid_to": _TIME,
            "changed": {"bsonType": "array", "minItems": 1, "items": {"enum": list(PROPERTIES)}},
            **{name: rule for name, rule in PROPERTIES.items() if name not in NOT_SUPERSEDED},
        },
    },
    RUNS: {
        "bsonType": "object",
        "required": ["_id", "schema", "worker", "started_at"],
        "properties": {
            "_id": _SOME_TEXT,
            "schema": _FROM_ONE,
            "worker": _SOME_TEXT,
            "started_at": _TIME,
            "finished_at": _TIME,
            "outcomes": {"bsonType": "object"},
            "editions": {"bsonType": "object"},
        },
    },
}

INDEXES: dict[str, list[IndexModel]] = {
    ARTICLES: [
        IndexModel([("edition", ASCENDING), ("section", ASCENDING), ("published_at", DESCENDING)], name=SECTIONS),
        IndexModel([("edition", ASCENDING), ("published_at", DESCENDING)], name=NEWEST),
        IndexModel([("changed_at", DESCENDING)], name=CHANGES),
        # Most articles have no alias: they do not stand in it.
        IndexModel([("aliases", ASCENDING)], name=ALIASES, partialFilterExpression={"aliases.0": {"$exists": True}}),
    ],
    REVISIONS: [IndexModel([("article", ASCENDING), ("revision", ASCENDING)], name=HISTORY, unique=True)],
    RUNS: [IndexModel([("started_at", DESCENDING)], name=LATEST)],
}


async def install(database: AsyncDatabase[Document]) -> None:
    """Make collections, validators and indexes where they are missing or other than these."""
    options = {
        collection["name"]: collection.get("options", {})
        for collection in await (await database.list_collections()).to_list()
    }
    for name, rules in VALIDATORS.items():
        validator = {"$jsonSchema": rules}
        if options.get(name, {}).get("validator") != validator:
            await _validate(database, name, validator)
        await database[name].create_indexes(INDEXES[name])


async def _validate(database: AsyncDatabase[Document], name: str, validator: dict[str, Any]) -> None:
    try:
        await database.create_collection(name, validator=validator, check_exists=False)
    except CollectionInvalid:
        await database.command("collMod", name, validator=validator)
    except OperationFailure as error:
        if error.code != _EXISTS:
            raise
        await database.command("collMod", name, validator=validator)
