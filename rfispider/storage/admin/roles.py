"""Users who may read the archive and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from rfispider.mongo.schema import CONTRACT
from rfispider.storage.validators import VALIDATORS

READER = "rfiReader"
"""The role, of the archive's own database."""

READABLE = (*VALIDATORS, CONTRACT)
"""The collections that it may read: the archive, not the frontier, whose documents are no product."""

_NO_ROLE = 31
"""Error code RoleNotFound."""
_NO_USER = 11
"""Error code UserNotFound."""

Database = AsyncDatabase[dict[str, Any]]


async def grant(database: Database, name: str, password: str) -> bool:
    """Make a user who may read the archive, or give one that there is this password and this role alone.

    The role is made, or brought up to date, first. Returns whether the user is new. The caller needs the right to
    make roles and users in this database (userAdmin).
    """
    try:
        await database.command("updateRole", READER, privileges=_privileges(database.name), roles=[])
    except OperationFailure as error:
        if error.code != _NO_ROLE:
            raise
        await database.command("createRole", READER, privileges=_privileges(database.name), roles=[])
    exists = name in await readers(database)
    command = "updateUser" if exists else "createUser"
    await database.command(command, name, pwd=password, roles=[READER])
    return not exists


async def revoke(database: Database, name: str) -> bool:
    """Remove a user of the archive's database who has this role alone; False when there is none."""
    if name not in await readers(database):
        return False
    try:
        await database.command("dropUser", name)
    except OperationFailure as error:
        if error.code != _NO_USER:
            raise
        return False
    return True


async def readers(database: Database) -> list[str]:
    """Names of the users who have this role alone, in alphabetical order."""
    answer: Mapping[str, Any] = await database.command("usersInfo", 1)
    return sorted(user["user"] for user in answer["users"] if [role["role"] for role in user["roles"]] == [READER])


def _privileges(name: str) -> list[dict[str, Any]]:
    """What a reader may do: query, follow changes, and see which collections and indexes there are."""
    actions = ["find", "changeStream", "listIndexes", "collStats"]
    collections: Sequence[dict[str, Any]] = [
        {"resource": {"db": name, "collection": collection}, "actions": actions} for collection in READABLE
    ]
    return [{"resource": {"db": name, "collection": ""}, "actions": ["listCollections"]}, *collections]
