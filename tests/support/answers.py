"""Answers that come twice, as the crawl sees to it when the first one was a claim."""

from collections.abc import Sequence
from dataclasses import replace

from rfispider.items import Article, Outcome
from rfispider.storage import Store


async def save_confirmed(store: Store, articles: Sequence[Article]) -> list[Outcome]:
    """Save articles; those that are claims come a second time, confirmed. The outcomes that they have in the end."""
    outcomes = await store.save(articles)
    claimed = [index for index, outcome in enumerate(outcomes) if outcome is Outcome.CLAIMED]
    confirmed = await store.save([replace(articles[index], confirmed=True) for index in claimed])
    for index, outcome in zip(claimed, confirmed, strict=True):
        outcomes[index] = outcome
    return outcomes
