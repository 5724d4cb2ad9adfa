"""Takes the snapshot that health, metrics and the report are made of."""

import asyncio
from collections.abc import Mapping, Sequence

from rfispider.frontier import Frontier
from rfispider.frontier.diagnostics import SourceHealth
from rfispider.monitoring.health import patience_of
from rfispider.monitoring.publication_rate import publication_rate
from rfispider.monitoring.snapshot import EditionFreshness, Snapshot
from rfispider.site.editions import EDITIONS
from rfispider.storage import ArchiveStats, Store


async def take_snapshot(store: Store, frontier: Frontier, *, count_urls: bool = True) -> Snapshot:
    """The present state of archive and frontier, over connections that are open.

    It covers every edition that has an article or a source. `count_urls=False` leaves `Snapshot.urls` empty: counting
    takes longer the larger the frontier is, and health does not need it.

    Raises:
        DatabaseError: the server does not answer, or refuses.

    """
    archive = await store.condition(list(EDITIONS))
    sources = await frontier.diagnostics.sources([*EDITIONS, None])
    codes = {*archive.newest, *(source.edition for source in sources if source.edition)}
    editions = [edition_freshness(frontier, edition, archive, sources) for edition in sorted(codes)]
    expired_leases, expired_since = await frontier.diagnostics.expired()
    return Snapshot(
        now=archive.now,
        editions=await asyncio.gather(*editions),
        sources=sources,
        hosts=await frontier.diagnostics.hosts(),
        runs=archive.runs,
        expired_leases=expired_leases,
        expired_since=expired_since,
        given_up=await frontier.diagnostics.given_up(),
        disk=archive.disk,
        articles=archive.articles,
        urls=await url_counts(frontier) if count_urls else {},
    )


async def edition_freshness(
    frontier: Frontier, edition: str, archive: ArchiveStats, sources: Sequence[SourceHealth]
) -> EditionFreshness:
    """How recent the articles of one edition are; without a polled source nothing can be waiting."""
    newest_at = archive.newest.get(edition)
    polled = [source for source in sources if source.edition == edition]
    listed_before = archive.now - patience_of(polled, archive.runs)
    return EditionFreshness(
        edition=edition,
        newest_at=newest_at,
        stored_at=archive.stored.get(edition),
        rate=publication_rate(archive.hours.get(edition, {}), archive.now),
        waiting=await frontier.diagnostics.waiting(edition, newest_at, listed_before) if polled else None,
    )


async def url_counts(frontier: Frontier) -> Mapping[tuple[str, str, str], int]:
    """State, edition (empty for none), kind -> URLs of the frontier."""
    counts = await frontier.statistics.counts()
    return {(str(count.state), count.edition or "", str(count.kind)): count.urls for count in counts}
