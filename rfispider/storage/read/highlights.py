"""What is new in the archive, for people: newest articles, biggest stories. Every query uses an index."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import DESCENDING
from pymongo.asynchronous.collection import AsyncCollection

from rfispider.storage.documents import Document
from rfispider.storage.policy import story_clusters
from rfispider.storage.schema import NEWEST_INDEX, STORY_INDEX

HEADLINE = {"title": 1, "url": 1, "edition": 1, "language": 1, "published_at": 1, "status": 1}
HEADLINES = 5
"""So many articles of a story are listed."""


@dataclass(frozen=True, slots=True)
class Story:
    """Articles that are versions of one text."""

    articles: int
    headlines: Sequence[Document]
    """Title, url, edition, language, published_at and status of some of them."""


async def newest(articles: AsyncCollection[Document], editions: Collection[str], count: int) -> list[Document]:
    """The headlines of the newest articles of each edition, the newest first."""
    headlines: list[Document] = []
    for edition in editions:
        cursor = articles.find({"edition": edition}, HEADLINE, hint=NEWEST_INDEX)
        headlines += await cursor.sort("published_at", DESCENDING).limit(count).to_list()
    return headlines


async def biggest(articles: AsyncCollection[Document], since: datetime, count: int) -> list[Story]:
    """The stories with the most articles of those that were first seen after a moment; none of a single article."""
    pipeline: list[Document] = [
        {"$match": {"story": {"$gte": story_clusters.earliest(since)}}},
        {"$group": {"_id": "$story", "articles": {"$sum": 1}}},
        {"$match": {"articles": {"$gt": 1}}},
        {"$sort": {"articles": DESCENDING, "_id": DESCENDING}},
        {"$limit": count},
    ]
    rows = await (await articles.aggregate(pipeline, hint=STORY_INDEX)).to_list()
    return [Story(row["articles"], await _headlines(articles, row["_id"])) for row in rows]


async def _headlines(articles: AsyncCollection[Document], story: str) -> list[Document]:
    return await articles.find({"story": story}, HEADLINE, hint=STORY_INDEX).limit(HEADLINES).to_list()
