"""How fast a host may be asked: one delay for the whole fleet, and a circuit breaker for its pages.

Pure: the delay falls and rises as numbers that somebody else stores and shares. A refusal is an answer 403, 429 or
503; a page is anything but a feed or sitemap, which the site serves to clients it refuses pages to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

REFUSAL_STATUSES = frozenset({403, 429, 503})
"""HTTP statuses by which a host says: slower, or not you."""


class Breaker(StrEnum):
    """The circuit breaker (M. Nygard, Release It!, 2007) of a host's pages."""

    CLOSED = "closed"
    """Pages are fetched."""
    OPEN = "open"
    """No page is fetched before the cooldown has passed."""
    PROBING = "probing"
    """One page of one worker is on its way to see whether pages are served again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the operator and the host's robots.txt allow."""

    rate: float = 1.0
    """Requests a second over all workers; 0 = no limit."""
    max_delay_s: float = 60.0
    """The delay between two requests is never raised over this."""
    blocks: int = 10
    """Pages refused in a row that open the breaker."""
    cooldown_s: float = 60.0
    """First cooldown of the breaker; it doubles with each probe that is refused."""
    max_cooldown_s: float = 6 * 3600.0
    max_pause_s: float = 3600.0
    """A longer pause asked for by the host (Retry-After) is cut to this, lest one odd header stop the crawl."""

    @property
    def floor_s(self) -> float:
        """Shortest delay between two requests, in seconds."""
        return 1 / self.rate if self.rate > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What the fleet has learnt about a host. All durations in seconds."""

    delay_s: float = 0.0
    """Delay between two requests; the operator's rate and Crawl-delay may ask for more."""
    too_fast_delay_s: float = 0.0
    """Delay that proved too short lately: recovery stops just above it."""
    blocks: int = 0
    """Pages refused in a row."""
    breaker: Breaker = Breaker.CLOSED
    cooldown_s: float = 0.0
    """Present cooldown of the breaker; 0 = none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a refusal makes of a budget."""

    budget: Budget
    pause_s: float
    """Nobody asks this host for anything during so many seconds."""
    slowed: bool
    """Whether the delay was raised, which starts a new burst."""


SLOWER_BY = 2.0
"""Multiplicative decrease of the rate (AIMD: Chiu and Jain, 1989)."""
FASTER_BY = 0.98
"""Factor on the delay for each answer: 35 good answers make up for one refusal."""
FASTER_BY_HZ = 0.01
"""Requests a second more for each answer, where that is more: from a delay of a minute, answers that each shortened it
by a fiftieth would come so seldom that an hour went by."""
FIRST_DELAY_S = 0.1
"""A host without any delay is slowed down as if this had been its delay."""
BURST_S = 5.0
"""Refusals within this time (or two delays) of a decrease are answers to requests sent before it: they do not
slow the host down again, as TCP halves its window once a round trip."""
CALM_S = 1.0
"""Nobody asks for so long when the host is slowed down: limits count over a second or more, and what they refuse
counts too, so that a host that is asked on at a slower pace would go on refusing."""
WALL_MARGIN = 1.05
WALL_S = 600.0
"""For so long the delay that was refused is remembered, and the delay stays above it by the margin; without it,
recovery would run into the limit of the host over and over."""


def refused(
    budget: Budget, limits: Limits, *, page: bool, retry_after_s: float = 0.0, slowed_ago_s: float | None = None
) -> Refusal:
    """Slow down after an answer 403, 429 or 503, and open the breaker after too many pages in a row.

    `slowed_ago_s`: seconds since the delay was last raised, None = never.
    """
    pause_s = min(max(0.0, retry_after_s), limits.max_pause_s)
    burst = slowed_ago_s is not None and slowed_ago_s < max(BURST_S, 2 * budget.delay_s)
    if not burst:
        budget = _slowed(budget, limits)
        pause_s = max(pause_s, CALM_S)
    if page:
        budget = _page_refused(budget, limits)
    return Refusal(budget=budget, pause_s=pause_s, slowed=not burst)


def _slowed(budget: Budget, limits: Limits) -> Budget:
    delay_s = max(budget.delay_s, limits.floor_s)
    too_fast_delay_s = min(limits.max_delay_s, delay_s * WALL_MARGIN)
    return replace(
        budget,
        delay_s=min(limits.max_delay_s, max(delay_s, FIRST_DELAY_S) * SLOWER_BY),
        too_fast_delay_s=too_fast_delay_s,
    )


def _page_refused(budget: Budget, limits: Limits) -> Budget:
    blocks = budget.blocks + 1
    if budget.breaker is Breaker.PROBING:
        cooldown_s = min(limits.max_cooldown_s, max(limits.cooldown_s, budget.cooldown_s * 2))
        return replace(budget, blocks=blocks, breaker=Breaker.OPEN, cooldown_s=cooldown_s)
    if budget.breaker is Breaker.CLOSED and blocks >= limits.blocks:
        return replace(budget, blocks=blocks, breaker=Breaker.OPEN, cooldown_s=limits.cooldown_s)
    return replace(budget, blocks=blocks)


def answered(
    budget: Budget, limits: Limits, *, page: bool, answers: int = 1, slowed_ago_s: float | None = None
) -> Budget:
    """Recover slowly after `answers` requests that were not refused; a page that answers a probe closes the breaker.

    An answer that arrives while the breaker is open was asked for before it opened, and does not close it.
    """
    too_fast_delay_s = budget.too_fast_delay_s if slowed_ago_s is not None and slowed_ago_s < WALL_S else 0.0
    delay_s = max(_faster(budget.delay_s, answers), too_fast_delay_s)
    # A delay that the operator's rate asks for anyway need not be remembered.
    delay_s = 0.0 if delay_s <= max(limits.floor_s, FIRST_DELAY_S / 2) else delay_s
    budget = replace(budget, delay_s=delay_s, too_fast_delay_s=too_fast_delay_s)
    if not page or budget.breaker is Breaker.OPEN:
        return budget
    return replace(budget, blocks=0, breaker=Breaker.CLOSED, cooldown_s=0.0)


def _faster(delay_s: float, answers: int) -> float:
    """The delay after so many good answers: the factor at short delays, the step at long ones."""
    return min(delay_s * FASTER_BY**answers, 1 / (1 / delay_s + FASTER_BY_HZ * answers)) if delay_s else 0.0


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds that an answer asks to wait for: Retry-After, or X-RateLimit-Reset once X-RateLimit-Remaining is 0.

    Header names in lower case; 0 when nothing is asked for or it cannot be read. Retry-After holds seconds or an
    HTTP date (RFC 9110, 10.2.3). X-RateLimit-Reset has no standard: a number over a thousand million is taken for
    a time in epoch seconds, a smaller one for seconds.
    """
    if "retry-after" in headers:
        return _wait_s(headers["retry-after"], now)
    if _number(headers.get("x-ratelimit-remaining", "")) == 0:
        reset = _number(headers.get("x-ratelimit-reset", "")) or 0.0
        return max(0.0, reset - now.timestamp() if reset > _EPOCH_LIKE else reset)
    return 0.0


_EPOCH_LIKE = 1_000_000_000


def _wait_s(value: str, now: datetime) -> float:
    seconds = _number(value)
    if seconds is not None:
        return seconds
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    # The obsolete asctime form and "-0000" carry no zone; HTTP dates are always in GMT.
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - now) / timedelta(seconds=1))


def _number(value: str) -> float | None:
    value = value.strip()
    # isascii: str.isdigit also accepts digits that float() takes and no server means.
    return float(value) if value.isascii() and value.isdigit() else None
