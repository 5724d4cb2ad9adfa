"""What a newly seen state of an article means against the stored one: new, changed or the same.

The rules, in the order in which they apply:

1. A better status is never overwritten by a worse one: full, then short, then stub.
2. From one kind of origin (the live page, a feed), what was fetched later holds. Archives are imported in any
   order, any number of times: there the later time that the site itself stated holds, then the longer text.
3. Between kinds the live page holds, unless its text shrank to less than half. A feed or archive replaces a page
   only when it states a time after that page was fetched, or when the page's text was crippled. No two states
   replace each other in turn.
4. What is missing never erases what is known.
5. A sight with the status gone says that the page was removed: the article becomes a tombstone and keeps its
   content. Only the live page brings it back to life; what feeds and archives go on telling of it does not.

6. A page whose text alone was another `SILENT_EDITS` times, while the site never stated a new time, shows a clock or
   a feed of its own. It is marked as a ticker: its text is kept up to date from then on without revisions.

`changed` means that a reader would see it. Times of modification, related links and where an article was found
are kept up to date without a revision. So is what one kind of origin tells and another does not (a feed has no
tags, an archive another byline): only title and text are compared across kinds, since nobody edited the rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from rfispider.items import Article, Audio, Image, Origin, Outcome, Status
from rfispider.text import without_spaces

SOURCES_MAX = 20
"""How many places where an article was found are kept; the first ones tell most."""

SHRUNK = 0.5
"""A text of under this share of the other one's length is the work of a template or a wall, not of an editor."""

SILENT_EDITS = 24
"""Revisions of an article by its text alone, without a word of the site, before it is taken for a ticker."""

_WORTH = {Status.GONE: 0, Status.STUB: 1, Status.SHORT: 2, Status.FULL: 3}

_LIVE = frozenset({Origin.PAGE, Origin.RENDERED})

_LONG_AGO = datetime.min.replace(tzinfo=UTC)

_CONTENT = ("lead", "text", "content_hash")
"""Changed together or not at all: the hash is that of the other two."""

_ABOUT_CONTENT = ("status", "gone_at", "origin", "extractor", "fetched_at")
"""Tell of the content that is stored, and follow it."""

_APART = frozenset({"key", "url", "edition", "aliases", "sources", "provenance", *_CONTENT, *_ABOUT_CONTENT})
"""Decided one by one, or never changed; every other field is merged by one rule."""

_MERGED = tuple(field.name for field in fields(Article) if field.name not in _APART)

_HEADLINE = frozenset({"title", "modified_at"})
"""What a worse origin may replace along with the text."""


@dataclass(slots=True, kw_only=True)
class ArticleVersion:
    """A state of an article, and what only the archive knows of it."""

    article: Article
    revision: int
    """Counts visible states from 1."""
    first_seen_at: datetime
    last_seen_at: datetime
    changed_at: datetime
    """Since when this revision is the present one."""
    silent_edits: int = 0
    """Revisions in which only the text changed and the site stated no new time."""
    ticker: bool = False
    """Whether changes of the text alone are no revisions any more."""
    story: str | None = None
    """The story that it belongs to; None before it was stored."""
    signature: Sequence[int] = ()
    """`nearness.signature` of the text."""


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
    """What the sight of an article means, given what is stored under its key.

    Times are compared to the millisecond, as they are stored; the state that comes back is in that form.
    `reread_at` says that `seen` is no new sight: then (UTC) the page was read again that the stored content is from.
    """
    seen = _to_milliseconds(seen)
    if stored and reread_at:
        return _reread(stored, seen, reread_at)
    if stored is None:
        return Decision(outcome=Outcome.NEW, state=_first(seen))
    if seen.status is Status.GONE:
        return _buried(stored, seen.fetched_at)
    if stored.article.status is Status.GONE and not _revives(stored, seen):
        seen = replace(seen, status=Status.GONE)
    old = stored.article
    updates = _updates(old, seen, takes=supersedes(old, seen))
    article = replace(old, **updates) if updates else old
    changed = edits(old, article) if updates else []
    silent = bool(changed) and _is_silent(old, article, changed)
    ticks = silent and stored.silent_edits >= SILENT_EDITS
    if ticks:
        changed = []
    state = replace(
        stored,
        article=article,
        revision=stored.revision + bool(changed),
        first_seen_at=min(stored.first_seen_at, seen.fetched_at),
        last_seen_at=max(stored.last_seen_at, seen.fetched_at),
        changed_at=max(stored.changed_at, seen.fetched_at) if changed else stored.changed_at,
        silent_edits=stored.silent_edits + (silent and not ticks),
        ticker=stored.ticker or ticks,
    )
    outcome = Outcome.CHANGED if changed else Outcome.SAME
    return Decision(outcome=outcome, state=state, updated=list(updates), changed=changed)


