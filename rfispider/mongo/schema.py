"""What a database promises to whoever reads it: the form of its documents, its indexes, and their version.

Shared by the archive and the frontier, which each declare their own collections. One document of the collection
`contract` says which version of the form (`items.SCHEMA`) the database is in.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import CollectionInvalid, DuplicateKeyError, OperationFailure

from rfispider.items import SCHEMA
from rfispider.mongo.errors import DatabaseError

Document = dict[str, Any]
Validators = Mapping[str, Document]
Indexes = Mapping[str, Sequence[IndexModel]]

CONTRACT = "contract"
"""The collection of one document that tells the version."""
VERSION = "schema"
"""The `_id` of that document, and the field that holds the number."""

TEXT: Document = {"bsonType": "string"}
SOME_TEXT: Document = {"bsonType": "string", "minLength": 1}
TEXTS: Document = {"bsonType": "array", "items": TEXT}
TEXT_BY_NAME: Document = {"bsonType": "object", "additionalProperties": TEXT}
TIME: Document = {"bsonType": "date"}
COUNT: Document = {"bsonType": ["int", "long"], "minimum": 0}
COUNT_BY_NAME: Document = {"bsonType": "object", "additionalProperties": COUNT}
FROM_ONE: Document = {"bsonType": "int", "minimum": 1}
NUMBER: Document = {"bsonType": "number", "minimum": 0}
FLAG: Document = {"bsonType": "bool"}
KEY: Document = {"bsonType": "string", "pattern": "^[0-9a-f]{32}$"}

VALIDATORS: Validators = {
    CONTRACT: {
        "bsonType": "object",
        "required": ["_id", VERSION],
        "properties": {"_id": SOME_TEXT, VERSION: FROM_ONE, "since": TIME, "after": {"bsonType": "object"}},
    }
}

_EXISTS = 48
"""Error code NamespaceExists: another worker was first."""
_NOT_THERE = frozenset({26, 27})
"""Error codes NamespaceNotFound and IndexNotFound: there is nothing to drop."""


class SchemaMismatch(DatabaseError):
    """The database is in another version of the form than this program's; the message is one line for a person."""


def part(required: Sequence[str], **properties: Document) -> Document:
    """The rule of a nested document with these fields; others may be added."""
    return {"bsonType": "object", "required": list(required), "properties": properties}


def parts(required: Sequence[str], **properties: Document) -> Document:
    """The rule of a list of such documents."""
    return {"bsonType": "array", "items": part(required, **properties)}


def records(required: Sequence[str], **properties: Document) -> Document:
    """The rule of a list of documents that hold these fields and no other."""
    return {"bsonType": "array", "items": {**part(required, **properties), "additionalProperties": False}}


def maybe(rule: Document) -> Document:
    """The rule of a field that may also be null."""
    kinds = rule["bsonType"]
    return {**rule, "bsonType": [*([kinds] if isinstance(kinds, str) else kinds), "null"]}


# ---- Version ---------------------------------------------------------------------------------------------


async def version(database: AsyncDatabase[Document]) -> int | None:
    """The version of the form that a database is in; None when it is empty and may take any.

    The first release wrote no version: there, and in a restored collection, an article tells.
    """
    told = await database[CONTRACT].find_one({"_id": VERSION})
    if told:
        return int(told[VERSION])
    sample = await database["articles"].find_one({}, {VERSION: 1})
    return int(sample.get(VERSION, 1)) if sample else None


def check(name: str, found: int) -> None:
    """Compare the version that a database is in with this program's.

    Raises:
        SchemaMismatch: they differ.

    """
    if found > SCHEMA:
        raise SchemaMismatch(
            f"the database {name} is of schema {found}, written by a later release of rfispider; "
            f"this one knows schema {SCHEMA}: upgrade it"
        )
    if found < SCHEMA:
        raise SchemaMismatch(
            f"the database {name} is of schema {found}, this release needs schema {SCHEMA}: "
            f"stop its workers and run `rfispider migrate`"
        )


