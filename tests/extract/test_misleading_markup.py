"""Markup in scripts, comments and templates is none; an article read from a cut page is that of the whole page."""

from random import Random

import pytest

from rfispider import extract
from rfispider.extract import parsed_page
from rfispider.extract.page_start import is_closed_menu, thinned
from rfispider.items import Article, Kind
from rfispider.site import urls
from tests.support import misleading_pages
from tests.support.extract_pages import PARAGRAPHS, URL, article_html, body, linked, news, page, read

FILLER = " ".join(f"The draft crew counted goat number {number} before dawn." for number in range(20))
DRAFT = (
    f'<article class="t-content t-content--article"><h1 class="t-content__title">Draft</h1>'
    f'<div class="t-content__body"><p>DRAFT {FILLER}</p></div></article>'
)
TEXT = "\n\n".join(PARAGRAPHS)
SEEDS = range(40)
PAGES = 25
"""Misleading pages of each seed."""

DISGUISES = [
    "<!-- {} -->",
    "<!--{}--!>",
    "<script>var draft = '{}';</script>",
    "<script><!--\n{}\n//--></script>",
    "<script>x = '<!--<script>' + '{}' + '</script>'</script>",
    "<SCRIPT>{}</SCRIPT>",
    "<style>{}</style>",
    "<textarea>{}</textarea>",
    "<iframe>{}</iframe>",
    "<div data-draft='{}'></div>",
    "<template>{}</template>",
    "<noscript>{}</noscript>",
    "<div hidden>{}</div>",
    '<div hidden="until-found"><section>{}</section></div>',
    "<div aria-hidden='true'>{}</div>",
    "<div style='color: red; display: none'>{}</div>",
    "<nav><template>{}</template></nav>",
    "<dialog>{}</dialog>",
]


def whole_article(html: str) -> object:
    """The article of a page that is parsed whole before it is read."""
    wholly_parsed = page(html)
    parsed_page.whole(wholly_parsed)
    return extract.article(wholly_parsed)


# ---- markup that is none ---------------------------------------------------------------------------------


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("place", ["<main>", "</main>"])
def test_a_draft_that_is_not_shown_is_not_the_text(disguise: str, place: str) -> None:
    hidden = disguise.format(DRAFT.replace("'", "&#39;"))
    article = read(article_html().replace(place, hidden + place if place == "</main>" else place + hidden))
    assert (article.title, article.text) == ("The tin boat sails", TEXT)


@pytest.mark.parametrize("disguise", DISGUISES[:11])
def test_a_draft_inside_the_article_is_not_the_text(disguise: str) -> None:
    article = read(article_html(header=disguise.format(DRAFT.replace("'", "&#39;"))))
    assert (article.title, article.text) == ("The tin boat sails", TEXT)


@pytest.mark.parametrize("disguise", [*DISGUISES[:11], "<template>{}</template>"])
@pytest.mark.parametrize("place", ["</head>", "<main>", "</main>"])
def test_data_that_is_not_markup_says_nothing(disguise: str, place: str) -> None:
    data = '<script type="application/ld+json">{"@type": "NewsArticle", "headline": "Draft", "author": "Nobody"}'
    hidden = disguise.format(data if "script>" in disguise.lower() else data + "</script>")
    article = read(article_html().replace(place, hidden + place))
    assert (article.title, article.authors) == ("The tin boat sails", [])


@pytest.mark.parametrize(
    "head",
    [
        "<script>document.write('<style>.x{}<\\/style>')</script><style>p{}</style>",
        "<script>x = '<style>'</script><script>y = '</style>'</script>",
        "<!-- <style> --><meta name='a' content='</style>'>",
        "<title><style></title><style>p{}</style>",
        "<style>p::before{content: '</head><body>'}</style>",
        "<meta name='x' content='<style>'><style>p{}</style>",
    ],
)
def test_style_sheets_in_strings_do_not_hide_the_article(head: str) -> None:
    assert read(article_html(head=head)).text == TEXT


def test_an_article_whose_end_tag_stands_in_a_script_goes_on() -> None:
    inside = f"<p>{PARAGRAPHS[0]}</p><script>x = '</div></article>'</script><p>{PARAGRAPHS[1]}</p>"
    assert read(article_html(inside=inside)).text == "\n\n".join(PARAGRAPHS[:2])


# ---- what counts where nothing is hidden -----------------------------------------------------------------


def test_an_article_hidden_from_screen_readers_alone_is_better_than_none() -> None:
    html = article_html().replace("<main>", '<main aria-hidden="true">')
    assert read(html).text == TEXT


def test_a_page_that_shows_nothing_but_a_template_has_no_article() -> None:
    html = f"<html><body><template>{DRAFT}</template><p>Nothing here.</p></body></html>"
    assert not isinstance(extract.article(page(html)), Article)


def test_a_body_that_is_hidden_is_left_out() -> None:
    hidden = body(f"<p>{FILLER}</p>").replace("<div ", "<div hidden ", 1)
    assert read(article_html(header=hidden)).text == TEXT


@pytest.mark.parametrize("copy", [body(), body(f"<p>{PARAGRAPHS[0]}</p><p>{PARAGRAPHS[1]}</p>")])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_body_that_stands_twice_is_read_once(copy: str, *, is_first: bool) -> None:
    article = read(article_html(header=copy) if is_first else article_html(after=copy))
    assert article.text == TEXT


