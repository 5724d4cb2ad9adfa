"""What a newly seen state of an article means against the stored one: new, changed or the same. Pure.

- What was asked for before the stored content was is out of date: it only tells of other URLs and sources.
- Which of two other states holds is decided by `precedence`, field by field by `field_updates`.
- A state with the status gone says that the page was removed: the article becomes a tombstone and keeps its
  content. Only the live page brings it back to life; what feeds and archives go on saying of it does not.
- A page whose text alone was another `SILENT_EDITS` times, while the site never stated a new time, shows a clock or
  a feed of its own. It is marked as self-updating: its text is kept up to date from then on without revisions.

`changed` means that a reader would see it (`visible_edits`). Times of modification, related links and where an
article was found are kept up to date without a revision. So is what one kind of origin has and another does not (a
feed has no tags, an archive another byline): only title and text are compared across kinds, since nobody edited the
rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from rfispider.items import Article, Outcome, Status
from rfispider.storage.policy.field_updates import SOURCES_MAX, field_updates, growth, union
from rfispider.storage.policy.precedence import LIVE, WORTH, has_shrunk, precedes, stated_at, supersedes
from rfispider.storage.policy.visible_edits import edits

SILENT_EDITS: Final = 24
"""Revisions of an article by its text alone, without a new time from the site, before it counts as self-updating."""


@dataclass(slots=True, kw_only=True)
class ArticleVersion:
    """A state of an article, and what only the archive knows of it. Times are UTC."""

    article: Article
    revision: int
    """Counts visible states from 1."""
    first_seen_at: datetime
    last_seen_at: datetime
    changed_at: datetime
    """Since when this revision is the present one."""
    silent_edits: int = 0
    """Revisions in which only the text changed and the site stated no new time, in all."""
    ticker: bool = False
    """Whether changes of the text alone are no revisions any more."""
    story: str | None = None
    """The story that it belongs to; None before it was stored."""
    signature: Sequence[int] = ()
    """`near_duplicates.signatures` of the text."""
    has_identity: bool = True
    """Whether the archive knows it by its content; False when another article took that over."""
    guard: datetime | None = field(default=None, compare=False)
    """`fetched_at` as it was read from the archive: what is written next holds for no other."""


@dataclass(slots=True, kw_only=True)
class Decision:
    """What is to be stored."""

    outcome: Outcome
    """NEW, CHANGED or SAME."""
    state: ArticleVersion
    """The state that holds from now on."""
    updated: Sequence[str] = ()
    """Fields of the article whose value is another than before; for CHANGED and SAME."""
    changed: Sequence[str] = ()
    """Those of them that a reader sees; only for CHANGED."""


def decide(stored: ArticleVersion | None, seen: Article, *, reread_at: datetime | None = None) -> Decision:
    """What an article that was seen means, given what is stored under its key.

    Times are compared to the millisecond, as they are stored; the state that comes back is in that form.
    `reread_at` (UTC) says that nothing was fetched: the page that the stored content is from was parsed again then.
    """
    seen = _to_milliseconds(seen)
    if stored is None:
        return Decision(outcome=Outcome.NEW, state=_first(seen))
    if reread_at:
        return _reread(stored, seen, reread_at)
    if seen.status is Status.GONE:
        return _removed(stored, seen.fetched_at)
    if stored.article.status is Status.GONE and not _revives(stored, seen):
        seen = replace(seen, status=Status.GONE)
    return _updated(stored, seen)


def _updated(stored: ArticleVersion, seen: Article) -> Decision:
    """The article with what was seen of it."""
    old = stored.article
    is_outdated = precedes(seen, old)
    updates = growth(old, seen) if is_outdated else field_updates(old, seen, takes_over=supersedes(old, seen))
    article, changed = _applied(old, updates)
    is_silent = bool(changed) and _is_silent(old, article, changed)
    becomes_ticker = is_silent and stored.silent_edits >= SILENT_EDITS
    if becomes_ticker:
        changed = []
    state = replace(
        stored,
        article=article,
        revision=stored.revision + bool(changed),
        first_seen_at=min(stored.first_seen_at, seen.fetched_at),
        last_seen_at=max(stored.last_seen_at, seen.fetched_at),
        changed_at=max(stored.changed_at, seen.fetched_at) if changed else stored.changed_at,
        silent_edits=stored.silent_edits + (is_silent and not becomes_ticker),
        ticker=stored.ticker or becomes_ticker,
    )
    return _decision(state, updates, changed)


def _reread(stored: ArticleVersion, seen: Article, at: datetime) -> Decision:
    """The article as another extractor reads the same page: what it reads holds, unless it read less.

    If the stored content is from another fetch by now (`fetched_at` differs), the reading comes too late.
    """
    old = stored.article
    is_worse = WORTH[seen.status] < WORTH[old.status] or has_shrunk(seen, old)
    if is_worse or seen.fetched_at != old.fetched_at or seen.origin is not old.origin:
        return Decision(outcome=Outcome.SAME, state=stored)
    updates = field_updates(old, seen, takes_over=True)
    article, changed = _applied(old, updates)
    changed_at = max(stored.changed_at, at) if changed else stored.changed_at
    state = replace(stored, article=article, revision=stored.revision + bool(changed), changed_at=changed_at)
    return _decision(state, updates, changed)


def _applied(old: Article, updates: dict[str, Any]) -> tuple[Article, list[str]]:
    """The article with its updates, and the fields in which a reader sees a difference."""
    if not updates:
        return old, []
    article = replace(old, **updates)
    return article, edits(old, article)


def _decision(state: ArticleVersion, updates: dict[str, Any], changed: Sequence[str]) -> Decision:
    outcome = Outcome.CHANGED if changed else Outcome.SAME
    return Decision(outcome=outcome, state=state, updated=list(updates), changed=changed)


def _removed(stored: ArticleVersion, at: datetime) -> Decision:
    """The article whose page was seen to be removed at a time."""
    old = stored.article
    if old.status is Status.GONE or at < old.fetched_at:
        return Decision(outcome=Outcome.SAME, state=stored)
    state = replace(
        stored,
        article=replace(old, status=Status.GONE, gone_at=at),
        revision=stored.revision + 1,
        changed_at=max(stored.changed_at, at),
    )
    return Decision(outcome=Outcome.CHANGED, state=state, updated=["status", "gone_at"], changed=["status"])


def _revives(stored: ArticleVersion, seen: Article) -> bool:
    """Whether what was seen of a tombstone shows that the page is back: fetched live, later, with no less to read."""
    is_complete = seen.status is Status.FULL or (seen.status is Status.SHORT and not stored.article.text)
    return is_complete and seen.origin in LIVE and seen.fetched_at > (stored.article.gone_at or stored.changed_at)


def _is_silent(old: Article, new: Article, changed: Sequence[str]) -> bool:
    """Whether only the text, lead and body, shows an edit, and the site states no new time."""
    return {"lead", "text"}.issuperset(changed) and stated_at(new) <= stated_at(old)


def _first(seen: Article) -> ArticleVersion:
    at = seen.fetched_at
    article = replace(seen, aliases=union([], seen.aliases, without=seen.url), sources=seen.sources[:SOURCES_MAX])
    return ArticleVersion(article=article, revision=1, first_seen_at=at, last_seen_at=at, changed_at=at)


def latest_time(stored: ArticleVersion) -> datetime:
    """The latest of the times of a state by which a later one may be put behind it."""
    fetched_at = stored.article.fetched_at
    return max(fetched_at, stored.article.gone_at or fetched_at)


def without_future(stored: ArticleVersion, seen: Article, now: datetime) -> ArticleVersion:
    """A state whose times cannot be, since the server's clock (UTC) has not reached them, as one just before `seen`.

    A worker whose clock was ahead wrote them: they order nothing.
    """
    if latest_time(stored) <= now or seen.fetched_at > now:
        return stored
    before = seen.fetched_at - timedelta(milliseconds=1)
    old = stored.article
    gone_at = min(old.gone_at, before) if old.gone_at else None
    article = replace(old, fetched_at=min(old.fetched_at, before), gone_at=gone_at)
    return replace(stored, article=article)


def _to_milliseconds(seen: Article) -> Article:
    """The article as it would come back from the archive."""
    times = {name: getattr(seen, name) for name in ("fetched_at", "published_at", "modified_at")}
    rounded = {name: at.replace(microsecond=at.microsecond // 1000 * 1000) for name, at in times.items() if at}
    return replace(seen, **rounded) if rounded != times else seen