def _reread(stored: ArticleVersion, seen: Article, at: datetime) -> Decision:
    """The article as another extractor reads the same page: its word holds, unless it found less.

    If the stored content is from another sight by now (`fetched_at` differs), the reading comes too late.
    """
    old = stored.article
    worse = _WORTH[seen.status] < _WORTH[old.status] or _shrunk(seen, old)
    if worse or seen.fetched_at != old.fetched_at or seen.origin is not old.origin:
        return Decision(outcome=Outcome.SAME, state=stored)
    updates = _updates(old, seen, takes=True)
    article = replace(old, **updates) if updates else old
    changed = edits(old, article) if updates else []
    state = replace(stored, article=article, revision=stored.revision + bool(changed))
    state.changed_at = max(stored.changed_at, at) if changed else stored.changed_at
    outcome = Outcome.CHANGED if changed else Outcome.SAME
    return Decision(outcome=outcome, state=state, updated=list(updates), changed=changed)


def _buried(stored: ArticleVersion, at: datetime) -> Decision:
    """The article whose page was found removed at a time."""
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
    """Whether a sight of a tombstone shows that the page is back: fetched live, later, with no less to read."""
    complete = seen.status is Status.FULL or (seen.status is Status.SHORT and not stored.article.text)
    return complete and seen.origin in _LIVE and seen.fetched_at > stored.changed_at


def supersedes(old: Article, seen: Article) -> bool:
    """Whether what was seen may take the place of the content that is stored (rules 1 to 3)."""
    worth = _WORTH[seen.status] - _WORTH[old.status]
    if old.status is seen.status is Status.GONE:
        if _shrunk(seen, old):
            return False
        worth = bool(seen.text) - bool(old.text)
    if worth:
        return worth > 0
    if _same_origin(old, seen):
        return _recency(seen) >= _recency(old)
    shrunk, later = _shrunk(seen, old), _stated(seen) > _known_until(old)
    if _rank(seen) > _rank(old):
        return later or not shrunk
    crippled = _shrunk(old, seen) and _stated(seen) >= _stated(old)
    return crippled or (later and not shrunk)


def edits(old: Article, new: Article) -> list[str]:
    """The fields, in alphabetical order, in which a reader sees that `new`, which took the place of `old`, differs.

    Between two kinds of origin only title and text are compared, unless the status rose.
    """
    visible = {name for name in _ESSENCE if not _alike(name, getattr(old, name), getattr(new, name))}
    if old.status not in {Status.STUB, Status.GONE} and new.status is not Status.GONE:
        visible.discard("status")
    if not _same_origin(old, new) and _WORTH[new.status] <= _WORTH[old.status]:
        visible &= {"title", "text", "lead"} if "text" in visible else {"title"}
    return sorted(visible)


def _is_silent(old: Article, new: Article, changed: Sequence[str]) -> bool:
    """Whether only the text, lead and body, tells of an edit, and the site does not."""
    return {"lead", "text"}.issuperset(changed) and _stated(new) <= _stated(old)


def _first(seen: Article) -> ArticleVersion:
    at = seen.fetched_at
    article = replace(seen, aliases=_union([], seen.aliases, but=seen.url), sources=seen.sources[:SOURCES_MAX])
    return ArticleVersion(article=article, revision=1, first_seen_at=at, last_seen_at=at, changed_at=at)


def _updates(old: Article, seen: Article, *, takes: bool) -> dict[str, Any]:
    """The fields that get another value; `takes`: what was seen may take the place of the content."""
    leads = takes and (_rank(seen) >= _rank(old) or _WORTH[seen.status] > _WORTH[old.status])
    updates = _content(old, seen, takes=takes, leads=leads)
    for name in _MERGED:
        before, after = getattr(old, name), getattr(seen, name)
        if before == after or not after:
            continue
        if not before or ((leads or (takes and name in _HEADLINE)) and not _alike(name, before, after)):
            updates[name] = after
    _unite(old, seen, updates)
    return updates


