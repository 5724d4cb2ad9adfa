"""JSON-LD: which node is about the article of a page, and how it is read however it is written."""

import json

import pytest

from rfispider.items import Article
from tests.support.extract_pages import PARAGRAPHS, URL, article_html, linked, news, read

OTHER = "https://www.rfi.fr/en/africa/20240301-the-lighthouse-walks"
OWN = {"headline": "Own", "author": {"name": "Ada Lamp"}}
FOREIGN = {
    "headline": "Foreign",
    "author": {"name": "Bo Mast"},
    "image": "/x.jpg",
    "datePublished": "2024-03-01T10:00:00Z",
}


def read_with(*nodes: object) -> Article:
    return read(article_html(head=linked(*nodes)))


# ---- which node ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claim",
    [
        {"url": URL},
        {"url": URL.replace("https://www.", "http://") + "?x=1"},
        {"@id": f"{URL}#article"},
        {"mainEntityOfPage": URL},
        {"mainEntityOfPage": {"@type": "WebPage", "@id": URL}},
        {"mainEntityOfPage": {"@type": "WebPage", "url": URL}},
    ],
)
@pytest.mark.parametrize("claim_of_other", [{"url": OTHER}, {}])
@pytest.mark.parametrize("is_first", [True, False])
def test_of_several_articles_the_one_about_the_page_counts(
    claim: dict[str, object], claim_of_other: dict[str, object], *, is_first: bool
) -> None:
    own, other = news(**OWN, **claim), news(**FOREIGN, keywords="lamps", **claim_of_other)
    article = read_with(own, other) if is_first else read_with([other, own])
    assert (article.title, article.authors, article.tags, article.images) == ("Own", ["Ada Lamp"], [], [])


def test_the_url_of_a_node_counts_before_the_page_that_it_says_it_stands_on() -> None:
    article = read_with(news(**FOREIGN, mainEntityOfPage=URL), news(**OWN, url=URL, mainEntityOfPage=URL))
    assert article.title == "Own"


def test_a_node_about_the_canonical_url_is_about_the_page() -> None:
    head = f'<link rel="canonical" href="{OTHER}">' + linked(news(**OWN, url=OTHER), news(**FOREIGN))
    assert read(article_html(head=head)).title == "Own"


@pytest.mark.parametrize(
    "claim",
    [{}, {"url": "https://www.rfi.fr/"}, {"mainEntityOfPage": "https://google.com/article"}, {"url": OTHER}],
)
def test_the_only_article_counts_whatever_it_says_of_its_url(claim: dict[str, object]) -> None:
    assert read_with({"@type": "WebSite", "name": "RFI"}, news(**OWN, **claim)).title == "Own"


def test_the_only_news_article_without_a_url_counts_before_other_types() -> None:
    article = read_with({"@type": "BlogPosting", **FOREIGN}, news(**OWN), news(**FOREIGN, url=OTHER))
    assert (article.title, article.authors) == ("Own", ["Ada Lamp"])


def test_articles_that_cannot_be_told_apart_say_nothing() -> None:
    article = read_with(news(**OWN), news(**FOREIGN))
    assert (article.title, article.authors) == ("The tin boat sails", [])


def test_a_node_printed_twice_is_one() -> None:
    assert read_with(news(**OWN), news(**OWN)).title == "Own"


def test_the_parts_of_a_node_in_several_scripts_are_put_together() -> None:
    article = read_with(
        {"@type": "NewsArticle", "@id": "#a", "headline": "Own"}, {"@type": "NewsArticle", "@id": "#a", "author": "Ada"}
    )
    assert (article.title, article.authors) == ("Own", ["Ada"])


def test_references_within_a_graph_are_looked_up() -> None:
    graph = [
        {"@type": "WebPage", "@id": URL, "url": URL},
        news(
            headline="Own",
            mainEntityOfPage={"@id": URL},
            author=[{"@id": "#ada"}, {"@type": "Person", "@id": "#bo"}],
            image={"@id": "#image"},
        ),
        {"@type": "Person", "@id": "#ada", "name": "Ada Lamp"},
        {"@type": "Person", "@id": "#bo", "name": "Bo Mast", "knows": {"@id": "#ada"}},
        {"@type": "ImageObject", "@id": "#image", "contentUrl": "https://s.rfi.fr/media/display/u/w:900/g.jpg"},
    ]
    article = read_with({"@context": "https://schema.org", "@graph": graph})
    assert article.authors == ["Ada Lamp", "Bo Mast"]
    assert [image.url for image in article.images] == ["https://s.rfi.fr/media/display/u/w:900/g.jpg"]


