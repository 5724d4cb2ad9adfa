"""Walks through the whole archive and says what is not as it must be; in batches, so that memory stays as it is."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from rfispider.mongo.connection import Connection
from rfispider.mongo.errors import DatabaseError, translating_errors
from rfispider.site import urls
from rfispider.storage.documents import Document
from rfispider.storage.pages import raw_pages
from rfispider.storage.policy.integrity import Flaw, article_flaws, history_flaws
from rfispider.storage.read.alias_integrity import AliasIntegrity
from rfispider.storage.schema import ALIAS_RECORDS, ALIASES_INDEX, ARTICLES, PAGES, REVISIONS
from rfispider.storage.search import parse
from rfispider.storage.search.index import SearchIndex, SearchRequest

CHECKED_PER_BATCH: Final = 500
"""Documents that are looked at together: some MB."""
_ARTICLE: Final = dict.fromkeys(
    (
        *("url", "aliases", "edition", "title", "lead", "text", "content_hash", "identity"),
        *("published_at", "revision", "changed_at"),
    ),
    1,
)
_LISTED: Final = dict.fromkeys(("url", "aliases", "first_seen_at", "last_seen_at"), 1)
_REVISION: Final = dict.fromkeys(("article", "revision", "valid_from", "valid_to"), 1)

Flaws = AsyncIterator[Sequence[Flaw]]


class ArchiveIntegrity:
    """Questions to an archive about its own wholeness. Without time-outs: each goes through everything there is.

    Every method raises DatabaseError when the server fails.
    """

    def __init__(self, connection: Connection, database: AsyncDatabase[Document], search: SearchIndex) -> None:
        self._uri = connection.uri
        self._articles = database[ARTICLES]
        self._revisions = database[REVISIONS]
        self._pages = database[PAGES]
        self._alias_documents = database[ALIAS_RECORDS]
        self._aliases = AliasIntegrity(self._articles, self._alias_documents)
        self._search = search

    async def count(self) -> int:
        """About how many documents `flaws` will go through."""
        with translating_errors("counting documents", self._uri):
            collections = (self._articles, self._alias_documents, self._revisions, self._pages)
            return sum([await collection.estimated_document_count() for collection in collections])

    async def flaws(self, note: Callable[[int], None]) -> AsyncIterator[Flaw]:
        """Everything that is wrong; `note` hears how many documents were looked at since it heard last."""
        with translating_errors("checking the archive", self._uri):
            async for articles in _batches(self._articles, _ARTICLE):
                for flaw in await self._of_articles(articles):
                    yield flaw
                note(len(articles))
            async for aliases in _batches(self._alias_documents, {"url": 1, "article": 1}):
                for flaw in await self._aliases.of_aliases(aliases):
                    yield flaw
                note(len(aliases))
            async for revisions in _batches(self._revisions, {"article": 1}):
                for flaw in await self._without_article(revisions):
                    yield flaw
                note(len(revisions))
            async for pages in raw_pages.bodies(self._pages, {}):
                for flaw in await self._of_pages(pages):
                    yield flaw
                note(len(pages))

    async def _of_articles(self, articles: Sequence[Document]) -> list[Flaw]:
        keys = [article["_id"] for article in articles]
        revisions = await self._revisions_of(keys)
        flaws = [flaw for article in articles for flaw in article_flaws(article)]
        for article in articles:
            flaws += history_flaws(article, revisions.get(article["_id"], []))
        return [*flaws, *await self._of_aliases(articles), *await self._of_search(articles[0])]

    async def _revisions_of(self, keys: Collection[str]) -> dict[str, list[Document]]:
        found: dict[str, list[Document]] = {}
        async for revision in self._revisions.find({"article": {"$in": list(keys)}}, _REVISION):
            found.setdefault(revision["article"], []).append(revision)
        return {key: sorted(states, key=lambda state: state["revision"]) for key, states in found.items()}

    async def _of_aliases(self, articles: Sequence[Document]) -> list[Flaw]:
        owners = {alias: article["url"] for article in articles for alias in article["aliases"]}
        if not owners:
            return []
        documented = await self._aliases.of_articles(articles)
        return [*documented, *await self._articles_too(owners), *await self._shared(owners)]

    async def _articles_too(self, owners: Mapping[str, str]) -> list[Flaw]:
        """Aliases, given with the URLs of their articles, that are articles themselves."""
        aliases = {urls.key(alias): alias for alias in owners}
        cursor = self._articles.find({"_id": {"$in": list(aliases)}}, {"_id": 1})
        articles = [aliases[document["_id"]] async for document in cursor]
        message = "its alias {} is an article of its own"
        return [Flaw("aliases", owners[alias], message.format(alias), mendable=True) for alias in articles]

    async def _shared(self, owners: Mapping[str, str]) -> list[Flaw]:
        """Aliases that several articles have."""
        counts: Counter[str] = Counter()
        query = {"aliases": {"$in": list(owners)}, "aliases.0": {"$exists": True}}
        async for article in self._articles.find(query, {"aliases": 1}, hint=ALIASES_INDEX):
            counts.update(set(article["aliases"]) & owners.keys())
        shared = [alias for alias, count in counts.items() if count > 1]
        return [Flaw("aliases", owners[alias], f"its alias {alias} is one of another, too") for alias in shared]

    async def _of_search(self, article: Document) -> list[Flaw]:
        """Whether an article is found by its title: one of a batch stands for all."""
        at, query = article.get("published_at"), parse(f'"{article["title"]}"')
        if at is None or not query.terms:
            return []
        moment = SearchRequest(query=query, editions=(article["edition"],), since=at, until=at + timedelta(seconds=1))
        hits = (await self._search.search(moment, CHECKED_PER_BATCH)).hits
        if article["_id"] in {hit.article["_id"] for hit in hits}:
            return []
        return [Flaw("search", article["url"], "it is not found by its title")]

    async def _without_article(self, revisions: Sequence[Document]) -> list[Flaw]:
        keys = {revision["article"] for revision in revisions}
        there = {each["_id"] async for each in self._articles.find({"_id": {"$in": list(keys)}}, {"_id": 1})}
        # What an alias was as an article stays under its own key.
        without = keys - there - await self._aliases.keys(keys - there)
        return [Flaw("revisions", key, "it has revisions and is no article") for key in sorted(without)]

    async def _of_pages(self, pages: Sequence[Document]) -> list[Flaw]:
        try:
            await raw_pages.read(self._pages, pages)
        except DatabaseError:
            return [flaw for page in pages for flaw in await self._of_page(page)]
        return []

    async def _of_page(self, page: Document) -> list[Flaw]:
        try:
            await raw_pages.read(self._pages, [page])
        except DatabaseError as error:
            return [Flaw("pages", page["_id"], f"it cannot be read: {error}")]
        return []

    async def mend_aliases(self) -> int:
        """Take aliases out of articles that are articles of their own, stand twice, or are the article itself.

        Then every alias that is listed has a document, and no other has.
        """
        mended = 0
        with translating_errors("mending aliases", self._uri):
            async for articles in _batches(self._articles, {"url": 1, "aliases": 1}):
                own = {urls.key(alias) for article in articles for alias in article["aliases"]}
                taken = {each["_id"] async for each in self._articles.find({"_id": {"$in": list(own)}}, {"_id": 1})}
                writes = list(_alias_writes(articles, taken))
                if writes:
                    mended += (await self._articles.bulk_write(writes, ordered=False)).modified_count
            async for articles in _batches(self._articles, _LISTED):
                await self._aliases.mend_articles(articles)
            async for aliases in _batches(self._alias_documents, {"url": 1, "article": 1}):
                await self._aliases.mend_aliases(aliases)
        return mended


def _alias_writes(articles: Sequence[Document], taken: Collection[str]) -> Iterator[UpdateOne]:
    for article in articles:
        kept = [
            url for url in dict.fromkeys(article["aliases"]) if urls.key(url) not in taken and url != article["url"]
        ]
        if kept != article["aliases"]:
            # As it was read: a crawl may have added one since.
            unchanged = {"_id": article["_id"], "aliases": article["aliases"]}
            yield UpdateOne(unchanged, {"$set": {"aliases": kept}})


async def _batches(collection: AsyncCollection[Document], fields: Mapping[str, Any]) -> AsyncIterator[list[Document]]:
    """All documents in the order of their `_id`, whatever is written meanwhile."""
    after: dict[str, Any] = {}
    while batch := await collection.find(after, fields).sort("_id", 1).limit(CHECKED_PER_BATCH).to_list():
        yield batch
        after = {"_id": {"$gt": batch[-1]["_id"]}}
