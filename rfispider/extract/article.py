"""One page to one article, or to the reason why there is none."""

import re
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import rfispider
from rfispider import text
from rfispider.extract import (
    body_text,
    credit_line,
    element_text,
    fields,
    html_document,
    json_ld,
    layout,
    links,
    parsed_page,
    rejection,
)
from rfispider.extract.fields import Fields, Sources
from rfispider.extract.html_document import Document
from rfispider.extract.text_blocks import Block
from rfispider.items import Article, Audio, Entry, Image, Kind, Outcome, Page, Rejection, Status
from rfispider.site import urls
from rfispider.site.editions import EDITION_OF_BARE_PATHS, EDITIONS

MAX_TEXT: Final = 2_000_000
"""Characters of the longest text: four bytes each fit into a document of MongoDB (16 MB)."""
_HAN: Final = re.compile("[\u3400-\u9fff]")
SHORT_TEXT: Final = 100
"""A body with fewer Han characters than this is short: a bulletin, the caption of a video, the first sentence of a
market report. Three letters of another script count as one Han character, for they carry about as much."""


def article(page: Page) -> Article | Rejection:
    """The article of a page; else a stub of what its source said of it; else why there is neither.

    >>> from datetime import UTC, datetime
    >>> from rfispider.items import Origin, Page
    >>> body = b"<article><h1>A ferry</h1><div class='t-content__body'><p>It sails.</p></div></article>"
    >>> url, fetched_at = "https://www.rfi.fr/en/africa/20260301-a-ferry", datetime(2026, 3, 2, tzinfo=UTC)
    >>> read = article(Page(url=url, body=body, origin=Origin.PAGE, fetched_at=fetched_at))
    >>> read.title, read.text
    ('A ferry', 'It sails.')
    """
    if (failure := rejection.by_status(page)) is not None:
        return _stub_or(failure, page)
    document = parsed_page.of(page)
    if isinstance(document, Rejection):
        return _stub_or(document, page)
    sources = _sources(page, document)
    if (failure := _rejection(sources)) is not None:
        return _stub_or(failure, page)
    return _read(sources)


def refusal(page: Page) -> Outcome | None:
    """What became of the page itself if it gave no article, whatever its source said; None if it gave one."""
    failure = rejection.by_status(page)
    if failure is None and rejection.is_whole_page(page):
        document = parsed_page.of(page)
        failure = document if isinstance(document, Rejection) else _rejection(_sources(page, document))
    return failure.outcome if failure else None


def _sources(page: Page, document: Document) -> Sources:
    node = {} if document.fragment else json_ld.article(document, links.own_addresses(page, document))
    return Sources(page, document, layout.find(document), node)


def _rejection(sources: Sources) -> Rejection | None:
    failure = rejection.by_address(sources.page, says_article=bool(sources.json_ld))
    if failure is None and not sources.document.fragment:
        failure = rejection.by_content(sources.document, sources.layout, sources.json_ld)
    return failure


# ---- an article ------------------------------------------------------------------------------------------


def _read(sources: Sources) -> Article | Rejection:
    title, title_from = fields.title(sources)
    if not title:
        return rejection.rejection(Outcome.FAILED, "no title")
    blocks = sources.layout.blocks()
    agency = credit_line.cut_agency(blocks)
    credits_ = credit_line.cut_credits(blocks)
    lead, lead_from = fields.lead(sources, blocks)
    lines, lines_from = _lines(sources, _without_lead(blocks, lead))
    if sum(map(len, lines)) > MAX_TEXT:
        return rejection.rejection(Outcome.FAILED, f"text of more than {MAX_TEXT} characters")
    values: Fields = {
        "title": (title, title_from),
        "lead": (lead, lead_from),
        "text": ("\n\n".join(lines), lines_from),
        "agency": (agency, fields.MARKUP),
        "credits": (credits_, fields.MARKUP),
        "authors": fields.authors(sources),
        "tags": fields.tags(sources),
        "published_at": fields.published_at(sources),
        "modified_at": fields.modified_at(sources),
        "images": fields.images(sources),
        "audio": fields.audio(sources),
        "related": (links.related_of(sources.page, sources.document, sources.layout.article), fields.MARKUP),
        "short_code": fields.short_code(sources),
    }
    status = Status.SHORT if is_short("".join(lines)) else Status.FULL
    article = _article(sources.page, values, status)
    canonical = links.canonical(sources.page, sources.document)
    return replace(article, aliases=[*article.aliases, canonical], canonical=canonical) if canonical else article


