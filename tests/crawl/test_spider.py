"""What the spider asks for, and whom it hands the answer to."""

import gzip
from datetime import UTC, date, datetime

import pytest
from scrapy.exceptions import IgnoreRequest
from scrapy.http import HtmlResponse, Request
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from rfispider import extract
from rfispider.crawl import responses
from rfispider.crawl.arguments import Arguments
from rfispider.crawl.parse_pool import ParserPool
from rfispider.crawl.scope import Scope
from rfispider.crawl.spiders.rfi import RfiSpider
from rfispider.items import Kind, Link, Outcome, Rejection, VisitResult

URL = "https://www.rfi.fr/fr/afrique/20240301-un-titre"


def spider(base: str = "") -> RfiSpider:
    made = RfiSpider()
    made.scope = Scope(arguments=Arguments(), today=date(2024, 3, 5), base=base)
    return made


def link(url: str = URL, kind: Kind = Kind.ARTICLE) -> Link:
    return Link(url=url, kind=kind, edition="fr")


@pytest.mark.parametrize(
    ("base", "fetched"),
    [
        ("", URL),
        ("http://127.0.0.1:8099", "http://127.0.0.1:8099/fr/afrique/20240301-un-titre"),
        ("https://mirror.example/rfi", "https://mirror.example/rfi/fr/afrique/20240301-un-titre"),
    ],
)
def test_a_page_is_fetched_from_the_site_unless_a_mirror_is_named(base: str, fetched: str) -> None:
    assert spider(base).request(link(), VisitResult()).url == fetched


def test_every_built_in_source_can_be_asked_for() -> None:
    made = RfiSpider(editions="all")
    requests = [made.request(source, VisitResult()) for source in made.scope.sources()]
    assert {request.url.split("/")[2] for request in requests} == {"www.rfi.fr"}


@pytest.mark.parametrize(
    ("kind", "callback"),
    [
        (Kind.FEED, "parse_source"),
        (Kind.SITEMAP, "parse_source"),
        (Kind.SECTION, "parse_source"),
        (Kind.ARTICLE, "parse_article"),
        (Kind.WIRE, "parse_article"),
    ],
)
def test_sources_and_articles_are_read_each_in_its_way(kind: Kind, callback: str) -> None:
    assert spider().request(link(kind=kind), VisitResult()).callback.__name__ == callback  # type: ignore[union-attr]


def answer(
    status: int = 200, body: bytes = b"<html>", headers: dict[str, str] | None = None, **meta: object
) -> HtmlResponse:
    condition = {"If-None-Match": '"x"'} if meta.pop("conditional", False) else None
    request = Request(URL, headers=condition, meta=meta)
    return HtmlResponse(URL, status=status, body=body, headers=headers, request=request)


@pytest.mark.parametrize(
    ("status", "body", "known", "unchanged"),
    [
        (200, b"new", "", False),
        (304, b"", "", True),
        (200, b"same", "same", True),
        (200, b"other", "same", False),
    ],
)
def test_an_answer_is_unchanged_by_its_status_or_by_its_body(
    status: int, body: bytes, known: str, unchanged: bool
) -> None:
    first = VisitResult()
    responses.is_unchanged(answer(body=known.encode(), visit=first))
    visit = VisitResult()
    again = answer(status, body, visit=visit, body_hash=first.body_hash, conditional=True)
    assert responses.is_unchanged(again) is unchanged
    assert (visit.outcome is Outcome.UNCHANGED) is unchanged
    assert visit.status == status


def test_an_answer_of_nothing_new_to_a_request_without_a_condition_has_failed() -> None:
    visit = VisitResult()
    unasked = answer(304, b"", visit=visit)
    assert not responses.is_unchanged(unasked)
    page = responses.page(unasked, link(), URL)
    rejection = extract.article(page)
    assert isinstance(rejection, Rejection)
    assert (rejection.outcome, rejection.reason) == (Outcome.FAILED, "HTTP 304 to a request without a condition")
    assert (visit.etag, visit.body_hash) == (None, None)


def test_what_an_answer_shows_is_of_the_time_at_which_it_was_asked_for() -> None:
    asked_at = datetime(2024, 3, 5, 12, tzinfo=UTC)
    assert responses.page(answer(asked_at=asked_at), link(), URL).fetched_at == asked_at


def test_the_next_visit_can_be_conditional() -> None:
    visit = VisitResult()
    responses.is_unchanged(
        answer(headers={"ETag": '"x"', "Last-Modified": "Fri, 01 Mar 2024 00:00:00 GMT"}, visit=visit)
    )
    assert visit.etag == '"x"'
    assert visit.last_modified == "Fri, 01 Mar 2024 00:00:00 GMT"


