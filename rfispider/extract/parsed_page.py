"""The parse of a page, made once for all that is asked of it: as far as its article, or of the whole page."""

import re
from codecs import BOM_UTF8
from typing import Final

from rfispider.extract import article_slice, html_document, layout
from rfispider.extract.html_document import Document
from rfispider.feeds import encoding
from rfispider.items import Origin, Outcome, Page, Rejection
from rfispider.site import selectors, url_syntax, urls
from rfispider.site.editions import EDITIONS

MAX_PAGE_BYTES: Final = 24 * 1024 * 1024
"""Larger documents are not parsed. The spider fetches at most 16 MB; an archived file may be larger."""
_BINARY: Final = (
    b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"ID3", b"RIFF", b"\x00\x00\x00",
)  # fmt: skip
_BEGINNING: Final = 512
"""Bytes of a page that nearly always show that it is not blank: to strip one of 300 KB copies it."""
_RUN_TOGETHER: Final = re.compile(selectors.RUN_TOGETHER.encode(), re.IGNORECASE)
_FOOTER: Final = re.compile(selectors.ARCHIVER_FOOTER.encode())


def of(page: Page) -> Document | Rejection:
    """The parsed page, or why there is nothing to parse; kept on `page.parsed`.

    An article's page may have been cut behind the article: what is left holds all that concerns it.
    """
    if not isinstance(page.parsed, Document | Rejection):
        page.parsed = _read(page, whole=not urls.is_article(urls.kind(page.url)))
    parsed: Document | Rejection = page.parsed
    return parsed


def whole(page: Page) -> Document | Rejection:
    """The whole page parsed, with everything around an article; kept as well."""
    parsed = of(page)
    if isinstance(parsed, Document) and parsed.partial:
        page.parsed = parsed = _read(page, whole=True)
    return parsed


def related_headings(url: str) -> frozenset[str]:
    """Headings of the related block in the edition of a URL."""
    edition = EDITIONS.get(urls.edition(url) or "")
    return frozenset(edition.related_words) if edition else frozenset()


def resolved(printed: str, page: Page, document: Document) -> str:
    """The canonical URL that an address printed on a page means; a foreign one as `urls.canonical` leaves it."""
    base = document.base_url
    return urls.canonical(urls.from_mirror(printed, page.mirror, base) if page.mirror else printed, base)


def _read(page: Page, *, whole: bool) -> Document | Rejection:
    if not page.body[:_BEGINNING].removeprefix(BOM_UTF8).strip() and not page.body.removeprefix(BOM_UTF8).strip():
        return Rejection(outcome=Outcome.EMPTY, reason="no content")
    if _is_binary(page.body):
        return Rejection(outcome=Outcome.NOT_ARTICLE, reason="not HTML but binary data")
    if len(page.body) > MAX_PAGE_BYTES:
        return Rejection(outcome=Outcome.FAILED, reason=f"too large: {len(page.body)} bytes")
    body = encoding.utf8(page.body, page.encoding)
    if page.origin in (Origin.FEED, Origin.ARCHIVE):
        document = html_document.parsed(_mended(body), fragment=True)
    else:
        cut = None if whole else _cut(body, page.url)
        document = cut or html_document.parsed(body, fragment=False)
    if isinstance(document, Document):
        document.body, document.base_url = body, _base_url(page, document)
    return document


def _cut(body: bytes, url: str) -> Document | None:
    """The page parsed as far as its article; None if that may differ from the article of the whole page."""
    cut = article_slice.of_article(body, related_headings(url))
    document = html_document.parsed(cut.content, fragment=False) if cut else None
    if cut is None or not isinstance(document, Document):
        return None
    document.partial = True
    return document if article_slice.is_confirmed(cut, document, layout.find(document).article) else None


def _base_url(page: Page, document: Document) -> str:
    """The address that the first base element of a page names, if it is of the site; else the page's own."""
    printed = next((href for base in document.all("base") if (href := base.get("href")) is not None), None)
    if printed is None or document.fragment:
        return page.url
    if page.mirror:
        printed = urls.from_mirror(printed, page.mirror, page.url)
    address = url_syntax.resolved(printed, page.url)
    scheme, host, _, _ = url_syntax.split(address)
    return address if scheme in url_syntax.WEB and url_syntax.on_site(host) else page.url


def _mended(body: bytes) -> bytes:
    """A fragment without the archiver's footer, its tags and attributes set apart again."""
    if footer := _FOOTER.search(body):
        body = body[: footer.start()]
    return _RUN_TOGETHER.sub(rb"<\1 \2", body)


def _is_binary(body: bytes) -> bool:
    return body.startswith(_BINARY) or encoding.is_binary(body)
