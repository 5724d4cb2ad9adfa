"""What an answer of the site means for us: its headers, whether it is news, why it failed."""

from datetime import UTC, datetime

from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure
from xxhash import xxh3_128_hexdigest

from rfispider.items import Link, Origin, Outcome, Page, VisitResult
from rfispider.site import urls

NOT_MODIFIED = 304
FORBIDDEN = 403
UNASKED_NOT_MODIFIED = "HTTP 304 to a request without a condition"


def page(response: Response, link: Link, url: str, mirror: str = "") -> Page:
    """The page that an answer holds; `url` is its canonical address, other than the link's after a redirect."""
    return Page(
        url=url,
        aliases=[link.url] if urls.key(link.url) != urls.key(url) else [],
        body=response.body,
        origin=Origin.PAGE,
        fetched_at=response.meta.get("asked_at") or datetime.now(UTC),
        status=response.status,
        error=UNASKED_NOT_MODIFIED if response.status == NOT_MODIFIED else None,
        encoding=charset(response),
        headers=headers(response),
        entry=link.entry,
        source=link.found_on,
        depth=link.depth,
        mirror=mirror,
        claim=response.meta.get("claim"),
        visit=visit_of(response),
    )


def is_unchanged(response: Response) -> bool:
    """Whether the answer is what was fetched last time; the visit takes note of the answer."""
    visit = visit_of(response)
    if visit is None:
        return False
    visit.status = response.status
    if response.status != NOT_MODIFIED and not _is_of_other_url(response):
        visit.etag, visit.last_modified = header(response, b"ETag"), header(response, b"Last-Modified")
        # Of a page of 300 KB in a fiftieth of the time of a cryptographic one; a site gains nothing by a collision.
        visit.body_hash = xxh3_128_hexdigest(response.body)
    if _is_not_modified(response) or (visit.body_hash and visit.body_hash == response.meta.get("body_hash")):
        visit.complete(Outcome.UNCHANGED)
    return visit.outcome is Outcome.UNCHANGED


def _is_of_other_url(response: Response) -> bool:
    """Whether a redirect led to another page, whose validators say nothing about the URL that was asked for."""
    redirects: list[str] = response.meta.get("redirect_urls") or [response.url]
    return urls.key(redirects[0]) != urls.key(response.url)


def _is_not_modified(response: Response) -> bool:
    """Whether an answer says that nothing changed, to a request that named what it had."""
    headers = response.request.headers if response.request else {}
    return response.status == NOT_MODIFIED and ("If-None-Match" in headers or "If-Modified-Since" in headers)


def visit_of(response: Response) -> VisitResult | None:
    """The visit that a response belongs to; None outside a crawl, as in `scrapy shell`."""
    visit: VisitResult | None = response.meta.get("visit") if response.request else None
    return visit


def header(response: Response, name: bytes) -> str | None:
    """One header of a response as text."""
    value = response.headers.get(name)
    return value.decode("latin-1") if value else None


def headers(response: Response) -> list[tuple[str, str]]:
    """All headers of a response as text, in its order."""
    values = ((name, value) for name in response.headers for value in response.headers.getlist(name))
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in values]


def charset(response: Response) -> str | None:
    """The character set that the HTTP header tells."""
    _, _, charset_ = (header(response, b"Content-Type") or "").lower().partition("charset=")
    return charset_.split(";")[0].strip("\"' ") or None


def status(failure: Failure) -> int:
    """The HTTP status of a failed request; 0 when no answer came, 403 when our manners forbade to ask."""
    if isinstance(failure.value, HttpError):
        return failure.value.response.status
    return FORBIDDEN if isinstance(failure.value, IgnoreRequest) else 0


def reason(failure: Failure) -> str:
    """Why a request failed, in one line."""
    if isinstance(failure.value, HttpError):
        return f"HTTP {failure.value.response.status}"
    return " ".join(str(failure.value).split()) or type(failure.value).__name__
