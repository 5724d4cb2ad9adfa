"""Links of pages: related articles, items of lists, the next page."""

from datetime import UTC, datetime

import pytest

from rfispider import extract
from rfispider.items import Article, Entry, Origin, Page
from rfispider.site import urls
from tests.support.extract_pages import FETCHED, URL, article_html, body, page

SECTION = "https://www.rfi.fr/en/africa/"
OTHER = "https://www.rfi.fr/en/africa/20240301-the-lighthouse-walks"
THIRD = "https://www.rfi.fr/en/france/20240302-lamps-for-all"


def item(href: str, title: str = "The lighthouse walks", label: str = "Lamps") -> str:
    tag = f'<div class="a-tag"><span class="a-tag__wrapper">{label}</span></div>' if label else ""
    return (
        f'<div class="m-item-list-article" data-article-list>{tag}<a href="{href}" data-article-item-link>'
        f'<h2 class="article__title">{title}</h2></a></div>'
    )


def aside(items: str, attribute: str = 'data-org-type="aside-content--related"', heading: str = "x") -> str:
    return f'<aside class="o-aside-content" {attribute}><div role="heading"><span>{heading}</span></div>{items}</aside>'


# ---- related articles ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "href",
    [
        OTHER,
        "/en/africa/20240301-the-lighthouse-walks",
        "//www.rfi.fr/en/africa/20240301-the-lighthouse-walks",
        "http://www.rfi.fr//en/africa/20240301-the-lighthouse-walks/",
        "https://rfi.fr/en/africa/20240301-the-lighthouse-walks?utm_source=x#y",
    ],
)
def test_related_links_are_canonical_however_they_are_printed(href: str) -> None:
    [related] = extract.related(page(article_html(after=aside(item(href)))))
    assert (related.url, related.key) == (OTHER, urls.key(OTHER))


def test_a_related_link_has_its_title_label_and_position() -> None:
    items = item(OTHER, "The  lighthouse\n walks", "Lamps") + item(THIRD, "Lamps &amp; co", "")
    first, second = extract.related(page(article_html(after=aside(items))))
    assert (first.title, first.label, first.position) == ("The lighthouse walks", "Lamps", 0)
    assert (second.title, second.label, second.position) == ("Lamps & co", None, 1)


@pytest.mark.parametrize(
    "after",
    [
        aside(item(OTHER)),
        aside(item(OTHER), attribute="", heading="On the same subject"),
        f"<div>{item(OTHER)}</div>",
    ],
)
def test_the_related_block_is_known_by_attribute_heading_or_items(after: str) -> None:
    assert [related.url for related in extract.related(page(article_html(after=after)))] == [OTHER]


@pytest.mark.parametrize("attribute", ['data-org-type="aside-content--related"', ""])
def test_the_related_block_may_stand_outside_the_article(attribute: str) -> None:
    html = article_html().replace("</main>", aside(item(OTHER), attribute, "On the same subject") + "</main>")
    assert [related.url for related in extract.related(page(html))] == [OTHER]


def test_other_lists_of_the_page_are_not_related() -> None:
    html = article_html(after=aside(item(OTHER))).replace("</main>", aside(item(THIRD), "", "Most read") + "</main>")
    assert [related.url for related in extract.related(page(html))] == [OTHER]


def test_a_related_block_may_hold_a_programme() -> None:
    programme = "https://www.rfi.fr/en/podcasts/goat-hour/"
    assert [r.url for r in extract.related(page(article_html(after=aside(item(programme)))))] == [programme]


@pytest.mark.parametrize(
    "href",
    [URL, "https://www.france24.com/en/africa/20240301-x", "https://x.test/", "#", "", "javascript:x()", "/en/africa/"],
)
def test_links_to_itself_to_other_sites_and_to_lists_are_not_related(href: str) -> None:
    assert extract.related(page(article_html(after=aside(item(href))))) == []


def test_a_link_printed_twice_is_one_related_article() -> None:
    picture = f'<div data-article-list><a href="{OTHER}"><img src="/a.jpg"></a></div>'
    [related] = extract.related(page(article_html(after=aside(picture + item(OTHER) + item(OTHER)))))
    assert (related.title, related.position) == ("The lighthouse walks", 0)


def test_an_article_carries_its_related_links() -> None:
    given = page(article_html(after=aside(item(OTHER) + item(THIRD))))
    article = extract.article(given)
    assert getattr(article, "related", None) == extract.related(given)
    assert len(extract.related(given)) == 2


def test_a_page_without_related_block_has_none() -> None:
    assert extract.related(page(article_html())) == []


# ---- lists -----------------------------------------------------------------------------------------------


def section(inside: str, head: str = "") -> str:
    return (
        f"<html><head>{head}</head><body><header><a href='{THIRD}'>In the header</a></header>"
        f"<nav><a href='{THIRD}'>In the navigation</a></nav><main><h1>Africa</h1>{inside}</main>"
        f"<footer><a href='{THIRD}'>In the footer</a></footer></body></html>"
    )


