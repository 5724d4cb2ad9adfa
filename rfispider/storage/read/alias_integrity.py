"""Whether the documents of aliases and the lists in articles say the same, and how they are made to."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection

from rfispider.site import urls
from rfispider.storage import documents
from rfispider.storage.documents import Document
from rfispider.storage.policy.bonds import Alias, Why
from rfispider.storage.policy.integrity import Flaw


class AliasIntegrity:
    """Compares aliases with articles. Errors of the driver are those of its caller."""

    def __init__(self, articles: AsyncCollection[Document], aliases: AsyncCollection[Document]) -> None:
        self._articles = articles
        self._aliases = aliases

    async def keys(self, keys: Collection[str]) -> set[str]:
        """Those of the keys that are aliases."""
        return {each["_id"] async for each in self._aliases.find({"_id": {"$in": list(keys)}}, {"_id": 1})}

    async def of_aliases(self, aliases: Sequence[Document]) -> list[Flaw]:
        """What is wrong with documents of aliases."""
        keys = {alias["_id"] for alias in aliases}
        articles = await self._read(keys | {alias["article"] for alias in aliases})
        flaws = []
        for alias in aliases:
            owner = articles.get(alias["article"])
            if alias["_id"] in articles:
                flaws.append(Flaw("aliases", alias["url"], "it is an alias and an article too", mendable=True))
            if owner is None:
                flaws.append(Flaw("aliases", alias["url"], "its article is missing", mendable=True))
            elif alias["url"] not in owner["aliases"]:
                flaws.append(Flaw("aliases", alias["url"], "its article does not list it", mendable=True))
        return flaws

    async def of_articles(self, articles: Sequence[Mapping[str, Any]]) -> list[Flaw]:
        """Aliases that articles list and that have no document of their own, or one of another article."""
        listed = {urls.key(url): (url, article) for article in articles for url in article["aliases"]}
        cursor = self._aliases.find({"_id": {"$in": list(listed)}}, {"article": 1})
        owners = {alias["_id"]: alias["article"] async for alias in cursor}
        message = "its alias {} has no document that says so"
        return [
            Flaw("aliases", article["url"], message.format(url), mendable=True)
            for key, (url, article) in listed.items()
            if owners.get(key) != article["_id"]
        ]

    async def mend_articles(self, articles: Sequence[Mapping[str, Any]]) -> None:
        """Give every alias that articles list a document."""
        writes = [_document_write(url, article) for article in articles for url in article["aliases"]]
        if writes:
            await self._aliases.bulk_write(writes, ordered=False)

    async def mend_aliases(self, aliases: Sequence[Document]) -> None:
        """Remove the documents of aliases that no article lists: the next answer of each URL says what it is."""
        articles = await self._read({alias["article"] for alias in aliases})
        listed = {url for article in articles.values() for url in article["aliases"]}
        unlisted = [alias["_id"] for alias in aliases if alias["url"] not in listed]
        if unlisted:
            await self._aliases.delete_many({"_id": {"$in": unlisted}})

    async def _read(self, keys: Collection[str]) -> dict[str, Document]:
        cursor = self._articles.find({"_id": {"$in": list(keys)}}, {"url": 1, "aliases": 1})
        return {article["_id"]: article async for article in cursor}


def _document_write(url: str, article: Mapping[str, Any]) -> UpdateOne:
    """The write of the document of an alias, which keeps what is known of it."""
    seen = {"first_seen_at": article["first_seen_at"], "last_seen_at": article["last_seen_at"]}
    alias = Alias(key=urls.key(url), url=url, article=article["_id"], why=Why.UNKNOWN, **seen)
    document = documents.alias_document(alias)
    owner = {"article": document.pop("article")}
    return UpdateOne({"_id": document.pop("_id")}, {"$set": owner, "$setOnInsert": document}, upsert=True)
