"""JSON Feed, versions 1 and 1.1 (https://www.jsonfeed.org/version/1.1/)."""

import html
import json
from collections.abc import Iterator
from typing import Any

from rfispider.feeds import plain_text
from rfispider.feeds.entry_builder import Media, article, audio, picture, with_times
from rfispider.feeds.result import MAX_FEED_ENTRIES, FeedError, ParsedFeed, left_out
from rfispider.items import Entry
from rfispider.site.web_address import web_address
from rfispider.text import printable

_MAX_NAMES = 50
"""Keywords, authors or attachments read of one entry."""

_Item = dict[str, Any]


def read(text: str, url: str) -> ParsedFeed:
    """Read a JSON feed fetched from `url`; raises FeedError when it is none."""
    document = _loaded(text)
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise FeedError("JSON, but no JSON Feed: there is no list of items")
    entries = [entry for item in _dicts(items[:MAX_FEED_ENTRIES]) if (entry := _entry(item, url))]
    return ParsedFeed(
        entries=entries, title=plain_text.title(document.get("title")), problem=left_out(len(items[MAX_FEED_ENTRIES:]))
    )


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FeedError(f"damaged JSON: {error}") from error


def _entry(item: _Item, base: str) -> Entry | None:
    printed = ((item.get("url"), base), (item.get("id"), ""), (item.get("external_url"), base))
    url = next(filter(None, (web_address(*each) for each in printed)), None)
    if url is None:
        return None
    content, summary, first_picture = article(filter(None, [_text(item, "content_html")]), _summary(item))
    files = list(_files(item))
    entry = Entry(
        url=url,
        title=plain_text.title(item.get("title")),
        summary=summary,
        content=content,
        image=picture(url, files, first_picture),
        audio=audio(url, files, None),
        keywords=plain_text.names(_some(item.get("tags"))),
        authors=plain_text.names(
            author.get("name") for author in _dicts([*_some(item.get("authors")), item.get("author")])
        ),
    )
    return with_times(entry, published=item.get("date_published"), modified=item.get("date_modified"))


def _files(item: _Item) -> Iterator[Media]:
    for key in ("image", "banner_image"):
        yield Media.of({"url": item.get(key), "medium": "image"})
    for part in _dicts(_some(item.get("attachments"))):
        attributes = {
            "url": part.get("url"),
            "type": part.get("mime_type"),
            "duration": part.get("duration_in_seconds"),
        }
        yield Media.of(attributes)


def _summary(item: _Item) -> str | None:
    """The summary, else the article as plain text, as HTML source."""
    text = _text(item, "summary") or _text(item, "content_text")
    return html.escape(text) if text else None


def _text(item: _Item, key: str) -> str | None:
    value = item.get(key)
    return printable(value) if isinstance(value, str) else None


def _some(value: object) -> list[Any]:
    return value[:_MAX_NAMES] if isinstance(value, list) else []


def _dicts(values: list[Any]) -> list[_Item]:
    return [value for value in values if isinstance(value, dict)]
