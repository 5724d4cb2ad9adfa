"""Times, days and durations as feeds, sitemaps and pages print them.

A wrong time is worse than none: what is not wholly understood is None. All times come out as aware UTC datetimes.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from rfispider.site import selectors

EARLIEST: Final = datetime(1998, 1, 1, tzinfo=UTC)
"""The site began in the late nineties: what claims to be older is a default value of some machine."""
LATEST_AHEAD: Final = timedelta(hours=1)
"""How far a time may lie after the fetch: clocks differ, but the news of tomorrow is not out."""
MAX_DURATION_S: Final = 7 * 24 * 3600
"""The longest duration that is believed, in seconds."""
_MAX_LENGTH: Final = 100
"""Characters; the longest form, with a comment that spells out the zone, takes about seventy."""

_PARIS: Final = ZoneInfo(selectors.TIMEZONE)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DISPLAYED: Final = re.compile(selectors.DISPLAYED_TIME)

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            *("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august"),
            *("sep sept september", "oct october", "nov november", "dec december"),
        ),
        1,
    )
    for name in names.split()
}
_WEEKDAY: Final = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? )?"
_MONTH: Final = r"(?P<month>[a-z]{3,9})\.?"
_YEAR: Final = r"(?P<year>\d{4})"
_DAY: Final = r"(?P<day>\d{1,2})"
_ZONE: Final = r"(?P<zone>[^\d:.,].*?)?"
_TIME: Final = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?"
_COMPACT_TIME: Final = r"t(?P<hour>\d\d)(?:(?P<minute>\d\d)(?P<second>\d\d)?(?:[.,]\d+)?)?"

_ISO_DAY: Final = rf"{_YEAR}(?P<separator>[-/])(?P<month>\d{{1,2}})(?P=separator){_DAY}"
_COMPACT_DAY: Final = rf"{_YEAR}(?P<month>\d\d)(?P<day>\d\d)"
_RFC_DAY: Final = rf"{_WEEKDAY}{_DAY}[ -]{_MONTH}[ -](?P<year>\d{{4}}|\d\d)"
_AMERICAN_DAY: Final = rf"{_WEEKDAY}{_MONTH} {_DAY},? {_YEAR}"
_C_LIBRARY: Final = rf"{_WEEKDAY}{_MONTH} {_DAY} {_TIME} (?:(?P<zone>[^\d].*?) )?{_YEAR}"

_MOMENTS: Final = [
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        rf"{_ISO_DAY}(?:t| |, ){_TIME} ?{_ZONE}",
        rf"{_ISO_DAY}{_COMPACT_TIME} ?{_ZONE}",
        rf"{_COMPACT_DAY}{_COMPACT_TIME} ?{_ZONE}",
        rf"{_COMPACT_DAY}t{_TIME} ?{_ZONE}",
        rf"{_RFC_DAY},? {_TIME} ?{_ZONE}",
        rf"{_AMERICAN_DAY},? {_TIME} ?{_ZONE}",
        _C_LIBRARY,
    )
]
"""ISO 8601 (also with slashes), RFC 822 and 5322, American, and that of ctime(3) and date(1)."""
_USUAL: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d)", re.ASCII)
"""The form of nearly all times, read without the others being tried."""
_DAYS: Final = [
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (rf"{_ISO_DAY} ?{_ZONE}", rf"{_COMPACT_DAY}", rf"{_RFC_DAY}", rf"{_AMERICAN_DAY}")
]
"""The same without a time; `2026-03-01Z` is a day of XML Schema. `01/03/2026` is two days in two countries: none."""

_ZONE_HOURS: Final = {
    "z": 0.0,
    "ut": 0.0,
    "utc": 0.0,
    "gmt": 0.0,
    "wet": 0.0,
    "west": 1.0,
    "cet": 1.0,
    "met": 1.0,
    "cest": 2.0,
    "mest": 2.0,
    "eet": 2.0,
    "eest": 3.0,
    "est": -5.0,
    "edt": -4.0,
    "cdt": -5.0,
    "mst": -7.0,
    "mdt": -6.0,
    "pst": -8.0,
    "pdt": -7.0,
    "wat": 1.0,
    "cat": 2.0,
    "sast": 2.0,
    "eat": 3.0,
    "irst": 3.5,
    "ict": 7.0,
    "hkt": 8.0,
    "sgt": 8.0,
    "jst": 9.0,
    "kst": 9.0,
    "brt": -3.0,
}
"""Hours east of Greenwich. Names that stand for several zones (CST, IST, BST, AST) are left out."""
_ZONES: Final[dict[str, tzinfo]] = {
    **{name: timezone(timedelta(hours=hours)) for name, hours in _ZONE_HOURS.items()},
    "msk": ZoneInfo("Europe/Moscow"),  # its offset has changed since 2011
}
_OFFSET: Final = re.compile(r"(?:(?:utc|gmt|ut) ?)?([+-])(\d{1,2}?)(?::?(\d\d))?", re.ASCII)
_LARGEST_OFFSET: Final = timedelta(hours=14)
_COMMENT: Final = re.compile(r"(.*?) ?(?:\(([^()]*)\)|\[([^\[\]]*)\])")
_CENTURY: Final = 50
"""Years of two digits below it are of this century (RFC 5322, section 4.3)."""
_LAST_SECOND: Final = 59
_LEAP_SECOND: Final = 60

_ISO_DURATION: Final = re.compile(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,]\d+)?S)?", re.IGNORECASE)
_CLOCK: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2})(?:\.\d+)?", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,7}(?:\.\d+)?", re.ASCII)


def moment(printed: object) -> datetime | None:
    """The moment of a printed date and time, in UTC; one without a zone is in that of the site.

    None for anything else: no text, a day alone, a zone that is not known, a date that no calendar has. No bounds
    are set on the year.

    >>> moment("Sun, 01 Mar 2026 10:00:00 GMT+2")
    datetime.datetime(2026, 3, 1, 8, 0, tzinfo=datetime.timezone.utc)
    >>> moment("2026-03-01 10:00")  # of Paris
    datetime.datetime(2026, 3, 1, 9, 0, tzinfo=datetime.timezone.utc)
    >>> moment("2026-03-01") is moment("2026-03-01 10:00 XYZ") is None
    True
    """
    if not printed:
        return None
    if isinstance(printed, str) and _USUAL.fullmatch(printed):
        return _usual(printed)
    parts = _parts(printed, _MOMENTS)
    local, zone = _local(parts), _zone(parts.get("zone"))
    return _utc(local, zone) if local and zone else None


def day(printed: object) -> date | None:
    """The day that is printed without a time; None for anything else.

    >>> day("2026/03/01")
    datetime.date(2026, 3, 1)
    >>> day("01/03/2026") is None  # of January or of March
    True
    """
    parts = _parts(printed, _DAYS)
    return _calendar_day(parts) if parts and _zone(parts.get("zone")) else None


def displayed(printed: str) -> list[datetime]:
    """The moments that a text displays, in UTC, in its order; they are printed in the zone of the site.

    >>> displayed("Published: 01/03/2026 - 10:00")
    [datetime.datetime(2026, 3, 1, 9, 0, tzinfo=datetime.timezone.utc)]
    """
    names = ("day", "month", "year", "hour", "minute")
    shown = (dict(zip(names, match.groups(), strict=True)) for match in _DISPLAYED.finditer(printed))
    moments = (_utc(local, _PARIS) for parts in shown if (local := _local(parts)))
    return [at for at in moments if at]


def midnight(day: date | None) -> datetime | None:
    """The beginning of a day, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def since_epoch(milliseconds: int) -> datetime | None:
    """The moment so many milliseconds after 1970 began, UTC; None when the calendar does not reach that far."""
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def believable(moment: datetime | None, fetched_at: datetime) -> bool:
    """Whether a moment can be when a page that was fetched then was published or changed."""
    return moment is not None and EARLIEST <= moment <= fetched_at + LATEST_AHEAD


