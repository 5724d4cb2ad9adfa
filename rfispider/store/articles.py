"""A batch of articles is stored in a handful of round trips, against any number of other workers.

Read what is stored, decide, write the superseded states, then the articles. Each write of an article holds only
for the revision that was read: when another worker was faster, the article is read and decided again. A crash
between the two writes leaves a superseded state that the next attempt writes again, under the same `_id`.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import bson
from bson.errors import BSONError
from pymongo import InsertOne, ReplaceOne, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, DocumentTooLarge, OperationFailure, PyMongoError

from rfispider.items import Article, Outcome
from rfispider.revisions import Decision, Stored, decide, edits
from rfispider.store import documents
from rfispider.store.documents import PROJECTION, Document
from rfispider.store.errors import StoreError

logger = logging.getLogger(__name__)

Write = InsertOne[Document] | UpdateOne

LOST_RACES = 50
"""Rounds in a row in which every single write came too late, before something else must be wrong."""

DOCUMENT_BYTES = (16 * 1024 - 16) * 1024
"""maxBsonObjectSize of every MongoDB server, less what frames a write."""

_DUPLICATE_KEY = 11000

_ONE_DOCUMENT = frozenset({121, 10334, 17419, 17420})
"""Errors of one document and not of the server: DocumentValidationFailure, BSONObjectTooLarge, and the latter's
numbers where an update makes a document too large."""

_GUARDED_BY_MAX = frozenset({"fetched_at"})
"""Only ever grows for the same content, so that it needs no guard."""


class Writer:
    """Stores articles. One object may be used by many tasks at once."""

    def __init__(self, articles: AsyncCollection[Document], revisions: AsyncCollection[Document]) -> None:
        self._articles = articles
        self._revisions = revisions

    async def save(self, articles: Sequence[Article]) -> list[Outcome]:
        """NEW, CHANGED or SAME for each article, in order; FAILED for one that MongoDB cannot hold, which is logged.

        The same article may come several times: each is decided after the one before it. When this returns, all
        else is on the disks of a majority. Raises PyMongoError when the server fails, StoreError when no write
        gets through between those of others.
        """
        outcomes: dict[int, Outcome] = {}
        waiting = list(range(len(articles)))
        lost: dict[str, Stored] = {}
        races = 0
        while waiting:
            first = {articles[index].key: index for index in reversed(waiting)}
            settled = await self._round([articles[index] for index in first.values()], lost)
            outcomes |= {first[key]: outcome for key, outcome in settled.items()}
            waiting = [index for index in waiting if index not in outcomes]
            races = 0 if settled else races + 1
            if races > LOST_RACES:
                raise StoreError(f"{len(waiting)} articles were not stored: other workers were faster each time")
        return [outcomes[index] for index in range(len(articles))]

    async def _round(self, articles: Sequence[Article], lost: dict[str, Stored]) -> dict[str, Outcome]:
        """Outcomes by key of the articles that could be stored; keys differ. What is missing lost a race.

        `lost` carries from round to round the states that this batch wrote down as superseded by a write of its
        own, when it was another's.
        """
        stored = await self._read([article.key for article in articles])
        await self._correct(lost, stored)
        decisions = {article.key: decide(stored.get(article.key), article) for article in articles}
        superseded = {key: stored[key] for key, decision in decisions.items() if decision.changed}
        await self._supersede([_superseded(old, decisions[key]) for key, old in superseded.items()])
        writes = {key: _write(stored.get(key), decision) for key, decision in decisions.items()}
        late, refused = await self._write({key: write for key, write in writes.items() if write})
        late |= await self._outrun({key: stored[key].revision for key in refused if key in stored})
        lost.update({key: old for key, old in superseded.items() if key in late})
        for key in refused.keys() - late:
            logger.error("article %s was not stored: %s", decisions[key].state.article.url, refused[key])
        outcomes = {key: decision.outcome for key, decision in decisions.items() if key not in late}
        return outcomes | dict.fromkeys(refused.keys() - late, Outcome.FAILED)

    async def _read(self, keys: Sequence[str]) -> dict[str, Stored]:
        found = self._articles.find({"_id": {"$in": list(keys)}}, PROJECTION, batch_size=len(keys) + 1)
        return {document["_id"]: documents.stored(document) for document in await found.to_list()}

    async def _supersede(self, superseded: Sequence[Document]) -> None:
        if superseded:
            replacements = [ReplaceOne({"_id": document["_id"]}, document, upsert=True) for document in superseded]
            await self._revisions.bulk_write(replacements, ordered=False)

    async def _correct(self, lost: dict[str, Stored], stored: Mapping[str, Stored]) -> None:
        """Write again, with what really came after them, the superseded states of writes that lost their race."""
        if not lost:
            return
        corrected = []
        for key, old in lost.items():
            successor = await self._successor(old, stored[key]) if key in stored else None
            if successor:
                # By now the successor may have been touched up so that no edit is left to see.
                changed = edits(old.article, successor.article) or ["fetched_at"]
                corrected.append(documents.revision_document(old, successor.changed_at, changed))
        await self._supersede(corrected)
        lost.clear()

    async def _successor(self, old: Stored, present: Stored) -> Stored | None:
        """The state that came right after an old one; None when the old one still holds."""
        following = old.revision + 1
        if present.revision <= following:
            return present if present.revision == following else None
        document = await self._revisions.find_one({"_id": documents.revision_id(old.article.key, following)})
        if document is None:
            return None
        article = documents.article(old.article.key, document)
        at = document["valid_from"]
        return Stored(article=article, revision=following, first_seen_at=at, last_seen_at=at, changed_at=at)

    async def _outrun(self, refused: Mapping[str, int]) -> set[str]:
        """Those of the refused changes, given with the revision they were meant for, that came too late.

        An update that finds another revision tries to insert what little it holds, and the validator may refuse
        that before the `_id` collides. Revisions only grow: if the one meant still holds, it was found.
        """
        if not refused:
            return set()
        cursor = self._articles.find({"_id": {"$in": list(refused)}}, {"revision": 1})
        present = {document["_id"]: document["revision"] for document in await cursor.to_list()}
        return {key for key, revision in refused.items() if present.get(key) != revision}

    async def _write(self, writes: Mapping[str, Write]) -> tuple[set[str], dict[str, str]]:
        """Write all articles; the keys of those that came too late, and what was refused with the reason."""
        if not writes:
            return set(), {}
        keys = list(writes)
        try:
            await self._articles.bulk_write(list(writes.values()), ordered=False)
        except BulkWriteError as error:
            return _sorted_out(error, keys)
        except (BSONError, OperationFailure, DocumentTooLarge, UnicodeError, OverflowError):
            # For one document that cannot be sent, driver or server refuse the whole batch.
            unfit = {key: why for key, write in writes.items() if (why := _unfit(write))}
            if not unfit:
                raise
            late, refused = await self._write({key: write for key, write in writes.items() if key not in unfit})
            return late, refused | unfit
        return set(), {}


def _superseded(old: Stored, decision: Decision) -> Document:
    return documents.revision_document(old, decision.state.changed_at, decision.changed)


def _write(old: Stored | None, decision: Decision) -> Write | None:
    """The write that brings the decision about; None when there is nothing to write."""
    state = decision.state
    if old is None:
        return InsertOne(documents.article_document(state))
    values = _update(old, decision)
    if not values:
        return None
    if _GUARDED_BY_MAX.issuperset(decision.updated):
        return UpdateOne({"_id": state.article.key}, values)
    # An upsert that finds another revision collides with the `_id`: so each lost race is reported by itself.
    return UpdateOne({"_id": state.article.key, "revision": old.revision}, values, upsert=True)


def _update(old: Stored, decision: Decision) -> Document:
    """The update operators of a change."""
    state = decision.state
    values = {name: documents.encoded(name, getattr(state.article, name)) for name in decision.updated}
    seen = {
        "$max": {"last_seen_at": state.last_seen_at} if state.last_seen_at != old.last_seen_at else {},
        "$min": {"first_seen_at": state.first_seen_at} if state.first_seen_at != old.first_seen_at else {},
        "$set": {name: value for name, value in values.items() if value is not None},
        "$unset": {name: "" for name, value in values.items() if value is None},
    }
    if decision.changed:
        # An upsert takes the present revision from its own filter: `$inc` would collide with it, `$set` does not.
        seen["$set"] |= {"revision": state.revision, "changed_at": state.changed_at}
    return {operator: operands for operator, operands in seen.items() if operands}


def _sorted_out(error: BulkWriteError, keys: Sequence[str]) -> tuple[set[str], dict[str, str]]:
    """Lost races and refused documents; raises the error again when it is of another kind."""
    details: Mapping[str, Any] = error.details
    failures = details["writeErrors"]
    if details["writeConcernErrors"] or any(
        failure["code"] != _DUPLICATE_KEY and failure["code"] not in _ONE_DOCUMENT for failure in failures
    ):
        raise error
    late = {keys[failure["index"]] for failure in failures if failure["code"] == _DUPLICATE_KEY}
    refused = {
        keys[failure["index"]]: f"{failure['errmsg']} {failure.get('errInfo', {}).get('details', '')}"
        for failure in failures
        if failure["code"] != _DUPLICATE_KEY
    }
    return late, refused


def _unfit(write: Write) -> str | None:
    """Why a write cannot be encoded, or not within the size of a document; None when it can."""
    try:
        size = len(bson.encode(_payload(write)))
    except (BSONError, PyMongoError, UnicodeError, OverflowError) as error:
        return str(error)
    return f"{size} bytes are more than the {DOCUMENT_BYTES} of MongoDB" if size > DOCUMENT_BYTES else None


def _payload(write: Write) -> Mapping[str, Any]:
    """The document of an insert, the operators of an update."""
    payload: Mapping[str, Any] = write._doc  # type: ignore[assignment]  # noqa: SLF001 - there is no public way
    return payload
