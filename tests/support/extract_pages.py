"""Pages of invented articles, written by hand for the tests of `rfispider.extract`."""

import json
from datetime import UTC, datetime

from rfispider import extract
from rfispider.items import Article, Entry, Origin, Page, Rejection

URL = "https://www.rfi.fr/en/africa/20240305-the-tin-boat-sails"
CN_URL = "https://www.rfi.fr/cn/%E4%B8%AD%E5%9B%BD/20240305-abc"
FETCHED = datetime(2024, 3, 6, 12, tzinfo=UTC)
PARAGRAPHS = [
    "The tin boat left the harbour at dawn with nine goats aboard.",
    "Its captain, who had never been to sea, asked the goats for advice, and they gave it freely for most of the day.",
    "By noon the wind had fallen, so everybody slept; nobody noticed that the lighthouse was walking beside them.",
    "The minister of lamps declined to comment on lighthouses that walk, but promised an inquiry before the winter.",
]
"""Together more than 300 letters, so that an article of them is not short."""


def paragraphs(*extra: str) -> str:
    return "".join(f"<p>{text}</p>" for text in PARAGRAPHS) + "".join(extra)


def body(inside: str | None = None) -> str:
    return f'<div class="t-content__body u-clearfix">{paragraphs() if inside is None else inside}</div>'


def article_html(
    *, head: str = "", header: str = "", inside: str | None = None, after: str = "", title: str = "The tin boat sails"
) -> str:
    """A whole page as the site writes it."""
    return (
        f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>{head}</head><body><header><nav>"
        f"<a href='/en/'>RFI</a></nav></header><main><article class='t-content t-content--article'>"
        f"<h1 class='t-content__title a-page-title'>{title}</h1>{header}{body(inside)}{after}</article></main>"
        "<footer><p>Footer of the site</p></footer></body></html>"
    )


def linked(*things: object) -> str:
    return "".join(f'<script type="application/ld+json">{json.dumps(thing)}</script>' for thing in things)


def news(**fields: object) -> dict[str, object]:
    return {"@context": "https://schema.org", "@type": "NewsArticle", **fields}


def page(html: str | bytes, url: str = URL, **fields: object) -> Page:
    content = html.encode() if isinstance(html, str) else html
    return Page(**{"url": url, "body": content, "origin": Origin.PAGE, "fetched_at": FETCHED, **fields})


def entry_page(html: str, url: str = CN_URL, **fields: object) -> Page:
    entry = fields.pop("entry", Entry(url=url, title="锡船出海"))
    return page(html, url, origin=Origin.ARCHIVE, entry=entry, **fields)


def read(html: str | bytes, url: str = URL, **fields: object) -> Article:
    return accepted(page(html, url, **fields))


def accepted(given: Page) -> Article:
    article = extract.article(given)
    assert isinstance(article, Article), article
    return article


def rejected(given: Page) -> Rejection:
    rejection = extract.article(given)
    assert isinstance(rejection, Rejection), rejection
    return rejection