def duration_s(printed: object) -> int | None:
    """A duration in whole seconds: ISO 8601, a clock or a number of seconds; None for anything else and for zero.

    >>> [duration_s(printed) for printed in ("PT4M5S", "4:05", "245", 245.0, "n/a")]
    [245, 245, 245, 245, None]
    """
    if isinstance(printed, bool) or not isinstance(printed, str | int | float):
        return None
    text = str(printed).strip()[:_MAX_LENGTH]
    total = 0
    if iso := _ISO_DURATION.fullmatch(text):
        days, hours, minutes, rest = _numbers(iso)
        total = ((days * 24 + hours) * 60 + minutes) * 60 + rest
    elif clock := _CLOCK.fullmatch(text):
        hours, minutes, rest = _numbers(clock)
        total = (hours * 60 + minutes) * 60 + rest
    elif _NUMBER.fullmatch(text):
        total = round(float(text))
    return total if 0 < total <= MAX_DURATION_S else None


def _usual(printed: str) -> datetime | None:
    """The moment of a time in the usual form, which most are in."""
    try:
        return datetime.fromisoformat(printed).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _numbers(match: re.Match[str]) -> list[int]:
    return [int(part or 0) for part in match.groups()]


def _parts(printed: object, forms: list[re.Pattern[str]]) -> dict[str, str | None]:
    """The named parts of a text in one of the forms; empty if it is in none."""
    if not isinstance(printed, str) or len(printed) > _MAX_LENGTH:
        return {}
    text = " ".join(printed.split()).replace("\N{MINUS SIGN}", "-")
    matches = (form.fullmatch(text) for form in forms)
    match = next(filter(None, matches), None)
    return match.groupdict() if match else {}


