"""The form of articles, revisions, aliases, claims and runs as documents, and back.

A field of one value that is not known is absent, never null; lists, `text`, `provenance` and `extractor` are
always there, empty at times. Times are aware UTC datetimes to the millisecond.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from rfispider.items import NOT_STORED, SCHEMA, Article, Audio, Image, Kind, Origin, Related, Status
from rfispider.site.urls import key
from rfispider.storage.policy import near_duplicates, story_clusters
from rfispider.storage.policy.bonds import Alias, BondClaim, Why
from rfispider.storage.policy.identity import identity, twin_url
from rfispider.storage.policy.versioning import ArticleVersion

Document = dict[str, Any]

IN_ONE_TRIP = 100_000
"""As `batch_size`: all of a small find comes in its first answer, for the driver repeats no later one after a failover.
What 16 MB do not hold comes in several all the same."""

RAW = CodecOptions(document_class=RawBSONDocument)
"""For a collection whose documents are not decoded on the event loop."""

STORED_FIELDS = tuple(field.name for field in fields(Article) if field.name not in NOT_STORED)
"""Names of the stored fields of an article; each is that of the document too, except `key`, which is its `_id`."""

ARCHIVAL = ("revision", "first_seen_at", "last_seen_at", "changed_at", "story", "signature")
"""What only the archive knows of an article, and of every one."""

OF_THE_PRESENT = ("identity", "signature", "silent_edits", "ticker")
"""Fields of an article's document by which the archive works; no part of what it was at another time."""

CONTENT_FIELDS = frozenset({"text", "content_hash", "published_at"})
"""Fields that identity and signature are made of."""

NOT_SUPERSEDED = frozenset({"key", "aliases", "sources", "related"})
"""Not kept in revisions: the first two only grow, and the site computes related links anew all the time."""

_LISTS_OF_RECORDS: dict[str, type[Image | Audio | Related]] = {"images": Image, "audio": Audio, "related": Related}
_NAMES = {record: tuple(field.name for field in fields(record)) for record in _LISTS_OF_RECORDS.values()}
_ENUMS: dict[str, Callable[[str], Kind | Status | Origin]] = {"kind": Kind, "status": Status, "origin": Origin}
_PLAIN = tuple(name for name in STORED_FIELDS if name not in {"key", *_LISTS_OF_RECORDS, *_ENUMS})
_PROJECTED = dict.fromkeys((*STORED_FIELDS[1:], *ARCHIVAL, "silent_edits", "ticker", "identity"), 1)

PROJECTION: Mapping[str, int] = _PROJECTED
"""Of an article's document, what `stored` reads; later additions (search tokens) can be large."""


def article_document(state: ArticleVersion) -> Document:
    """The document of an article as it stands in `articles`."""
    article = state.article
    return {
        "_id": article.key,
        "schema": SCHEMA,
        **content(article, STORED_FIELDS),
        "revision": state.revision,
        "first_seen_at": state.first_seen_at,
        "last_seen_at": state.last_seen_at,
        "changed_at": state.changed_at,
        "story": state.story,
        **{name: value for name, value in derived(state).items() if value is not None},
        **({"twin": key(twin)} if (twin := twin_url(article)) else {}),
    }


def signed(states: Sequence[ArticleVersion]) -> list[ArticleVersion]:
    """The states with the signatures of their texts, and each with a story of its own while it has none."""
    signatures = near_duplicates.signatures([_issue(state) for state in states])
    return [
        replace(
            state, signature=signature, story=state.story or story_clusters.name(state.article.key, state.first_seen_at)
        )
        for state, signature in zip(states, signatures, strict=True)
    ]


def _issue(state: ArticleVersion) -> near_duplicates.DatedText:
    article = state.article
    return near_duplicates.DatedText(article.text, article.edition, article.published_at or state.first_seen_at)


def derived(state: ArticleVersion) -> Document:
    """What follows from the content of a state that is signed; None for what is to be absent."""
    return {"identity": identity(state.article) if state.has_identity else None, "signature": list(state.signature)}


