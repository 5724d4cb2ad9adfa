"""WARC 1.1 (ISO 28500) of raw pages: a `response` where there are HTTP headers, else a `resource`."""

import hashlib
import io
from collections.abc import Sequence
from datetime import UTC
from http import HTTPStatus
from typing import BinaryIO, Final
from uuid import NAMESPACE_URL, uuid5

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from rfispider import __version__
from rfispider.items import Page

_NOT_CONTROL: Final = dict.fromkeys(range(32), " ")
_HTML: Final = "text/html; charset="


class WarcWriter:
    """Writes pages as records of a WARC; each record is compressed by itself, as indexers need it."""

    def __init__(self, sink: BinaryIO, *, compressed: bool = False, name: str | None = None) -> None:
        self._writer = WARCWriter(sink, gzip=compressed, warc_version="1.1")
        about = {"software": f"rfispider/{__version__}", "format": "WARC File Format 1.1"}
        self._writer.write_record(self._writer.create_warcinfo_record(name, about))

    def write(self, batch: Sequence[Page]) -> None:
        """Write one record for each page."""
        for page in batch:
            self._record(page)

    def close(self) -> None:
        """Nothing is left to write."""

    def _record(self, page: Page) -> None:
        kind = "response" if page.headers and page.status else "resource"
        record = self._writer.create_warc_record(
            page.url,
            kind,
            payload=io.BytesIO(page.body),
            length=len(page.body),
            warc_content_type=None if kind == "response" else f"{_HTML}{page.encoding or 'utf-8'}",
            http_headers=_http(page) if kind == "response" else None,
            warc_headers_dict=_about(page),
        )
        self._writer.write_record(record)


def _about(page: Page) -> dict[str, str]:
    """What tells when a page was fetched; its identity is the same in every export."""
    at = page.fetched_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    digest = hashlib.sha256(page.body).hexdigest()
    return {"WARC-Date": at, "WARC-Record-ID": f"<urn:uuid:{uuid5(NAMESPACE_URL, f'{page.url} {at} {digest}')}>"}


def _http(page: Page) -> StatusAndHeaders:
    """The head of the answer; the body was taken out of what encoded it for the transfer, and its length is that."""
    headers = [(name, value.translate(_NOT_CONTROL)) for name, value in page.headers]
    phrase = HTTPStatus(page.status).phrase if page.status in set(HTTPStatus) else "Unknown"
    return StatusAndHeaders(f"{page.status} {phrase}", [*headers, ("Content-Length", str(len(page.body)))], "HTTP/1.1")
