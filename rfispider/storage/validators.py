"""What a document of each collection must look like: the archive's `$jsonSchema` validators."""

from dataclasses import fields

from rfispider.items import NOT_STORED, Article, Kind, Origin, Outcome, Status
from rfispider.mongo.schema import (
    COUNT,
    FLAG,
    FROM_ONE,
    KEY,
    SOME_TEXT,
    TEXT,
    TEXT_BY_NAME,
    TEXTS,
    TIME,
    maybe,
    parts,
    records,
)
from rfispider.storage.documents import ARCHIVAL, NOT_SUPERSEDED, Document
from rfispider.storage.policy.bonds import Why
from rfispider.storage.schema import ALIAS_RECORDS, ARTICLES, CLAIMS, PAGES, POSITIONS, REVISIONS, RUNS, SEARCH

PROPERTIES: dict[str, Document] = {
    "url": SOME_TEXT,
    "aliases": TEXTS,
    "edition": SOME_TEXT,
    "language": SOME_TEXT,
    "kind": {"enum": [kind.value for kind in Kind]},
    "section": SOME_TEXT,
    "programme": SOME_TEXT,
    "title": SOME_TEXT,
    "lead": TEXT,
    "text": TEXT,
    "authors": TEXTS,
    "agency": TEXT,
    "credits": TEXT,
    "tags": TEXTS,
    "published_at": TIME,
    "modified_at": TIME,
    "images": records(["url"], url=SOME_TEXT, caption=TEXT, credit=TEXT),
    "audio": records(["url"], url=SOME_TEXT, duration_s=COUNT),
    "related": records(
        ["key", "url", "title", "position"], key=KEY, url=SOME_TEXT, title=TEXT, label=TEXT, position=COUNT
    ),
    "short_code": TEXT,
    "status": {"enum": [status.value for status in Status]},
    "origin": {"enum": [origin.value for origin in Origin]},
    "provenance": TEXT_BY_NAME,
    "extractor": TEXT_BY_NAME,
    "content_hash": TEXT,
    "fetched_at": TIME,
    "sources": TEXTS,
    "gone_at": TIME,
}
"""What the value of each field of an article must be, where it is present. Other fields may be added."""

ADDED: dict[str, Document] = {
    "revision": FROM_ONE,
    "first_seen_at": TIME,
    "last_seen_at": TIME,
    "changed_at": TIME,
    "story": KEY,
    "signature": {"bsonType": "array", "items": {"bsonType": ["int", "long"]}},
    "identity": SOME_TEXT,
    "twin": KEY,
    "silent_edits": COUNT,
    "ticker": FLAG,
}
"""The same for the fields that only the archive knows. A new one is a line here and a row in docs/data.md; it is
required if `documents.ARCHIVAL` names it."""

INTERNAL = frozenset({"search", "signature", "identity"})
"""Fields that only the archive's own queries read: no part of an export."""

OPTIONAL = frozenset(field.name for field in fields(Article) if field.default is None) - NOT_STORED
"""Fields that are absent when they are not known."""

_ALWAYS = [name for name in PROPERTIES if name not in OPTIONAL]