def test_two_bodies_of_one_article_are_both_read() -> None:
    more = "And in the evening the goats came home, one after the other, without a word."
    assert read(article_html(after=body(f"<p>{more}</p>"))).text == f"{TEXT}\n\n{more}"


@pytest.mark.parametrize(
    ("figure", "line"),
    [
        ("<table><tr><td>Goats</td><td>9</td></tr></table>", "Goats | 9"),
        ("<blockquote><p>We float.</p></blockquote>", "We float."),
    ],
)
@pytest.mark.parametrize("start", ["<figure>", '<figure class="m-figure">'])
def test_tables_and_quotations_in_figures_are_text(figure: str, line: str, start: str) -> None:
    inside = f"<p>{PARAGRAPHS[0]}</p>{start}{figure}<figcaption>Caption</figcaption></figure><p>{PARAGRAPHS[1]}</p>"
    assert read(article_html(inside=inside)).text == f"{PARAGRAPHS[0]}\n\n{line}\n\n{PARAGRAPHS[1]}"


def test_a_heading_of_the_site_is_not_the_title() -> None:
    html = article_html().replace("<main>", "<h1>Radio</h1><main>")
    assert read(html).title == "The tin boat sails"


# ---- the cut ---------------------------------------------------------------------------------------------

ASIDE = (
    '<aside{}><h2>On the same subject</h2><a href="/en/africa/20240301-other" data-article-item-link>Other</a></aside>'
)


@pytest.mark.parametrize(
    "below",
    [
        linked(news(headline="From the data", url=URL)),
        '<meta property="og:title" content="From meta">',
        '<META name="author" content="Ada Lamp">',
        '<link rel="canonical" href="/en/africa/20240301-other">',
        '<base href="https://www.rfi.fr/en/africa/">',
        "<title>The title</title>",
        ASIDE.format(""),
        ASIDE.format(' data-org-type="aside-content--related"'),
        ASIDE.format("").replace("same ", "<b>same</b>&nbsp;"),
        DRAFT,
        "<h1 class='t-content__title'>Another</h1>",
        "</div></article>",
    ],
)
def test_what_stands_below_the_article_counts_as_on_the_whole_page(below: str) -> None:
    for html in (article_html(), article_html().replace("</h1>", "</h1></div>")):
        with_more = html.replace("</main>", f"{below}</main>")
        cut, wholly = page(with_more), page(with_more)
        parsed_page.whole(wholly)
        assert extract.article(cut) == extract.article(wholly)
        assert extract.related(cut) == extract.related(wholly)


def test_what_concerns_no_article_is_not_parsed() -> None:
    items = ASIDE.format("").replace("On the same subject", "Most read") * 50
    cut = page(article_html(after=ASIDE.format(' data-org-type="related"')).replace("</main>", f"</main>{items}"))
    extract.article(cut)
    assert (cut.parsed.partial, len(cut.parsed.all("aside"))) == (True, 1)


@pytest.mark.parametrize(
    ("start", "kept"),
    [
        ("<style>p{}</style><p>", "<style></style><p>"),
        ("<script>x='<nav>'</script><p>", "<script></script><p>"),
        ('<script type="application/ld+json">{}</script>', '<script type="application/ld+json">{}</script>'),
        ("<nav><a>Menu</a></nav><p>", "<p>"),
        ("<nav></div></nav>", "<nav></div></nav>"),
        ("<nav><meta name='a'></nav>", "<nav><meta name='a'></nav>"),
        ("<nav><div class='t-content__body'></div></nav>", "<nav><div class='t-content__body'></div></nav>"),
        ("<!-- <style>p{}</style> -->", "<!-- <style>p{}</style> -->"),
        ("<p title='<style>p{}</style>'>", "<p title='<style>p{}</style>'>"),
        ('<p title="a>b" <nav></nav>', '<p title="a>b" <nav></nav>'),
        ("<script/><style>p{}</style>", "<script/><style>p{}</style>"),
        ("<plaintext><style>p{}</style>", "<plaintext><style>p{}</style>"),
        ("<style>p{}</styles></style>", "<style></style>"),
    ],
)
def test_only_what_is_surely_superfluous_is_left_out_above_the_article(start: str, kept: str) -> None:
    assert thinned(start.encode(), len(start)) == kept.encode()


@pytest.mark.parametrize(
    "menu", ["<nav></p></nav>", "<nav><table></nav>", "<nav></body></nav>", "<nav>", "<nav><!--</nav>"]
)
def test_a_menu_that_may_close_what_is_around_it_is_kept(menu: str) -> None:
    assert not is_closed_menu(menu.encode())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cut_page_reads_as_the_whole_page(seed: int) -> None:
    assert urls.kind(misleading_pages.URL) is Kind.ARTICLE
    for number in range(PAGES):
        html = misleading_pages.page(Random(f"{seed}/{number}"))
        cut, wholly = page(html, misleading_pages.URL), page(html, misleading_pages.URL)
        parsed_page.whole(wholly)
        for question in (extract.article, extract.related, extract.topics, extract.refusal):
            assert question(cut) == question(wholly), (question, html)
