"""Second URLs of an article in MongoDB: who has the content or the URL already, and two articles that became one."""

from collections.abc import Collection, Sequence

from pymongo import DESCENDING, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection

from rfispider.items import Article
from rfispider.site import urls
from rfispider.storage import documents
from rfispider.storage.documents import PROJECTION, Document
from rfispider.storage.policy.identity import identity, is_known_alias, owner
from rfispider.storage.policy.versioning import SOURCES_MAX, ArticleVersion


class AliasWriter:
    """Tells which articles are one. One object may be used by many tasks at once."""

    def __init__(self, articles: AsyncCollection[Document], revisions: AsyncCollection[Document]) -> None:
        self._articles = articles
        self._revisions = revisions

    async def candidates(self, seen: Sequence[Article]) -> list[ArticleVersion]:
        """The stored articles that any of these may be, by content, alias, redirect or short link."""
        if not seen:
            return []
        wanted = {
            "identity": [name for article in seen if (name := identity(article))],
            "aliases": [article.url for article in seen],
            "short_code": [article.short_code for article in seen if article.short_code],
            "_id": [urls.key(url) for article in seen for url in article.aliases],
        }
        clauses: list[Document] = [{name: {"$in": values}} for name, values in wanted.items() if values]
        for clause in clauses:
            if "aliases" in clause:
                clause["aliases.0"] = {"$exists": True}  # always true of a match: so the partial index will do
        found = await self._articles.find({"$or": clauses}, PROJECTION).to_list()
        return [documents.stored(document) for document in found]

    async def owner(self, seen: Article, candidates: Sequence[ArticleVersion]) -> ArticleVersion | None:
        """The article that `seen`, whose URL is no document, is another URL of; None when it is one of its own.

        An alias that is behind, whose content is that of a superseded state, is one still.
        """
        found = owner(seen, (candidate for candidate in candidates if candidate.article.key != seen.key))
        if found:
            return found
        for candidate in aliased(seen, candidates):
            state = {"article": candidate.article.key, "content_hash": seen.content_hash}
            if await self._revisions.find_one(state, {"_id": 1}):
                return candidate
        return None

    async def last_revision(self, key: str) -> int:
        """The number of the last superseded state under a key; 0 when there is none."""
        last = await self._revisions.find_one({"article": key}, {"revision": 1}, sort=[("revision", DESCENDING)])
        return int(last["revision"]) if last else 0

    async def merge(self, elder: ArticleVersion, later: ArticleVersion) -> bool:
        """Make one of two articles that have become the same: the later one ends, its URLs become aliases.

        What was stored under its key stays among the revisions. False when another worker changed the later one
        at the same moment: nothing has ended then, and the two have to be read and decided again.
        """
        aliases, sources = [later.article.url, *later.article.aliases], later.article.sources
        room = max(SOURCES_MAX - len(elder.article.sources), 0)
        update = {
            "$addToSet": {"aliases": {"$each": aliases}, "sources": {"$each": sources[:room]}},
            "$min": {"first_seen_at": later.first_seen_at},
            "$max": {"last_seen_at": later.last_seen_at},
        }
        kept = await self._articles.update_one({"_id": elder.article.key, "revision": elder.revision}, update)
        if not kept.matched_count:
            return False
        ending = documents.revision_document(later, max(later.changed_at, later.last_seen_at), ["url"])
        await self._revisions.replace_one({"_id": ending["_id"]}, ending, upsert=True)
        unchanged = {"_id": later.article.key, "revision": later.revision, "aliases": later.article.aliases}
        ended = await self._articles.delete_one(unchanged)
        return bool(ended.deleted_count)

    async def release(self, alias: Article, owners: Collection[ArticleVersion]) -> None:
        """Take a URL that has become an article of its own from the aliases of others."""
        released = [UpdateOne({"_id": each.article.key}, {"$pull": {"aliases": alias.url}}) for each in owners]
        if released:
            await self._articles.bulk_write(released, ordered=False)


def aliased(seen: Article, candidates: Sequence[ArticleVersion]) -> list[ArticleVersion]:
    """Those of the candidates that had the URL of `seen` as an alias."""
    return [each for each in candidates if is_known_alias(each.article, seen) and each.article.key != seen.key]


def rival(state: ArticleVersion, candidates: Sequence[ArticleVersion]) -> ArticleVersion | None:
    """Another article that has the content of a state already."""
    name = identity(state.article)
    found = (each for each in candidates if name and identity(each.article) == name)
    return next((each for each in found if each.article.key != state.article.key), None)
