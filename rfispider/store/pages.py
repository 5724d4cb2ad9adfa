"""The raw documents that articles were read from, compressed: what is extracted again needs no fetch.

A page is kept for every revision, and for every page that gave no article though a later extractor might read one.
It is written after its article and before the page is let go: a crash between the two makes the page come again as
SAME, and then it is kept because it is missing. So are the pages of articles that were stored without.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import DeleteOne, ReplaceOne, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection

from rfispider import urls, website
from rfispider.items import SCHEMA, Article, Audio, Entry, Origin, Outcome, Page, Status
from rfispider.store import compression
from rfispider.store.bases import Bases, Group
from rfispider.store.compression import Base, Press
from rfispider.store.documents import IN_ONE_TRIP, Document
from rfispider.store.errors import StoreError
from rfispider.store.schema import KEPT, PAGE_MARKS, UNREAD
from rfispider.store.selection import Selection

logger = logging.getLogger(__name__)

MAX_BYTES: Final = 15 * 1024 * 1024
"""Of a compressed body; more than that does not fit into a document of MongoDB."""

_NEWS: Final = frozenset({Outcome.NEW, Outcome.CHANGED})
"""Outcomes of pages that made a revision."""

_WAS_READ: Final = {"outcome": {"$exists": False}}

BATCH: Final = 50
"""Pages in memory at a time."""

_LINKS: Final = ("origin", "changed_at")
"""Fields of an article by which its page is found."""

_UNTOLD: Final = frozenset(
    {"set-cookie", "set-cookie2", "content-encoding", "transfer-encoding", "content-length", "connection", "keep-alive"}
)
"""Headers that are of one transfer and not of the document, or of one visitor."""

AWARE: Final = CodecOptions[Mapping[str, Any]](tz_aware=True)
RAW: Final = CodecOptions(document_class=RawBSONDocument)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A page and what came of it."""

    page: Page
    outcome: Outcome
    article: Article | None = None
    """What was read from it; None when nothing was."""
    reason: str = ""
    """Why nothing was, in one line."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A page as it is kept."""

    document: bytes
    """As BSON."""
    base: bytes | None
    """The body that it was compressed with, compressed alone."""


class LostBase(StoreError):  # noqa: N818 - what is wrong is that it is lost
    """A page cannot be read, for the one that it was compressed with is gone; the message is one line for a person."""


