"""What reading a source gives: a feed, or the reason why there is none."""

from dataclasses import dataclass, field

from rfispider.items import Entry


class FeedError(ValueError):
    """Nothing can be read from a source; the message is one line for a person."""

    def __init__(self, reason: str) -> None:
        super().__init__(" ".join(reason.split()))


@dataclass(slots=True, kw_only=True)
class Feed:
    """A feed that was read."""

    entries: list[Entry] = field(default_factory=list)
    """In the order of the feed; only those with a web address."""
    title: str | None = None
    problem: str | None = None
    """One line on what was wrong with the feed, when it was read all the same."""
