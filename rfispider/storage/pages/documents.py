"""A kept page as a document of MongoDB, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Any, Final

import bson
import zstandard
from bson.codec_options import CodecOptions

from rfispider.items import SCHEMA, Article, Audio, Entry, Origin, Outcome, Page
from rfispider.mongo.errors import DatabaseError
from rfispider.site import urls
from rfispider.site.editions import EDITION_OF_BARE_PATHS
from rfispider.storage.documents import Document
from rfispider.storage.pages import compression

_TRANSFER_HEADERS: Final = frozenset(
    {"set-cookie", "set-cookie2", "content-encoding", "transfer-encoding", "content-length", "connection", "keep-alive"}
)
"""Headers that are of one transfer and not of the document, or of one visitor."""

_AWARE: Final = CodecOptions[Mapping[str, Any]](tz_aware=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedPage:
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


class TemplateLost(DatabaseError):
    """The page that another was compressed with is gone; the message is one line for a person."""


class PageDamaged(DatabaseError):
    """The body of a page is not what was stored; the message is one line for a person."""


def page_id(page: Page, key: str) -> str:
    """The `_id` of a page: the same for the same page fetched at the same time, in order of time for one article."""
    known_hash = page.visit.body_hash if page.visit and page.origin is Origin.PAGE else None
    # The hash of a fetched body is known, and to make another of 350 KB costs half as much as to compress them.
    body = known_hash.encode() if known_hash else page.body
    digest = blake2b(body, digest_size=8, person=page.origin.encode()).hexdigest()
    return f"{key}:{page.fetched_at:%Y%m%dT%H%M%S.%f}"[:-3] + f"Z:{digest}"


def failure_id(page: Page) -> str:
    """The `_id` of the last page of a URL, of one origin, that gave no article."""
    return f"{urls.key(page.url)}:failed:{page.origin}"


def edition(fetched_page: FetchedPage) -> str:
    """The edition that a page counts to."""
    return (
        fetched_page.article.edition
        if fetched_page.article
        else urls.edition(fetched_page.page.url) or EDITION_OF_BARE_PATHS
    )


def document(fetched_page: FetchedPage) -> Document:
    """The document of a page, still without its body; what is not known is absent."""
    page, article = fetched_page.page, fetched_page.article
    key = article.key if article else urls.key(page.url)
    values: Document = {
        "_id": page_id(page, key) if article else failure_id(page),
        "schema": SCHEMA,
        "article": key,
        "url": page.url,
        "edition": edition(fetched_page),
        "origin": page.origin.value,
        "fetched_at": page.fetched_at,
        "status": page.status,
        "size": len(page.body),
        "headers": [f"{name}: {value}" for name, value in page.headers if name.lower() not in _TRANSFER_HEADERS],
        "aliases": page.aliases,
        "depth": page.depth,
    }
    optional = {name: getattr(page, name) for name in ("error", "encoding", "source", "mirror")}
    optional["entry"] = _entry_document(page)
    values |= {name: value for name, value in optional.items() if value}
    if article:
        return values | {"extractor": article.extractor}
    return values | {"outcome": fetched_page.outcome.value, "reason": fetched_page.reason}


def _entry_document(page: Page) -> Document:
    """What the source said, without its content: that is the body, or nothing that the page's reading needs."""
    if page.entry is None:
        return {}
    values = {each.name: getattr(page.entry, each.name) for each in fields(Entry) if each.name != "content"}
    if page.entry.audio:
        values["audio"] = {"url": page.entry.audio.url, "duration_s": page.entry.audio.duration_s}
    return {name: value for name, value in values.items() if value}


def page(document: Mapping[str, Any], base: bytes | None = None) -> Page:
    """The page that a document holds, as it was before extraction; `base` is the compressed body that it names.

    Raises:
        TemplateLost: it names one, and none is given.
        PageDamaged: its body cannot be decompressed.

    """
    if base is None and "base" in document:
        raise TemplateLost(f"page {document['_id']} was compressed with {document['base']}, which is not kept any more")
    optional = {name: document[name] for name in ("error", "encoding", "source", "mirror") if name in document}
    return Page(
        url=document["url"],
        body=_body(document, base),
        origin=Origin(document["origin"]),
        fetched_at=document["fetched_at"],
        status=document["status"],
        headers=[(name, value) for name, _, value in (header.partition(": ") for header in document["headers"])],
        aliases=list(document["aliases"]),
        depth=document["depth"],
        entry=_entry(document),
        **optional,
    )


def _body(document: Mapping[str, Any], base: bytes | None) -> bytes:
    try:
        return compression.restored(document["body"], document["size"], base)
    except zstandard.ZstdError as error:
        raise PageDamaged(f"page {document['_id']} cannot be decompressed: {error}") from error


def _entry(document: Mapping[str, Any]) -> Entry | None:
    if "entry" not in document:
        return None
    values = dict(document["entry"])
    if "audio" in values:
        values["audio"] = Audio(**values["audio"])
    return Entry(**values)


def decoded(raw: Raw) -> Page:
    """The page that a document holds: what a worker process is handed.

    Raises what `page` raises.
    """
    return page(bson.decode(raw.document, _AWARE), raw.base)
