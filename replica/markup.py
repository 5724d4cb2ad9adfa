"""The HTML of an article: the content part of its page, and the fragment that mirrors and archives carry."""

# ruff: noqa: PLR2004 - the odds of a generator are literals beside what they decide

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from random import Random
from urllib.parse import quote, unquote, urlsplit

from replica import scripted
from replica.articles import PARIS
from replica.editions import HOST, SITE, Edition
from replica.language import Writer, writer
from replica.links import author_path, tag_path
from replica.metadata import printed_title
from replica.story import Block, Picture, Recording, RelatedLink, Story

BLANK = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
Escape = Callable[[str], str]


@dataclass(kw_only=True)
class Edits:
    """What was done to a page without touching its article."""

    whitespace: int = 0
    """How often the white space between the elements was changed."""
    ticker: int = 0
    """What the visible counter shows; 0: no counter."""
    script: bool = False
    """Whether the page leaves what follows its head to a script."""


def plain(text: str) -> str:
    """Text escaped for HTML."""
    return escape(text, quote=False)


def raw(text: str) -> str:
    """Text as mirrors print it: angle brackets used as quotes are left unescaped."""
    return plain(text).replace("&lt;", "<").replace("&gt;", ">")


def article(story: Story, edition: Edition, edits: Edits) -> str:
    """HTML of the whole content part of the page."""
    ticker = f'<span class="a-counter">{edits.ticker} \u25cf {edits.ticker % 24:02d}:{edits.ticker % 60:02d}</span>\n'
    return "".join(
        (
            '<article class="t-content t-content--article" itemscope>\n',
            _topic(story, edition),
            f'<h1 class="t-content__title a-page-title">{plain(printed_title(story))}</h1>\n',
            f'<p class="t-content__chapo">\n    {plain(story.lead)}    </p>\n' if story.lead else "",
            _dates(story, edition),
            _authors(story, edition),
            ticker if edits.ticker else "",
            _main_media(story),
            share(story, edition) if story.short_code else "",
            scripted.shell(story.path) if edits.script else content(story, edition, edits),
            "</article>\n",
        )
    )


def content(story: Story, edition: Edition, edits: Edits) -> str:
    """What follows the head of an article: body, tags and related block."""
    return body(story, edition, plain, edits.whitespace) + _tags(story, edition) + related(story, edition)


def _topic(story: Story, edition: Edition) -> str:
    label = plain(story.label or "RFI")
    return f'<div class="t-content__tag"><a class="a-tag" href="{edition.root}">{label}</a></div>\n'


def displayed(at: datetime) -> str:
    """A time as pages print it: the wall clock in Paris."""
    return at.astimezone(PARIS).strftime("%d/%m/%Y - %H:%M")


def _dates(story: Story, edition: Edition) -> str:
    def time(word: str, at: datetime) -> str:
        iso = at.astimezone(PARIS).isoformat()
        return f'<span class="m-pub-dates__date">{word} <time datetime="{iso}">{displayed(at)}</time></span>'

    later = time(edition.modified, story.modified_at) if story.modified_at != story.published_at else ""
    return f'<div class="m-pub-dates">{time(edition.published, story.published_at)}{later}</div>\n'


def _authors(story: Story, edition: Edition) -> str:
    names = "".join(
        f'<div class="m-from-author"><a href="{quote(author_path(edition, name))}">'
        f'<span class="m-from-author__name">{plain(name)}</span></a></div>'
        for name in story.authors
    )
    return f"{names}\n"


def _main_media(story: Story) -> str:
    inside = "".join(_large(picture) for picture in story.pictures if picture.place == "main")
    inside += "".join(player(recording) for recording in story.recordings if recording.place == "main")
    if story.kind == "video":
        inside += '<div class="m-video-player" data-source="https://www.youtube.com/embed/AbCdEfGhIjK"></div>'
    return f'<div class="t-content__main-media">{inside}</div>\n' if inside else ""


