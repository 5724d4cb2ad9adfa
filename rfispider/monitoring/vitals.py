"""Gathers what the health of a crawl is judged by, from the archive and the frontier."""

import asyncio
from collections.abc import Sequence

from rfispider.frontier import Frontier
from rfispider.frontier.diagnostics import SourceHealth
from rfispider.monitoring.health import EditionFreshness, Vitals, patience_of
from rfispider.monitoring.publication_rate import rhythm
from rfispider.site.editions import EDITIONS
from rfispider.storage import ArchiveStats, Store


async def vitals(store: Store, frontier: Frontier) -> Vitals:
    """Everything there is to judge, of every edition that has an article or a source.

    Raises:
        DatabaseError, PyMongoError: the server does not do what it should.

    """
    condition = await store.condition(list(EDITIONS))
    sources = await frontier.diagnostics.sources([*EDITIONS, None])
    known = {*condition.newest, *(source.edition for source in sources if source.edition)}
    news = [news_of(frontier, edition, condition, sources) for edition in sorted(known)]
    expired, since = await frontier.diagnostics.expired()
    return Vitals(
        now=condition.now,
        news=await asyncio.gather(*news),
        sources=sources,
        hosts=await frontier.diagnostics.hosts(),
        runs=condition.runs,
        expired=expired,
        expired_since=since,
        disk=condition.disk,
        articles=condition.articles,
    )


async def news_of(
    frontier: Frontier, edition: str, condition: ArchiveStats, sources: Sequence[SourceHealth]
) -> EditionFreshness:
    """What is known of the publications of one edition."""
    newest = condition.newest.get(edition)
    polled = [source for source in sources if source.edition == edition]
    patience = patience_of(polled, condition.runs)
    return EditionFreshness(
        edition=edition,
        newest_at=newest,
        stored_at=condition.stored.get(edition),
        rhythm=rhythm(condition.hours.get(edition, {}), condition.now),
        waiting=await frontier.diagnostics.waiting(edition, newest, condition.now - patience) if polled else None,
    )
