"""Which URLs are bound to one article, on what evidence, and when a bond is made or undone. Pure.

One answer is not the truth: a site shows the text of one article under the address of another for minutes, redirects to
the wrong page, names a false canonical URL. So:

- An answer that would bind a URL to another article is a claim, which changes nothing, until a second answer, fetched
  anew and later, says the same (`Article.confirmed`). Entries of archives have no second answer; they bind at once.
- A bond keeps what is needed to undo it: the states of an article that became an alias stay under its own key.
- An alias that shows again what it showed when it was an article becomes that article again. One that shows what
  another article never showed becomes an article. One that differs a little, or shows what its article showed before,
  may be read at another time than its article: it is released when it is still so after both were read again.
- A text that is claimed by one article, while the latest answer of the article that holds it shows another text, is an
  edit and no bond: so articles that swap their texts stay two.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from rfispider.items import Article, Origin
from rfispider.site import urls
from rfispider.storage.policy.identity import identity, seniority
from rfispider.storage.policy.near_duplicates import is_substantial, near
from rfispider.storage.policy.versioning import ArticleVersion


class Why(StrEnum):
    """On what evidence a URL is bound to an article."""

    CONTENT = "content"
    """It showed the same text."""
    REDIRECT = "redirect"
    """It led there."""
    CANONICAL = "canonical"
    """Its page, or the article's, named the other one by `rel=canonical`."""
    SHORT_LINK = "short link"
    """Both have one short link, and most of their text."""
    UNKNOWN = "unknown"
    """It was bound by a release that took no note of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """Another URL of an article. Times are UTC, of when the request was sent."""

    key: str
    url: str
    article: str
    """Key of the article."""
    why: Why
    title: str | None = None
    """What its page said last."""
    published_at: datetime | None = None
    first_seen_at: datetime
    last_seen_at: datetime
    via: str | None = None
    """Key of the article that it was an alias of, when that one became an alias itself: they are released together."""
    other_content: str | None = None
    """Content hash of a text that it showed and that is not its article's."""
    other_since: datetime | None = None
    """When it was first seen to show that text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BondClaim:
    """An answer that would bind an article to another, and was not confirmed yet."""

    key: str
    """Of the article that would become an alias."""
    article: str
    """Key of the article that it would be bound to."""
    why: Why
    content_hash: str
    """Of the text that was seen under its URL."""
    at: datetime
    """When the request was sent (UTC)."""


class AliasView(StrEnum):
    """What the page of an alias shows, held against its article."""

    OUTDATED = "outdated"
    """An answer to an earlier request than the last one that was seen."""
    SAME = "same"
    """The text of its article, or next to none."""
    CLOSE = "close"
    """Most of the text of its article."""
    OTHER = "other"
    """Another text."""


def is_binding(seen: Article) -> bool:
    """Whether an answer may bind: it was confirmed, or no second one exists."""
    return seen.confirmed or seen.origin is Origin.ARCHIVE


def holder_of_content(article: Article, candidates: Iterable[ArticleVersion]) -> ArticleVersion | None:
    """The eldest other article whose content is the same; None when there is none, or the text is too short to tell."""
    name = identity(article)
    if name is None:
        return None
    same = [each for each in candidates if each.article.key != article.key and identity(each.article) == name]
    return min(same, key=seniority, default=None)


def holder_by_evidence(seen: Article, candidates: Iterable[ArticleVersion]) -> tuple[ArticleVersion, Why] | None:
    """The eldest other article that the site says is the same one, if most of the text agrees; and the evidence."""
    if not is_substantial(seen.text):
        return None
    holders = []
    for candidate in candidates:
        why = _evidence(candidate.article, seen)
        if why and near(candidate.article.text, seen.text):
            holders.append((candidate, why))
    return min(holders, key=lambda holder: seniority(holder[0]), default=None)


def _evidence(of: Article, seen: Article) -> Why | None:
    """How the site says that two articles of an edition are one; None when it does not."""
    if of.key == seen.key or of.edition != seen.edition:
        return None
    if of.url in seen.aliases:
        return Why.CANONICAL if of.url == seen.canonical else Why.REDIRECT
    return Why.SHORT_LINK if seen.short_code and seen.short_code == of.short_code else None


def taken_aliases(seen: Article, candidates: Iterable[ArticleVersion], aliases: Mapping[str, Alias]) -> frozenset[str]:
    """Those of the other URLs of an article that are articles themselves, or aliases of another, by key."""
    live = {candidate.article.key for candidate in candidates}
    taken = set()
    for url in seen.aliases:
        key = urls.key(url)
        bound = aliases.get(key)
        if key != seen.key and (key in live or (bound and bound.article != seen.key)):
            taken.add(url)
    return frozenset(taken)


def redirected(seen: Article, candidates: Iterable[ArticleVersion]) -> list[ArticleVersion]:
    """The articles whose URL led to `seen`, and that were not fetched since by a later request.

    Each of them showed the text of `seen` in place of its own. What a page names as canonical led nowhere.
    """
    if seen.origin is Origin.ARCHIVE:
        return []
    sources = {url for url in seen.aliases if url != seen.canonical}
    others = (each for each in candidates if each.article.key != seen.key and each.article.url in sources)
    return [each for each in others if _may_be_redirected(each.article, seen)]


def _may_be_redirected(article: Article, seen: Article) -> bool:
    return article.edition == seen.edition and article.fetched_at <= seen.fetched_at


def rebound(seen: Article, aliases: Mapping[str, Alias]) -> list[Alias]:
    """The aliases of other articles whose URL led to `seen`, by a later request than the last one."""
    sources = {urls.key(url) for url in seen.aliases if url != seen.canonical}
    others = [alias for alias in aliases.values() if alias.key in sources and alias.article != seen.key]
    return [alias for alias in others if alias.last_seen_at <= seen.fetched_at]


def is_contradicted(holder: ArticleVersion, claim: BondClaim | None) -> bool:
    """Whether the latest answer of an article shows another text than the one it holds.

    >>> from datetime import UTC
    >>> from rfispider.items import Kind
    >>> at = datetime(2026, 3, 1, tzinfo=UTC)
    >>> article = Article(key="a", url="u", edition="fr", language="fr", kind=Kind.ARTICLE, title="t", fetched_at=at)
    >>> holder = ArticleVersion(article=article, revision=1, first_seen_at=at, last_seen_at=at, changed_at=at)
    >>> claim = BondClaim(key="a", article="b", why=Why.CONTENT, content_hash="1:b", at=at.replace(day=2))
    >>> is_contradicted(holder, claim), is_contradicted(holder, None)
    (True, False)
    """
    if claim is None:
        return False
    return claim.at > holder.article.fetched_at and claim.content_hash != holder.article.content_hash


def ends(changing: ArticleVersion, holder: ArticleVersion) -> ArticleVersion:
    """Which of two articles ends when one of them changes to the content that the other one holds.

    The one that changes, whose own text is its history; but one that never had a text of its own, a stub, stays if it
    is the elder.
    """
    has_own_text = identity(changing.article) is not None
    return changing if has_own_text or seniority(holder) < seniority(changing) else holder


def view(seen: Article, owner: Article, alias: Alias) -> AliasView:
    """What the page of an alias shows, held against the article that it is bound to."""
    if seen.fetched_at < alias.last_seen_at and seen.origin is not Origin.ARCHIVE:
        return AliasView.OUTDATED
    if not is_substantial(seen.text) or identity(seen) == identity(owner):
        return AliasView.SAME
    return AliasView.CLOSE if near(owner.text, seen.text) else AliasView.OTHER


def persists(seen: Article, owner: ArticleVersion, alias: Alias, *, was_owners: bool) -> bool:
    """Whether an alias still shows a text that is not its article's, after both were read again.

    `was_owners`: the article once had that text, so it suffices that it has had another one since.
    """
    since = alias.other_since
    if since is None or alias.other_content != seen.content_hash or seen.fetched_at <= since:
        return False
    return since >= owner.changed_at if was_owners else owner.article.fetched_at > since


def with_other_content(alias: Alias, seen: Article) -> Alias:
    """The alias with a note of the text that it shows, and since when."""
    if alias.other_content == seen.content_hash:
        return alias
    return replace(alias, other_content=seen.content_hash, other_since=seen.fetched_at)


def followers(key: str, aliases: Sequence[Alias]) -> list[Alias]:
    """Of the aliases of an article, those that came to it with another one, which is given by its key."""
    leaders: set[str] = {key}
    following: list[Alias] = []
    while newcomers := [alias for alias in aliases if alias.via in leaders and alias not in following]:
        following += newcomers
        leaders |= {alias.key for alias in newcomers}
    return following


def without(aliases: Sequence[str], taken: Collection[str]) -> list[str]:
    """The aliases that are not taken, in order."""
    return [url for url in aliases if url not in taken]
