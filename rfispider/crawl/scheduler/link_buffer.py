"""Links on their way into the frontier: several pages share a write, and what was just written is not written again."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rfispider.concurrency.batching import GroupCommit
from rfispider.frontier import Frontier
from rfispider.items import Link
from rfispider.site import urls

PAGES: Final = 100
"""Pages whose links make one write."""
GATHER_S: Final = 0.005
"""The longest that a page waits for others to share its write, when none is under way."""
REMEMBERED_S: Final = 300.0
"""So long a link that was written is taken to be there. An operator may have removed it meanwhile."""
MOST: Final = 20_000
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
        if self._clock() - self._since > REMEMBERED_S or len(self._depths) > MOST:
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


class Links:
    """The way of links into the frontier of one crawl."""

    def __init__(self, frontier: Frontier, max_depth: int | None) -> None:
        self.frontier = frontier
        self.max_depth = max_depth
        self.recent = RecentLinks(asyncio.get_running_loop().time)
        self.commits = GroupCommit(self.write, size=PAGES, seconds=GATHER_S)

    async def add(self, links: Iterable[Link], stale_s: float | None) -> bool:
        """Have the links of a page in the frontier when this returns; False if there was nothing to write.

        Raises DatabaseError when the frontier does not take them.
        """
        wanted = list(links) if stale_s is not None else self.recent.unknown(links)
        if not wanted:
            return False
        await self.commits.put(PageLinks(links=wanted, stale_s=stale_s))
        return True

    async def write(self, found: Sequence[PageLinks]) -> Sequence[None]:
        """Write the links of some pages."""
        kinds: dict[tuple[bool, float | None], list[Link]] = {}
        for page in found:
            for link in page.links:
                kinds.setdefault((link.backfill, page.stale_s), []).append(link)
        for (backfill, stale_s), links in kinds.items():
            await self.frontier.add(links, backfill=backfill, stale_s=stale_s, max_depth=self.max_depth)
            self.recent.note(links)
        return [None] * len(found)
