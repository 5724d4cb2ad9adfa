"""RSS of editions and sections, sitemaps, robots.txt, and the full-text feed of a mirror."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from random import Random
from urllib.parse import quote, unquote

from replica.editions import HOST, SITE, Edition
from replica.links import Listing
from replica.markup import body, displayed, plain, raw, related, share
from replica.metadata import PLACEHOLDER, printed_title
from replica.story import Story

FOOTER = (
    '<br><hr><div>获取更多RSS：<br><a href="https://feeds.example" style="color:orange" target="_blank">'
    "https://feeds.example</a> <br></div>"
)
"""What the archiver adds below every entry."""
_NAMESPACES = (
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom"'
)
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


def rss(listing: Listing, edition: Edition) -> str:
    """The site's own feed: summaries only."""
    return _channel(listing.title, SITE + edition.root, (_item(story) for story in listing.stories))


def _channel(title: str, link: str, items: Iterable[str]) -> str:
    return (
        f'{_XML}<rss version="2.0" {_NAMESPACES}><channel><title>{plain(title)}</title><link>{link}</link>'
        f"<description>{plain(title)}</description>\n{''.join(items)}</channel></rss>\n"
    )


def _item(story: Story) -> str:
    enclosure = "".join(
        f'<enclosure url="{r.url}" length="0" type="audio/mpeg"/>' for r in story.recordings if r.place == "main"
    )
    image = f'<media:content url="{story.pictures[0].url}" medium="image" type="image/jpeg"/>' if story.pictures else ""
    creators = "".join(f"<dc:creator>{plain(name)}</dc:creator>" for name in story.authors)
    categories = "".join(f"<category>{plain(tag)}</category>" for tag in story.tags)
    return (
        f"<item><title>{plain(printed_title(story))}</title><link>{escape(story.url)}</link>"
        f'<guid isPermaLink="true">{escape(story.url)}</guid><description>{plain(story.summary)}</description>'
        f"<pubDate>{format_datetime(story.published_at)}</pubDate>{creators}{categories}{enclosure}{image}</item>\n"
    )


def mirror(stories: Iterable[Story], edition: Edition) -> str:
    """A full-text feed that somebody else makes of the site's pages."""
    return _channel(edition.site, SITE + edition.root, (_mirrored(story, edition) for story in stories))


def _mirrored(story: Story, edition: Edition) -> str:
    content = entry_html(story, edition)
    field = "content:encoded" if len(story.text) % 2 else "description"
    return (
        f"<item><title><![CDATA[{mirrored_title(story, edition)}]]></title><link>{escape(mirrored_url(story))}</link>"
        f"<{field}><![CDATA[{content}]]></{field}><pubDate>{format_datetime(seen_at(story))}</pubDate></item>\n"
    )


def seen_at(story: Story) -> datetime:
    """When the mirror found the story: some minutes after it came out."""
    return story.published_at + timedelta(minutes=Random(f"seen/{story.identity}").randint(2, 90))


def mirrored_title(story: Story, edition: Edition) -> str:
    """The title as mirrors print it, with the site's suffix on some; angle brackets are not escaped."""
    return raw(printed_title(story)) + (edition.suffix if len(story.text) % 3 == 0 else "")


def mirrored_url(story: Story) -> str:
    """One of the forms in which mirrors print an article's URL."""
    path = quote(story.path)
    forms = (story.url, f"http://{HOST}/{path}", f"http://{HOST}/{unquote(path)}", f"http://{HOST}{path}")
    return Random(f"mirror/{story.identity}").choice(forms)


def entry_html(story: Story, edition: Edition) -> str:
    """The fragment that a mirror makes of an article page: time, picture, lead, body, share and related blocks."""
    random = Random(f"entry/{story.identity}")
    main = [p for p in story.pictures if p.place == "main"]
    image = main[0].url if main else PLACEHOLDER
    below = share(story, edition) if story.short_code else ""
    below += related(story, edition)
    if random.random() < 0.5:  # noqa: PLR2004 - the mirror's old way, and the damage of its new one
        below = below.replace("<aside class=", "<asidedata-org-name=").replace(
            '<div class="m-item-list-article" ', "<div"
        )
    return (
        f'<div>{displayed(story.published_at)}</div><img src="{image}">'
        + (f"<p><strong>    {raw(story.lead)}    </strong></p>" if story.lead else "")
        + body(story, edition, raw)
        + below
        + FOOTER
    )


def news_sitemap(stories: Iterable[Story], edition: Edition) -> str:
    """The stories of the last days, with what a news search wants to know of them."""
    return _urls(_news(story, edition) for story in stories)


def _news(story: Story, edition: Edition) -> str:
    image = f"<image:image><image:loc>{story.pictures[0].url}</image:loc></image:image>" if story.pictures else ""
    return (
        f"<url><loc>{escape(story.url)}</loc><lastmod>{story.modified_at.isoformat()}</lastmod><news:news><news:publication>"
        f"<news:name>{plain(edition.site)}</news:name><news:language>{story.language}</news:language></news:publication>"
        f"<news:publication_date>{story.published_at.isoformat()}</news:publication_date><news:title>"
        f"{plain(printed_title(story))}</news:title><news:keywords>{plain(', '.join(story.tags))}</news:keywords>"
        f"</news:news>{image}</url>\n"
    )


def content_sitemap(stories: Iterable[Story]) -> str:
    """The articles of a month."""
    return _urls(
        f"<url><loc>{escape(s.url)}</loc><lastmod>{s.modified_at.isoformat()}</lastmod></url>\n" for s in stories
    )


def tag_sitemap(urls: Iterable[str]) -> str:
    """The lists of the tags."""
    return _urls(f"<url><loc>{escape(url)}</loc></url>\n" for url in urls)


def sitemap_index(edition: Edition, months: Sequence[str]) -> str:
    """Leads to the sitemaps of an edition; months as YYYYMM."""
    names = ["news", "tags", *(f"contents_{month}" for month in months)]
    parts = "".join(f"<sitemap><loc>{SITE}/sitemaps/{edition.code}/{name}.xml</loc></sitemap>\n" for name in names)
    return f'{_XML}<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{parts}</sitemapindex>\n'


def _urls(parts: Iterable[str]) -> str:
    return (
        f'{_XML}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" '
        f'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">\n{"".join(parts)}</urlset>\n'
    )


def robots(editions: Iterable[Edition], crawl_delay: float | None) -> str:
    """robots.txt; `crawl_delay` in seconds."""
    delay = f"Crawl-delay: {crawl_delay:g}\n" if crawl_delay is not None else ""
    maps = "".join(f"Sitemap: {SITE}/sitemaps/{edition.code}/index.xml\n" for edition in editions)
    return f"User-agent: *\nDisallow: /boutique/\n{delay}\n{maps}"


def epoch_ms(at: datetime) -> int:
    """Milliseconds since 1970 of an aware time."""
    return round((at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