def test_a_list_item_tells_url_title_label_and_picture() -> None:
    inside = (
        '<div class="m-item-list-article" data-article-list><a href="/en/africa/20240301-the-lighthouse-walks" '
        'data-article-item-link><figure><img src="data:x" '
        'data-image-dataset=\'{"url":"https://s.rfi.fr/media/display/u/","filename":"l.jpg"}\'>'
        '<noscript><img src="https://s.rfi.fr/media/display/u/w:310/l.jpg" alt="NOISE"></noscript></figure>'
        '<div class="article__infos"><div class="a-tag"><span class="a-tag__wrapper">Lamps</span></div>'
        '<p class="article__title ">The lighthouse &quot;walks&quot;</p></div></a></div>'
    )
    wanted = Entry(
        url=OTHER, title='The lighthouse "walks"', label="Lamps", image="https://s.rfi.fr/media/display/u/l.jpg"
    )
    assert extract.listed(page(section(inside), SECTION)) == [wanted]


def test_an_item_of_the_ticker_tells_its_time() -> None:
    time = '<time datetime="2024-03-05T10:30:00+01:00">10:30</time>'
    inside = f'<div class="m-item-news-feed">{time}<a href="{OTHER}">It walks</a></div>'
    [entry] = extract.listed(page(section(inside), "https://www.rfi.fr/en/live-news/"))
    assert (entry.title, entry.published_at) == ("It walks", datetime(2024, 3, 5, 9, 30, tzinfo=UTC))


def test_a_time_that_cannot_be_is_not_told() -> None:
    time = '<time datetime="2034-03-05T10:30:00Z"></time>'
    inside = f'<div class="m-item-news-feed">{time}<a href="{OTHER}">It walks</a></div>'
    assert extract.listed(page(section(inside), SECTION))[0].published_at is None


def test_links_under_the_main_item_keep_their_own_titles() -> None:
    more = f'<a class="m-list-main-related__article" href="{THIRD}"><svg></svg> Lamps for all</a>'
    inside = item(OTHER).removesuffix("</div>") + f'<div class="m-list-main-related">{more}</div></div>'
    entries = extract.listed(page(section(inside), SECTION))
    assert [(entry.url, entry.title) for entry in entries] == [
        (OTHER, "The lighthouse walks"),
        (THIRD, "Lamps for all"),
    ]


def test_header_navigation_and_footer_are_not_listed() -> None:
    assert [entry.url for entry in extract.listed(page(section(item(OTHER)), SECTION))] == [OTHER]


def test_links_to_other_sites_and_to_utility_pages_are_not_listed() -> None:
    hrefs = (
        "https://www.france24.com/en/20240301-x",
        "https://sponsor.test/",
        "/en/about-us/",
        "/en/africa/",
        "mailto:x@y.test",
    )
    assert extract.listed(page(section("".join(item(href) for href in hrefs)), SECTION)) == []


def test_an_item_listed_twice_is_one_entry_with_what_both_tell() -> None:
    inside = f'<p><a href="{OTHER}"><img src="/a.jpg"></a></p>' + item(OTHER)
    [entry] = extract.listed(page(section(inside), SECTION))
    assert (entry.title, entry.label) == ("The lighthouse walks", "Lamps")


def test_the_title_of_a_link_is_without_its_picture_and_time() -> None:
    inside = f"<a href='{OTHER}'>It <figure>NOISE<img src='/a.jpg'></figure>walks <time>10:30</time>on</a>"
    assert [entry.title for entry in extract.listed(page(section(inside), SECTION))] == ["It walks on"]


def test_what_cannot_be_parsed_has_no_links() -> None:
    for content in (b"", b"%PDF-1.7"):
        given = page(content, SECTION)
        assert (extract.listed(given), extract.related(given), extract.next_page(given)) == ([], [], None)


def test_a_bare_list_of_links_is_a_list() -> None:
    inside = f"<ul><li><a href='{OTHER}'>It walks</a></li><li><a href='{THIRD}'><span>Lamps</span></a></li></ul>"
    entries = extract.listed(page(section(inside), "https://www.rfi.fr/en/archives/2024/"))
    assert [entry.title for entry in entries] == ["It walks", "Lamps"]


def test_an_archive_page_leads_to_its_days() -> None:
    day = "https://www.rfi.fr/fr/archives/2024/03/05-mars-2024"
    [entry] = extract.listed(page(section(f"<a href='{day}'>5 mars</a>"), "https://www.rfi.fr/fr/archives/2024/"))
    assert urls.key(entry.url) == urls.key(day)