def content(article: Article, names: Sequence[str]) -> Document:
    """The given fields of an article as a part of a document."""
    return {
        name: value for name in names if name != "key" and (value := encoded(name, getattr(article, name))) is not None
    }


def encoded(name: str, value: Any) -> Any:
    """One value of an article as MongoDB keeps it; None for what is to be absent."""
    if name in _LISTS_OF_RECORDS:
        return [_record(entry) for entry in value]
    if name in _ENUMS:
        return value.value
    return value


def _record(entry: Image | Audio | Related) -> Document:
    names = _NAMES[type(entry)]
    return {name: value for name in names if (value := getattr(entry, name)) is not None}


def stored(document: Document) -> ArticleVersion:
    """The state that a document of `articles` holds."""
    return ArticleVersion(
        article=article(document["_id"], document),
        revision=document["revision"],
        first_seen_at=document["first_seen_at"],
        last_seen_at=document["last_seen_at"],
        changed_at=document["changed_at"],
        silent_edits=document.get("silent_edits", 0),
        ticker=document.get("ticker", False),
        story=document.get("story"),
        signature=document.get("signature", ()),
        has_identity="identity" in document,
        guard=document["fetched_at"],
    )


def article(key: str, document: Document) -> Article:
    """The article that a document of `articles` or `revisions` holds."""
    values: dict[str, Any] = {name: document[name] for name in _PLAIN if name in document}
    for name, record in _LISTS_OF_RECORDS.items():
        values[name] = [record(**entry) for entry in document.get(name, ())]
    for name, member in _ENUMS.items():
        values[name] = member(document[name])
    return Article(key=key, **values)


def revision_id(key: str, revision: int) -> str:
    """The `_id` of a superseded state: the same whoever writes it, and however often."""
    return f"{key}:{revision}"


def revision_document(old: ArticleVersion, valid_to: datetime, changed: Sequence[str]) -> Document:
    """The document of a superseded state, complete: what held from `valid_from` until, but not at, `valid_to`."""
    key = old.article.key
    names = [name for name in STORED_FIELDS if name not in NOT_SUPERSEDED]
    return {
        "_id": revision_id(key, old.revision),
        "schema": SCHEMA,
        "article": key,
        "revision": old.revision,
        "valid_from": old.changed_at,
        "valid_to": valid_to,
        "changed": list(changed),
        **content(old.article, names),
    }


def ended_state(document: Document, alias: Alias | None) -> ArticleVersion:
    """The last state of an article that became an alias, from its superseded state; as if it had not ended."""
    since = document["valid_from"]
    return ArticleVersion(
        article=article(document["article"], document),
        revision=document["revision"],
        first_seen_at=alias.first_seen_at if alias else since,
        last_seen_at=document["valid_to"],
        changed_at=since,
    )


def alias_document(alias: Alias) -> Document:
    """The document of another URL of an article; what is not known is absent."""
    values = {each.name: getattr(alias, each.name) for each in fields(Alias)}
    known = {name: value for name, value in values.items() if value is not None and name != "key"}
    return {"_id": alias.key, "schema": SCHEMA, **known, "why": alias.why.value}


def alias(document: Document) -> Alias:
    """The other URL of an article that a document holds."""
    values = {each.name: document[each.name] for each in fields(Alias) if each.name in document}
    return Alias(**{**values, "key": document["_id"], "why": Why(document["why"])})


def claim_document(claim: BondClaim) -> Document:
    """The document of a claim."""
    return {
        "_id": claim.key,
        "schema": SCHEMA,
        "article": claim.article,
        "why": claim.why.value,
        "content_hash": claim.content_hash,
        "at": claim.at,
    }


def claim(document: Document) -> BondClaim:
    """The claim that a document holds."""
    return BondClaim(
        key=document["_id"],
        article=document["article"],
        why=Why(document["why"]),
        content_hash=document["content_hash"],
        at=document["at"],
    )


def run_document(run: Mapping[str, Any]) -> Document:
    """The document of a run. A worker begins one run at a time, so its start and the worker name it."""
    began: datetime = run["started_at"]
    return {"_id": f"{began:%Y%m%dT%H%M%S.%fZ}-{run['worker']}", "schema": SCHEMA, **run}
