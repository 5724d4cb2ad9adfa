"""What the archive holds of the articles of a day. Every query uses an index."""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta

from pymongo.asynchronous.collection import AsyncCollection

from rfispider.storage.documents import Document
from rfispider.storage.schema import ALIASES_INDEX, NEWEST_INDEX

Articles = AsyncCollection[Document]

_FIELDS = dict.fromkeys(("url", "aliases", "edition", "status"), 1)


def bounds(day: date) -> tuple[datetime, datetime]:
    """The beginning of a day and of the next, in UTC."""
    start = datetime.combine(day, time.min, UTC)
    return start, start + timedelta(days=1)


async def published(articles: Articles, day: date, editions: Collection[str]) -> list[Document]:
    """Key, URL, aliases, edition and status of the articles published on a day (UTC)."""
    since, until = bounds(day)
    query = {"edition": {"$in": list(editions)}, "published_at": {"$gte": since, "$lt": until}}
    return await articles.find(query, _FIELDS, hint=NEWEST_INDEX).to_list()


async def by_url(articles: Articles, urls: Mapping[str, str]) -> dict[str, Document]:
    """The articles of URLs, given and returned by key, whether they go by the URL or have it as an alias."""
    documents: dict[str, Document] = {}
    async for document in articles.find({"_id": {"$in": list(urls)}}, _FIELDS):
        documents[document["_id"]] = document
    others = {url: key for key, url in urls.items() if key not in documents}
    if others:
        # The second condition is always true of a match; it tells MongoDB that the partial index will do.
        query = {"aliases": {"$in": list(others)}, "aliases.0": {"$exists": True}}
        async for document in articles.find(query, _FIELDS, hint=ALIASES_INDEX):
            documents |= {others[url]: document for url in document["aliases"] if url in others}
    return documents
