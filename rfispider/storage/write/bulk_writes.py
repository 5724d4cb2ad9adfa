"""The writes that bring decisions about, and what the server says of each: pure, one for each article of a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bson
from bson.errors import BSONError
from pymongo import InsertOne, UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError

from rfispider.items import Outcome
from rfispider.storage import documents
from rfispider.storage.documents import CONTENT, Document
from rfispider.storage.policy.versioning import ArticleVersion, Decision
from rfispider.storage.search.segments import SEARCHED

Write = InsertOne[Document] | UpdateOne

DOCUMENT_BYTES = (16 * 1024 - 16) * 1024
"""maxBsonObjectSize of every MongoDB server, less what frames a write."""

_DUPLICATE_KEY = 11000

_ONE_DOCUMENT = frozenset({121, 10334, 17419, 17420})
"""Errors of one document and not of the server: DocumentValidationFailure, BSONObjectTooLarge, and the latter's
numbers where an update makes a document too large."""

_GROWING = ("aliases", "sources")
"""Lists that values are only ever added to."""

_GUARDED_BY_MAX = frozenset({"fetched_at"})
"""Only ever grows for the same content, so that it needs no guard."""


@dataclass(frozen=True, slots=True)
class WritePlan:
    """What is to become of one article."""

    old: ArticleVersion | None
    """The state that it was compared with: of its own key or, for an alias, of the article that it is."""
    decision: Decision
    outcome: Outcome
    released: tuple[ArticleVersion, ...] = ()
    """Articles of which its URL was an alias, which it is no more."""

    @property
    def key(self) -> str:
        """Key of the document that is written."""
        return self.decision.state.article.key


def has_new_content(decision: Decision) -> bool:
    """Whether what the archive derives from a text has to be derived anew."""
    return not CONTENT.isdisjoint(decision.updated)


def has_new_words(plan: WritePlan) -> bool:
    """Whether an article has to be filed in the search index anew."""
    return plan.old is None or not SEARCHED.isdisjoint(plan.decision.updated)


def superseded(plan: WritePlan) -> Document:
    """The document of the state that a plan supersedes."""
    assert plan.old  # noqa: S101 - only what was stored can be changed
    return documents.revision_document(plan.old, plan.decision.state.changed_at, plan.decision.changed)


def write(plan: WritePlan) -> Write | None:
    """The write that brings a plan about; None when there is nothing to write."""
    old, state = plan.old, plan.decision.state
    if old is None:
        return InsertOne(documents.article_document(state))
    values = _update(old, plan.decision)
    if not values:
        return None
    if _GUARDED_BY_MAX.issuperset(plan.decision.updated):
        return UpdateOne({"_id": plan.key}, values)
    # An upsert that finds another revision collides with the `_id`: so each lost race is reported by itself.
    return UpdateOne({"_id": plan.key, "revision": old.revision}, values, upsert=True)


def _update(old: ArticleVersion, decision: Decision) -> Document:
    """The update operators of a change."""
    state = decision.state
    values = {
        name: documents.encoded(name, getattr(state.article, name)) for name in decision.updated if name not in _GROWING
    }
    if has_new_content(decision):
        values |= documents.derived(state)
    seen = {
        "$max": {"last_seen_at": state.last_seen_at} if state.last_seen_at != old.last_seen_at else {},
        "$min": {"first_seen_at": state.first_seen_at} if state.first_seen_at != old.first_seen_at else {},
        "$set": {name: value for name, value in values.items() if value is not None} | _counted(old, state),
        "$unset": {name: "" for name, value in values.items() if value is None},
        # Of two workers that add to the same list at the same moment, neither takes away what the other adds.
        "$addToSet": {name: {"$each": added} for name in _GROWING if (added := _added(name, old, state))},
    }
    if decision.changed:
        # An upsert takes the present revision from its own filter: `$inc` would collide with it, `$set` does not.
        seen["$set"] |= {"revision": state.revision, "changed_at": state.changed_at}
    return {operator: operands for operator, operands in seen.items() if operands}


def _counted(old: ArticleVersion, state: ArticleVersion) -> Document:
    counts = {"silent_edits": state.silent_edits, "ticker": state.ticker}
    return {name: value for name, value in counts.items() if value != getattr(old, name)}


def _added(name: str, old: ArticleVersion, state: ArticleVersion) -> list[str]:
    known = getattr(old.article, name)
    return [value for value in getattr(state.article, name) if value not in known]


def sorted_out(error: BulkWriteError, keys: Sequence[str]) -> tuple[set[str], dict[str, str]]:
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


def unfit(write: Write) -> str | None:
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