VALIDATORS: dict[str, Document] = {
    ARTICLES: {
        "bsonType": "object",
        "required": ["_id", "schema", *_ALWAYS, *ARCHIVAL],
        "properties": {
            "_id": KEY,
            "schema": FROM_ONE,
            **PROPERTIES,
            **ADDED,
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
            "schema": FROM_ONE,
            "article": KEY,
            "revision": FROM_ONE,
            "valid_from": TIME,
            "valid_to": TIME,
            "changed": {"bsonType": "array", "minItems": 1, "items": {"enum": list(PROPERTIES)}},
            **{name: rule for name, rule in PROPERTIES.items() if name not in NOT_SUPERSEDED},
        },
    },
    ALIAS_RECORDS: {
        "bsonType": "object",
        "required": ["_id", "schema", "url", "article", "why", "first_seen_at", "last_seen_at"],
        "properties": {
            "_id": KEY,
            "schema": FROM_ONE,
            "url": SOME_TEXT,
            "article": KEY,
            "why": {"enum": [why.value for why in Why]},
            "title": SOME_TEXT,
            "published_at": TIME,
            "first_seen_at": TIME,
            "last_seen_at": TIME,
            "via": KEY,
            "other_content": TEXT,
            "other_since": TIME,
        },
    },
    CLAIMS: {
        "bsonType": "object",
        "required": ["_id", "schema", "article", "why", "content_hash", "at", "noted_at"],
        "properties": {
            "_id": KEY,
            "schema": FROM_ONE,
            "article": KEY,
            "why": {"enum": [why.value for why in Why]},
            "content_hash": TEXT,
            "at": TIME,
            "noted_at": TIME,
        },
    },
    RUNS: {
        "bsonType": "object",
        "required": ["_id", "schema", "worker", "started_at"],
        "properties": {
            "_id": SOME_TEXT,
            "schema": FROM_ONE,
            "worker": SOME_TEXT,
            "started_at": TIME,
            "updated_at": TIME,
            "finished_at": TIME,
            "arguments": {"bsonType": "object"},
            "versions": TEXT_BY_NAME,
            "reason": TEXT,
            "problem": maybe(TEXT),
            "outcomes": {"bsonType": "object"},
            "recent": {"bsonType": "object"},
            "editions": {"bsonType": "object"},
            "coverage": {"bsonType": "object"},
            "sources": {"bsonType": "object"},
            "missing": {"bsonType": "object"},
            "statuses": {"bsonType": "object"},
            "rendering": {"bsonType": "object"},
            "seconds": {"bsonType": "object"},
            "memory": COUNT,
            "requests": COUNT,
            "bytes": COUNT,
            "alarms": {"bsonType": "array"},
        },
    },
    PAGES: {
        "bsonType": "object",
        "required": [
            *("_id", "schema", "article", "url", "edition", "origin", "fetched_at", "status", "size", "body"),
            *("headers", "aliases", "depth"),
        ],
        "properties": {
            "_id": SOME_TEXT,
            "schema": FROM_ONE,
            "article": KEY,
            "url": SOME_TEXT,
            "edition": SOME_TEXT,
            "origin": PROPERTIES["origin"],
            "fetched_at": TIME,
            "status": COUNT,
            "size": COUNT,
            "body": {"bsonType": "binData"},
            "base": SOME_TEXT,
            "headers": TEXTS,
            "aliases": TEXTS,
            "depth": COUNT,
            "error": TEXT,
            "encoding": TEXT,
            "source": TEXT,
            "mirror": TEXT,
            "entry": {"bsonType": "object"},
            "reread_at": TIME,
            "extractor": TEXT_BY_NAME,
            "outcome": {"enum": [outcome.value for outcome in Outcome]},
            "reason": TEXT,
        },
    },
    POSITIONS: {
        "bsonType": "object",
        "required": ["_id", "schema", "at"],
        "properties": {
            "_id": SOME_TEXT,
            "schema": FROM_ONE,
            "at": TIME,
            "cluster_time": {"bsonType": "array", "items": {"bsonType": ["int", "long"]}},
            "token": {"bsonType": "object"},
            "after": TEXT,
            "query": TEXT,
        },
    },
    SEARCH: {
        "bsonType": "object",
        "required": ["_id", "schema"],
        "properties": {
            "_id": SOME_TEXT,
            "schema": FROM_ONE,
            "size": FROM_ONE,
            "length": COUNT,
            "articles": parts(["key", "edition", "time", "text"], key=TEXT, edition=TEXT, time=SOME_TEXT, text=TEXT),
            "letters": SOME_TEXT,
            "keys": SOME_TEXT,
            "times": SOME_TEXT,
            "editions": TEXT_BY_NAME,
            "grams": {"bsonType": "object"},
            "until": TIME,
            "holder": {"bsonType": "objectId"},
        },
    },
}
