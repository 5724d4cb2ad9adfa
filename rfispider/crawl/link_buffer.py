"""Links on their way into the frontier: several pages share a write, and what was just written is not written again."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rfispider.concurrency.batching import GroupCommit
from rfispider.frontier import Frontier
from rfispider.items import Link
from rfispider.site import urls

PAGES_PER_WRITE: Final = 100
"""Pages whose links make one write."""
LINK_GATHER_S: Final = 0.005
"""The longest that a page waits for others to share its write, when none is under way."""
REMEMBERED_S: Final = 300.0
"""So long a link that was written is taken to be there. An operator may have removed it meanwhile."""
MAX_REMEMBERED: Final = 20_000
"""Links that are remembered: some 5 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLinks:
    """The links of one page."""

    links: Sequence[Link]
    stale_s: float | None = None
    """See `Frontier.add`."""


class RecentLinks:
    """Which links were written a short while ago, and at what depth. Pure but for the clock that it is given."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = clock()
        self._depths: dict[tuple[str, bool], int] = {}

    def unknown(self, links: Iterable[Link]) -> list[Link]:
        """Those links that tell the frontier something: new, nearer than before, or with what a source says of them."""
        if self._clock() - self._since > REMEMBERED_S or len(self._depths) > MAX_REMEMBERED:
            self._since = self._clock()
            self._depths.clear()
        return [link for link in links if link.entry or link.depth < self._depths.get(_name(link), link.depth + 1)]

    def note(self, links: Iterable[Link]) -> None:
        """Take note that links are in the frontier."""
        for link in links:
            name = _name(link)
            self._depths[name] = min(link.depth, self._depths.get(name, link.depth))


def _name(link: Link) -> tuple[str, bool]:
    return urls.key(link.url), link.backfill


class LinkBuffer:
    """The way of links into the frontier of one crawl."""

    def __init__(self, frontier: Frontier, max_depth: int | None, on_written: Callable[[], None]) -> None:
        """Write to `frontier`; links of `max_depth` hops are not followed; `on_written` hears of every write."""
        self.frontier = frontier
        self.max_depth = max_depth
        self.on_written = on_written
        self.recent = RecentLinks(asyncio.get_running_loop().time)
        self.commits = GroupCommit(self.write, size=PAGES_PER_WRITE, seconds=LINK_GATHER_S)

    async def add(self, links: Iterable[Link], *, stale_s: float | None = None) -> None:
        """Have the links of a page in the frontier when this returns; see `Frontier.add` for `stale_s`.

        Raises:
            DatabaseError: the frontier does not take them.

        """
        unwritten = list(links) if stale_s is not None else self.recent.unknown(links)
        if unwritten:
            await self.commits.put(PageLinks(links=unwritten, stale_s=stale_s))
            self.on_written()

    async def found_since(self, links: Iterable[Link], since: datetime) -> bool:
        """Whether any of these links came into the frontier after a time of its server.

        Raises:
            DatabaseError: the frontier cannot be asked.

        """
        return await self.frontier.found_since(links, since)

    async def write(self, pages: Sequence[PageLinks]) -> Sequence[None]:
        """Write the links of some pages."""
        batches: dict[tuple[bool, float | None], list[Link]] = {}
        for page in pages:
            for link in page.links:
                batches.setdefault((link.backfill, page.stale_s), []).append(link)
        for (backfill, stale_s), links in batches.items():
            await self.frontier.add(links, backfill=backfill, stale_s=stale_s, max_depth=self.max_depth)
            self.recent.note(links)
        return [None] * len(pages)
