"""What reading a source gives: a feed, or the reason why there is none."""

from dataclasses import dataclass, field

from rfispider.items import Entry

MAX_FEED_ENTRIES = 10_000
"""Entries read of one feed; a feed of real life has some dozens."""


class FeedError(ValueError):
    """Nothing can be read from a source; the message is one line for a person."""

    def __init__(self, reason: str) -> None:
        super().__init__(" ".join(reason.split()))


@dataclass(slots=True, kw_only=True)
class ParsedFeed:
    """A feed that was read."""

    entries: list[Entry] = field(default_factory=list)
    """In the order of the feed; only those with a web address."""
    title: str | None = None
    problem: str | None = None
    """One line on what was wrong with the feed, when it was read all the same."""


def left_out(surplus: int) -> str | None:
    """The problem of a feed with so many entries more than were read; None when there are none."""
    return f"too large, its last {surplus:,} entries were left out" if surplus else None
