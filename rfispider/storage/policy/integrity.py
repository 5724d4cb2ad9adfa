"""What must be true of every document of an archive that is whole. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rfispider.site import urls
from rfispider.text import content_hash

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that is not as it must be."""

    check: str
    """keys, aliases, identities, revisions, pages, search or frontier."""
    subject: str
    """What it is about: a URL, or the `_id` of a document."""
    message: str
    """One line for a person."""
    mendable: bool = False
    """Whether it can be mended without losing anything."""


def article_flaws(article: Document) -> Iterator[Flaw]:
    """What is wrong with a document of `articles` by itself.

    >>> [flaw.message for flaw in article_flaws({"_id": "0" * 32, "url": "https://www.rfi.fr/en/", "aliases": [],
    ...     "edition": "en", "text": "", "content_hash": content_hash(None, "")})]
    ['its key is not that of its URL']
    """
    url = article["url"]
    if urls.key(url) != article["_id"]:
        yield Flaw("keys", url, "its key is not that of its URL")
    for alias in article["aliases"]:
        if urls.canonical(alias) != alias:
            yield Flaw("aliases", url, f"its alias {alias} is not canonical")
    if len(set(article["aliases"])) != len(article["aliases"]):
        yield Flaw("aliases", url, "an alias stands twice in it", mendable=True)
    if url in article["aliases"]:
        yield Flaw("aliases", url, "it is an alias of itself", mendable=True)
    hash_ = content_hash(article.get("lead"), article["text"])
    if article["content_hash"] != hash_:
        yield Flaw("identities", url, "its content hash is not that of its lead and text")
    identity = article.get("identity")
    if identity is not None and identity != f"{article['edition']}:{hash_}":
        yield Flaw("identities", url, "its identity is not that of its content")


def history_flaws(article: Document, revisions: Sequence[Document]) -> Iterator[Flaw]:
    """What is wrong with the superseded states of an article: they follow one another without a hole.

    `revisions` are those of the article in the order of their numbers.
    """
    url = article["url"]
    for number, revision in enumerate(revisions, 1):
        if revision["revision"] != number:
            yield Flaw("revisions", url, f"revision {number} is missing")
            return
        if revision["valid_from"] > revision["valid_to"]:
            yield Flaw("revisions", url, f"revision {number} ends before it begins")
    if len(revisions) != article["revision"] - 1:
        yield Flaw("revisions", url, f"it is at revision {article['revision']}, {len(revisions)} are superseded")
    for earlier, later in zip(revisions, [*revisions[1:], None], strict=False):
        start = later["valid_from"] if later else article["changed_at"]
        if earlier["valid_to"] != start:
            yield Flaw("revisions", url, f"between revision {earlier['revision']} and the next is a hole")