def test_nodes_that_refer_to_each_other_come_to_an_end() -> None:
    graph = [news(**{**OWN, "author": {"@id": "#a"}}), {"@id": "#a", "name": "Ada", "worksFor": {"@id": "#a"}}]
    assert read_with({"@graph": graph}).authors == ["Ada"]


# ---- how it is written -----------------------------------------------------------------------------------

WRITTEN = json.dumps(news(headline='Own // "and" /* whole */', url=URL))


@pytest.mark.parametrize(
    "script",
    [
        "\ufeff{}",
        "/* data */ {}",
        "// data\n{}",
        "{} // end",
        "<!--\n{}\n-->",
        "<!--//\n{}\n//-->",
        "<![CDATA[{}]]>",
        "//<![CDATA[\n{}\n//]]>",
        "/*<![CDATA[*/ {} /*]]>*/",
        "{};",
        '{} {{"@type": "BreadcrumbList"}}',
        '{{"@type": "BreadcrumbList"}},\n{}',
        '{{"@type": "WebSite",}};{}',
        "{} and the rest is broken {{",
    ],
)
def test_a_node_is_read_however_it_is_wrapped(script: str) -> None:
    head = f'<script type="application/ld+json">{script.format(WRITTEN)}</script>'
    assert read(article_html(head=head)).title == 'Own // "and" /* whole */'


@pytest.mark.parametrize(
    "junk", ["/*" * 400_000, '"' * 400_000, '"\\' * 400_000, "<!--" * 100_000, "{," * 300_000, "//" * 400_000]
)
def test_no_script_takes_long(junk: str) -> None:
    head = f'<script type="application/ld+json">{junk}</script>'
    assert read(article_html(head=head)).text == "\n\n".join(PARAGRAPHS)


@pytest.mark.parametrize(
    "field", ["headline", "description", "author", "keywords", "image", "audio", "datePublished", "url"]
)
def test_half_a_character_does_not_lose_the_article(field: str) -> None:
    value = (
        "https://s.rfi.fr/media/display/u/\ud800.mp3" if field in ("image", "audio", "url") else "Half \ud83d a goat"
    )
    article = read_with(news(**{field: value}))
    assert "goats aboard" in article.text
    repr(article).encode()


# ---- what is in it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("printed", "wanted"),
    [
        ("A <em>tin</em> boat", "A tin boat"),
        ("A &lt;b class='x'&gt;tin&lt;/b&gt; boat<br/>sails", "A tin boat sails"),
        ("A <I>tin</I> boat<!-- draft -->", "A tin boat"),
        ("<灯塔日报>灯塔走了", "<灯塔日报>灯塔走了"),
        ("Goats < boats > lamps", "Goats < boats > lamps"),
    ],
)
def test_tags_stay_out_of_headlines_and_names(printed: str, wanted: str) -> None:
    article = read_with(news(headline=printed, author={"name": printed}, keywords=[printed]))
    assert (article.title, article.authors, article.tags) == (wanted, [wanted], [wanted])


LONG = (
    "The tin boat sails at dawn with nine goats aboard while the lighthouse walks beside them and nobody in the whole "
    "harbour notices until noon"
)


@pytest.mark.parametrize("length", [110, 109, 105, 104])
def test_a_headline_cut_to_the_length_that_google_asks_for_is_completed(length: int) -> None:
    article = read(
        article_html(head=linked(news(headline=LONG[:length].rstrip())), title=LONG.replace("tin", "<em>tin</em>"))
    )
    assert article.title == LONG


def test_a_headline_is_completed_across_different_quotation_marks() -> None:
    whole = f"“Goats” won’t {LONG}"
    head = linked(news(headline=f'"Goats" won\'t {LONG}'[:110]))
    assert read(article_html(head=head, title=whole)).title == whole


@pytest.mark.parametrize("heading", ["Own - in pictures", "Another heading"])
def test_a_headline_that_is_whole_stays(heading: str) -> None:
    assert read(article_html(head=linked(news(headline="Own")), title=heading)).title == "Own"
