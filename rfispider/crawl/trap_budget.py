"""How far a crawl follows links from article to article: a site that answers every path must come to an end. Pure.

What a source lists is always followed, for sources are finite. The bounds below hold for what only articles lead to;
they lie far above what the site has, and a page that exceeds one is stored like any other: only its links are left.
"""

from collections import Counter
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from rfispider.site import urls

COPIES: Final = 10
"""URLs with one and the same text: the site shows an article under three or four (twins, languages, old hosts)."""
REMEMBERED_TEXTS: Final = 10_000
"""Texts whose URLs are counted, the latest: a trap repeats itself sooner."""
DATED_PAGES: Final = 200
"""Pages of one directory whose slugs carry the same day: a whole edition publishes about half as many a day."""
UNDATED_PAGES: Final = 1_000
"""Pages of one directory without a day in their slugs, such as agency copy."""
DIRECTORIES: Final = 2_000
"""Directories in all: each edition has some tens of sections and programmes."""


class TrapBudget:
    """Counts the pages from which one crawl follows links; the counts start anew each day of a crawl that goes on."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._reset()

    def follows(self, url: str, content_hash: str, today: date) -> bool:
        """Whether the links of an article page are followed, which only another article led to.

        `url` is canonical, `content_hash` that of its text; empty if it has none.
        """
        if self._day != today:
            self._day = today
            self._reset()
        return not (self._is_copy(url, content_hash) or self._exceeds_directory(url))

    def _reset(self) -> None:
        self._pages: Counter[tuple[str, date | None]] = Counter()
        self._directories: set[str] = set()
        self._urls: dict[str, set[str]] = {}

    def _is_copy(self, url: str, content_hash: str) -> bool:
        """Whether too many other URLs have the same text."""
        if not content_hash:
            return False
        copies = self._urls.pop(content_hash, set())
        self._urls[content_hash] = copies
        if len(self._urls) > REMEMBERED_TEXTS:
            del self._urls[next(iter(self._urls))]
        if url not in copies and len(copies) >= COPIES:
            return True
        copies.add(url)
        return False

    def _exceeds_directory(self, url: str) -> bool:
        """Whether its directory, or the number of directories, has used up its budget."""
        directory, day = urlsplit(url).path.rpartition("/")[0], urls.slug_date(url)
        if directory not in self._directories and len(self._directories) >= DIRECTORIES:
            return True
        self._directories.add(directory)
        self._pages[directory, day] += 1
        return self._pages[directory, day] > (DATED_PAGES if day else UNDATED_PAGES)
