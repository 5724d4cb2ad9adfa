"""Which page of the archive others are compressed with.

A base is an ordinary page that an article was read from, compressed alone, and stored before any page that names it.
Each worker takes up the one that the newest pages of an edition and kind were compressed with. When pages are no longer
like their base, one of them becomes the next.
"""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from pymongo import DESCENDING
from pymongo.asynchronous.collection import AsyncCollection

from rfispider import urls
from rfispider.items import Kind, Origin
from rfispider.store import compression
from rfispider.store.compression import Base
from rfispider.store.documents import IN_ONE_TRIP, Document

REMEMBERED: Final = 16
"""Bases in memory, each of them with its tables some 1.5 MB."""

NEWEST: Final = 50
"""So many of the newest pages are asked for their base."""

_MARKS: Final = dict.fromkeys(("url", "origin", "base", "outcome", "size"), 1)


class Group(NamedTuple):
    """Pages that look alike."""

    edition: str
    kind: Kind

    @classmethod
    def of(cls, page: Mapping[str, Any]) -> "Group":
        """The group of a page, given its document."""
        return cls(page["edition"], urls.kind(page["url"]))


class Bases:
    """The bases that one worker knows. One object may be used by many tasks at once."""

    def __init__(self, pages: AsyncCollection[Document]) -> None:
        self._pages = pages
        self._known: OrderedDict[Group, Base | None] = OrderedDict()

    async def load(self, groups: Collection[Group]) -> dict[Group, Base | None]:
        """The base of each group; None where there is none yet."""
        for group in groups:
            if group not in self._known:
                self._remember(group, await self._newest(group))
            self._known.move_to_end(group)
        return {group: self._known[group] for group in groups}

    def learn(self, page: Document, body: bytes) -> None:
        """Take a page, which is stored by now, as the base of its group if it was compressed alone."""
        if is_base(page):
            self._remember(Group.of(page), Base(page["_id"], body, len(page["body"])))

    async def packed(self, names: Collection[str]) -> dict[str, bytes]:
        """Bases by their `_id`, compressed alone."""
        wanted = {"_id": {"$in": list(names)}}
        found = self._pages.find(wanted, {"body": 1}, batch_size=IN_ONE_TRIP) if names else None
        return {page["_id"]: page["body"] async for page in found} if found else {}

    def _remember(self, group: Group, base: Base | None) -> None:
        self._known[group] = base
        self._known.move_to_end(group)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def _newest(self, group: Group) -> Base | None:
        """The base of the newest page of a group that has one or is one."""
        newest = self._pages.find({"edition": group.edition}, _MARKS).sort("fetched_at", DESCENDING).limit(NEWEST)
        for page in await newest.to_list():
            name = page.get("base") or (page["_id"] if is_base(page) else None)
            if name and urls.kind(page["url"]) is group.kind:
                packed = (await self.packed([name])).get(name)
                return Base(name, compression.restored(packed, compression.MOST, None), len(packed)) if packed else None
        return None


def is_base(page: Mapping[str, Any]) -> bool:
    """Whether others may be compressed with a page, given its document: it stays, and was compressed alone."""
    stays = "outcome" not in page and page["origin"] in {Origin.PAGE, Origin.RENDERED}
    return stays and "base" not in page and compression.LEAST <= page["size"] <= compression.MOST