class Pages:
    """The collection `pages`."""

    def __init__(self, articles: AsyncCollection[Document], pages: AsyncCollection[Document]) -> None:
        self._articles = articles
        self._pages = pages
        self._bases = Bases(pages)

    async def keep(self, sights: Sequence[Sight]) -> None:
        """Store the pages that made a revision, those that are missing, and those that could not be read.

        Raises PyMongoError when the server fails. A page that is too large for a document is logged and left out.
        """
        wanted = [sight for sight in sights if sight.outcome in _NEWS or sight.article is None]
        wanted += await self._lacking([sight for sight in sights if sight.outcome is Outcome.SAME])
        kept, mended = await asyncio.gather(self._compressed(wanted), self._mended(sights))
        writes: list[Any] = [ReplaceOne({"_id": document["_id"]}, document, upsert=True) for document, _ in kept]
        # One by one: the driver repeats these after a failover, and not a bulk with one DeleteMany in it.
        writes += [DeleteOne({"_id": name}) for name in mended]
        if writes:
            await self._pages.bulk_write(writes, ordered=False)
        for document, body in kept:
            self._bases.learn(document, body)

    async def _compressed(self, sights: Sequence[Sight]) -> list[tuple[Document, bytes]]:
        """The documents of pages, each with its raw body; without those that are too large."""
        documents = [(document(sight), sight.page.body) for sight in sights]
        groups = [Group.of(told) for told, _ in documents]
        bases = await self._bases.load(set(groups))
        packed = await asyncio.to_thread(_all_packed, documents, [bases[group] for group in groups])
        return [(told, body) for told, (_, body) in zip(packed, documents, strict=True) if _fits(told)]

    async def _mended(self, sights: Sequence[Sight]) -> list[str]:
        """The `_id` of pages that gave no article, where there is one now; mostly there are none."""
        read = [failure_id(sight.page) for sight in sights if _was_read(sight)]
        found = self._pages.find({"_id": {"$in": read}}, {"_id": 1}, batch_size=IN_ONE_TRIP) if read else None
        return [document["_id"] async for document in found] if found else []

    async def _lacking(self, sights: Sequence[Sight]) -> list[Sight]:
        """Those of the unchanged sights whose article has no page that it was read from."""
        seen = {sight.article.key: sight for sight in sights if sight.article}
        if not seen:
            return []
        kept = await self.marks(list(seen))
        found = self._articles.find({"_id": {"$in": list(seen)}}, dict.fromkeys(_LINKS, 1), batch_size=IN_ONE_TRIP)
        return [
            seen[article["_id"]]
            async for article in found
            if article["origin"] == seen[article["_id"]].page.origin and source(article, kept[article["_id"]]) is None
        ]

    async def marks(self, keys: Collection[str]) -> dict[str, list[Document]]:
        """What is kept for each article: `PAGE_MARKS` of each page, answered from the index alone."""
        kept: dict[str, list[Document]] = {key: [] for key in keys}
        of_articles = {"article": {"$in": list(keys)}}
        found = self._pages.find(of_articles, dict.fromkeys(PAGE_MARKS, 1), hint=KEPT, batch_size=IN_ONE_TRIP)
        async for page in found:
            kept[page["article"]].append(page)
        return kept

    async def raw(self, ids: Collection[str]) -> dict[str, Raw]:
        """The whole documents of pages by their `_id`: to be read by `decoded` in another process."""
        found = await self._pages.with_options(RAW).find({"_id": {"$in": list(ids)}}).to_list()
        bases = await self._bases.packed({each["base"] for each in found if "base" in each})
        return {each["_id"]: Raw(bytes(each.raw), bases.get(each.get("base", ""))) for each in found}

    async def unread(self, condition: Document, after: str, count: int) -> list[str]:
        """The next `_id` of pages that gave no article, in order, `after` the last one."""
        wanted = {"outcome": {"$exists": True}, "_id": {"$gt": after}, **condition}
        found = self._pages.find(wanted, {"_id": 1}, hint=UNREAD).sort("_id", 1).limit(count)
        return [document["_id"] async for document in found]

    async def reread(self, read: Mapping[str, Article], at: datetime) -> None:
        """Take note of what read pages, given by their `_id`, and that an article changed by it at a time (UTC)."""
        told = {name: {"extractor": article.extractor, "reread_at": at} for name, article in read.items()}
        writes: list[Any] = [UpdateOne({"_id": name}, {"$set": values}) for name, values in told.items()]
        if writes:
            await self._pages.bulk_write(writes, ordered=False)


def fetched(wanted: Selection) -> Document:
    """The filter on pages that were read: of the selected editions, fetched within the times of the selection."""
    times = {operator: at for operator, at in (("$gte", wanted.since), ("$lt", wanted.until)) if at}
    # Its index begins with the edition.
    editions = list(wanted.editions) or list(website.EDITIONS)
    return {"edition": {"$in": editions}, "fetched_at": times or {"$exists": True}, "size": {"$gt": 0}, **_WAS_READ}


async def bodies(pages: AsyncCollection[Document], condition: Document) -> AsyncIterator[list[Document]]:
    """Batches of whole pages under a condition."""
    batch: list[Document] = []
    async for document in pages.find(condition, batch_size=BATCH):
        batch.append(document)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def read(pages: AsyncCollection[Document], kept: Sequence[Document]) -> list[Page]:
    """The pages that documents hold; decompressed in a thread.

    Raises what `page` raises.
    """
    bases = await Bases(pages).packed({each["base"] for each in kept if "base" in each})
    return await asyncio.to_thread(lambda: [page(each, bases.get(each.get("base", ""))) for each in kept])


def source(article: Mapping[str, Any], kept: Sequence[Mapping[str, Any]]) -> str | None:
    """The `_id` of the newest of the pages kept for an article that its present content was read from.

    It is of the same origin, and was fetched, or read again, when the article changed last or since. None when there
    is none: what the article was read from was not kept, and an older page would take it back to an older state.
    """
    fitting = [
        page
        for page in kept
        if page["origin"] == article["origin"]
        and not page.get("outcome")
        and max(page["fetched_at"], page.get("reread_at") or page["fetched_at"]) >= article["changed_at"]
    ]
    return max(fitting, key=lambda page: (page["fetched_at"], page["_id"]))["_id"] if fitting else None


# ---- Documents -------------------------------------------------------------------------------------------