async def stamp(database: AsyncDatabase[Document]) -> None:
    """Write down that a database is in this program's version."""
    update = {"$set": {VERSION: SCHEMA}, "$currentDate": {"since": True}, "$unset": {"after": ""}}
    try:
        await database[CONTRACT].update_one({"_id": VERSION}, update, upsert=True)
    except DuplicateKeyError:
        # Another worker wrote the same at the same moment.
        return


async def prepare(database: AsyncDatabase[Document], validators: Validators, indexes: Indexes) -> None:
    """Make a database ready for this program: what is missing of validators and indexes is made, if its version fits.

    Raises:
        SchemaMismatch: the database is in another version.
        PyMongoError: the server cannot be reached or refuses.

    """
    found = await version(database)
    if found is not None:
        check(database.name, found)
    await install(database, {**VALIDATORS, **validators}, indexes)
    if found is None:
        await stamp(database)


async def begin(database: AsyncDatabase[Document], found: int) -> None:
    """Write down the version that a migration starts from, lest a half-way one is taken for the new one."""
    await database[CONTRACT].update_one({"_id": VERSION}, {"$setOnInsert": {VERSION: found}}, upsert=True)


async def note(database: AsyncDatabase[Document], collection: str, after: str) -> None:
    """Note how far a migration has come in a collection: the last `_id` that it has looked at."""
    await database[CONTRACT].update_one({"_id": VERSION}, {"$set": {f"after.{collection}": after}})


async def forget(database: AsyncDatabase[Document]) -> None:
    """Drop those notes: the next migration looks at every document again."""
    await database[CONTRACT].update_one({"_id": VERSION}, {"$unset": {"after": ""}})


async def noted(database: AsyncDatabase[Document], collection: str) -> str | None:
    """How far an earlier migration came in a collection."""
    told = await database[CONTRACT].find_one({"_id": VERSION}) or {}
    place: str | None = told.get("after", {}).get(collection)
    return place


# ---- Validators and indexes ------------------------------------------------------------------------------


async def install(database: AsyncDatabase[Document], validators: Validators, indexes: Indexes) -> None:
    """Make collections, validators and indexes where they are missing or other than these.

    Where nothing is missing this only reads, so that a user who may not write can call it. Other indexes stay.
    """
    options = {each["name"]: each.get("options", {}) async for each in await database.list_collections()}
    for name, rules in validators.items():
        validator = {"$jsonSchema": rules}
        if options.get(name, {}).get("validator") != validator:
            await _validate(database, name, validator)
    await asyncio.gather(*(_index(database, name, models) for name, models in indexes.items()))


async def _validate(database: AsyncDatabase[Document], name: str, validator: Document) -> None:
    try:
        await database.create_collection(name, validator=validator, check_exists=False)
    except CollectionInvalid:
        await database.command("collMod", name, validator=validator)
    except OperationFailure as error:
        if error.code != _EXISTS:
            raise
        await database.command("collMod", name, validator=validator)


async def _index(database: AsyncDatabase[Document], name: str, models: Sequence[IndexModel]) -> None:
    present = {each["name"]: each async for each in await database[name].list_indexes()}
    missing = [model for model in models if not _is_like(model.document, present.get(model.document["name"]))]
    for model in missing:
        if model.document["name"] in present:
            await drop_index(database, name, model.document["name"])
    if missing:
        await database[name].create_indexes(missing)


async def drop_index(database: AsyncDatabase[Document], name: str, index: str) -> None:
    """Drop an index of a collection unless it is gone already."""
    try:
        await database[name].drop_index(index)
    except OperationFailure as error:
        if error.code not in _NOT_THERE:
            raise


def _is_like(wanted: Mapping[str, Any], present: Mapping[str, Any] | None) -> bool:
    """Whether an index that is there is the one that is wanted, as far as the wish goes."""
    if present is None:
        return False
    keys = dict(wanted["key"])
    texts = {field for field, kind in keys.items() if kind == "text"}
    plain = [(field, kind) for field, kind in keys.items() if field not in texts]
    there = [(field, kind) for field, kind in present["key"].items() if field not in {"_fts", "_ftsx"}]
    options = wanted.keys() - {"key", "name", "weights"}
    return (
        plain == there
        and texts == set(present.get("weights", ()))
        and all(present.get(option) == wanted[option] for option in options)
    )
