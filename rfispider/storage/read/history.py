"""What the archive held at other times: superseded states, and any article or all of them as of a moment."""

from collections.abc import Mapping
from datetime import datetime

from pymongo.asynchronous.collection import AsyncCollection

from rfispider.storage.documents import NOT_SUPERSEDED, OF_THE_PRESENT, Document
from rfispider.storage.schema import ARTICLES, HISTORY_INDEX, REVISIONS

Collections = Mapping[str, AsyncCollection[Document]]


async def history(collections: Collections, key: str) -> list[Document]:
    """The superseded states of an article, oldest first; the present state is not among them."""
    return await collections[REVISIONS].find({"article": key}, hint=HISTORY_INDEX).sort("revision").to_list()


async def as_of(collections: Collections, key: str, at: datetime) -> Document | None:
    """The document of an article as it was at a time (UTC); None when the archive did not hold it yet."""
    cursor = await collections[ARTICLES].aggregate([{"$match": {"_id": key}}, *states(at)])
    return next(iter(await cursor.to_list()), None)


def states(at: datetime) -> list[Document]:
    """Stages that turn documents of `articles` into what they were at a time (UTC).

    What the archive did not hold yet drops out. `valid_from` tells since when the state held, `valid_to` until
    when if it does no longer. Fields that revisions do not keep are those of today.
    """
    held_then: Document = {"$match": {"valid_from": {"$lte": at}, "valid_to": {"$gt": at}}}
    today = {name: f"${name}" for name in ("_id", *sorted(NOT_SUPERSEDED - {"key"}), "first_seen_at", "story")}
    superseded: Document = {"$mergeObjects": [{"$first": "$then"}, today]}
    present: Document = {"$mergeObjects": ["$$ROOT", {"valid_from": "$changed_at"}]}
    return [
        {
            "$lookup": {
                "from": REVISIONS,
                "localField": "_id",
                "foreignField": "article",
                "pipeline": [held_then, {"$limit": 1}],
                "as": "then",
            }
        },
        {"$match": {"$or": [{"then.0": {"$exists": True}}, {"changed_at": {"$lte": at}}]}},
        {"$replaceWith": {"$cond": [{"$eq": ["$then", []]}, present, superseded]}},
        {"$unset": ["then", "article", "changed", *OF_THE_PRESENT]},
    ]