def _lines(sources: Sources, blocks: list[Block]) -> tuple[list[str], str]:
    """The body's lines and who read them; of a page whose article was not found, what trafilatura takes for it."""
    if sources.layout.article is None and not sources.layout.bodies:
        return body_text.extracted(html_document.as_html(sources.document)), "trafilatura"
    return body_text.read(blocks)


def _without_lead(blocks: list[Block], lead: str | None) -> list[Block]:
    """The blocks without a first one that repeats the lead."""
    repeats_lead = bool(lead and blocks and blocks[0].line == lead)
    return blocks[1:] if repeats_lead else blocks


def is_short(body: str) -> bool:
    """Whether a body is next to none.

    >>> is_short("The ferry is back."), is_short("The ferry is back. " * 30)
    (True, False)
    """
    if len(body) > SHORT_TEXT * 12:
        return False
    han = len(_HAN.findall(body))
    letters = sum(map(str.isalnum, body))
    return han < SHORT_TEXT and han * 3 + (letters - han) < SHORT_TEXT * 3


# ---- a stub ----------------------------------------------------------------------------------------------

_WITHOUT_STUB: Final = frozenset({Outcome.GONE, Outcome.NOT_ARTICLE})
"""Outcomes of a page of which no stub is kept: it is not there, or is no article."""


def _stub_or(failure: Rejection, page: Page) -> Article | Rejection:
    """A stub of what the source said of a page that could not be read, if it said enough; else the rejection."""
    if page.entry is None or failure.outcome in _WITHOUT_STUB or not urls.is_article(urls.kind(page.url)):
        return failure
    title = fields.without_site(element_text.decoded(page.entry.title))
    return _stub(page, page.entry, title) if title else failure


def _stub(page: Page, entry: Entry, title: str) -> Article:
    sources = Sources(page, html_document.parse(b"", fragment=True), layout.ArticleLayout(), {})
    images = [Image(url=entry.image)] if entry.image else []
    audio = [replace(entry.audio)] if isinstance(entry.audio, Audio) else []
    of_entry = {
        "title": title,
        "lead": element_text.decoded(entry.summary) or None,
        "authors": list(entry.authors),
        "tags": list(entry.keywords),
        "modified_at": fields.modified_at(sources)[0],
        "images": images,
        "audio": audio,
    }
    values: Fields = {name: (value, fields.FEED) for name, value in of_entry.items()}
    values["published_at"] = fields.published_at(sources)
    return _article(page, values, Status.STUB)


# ---- both ------------------------------------------------------------------------------------------------


def _article(page: Page, values: Fields, status: Status) -> Article:
    url = urls.canonical(page.url)
    kind = urls.kind(url)
    edition = urls.edition(url) or EDITION_OF_BARE_PATHS
    of_url: Fields = {
        "section": (urls.section(url) if urls.is_article(kind) else None, fields.URL),
        "programme": (urls.programme(url), fields.URL),
        "language": (EDITIONS[edition].language, fields.URL),
    }
    filled = {name: (value, source) for name, (value, source) in {**values, **of_url}.items() if value}
    content = {name: value for name, (value, _) in filled.items()}
    return Article(
        key=urls.key(url),
        url=url,
        aliases=list(page.aliases),
        edition=edition,
        kind=kind if urls.is_article(kind) else Kind.ARTICLE,
        status=status,
        origin=page.origin,
        provenance={name: source for name, (_, source) in filled.items()},
        extractor=dict(_versions()),
        content_hash=text.content_hash(content.get("lead"), content.get("text", "")),
        fetched_at=page.fetched_at,
        sources=[page.source] if page.source else [],
        **content,
    )


@cache
def _versions() -> dict[str, str]:
    try:
        return {"rfispider": rfispider.__version__, "trafilatura": version("trafilatura")}
    except PackageNotFoundError:  # pragma: no cover - it is imported, so it is installed
        return {"rfispider": rfispider.__version__}
