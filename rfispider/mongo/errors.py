"""What goes wrong between us and MongoDB, in one line for a person, without a password."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote_plus

from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

_AUTHENTICATION_FAILED = 18
_UNAUTHORIZED = 13
_OUT_OF_DISK = 14031
_LEAST_PIECE = 4
"""Characters of the shortest piece of a password that is looked for: a shorter one is part of many words."""
_LONGEST = 300
"""Characters of the driver's own words that are passed on; the description of a topology runs to kilobytes."""


class DatabaseError(Exception):
    """The database did not do what it was asked; the message is one line for a person and holds no password."""


class EmbeddedServerError(DatabaseError):
    """There is no embedded server to be had; the message is meant for the person who asked for it."""


@contextmanager
def translating_errors(action: str, uri: str) -> Iterator[None]:
    """Turn every error of the driver into a DatabaseError that says what was tried, where, and what came of it."""
    try:
        yield
    except PyMongoError as error:
        message = f"{action} failed on MongoDB at {hosts(uri)}: {reason(error, uri)}"
        raise DatabaseError(redacted(message, uri)) from error


def reason(error: PyMongoError, uri: str) -> str:
    """Why it failed, in words where we have better ones than the driver."""
    if isinstance(error, BulkWriteError):
        return _of_bulk(error.details)
    if isinstance(error, OperationFailure):
        return _of_operation(error, uri)
    said = _first_words(str(error))
    if isinstance(error, ServerSelectionTimeoutError):
        return f"the server cannot be reached ({said})"
    if isinstance(error, NetworkTimeout) or error.timeout:
        return f"the server did not answer in time ({said})"
    if isinstance(error, ConnectionFailure):
        return f"the server closed the connection; its log says why, a full disk is one cause ({said})"
    return said


def _of_operation(error: OperationFailure, uri: str) -> str:
    said = _first_words(str(error))
    if error.code == _AUTHENTICATION_FAILED:
        return f"the server refuses this user name or password ({said})"
    if error.code == _UNAUTHORIZED and "@" not in uri:
        return f"the server wants a user name and password, and MONGO_URI has none ({said})"
    if error.code == _UNAUTHORIZED:
        return f"this user may not do that; the roles readWrite and dbAdmin are needed ({said})"
    if error.code == _OUT_OF_DISK:
        return f"the disk of the server is full ({said})"
    return said


def _of_bulk(details: Mapping[str, Any]) -> str:
    errors = [*details.get("writeErrors", []), *details.get("writeConcernErrors", [])]
    said = _first_words(str(errors[0].get("errmsg", ""))) if errors else "no reason was given"
    if any(error.get("code") == _OUT_OF_DISK for error in errors):
        said = f"the disk of the server is full ({said})"
    return f"{len(errors)} writes were refused: {said}"


def hosts(uri: str) -> str:
    """The part of a URI between the user and the path: hosts and ports."""
    return re.sub(r"^\w[\w+]*://", "", uri).rpartition("@")[2].partition("/")[0].partition("?")[0] or "?"


def redacted(message: str, uri: str) -> str:
    """The message without the password of the URI, whether it stands there encoded or not."""
    found = re.match(r"\w[\w+]*://[^/@]*?:(.*)@", uri)
    secrets = {found[1], unquote_plus(found[1])} - {""} if found else set()
    # What should have been encoded tears the URI apart, and the driver tells of the piece that it cannot use.
    secrets |= {piece for piece in re.split("[/@:?#]", found[1]) if len(piece) >= _LEAST_PIECE} if found else set()
    for secret in sorted(secrets, key=len, reverse=True):
        message = message.replace(secret, "***")
    return message


def _first_words(text: str) -> str:
    """The driver's message as one line, without its description of timeouts and topology."""
    line = " ".join(text.split())
    line = re.split(r",? \(configured timeouts|, Timeout: |, full error", line)[0]
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
