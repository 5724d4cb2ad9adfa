"""Superseded states in MongoDB, written before the article that supersedes them.

A crash between the two writes leaves a superseded state that the next attempt writes again, under the same `_id`.
"""

from collections.abc import Mapping, Sequence

from pymongo import ReplaceOne
from pymongo.asynchronous.collection import AsyncCollection

from rfispider.storage import documents
from rfispider.storage.documents import Document
from rfispider.storage.policy.versioning import ArticleVersion
from rfispider.storage.policy.visible_edits import edits
from rfispider.storage.schema import HISTORY


class RevisionWriter:
    """Writes superseded states. One object may be used by many tasks at once."""

    def __init__(self, revisions: AsyncCollection[Document]) -> None:
        self._revisions = revisions

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
            successor = await self._successor(old, stored[key]) if key in stored else None
            if successor:
                # By now the successor may have been touched up so that no edit is left to see.
                changed = edits(old.article, successor.article) or ["fetched_at"]
                corrected.append(documents.revision_document(old, successor.changed_at, changed))
        await self.write(corrected)

    async def ended(self, keys: Sequence[str]) -> dict[str, Document]:
        """The last states of those of the articles, by key, that became aliases of others."""
        cursor = self._revisions.find({"article": {"$in": keys}, "changed": "url"}, hint=HISTORY).sort("revision")
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
