"""The raw documents that articles were read from, compressed: what is extracted again needs no fetch.

A page is kept for every revision, and for every page that gave no article though a later extractor might read one.
It is written after its article and before the page is let go: a crash between the two makes the page come again as
SAME, and then it is kept because it is missing. So are the pages of articles that were stored without.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pymongo import DeleteOne, ReplaceOne, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection

from rfispider.items import Article, Outcome, Page, Status
from rfispider.site.editions import EDITIONS
from rfispider.storage.documents import IN_ONE_TRIP, RAW, Document
from rfispider.storage.pages import compression, templates
from rfispider.storage.pages.compression import Compressor, PageTemplate
from rfispider.storage.pages.documents import FetchedPage, Raw, document, edition, failure_id, page
from rfispider.storage.pages.templates import Group, PageTemplates
from rfispider.storage.read.selection import Selection
from rfispider.storage.schema import KEPT_INDEX, PAGE_MARKS, UNREAD_INDEX

logger = logging.getLogger(__name__)

MAX_KEPT_BYTES: Final = 15 * 1024 * 1024
"""Of a compressed body; more than that does not fit into a document of MongoDB."""

_NEWS: Final = frozenset({Outcome.NEW, Outcome.CHANGED})
"""Outcomes of pages that made a revision."""

_WAS_READ: Final = {"outcome": {"$exists": False}}

BODIES_PER_BATCH: Final = 50
"""Pages in memory at a time."""

_LINKS: Final = ("origin", "changed_at")
"""Fields of an article by which its page is found."""


class Pages:
    """The collection `pages`."""

    def __init__(self, articles: AsyncCollection[Document], pages: AsyncCollection[Document]) -> None:
        self._articles = articles
        self._pages = pages
        self._bases = PageTemplates(pages)

    async def keep(self, fetched_pages: Sequence[FetchedPage]) -> None:
        """Store the pages that made a revision, those that are missing, and those that could not be read.

        Raises PyMongoError when the server fails. A page that is too large for a document is logged and left out.
        """
        worth_keeping = [each for each in fetched_pages if each.outcome in _NEWS or each.article is None]
        worth_keeping += await self._lacking([each for each in fetched_pages if each.outcome is Outcome.SAME])
        kept, mended = await asyncio.gather(self._compressed(worth_keeping), self._mended(fetched_pages))
        writes: list[Any] = [ReplaceOne({"_id": kept_page["_id"]}, kept_page, upsert=True) for kept_page, _ in kept]
        # One by one: the driver repeats these after a failover, and not a bulk with one DeleteMany in it.
        writes += [DeleteOne({"_id": name}) for name in mended]
        if writes:
            await self._pages.bulk_write(writes, ordered=False)
        for kept_page, body in kept:
            self._bases.remember_template(kept_page, body)

    async def _compressed(self, fetched_pages: Sequence[FetchedPage]) -> list[tuple[Document, bytes]]:
        """The documents of pages, each with its raw body; without those that are too large."""
        groups = [_group(fetched_page) for fetched_page in fetched_pages]
        bases = await self._bases.load({group for group in groups if group})
        return await asyncio.to_thread(
            _all_packed, fetched_pages, [bases[group] if group else None for group in groups]
        )

    async def _mended(self, fetched_pages: Sequence[FetchedPage]) -> list[str]:
        """The `_id` of pages that gave no article, where there is one now; mostly there are none."""
        failures = [failure_id(fetched_page.page) for fetched_page in fetched_pages if _was_read(fetched_page)]
        if not failures:
            return []
        cursor = self._pages.find({"_id": {"$in": failures}}, {"_id": 1}, batch_size=IN_ONE_TRIP)
        return [each["_id"] async for each in cursor]

    async def _lacking(self, fetched_pages: Sequence[FetchedPage]) -> list[FetchedPage]:
        """Those of the unchanged sights whose article has no page that it was read from."""
        seen = {fetched_page.article.key: fetched_page for fetched_page in fetched_pages if fetched_page.article}
        if not seen:
            return []
        kept = await self.marks(list(seen))
        cursor = self._articles.find({"_id": {"$in": list(seen)}}, dict.fromkeys(_LINKS, 1), batch_size=IN_ONE_TRIP)
        lacking = []
        async for article in cursor:
            fetched_page = seen[article["_id"]]
            has_origin = article["origin"] == fetched_page.page.origin
            if has_origin and source(article, kept[article["_id"]]) is None:
                lacking.append(fetched_page)
        return lacking

    async def marks(self, keys: Collection[str]) -> dict[str, list[Document]]:
        """What is kept for each article: `PAGE_MARKS` of each page, answered from the index alone."""
        kept: dict[str, list[Document]] = {key: [] for key in keys}
        of_articles = {"article": {"$in": list(keys)}}
        cursor = self._pages.find(of_articles, dict.fromkeys(PAGE_MARKS, 1), hint=KEPT_INDEX, batch_size=IN_ONE_TRIP)
        async for each in cursor:
            kept[each["article"]].append(each)
        return kept

    async def raw(self, ids: Collection[str]) -> dict[str, Raw]:
        """The whole documents of pages by their `_id`: to be read by `decoded` in another process."""
        documents = await self._pages.with_options(RAW).find({"_id": {"$in": list(ids)}}).to_list()
        bodies = await templates.of(self._pages, documents)
        pairs = zip(documents, bodies, strict=True)
        return {document["_id"]: Raw(bytes(document.raw), base) for document, base in pairs}

    async def unread(self, condition: Document, after: str, count: int) -> list[str]:
        """The next `_id` of pages that gave no article, in order, `after` the last one."""
        query = {"outcome": {"$exists": True}, "_id": {"$gt": after}, **condition}
        cursor = self._pages.find(query, {"_id": 1}, hint=UNREAD_INDEX).sort("_id", 1).limit(count)
        return [each["_id"] async for each in cursor]

    async def reread(self, read: Mapping[str, Article], at: datetime) -> None:
        """Take note of what read pages, given by their `_id`, and that an article changed by it at a time (UTC)."""
        writes: list[Any] = [
            UpdateOne({"_id": name}, {"$set": {"extractor": article.extractor, "reread_at": at}})
            for name, article in read.items()
        ]
        if writes:
            await self._pages.bulk_write(writes, ordered=False)


def fetched(selected: Selection) -> Document:
    """The filter on pages that were read: of the selected editions, fetched within the times of the selection."""
    times = {operator: at for operator, at in (("$gte", selected.since), ("$lt", selected.until)) if at}
    # Its index begins with the edition.
    editions = list(selected.editions) or list(EDITIONS)
    return {"edition": {"$in": editions}, "fetched_at": times or {"$exists": True}, "size": {"$gt": 0}, **_WAS_READ}


async def bodies(pages: AsyncCollection[Document], condition: Document) -> AsyncIterator[list[Document]]:
    """Batches of whole pages under a condition."""
    batch: list[Document] = []
    async for each in pages.find(condition, batch_size=BODIES_PER_BATCH):
        batch.append(each)
        if len(batch) == BODIES_PER_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def read(pages: AsyncCollection[Document], kept: Sequence[Document]) -> list[Page]:
    """The pages that documents hold; decompressed in a thread.

    Raises what `page` raises.
    """
    bases = await templates.of(pages, kept)
    return await asyncio.to_thread(lambda: [page(each, base) for each, base in zip(kept, bases, strict=True)])


def source(article: Mapping[str, Any], kept: Sequence[Mapping[str, Any]]) -> str | None:
    """The `_id` of the newest of the pages kept for an article that its present content was read from.

    It is of the same origin, and was fetched, or read again, when the article changed last or since. None when there
    is none: what the article was read from was not kept, and an older page would take it back to an older state.
    """
    fitting = [
        each
        for each in kept
        if each["origin"] == article["origin"]
        and not each.get("outcome")
        and max(each["fetched_at"], each.get("reread_at") or each["fetched_at"]) >= article["changed_at"]
    ]
    return max(fitting, key=lambda each: (each["fetched_at"], each["_id"]))["_id"] if fitting else None


def _was_read(fetched_page: FetchedPage) -> bool:
    return fetched_page.article is not None and fetched_page.article.status is not Status.STUB


def _group(fetched_page: FetchedPage) -> Group | None:
    """By what a page may be compressed with a base; None when it is too short for one."""
    return (
        Group.of(edition(fetched_page), fetched_page.page.url)
        if len(fetched_page.page.body) >= compression.LEAST
        else None
    )


def _all_packed(
    fetched_pages: Sequence[FetchedPage], used: Sequence[PageTemplate | None]
) -> list[tuple[Document, bytes]]:
    compressor = Compressor()
    packed = [
        (_packed(compressor, fetched_page, base), fetched_page.page.body)
        for fetched_page, base in zip(fetched_pages, used, strict=True)
    ]
    return [(kept_page, body) for kept_page, body in packed if _fits(kept_page)]


def _packed(compressor: Compressor, fetched_page: FetchedPage, base: PageTemplate | None) -> Document:
    """The document of a page with its body, compressed with the base if it is like it, else alone."""
    values, body = document(fetched_page), fetched_page.page.body
    if base and base.id != values["_id"]:
        packed = compressor.compress(body, base)
        if base.is_like(body, packed):
            return {**values, "body": packed, "base": base.id}
    return {**values, "body": compressor.compress(body)}


def _fits(kept_page: Document) -> bool:
    if len(kept_page["body"]) <= MAX_KEPT_BYTES:
        return True
    logger.warning("page %s is not kept: %d bytes do not fit into a document", kept_page["url"], len(kept_page["body"]))
    return False
