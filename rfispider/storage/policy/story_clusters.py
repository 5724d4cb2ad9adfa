"""Which articles make up one story: those that are near one another, and whatever is near to those.

A story is named after its eldest article. When a later one is near to two stories, the lesser name holds for both,
in whatever order, and by however many workers, they are found out to be one.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_DIGITS: Final = 12


def name(key: str, first_seen_at: datetime) -> str:
    """The story of an article that stands alone: 32 hex digits, milliseconds since 1970 before most of its key."""
    milliseconds = int((first_seen_at - _EPOCH).total_seconds() * 1000)
    return f"{max(milliseconds, 0):0{_TIME_DIGITS}x}{key[: len(key) - _TIME_DIGITS]}"


def earliest(since: datetime) -> str:
    """The least name that a story first seen at a moment (UTC), or later, can have."""
    return name("0" * 32, since)


def is_own(key: str, story: str) -> bool:
    """Whether a story is named after this article: nobody else's name has replaced it."""
    return story[_TIME_DIGITS:] == key[: len(key) - _TIME_DIGITS]


def united(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each name that has to go -> the least one that it is joined with, given pairs of names that are one story."""
    leader: dict[str, str] = {}
    for pair in pairs:
        first, second = sorted(_found(leader, each) for each in pair)
        leader[second] = first
    return {each: _found(leader, each) for each in leader if _found(leader, each) != each}


def _found(leader: dict[str, str], each: str) -> str:
    while leader.get(each, each) != each:
        each = leader[each]
    return each
