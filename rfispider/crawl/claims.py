"""Answers that would bind or lose an article are claims until a second answer says the same. Pure.

`frontier.policy.claims` says when two answers agree; here is what an answer says.
"""

from dataclasses import replace
from typing import Final

from rfispider.frontier.policy.claims import agrees
from rfispider.items import Article, Origin, Outcome, Page, Rejection
from rfispider.site import urls

NOT_ARTICLE: Final = "not an article"
"""Evidence of a page at an article's address that holds no article."""

_FETCHED: Final = frozenset({Origin.PAGE, Origin.RENDERED})


def bond(article: Article) -> str:
    """Evidence of an article that shows the content of another, or leads to it."""
    return f"one with another: {article.key} {article.content_hash}"


def checked(page: Page, rejection: Rejection) -> Rejection:
    """The rejection of a page, as a claim where it would lose an article and no earlier answer said so.

    A page that was fetched at an article's address and holds none may be one of maintenance. The visit takes note of
    the claim.
    """
    if not _loses_article(page, rejection) or agrees(page.claim, NOT_ARTICLE, page.fetched_at):
        return rejection
    if page.visit:
        page.visit.claim_evidence = NOT_ARTICLE
    return replace(rejection, outcome=Outcome.CLAIMED)


def _loses_article(page: Page, rejection: Rejection) -> bool:
    is_loss = rejection.outcome is Outcome.NOT_ARTICLE and page.origin in _FETCHED
    return is_loss and urls.is_article(urls.kind(page.url))


def confirm(article: Article) -> None:
    """Mark an article whose bond an earlier answer claimed as well."""
    article.confirmed = agrees(article.page.claim, bond(article), article.page.fetched_at)
