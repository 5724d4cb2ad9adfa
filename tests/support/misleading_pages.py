"""Pages that mislead whoever looks for markup in their bytes: markup in scripts, comments, attributes and templates."""

import json
from random import Random

WORDS = [
    "harbour",
    "crew",
    "boat",
    "lamp",
    "goat",
    "quay",
    "dawn",
    "rope",
    "sail",
    "tide",
    "gull",
    "net",
    "anchor",
    "deck",
    "mast",
]
SITE = "https://www.rfi.fr"
URL = f"{SITE}/en/africa/20240305-the-tin-boat-sails"
ARTICLE_TAGS = (
    '<article class="t-content t-content--article">', "<article class='t-content'>", "<article>",
    '<div class="t-content t-content--article"><article>', '<ARTICLE class="t-content t-content--article">',
    '<main class="t-content--article">', '<article class="t-content__article-wrapper">',
    '<article data-x="</article>" class="t-content t-content--article">', '<section class="t-content--article">',
)  # fmt: skip
BODY_TAGS = (
    '<div class="t-content__body u-clearfix">',
    "<div class='t-content__body'>",
    "<div>",
    "<section class=t-content__body>",
)
UNBALANCED = (
    "<div>", "</div>", "<p>", "</p>", "</section>", "<section>", "</main>", "<ul><li>", "</ul>",
    "<table><tr><td>", "</table>",
    "</article>", "<article>", "<b>", "</b>", "<a href='/en/'>", "</a>", "</body>", "</html>", "<select>",
    "<form>", "</form>",
    "<header>", "</header>", "<nav>", "</nav>", "<aside>", "</aside>", "<h1>", "</h1>", "<svg>", "</svg>",
    "<noscript>",
    "</noscript>", "<template>", "</template>", "<head>", "</head>", "<body hidden>", "<div hidden>",
    "<div aria-hidden=true>",
    "<div style='display: none'>", "<br>", "<!", "<!--", "-->", "--!>", "<!-->", "]]>", "<![CDATA[", "<?x",
    "<script>", "</script>",
    "<style>", "</style>", "<textarea>", "</textarea>", "<title>", "</title>", "<iframe>", "</iframe>",
    "<xmp>", "</xmp>", "<plaintext>",
    '"', "'", '<a title="', "<a title='", ">", "<", "</", "<script/>", "<style/>", "&lt;article&gt;",
    "<script type=text/plain><!--<script>",
)  # fmt: skip


def text(random: Random, words: int = 30) -> str:
    """Words of no meaning."""
    return " ".join(random.choice(WORDS) for _ in range(random.randrange(1, words))) + "."


def item(random: Random) -> str:
    """A link to another article, as lists have it."""
    href = random.choice(
        ("/en/africa/2024030{}-other", "en/2024030{}-near", "https://www.rfi.fr/en/france/2024030{}-far")
    )
    title = text(random, 5)
    link = f'<a href="{href.format(random.randrange(9))}" data-article-item-link><h2>{title}</h2></a>'
    return f"<div data-article-list>{link}</div>"


def aside(random: Random) -> str:
    """A block of links that is or is not a related one."""
    attribute = random.choice(
        (
            ' data-org-type="aside-content--related"',
            ' data-org-type="aside-content--other"',
            "",
            " DATA-ORG-TYPE=related",
        )
    )
    heading = random.choice(("On the same subject", "On  the&nbsp;<b>same</b> subject", "Most read", "read ALSO"))
    return f"<aside{attribute}><div><span>{heading}</span></div>{item(random)}{item(random)}</aside>"


def linked_data(random: Random) -> str:
    """JSON-LD of the article or of another one."""
    node = {"@type": random.choice(("NewsArticle", "Article", "WebSite")), "headline": text(random, 6)}
    if random.random() < 0.5:
        node["url"] = random.choice((URL, f"{SITE}/en/africa/20240301-other"))
    node |= random.choice(
        ({"author": "A. Lamp"}, {"datePublished": "2024-03-05T10:00:00+01:00"}, {"keywords": "goats"}, {})
    )
    kind = random.choice(("application/ld+json", "application/LD+JSON", "application/ld&#43;json", "application/json"))
    return f'<script type="{kind}">{json.dumps(node)}</script>'


