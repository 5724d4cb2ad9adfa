"""The one place where a connection to MongoDB is made: URI resolved, client opened, pinged, closed."""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, Final, ParamSpec, Protocol, Self, TypeVar

import pymongo
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from rfispider.mongo.embedded import Embedded
from rfispider.mongo.errors import DatabaseError, redacted, translating_errors

CONNECT_S: Final = 5.0
"""Seconds within which the server must answer at the start."""
PATIENCE_S: Final = 30.0
"""Seconds for which an operation rides out a failover or a restart of the server."""
HEARTBEAT_S: Final = 2.0
"""Seconds between two heartbeats of the servers, which the driver listens to beside the operations."""
SILENCE_S: Final = 3.0
"""Seconds by which a heartbeat may be late, and that it may take to connect. Then a frozen primary is given up: what
waits for it is cut short, and repeated on the primary that the others have elected in the meantime."""
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

    @contextmanager
    def operation(self, action: str, *, timed: bool = True) -> Iterator[None]:
        """What runs inside fails with a DatabaseError that names the action, and within `patience_s` if it is timed."""
        with translating_errors(action, self.uri), pymongo.timeout(self.patience_s if timed else None):
            yield

    async def close(self) -> None:
        """Let go of the sockets; may be called twice."""
        await self.client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class Connected(Protocol):
    """Whoever does its work over a connection."""

    @property
    def connection(self) -> Connection:
        """The connection."""


Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Owner = TypeVar("Owner", bound=Connected)
Method = Callable[Concatenate[Owner, Parameters], Coroutine[Any, Any, Result]]


def operation(
    action: str, *, timed: bool = True
) -> Callable[[Method[Owner, Parameters, Result]], Method[Owner, Parameters, Result]]:
    """Make a method one operation of its owner's connection (see `Connection.operation`).

    `action` is the beginning of a sentence that goes on "failed on MongoDB at ...". A method that is not timed says in
    its docstring why not.
    """

    def decorated(method: Method[Owner, Parameters, Result]) -> Method[Owner, Parameters, Result]:
        @wraps(method)
        async def run(self: Owner, /, *args: Parameters.args, **options: Parameters.kwargs) -> Result:
            with self.connection.operation(action, timed=timed):
                return await method(self, *args, **options)

        return run

    return decorated


def _client(uri: str, patience_s: float) -> AsyncMongoClient[dict[str, Any]]:
    """A client that has not connected yet.

    Raises:
        DatabaseError: the URI is none.

    """
    try:
        return AsyncMongoClient(
            uri,
            serverSelectionTimeoutMS=int(patience_s * 1000),
            heartbeatFrequencyMS=int(HEARTBEAT_S * 1000),
            connectTimeoutMS=int(SILENCE_S * 1000),
            appname="rfispider",
        )
    except (PyMongoError, ValueError, TypeError) as error:
        raise DatabaseError(redacted(f"MONGO_URI is not a MongoDB URI: {error}", uri)) from error
