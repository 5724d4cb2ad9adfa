"""What makes two URLs one article: an alias of the first, and not a document of its own. Pure.

Content is what counts: the same text of some length, in one edition. Where the site itself says that two URLs are
one article (a redirect, `rel=canonical`, one short link), a text of which most is the same will do, since the two
were read at different times. Titles say nothing, and the two scripts of a story are two articles.
"""

from dataclasses import replace

from rfispider.items import Article, Status
from rfispider.site import urls
from rfispider.site.editions import EDITIONS, TWINS
from rfispider.storage.policy.near_duplicates import is_substantial
from rfispider.storage.policy.versioning import ArticleVersion

_SIMPLIFIED = "zh-Hans"


def identity(article: Article) -> str | None:
    """What no two articles share: edition and content. None for a text too short to tell articles apart."""
    return f"{article.edition}:{article.content_hash}" if is_substantial(article.text) else None


def seniority(state: ArticleVersion) -> tuple[object, ...]:
    """What orders articles by age: of two that turn out to be one, the least stays."""
    return state.first_seen_at, state.article.key


def seen_elsewhere(of: Article, seen: Article) -> Article:
    """`seen` at another URL, as if the article itself had been seen: with that URL as an alias, and alive.

    What the other page shows is never taken over: the two are read at different times, and whichever is behind
    would undo the edits of the other.
    """
    unchanged = replace(of, aliases=[seen.url, *seen.aliases], sources=list(seen.sources), provenance={})
    if of.status is Status.GONE and seen.status is Status.FULL:
        return replace(unchanged, status=seen.status, gone_at=None, origin=seen.origin, fetched_at=seen.fetched_at)
    return unchanged


def twin_url(article: Article) -> str | None:
    """Canonical URL of the same story in the simplified script; None outside the edition of the traditional one.

    Derived from the URL alone, which converts one to one in this direction only.
    """
    other = TWINS.get(article.edition)
    return urls.twin(article.url) if other and EDITIONS[other].language == _SIMPLIFIED else None


def may_be_twin(article: Article) -> bool:
    """Whether the URL of an article may be what `twin_url` gives for another."""
    return article.edition in TWINS and EDITIONS[article.edition].language == _SIMPLIFIED
