"""The one place where a connection to MongoDB is made: URI resolved, client opened, pinged, closed."""

from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pymongo
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from rfispider.mongo.embedded import Embedded
from rfispider.mongo.errors import DatabaseError, redacted, translating_errors

CONNECT_S: Final = 5.0
"""Seconds within which the server must answer at the start."""
PATIENCE_S: Final = 30.0
"""Seconds for which an operation rides out a failover or a restart of the server."""
READ_S: Final = 10.0
"""The same for one who only looks."""


def resolve_uri(given: str, data: Path) -> str:
    """The URI that was given, else that of the embedded server under `data`, which is started if need be.

    Blocks for as long as a server takes to start: seconds. In a coroutine, call it in a thread.

    Raises:
        EmbeddedServerError: there is no server to be had.

    """
    return given or Embedded(data).up()


class Connection:
    """A client of one server, shared by everything of this process that speaks to it. Opened once, closed once."""

    def __init__(self, uri: str, client: AsyncMongoClient[dict[str, Any]], patience_s: float) -> None:
        self.uri = uri
        self.client = client
        self.patience_s = patience_s
        """How long an operation waits for a server that went away, in seconds."""

    @classmethod
    async def open(cls, uri: str, *, patience_s: float = PATIENCE_S) -> Self:
        """Connect, and wait until the server answers.

        Raises:
            DatabaseError: it does not within `CONNECT_S`, or the URI is none.

        """
        connection = cls(uri, _client(uri, patience_s), patience_s)
        try:
            with translating_errors("connecting", uri), pymongo.timeout(CONNECT_S):
                await connection.client.admin.command("ping")
        except BaseException:
            await connection.close()
            raise
        return connection

    async def close(self) -> None:
        """Let go of the sockets; may be called twice."""
        await self.client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _client(uri: str, patience_s: float) -> AsyncMongoClient[dict[str, Any]]:
    """A client that has not connected yet.

    Raises:
        DatabaseError: the URI is none.

    """
    try:
        return AsyncMongoClient(uri, serverSelectionTimeoutMS=int(patience_s * 1000), appname="rfispider")
    except (PyMongoError, ValueError, TypeError) as error:
        raise DatabaseError(redacted(f"MONGO_URI is not a MongoDB URI: {error}", uri)) from error
