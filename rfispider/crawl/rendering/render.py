"""What every renderer is asked and answers, and whether its answer is used. Pure."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from rfispider import extract
from rfispider.items import Article, Origin, Outcome, Page, Rejection, Status
from rfispider.site import urls
from rfispider.site.hosts import SITE_HOSTS

_SCRIPT: Final = re.compile(rb"<script[\s>]", re.IGNORECASE)
_OK: Final = 200
_UNFILLED: Final = frozenset({Outcome.EMPTY, Outcome.NOT_ARTICLE})
"""Outcomes of a page without its content; walls and refusals are answers, which no script makes better."""
NEEDLESS: Final = ("image", "media", "font", "stylesheet", "manifest", "texttrack", "eventsource", "websocket", "ping")
"""Kinds of resources, as browsers name them, that hold no text."""
NEEDLESS_SUFFIXES: Final = (".css", ".gif", ".ico", ".jpeg", ".jpg", ".mp3", ".mp4", ".png", ".svg", ".ttf", ".webp",
                            ".woff", ".woff2")  # fmt: skip
"""The same for a renderer that knows only URLs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRequest:
    """What a renderer is asked for."""

    url: str
    """As it is fetched: of the mirror, if there is one."""
    origins: tuple[str, ...]
    """Scheme, host and port, each with a slash at its end: nothing else may be asked for."""
    seconds: float
    """The longest that it may take."""
    user_agent: str

    def allows(self, url: str) -> bool:
        """Whether the page may load a resource from there."""
        return url.startswith(self.origins)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a renderer answers."""

    url: str
    """Where the page led in the end."""
    html: str
    status: int
    """HTTP status that the site answered with; 0 when it is not known."""
    requests: int
    """How many requests the site got, the page included."""


class RenderError(Exception):
    """A page could not be rendered; the message is a short reason, fit to be counted."""


class RendererError(RenderError):
    """The renderer itself has failed, whatever the page."""


def origins(base: str) -> tuple[str, ...]:
    """Where a rendered page may load from: the mirror that the site is fetched from, else the site."""
    if base:
        parts = urlsplit(base)
        return (f"{parts.scheme}://{parts.netloc}/",)
    return tuple(f"{scheme}://{host}/" for host in SITE_HOSTS for scheme in ("https", "http"))


def lacks_body(page: Page, parsed: Article | Rejection | None = None) -> bool:
    """Whether a page is an article by its URL, has no body in its HTML, and a script that could fill it.

    `parsed`: what was read from it already, if it was.
    """
    if page.origin is not Origin.PAGE or page.status != _OK or page.error:
        return False
    return urls.is_article(urls.kind(page.url)) and bool(_SCRIPT.search(page.body)) and not has_text(page, parsed)


def has_text(page: Page, parsed: Article | Rejection | None = None) -> bool:
    """Whether the page gives a body, or is refused for another reason than that there is none."""
    if isinstance(parsed, Article) and parsed.text and parsed.status is not Status.STUB:
        return True
    refusal = extract.refusal(page)
    if refusal is not None:
        return refusal not in _UNFILLED
    result = extract.article(page)
    return isinstance(result, Article) and bool(result.text)


def filled(page: Page, rendered: Rendered, *, base: str, max_bytes: int, now: datetime) -> Page:
    """The page as it was rendered.

    Raises:
        RenderError: the answer is not the same page with a body.

    """
    body = rendered.html.encode("utf-8", "replace")
    final_key = urls.key(urls.from_mirror(rendered.url, base))
    if rendered.status not in {0, _OK}:
        raise RenderError(f"http-{rendered.status}")
    if final_key not in {urls.key(url) for url in (page.url, *page.aliases)}:
        raise RenderError("led-elsewhere")
    if len(body) > max_bytes:
        raise RenderError("too-large")
    unparsed = replace(page, parsed=None, parse=None)
    filled_page = replace(unparsed, body=body, origin=Origin.RENDERED, encoding="utf-8", fetched_at=now)
    if lacks_body(replace(filled_page, origin=Origin.PAGE)) or extract.refusal(filled_page) is not None:
        raise RenderError("still-empty")
    return filled_page
