"""The pieces of an entry that every dialect of feeds shares: address, article or summary, picture, recording."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlsplit

from rfispider.feeds import plain_text
from rfispider.items import Audio, Entry
from rfispider.site import dates, selectors
from rfispider.site.web_address import web_address

_FULL_TEXT = re.compile(selectors.FEED_FULL_TEXT)
_PARAGRAPH = re.compile(r"<p[\s>]", re.IGNORECASE)
_BLOCK = re.compile(r"<(?:p|div|br)[\s/>]", re.IGNORECASE)
_PARAGRAPHS = 3
"""A description of so many paragraphs is the article itself: a summary has one, or none that is marked."""
_PICTURE_FILE = re.compile(r"\.(?:jpe?g|png|webp|gif|avif)$", re.IGNORECASE)
_AUDIO_FILE = re.compile(r"\.(?:mp3|m4a|aac|ogg|oga|opus|wav)$", re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class Media:
    """A file that a feed lists with an entry."""

    url: object
    """As printed."""
    type: str
    """MIME type, or the coarse medium where there is only that; lower case, may be empty."""
    width: int
    """Pixels; 0 when unknown."""
    duration: int | None
    """Seconds."""

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Self:
        """Read the attributes of an enclosure or of an element of Media RSS."""
        kind = attributes.get("medium") or attributes.get("type") or ""
        width = str(attributes.get("width") or "")
        return cls(
            url=attributes.get("url") or attributes.get("href"),
            type=str(kind).lower(),
            width=int(width) if re.fullmatch(r"[0-9]{1,5}", width) else 0,
            duration=dates.duration_s(attributes.get("duration")),
        )


def with_times(entry: Entry, *, published: object, modified: object) -> Entry:
    """The entry with its times as printed; a day alone is marked as one."""
    entry.published_at, entry.published_day_alone = _time(published)
    entry.modified_at, entry.modified_day_alone = _time(modified)
    return entry


def _time(printed: object) -> tuple[datetime | None, bool]:
    """The moment that is printed, or the beginning of the day that is printed alone, and whether it is that."""
    if at := dates.moment(printed):
        return at, False
    beginning = dates.midnight(dates.day(printed))
    return beginning, beginning is not None


def article(encoded: Iterable[str], description: str | None) -> tuple[str | None, str | None, str | None]:
    """Tell the article from the summary.

    `encoded` are the elements meant for whole articles, `description` the one meant for a summary; publishers
    put either into either. Returns the article's HTML, the summary as plain text, and the address of the first
    picture in them as printed; None for what is not there.
    """
    long, short = max(encoded, key=len, default=""), description or ""
    if short == long:  # the feed parser fills in a missing summary so
        return _article_or_summary(long)
    (short_text, short_picture), (long_text, long_picture) = plain_text.text(short), plain_text.text(long)
    picture = long_picture or short_picture
    if _is_whole(long) or _is_longer(long_text, short_text):
        return long, None if _is_whole(short) else short_text, picture
    if _is_whole(short):
        return short, None, picture
    return None, short_text or long_text, picture


def _article_or_summary(markup: str) -> tuple[str | None, str | None, str | None]:
    """The same of the only text there is."""
    text, picture = plain_text.text(markup)
    if _is_whole(markup) or (text and _BLOCK.search(markup)):
        return markup, None, picture
    return None, text, picture


def _is_longer(text: str | None, than: str | None) -> bool:
    return len(text or "") > len(than or "")


def _is_whole(markup: str) -> bool:
    return bool(_FULL_TEXT.search(markup)) or len(_PARAGRAPH.findall(markup)) >= _PARAGRAPHS


def picture(base: str, media: Iterable[Media], first: object) -> str | None:
    """The picture of an entry: the first file that is one, else `first` (that in its text), made absolute."""
    for one in media:
        address = web_address(one.url, base)
        if address and _is(one, address, "image", _PICTURE_FILE):
            return address
    return web_address(first, base)


def audio(base: str, media: Iterable[Media], length_s: int | None) -> Audio | None:
    """The recording of an entry: the first file that is one; `length_s` is what the entry says of its length."""
    for one in media:
        address = web_address(one.url, base)
        if address and _is(one, address, "audio", _AUDIO_FILE):
            return Audio(url=address, duration_s=one.duration or length_s)
    return None


def _is(media: Media, address: str, kind: str, file_name: re.Pattern[str]) -> bool:
    return media.type.startswith(kind) or (not media.type and bool(file_name.search(urlsplit(address).path)))
