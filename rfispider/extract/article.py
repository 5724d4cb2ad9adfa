"""One page to one article, or to the reason why there is none."""

import re
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

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
    rejection,
)
from rfispider.extract.fields import Sources
from rfispider.extract.html_document import Document
from rfispider.extract.text_blocks import Block
from rfispider.items import Article, Audio, Image, Kind, Outcome, Page, Rejection, Status
from rfispider.site import urls
from rfispider.site.editions import EDITION_OF_BARE_PATHS, EDITIONS

MAX_TEXT: Final = 2_000_000
"""Characters of the longest text: four bytes each fit into a document of MongoDB (16 MB)."""
_HAN: Final = re.compile("[\u3400-\u9fff]")
SHORT_TEXT: Final = 100
"""A body of fewer Han characters, or of fewer letters than three times as many, is short: a bulletin, a video's line,
the first sentence of a market report. Letters of other scripts count a third, for that is what they carry."""


def article(page: Page) -> Article | Rejection:
    """The article of a page; a stub of what its source said if the page was refused; else why there is none."""
    if (refused := rejection.by_status(page)) is not None:
        return _stub_or(refused, page)
    parsed = html_document.of(page)
    if isinstance(parsed, Rejection):
        return _stub_or(parsed, page)
    sources = _sources(page, parsed)
    if (refused := _refused(sources)) is not None:
        return _stub_or(refused, page)
    return _read(sources)


def refusal(page: Page) -> Outcome | None:
    """What became of the page itself if it gave no article, whatever its source said; None if it gave one."""
    refused: Document | Rejection | None = rejection.by_status(page)
    if refused is None and rejection.is_whole_page(page):
        refused = html_document.of(page)
        if isinstance(refused, Document):
            refused = _refused(_sources(page, refused))
    return refused.outcome if isinstance(refused, Rejection) else None


def _sources(page: Page, parsed: Document) -> Sources:
    told = {} if parsed.fragment else json_ld.article(json_ld.things(parsed))
    return Sources(page, parsed, layout.find(parsed), told)


def _refused(sources: Sources) -> Rejection | None:
    refused = rejection.by_address(sources.page, is_told_article=bool(sources.told))
    if refused is None and not sources.parsed.fragment:
        refused = rejection.by_content(sources.parsed, sources.places, sources.told)
    return refused


# ---- an article ------------------------------------------------------------------------------------------


def _read(sources: Sources) -> Article | Rejection:
    title, title_from = fields.title(sources)
    if not title:
        return rejection.rejection(Outcome.FAILED, "no title")
    cut = sources.places.cut()
    agency = credit_line.cut_agency(cut)
    credits_ = credit_line.cut_credits(cut)
    lead, lead_from = fields.lead(sources, cut)
    lines, lines_from = _lines(sources, _without_lead(cut, lead))
    found: dict[str, tuple[Any, str]] = {
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
        "related": (links.related_of(sources.page, sources.parsed, sources.places), fields.MARKUP),
        "short_code": fields.short_code(sources),
    }
    if sum(map(len, lines)) > MAX_TEXT:
        return rejection.rejection(Outcome.FAILED, f"text of more than {MAX_TEXT} characters")
    status = Status.SHORT if is_short("".join(lines)) else Status.FULL
    article = _article(sources.page, found, status)
    canonical = links.canonical(sources.page, sources.parsed)
    return replace(article, aliases=[*article.aliases, canonical]) if canonical else article


def _lines(sources: Sources, cut: list[Block]) -> tuple[list[str], str]:
    """The body's lines; of a page whose article was not found, what trafilatura takes for it."""
    if sources.places.article is None and not sources.places.bodies:
        return body_text.extracted(sources.parsed.root), "trafilatura"
    return body_text.read(cut)


def _without_lead(cut: list[Block], lead: str | None) -> list[Block]:
    """The blocks without a first one that says the lead again."""
    return cut[1:] if lead and cut and cut[0].line == lead else cut


def is_short(lines: str) -> bool:
    """Whether a text is next to none."""
    if len(lines) > SHORT_TEXT * 12 or (han := len(_HAN.findall(lines))) >= SHORT_TEXT:
        return False
    letters = sum(map(str.isalnum, lines))
    return han * 3 + (letters - han) < SHORT_TEXT * 3


# ---- a stub ----------------------------------------------------------------------------------------------

_LASTING: Final = frozenset({Outcome.GONE, Outcome.NOT_ARTICLE})
"""Refusals of a page of which no stub is kept: it is not there, or is no article."""


def _stub_or(refused: Rejection, page: Page) -> Article | Rejection:
    """What the source said of a page that was not to be had, if it said enough; else the refusal."""
    entry = page.entry
    title = fields.without_site(element_text.decoded(entry.title)) if entry else ""
    if entry is None or not title or refused.outcome in _LASTING or not urls.is_article(urls.kind(page.url)):
        return refused
    sources = Sources(page, html_document.parse(b"", fragment=True), layout.ArticleLayout(), {})
    images = [Image(url=entry.image)] if entry.image else []
    audio = [replace(entry.audio)] if isinstance(entry.audio, Audio) else []
    values = {
        "title": title,
        "lead": element_text.decoded(entry.summary) or None,
        "authors": list(entry.authors),
        "tags": list(entry.keywords),
        "modified_at": fields.modified_at(sources)[0],
        "images": images,
        "audio": audio,
    }
    found: dict[str, tuple[Any, str]] = {name: (value, fields.FEED) for name, value in values.items()}
    found["published_at"] = fields.published_at(sources)
    return _article(page, found, Status.STUB)


# ---- both ------------------------------------------------------------------------------------------------


def _article(page: Page, found: dict[str, tuple[Any, str]], status: Status) -> Article:
    url = urls.canonical(page.url)
    kind = urls.kind(url)
    edition = urls.edition(url) or EDITION_OF_BARE_PATHS
    of_url = {
        "section": urls.section(url) if urls.is_article(kind) else None,
        "programme": urls.programme(url),
        "language": EDITIONS[edition].language,
    }
    found = {**found, **{name: (value, fields.URL) for name, value in of_url.items()}}
    values = {name: value for name, (value, _) in found.items() if value}
    return Article(
        key=urls.key(url),
        url=url,
        aliases=list(page.aliases),
        edition=edition,
        kind=kind if urls.is_article(kind) else Kind.ARTICLE,
        status=status,
        origin=page.origin,
        provenance={name: source for name, (value, source) in found.items() if value},
        extractor=dict(_versions()),
        content_hash=text.content_hash(values.get("lead"), values.get("text", "")),
        fetched_at=page.fetched_at,
        sources=[page.source] if page.source else [],
        **values,
    )


@cache
def _versions() -> dict[str, str]:
    try:
        return {"rfispider": rfispider.__version__, "trafilatura": version("trafilatura")}
    except PackageNotFoundError:  # pragma: no cover - it is imported, so it is installed
        return {"rfispider": rfispider.__version__}
