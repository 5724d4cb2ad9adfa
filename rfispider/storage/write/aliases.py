"""Other URLs of an article in MongoDB: who has the content or the URL already, and two articles that became one."""

from collections.abc import Collection, Sequence

from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection

from rfispider.items import Article
from rfispider.site import urls
from rfispider.storage import documents
from rfispider.storage.documents import PROJECTION, Document
from rfispider.storage.policy.field_updates import SOURCES_MAX
from rfispider.storage.policy.identity import identity, is_known_alias, owner
from rfispider.storage.policy.versioning import ArticleVersion
from rfispider.storage.write.revisions import RevisionWriter


class AliasWriter:
    """Finds and writes which articles are one. One object may be used by many tasks at once."""

    def __init__(self, articles: AsyncCollection[Document], revisions: RevisionWriter) -> None:
        self._articles = articles
        self._revisions = revisions

    async def candidates(self, seen: Sequence[Article]) -> list[ArticleVersion]:
        """The stored articles that any of these may be, by content, alias, redirect or short link."""
        if not seen:
            return []
        cursor = self._articles.find({"$or": _clauses(seen)}, PROJECTION)
        return [documents.stored(document) for document in await cursor.to_list()]

    async def owner(self, seen: Article, candidates: Sequence[ArticleVersion]) -> ArticleVersion | None:
        """The article that `seen`, whose URL is no document, is another URL of; None when it is one of its own.

        An alias that is behind, whose content is that of a superseded state, is one still.
        """
        best = owner(seen, (candidate for candidate in candidates if candidate.article.key != seen.key))
        if best:
            return best
        for candidate in aliased(seen, candidates):
            if await self._revisions.has_content(candidate.article.key, seen.content_hash):
                return candidate
        return None

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
        await self._revisions.write(
            [documents.revision_document(later, max(later.changed_at, later.last_seen_at), ["url"])]
        )
        unchanged = {"_id": later.article.key, "revision": later.revision, "aliases": later.article.aliases}
        ended = await self._articles.delete_one(unchanged)
        return bool(ended.deleted_count)

    async def release(self, alias: Article, owners: Collection[ArticleVersion]) -> None:
        """Take a URL that has become an article of its own from the aliases of others."""
        pulls = [UpdateOne({"_id": each.article.key}, {"$pull": {"aliases": alias.url}}) for each in owners]
        if pulls:
            await self._articles.bulk_write(pulls, ordered=False)


def _clauses(seen: Sequence[Article]) -> list[Document]:
    """Conditions on stored articles, each answered from an index, of which candidates meet one at least."""
    identities = [name for article in seen if (name := identity(article))]
    short_codes = [article.short_code for article in seen if article.short_code]
    redirects = [urls.key(url) for article in seen for url in article.aliases]
    # The second condition on aliases is always true of a match: it makes the partial index do.
    aliases = {"aliases": {"$in": [article.url for article in seen]}, "aliases.0": {"$exists": True}}
    conditions = {"identity": identities, "short_code": short_codes, "_id": redirects}
    return [aliases, *({name: {"$in": values}} for name, values in conditions.items() if values)]


def aliased(seen: Article, candidates: Sequence[ArticleVersion]) -> list[ArticleVersion]:
    """Those of the candidates that had the URL of `seen` as an alias."""
    return [each for each in candidates if is_known_alias(each.article, seen) and each.article.key != seen.key]


def rival(state: ArticleVersion, candidates: Sequence[ArticleVersion]) -> ArticleVersion | None:
    """Another article that has the content of a state already."""
    name = identity(state.article)
    if name is None:
        return None
    others = (each for each in candidates if each.article.key != state.article.key)
    return next((each for each in others if identity(each.article) == name), None)
