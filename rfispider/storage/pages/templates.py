"""Which page of the archive others are compressed with.

A base is an ordinary page that an article was read from, compressed alone, and stored before any page that names it.
Each worker takes up the one that the newest pages of an edition and kind were compressed with. When pages are no longer
like their base, one of them becomes the next.
"""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pymongo import DESCENDING
from pymongo.asynchronous.collection import AsyncCollection

from rfispider.items import Kind, Origin
from rfispider.site import urls
from rfispider.storage.documents import IN_ONE_TRIP, Document
from rfispider.storage.pages import compression
from rfispider.storage.pages.compression import PageTemplate

REMEMBERED: Final = 16
"""Bases in memory, each of them with its tables some 1.5 MB."""

NEWEST_ASKED: Final = 50
"""So many of the newest pages are asked for their base."""

_MARKS: Final = dict.fromkeys(("url", "origin", "base", "outcome", "size"), 1)


class Group(NamedTuple):
    """Pages that look alike."""

    edition: str
    kind: Kind

    @classmethod
    def of(cls, edition: str, url: str) -> "Group":
        """The group of a page of an edition, by its canonical URL."""
        return cls(edition, urls.kind(url))


class PageTemplates:
    """The bases that one worker knows. One object may be used by many tasks at once."""

    def __init__(self, pages: AsyncCollection[Document]) -> None:
        self._pages = pages
        self._known: OrderedDict[Group, PageTemplate | None] = OrderedDict()

    async def load(self, groups: Collection[Group]) -> dict[Group, PageTemplate | None]:
        """The base of each group, by group; None where there is none yet."""
        return {group: await self._of(group) for group in groups}

    def remember_template(self, page: Document, body: bytes) -> None:
        """Take a page, which is stored by now, as the base of its group if it was compressed alone."""
        if is_base(page):
            self._remember(Group.of(page["edition"], page["url"]), PageTemplate(page["_id"], body, len(page["body"])))

    async def _of(self, group: Group) -> PageTemplate | None:
        if group not in self._known:
            newest = await self._newest(group)
            # One that was learnt meanwhile is newer.
            self._remember(group, self._known.get(group) or newest)
        self._known.move_to_end(group)
        return self._known[group]

    def _remember(self, group: Group, base: PageTemplate | None) -> None:
        self._known[group] = base
        self._known.move_to_end(group)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def _newest(self, group: Group) -> PageTemplate | None:
        """The base of the newest page of a group that has one or is one."""
        newest = self._pages.find({"edition": group.edition}, _MARKS).sort("fetched_at", DESCENDING).limit(NEWEST_ASKED)
        for page in await newest.to_list():
            name = page.get("base") or (page["_id"] if is_base(page) else None)
            if name and Group.of(group.edition, page["url"]) == group:
                return await self._stored(name)
        return None

    async def _stored(self, name: str) -> PageTemplate | None:
        packed = (await _packed(self._pages, [name])).get(name)
        return (
            PageTemplate(name, compression.restored(packed, compression.MAX_TEMPLATE_BYTES, None), len(packed))
            if packed
            else None
        )


async def of(pages: AsyncCollection[Document], kept: Sequence[Mapping[str, Any]]) -> list[bytes | None]:
    """The bases of pages, given their documents, each compressed alone; None where there is none, or none any more."""
    names = [page.get("base", "") for page in kept]
    bodies = await _packed(pages, sorted({name for name in names if name}))
    return [bodies.get(name) for name in names]


async def _packed(pages: AsyncCollection[Document], names: Sequence[str]) -> dict[str, bytes]:
    """Bases by their `_id`, compressed alone."""
    if not names:
        return {}
    cursor = pages.find({"_id": {"$in": names}}, {"body": 1}, batch_size=IN_ONE_TRIP)
    return {page["_id"]: page["body"] async for page in cursor}


def is_base(page: Mapping[str, Any]) -> bool:
    """Whether others may be compressed with a page, given its document: it stays, and was compressed alone."""
    stays = "outcome" not in page and page["origin"] in {Origin.PAGE, Origin.RENDERED}
    return stays and "base" not in page and compression.LEAST <= page["size"] <= compression.MAX_TEMPLATE_BYTES