def _content(old: Article, seen: Article, *, takes: bool, leads: bool) -> dict[str, Any]:
    """New values of lead, text, hash, and of the fields that tell of them."""
    updates: dict[str, Any] = {}
    if _replaces_content(old, seen, takes=takes, leads=leads):
        updates = {name: getattr(seen, name) for name in _CONTENT}
    if leads or updates:
        updates |= {name: getattr(seen, name) for name in _ABOUT_CONTENT}
    if _WORTH[seen.status] < _WORTH[old.status]:
        # An empty text was filled in: that alone is no lower status.
        updates.pop("status", None)
    if seen.status is Status.GONE:
        # It tells of a tombstone; the burial itself is not decided here.
        updates.pop("gone_at", None)
    return {name: value for name, value in updates.items() if value != getattr(old, name)}


def _replaces_content(old: Article, seen: Article, *, takes: bool, leads: bool) -> bool:
    if (old.lead == seen.lead and old.text == seen.text) or not (seen.lead or seen.text):
        return False
    if not (old.lead or old.text):
        return True
    if without_spaces(old.text) == without_spaces(seen.text):
        # The text is the same: the lead is a field like any other, filled in or replaced by a better origin.
        same_lead = without_spaces(old.lead) == without_spaces(seen.lead)
        return bool(seen.lead) and not same_lead and (leads or not old.lead)
    return takes and _essential_text(old) != _essential_text(seen)


def _unite(old: Article, seen: Article, updates: dict[str, Any]) -> None:
    """Add what only ever grows, and where each new value came from."""
    grown = {
        "aliases": _union(old.aliases, seen.aliases, but=old.url),
        "sources": _union(old.sources, seen.sources)[: max(SOURCES_MAX, len(old.sources))],
        "provenance": old.provenance | {name: told for name, told in seen.provenance.items() if name in updates},
    }
    updates.update({name: value for name, value in grown.items() if value != getattr(old, name)})


def _union(before: list[str], after: list[str], but: str | None = None) -> list[str]:
    known = {but, *before}
    return [*before, *(value for value in dict.fromkeys(after) if value not in known)]


def _same_origin(old: Article, seen: Article) -> bool:
    return old.origin is seen.origin or {old.origin, seen.origin} <= _LIVE


def _rank(article: Article) -> int:
    return int(article.origin in _LIVE)


def _recency(article: Article) -> tuple[datetime, int, str, str]:
    """What orders two states of one kind of origin; for archives a complete order, since all are imported at once."""
    if article.origin is Origin.ARCHIVE:
        return _stated(article), len(article.text), article.text, article.title
    return article.fetched_at, 0, "", ""


def _stated(article: Article) -> datetime:
    """The latest time that the site itself states."""
    return max(article.modified_at or _LONG_AGO, article.published_at or _LONG_AGO)


def _known_until(article: Article) -> datetime:
    """The time up to which the state is known to have held. When an archive was imported tells nothing of it."""
    return _stated(article) if article.origin is Origin.ARCHIVE else article.fetched_at


def _shrunk(article: Article, other: Article) -> bool:
    return len(article.text) < SHRUNK * len(other.text)


def _to_milliseconds(seen: Article) -> Article:
    """The article as it would come back from the archive."""
    times = {name: getattr(seen, name) for name in ("fetched_at", "published_at", "modified_at")}
    finer = {name: at.replace(microsecond=at.microsecond // 1000 * 1000) for name, at in times.items() if at}
    return replace(seen, **finer) if finer != times else seen


# ---- What a reader sees of a field -----------------------------------------------------------------------


def _essential_text(article: Article) -> str:
    """Lead and text in one: where the one ends and the other begins is a matter of markup."""
    return without_spaces(article.lead) + without_spaces(article.text)


def _pictures(images: list[Image]) -> list[tuple[str, str, str]]:
    return [
        (image.url.partition("?")[0], without_spaces(image.caption), without_spaces(image.credit)) for image in images
    ]


def _recordings(audio: list[Audio]) -> list[str]:
    return [recording.url.partition("?")[0] for recording in audio]


def _as_is(value: object) -> object:
    return value


_ESSENCE: dict[str, Callable[[Any], object]] = {
    "title": without_spaces,
    "lead": without_spaces,
    "text": without_spaces,
    "agency": without_spaces,
    "credits": without_spaces,
    "authors": frozenset,
    "tags": frozenset,
    "published_at": _as_is,
    "images": _pictures,
    "audio": _recordings,
    "status": _as_is,
}
"""Every field that a reader sees, and what is compared of it: query strings of media are session and cache keys."""


def _alike(name: str, before: object, after: object) -> bool:
    """Whether a present value may stay, since nobody sees the difference."""
    if before == after:
        return True
    essence = _ESSENCE.get(name)
    return essence is not None and essence(before) == essence(after)
