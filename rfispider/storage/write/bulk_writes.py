"""The writes that bring decisions about, one for each article of a batch, and what the server says of each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import bson
from bson.errors import BSONError
from pymongo import InsertOne, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, DocumentTooLarge, OperationFailure, PyMongoError

from rfispider.items import Outcome
from rfispider.storage import documents
from rfispider.storage.documents import CONTENT_FIELDS, Document
from rfispider.storage.policy.bonds import Alias
from rfispider.storage.policy.versioning import ArticleVersion, Decision
from rfispider.storage.search.segments import SEARCHED

Write = InsertOne[Document] | UpdateOne

DOCUMENT_BYTES: Final = (16 * 1024 - 16) * 1024
"""maxBsonObjectSize of every MongoDB server, less what frames a write."""

_DUPLICATE_KEY: Final = 11000

_ONE_DOCUMENT: Final = frozenset({121, 10334, 17419, 17420})
"""Errors of one document and not of the server: DocumentValidationFailure, BSONObjectTooLarge, and the latter's
numbers where an update makes a document too large."""

_GROWING: Final = ("aliases", "sources")
"""Lists that values are only ever added to."""


@dataclass(frozen=True, slots=True)
class WritePlan:
    """What is to become of one article."""

    old: ArticleVersion | None
    """The state that it was compared with: of its own key or, for an alias, of the article that it is."""
    decision: Decision
    outcome: Outcome
    restored: ArticleVersion | None = None
    """Its last state before it became an alias, when it is an article again."""
    aliases: tuple[Alias, ...] = ()
    """Aliases of the document that are written or seen again."""
    moved: tuple[Alias, ...] = ()
    """Those of them that were aliases of another article until now, as they were."""
    released: tuple[Alias, ...] = ()
    """URLs that are aliases no more: its own, and what follows it."""
    freed: ArticleVersion | None = None
    """An article that holds its content, but whose latest answer shows another."""

    @property
    def key(self) -> str:
        """Key of the document that is written."""
        return self.decision.state.article.key


@dataclass(slots=True)
class WriteResult:
    """What became of a batch of writes; those that are in neither were done."""

    late: set[str] = field(default_factory=set)
    """Keys of those that found another state than they were made for."""
    refused: dict[str, str] = field(default_factory=dict)
    """Key -> reason, of those that the server or the driver cannot take."""

    def is_done(self, key: str) -> bool:
        """Whether a write was done."""
        return key not in self.late and key not in self.refused


def has_new_content(decision: Decision) -> bool:
    """Whether what the archive derives from a text has to be derived anew."""
    return not CONTENT_FIELDS.isdisjoint(decision.updated)


def has_new_words(plan: WritePlan) -> bool:
    """Whether an article has to be filed in the search index anew."""
    return plan.old is None or not SEARCHED.isdisjoint(plan.decision.updated)


def superseded_states(plans: Iterable[WritePlan]) -> list[Document]:
    """The documents of the present states that plans supersede."""
    return [_superseded(plan.old, plan.decision) for plan in plans if plan.old and plan.decision.changed]


def superseded_restored(plans: Iterable[WritePlan]) -> list[Document]:
    """The documents of the last states of articles that are restored and go on with another one."""
    return [_superseded(plan.restored, plan.decision) for plan in plans if plan.restored and plan.decision.changed]


def _superseded(old: ArticleVersion, decision: Decision) -> Document:
    return documents.revision_document(old, decision.state.changed_at, decision.changed)


def write(plan: WritePlan) -> Write | None:
    """The write that brings a plan about; None when there is nothing to write."""
    old, state = plan.old, plan.decision.state
    if old is None:
        return InsertOne(documents.article_document(state))
    operators = _update(old, plan.decision)
    if not operators:
        return None
    if not plan.decision.updated:
        return UpdateOne({"_id": plan.key}, operators)
    # An upsert that finds another state collides with the `_id`: so each lost race is reported by itself.
    return UpdateOne({"_id": plan.key, **guard(old)}, operators, upsert=True)


def guard(old: ArticleVersion) -> Document:
    """What holds of the document of a state for as long as nobody has written another content, or a later fetch."""
    return {"revision": old.revision, "fetched_at": old.guard or old.article.fetched_at}


def _update(old: ArticleVersion, decision: Decision) -> Document:
    """The update operators of a change."""
    state = decision.state
    values = _values(decision)
    operators = {
        "$max": _if_other(last_seen_at=(old.last_seen_at, state.last_seen_at)),
        "$min": _if_other(first_seen_at=(old.first_seen_at, state.first_seen_at)),
        "$set": {
            **{name: value for name, value in values.items() if value is not None},
            **_if_other(silent_edits=(old.silent_edits, state.silent_edits), ticker=(old.ticker, state.ticker)),
        },
        "$unset": {name: "" for name, value in values.items() if value is None},
        "$addToSet": _additions(old, state),
    }
    if decision.changed:
        # An upsert takes the present revision from its own filter: `$inc` would collide with it, `$set` does not.
        operators["$set"] |= {"revision": state.revision, "changed_at": state.changed_at}
    return {operator: operands for operator, operands in operators.items() if operands}


def _values(decision: Decision) -> Document:
    """Field name -> its new value, None for what is to be absent; without lists that grow."""
    article = decision.state.article
    names = [name for name in decision.updated if name not in _GROWING]
    values = {name: documents.encoded(name, getattr(article, name)) for name in names}
    if has_new_content(decision):
        values |= documents.derived(decision.state)
    return values


def _if_other(**values: tuple[Any, Any]) -> Document:
    """Name -> the second of two values, where it is another than the first."""
    return {name: new for name, (old, new) in values.items() if new != old}


def _additions(old: ArticleVersion, state: ArticleVersion) -> Document:
    """Operands of `$addToSet`: of two workers that add to one list at once, neither takes away what the other adds."""
    operands: Document = {}
    for name in _GROWING:
        before = getattr(old.article, name)
        added = [value for value in getattr(state.article, name) if value not in before]
        if added:
            operands[name] = {"$each": added}
    return operands


class BulkWriter:
    """Writes batches of articles and sorts out what the server says of each."""

    def __init__(self, articles: AsyncCollection[Document]) -> None:
        self._articles = articles

    async def write(self, plans: Mapping[str, WritePlan]) -> WriteResult:
        """Write all articles, each given under its key.

        Raises:
            PyMongoError: the server failed, and not for one of the documents.

        """
        writes = {key: one for key, plan in plans.items() if (one := write(plan))}
        result = await self._write(writes)
        overtaken = await self._overtaken({key: plans[key] for key in result.refused})
        result.late |= overtaken
        result.refused = {key: reason for key, reason in result.refused.items() if key not in overtaken}
        return result

    async def _write(self, writes: Mapping[str, Write]) -> WriteResult:
        if not writes:
            return WriteResult()
        try:
            await self._articles.bulk_write(list(writes.values()), ordered=False)
        except BulkWriteError as error:
            return _sorted_out(error, list(writes))
        except (BSONError, OperationFailure, DocumentTooLarge, UnicodeError, OverflowError):
            # For one document that cannot be sent, driver or server refuse the whole batch.
            unfit = {key: reason for key, one in writes.items() if (reason := _unfit(one))}
            if not unfit:
                raise
            result = await self._write({key: one for key, one in writes.items() if key not in unfit})
            result.refused |= unfit
            return result
        return WriteResult()

    async def _overtaken(self, refused: Mapping[str, WritePlan]) -> set[str]:
        """Those of the refused changes that came too late.

        An update that finds another revision tries to insert what little it holds, and the validator may refuse
        that before the `_id` collides. Both only grow: if the state that was meant still holds, it was found.
        """
        compared = {key: plan.old for key, plan in refused.items() if plan.old}
        if not compared:
            return set()
        keys = [old.article.key for old in compared.values()]
        cursor = self._articles.find({"_id": {"$in": keys}}, {"revision": 1, "fetched_at": 1})
        present = {document.pop("_id"): document for document in await cursor.to_list()}
        return {key for key, old in compared.items() if present.get(old.article.key) != guard(old)}


def _sorted_out(error: BulkWriteError, keys: Sequence[str]) -> WriteResult:
    """Lost races and refused documents; raises the error again when it is of another kind."""
    details: Mapping[str, Any] = error.details
    result, is_of_documents = WriteResult(), not details["writeConcernErrors"]
    for failure in details["writeErrors"]:
        key = keys[failure["index"]]
        if failure["code"] == _DUPLICATE_KEY:
            result.late.add(key)
        elif failure["code"] in _ONE_DOCUMENT:
            result.refused[key] = f"{failure['errmsg']} {failure.get('errInfo', {}).get('details', '')}"
        else:
            is_of_documents = False
    if not is_of_documents:
        raise error
    return result


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
