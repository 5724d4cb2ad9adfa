"""The furniture of a page: a heavy head, navigation, footer. The same for many pages of an edition."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from random import Random
from urllib.parse import quote

from replica.editions import EDITIONS, Edition
from replica.language import LANGUAGES, Writer

WEIGHTS = (95_000, 150_000, 230_000)
"""Bytes of style sheet and scripts in the head of each furniture; a page with its words comes to 100-350 KB."""
SISTERS = ("www.france24.com", "www.mc-doualiya.com", "francaisfacile.rfi.fr", "musique.rfi.fr", "www.infomigrants.net")
_BLOCKS = (
    "m-nav-list",
    "o-header",
    "o-footer",
    "a-tag",
    "m-figure",
    "t-content",
    "m-player",
    "o-layout",
    "m-pagination",
)
_PROPERTIES = ("margin", "padding", "flex", "width", "min-height", "line-height", "font-size", "border-radius", "top")


@dataclass(frozen=True, kw_only=True)
class Furniture:
    """HTML around what one page has of its own: start, own head, middle, own content, end."""

    start: str
    middle: str
    end: str


Link = tuple[str, str]
"""Decoded path and words of a link of the navigation."""


def furniture(edition: Edition, variant: int, tags: Sequence[Link], casts: Sequence[Link], aside: str) -> Furniture:
    """The furniture of an edition in one of its weights; `aside` is HTML that stands after every content."""
    random = Random(f"chrome/{edition.code}/{variant}")
    writer = Writer(LANGUAGES[edition.code], random)
    weight = WEIGHTS[variant]
    start = (
        f'<!DOCTYPE html>\n<html lang="{LANGUAGES[edition.code].tag}" dir="{edition.direction}">\n<head>\n'
        '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1.0">\n'
        f"<style>{_style_sheet(random, weight * 6 // 10)}</style>\n"
    )
    middle = (
        f"{_scripts(random, weight * 4 // 10)}</head>\n<body>\n{_consent(edition, writer)}"
        f'{_header(edition, writer, tags, casts)}<main class="o-main">\n'
    )
    end = f"{aside}</main>\n{_footer(edition, writer, casts)}</body>\n</html>\n"
    return Furniture(start=start, middle=middle, end=end)


def _style_sheet(random: Random, size: int) -> str:
    rules: list[str] = []
    length = 0
    while length < size:
        name = f"{random.choice(_BLOCKS)}__{random.choice(_BLOCKS)[2:]}-{random.randrange(90)}"
        inside = "".join(
            f"{random.choice(_PROPERTIES)}:{random.randint(0, 640)}px;" for _ in range(random.randint(2, 6))
        )
        rules.append(f".{name}{{{inside}}}\n")
        length += len(rules[-1])
    return "".join(rules)


def _scripts(random: Random, size: int) -> str:
    """Configuration as JSON and a bundle, with words in it that look like markup."""
    settings = {f"key{n}": [random.randrange(10**6) for _ in range(4)] for n in range(size // 100)}
    settings["template"] = ['<div class="t-content__body"><p>{{ text }}</p></div>']  # type: ignore[list-item]
    bundle = "".join(f"function f{n}(a,b){{return a<b?{random.randrange(999)}:b-a}};" for n in range(size // 90))
    config = json.dumps(settings).replace("</", "<\\/")
    return (
        f'<script type="application/json" id="app-config">{config}</script>\n'
        f"<script>window.didomiConfig={{app:{{apiKey:'{random.randrange(10**9)}'}}}};{bundle}</script>\n"
    )


def _consent(edition: Edition, writer: Writer) -> str:
    text = escape(writer.paragraph((2, 3)))
    return (
        f'<div id="didomi-host" hidden><div class="didomi-popup"><p>{text}</p>'
        f"<button>{writer.line((1, 2))}</button></div></div>\n"
        f'<noscript><iframe src="https://tag.example/{edition.code}" hidden></iframe></noscript>\n'
    )


def _header(edition: Edition, writer: Writer, tags: Sequence[Link], casts: Sequence[Link]) -> str:
    """Logo, live player and a navigation of nested lists, utility pages among the sections."""
    root = edition.root
    sections = [_entry(f"{root}{name}/", name, [writer.line((2, 4)) for _ in range(4)]) for name in edition.sections]
    hot = [_entry(path, words, []) for path, words in tags]
    programmes = [_entry(path, words, []) for path, words in casts]
    pages = [_entry(f"{root}{name}", name, []) for name in (*edition.utilities, edition.live) if name]
    more = [_entry(f"{root}{name}/", name, []) for name in (edition.ticker, edition.videos, edition.programmes) if name]
    shop = '<li class="m-nav-list__list__item"><a class="a-nav-link" href="/boutique/">Boutique</a></li>'
    languages = [_entry(other.root, other.code, []) for other in EDITIONS.values()]
    lists = "".join(
        '<div class="o-site-nav__block"><div class="m-nav-list"><ul class="m-nav-list__list">'
        f"{''.join(part)}</ul></div></div>\n"
        for part in (sections, hot, programmes, more, [*pages, shop], languages)
    )
    return (
        f'<header class="o-header" role="banner"><a class="a-home-link" href="{root}"><span class="a-brand-logo">'
        f'{escape(edition.site)}</span></a></header>\n<nav class="o-site-nav" role="navigation">\n{lists}</nav>\n'
    )


def _entry(path: str, name: str, below: Sequence[str]) -> str:
    inner = "".join(f'<li><span class="a-nav-label">{escape(label)}</span></li>' for label in below)
    nested = f'<ul class="m-nav-list__sub">{inner}</ul>' if below else ""
    link = f'<a class="a-nav-link" href="{quote(path)}">{escape(name.replace("-", " ").capitalize())}</a>'
    return f'<li class="m-nav-list__list__item">{link}{nested}</li>'


def _footer(edition: Edition, writer: Writer, casts: Sequence[Link]) -> str:
    sisters = "".join(f'<li><a href="https://{host}/" rel="noopener">{host}</a></li>' for host in SISTERS)
    programmes = "".join(_entry(path, words, []) for path, words in casts)
    small = "".join(f"<p>{escape(writer.paragraph((1, 2)))}</p>" for _ in range(3))
    return (
        f'<footer class="o-footer"><ul>{sisters}</ul><ul>{programmes}</ul>'
        f'<ul><li><a href="{edition.root}rss">RSS</a></li><li><a href="https://apps.example/rfi">App</a></li></ul>'
        f'<div class="o-footer__legal">{small}<p>© 2026 Copyright RFI</p></div></footer>\n'
    )