def _calendar_day(parts: dict[str, str | None]) -> date | None:
    year, month = parts.get("year") or "", (parts.get("month") or "").lower()
    century = 0 if len(year) > 2 else 2000 if int(year) < _CENTURY else 1900  # noqa: PLR2004 - two digits
    number = int(month) if month.isdigit() else _MONTHS.get(month, 0)
    try:
        return date(century + int(year), number, int(parts.get("day") or 0))
    except ValueError:
        return None


def _local(parts: dict[str, str | None]) -> datetime | None:
    """The moment without its zone; a leap second is the second before it."""
    day = _calendar_day(parts) if parts else None
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    microsecond = int((parts.get("fraction") or "0").ljust(6, "0")[:6])
    try:
        clock = time(hour, minute, _LAST_SECOND if second == _LEAP_SECOND else second, microsecond)
    except ValueError:
        return None
    return datetime.combine(day, clock) if day else None


def _zone(printed: str | None) -> tzinfo | None:
    """The zone of a time: an offset, a name of the closed table, either in a comment; that of the site for none."""
    name = (printed or "").strip().lower()
    if not name:
        return _PARIS
    if comment := _COMMENT.fullmatch(name):
        return _zone(comment[1] or comment[2] or comment[3])
    offset = _OFFSET.fullmatch(name)
    return _at_offset(offset) if offset else _ZONES.get(name)


def _at_offset(offset: re.Match[str]) -> tzinfo | None:
    minutes = int(offset[3] or 0)
    size = timedelta(hours=int(offset[2]), minutes=minutes)
    if size > _LARGEST_OFFSET or minutes >= 60:  # noqa: PLR2004 - minutes of an hour
        return None
    return timezone(-size if offset[1] == "-" else size)


def _utc(local: datetime, zone: tzinfo) -> datetime | None:
    try:
        return local.replace(tzinfo=zone).astimezone(UTC)
    except (OverflowError, ValueError):
        return None
