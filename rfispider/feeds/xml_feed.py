"""The XML dialects of feeds, interpreted by feedparser."""

import io
from typing import Any

import feedparser

from rfispider.feeds import plain_text
from rfispider.feeds.entry_builder import Media, article, audio, picture, with_times
from rfispider.feeds.result import FeedError, ParsedFeed, left_out
from rfispider.feeds.xml_repair import tree
from rfispider.feeds.xml_subset import distilled
from rfispider.items import Entry
from rfispider.site.dates import duration_s
from rfispider.site.web_address import web_address


def read(text: str, url: str) -> ParsedFeed:
    """Read an RSS, RDF or Atom feed; raises FeedError when it is none."""
    root, problem = tree(text)
    document, surplus = distilled(root)
    parsed = _interpreted(document)
    found = [entry for one in parsed["entries"] if (entry := _entry(one, url))]
    return ParsedFeed(
        entries=found, title=plain_text.title(parsed["feed"].get("title")), problem=problem or left_out(surplus)
    )


def _interpreted(document: bytes) -> Any:  # noqa: ANN401 - feedparser carries no types
    """Let feedparser read a document; markup stays as printed, since extraction knows it by its classes."""
    # It is not told where the document is from: it would reckon with that for every element, a fifth of its time.
    headers = {"content-type": "application/xml; charset=utf-8"}
    try:
        return feedparser.parse(
            io.BytesIO(document), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except Exception as error:  # whatever the parser trips over, a feed must not cost the crawl
        raise FeedError(f"the feed parser failed: {error!r:.200}") from error


def _entry(parsed: Any, base: str) -> Entry | None:  # noqa: ANN401 - feedparser carries no types
    url = web_address(parsed.get("link"), base)
    if url is None:
        return None
    encoded = [part.get("value", "") for part in parsed.get("content", ())]
    content, summary, first_picture = article(encoded, parsed.get("summary"))
    media = _media(parsed, base)
    entry = Entry(
        url=url,
        title=plain_text.title(parsed.get("title")),
        summary=summary,
        content=content,
        image=picture(url, media, first_picture),
        audio=audio(url, media, duration_s(parsed.get("itunes_duration"))),
        keywords=plain_text.names(tag.get("term") or tag.get("label") for tag in parsed.get("tags", ())),
        authors=plain_text.names(author.get("name") for author in parsed.get("authors", ())),
    )
    published, modified = (parsed.get(name) if name in parsed else None for name in ("published", "updated"))
    return with_times(entry, published=published, modified=modified)


def _media(parsed: Any, base: str) -> list[Media]:  # noqa: ANN401 - feedparser carries no types
    """The files of an entry, in the order in which they are preferred as its picture."""
    contents = [Media.of(part) for part in parsed.get("media_content", ())]
    contents.sort(key=lambda media: -media.width)
    thumbnails = [Media.of({"medium": "image", **part}) for part in parsed.get("media_thumbnail", ())]
    enclosed = (link for link in parsed.get("links", ()) if link.get("rel") == "enclosure")
    enclosures = [Media.of({**link, "href": web_address(link.get("href"), base)}) for link in enclosed]
    cover = parsed.get("image")
    covers = [Media.of({"medium": "image", **cover})] if isinstance(cover, dict) else []
    return contents + thumbnails + enclosures + covers
