"""When a scheduled run is due next: by a cron expression or an interval, with jitter. Pure."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cronsim import CronSim, CronSimError

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST_DURATION_S: Final = 366 * 86400
"""Longer than any interval, jitter, limit or lease makes sense."""
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")


class ScheduleRuleError(ValueError):
    """A cron expression or duration that cannot be read; the message says what would be accepted."""


@dataclass(frozen=True, slots=True)
class ScheduleRule:
    """A rule by which something is due again and again. One of `cron` and `every_s` is set."""

    cron: str = ""
    """Five fields, in UTC, 0 and 7 both Sunday."""
    every_s: float = 0.0
    """Seconds."""
    jitter_s: float = 0.0
    """Every due time comes this much later at most, in seconds, so that not everybody asks on the hour."""

    @classmethod
    def of(cls, *, cron: str = "", every: str = "", jitter: str = "0") -> "ScheduleRule":
        """Read a rule as a person writes it: `cron="*/15 * * * *"` or `every="15m"`, and `jitter="30s"`.

        Raises:
            ScheduleRuleError: neither or both are given, or one cannot be read.

        """
        if bool(cron.strip()) == bool(every.strip()):
            raise ScheduleRuleError("give either a cron expression or an interval")
        every_s = seconds(every) if every.strip() else 0.0
        if every.strip() and every_s <= 0:
            raise ScheduleRuleError(f"{every!r} is not an interval: it must be longer than nothing")
        _readable(cron)
        return cls(" ".join(cron.split()), every_s, seconds(jitter))

    def __str__(self) -> str:
        return self.cron or f"every {self.every_s:g} s"

    def first(self, now: datetime) -> datetime:
        """When it is due for the first time: an interval at once, a cron expression at its next time."""
        return now if self.every_s else self.after(now, now)

    def after(self, due: datetime, now: datetime, chance: Callable[[float, float], float] = random.uniform) -> datetime:
        """When it is due again after it was due at `due`: always later than `now`, so missed runs do not pile up.

        Both are aware; `chance(low, high)` draws the jitter.
        """
        if self.every_s:
            missed = max(0.0, (now - due).total_seconds()) // self.every_s
            following = due + timedelta(seconds=self.every_s * (missed + 1))
        else:
            following = next(CronSim(self.cron, now))
        return following + timedelta(seconds=chance(0.0, self.jitter_s))


def seconds(duration: str) -> float:
    """A duration such as 90, 90s, 15m, 2h or 1d in seconds.

    >>> seconds("15m"), seconds("1.5h")
    (900.0, 5400.0)

    Raises:
        ScheduleRuleError: it is none, or longer than `LONGEST_DURATION_S`.

    """
    match = _DURATION.fullmatch(duration.strip().lower())
    if not match:
        raise ScheduleRuleError(f"{duration!r} is not a duration such as 90s, 15m, 2h or 1d")
    length = float(match[1]) * _UNITS[match[2] or "s"]
    if length > LONGEST_DURATION_S:
        raise ScheduleRuleError(f"{duration!r} is longer than {LONGEST_DURATION_S // _UNITS['d']} days")
    return length


def _readable(cron: str) -> None:
    if not cron.strip():
        return
    try:
        next(CronSim(cron, datetime(2000, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        raise ScheduleRuleError(f"{cron!r} is not a cron expression such as '*/15 * * * *': {error}") from error
