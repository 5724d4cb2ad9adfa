"""Proves that an archive is whole, and mends what can be mended without losing anything."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from rfispider.frontier import Frontier
from rfispider.storage import Store
from rfispider.storage.policy.integrity import Flaw

FLAWS_LISTED = 1_000
"""Flaws that are kept to be shown; all are counted."""


@dataclass(slots=True)
class CheckResult:
    """What a check found."""

    documents: int = 0
    """How many were looked at."""
    counts: Counter[str] = field(default_factory=Counter)
    """Check -> flaws."""
    mendable: Counter[str] = field(default_factory=Counter)
    """Check -> flaws that can be mended."""
    flaws: list[Flaw] = field(default_factory=list)
    """The first `FLAWS_LISTED` of them."""
    mended: int = 0
    """Flaws that were mended."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong any more."""
        return sum(self.counts.values()) == self.mended

    def add(self, flaw: Flaw) -> None:
        """Take note of a flaw."""
        self.counts[flaw.check] += 1
        self.mendable[flaw.check] += flaw.mendable
        if len(self.flaws) < FLAWS_LISTED:
            self.flaws.append(flaw)


async def check(store: Store, frontier: Frontier, *, repair: bool, note: Callable[[int], None]) -> CheckResult:
    """Look at every document; with `repair`, mend what can be. `note` hears of documents that were looked at.

    Constant memory, and it may run beside crawls: what they write meanwhile is looked at or not.

    Raises:
        DatabaseError: the server fails.

    """
    result = CheckResult()

    def looked_at(documents: int) -> None:
        result.documents += documents
        note(documents)

    async for flaw in store.integrity.flaws(looked_at):
        result.add(flaw)
    if repair and result.mendable["aliases"]:
        await store.integrity.mend_aliases()
        result.mended += result.mendable["aliases"]
    await _check_frontier(store, frontier, result, repair=repair, looked_at=looked_at)
    return result


async def _check_frontier(
    store: Store, frontier: Frontier, result: CheckResult, *, repair: bool, looked_at: Callable[[int], None]
) -> None:
    """Articles that the frontier takes for stored and the archive lacks are due again when they are repaired."""
    async for batch in frontier.integrity.stored():
        there = await store.articles_by_key(batch)
        missing = {key: url for key, url in batch.items() if key not in there}
        for url in missing.values():
            result.add(Flaw("frontier", url, "it is done with, and not in the archive", mendable=True))
        if repair and missing:
            result.mended += await frontier.integrity.revisit(missing)
        looked_at(len(batch))
