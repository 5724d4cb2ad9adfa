"""What people ask of the archive. Every query here uses an index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import DESCENDING
from pymongo.asynchronous.collection import AsyncCollection

from rfispider.storage.documents import STORED_FIELDS, Document
from rfispider.storage.schema import ARTICLES, LATEST_INDEX, NEWEST_INDEX, RUNS, SECTIONS_INDEX, SIGNS_INDEX

SAMPLED = 2000
"""Newest articles of an edition whose fields are looked at: enough to see a source break, cheap in any archive."""

RUNS_LISTED = 10

_COMPLETENESS = tuple(name for name in STORED_FIELDS if name not in {"key", "provenance", "extractor", "content_hash"})


@dataclass(frozen=True, slots=True)
class SectionCount:
    """How many articles a section of an edition has."""

    edition: str
    section: str | None
    articles: int
    newest: datetime | None
    """Publication of the newest one."""


@dataclass(frozen=True, slots=True)
class Completeness:
    """How many of the newest articles of an edition have each field."""

    edition: str
    sampled: int
    """Articles looked at: at most `SAMPLED`."""
    filled: Mapping[str, int]
    """Field name -> articles in which it is there and not empty."""


@dataclass(frozen=True, slots=True)
class Report:
    """The state of the archive."""

    sections: Sequence[SectionCount]
    """By edition and section, in alphabetical order."""
    completeness: Sequence[Completeness]
    """By edition."""
    runs: Sequence[Document]
    """The last ones, newest first."""

    @property
    def articles(self) -> int:
        """How many articles there are."""
        return sum(count.articles for count in self.sections)

    @property
    def newest(self) -> dict[str, datetime]:
        """Edition -> publication of its newest article."""
        newest: dict[str, datetime] = {}
        for count in self.sections:
            if count.newest:
                newest[count.edition] = max(count.newest, newest.get(count.edition, count.newest))
        return newest


Collections = Mapping[str, AsyncCollection[Document]]


async def article(collections: Collections, key: str) -> Document | None:
    """The document of an article by its key."""
    return await collections[ARTICLES].find_one({"_id": key})


async def aliased(collections: Collections, url: str) -> Document | None:
    """The document of the article that also goes by this canonical URL."""
    # The second condition is always true of a match; it tells MongoDB that the partial index will do.
    return await collections[ARTICLES].find_one({"aliases": url, "aliases.0": {"$exists": True}})


async def report(collections: Collections) -> Report:
    """The state of the archive."""
    counted = await sections(collections)
    editions = sorted({count.edition for count in counted})
    return Report(
        sections=counted,
        completeness=[await completeness(collections, edition) for edition in editions],
        runs=await listed_runs(collections),
    )


async def sections(collections: Collections) -> list[SectionCount]:
    """Articles by edition and section."""
    cursor = await collections[ARTICLES].aggregate(SECTION_PIPELINE, hint=SECTIONS_INDEX)
    counts = [
        SectionCount(row["_id"]["edition"], row["_id"].get("section"), row["articles"], row["newest"])
        async for row in cursor
    ]
    return sorted(counts, key=lambda count: (count.edition, count.section or ""))


async def completeness(collections: Collections, edition: str) -> Completeness:
    """How many of the newest articles of an edition have each field."""
    cursor = await collections[ARTICLES].aggregate(completeness_pipeline(edition), hint=NEWEST_INDEX)
    row = (await cursor.to_list() or [{}])[0]
    return Completeness(edition, row.get("sampled", 0), {name: row.get(name, 0) for name in _COMPLETENESS})


async def runs(collections: Collections, count: int = RUNS_LISTED) -> list[Document]:
    """The last runs, newest first."""
    return await collections[RUNS].find({}, hint=LATEST_INDEX).sort("started_at", DESCENDING).limit(count).to_list()


async def listed_runs(collections: Collections) -> list[Document]:
    """The last runs, and those that gave a sign of life since the first of them began; by their start, newest first.

    A crawl that follows the site began before many that run by the clock.
    """
    last = await runs(collections)
    return await with_active(collections, last, last[-1]["started_at"], RUNS_LISTED) if last else []


async def with_active(
    collections: Collections, last: Sequence[Document], since: datetime, limit: int
) -> list[Document]:
    """These runs, and the latest `limit` that gave a sign of life after a time (UTC); by their start, newest first."""
    cursor = collections[RUNS].find({"updated_at": {"$gt": since}}, hint=SIGNS_INDEX).sort("updated_at", DESCENDING)
    runs_by_id = {run["_id"]: run for run in (*last, *await cursor.limit(limit).to_list())}
    return sorted(runs_by_id.values(), key=lambda run: run["started_at"], reverse=True)


SECTION_PIPELINE: list[Document] = [
    {
        "$group": {
            "_id": {"edition": "$edition", "section": "$section"},
            "articles": {"$sum": 1},
            "newest": {"$max": "$published_at"},
        }
    }
]
"""Answered from the index alone."""


def completeness_pipeline(edition: str) -> list[Document]:
    """The aggregation behind `completeness`."""
    empty: Document = {"$in": ["$$value", [None, "", []]]}
    filled = {
        name: {"$sum": {"$let": {"vars": {"value": {"$ifNull": [f"${name}", None]}}, "in": {"$cond": [empty, 0, 1]}}}}
        for name in _COMPLETENESS
    }
    return [
        {"$match": {"edition": edition}},
        {"$sort": {"published_at": DESCENDING}},
        {"$limit": SAMPLED},
        {"$group": {"_id": None, "sampled": {"$sum": 1}, **filled}},
    ]
