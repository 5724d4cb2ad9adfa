"""Which articles make up one story: those that are near one another, and whatever is near to those.

A story is named after its eldest article. When a later one is near to two stories, the lesser name holds for both,
in whatever order, and by however many workers, they are recognised as one.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_DIGITS: Final = 12


def name(key: str, first_seen_at: datetime) -> str:
    """The story of an article that stands alone: 32 hex digits, milliseconds since 1970 before most of its key.

    >>> name("27385e96f06a9dab2db2289e2bf28e86", datetime(2026, 3, 1, 12, 30, tzinfo=UTC))
    '019ca960814027385e96f06a9dab2db2'
    """
    milliseconds = int((first_seen_at - _EPOCH).total_seconds() * 1000)
    return f"{max(milliseconds, 0):0{_TIME_DIGITS}x}{key[: len(key) - _TIME_DIGITS]}"


def earliest(since: datetime) -> str:
    """The least name that a story first seen at a moment (UTC), or later, can have."""
    return name("0" * 32, since)


def is_own(key: str, story: str) -> bool:
    """Whether a story is named after this article: nobody else's name has replaced it."""
    return story[_TIME_DIGITS:] == key[: len(key) - _TIME_DIGITS]


def united(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each name that has to go -> the least one that it is joined with, given pairs of names that are one story.

    >>> united([("c", "b"), ("b", "a"), ("x", "y")])
    {'c': 'a', 'b': 'a', 'y': 'x'}
    """
    leader: dict[str, str] = {}
    for pair in pairs:
        first, second = sorted(_least(leader, each) for each in pair)
        leader[second] = first
    return {each: _least(leader, each) for each in leader if _least(leader, each) != each}


def _least(leader: dict[str, str], name: str) -> str:
    while leader.get(name, name) != name:
        name = leader[name]
    return name
