"""What goes before what. Pure.

There are few priorities, and all are known here: that lets one range of an index serve each of them.
"""

from rfispider.items import SOURCE_KINDS, Kind, Link

BACKFILL = -1
LOOK_AGAIN = 5
"""An article that is stored already waits behind those that are not."""
FARTHEST = 30
LISTED = 40
"""Of an article that a source lists; each related-link hop takes one off, down to `FARTHEST`."""
SOURCE = 50
FEED = 60

PRIORITIES = frozenset({BACKFILL, LOOK_AGAIN, *range(FARTHEST, LISTED + 1), SOURCE, FEED})


def priority(link: Link, *, backfill: bool) -> int:
    """The priority of a URL that was not fetched yet: the higher, the sooner."""
    if backfill:
        return BACKFILL
    if link.kind in SOURCE_KINDS:
        return FEED if link.kind in {Kind.FEED, Kind.SITEMAP} else SOURCE
    return max(FARTHEST, LISTED - link.depth)
