"""Pages that are no articles, and input that is no page: one outcome each, nothing raised."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rfispider import extract
from rfispider.items import Article, Entry, Kind, Origin, Outcome, Page, Rejection, Status
from tests.support.extract_pages import (
    CN_URL,
    PARAGRAPHS,
    URL,
    accepted,
    article_html,
    entry_page,
    linked,
    news,
    page,
    read,
    rejected,
)

ENTRY = Entry(
    url=URL,
    title="The tin boat sails - RFI",
    summary="Goats &amp; sea.",
    keywords=["goats"],
    image="https://x.test/a.jpg",
)
LIST_PAGE = (
    "<html><head><meta property='og:type' content='website'></head><body><main>"
    + "".join(f"<div data-article-list><a href='/en/africa/202403{n:02}-x'>Boat {n}</a></div>" for n in range(1, 30))
    + "</main></body></html>"
)


# ---- no article ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://www.rfi.fr/en/",
        "https://www.rfi.fr/en/africa/",
        "https://www.rfi.fr/en/about-us/",
        "https://x.test/20240305-y",
    ],
)
def test_list_and_utility_pages_are_no_articles(url: str) -> None:
    assert rejected(page(LIST_PAGE, url)).outcome is Outcome.NOT_ARTICLE


def test_a_list_at_the_address_of_an_article_is_no_article() -> None:
    assert rejected(page(LIST_PAGE)).outcome is Outcome.NOT_ARTICLE


def test_a_utility_page_in_the_markup_of_an_article_is_no_article() -> None:
    assert rejected(page(article_html(), "https://www.rfi.fr/en/how-to-listen/")).outcome is Outcome.NOT_ARTICLE


def test_a_page_at_the_address_of_a_section_is_an_article_if_it_says_so() -> None:
    article = read(article_html(head=linked(news(headline="T"))), "https://www.rfi.fr/en/tin-boat/")
    assert article.kind is Kind.ARTICLE


@pytest.mark.parametrize(
    "html",
    [
        "<html><head><title>Before you go on</title></head><body><h1>Consent</h1><p>We use cookies.</p></body></html>",
        "<html><head><title>Just a moment...</title></head><body></body></html>",
        "<html><body><h1>Access Denied</h1><p>Reference #18.0</p></body></html>",
        "<html><body><div id='didomi-host'></div><script>window.didomiConfig={};</script></body></html>",
        "<html><body><p>Please complete the CAPTCHA</p><form></form></body></html>",
    ],
)
def test_a_wall_is_blocked_even_with_status_200(html: str) -> None:
    assert rejected(page(html)).outcome is Outcome.BLOCKED
    assert extract.refusal(page(html)) is Outcome.BLOCKED


def test_an_article_that_speaks_of_consent_and_loads_its_dialog_is_no_wall() -> None:
    head = "<script>window.didomiConfig={};</script>"
    assert read(article_html(head=head, inside="<p>The captcha asked for consent to cookies.</p>")).text.startswith(
        "The captcha"
    )


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (401, Outcome.BLOCKED),
        (403, Outcome.BLOCKED),
        (429, Outcome.BLOCKED),
        (451, Outcome.BLOCKED),
        (503, Outcome.BLOCKED),
        (404, Outcome.GONE),
        (410, Outcome.GONE),
        (500, Outcome.FAILED),
        (400, Outcome.FAILED),
        (0, Outcome.FAILED),
    ],
)
def test_the_status_decides_before_the_content(status: int, outcome: Outcome) -> None:
    given_page = page(article_html(), status=status)
    assert rejected(given_page).outcome is outcome
    assert extract.refusal(given_page) is outcome


def test_the_error_of_a_fetch_is_the_reason() -> None:
    rejection = rejected(page("", status=0, error="connection refused"))
    assert (rejection.outcome, rejection.reason) == (Outcome.FAILED, "connection refused")


@pytest.mark.parametrize("content", [b"", b" \n\t ", b"\xef\xbb\xbf"])
def test_a_page_without_content_is_empty(content: bytes) -> None:
    assert rejected(page(content)).outcome is Outcome.EMPTY


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7 ...", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"ID3\x04", b"\x00\x01\x02\x03" * 100]
)
def test_binary_data_is_no_article(content: bytes) -> None:
    assert rejected(page(content)).outcome is Outcome.NOT_ARTICLE


def test_a_reason_is_one_line() -> None:
    for html in (b"", b"%PDF", LIST_PAGE, "<html></html>"):
        assert "\n" not in rejected(page(html)).reason
        assert rejected(page(html)).reason


# ---- stubs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "refused",
    [
        {"status": 403},
        {"status": 500},
        {"status": 0, "error": "timeout"},
        {},
        {"origin": Origin.FEED},
    ],
)
def test_of_a_refused_page_what_the_source_said_is_kept(refused: dict[str, object]) -> None:
    article = accepted(page("", entry=ENTRY, **refused))
    assert (article.title, article.lead, article.text, article.status) == (
        "The tin boat sails",
        "Goats & sea.",
        "",
        Status.STUB,
    )
    assert (article.tags, [image.url for image in article.images]) == (["goats"], ["https://x.test/a.jpg"])
    assert article.provenance["title"] == "feed"


def test_of_a_wall_what_the_source_said_is_kept_and_the_wall_is_known() -> None:
    given_page = page("<html><body>Access denied</body></html>", entry=ENTRY)
    assert accepted(given_page).status is Status.STUB
    assert extract.refusal(given_page) is Outcome.BLOCKED


@pytest.mark.parametrize("status", [404, 410])
def test_of_a_page_that_is_gone_no_stub_is_kept(status: int) -> None:
    assert rejected(page("", status=status, entry=ENTRY)).outcome is Outcome.GONE


def test_a_source_without_title_leaves_no_stub() -> None:
    assert rejected(page("", status=403, entry=Entry(url=URL, summary="x"))).outcome is Outcome.BLOCKED


def test_an_article_that_was_given_was_not_refused() -> None:
    assert extract.refusal(page(article_html())) is None
    assert extract.refusal(page("", origin=Origin.FEED, entry=ENTRY)) is None


# ---- character sets --------------------------------------------------------------------------------------

CHINESE = article_html(title="锡船出海", inside="<p>船在黎明时离开了港口。</p>").replace("<meta charset='utf-8'>", "")
FRENCH = article_html(title="L’été à la mer", inside="<p>Le bateau à voile, « bleu ».</p>").replace(
    "<meta charset='utf-8'>", ""
)


@pytest.mark.parametrize(
    ("content", "told", "title"),
    [
        (CHINESE.encode(), "utf-8", "锡船出海"),
        (CHINESE.encode(), None, "锡船出海"),
        (CHINESE.encode(), "iso-8859-1", "锡船出海"),
        (CHINESE.encode(), "no-such-charset", "锡船出海"),
        (CHINESE.encode("gb18030"), "gb2312", "锡船出海"),
        (CHINESE.encode("gb18030"), "GBK", "锡船出海"),
        (CHINESE.replace("<head>", "<head><meta charset=gbk>").encode("gbk"), None, "锡船出海"),
        (CHINESE.replace("<head>", "<head><meta charset=gbk>").encode("gbk"), "utf-8", "锡船出海"),
        (CHINESE.encode("utf-16"), None, "锡船出海"),
        (b"\xef\xbb\xbf" + CHINESE.encode(), None, "锡船出海"),
        (FRENCH.encode("cp1252"), "iso-8859-1", "L’été à la mer"),
        (FRENCH.encode("cp1252"), "windows-1252", "L’été à la mer"),
    ],
)
def test_the_character_set_is_found_whatever_is_told(content: bytes, told: str | None, title: str) -> None:
    assert read(content, encoding=told).title == title


def test_broken_bytes_spoil_only_themselves() -> None:
    content = CHINESE.encode().replace("黎明".encode(), "黎明".encode()[:-1])
    article = read(content, CN_URL)
    assert article.title == "锡船出海"
    assert article.text.startswith("船在黎")


# ---- monstrous input -------------------------------------------------------------------------------------

SECONDS = 5.0
HEAD = "<html><head><title>x</title></head><body><article class='t-content'><h1>T</h1><div class='t-content__body'>"


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        b"<div>" * 100_000,
        b"<p><b>" * 60_000,
        HEAD.encode() + b"<div>x" * 100_000,
        HEAD.encode() + b"<p>x" * 140_000,
        HEAD.encode() + b"<p>" + b"x " * 8_000_000,
        b"<p>a" * 4_000_000,
        b"<" * 16_000_000,
        b"&" * 16_000_000,
        b"<a " + b" ".join(b"x%d=1" % n for n in range(500_000)) + b">",
        (b"<a " + b"/".join(b"x%d" % n for n in range(9_000)) + b">") * 40,
        b"<a b='>' " + b" ".join(b"x%d" % n for n in range(500_000)) + b">",
        HEAD.encode() + b"<figure><img src=/a.jpg>" * 30_000,
        HEAD.encode() + b"<div data-article-list><a href=/en/africa/20240101-x data-article-item-link>q</a>" * 20_000,
        HEAD.encode() + b"<table><tr><td>x" * 30_000,
        b"<script type='application/ld+json'>" + b"[" * 500_000 + b"</script>",
        HEAD.encode() + "（译者：".encode() * 100_000,
        b"<title>" + b" -" * 500_000 + b"x</title>",
    ],
    ids=lambda content: f"{content[:12]!r}-{len(content)}",
)
@pytest.mark.parametrize("origin", [Origin.PAGE, Origin.ARCHIVE])
def test_no_input_takes_long(content: bytes, origin: Origin) -> None:
    begun = time.process_time()
    result = ask_everything(Page(url=URL, body=content, origin=origin, fetched_at=page("").fetched_at))
    assert time.process_time() - begun < SECONDS
    assert isinstance(result, Article | Rejection)


def test_a_text_too_long_for_the_store_is_refused() -> None:
    assert rejected(page(f"{HEAD}<p>{'x ' * 1_500_000}")).outcome is Outcome.FAILED


def test_text_above_the_depth_of_the_parser_is_kept() -> None:
    html = article_html(inside=f"<p>{PARAGRAPHS[0]}</p>{'<span>' * 100_000}")
    assert PARAGRAPHS[0] in read(html).text


def ask_everything(given_page: Page) -> Article | Rejection:
    result = extract.article(given_page)
    extract.related(given_page)
    extract.listed(given_page)
    extract.next_page(given_page)
    extract.refusal(given_page)
    return result


PIECES = st.sampled_from(
    [
        "<",
        ">",
        "</",
        "<!--",
        "-->",
        "&",
        "&#",
        "&#x110000;",
        "&amp;amp;lt;",
        '"',
        "'",
        "<div ",
        "<p>",
        "</p>",
        "<br>",
        "<br><br>",
        "<article class='t-content'>",
        "</article>",
        "<h1>",
        "</h1>",
        "<div class='t-content__body'>",
        "</div>",
        "<strong>",
        "<li>",
        "<table><tr><td>",
        "</td></tr>",
        "<td>",
        "<blockquote>",
        "<figure>",
        "<img src=",
        "<img src='//[' srcset=', ,x 1w'>",
        "<figcaption>",
        "<a href='http://['>",
        "<a href='/en/africa/20240101-x' data-article-item-link>",
        "<div data-article-list>",
        "</a>",
        "<aside data-org-type='related'>",
        "<script type='application/ld+json'>",
        "</script>",
        '{"@type":"NewsArticle",',
        '"headline":["',
        '"image":{"url":"//["}',
        "}",
        "[",
        "]",
        "<script data-media-id='x' type='application/json'>",
        '{"sources":[{"url":"http://[/a.mp3"}]}',
        "<time datetime='9999-12-31T23:59:59-23:59'>",
        "<div class='m-pub-dates'>",
        "31/02/2021 - 25:61",
        "01/01/0001 - 00:00",
        "（译者：甲",
        "）",
        "© 2024 AFP",
        "<p class='t-copyright'>",
        "\x00",
        "\ufffe",
        "\U0001f410",
        "<asidedata-org-name=''data-x>",
        "<x:y:z>",
        "<a:b c:d='e'>",
        "<svg:p>",
        "<1>",
        "<a-b>",
        "<?x",
        "<![CDATA[",
        "]]>",
        "<html xmlns='x'>",
        "<body>",
        "</body>",
        "<frameset>",
        "<meta property='og:title' content='x'>",
        "<meta property='article:published_time' content='T'>",
        "<noscript>",
        "<template>",
        "<hr><div>获取更多RSS",
        "rfi.my%2F",
        "%2F%2Frfi.my%2F",
    ]
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.text(max_size=12), max_size=40), st.sampled_from(list(Origin)))
def test_no_markup_raises(pieces: list[str], origin: Origin) -> None:
    content = "".join(pieces).encode("utf-8", "surrogatepass")
    entry = Entry(url=URL, title="T") if origin in (Origin.FEED, Origin.ARCHIVE) else None
    result = ask_everything(Page(url=URL, body=content, origin=origin, fetched_at=page("").fetched_at, entry=entry))
    assert isinstance(result, Article | Rejection)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=400), st.none() | st.sampled_from(["utf-8", "gbk", "utf-16", "utf-7", "idna", "zip", "", "\x00"])
)
def test_no_bytes_raise(content: bytes, told: str | None) -> None:
    for around in (content, b"<article class='t-content'><h1>" + content):
        assert isinstance(ask_everything(page(around, encoding=told)), Article | Rejection)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_no_address_of_a_page_raises(url: str) -> None:
    assert isinstance(ask_everything(page(article_html(), url)), Article | Rejection)


def test_an_entry_with_content_for_a_foreign_address_is_no_article() -> None:
    assert rejected(entry_page("<p>x</p>", "https://x.test/a")).outcome is Outcome.NOT_ARTICLE


@pytest.mark.parametrize("place", [0, 1, 500, 1_000, 5_000])
@pytest.mark.parametrize("stray", [b"\x00", b"\x00\x00", b"\x01", b"\x1f"])
def test_a_stray_control_character_makes_no_page_binary(place: int, stray: bytes) -> None:
    content = b" " * 2_000 + CHINESE.encode()
    article = read(content[:place] + stray + content[place:], CN_URL)
    assert (article.title, article.text) == (read(content, CN_URL).title, read(content, CN_URL).text)


@pytest.mark.parametrize("told", ["iso-8859-1", "windows-1251", "gbk", None])
def test_one_bad_byte_in_utf_8_makes_no_mojibake_whatever_the_header_says(told: str | None) -> None:
    content = CHINESE.encode().replace("黎明".encode(), b"\xff" + "黎明".encode())
    article = read(content, CN_URL, encoding=told)
    assert (article.title, "黎明" in article.text) == ("锡船出海", True)


def test_half_a_character_in_a_picture_or_a_title_loses_no_article() -> None:
    data = {"@type": "NewsArticle", "headline": "A\ud800 boat", "image": "https://s.rfi.fr/\ud800.jpg", "url": CN_URL}
    script = f'<script type="application/ld+json">{json.dumps(data)}</script>'
    article = read(CHINESE.replace("</head>", f"{script}</head>"), CN_URL)
    assert article.title.encode()
    assert [image.url.encode() for image in article.images]
