"""Pages that are no articles: lists with their items and pagination, archive pages, utility pages, dialogs."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from html import escape
from random import Random
from urllib.parse import quote

from replica.articles import PARIS
from replica.chrome import SISTERS
from replica.editions import SITE, Edition
from replica.language import writer
from replica.links import Listing
from replica.markup import BLANK, plain, printed_href
from replica.metadata import PLACEHOLDER, printed_title
from replica.story import Story, canonical

MONTHS = {
    "fr": (
        "janvier", "février", "mars", "avril", "mai", "juin",
        "juillet", "août", "septembre", "octobre", "novembre", "décembre",
    ),
}  # fmt: skip
"""Names of the months in the paths of archive days; other editions print the number."""


def head(title: str, path: str, edition: Edition) -> str:
    """HTML of the head of a page that is no article."""
    full = escape(title + edition.suffix)
    data = {"@context": "https://schema.org", "@type": "WebPage", "name": title, "url": canonical(path)}
    return (
        f'<title>{full}</title>\n<meta name="description" content="{full}">\n'
        '<meta property="og:type" content="website">\n'
        f'<meta property="og:title" content="{full}">\n<meta property="og:url" content="{canonical(path)}">\n'
        f'<meta property="og:image" content="{PLACEHOLDER}">\n<link rel="canonical" href="{canonical(path)}">\n'
        f'<script type="application/ld+json">{json.dumps(data, ensure_ascii=False)}</script>\n'
    )


def listing(shown: Listing, number: int, *, as_ticker: bool) -> str:
    """HTML of one page of a list."""
    stories = shown.page(number)
    random = Random(f"list/{shown.path}/{number}")
    inside = _ticker(stories) if as_ticker else items(stories, random)
    title = plain(shown.title.replace("-", " "))
    return (
        f'<section class="t-content__section-pb"><h1 class="a-page-title">{title}</h1>\n'
        f"{inside}{_pagination(shown, number)}</section>\n"
    )


def items(stories: Iterable[Story], random: Random) -> str:
    """List items, with links to sister hosts and sponsors among them."""
    parts = [
        _item(printed_href(story.url, random), printed_title(story), story.label, _picture(story)) for story in stories
    ]
    host = random.choice(SISTERS)
    parts.insert(
        random.randint(0, len(parts)), _item(f"https://{host}/fr/20260101-sister", "Sister", "Sponsor", PLACEHOLDER)
    )
    return f'<div class="o-layout-list">{"".join(parts)}</div>\n'


def _picture(story: Story) -> str:
    return story.pictures[0].url if story.pictures else PLACEHOLDER


def _item(href: str, title: str, label: str | None, picture: str) -> str:
    directory, _, name = picture.rpartition("/")
    data = escape(json.dumps({"url": f"{directory}/", "filename": name, "ratio": "p:16x9"}))
    tag = f'<div class="a-tag"><span class="a-tag__wrapper">{plain(label.upper())}</span></div>' if label else ""
    return (
        '<div class="o-layout-list__item l-m-100"><div class="m-item-list-article " data-article-list >'
        f'<a href="{escape(href)}" data-article-item-link>'
        '<div class="article__figure-wrapper"><figure class="m-figure">'
        f'<img src="{BLANK}" class="m-figure__img" alt="" data-lazyloaded="image-formats" data-image-dataset="{data}"/>'
        f'<noscript><img src="{picture}" alt="" class="m-figure__img"/></noscript></figure></div>'
        f'<div class="article__infos">{tag}<p class="article__title ">{plain(title)}</p></div></a></div></div>\n'
    )


def _ticker(stories: Iterable[Story]) -> str:
    rows = "".join(
        '<li class="o-layout-list__item"><div class="m-item-news-feed"><div class="news__metadata">'
        f'<div class="news__metadata__time"><time datetime="{story.published_at.astimezone(PARIS).isoformat()}">'
        f"{story.published_at.astimezone(PARIS):%H:%M}</time></div></div>"
        f'<div class="news__content"><a href="{quote(story.path)}" title="{escape(story.title)}">'
        f'<p class="news__content__title">{plain(story.title)} </p></a></div></div></li>'
        for story in stories
    )
    return f'<ol class="o-layout-list o-layout-list--news-feed">{rows}</ol>\n'


def _pagination(shown: Listing, number: int) -> str:
    if shown.pages() == 1:
        return ""
    links = "".join(
        f'<li><a class="m-pagination__link" href="{quote(shown.path_of(n))}">{n}</a></li>'
        for n in range(1, shown.pages() + 1)
        if n != number
    )
    return f'<div class="m-pagination"><ul>{links}</ul></div>\n'


def recommended(stories: Sequence[Story], edition: Edition) -> str:
    """The aside below every content: what is read most. It is no related block."""
    chosen = [story for story in stories if story.reached_by in ("feed", "list")][:10]
    return (
        '<aside class="o-aside-content o-aside-content--most-read"><div class="o-aside-content__title a-aside-title">'
        f'<span class="a-aside-title__content">{edition.site} +</span></div>'
        f"{items(chosen, Random(f'aside/{edition.code}'))}</aside>\n"
    )


def programmes(names: Iterable[tuple[str, str]]) -> str:
    """A block of links to the programmes, as (decoded path, words)."""
    links = "".join(f'<li><a href="{quote(path)}">{plain(words)}</a></li>' for path, words in names)
    return f'<section class="o-programmes"><ul>{links}</ul></section>\n'


def utility(edition: Edition, name: str) -> str:
    """A page of the site about itself. It has a title and paragraphs like an article, and is none."""
    words = writer(edition.code, "utility", name)
    paragraphs = "".join(f"<p>{plain(words.paragraph())}</p>" for _ in range(4))
    return (
        f'<article class="t-content t-content--page"><h1 class="t-content__title">{plain(name.replace("-", " "))}</h1>'
        f'<div class="t-content__body u-clearfix">{paragraphs}</div></article>\n'
    )


def day_path(edition: Edition, day: date) -> str:
    """Path of the archive page of a day."""
    names = MONTHS.get(edition.code)
    month = names[day.month - 1] if names else f"{day.month:02d}"
    return f"{edition.root}{edition.archive}/{day:%Y/%m}/{day:%d}-{month}-{day:%Y}"


def archive_year(edition: Edition, year: int, days: Iterable[date]) -> str:
    """Links to the days of a year on which something came out."""
    links = "".join(f'<li><a href="{quote(day_path(edition, day))}">{day:%d/%m/%Y}</a></li>' for day in days)
    return _archived(str(year), f'<ul class="o-archive-year">{links}</ul>')


def archive_day(day: date, stories: Iterable[Story]) -> str:
    """Links to the articles of a day."""
    links = "".join(
        f'<li class="o-archive-day__list__entry"><a href="{quote(s.path)}">{plain(s.title)}</a></li>' for s in stories
    )
    return _archived(f"{day:%d/%m/%Y}", f'<ul class="o-archive-day">{links}</ul>')


def _archived(title: str, inside: str) -> str:
    return f'<section class="o-archive"><h1 class="a-page-title">{title}</h1>{inside}</section>\n'


def blocked() -> bytes:
    """A page that answers 200 and holds nothing but a wall."""
    return (
        b"<!DOCTYPE html><html><head><title>www.rfi.fr</title></head><body><h1>Access to this page has been denied</h1>"
        b"<p>Please enable JavaScript and cookies to continue. Press and hold to confirm you are a human.</p>"
        b'<div id="challenge-form"></div></body></html>'
    )


def not_found() -> bytes:
    """The body of a 404 or 410."""
    body = f"<h1>404</h1><a href='{SITE}'>RFI</a>"
    return f"<!DOCTYPE html><html><head><title>404</title></head><body>{body}</body></html>".encode()