def page_id(page: Page, key: str) -> str:
    """The `_id` of a page: the same for the same page fetched at the same time, in order of time for one article."""
    told = page.attempt.body_hash if page.attempt and page.origin is Origin.PAGE else None
    # The hash of a fetched body is known, and to make another of 350 KB costs half as much as to compress them.
    body = told.encode() if told else page.body
    digest = blake2b(body, digest_size=8, person=page.origin.encode()).hexdigest()
    return f"{key}:{page.fetched_at:%Y%m%dT%H%M%S.%f}"[:-3] + f"Z:{digest}"


def failure_id(page: Page) -> str:
    """The `_id` of the last page of a URL, of one origin, that gave no article."""
    return f"{urls.key(page.url)}:failed:{page.origin}"


def _was_read(sight: Sight) -> bool:
    return sight.article is not None and sight.article.status is not Status.STUB


def _all_packed(documents: Sequence[tuple[Document, bytes]], bases: Sequence[Base | None]) -> list[Document]:
    press = Press()
    return [_packed(press, told, body, base) for (told, body), base in zip(documents, bases, strict=True)]


def _packed(press: Press, told: Document, body: bytes, base: Base | None) -> Document:
    """The document of a page with its body, compressed with the base if it is like it, else alone."""
    if base and base.id != told["_id"] and len(body) >= compression.LEAST:
        packed = press.compress(body, base)
        if base.is_like(body, packed):
            return {**told, "body": packed, "base": base.id}
    return {**told, "body": press.compress(body)}


def _fits(told: Document) -> bool:
    if len(told["body"]) <= MAX_BYTES:
        return True
    logger.warning("page %s is not kept: %d bytes do not fit into a document", told["url"], len(told["body"]))
    return False


def document(sight: Sight) -> Document:
    """The document of a page, still without its body; what is not known is absent."""
    page, article = sight.page, sight.article
    key = article.key if article else urls.key(page.url)
    told: Document = {
        "_id": page_id(page, key) if article else failure_id(page),
        "schema": SCHEMA,
        "article": key,
        "url": page.url,
        "edition": article.edition if article else urls.edition(page.url) or website.EDITION_OF_BARE_PATHS,
        "origin": page.origin.value,
        "fetched_at": page.fetched_at,
        "status": page.status,
        "size": len(page.body),
        "headers": [f"{name}: {value}" for name, value in page.headers if name.lower() not in _UNTOLD],
        "aliases": page.aliases,
        "depth": page.depth,
    }
    known = {name: getattr(page, name) for name in ("error", "encoding", "source", "mirror")}
    known["entry"] = _entry_document(page)
    told |= {name: value for name, value in known.items() if value}
    if article:
        return told | {"extractor": article.extractor}
    return told | {"outcome": sight.outcome.value, "reason": sight.reason}


def _entry_document(page: Page) -> Document:
    """What the source said, without its content: that is the body, or nothing that the page's reading needs."""
    if page.entry is None:
        return {}
    told = {each.name: getattr(page.entry, each.name) for each in fields(Entry) if each.name != "content"}
    if page.entry.audio:
        told["audio"] = {"url": page.entry.audio.url, "duration_s": page.entry.audio.duration_s}
    return {name: value for name, value in told.items() if value}


def page(document: Mapping[str, Any], base: bytes | None = None) -> Page:
    """The page that a document holds, as it was before extraction; `base` is the compressed body that it names.

    Raises:
        LostBase: it names one, and none is given.
        zstandard.ZstdError: its body is damaged.

    """
    if base is None and "base" in document:
        raise LostBase(f"page {document['_id']} was compressed with {document['base']}, which is not kept any more")
    optional = {name: document[name] for name in ("error", "encoding", "source", "mirror") if name in document}
    return Page(
        url=document["url"],
        body=compression.restored(document["body"], document["size"], base),
        origin=Origin(document["origin"]),
        fetched_at=document["fetched_at"],
        status=document["status"],
        headers=[(name, value) for name, _, value in (told.partition(": ") for told in document["headers"])],
        aliases=list(document["aliases"]),
        depth=document["depth"],
        entry=_entry(document),
        **optional,
    )


def _entry(document: Mapping[str, Any]) -> Entry | None:
    if "entry" not in document:
        return None
    told = dict(document["entry"])
    if "audio" in told:
        told["audio"] = Audio(**told["audio"])
    return Entry(**told)


def decoded(raw: Raw) -> Page:
    """The page that a document holds: what a worker process is handed.

    Raises what `page` raises.
    """
    return page(bson.decode(raw.document, AWARE), raw.base)