@pytest.mark.parametrize(
    ("asked", "etag"), [("https://www.rfi.fr/fr/afrique/20240301-ancien", None), (f"{URL}/", '"x"'), (URL, '"x"')]
)
def test_validators_are_those_of_the_url_that_was_asked_for(asked: str, etag: str | None) -> None:
    visit = VisitResult()
    responses.is_unchanged(answer(headers={"ETag": '"x"'}, visit=visit, redirect_urls=[asked]))
    assert visit.etag == etag
    assert bool(visit.body_hash) is bool(etag)


def test_a_redirect_makes_the_asked_url_an_alias() -> None:
    page = responses.page(answer(), link("https://www.rfi.fr/fr/afrique/20240301-ancien"), URL)
    assert page.url == URL
    assert page.aliases == ["https://www.rfi.fr/fr/afrique/20240301-ancien"]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (HttpError(answer(404)), 404, "HTTP 404"),
        (IgnoreRequest("Forbidden by robots.txt"), 403, "Forbidden by robots.txt"),
        (TimeoutError(), 0, "TimeoutError"),
        (OSError("no route\nto host"), 0, "no route to host"),
    ],
)
def test_a_failure_has_a_status_and_a_reason_of_one_line(error: Exception, status: int, reason: str) -> None:
    failure = Failure(error)
    assert responses.status(failure) == status
    assert responses.reason(failure) == reason


def test_what_was_spoiled_stays_failed() -> None:
    visit = VisitResult()
    visit.fail("not stored")
    visit.complete(Outcome.NEW)
    assert (visit.outcome, visit.error) == (Outcome.FAILED, "not stored")


def test_the_character_set_of_the_header_is_taken_as_told() -> None:
    assert responses.charset(answer(headers={"Content-Type": 'text/html; charset="GB2312"; x'})) == "gb2312"
    assert responses.charset(answer(headers={"Content-Type": "text/html"})) is None


SITEMAP = b"<urlset><url><loc>https://www.rfi.fr/fr/afrique/20240301-un-titre</loc></url></urlset>"
INDEX = b"<sitemapindex><sitemap><loc>https://www.rfi.fr/fr/plan-1.xml.gz</loc></sitemap></sitemapindex>"
RSS = b"<rss><channel><item><link>https://www.rfi.fr/fr/afrique/20240301-un-titre</link></item></channel></rss>"


def reader(counted: list[str], monkeypatch: pytest.MonkeyPatch) -> RfiSpider:
    """A spider that reads sources in this process."""
    made = RfiSpider(editions="fr")
    made.parser_pool = ParserPool(0, seconds=10.0)
    monkeypatch.setattr(made, "count", counted.append)
    return made


@pytest.mark.parametrize("kind", [Kind.FEED, Kind.SITEMAP])
@pytest.mark.parametrize(
    ("body", "found"),
    [
        (SITEMAP, (URL, Kind.ARTICLE)),
        (gzip.compress(SITEMAP, mtime=0), (URL, Kind.ARTICLE)),
        (RSS, (URL, Kind.ARTICLE)),
        (gzip.compress(RSS, mtime=0), (URL, Kind.ARTICLE)),
        (gzip.compress(INDEX, mtime=0), ("https://www.rfi.fr/fr/plan-1.xml.gz", Kind.SITEMAP)),
    ],
)
async def test_a_source_is_read_as_what_it_is_whatever_its_address_says(
    kind: Kind, body: bytes, found: tuple[str, Kind], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = reader([], monkeypatch)
    source = link("https://www.rfi.fr/fr/some-source", kind)
    response = answer(body=body, headers={"Content-Type": "application/octet-stream"})
    (followed,) = [each async for each in made.parse_source(response, source)]
    assert isinstance(followed, Link)
    assert (followed.url, followed.kind) == found


@pytest.mark.parametrize(
    "body", [gzip.compress(SITEMAP, mtime=0)[:12], b"\x00\x01\x02" * 99, b"<html></html>", b"", b"<x/>"]
)
async def test_a_source_that_cannot_be_read_says_so(
    body: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    made = reader(counted, monkeypatch)
    source = link("https://www.rfi.fr/sitemap.xml.gz", Kind.SITEMAP)
    assert [each async for each in made.parse_source(answer(body=body), source)] == []
    assert counted == ["source/failed"]
    assert "cannot be read" in caplog.text
