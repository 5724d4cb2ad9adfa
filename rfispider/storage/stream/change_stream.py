"""What changes in the archive, as it changes: each new revision of an article once, from a position on.

The server's own order of majority writes is followed (a change stream), not the clocks of the workers: nothing is
missed between two looks, whatever was in flight and whatever the clocks say. A position holds for as long as the
server's oplog reaches back.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, NamedTuple, Self, TypeVar

from bson import Timestamp
from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from rfispider.mongo.errors import DatabaseError
from rfispider.storage.documents import Document
from rfispider.storage.read.selection import ARTICLES_PER_BATCH, Selection, revisions

AWAIT_MS: Final = 200
"""Milliseconds for which the server waits for a change before it answers that there is none."""

PAGES_PER_BATCH: Final = 50
"""Raw pages in one batch."""

RETRY_S: Final = 1.0
"""Seconds between two attempts to reach a server that went away."""

_LOST: Final = frozenset({136, 260, 280, 286})
"""Error codes CappedPositionLost, InvalidResumeToken, ChangeStreamFatalError and ChangeStreamHistoryLost."""

_REVISION: Final = "updateDescription.updatedFields.revision"
_PUT: Final[Document] = {"operationType": {"$in": ["insert", "replace"]}}
_REVISED: Final[Document] = {"operationType": "update", _REVISION: {"$exists": True}}
_NUMBER: Final[Document] = {"$ifNull": ["$fullDocument.revision", f"${_REVISION}"]}

Followed = TypeVar("Followed")


@dataclass(frozen=True, slots=True)
class ChangeFeed(Generic[Followed]):
    """What of a collection is followed, and what is handed on of it."""

    collection: AsyncCollection[Document]
    pipeline: Sequence[Document]
    """Picks the changes; leaves `documentKey`, and `revision` where there is one."""
    fetch: Callable[[Mapping[str, Any]], Awaitable[list[Followed]]]
    """The selected ones of the changed documents, given as `_id` -> revision."""
    size: int
    """Changes in one batch at most."""
    session: AsyncClientSession


def of_articles(
    articles: AsyncCollection[Document], selected: Selection, session: AsyncClientSession
) -> ChangeFeed[Document]:
    """New revisions of selected articles. One that changed again by now is left to its later change."""
    projection: Document = {"$project": {"documentKey": 1, "revision": _NUMBER}}
    pipeline: list[Document] = [{"$match": {"$or": [_PUT, _REVISED]}}, projection]
    return ChangeFeed(
        articles, pipeline, lambda keys: revisions(articles, selected, keys, session), ARTICLES_PER_BATCH, session
    )


def of_pages(
    pages: AsyncCollection[Document], condition: Document, session: AsyncClientSession
) -> ChangeFeed[Document]:
    """Pages as they are kept."""

    async def fetch(keys: Mapping[str, Any]) -> list[Document]:
        return await pages.find({"_id": {"$in": list(keys)}, **condition}, session=session).to_list()

    pipeline = [{"$match": _PUT}, {"$project": {"documentKey": 1}}]
    return ChangeFeed(pages, pipeline, fetch, PAGES_PER_BATCH, session)


class HistoryLost(DatabaseError):
    """The oplog of the server does not reach back to a position any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in the server's order of writes: after a change that was handed on, or at a moment."""

    at: datetime
    """When that was (UTC), for people, and for those who have to go by the time alone."""
    token: Mapping[str, Any] | None = None
    """Of the change stream: what follows it is new."""
    cluster_time: tuple[int, int] | None = None
    """Seconds since 1970 and ordinal: what was written then or later is new."""

    def start(self) -> dict[str, Any]:
        """The option of a change stream that starts here."""
        if self.token is not None:
            return {"start_after": self.token}
        return {"start_at_operation_time": Timestamp(*self.cluster_time)} if self.cluster_time else {}

    def as_document(self) -> dict[str, Any]:
        """The position in values that JSON has."""
        token = {"token": dict(self.token)} if self.token else {}
        cluster_time = {"cluster_time": list(self.cluster_time)} if self.cluster_time else {}
        return {"at": self.at.isoformat(), **token, **cluster_time}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The position that `as_document` gave.

        Raises:
            KeyError, TypeError, ValueError: it is none.

        """
        seconds, ordinal = document.get("cluster_time") or (0, 0)
        at = document["at"] if isinstance(document["at"], datetime) else datetime.fromisoformat(document["at"])
        return cls(at=at, token=document.get("token"), cluster_time=(int(seconds), int(ordinal)) if seconds else None)


class ChangeBatch(NamedTuple, Generic[Followed]):
    """A batch of what changed, in order."""

    items: list[Followed]
    """The selected ones of what changed; there may be none."""
    position: Position
    """After all of the changes."""
    is_last: bool
    """Whether nothing more has changed for now."""


async def changes(feed: ChangeFeed[Followed], start: Position) -> AsyncIterator[ChangeBatch[Followed]]:
    """Batches of what changed after a position, without end; empty ones while nothing happens, as positions move on.

    Raises:
        HistoryLost: the oplog does not hold the start any more.

    """
    try:
        options = {"max_await_time_ms": AWAIT_MS, "session": feed.session, **start.start()}
        async with await feed.collection.watch(feed.pipeline, **options) as stream:
            while stream.alive:
                began = _server_time(feed.session) or start.at
                changed = await _changed(stream, feed.size)
                documents = await feed.fetch(changed) if changed else []
                yield ChangeBatch(documents, Position(at=began, token=stream.resume_token), not changed)
    except OperationFailure as error:
        if error.code in _LOST:
            raise HistoryLost("the oplog of the server does not reach back to the position any more") from error
        raise


def _server_time(session: AsyncClientSession) -> datetime | None:
    """When the server did what it was asked last in a session (UTC); None when it does not say."""
    return session.operation_time.as_datetime() if session.operation_time else None


async def _changed(stream: AsyncChangeStream[Document], size: int) -> dict[str, Any]:
    """The next changes that are there: `_id` -> revision, the last one of each."""
    changed: dict[str, Any] = {}
    while len(changed) < size and (event := await stream.try_next()) is not None:
        changed[event["documentKey"]["_id"]] = event.get("revision")
    return changed


async def follow(
    feed: ChangeFeed[Followed], start: Position, on_error: Callable[[PyMongoError], None]
) -> AsyncIterator[ChangeBatch[Followed]]:
    """As `changes`, but waits for a server that went away for as long as it takes; `on_error` is called each time."""
    position = start
    while True:
        try:
            async for batch in changes(feed, position):
                position = batch.position
                yield batch
        except PyMongoError as error:
            if not _is_passing(error):
                raise
            on_error(error)
            await asyncio.sleep(RETRY_S)


def _is_passing(error: PyMongoError) -> bool:
    return isinstance(error, ConnectionFailure) or error.has_error_label("ResumableChangeStreamError")