def _large(picture: Picture) -> str:
    sizes = ", ".join(f"{picture.sized(width)} {width}w" for width in (310, 640, 1280))
    image = (
        f'<img class="m-figure__img" src="{picture.sized(310)}" srcset="{sizes}" alt="{escape(picture.caption or "")}">'
    )
    return _figure("16x9", image, picture)


def _figure(ratio: str, image: str, picture: Picture) -> str:
    inside = f'<div class="m-figure__img-wrapper">{image}</div>{_caption(picture)}'
    return f'<figure class="m-figure m-figure--{ratio}">{inside}</figure>'


def _caption(picture: Picture) -> str:
    legend = f'<span class="m-figure__caption__legend">{plain(picture.caption)}</span>' if picture.caption else ""
    credit = f'<span class="m-figure__caption__credits">{plain(picture.credit)}</span>' if picture.credit else ""
    return f'<figcaption class="m-figure__caption">{legend} {credit}</figcaption>' if legend or credit else ""


def _lazy(picture: Picture) -> str:
    """A figure of the body: the picture comes by script, or by `noscript`."""
    dataset = {"url": picture.directory, "filename": picture.name, "ratio": None, "displayFormat": "original"}
    data = escape(json.dumps(dataset).replace("/", "\\/"))
    alt = escape(picture.caption or "")
    images = (
        f'<img src="{BLANK}" alt="{alt}" class="m-figure__img" data-lazyloaded="image-formats" '
        f'data-image-dataset="{data}"/>'
        f'<noscript><img src="{picture.url}" alt="{alt}" class="m-figure__img"/></noscript>'
    )
    figure = _figure("original", images, picture)
    return f'<div class="m-em-image">{figure}</div>' if picture.place == "embed" else figure


def player(recording: Recording) -> str:
    """The audio player: its sound stands in JSON beside a button."""
    data = {
        "mediaId": recording.identity,
        "sources": [{"name": recording.identity, "url": recording.url}],
        "broadcastType": "replay",
    }
    inside = json.dumps(data).replace("/", "\\/")
    return (
        f'<div class="m-em-audio m-em-audio--in-article"><script data-media-id="{recording.identity}" '
        f'type="application/json">{inside}</script><div class="m-em-audio__show-infos">'
        f'<p class="m-em-audio__show-title">{recording.identity}</p><button>Play</button></div></div>\n'
    )


def share(story: Story, edition: Edition) -> str:
    """The share block: short links of every channel, and one that encodes the article's URL twice."""
    short = f"https://rfi.my/{story.short_code}"
    url, title = quote(quote(story.url), safe=""), quote(story.title, safe="")
    channels = (
        f"https://www.facebook.com/sharer.php?u={quote(short + '.F', safe='')}",
        f"https://x.com/intent/tweet?url={quote(short + '.X', safe='')}&amp;via={edition.account}&amp;text={title}",
        f"https://api.whatsapp.com/send?text={title}%20-%20{quote(short + '.W', safe='')}",
        f"https://t.me/share/url?url={url}",
    )
    links = "".join(f'<a href="{c}" target="_blank" rel="noopener nofollow"><span></span></a>' for c in channels)
    return (
        f'<div class="m-share"><span>{edition.share}</span>{links}'
        f'<input type="text" class="m-share__copy" readonly value="{short}.t"></div>\n'
    )


