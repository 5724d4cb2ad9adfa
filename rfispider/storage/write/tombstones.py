"""Articles whose pages the site has removed stay in the archive, with the last text that was seen."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from pymongo.asynchronous.collection import AsyncCollection

from rfispider.items import Outcome, Status
from rfispider.storage import documents
from rfispider.storage.documents import PROJECTION, Document
from rfispider.storage.write.writer import Writer


async def mark_gone(
    articles: AsyncCollection[Document], writer: Writer, keys: Collection[str], at: datetime
) -> list[str]:
    """Make tombstones of those of the articles that are alive; return their keys, in order.

    That a page is gone is a sight of the article like any other, so it takes the same guarded way as its edits.
    """
    alive = {"_id": {"$in": list(keys)}, "status": {"$ne": Status.GONE.value}}
    present = {document["_id"]: document async for document in articles.find(alive, PROJECTION)}
    removed = [documents.article(key, present[key]) for key in dict.fromkeys(keys) if key in present]
    outcomes = await writer.save([replace(article, status=Status.GONE, fetched_at=at) for article in removed])
    return [each.key for each, outcome in zip(removed, outcomes, strict=True) if outcome is Outcome.CHANGED]
