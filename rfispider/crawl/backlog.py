"""What a crawl still has to do, asked of the frontier."""

from collections.abc import Sequence

from rfispider.crawl.run_text import Backlog
from rfispider.frontier import Frontier
from rfispider.frontier.policy.politeness import Breaker
from rfispider.items import FETCHABLE_KINDS

DUE_COUNTED = 100_000
"""What is due is counted up to this: that takes about a tenth of a second of the server's time."""


async def backlog(frontier: Frontier, editions: Sequence[str]) -> Backlog:
    """What stands in the frontier for a crawl of these editions.

    Raises:
        DatabaseError: the frontier cannot be asked.

    """
    with_none: list[str | None] = [*editions, None]
    due = await frontier.statistics.due(with_none, DUE_COUNTED)
    pending = await frontier.statistics.pending(with_none, FETCHABLE_KINDS)
    budgets = await frontier.hosts.budgets()
    return Backlog(
        due={edition or "no edition": urls for edition, urls in due.items()},
        leased_elsewhere=pending.leased_elsewhere,
        next_in_s=pending.next_in_s,
        counted_to=DUE_COUNTED,
        refusing=[budget["_id"] for budget in budgets if budget.get("breaker", Breaker.CLOSED) != Breaker.CLOSED],
    )