def test_a_page_of_articles_in_a_list_is_listed_whole_after_it_was_read_as_article() -> None:
    given = page(article_html().replace("</main>", f"{item(OTHER)}</main>"))
    extract.article(given)
    assert [entry.url for entry in extract.listed(given)] == [OTHER]


# ---- the next page ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "inside", "wanted"),
    [
        (SECTION, '<a href="/en/africa/2/">2</a>', f"{SECTION}2/"),
        (SECTION, '<a href="2/">more</a>', f"{SECTION}2/"),
        (f"{SECTION}2/", '<a href="/en/africa/">1</a><a href="/en/africa/3/">3</a>', f"{SECTION}3/"),
        (SECTION, '<a rel="next" href="/en/africa/2/">></a>', f"{SECTION}2/"),
        (SECTION, "", None),
        (f"{SECTION}3/", '<a href="/en/africa/2/">2</a>', None),
        (SECTION, '<a href="/en/france/2/">2</a>', None),
        (URL, '<a href="/en/africa/2/">2</a>', None),
    ],
)
def test_the_next_page_is_the_one_the_page_links_to(url: str, inside: str, wanted: str | None) -> None:
    assert extract.next_page(page(section(inside), url)) == wanted


def test_the_head_may_tell_the_next_page() -> None:
    head = '<link rel="next" href="/en/africa/2/">'
    assert extract.next_page(page(section("", head), SECTION)) == f"{SECTION}2/"


def test_a_next_page_that_is_the_page_itself_is_none() -> None:
    assert extract.next_page(page(section(f'<a rel="next" href="{SECTION}">></a>'), SECTION)) is None


def test_one_page_is_parsed_once_for_all_questions() -> None:
    given = page(section(item(OTHER)), SECTION)
    extract.listed(given)
    first = given.parsed
    extract.next_page(given)
    extract.article(given)
    extract.related(given)
    assert given.parsed is first
    assert given.fetched_at is FETCHED


def test_an_articles_page_is_cut_before_it_is_parsed() -> None:
    given = page(article_html(inside=body()))
    extract.article(given)
    assert "Footer" not in "".join(given.parsed.root.itertext())


def test_links_to_the_mirror_that_a_page_came_from_are_links_to_the_site() -> None:
    body = b'<main><a href="http://127.0.0.1:8099/fr/afrique/20240102-un-titre">Un titre</a></main>'
    fetched = Page(
        url="https://www.rfi.fr/fr/afrique/",
        body=body,
        origin=Origin.PAGE,
        fetched_at=datetime(2024, 1, 3, tzinfo=UTC),
        mirror="http://127.0.0.1:8099",
    )
    assert [entry.url for entry in extract.listed(fetched)] == ["https://www.rfi.fr/fr/afrique/20240102-un-titre"]


# ---- the base element ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "wanted"),
    [
        ('<base href="https://www.rfi.fr/">', "https://www.rfi.fr/en/africa/20240301-x"),
        ('<base href="https://www.rfi.fr/fr/"><base href="/">', "https://www.rfi.fr/fr/en/africa/20240301-x"),
        ('<base target="_top"><base href="/">', "https://www.rfi.fr/en/africa/20240301-x"),
        ('<base href="https://x.test/">', "https://www.rfi.fr/en/africa/en/africa/20240301-x"),
        ('<base href="javascript:x">', "https://www.rfi.fr/en/africa/en/africa/20240301-x"),
        ('<!-- <base href="/"> -->', "https://www.rfi.fr/en/africa/en/africa/20240301-x"),
        ('<template><base href="/"></template>', "https://www.rfi.fr/en/africa/en/africa/20240301-x"),
        ("", "https://www.rfi.fr/en/africa/en/africa/20240301-x"),
    ],
)
def test_addresses_are_resolved_against_the_base_element_of_the_site(base: str, wanted: str) -> None:
    link = '<a href="en/africa/20240301-x"><img src="picture.jpg">The lighthouse walks</a>'
    related = link.replace("<a ", "<a data-article-item-link ")
    [entry] = extract.listed(page(section(link, base), SECTION))
    fetched = page(article_html(head=base, after=f"<figure><img src='picture.jpg'></figure>{related}"))
    article = extract.article(fetched)
    assert isinstance(article, Article)
    assert (entry.url, [each.url for each in article.related]) == (wanted, [wanted])
    assert (
        article.images[0].url == wanted.replace("en/africa/20240301-x", "picture.jpg", 1)
        or wanted.count("en/africa") > 1
    )


def test_the_base_element_of_a_page_from_a_mirror_is_of_the_site() -> None:
    mirror = "http://127.0.0.1:8099"
    for base in (f"{mirror}/", "https://www.rfi.fr/", "/"):
        html = section('<a href="en/africa/20240301-x">The lighthouse walks</a>', f'<base href="{base}">')
        [entry] = extract.listed(page(html, SECTION, mirror=mirror))
        assert entry.url == "https://www.rfi.fr/en/africa/20240301-x"
