"""The pieces of an entry that every dialect of feeds shares: address, article or summary, picture, recording."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

from rfispider.feeds import plain_text
from rfispider.items import Audio
from rfispider.site import selectors

_FULL_TEXT = re.compile(selectors.FEED_FULL_TEXT)
_PARAGRAPH = re.compile(r"<p[\s>]", re.IGNORECASE)
_BLOCK = re.compile(r"<(?:p|div|br)[\s/>]", re.IGNORECASE)
_PARAGRAPHS = 3
"""A description of so many paragraphs is the article itself: a summary has one, or none that is marked."""
_PICTURE_FILE = re.compile(r"\.(?:jpe?g|png|webp|gif|avif)$", re.IGNORECASE)
_AUDIO_FILE = re.compile(r"\.(?:mp3|m4a|aac|ogg|oga|opus|wav)$", re.IGNORECASE)
_DURATION = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,6})(?:\.\d+)?")
_MAX_ADDRESS = 4096


@dataclass(slots=True, kw_only=True)
class Media:
    """A file that a feed lists with an entry."""

    url: object
    """As printed."""
    type: str
    """MIME type, or the coarse medium where only that is told; lower case, may be empty."""
    width: int
    """Pixels; 0 when not told."""
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
            duration=seconds(attributes.get("duration")),
        )


def web_address(base: str, printed: object) -> str | None:
    """An address made absolute; None for anything that is not of the web."""
    if not isinstance(printed, str) or not printed.strip() or len(printed) > _MAX_ADDRESS:
        return None
    try:
        address = urljoin(base, plain_text.printable(printed).strip())
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme in {"http", "https"} and parts.netloc else None


def seconds(printed: object) -> int | None:
    """A duration printed as seconds, mm:ss or hh:mm:ss, in seconds."""
    found = _DURATION.fullmatch(str(printed).strip()[:20])
    if not found:
        return None
    hours, minutes, rest = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + rest


def article(encoded: Iterable[str], description: str | None) -> tuple[str | None, str | None, str | None]:
    """Tell the article from the summary.

    `encoded` are the elements meant for whole articles, `description` the one meant for a summary; publishers
    put either into either. Returns the article's HTML, the summary as plain text, and the address of the first
    picture in them as printed; None for what is not there.
    """
    short = description or ""
    long = max(encoded, key=len, default="")
    repeated = short == long  # the feed parser fills in a missing summary so
    if repeated:
        short = ""
    (short_text, short_picture), (long_text, long_picture) = plain_text.text(short), plain_text.text(long)
    picture = long_picture or short_picture
    tells_more = len(long_text or "") > len(short_text or "") and (not repeated or _BLOCK.search(long))
    if _is_whole(long) or tells_more:
        return long, None if _is_whole(short) else short_text, picture
    if _is_whole(short):
        return short, None, picture
    return None, short_text or long_text, picture


def _is_whole(markup: str) -> bool:
    return bool(_FULL_TEXT.search(markup)) or len(_PARAGRAPH.findall(markup)) >= _PARAGRAPHS


def picture(base: str, media: Iterable[Media], first: object) -> str | None:
    """The picture of an entry: the first file that is one, else `first` (that in its text), made absolute."""
    for one in media:
        address = web_address(base, one.url)
        if address and _is(one, address, "image", _PICTURE_FILE):
            return address
    return web_address(base, first)


def audio(base: str, media: Iterable[Media], duration_s: int | None) -> Audio | None:
    """The recording of an entry: the first file that is one; `duration_s` is what the entry says of its length."""
    for one in media:
        address = web_address(base, one.url)
        if address and _is(one, address, "audio", _AUDIO_FILE):
            return Audio(url=address, duration_s=one.duration or duration_s or None)
    return None


def _is(media: Media, address: str, kind: str, file_name: re.Pattern[str]) -> bool:
    return media.type.startswith(kind) or (not media.type and bool(file_name.search(urlsplit(address).path)))
