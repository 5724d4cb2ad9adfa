"""Points in time as feeds, sitemaps and front matter print them."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

from rfispider.site import selectors

_ZONE = ZoneInfo(selectors.TIMEZONE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 64
"""Characters; the longest legitimate form, with names of day, month and zone, takes about forty."""


def moment(printed: object) -> datetime | None:
    """Read an ISO 8601 or RFC 822 time; a time without zone is the site's.

    Returns an aware UTC datetime, or None for anything else. No bounds are set on the year.
    """
    if not isinstance(printed, str) or len(printed) > _LONGEST:
        return None
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            read_time = read(printed.strip())
            zoned = read_time if read_time.tzinfo else read_time.replace(tzinfo=_ZONE)
            return zoned.astimezone(UTC)
        except (ValueError, OverflowError, TypeError, IndexError, AttributeError):
            continue
    return None


def since_epoch(milliseconds: int) -> datetime | None:
    """The UTC datetime so many milliseconds after 1970 began; None when the calendar does not reach that far."""
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def from_utc_fields(fields: object) -> datetime | None:
    """The UTC datetime of a `time.struct_time`; None when its fields make no date."""
    try:
        return datetime(*tuple(fields)[:6], tzinfo=UTC)  # type: ignore[arg-type, misc]
    except (ValueError, OverflowError, TypeError):
        return None
