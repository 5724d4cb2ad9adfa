"""Archived feed entries: a time, a line of title and address, a rule, and below it the HTML of the article."""

import re
from dataclasses import dataclass
from datetime import datetime

from rfispider.feeds import plain_text
from rfispider.feeds.entry_builder import with_times
from rfispider.feeds.result import FeedError
from rfispider.items import Entry
from rfispider.site import dates, selectors
from rfispider.site.hosts import SITE
from rfispider.site.web_address import web_address

_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_FIELD = re.compile(r"^([A-Za-z_]+):[ \t]*(.*?)[ \t]*\r?$", re.MULTILINE)
_TIME = re.compile(rf"\s*{selectors.ARCHIVED_TIME}")
_RULE = re.compile(rf"^{selectors.ARCHIVED_RULE}[ \t]*\r?$", re.MULTILINE)
_LINK = re.compile(rf"\s*{selectors.ARCHIVED_LINK}\s*", re.DOTALL)
_FIRST_LINE = re.compile(r"\s*([^\n]+)")
_FRONT = selectors.ARCHIVED_FRONT_MATTER
_MAX_HEADER = 8_192
"""Characters within which title, address and rule stand."""
_SECONDS = 11
"""Digits up to which the time is in seconds: so many milliseconds ended in 1973."""


@dataclass(slots=True, kw_only=True)
class _Header:
    title: str
    url: str
    content: str


def archived(document: str) -> Entry:
    """Read one archived entry, with or without front matter before it.

    `url` is as printed (a path alone is taken to be on the site), `published_at` the time of the first line,
    else of the front matter; `content` is everything below the rule, the archiver's footer included.
    Where the header is missing, front matter with a title and an address does.
    Raises FeedError when neither is there.
    """
    document = document.removeprefix("\ufeff").lstrip()
    front, rest = _front_matter(document)
    time = _TIME.match(rest)
    below = rest[time.end() :] if time else rest
    header = _header(below) or _header_of(front, below)
    entry = Entry(
        url=_address(header.url),
        title=plain_text.title(header.title),
        content=header.content.strip() or None,
        authors=_own_left_out(front.get(_FRONT["authors"], "")),
        keywords=_own_left_out(front.get(_FRONT["keywords"], "")),
    )
    if published_at := _published(time[1] if time else None):
        entry.published_at = published_at
        return entry
    return with_times(entry, published=front.get(_FRONT["published"]), modified=None)


def _front_matter(document: str) -> tuple[dict[str, str], str]:
    block = _FRONT_MATTER.match(document)
    if not block:
        return {}, document
    return {name: _unquoted(value) for name, value in _FIELD.findall(block[1])}, document[block.end() :]


def _header(below: str) -> _Header | None:
    """Title and address as they stand above the rule, or in the first line where the rule is missing."""
    rule = _RULE.search(below, 0, _MAX_HEADER)
    line = _FIRST_LINE.match(below, 0, _MAX_HEADER)
    for end, start in (rule.span() if rule else (0, 0), (line.end(), line.end()) if line else (0, 0)):
        if link := _LINK.fullmatch(below, 0, end):
            return _Header(title=link[1], url=link[2], content=below[start:])
    return None


def _header_of(front: dict[str, str], below: str) -> _Header:
    title, url = front.get(_FRONT["title"]), front.get(_FRONT["url"])
    if not (title and url):
        raise FeedError("no header: neither a line [title](address) nor front matter with both")
    return _Header(title=title, url=url, content=below)


def _address(printed: str) -> str:
    """The address as printed; on the site, if it is a path alone."""
    address = web_address(printed, "" if "://" in printed[:9] else f"{SITE}/")
    if address is None:
        raise FeedError(f"no web address: {printed:.200}")
    return address


def _published(digits: str | None) -> datetime | None:
    if not digits:
        return None
    return dates.since_epoch(int(digits) * (1000 if len(digits) <= _SECONDS else 1))


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1].replace('\\"', '"')
    return value


def _own_left_out(listed: str) -> list[str]:
    """The names in a list such as `[a, b]` or `a`, without those that stand for the whole site."""
    named = plain_text.names(_unquoted(name.strip()) for name in listed.strip("[]").split(","))
    return [name for name in named if name not in selectors.OWN_BYLINES]
