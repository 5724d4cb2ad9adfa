"""Where the site lists what it published on past days: archive pages and monthly sitemaps."""

import re
from datetime import date
from typing import Final

from rfispider.items import Kind
from rfispider.site import urls
from rfispider.site.editions import EDITIONS
from rfispider.site.hosts import SITE, SITEMAP_PATHS

_ARCHIVE_DAY: Final = re.compile(r"/(\d{4})/(\d{2})/(\d{2})[^/]*/?$")


def years(code: str, since: date, until: date) -> list[str]:
    """Archive pages of an edition for the years from `since` to `until`, both included.

    Empty for an edition whose archives were never seen. Raises KeyError for an unknown edition.
    """
    edition = EDITIONS[code]
    numbers = range(since.year, until.year + 1) if edition.archive_root else ()
    return [urls.canonical(f"{edition.front}{edition.archive_root}/{year:04}/") for year in numbers]


def days(code: str, since: date, until: date) -> list[str]:
    """Archive pages of an edition for the days from `since` to `until`, both included.

    Empty where the names of its months are not known: its archive pages of the years then lead to the days.
    Raises KeyError for an unknown edition.
    """
    edition = EDITIONS[code]
    ordinals = range(since.toordinal(), until.toordinal() + 1) if edition.archive_months else ()
    dates = map(date.fromordinal, ordinals)
    return [urls.canonical(edition.front + edition.archive_day_path(each.year, each.month, each.day)) for each in dates]


def day(url: str) -> date | None:
    """The day of an archive page of one day; None for any other URL and for a day that no calendar has."""
    day = _ARCHIVE_DAY.search(urls.canonical(url)) if urls.kind(url) is Kind.ARCHIVE_DAY else None
    try:
        return date(*map(int, day.groups())) if day else None
    except ValueError:
        return None


def month_sitemaps(code: str, since: date, until: date) -> list[str]:
    """Sitemaps of an edition for the months that hold `since` to `until`, oldest first.

    Raises KeyError for an unknown edition.

    >>> month_sitemaps("en", date(2026, 2, 28), date(2026, 3, 1))
    ['https://www.rfi.fr/sitemaps/en/contents_202602.xml', 'https://www.rfi.fr/sitemaps/en/contents_202603.xml']
    """
    path = SITEMAP_PATHS["month"]
    months = range(since.year * 12 + since.month - 1, until.year * 12 + until.month)
    chosen = EDITIONS[code].code
    return [f"{SITE}/{path.format(edition=chosen, year=m // 12, month=m % 12 + 1)}" for m in months]
