"""Printed times to UTC datetimes, and which of them can be believed."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from rfispider.site import selectors

EARLIEST: Final = datetime(1998, 1, 1, tzinfo=UTC)
"""The site began in the late nineties: what claims to be older is a default value of some machine."""
LATEST_AHEAD: Final = timedelta(hours=1)
"""How far a time may lie after the fetch: clocks differ, but the news of tomorrow is not out."""

_ZONE: Final = ZoneInfo(selectors.TIMEZONE)
_DISPLAYED: Final = re.compile(selectors.DISPLAYED_TIME)
_DAY_ALONE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_FRACTION: Final = re.compile(r"([.,]\d{1,6})\d*")
_OFFSET: Final = re.compile(r"([+-]\d\d)(\d\d)$")
_DURATION: Final = re.compile(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,]\d+)?S)?", re.IGNORECASE)
_CLOCK: Final = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d\d)")
MAX_DURATION_S: Final = 7 * 24 * 3600


def iso(printed: object) -> datetime | None:
    """The moment of an ISO 8601 time, in UTC; without an offset it is meant in the zone of the site.

    None for what is no such time, and for a day alone: it is not exact to the minute.
    """
    if not isinstance(printed, str) or not 10 < len(printed) <= 64:  # noqa: PLR2004 - longer than a day alone
        return None
    text = _OFFSET.sub(r"\1:\2", _FRACTION.sub(r"\1", printed.strip().replace("Z", "+00:00").replace(" +", "+")))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _utc(moment)


def displayed(printed: str) -> list[datetime]:
    """The moments that a text displays, in UTC, in its order; they are printed in the zone of the site."""
    found = []
    for match in _DISPLAYED.finditer(printed):
        day, month, year, hour, minute = map(int, match.groups())
        try:
            moment = _utc(datetime(year, month, day, hour, minute))  # noqa: DTZ001 - the zone is set by _utc
        except ValueError:
            continue
        if moment:
            found.append(moment)
    return found


def midnight(day: date | None) -> datetime | None:
    """The beginning of a day, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def believable(moment: datetime | None, fetched_at: datetime) -> bool:
    """Whether a moment can be when a page that was fetched then was published or changed."""
    return moment is not None and EARLIEST <= moment <= fetched_at + LATEST_AHEAD


def seconds(printed: object) -> int | None:
    """A duration in whole seconds: ISO 8601 (PT4M5S), a clock (4:05) or a number of seconds; None if none."""
    if isinstance(printed, bool) or not isinstance(printed, str | int | float):
        return None
    text = str(printed).strip()
    total: int | None = None
    if iso_form := _DURATION.fullmatch(text):
        days, hours, minutes, rest = (int(part or 0) for part in iso_form.groups())
        total = ((days * 24 + hours) * 60 + minutes) * 60 + rest
    elif clock := _CLOCK.fullmatch(text):
        total = int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + int(clock[3])
    elif re.fullmatch(r"\d{1,7}(?:\.\d+)?", text):
        total = round(float(text))
    return total if total is not None and 0 < total <= MAX_DURATION_S else None


def _utc(moment: datetime) -> datetime | None:
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=_ZONE)).astimezone(UTC)
    except (OverflowError, ValueError):
        return None
