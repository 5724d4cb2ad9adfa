"""Superseded states in MongoDB, written before the article that supersedes them, and looked at again after it.

A crash between the two writes leaves a superseded state that the next attempt writes again, under the same `_id`.
"""

from collections.abc import Mapping, Sequence

from pymongo import ReplaceOne
from pymongo.asynchronous.collection import AsyncCollection

from rfispider.items import SCHEMA
from rfispider.storage import documents
from rfispider.storage.documents import Document
from rfispider.storage.policy.versioning import ArticleVersion
from rfispider.storage.policy.visible_edits import edits
from rfispider.storage.schema import HISTORY_INDEX


class RevisionWriter:
    """Writes superseded states. One object may be used by many tasks at once."""

    def __init__(self, articles: AsyncCollection[Document], revisions: AsyncCollection[Document]) -> None:
        self._articles = articles
        self._revisions = revisions

    async def supersede(self, superseded: Sequence[Document]) -> None:
        """Write the present states of articles down as superseded, given as documents of `revisions`.

        The server copies each from the article, if that is still in this state: a worker that stood still meanwhile
        does not overwrite what its successor wrote down.
        """
        if superseded:
            cursor = await self._articles.aggregate(_copied(superseded, self._revisions.name))
            await cursor.to_list()

    async def settle(self, superseded: Sequence[Document]) -> None:
        """Make sure that states which were superseded are written down as such, and not as another worker meant to."""
        if not superseded:
            return
        ends = {document["_id"]: document["valid_to"] for document in superseded}
        cursor = self._revisions.find({"_id": {"$in": list(ends)}}, {"valid_to": 1})
        written = {document["_id"]: document["valid_to"] for document in await cursor.to_list()}
        await self.write([document for document in superseded if written.get(document["_id"]) != document["valid_to"]])

    async def write(self, superseded: Sequence[Document]) -> None:
        """Write documents of superseded states, whether they are there already or not."""
        if superseded:
            replacements = [ReplaceOne({"_id": document["_id"]}, document, upsert=True) for document in superseded]
            await self._revisions.bulk_write(replacements, ordered=False)

    async def correct(self, overtaken: Mapping[str, ArticleVersion], stored: Mapping[str, ArticleVersion]) -> None:
        """Write superseded states again, with what really came after them.

        `overtaken` are states, by key, that were written down as superseded by a write that lost its race; `stored`
        are the present states.
        """
        corrected = []
        for key, old in overtaken.items():
            if key in stored and stored[key].revision == old.revision:
                # The other one saw the same again: this state holds still.
                await self.remove(old)
            successor = await self._successor(old, stored[key]) if key in stored else None
            if successor:
                # By now the successor may have been touched up so that no edit is left to see.
                changed = edits(old.article, successor.article) or ["fetched_at"]
                corrected.append(documents.revision_document(old, successor.changed_at, changed))
        await self.write(corrected)

    async def ended(self, keys: Sequence[str]) -> dict[str, Document]:
        """The last states of those of the articles, by key, that became aliases of others."""
        cursor = self._revisions.find({"article": {"$in": keys}, "changed": "url"}, hint=HISTORY_INDEX).sort("revision")
        return {document["article"]: document for document in await cursor.to_list()}

    async def remove(self, state: ArticleVersion) -> None:
        """Remove the superseded state that turned out to be the present one."""
        await self._revisions.delete_one({"_id": documents.revision_id(state.article.key, state.revision)})

    async def has_content(self, key: str, content_hash: str) -> bool:
        """Whether an article once had this content."""
        query = {"article": key, "content_hash": content_hash}
        return await self._revisions.find_one(query, {"_id": 1}) is not None

    async def _successor(self, old: ArticleVersion, present: ArticleVersion) -> ArticleVersion | None:
        """The state that came right after an old one; None when the old one still holds."""
        following = old.revision + 1
        if present.revision <= following:
            return present if present.revision == following else None
        document = await self._revisions.find_one({"_id": documents.revision_id(old.article.key, following)})
        if document is None:
            return None
        article = documents.article(old.article.key, document)
        at = document["valid_from"]
        return ArticleVersion(article=article, revision=following, first_seen_at=at, last_seen_at=at, changed_at=at)


def _copied(superseded: Sequence[Document], revisions: str) -> list[Document]:
    """The aggregation on `articles` that copies states, if they are the present ones, to `revisions`."""
    states = [{"_id": each["article"], "revision": each["revision"]} for each in superseded]
    ends = [{name: each[name] for name in ("article", "valid_to", "changed")} for each in superseded]
    is_of_article = {"$eq": ["$$this.article", "$_id"]}
    end = {"$first": {"$filter": {"input": {"$literal": ends}, "cond": is_of_article}}}
    document = {
        **{name: 1 for name in documents.STORED_FIELDS if name not in documents.NOT_SUPERSEDED},
        "_id": {"$concat": ["$_id", ":", {"$toString": "$revision"}]},
        "schema": {"$literal": SCHEMA},
        "article": "$_id",
        "revision": 1,
        "valid_from": "$changed_at",
        "valid_to": "$end.valid_to",
        "changed": "$end.changed",
    }
    return [
        {"$match": {"$or": states}},
        {"$set": {"end": end}},
        {"$project": document},
        {"$merge": {"into": revisions, "on": "_id", "whenMatched": "replace", "whenNotMatched": "insert"}},
    ]