def body(story: Story, edition: Edition, escaped: Escape, whitespace: int = 0) -> str:
    """The body and everything that stands in it without being text."""
    parts = [_block(block, story, n, escaped) for n, block in enumerate(story.blocks)]
    if story.credits and parts:
        parts[-1] = _credited(parts[-1], story)
    random = Random(f"noise/{story.identity}")
    for noise in _noises(story, edition, random):
        parts.insert(random.randint(1, max(1, len(parts))), noise)
    figures = [_lazy(picture) for picture in story.pictures if picture.place != "main"]
    places = sorted(random.randint(1, max(1, len(parts))) for _ in figures)
    for place, figure in reversed(list(zip(places, figures, strict=True))):
        parts.insert(place, figure)
    if story.agency:
        parts.append(f'<p class="t-copyright">© {story.published_at.year} {story.agency}</p>')
    promo = "".join(
        f'<div class="o-self-promo o-self-promo--{name} o-self-promo--hidden" data-selfpromo-{name}>'
        f'<p class="o-self-promo__text">{plain(writer(edition.code, name).line((6, 9)))}</p></div>'
        for name in ("newsletter", "app")
    )
    gap = "\n" + " " * 4 * (whitespace + 1)
    return f'<div class="t-content__body u-clearfix">{gap}{gap.join(parts)}{gap}{promo}\n</div>\n'


def _block(block: Block, story: Story, number: int, escaped: Escape) -> str:
    if block.kind == "table":
        rows = "".join("<tr>" + "".join(f"<td>{escaped(cell)}</td>" for cell in row) + "</tr>" for row in block.rows)
        return f"<table><tbody>{rows}</tbody></table>"
    if block.kind == "ul":
        return "<ul>" + "".join(f"<li>{escaped(row[0])}</li>" for row in block.rows) + "</ul>"
    if block.kind == "p":
        return _paragraph(block.rows[0][0], story, number, escaped)
    inside = escaped(block.rows[0][0])
    return (
        f"<blockquote><p>{inside}</p></blockquote>"
        if block.kind == "blockquote"
        else f"<{block.kind}>{inside}</{block.kind}>"
    )


def _paragraph(text: str, story: Story, number: int, escaped: Escape) -> str:
    """A paragraph as editors leave it: an indent, inline elements, no-break spaces."""
    random = Random(f"paragraph/{story.identity}/{number}/{len(text)}")
    turn = random.random()
    html = _with_inline(text, random, escaped) if turn < 0.25 else escaped(text)
    if story.edition == "fr":
        html = html.replace("« ", "«&nbsp;").replace(" »", "&nbsp;»").replace(" %", "&nbsp;%")
    indent = random.choice(("", "", "    ", "\u3000\u3000")) if story.edition in ("cn", "tw") else ""
    return f"<p>{indent}{html}</p>" + ("<p></p>" if turn > 0.93 else "")


def _with_inline(text: str, random: Random, escaped: Escape) -> str:
    """The text with a stretch of it in an inline element."""
    if len(text) < 20 or "<" in text:
        return escaped(text)
    first, last = len(text) // 3, len(text) * 2 // 3
    if " " in text[:first] and " " in text[last:]:
        first, last = text.rindex(" ", 0, first) + 1, text.index(" ", last)
    tags = (
        "<strong>|</strong>",
        "<em>|</em>",
        f'<a href="https://www.france24.com/{random.randrange(999)}">|</a>',
        "<i>|</i>",
    )
    opening, closing = random.choice(tags).split("|")
    return f"{escaped(text[:first])}{opening}{escaped(text[first:last])}{closing}{escaped(text[last:])}"


def _credited(html: str, story: Story) -> str:
    """The last element with the credits at its end, in a paragraph of their own where it is no paragraph."""
    printed = f"（{story.credits}）{story.look.credit_number}"
    if html.endswith("</p>") and not html.endswith(("<p></p>", "</blockquote>")):
        return f"{html.removesuffix('</p>')}{printed}</p>"
    return f"{html}<p>{printed}</p>"


def _noises(story: Story, edition: Edition, random: Random) -> list[str]:
    """Elements of the body that are never text."""
    words = Writer(writer(edition.code).language, random)
    found = [player(recording) for recording in story.recordings if recording.place == "body"]
    found += [_embed(kind, words) for kind in story.look.embeds if kind != "audio"]
    if story.look.interstitial:
        found.append(_interstitial(edition))
    if story.look.pasted_script:
        found.append("<style>.pasted{color:red}</style><script>var pasted='<p>not text</p>';</script>")
        found.append("<noscript><p>Please enable JavaScript</p></noscript>")
    return found


