"""Articles with the kept pages that they were read from, for reading them again."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pymongo.asynchronous.collection import AsyncCollection

from rfispider.items import Status
from rfispider.storage import documents
from rfispider.storage.documents import PROJECTION, Document
from rfispider.storage.pages.documents import Raw
from rfispider.storage.pages.raw_pages import Pages, source
from rfispider.storage.policy.versioning import ArticleVersion

SEGMENT: Final = 500
"""Articles that are read, shown and written together."""

FAILED_PAGES: Final = "~"
"""What the places of pages without an article begin with: it comes after every key."""


@dataclass(frozen=True, slots=True)
class KeptPage:
    """A page to read again."""

    id: str
    raw: Raw
    """The page, for `documents.decoded`."""
    stored: ArticleVersion | None
    """The article that was read from it; None when none was."""


@dataclass(frozen=True, slots=True)
class ReparseBatch:
    """A part of what is to be read again."""

    after: str
    """Where it ends: to go on from."""
    pages: list[KeptPage]
    pageless: int
    """Articles whose page was not kept."""


class Replay:
    """Walks through articles in the order of their keys, then through the pages that gave none."""

    def __init__(self, articles: AsyncCollection[Document], pages: Pages) -> None:
        self._articles = articles
        self._pages = pages

    async def segments(
        self, condition: Mapping[str, Any], after: str, *, failures: bool
    ) -> AsyncIterator[ReparseBatch]:
        """All articles under a condition after a place; with `failures` the pages without article of its edition."""
        while not after.startswith(FAILED_PAGES):
            # A tombstone keeps what was last seen of it.
            query = {"status": {"$ne": Status.GONE.value}, **condition, "_id": {"$gt": after}}
            articles = await self._articles.find(query, PROJECTION).sort("_id", 1).limit(SEGMENT).to_list()
            if not articles:
                break
            after = articles[-1]["_id"]
            yield await self._segment(articles, after)
        while failures:
            edition = {name: value for name, value in condition.items() if name == "edition"}
            place = after.removeprefix(FAILED_PAGES) if after.startswith(FAILED_PAGES) else ""
            ids = await self._pages.unread(edition, place, SEGMENT)
            if not ids:
                return
            after = FAILED_PAGES + ids[-1]
            raw = await self._pages.raw(ids)
            yield ReparseBatch(after, [KeptPage(name, body, None) for name, body in raw.items()], 0)

    async def _segment(self, articles: list[Document], after: str) -> ReparseBatch:
        marks = await self._pages.marks([article["_id"] for article in articles])
        sources = {name: article for article in articles if (name := source(article, marks[article["_id"]]))}
        raw = await self._pages.raw(list(sources))
        kept = [KeptPage(name, body, documents.stored(sources[name])) for name, body in raw.items()]
        return ReparseBatch(after, kept, len(articles) - len(kept))
