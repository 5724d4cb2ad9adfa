"""Which of two states of an article holds: by status, then by origin, then by time. Pure.

1. A better status is never overwritten by a worse one: full, then short, then stub.
2. From one kind of origin (the live page, a feed), what was fetched later holds. Archives are imported in any
   order, any number of times: there the later time that the site itself stated holds, then the longer text.
3. Between kinds the live page holds, unless its text shrank to less than half. A feed or archive replaces a page
   only when it states a time after that page was fetched, or when the page's text was crippled. No two states
   replace each other in turn.
"""

from datetime import UTC, datetime
from typing import Final

from rfispider.items import Article, Origin, Status

SHRUNK: Final = 0.5
"""A text of under this share of the other one's length is the work of a template or a wall, not of an editor."""

WORTH: Final = {Status.GONE: 0, Status.STUB: 1, Status.SHORT: 2, Status.FULL: 3}
"""What orders statuses: the greater one is never overwritten by the lesser one."""

LIVE: Final = frozenset({Origin.PAGE, Origin.RENDERED})
"""Origins that are the site's own page."""

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


def supersedes(old: Article, seen: Article) -> bool:
    """Whether what was seen may take the place of the content that is stored."""
    if old.status is seen.status is Status.GONE:
        if has_shrunk(seen, old):
            return False
        gain = bool(seen.text) - bool(old.text)
    else:
        gain = WORTH[seen.status] - WORTH[old.status]
    if gain:
        return gain > 0
    if is_same_origin(old, seen):
        return _recency(seen) >= _recency(old)
    return _supersedes_other_origin(old, seen)


def precedes(seen: Article, old: Article) -> bool:
    """Whether a live page was asked for before the stored content, from a live page too and no worse, was."""
    are_live = {seen.origin, old.origin} <= LIVE
    return are_live and seen.fetched_at < old.fetched_at and WORTH[seen.status] <= WORTH[old.status]


def _supersedes_other_origin(old: Article, seen: Article) -> bool:
    shrunk, is_later = has_shrunk(seen, old), stated_at(seen) > _valid_until(old)
    if rank(seen) > rank(old):
        return is_later or not shrunk
    old_is_crippled = has_shrunk(old, seen) and stated_at(seen) >= stated_at(old)
    return old_is_crippled or (is_later and not shrunk)


def is_same_origin(old: Article, seen: Article) -> bool:
    """Whether both are from one kind of origin; a page that was rendered is a page."""
    return old.origin is seen.origin or {old.origin, seen.origin} <= LIVE


def rank(article: Article) -> int:
    """1 for what was read from the live page, else 0."""
    return int(article.origin in LIVE)


def stated_at(article: Article) -> datetime:
    """The latest time that the site itself states (UTC); the beginning of time when it states none."""
    return max(article.modified_at or _LONG_AGO, article.published_at or _LONG_AGO)


def has_shrunk(article: Article, other: Article) -> bool:
    """Whether a text is so much shorter than another that it is no edit of it."""
    return len(article.text) < SHRUNK * len(other.text)


def _recency(article: Article) -> tuple[datetime, int, str, str]:
    """What orders two states of one kind of origin; for archives a complete order, since all are imported at once."""
    if article.origin is Origin.ARCHIVE:
        return stated_at(article), len(article.text), article.text, article.title
    return article.fetched_at, 0, "", ""


def _valid_until(article: Article) -> datetime:
    """The time up to which the state is known to have held. When an archive was imported tells nothing of it."""
    return stated_at(article) if article.origin is Origin.ARCHIVE else article.fetched_at