def _embed(kind: str, words: Writer) -> str:
    """An embed with words of its own, none of which is text of the article."""
    line = plain(words.line((5, 9)))
    if kind == "flash":
        return (
            f'<div id="em-{words.random.randrange(10**6)}" class="m-em-flash">'
            f'<blockquote class="twitter-tweet"><p>{line}</p></blockquote>'
            '<iframe src="https://www.youtube.com/embed/x"></iframe></div>'
        )
    if kind == "video":
        return (
            f'<div class="m-em-video"><div class="m-em-video__title a-em-title">{line}</div><div v-cloak>'
            '<youtube-player type="em" source="https://www.youtube.com/embed/x"></youtube-player></div></div>'
        )
    if kind == "textbox":
        return f'<div class="m-em-textbox"><h2>{line}</h2><p>{plain(words.paragraph((1, 2)))}</p></div>'
    if kind == "slideshow":
        slides = "".join(f'<li><img src="{BLANK}" alt=""><p>{plain(words.line((4, 8)))}</p></li>' for _ in range(3))
        return f'<div class="m-em-slideshow m-em-diaporama"><ul>{slides}</ul></div>'
    return f'<div class="m-em-quote"><p>{line}</p><span>{plain(words.person())}</span></div>'


def _interstitial(edition: Edition) -> str:
    return (
        '<div class="m-interstitial"><div data-readmore-target class="m-interstitial__ad"><div class="m-block-ad " '
        'data-tms-ad-type="box" data-tms-ad-status="idle" data-tms-ad-pos="1"><div class="m-block-ad__label">'
        f'<span class="m-block-ad__label__text">{edition.advertisement}</span>'
        '<button title="x" data-tms-ad-report></button></div><div class="m-block-ad__content"></div></div></div>'
        "<button data-readmore-unlocker "
        f'class="m-interstitial__unlock-btn"><span class="m-interstitial__unlock-btn__text">{edition.read_on}</span>'
        "</button></div>"
    )


def _tags(story: Story, edition: Edition) -> str:
    items = "".join(
        '<li class="m-tags-list__item"><a class="m-tags-list__link" '
        f'href="{quote(tag_path(edition, tag))}">{plain(tag)}</a></li>'
        for tag in story.tags
    )
    return f'<ul class="m-tags-list">{items}</ul>\n' if items else ""


def related(story: Story, edition: Edition) -> str:
    """The related block; empty when the story has none."""
    if not story.related:
        return ""
    random = Random(f"related/{story.identity}")
    items = "".join(_related_item(link, random) for link in story.related)
    return (
        '<div><aside class="o-aside-content" data-org-type="aside-content--related" data-org-name="related">'
        '<div class="o-aside-content__row"><div class="o-aside-content__title a-aside-title" '
        'role="heading" aria-level="2">'
        f'<span class="a-aside-title__content">{edition.related}</span></div></div>{items}</aside></div>\n'
    )


def _related_item(link: RelatedLink, random: Random) -> str:
    label = f'<div class="a-tag"><span class="a-tag__wrapper">{plain(link.label)}</span></div>' if link.label else ""
    return (
        '<div class="o-layout-list__item"><div class="m-item-list-article" data-article-list>'
        '<div class="article__infos">'
        f'{label}<a href="{escape(printed_href(link.url, random))}" data-article-item-link><h2 class="article__title">'
        f"{plain(link.title)}</h2></a></div></div></div>"
    )


def printed_href(url: str, random: Random) -> str:
    """One of the forms in which the site prints the same URL."""
    path = urlsplit(url).path
    forms = (
        path,
        unquote(path),
        url,
        f"http://{HOST}/{path}",
        unquote(url),
        path + ("" if path.endswith("/") else "/"),
    )
    return random.choices(forms, weights=(5, 3, 2, 1, 1, 1))[0] if url.startswith(SITE) else url