def metadata(random: Random) -> str:
    """An element that says something of the page wherever it stands."""
    return random.choice(
        (
            f'<meta property="og:title" content="{text(random, 6)}">',
            f'<META name="author" content="{text(random, 3)}">',
            f'<meta property="article:published_time" content="2024-03-0{random.randrange(1, 9)}T10:00:00Z">',
            '<meta property="og:image" content="/a.jpg">', f'<link rel="canonical" href="{SITE}/en/africa/20240301-x">',
            '<link rel="stylesheet" href="/x.css">', '<base href="/en/">', f'<base href="{SITE}/en/africa/">',
            '<base href="https://x.test/">', f"<title>{text(random, 5)}</title>", f"<h1>{text(random, 5)}</h1>",
            f'<h1 class="t-content__title">{text(random, 5)}</h1>', f"<svg><title>{text(random, 3)}</title></svg>",
        )
    )  # fmt: skip


def article(random: Random, inside: str = "") -> str:
    """An article with its own text; `inside` stands somewhere in it."""
    tag, body = random.choice((*ARTICLE_TAGS, *ARTICLE_TAGS[:1] * 8)), random.choice((*BODY_TAGS, *BODY_TAGS[:1] * 4))
    title = random.choice(
        ("<h1 class='t-content__title'>{}</h1>", "<h1>{}</h1>", "<h1 class='t-content__title'>{}</h1>", "")
    ).format(text(random, 6))
    paragraphs = "".join(f"<p>{text(random)}</p>" for _ in range(random.randrange(1, 5)))
    image = random.choice(("", '<figure><img src="b.jpg"><figcaption>Boat</figcaption></figure>'))
    name = body[1:].split()[0].rstrip(">")
    content = f"{body}{paragraphs}{image}</{name}>" * random.choice((1, 1, 1, 2))
    end = "".join(
        f"</{open_tag.split()[0].rstrip('>')}>"
        for open_tag in reversed(tag.split("<")[1:])
        if not open_tag.startswith("/")
    )
    end = "</article>" if "data-x" in tag else end
    return random.choice(
        (
            f"{tag}{title}{inside}{content}{end}",
            f"{tag}{title}{content}{inside}{end}",
            f"{tag}{inside}{title}{content}{end}",
        )
    )


def wrapped(random: Random, markup: str) -> str:
    """Markup where it is none, or where it is not shown."""
    quoted = markup.replace('"', "&quot;")
    wrappers = (
        f"<!-- {markup} -->", f"<!-- {markup} --!>", f"<!--{markup}", f"<![CDATA[ {markup} ]]>", f"<? {markup} ?>",
        f"<script>var x = {json.dumps(markup)};</script>", f"<script>document.write('{markup}')</script>",
        f"<SCRIPT>{markup}</SCRIPT>",
        f"<script><!--\n{markup}\n//--></script>",
        f"<script>'<!--<script>' + {json.dumps(markup)} + '</script>'</script>",
        f"<style>/* {markup} */</style>", f"<textarea>{markup}</textarea>", f"<title>{markup}</title>",
        f"<iframe>{markup}</iframe>",
        f"<noscript>{markup}</noscript>", f"<template>{markup}</template>", f"<xmp>{markup}</xmp>",
        f'<div data-x="{quoted}">x</div>',
        f"<div data-x='{markup}'>x</div>", f"<div hidden>{markup}</div>", f"<div aria-hidden='true'>{markup}</div>",
        f"<div style='color: red; display:none'>{markup}</div>", f"<svg>{markup}</svg>",
        f"<nav>{markup}</nav>", f"<nav><div>{markup}</nav>",
        f"<header>{markup}</header>", f'<a title="{markup}">x</a>',
        f"<table><tr><td>{markup}</td></tr></table>", markup,
    )  # fmt: skip
    return random.choice(wrappers)


def piece(random: Random) -> str:
    """Something that stands around an article."""
    makers = (aside, linked_data, metadata, article, text, lambda random: random.choice(UNBALANCED))
    made = random.choice(makers)(random)
    return wrapped(random, made) if random.random() < 0.5 else made


def page(random: Random) -> bytes:
    """A page with an article somewhere among what misleads."""
    head, above, inside, below = (
        "".join(piece(random) for _ in range(random.choice((0, 0, 1, 1, 2)))) for _ in range(4)
    )
    html = (
        f"<!DOCTYPE html><html><head><meta charset='utf-8'>{head}</head><body><header><nav><a href='/en/'>RFI</a></nav>"
        f"</header><main>{above}{article(random, inside)}{below}</main><footer><a href='/en/'>RFI</a></footer>"
        "</body></html>"
    )
    for _ in range(random.choice((0, 0, 0, 0, 1, 3))):
        at = random.randrange(len(html))
        html = html[:at] + random.choice(UNBALANCED) + html[at:]
    return html.encode()
