"""The schema of a database: the form of its documents, its indexes, and the version of both.

Archive and frontier each declare their own collections; this module installs them. One document of the collection
`contract` holds the version (`items.SCHEMA`) that the database is in.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
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
"""The collection whose only document holds the version."""
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
"""Error code NamespaceExists: another worker has created it in the meantime."""
_NOT_THERE = frozenset({26, 27})
"""Error codes NamespaceNotFound and IndexNotFound: there is nothing to drop."""


class SchemaMismatch(DatabaseError):
    """The database has another version of the schema than this program; the message is one line for a person."""


def part(required: Sequence[str], **properties: Document) -> Document:
    """The rule for a nested document with these fields; it may have others."""
    return {"bsonType": "object", "required": list(required), "properties": properties}


def parts(required: Sequence[str], **properties: Document) -> Document:
    """The rule for a list of such documents."""
    return {"bsonType": "array", "items": part(required, **properties)}


def records(required: Sequence[str], **properties: Document) -> Document:
    """The rule for a list of documents with these fields and no others."""
    return {"bsonType": "array", "items": {**part(required, **properties), "additionalProperties": False}}


def maybe(rule: Document) -> Document:
    """The rule for a field that may also be null."""
    kinds = rule["bsonType"]
    return {**rule, "bsonType": [*([kinds] if isinstance(kinds, str) else kinds), "null"]}


# ---- Version ---------------------------------------------------------------------------------------------


async def version(database: AsyncDatabase[Document]) -> int | None:
    """The version of the schema that a database is in; None when it is empty and may take any.

    The first release wrote no version: there, and where only collections were restored, an article shows it.
    """
    contract = await database[CONTRACT].find_one({"_id": VERSION})
    if contract:
        return int(contract[VERSION])
    article = await database["articles"].find_one({}, {VERSION: 1})
    return int(article.get(VERSION, 1)) if article else None


def check_version(name: str, present: int) -> None:
    """Compare the version that a database is in with this program's.

    Raises:
        SchemaMismatch: they differ.

    """
    if present > SCHEMA:
        raise SchemaMismatch(
            f"the database {name} is of schema {present}, written by a later release of rfispider; "
            f"this one knows schema {SCHEMA}: upgrade it"
        )
    if present < SCHEMA:
        raise SchemaMismatch(
            f"the database {name} is of schema {present}, this release needs schema {SCHEMA}: "
            f"stop its workers and run `rfispider migrate`"
        )


async def write_version(database: AsyncDatabase[Document]) -> None:
    """Record that a database is in this program's version."""
    update = {"$set": {VERSION: SCHEMA}, "$currentDate": {"since": True}, "$unset": {"after": ""}}
    try:
        await database[CONTRACT].update_one({"_id": VERSION}, update, upsert=True)
    except DuplicateKeyError:
        # Another worker wrote the same at the same moment.
        return


async def prepare(database: AsyncDatabase[Document], validators: Validators, indexes: Indexes) -> None:
    """Make a database ready for this program: create the validators and indexes that it lacks, if its version fits.

    Raises:
        SchemaMismatch: the database is in another version.
        PyMongoError: the server cannot be reached or refuses.

    """
    present = await version(database)
    if present is not None:
        check_version(database.name, present)
    await install(database, {**VALIDATORS, **validators}, indexes)
    if present is None:
        await write_version(database)


# ---- Progress of a migration -----------------------------------------------------------------------------


async def begin_migration(database: AsyncDatabase[Document], start: int) -> None:
    """Record the version that a migration starts from, so that a half-migrated database is not taken for a new one."""
    await database[CONTRACT].update_one({"_id": VERSION}, {"$setOnInsert": {VERSION: start}}, upsert=True)


async def save_position(database: AsyncDatabase[Document], collection: str, after: str) -> None:
    """Record how far a migration has come in a collection: the last `_id` that it has looked at."""
    await database[CONTRACT].update_one({"_id": VERSION}, {"$set": {f"after.{collection}": after}})


async def drop_positions(database: AsyncDatabase[Document]) -> None:
    """Forget how far it has come: the next migration looks at every document again."""
    await database[CONTRACT].update_one({"_id": VERSION}, {"$unset": {"after": ""}})


async def position(database: AsyncDatabase[Document], collection: str) -> str | None:
    """The last `_id` of a collection that an earlier migration has looked at; None when it did not begin."""
    contract = await database[CONTRACT].find_one({"_id": VERSION}) or {}
    after: str | None = contract.get("after", {}).get(collection)
    return after


# ---- Validators and indexes ------------------------------------------------------------------------------


async def install(database: AsyncDatabase[Document], validators: Validators, indexes: Indexes) -> None:
    """Create collections, validators and indexes that are missing, and replace those that differ.

    Only reads when there is nothing to change, so that a user without the right to write can call it. Indexes that are
    not among these stay.
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
    missing = [model for model in models if not _is_same(model.document, present.get(model.document["name"]))]
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


def _is_same(model: Mapping[str, Any], present: Mapping[str, Any] | None) -> bool:
    """Whether an index of the server has the fields and options of a model; what the model leaves open may differ."""
    if present is None:
        return False
    options = model.keys() - {"key", "name", "weights"}
    return _fields(model["key"].items()) == _present_fields(present) and all(
        present.get(option) == model[option] for option in options
    )


def _fields(key: Iterable[tuple[str, Any]]) -> tuple[list[tuple[str, Any]], set[str]]:
    """The fields of an index that have an order, in their order, and those of its text search, which have none."""
    items = list(key)
    return [item for item in items if item[1] != "text"], {field for field, kind in items if kind == "text"}


def _present_fields(index: Mapping[str, Any]) -> tuple[list[tuple[str, Any]], set[str]]:
    """The same of an index as the server lists it: there, fields of a text search are among the weights."""
    ordered = [item for item in index["key"].items() if item[0] not in {"_fts", "_ftsx"}]
    return ordered, set(index.get("weights", ()))
