"""What is text of an article and what is not, and the order in which it comes."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfispider.extract import body_text as reading
from rfispider.extract.text_blocks import Block, Shape
from rfispider.items import Article, Status
from tests.support.extract_pages import (
    CN_URL,
    PARAGRAPHS,
    URL,
    accepted,
    article_html,
    body,
    entry_page,
    page,
    paragraphs,
    read,
)

NOISE = [
    '<div class="o-self-promo o-self-promo--nl o-self-promo--hidden" data-selfpromo-newsletter><p>NOISE</p></div>',
    '<div class="m-interstitial"><button class="m-interstitial__unlock-btn"><span>NOISE</span></button></div>',
    '<div class="m-block-ad " data-tms-ad-type="box"><span class="m-block-ad__label__text">NOISE</span></div>',
    '<div data-tms-ad-type="box"><div><span>NOISE</span></div></div>',
    "<div data-readmore-target><p>NOISE</p></div>",
    '<div id="em-1" class="m-em-flash"><blockquote class="twitter-tweet"><p>NOISE</p></blockquote></div>',
    '<div class="m-em-video"><div class="m-em-video__title a-em-title">NOISE</div></div>',
    '<div class="m-em-textbox"><h2>NOISE</h2><p>NOISE</p></div>',
    '<div class="m-em-diaporama"><ul><li>NOISE</li></ul></div>',
    '<div class="m-em-quote"><p>NOISE</p></div>',
    '<div><script data-media-id="X" type="application/json">{"a": "NOISE"}</script><div><p>NOISE</p></div></div>',
    '<figure class="m-figure"><img src="/a.jpg" alt="NOISE"><figcaption>NOISE</figcaption></figure>',
    "<script>document.write('<p>NOISE</p>')</script>",
    '<script src="//adware.test/NOISE.js"></script><style>.NOISE{color:red}</style>',
    "<noscript><p>NOISE</p></noscript>",
    "<iframe src='https://x.test/'>NOISE</iframe>",
    "<button>NOISE</button>",
    '<youtube-player source="x">NOISE</youtube-player>',
    '<p style="color:red; display: none">NOISE</p>',
    "<div hidden><p>NOISE</p></div>",
    "<form><p>NOISE</p><input value='NOISE'></form>",
    "<svg><title>NOISE</title></svg>",
    "<template><p>NOISE</p></template>",
    "<!-- NOISE --><?php NOISE ?>",
    '<aside class="o-aside-content"><h2>NOISE</h2></aside>',
    '<div class="m-item-list-article" data-article-list><a href="/en/africa/20240101-x"><h2>NOISE</h2></a></div>',
    '<p class="t-copyright">© 2024 NOISE</p>',
]


@pytest.mark.parametrize("noise", NOISE)
def test_what_stands_between_the_paragraphs_and_is_no_text_is_left_out(noise: str) -> None:
    article = read(article_html(inside=f"<p>{PARAGRAPHS[0]}</p>{noise}<p>{PARAGRAPHS[1]}</p>"))
    assert article.text == f"{PARAGRAPHS[0]}\n\n{PARAGRAPHS[1]}"


@pytest.mark.parametrize("noise", NOISE)
def test_text_that_follows_noise_in_a_paragraph_is_kept(noise: str) -> None:
    article = read(article_html(inside=f"<div>{PARAGRAPHS[0]} {noise}{PARAGRAPHS[1]}</div>"))
    assert " ".join(article.text.split()) == f"{PARAGRAPHS[0]} {PARAGRAPHS[1]}"


@pytest.mark.parametrize(
    ("inside", "lines"),
    [
        ("<p>One.</p><h2>Head</h2><p>Two.</p>", ["One.", "Head", "Two."]),
        ("<p>One.</p><h2>Head at the end</h2>", ["One.", "Head at the end"]),
        ("<p>One.</p><ul><li>a</li><li>b <b>c</b></li></ul><p>Two.</p>", ["One.", "a", "b c", "Two."]),
        ("<ol><li><p>a</p></li><li>b<ul><li>b1</li></ul></li></ol>", ["a", "b", "b1"]),
        ("<dl><dt>term</dt><dd>meaning</dd></dl>", ["term", "meaning"]),
        ("<blockquote><p>Quoted one.</p><p>Quoted two.</p></blockquote>", ["Quoted one.", "Quoted two."]),
        ("<blockquote>Bare quotation</blockquote><p>One.</p>", ["Bare quotation", "One."]),
        ("<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2 %</td></tr></table>", ["a | b", "1 | 2 %"]),
        ("<table><tr><td><p>One.</p><p>Two.</p></td></tr></table>", ["One.", "Two."]),
        ("<table><tr><td>a<p>b</p></td><td></td><td>c</td></tr></table>", ["a b | c"]),
        ("<p>One<br>two<br><br>three</p>", ["One two", "three"]),
        ("<p>One.</p><p>One.</p><p>One.</p>", ["One.", "One.", "One."]),
        (f"<p>{PARAGRAPHS[1]}</p><p>{PARAGRAPHS[1]}</p>", [PARAGRAPHS[1], PARAGRAPHS[1]]),
        ("<p>1.</p><p>OK</p><p>-</p>", ["1.", "OK", "-"]),
        ("<p> </p><p>&nbsp;</p><p>One.</p><p></p><p>\u200b\u200b</p>", ["One."]),
        ("Bare text<p>One.</p>and after", ["Bare text", "One.", "and after"]),
        ("<div><div><div><p>Deep.</p></div></div></div>", ["Deep."]),
        ("<p>T<em>wo</em>fold <strong>bold</strong>, <a href='/x'>link</a>.</p>", ["Twofold bold, link."]),
        ("<p><strong>Interview</strong></p><p>One.</p>", ["Interview", "One."]),
        ("<p>&lt;tag&gt; &amp;amp; more</p>", ["<tag> &amp; more"]),
        ("<p>a&nbsp;b\u3000c\td\ne</p>", ["a b c d e"]),
        ("<pre>one\n two</pre>", ["one two"]),
        ("<section><h3>Part</h3><p>One.</p></section>", ["Part", "One."]),
    ],
)
def test_every_block_keeps_its_place_and_its_line(inside: str, lines: list[str]) -> None:
    assert read(article_html(inside=inside)).text.split("\n\n") == lines


def test_a_live_page_keeps_its_entries_in_order() -> None:
    entries = [
        (f"{hour}:15 The boat is {hour} miles out", f"The goats reported wave number {hour}.")
        for hour in range(20, 4, -1)
    ]
    html = article_html(inside="".join(f"<h2>{head}</h2><p>{text}</p>" for head, text in entries))
    assert read(html).text.split("\n\n") == [line for entry in entries for line in entry]


@pytest.mark.parametrize("quoted", ["<灯塔日报>", "<山羊 报>", "<Маяк>", "<فانوس>"])
def test_angle_brackets_as_quotation_marks_stay_text(quoted: str) -> None:
    article = read(article_html(inside=f"<p>{quoted}报导，船走了。</p><p>山羊 < 船 > 5</p>"), CN_URL)
    assert article.text == f"{quoted}报导，船走了。\n\n山羊 < 船 > 5"


@pytest.mark.parametrize(
    "paragraph",
    [
        "小船在黎明时离开了港口，船上有九只山羊。",
        "小船在黎明時離開了港口，船上有九隻山羊。",
        "قایق در سپیده‌دم بندر را ترک کرد و می‌رود.",
        "ទូកបាន\u200bចាកចេញ\u200bពីកំពង់ផែ។",
        "Лодка вышла из гавани на рассвете с девятью козами.",
        "Човен вийшов із гавані на світанку з дев’ятьма козами.",
        "Chiếc thuyền rời bến lúc bình minh với chín con dê.",
        "Jirgin ya bar tashar jiragen ruwa da asuba — ƙarfe tara.",
        "Kurun bɔra da la dugujɛ fɛ, bakɔrɔn kɔnɔntɔn b’a kɔnɔ.",
        "O barco deixou o porto ao amanhecer, com nove cabras à vela.",
    ],
)
def test_text_of_every_script_comes_back_letter_by_letter(paragraph: str) -> None:
    lines = [f"{paragraph} {n}" for n in range(8)]
    assert read(article_html(inside="".join(f"<p>{line}</p>" for line in lines))).text.split("\n\n") == lines


LINES = st.lists(
    st.tuples(
        st.sampled_from([Shape.PARAGRAPH, Shape.HEADING, Shape.ITEM, Shape.QUOTE, Shape.ROW]),
        st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Sm"]), min_size=1, max_size=60),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.slow
@given(LINES)
def test_no_block_is_lost_or_told_twice(given_lines: list[tuple[Shape, str]]) -> None:
    cut = [Block(shape, line) for shape, line in given_lines]
    lines, source = reading.read(cut)
    assert "".join("".join(lines).split()) == "".join("".join(line for _, line in given_lines).split())
    assert source in ("trafilatura", "markup")


@pytest.mark.parametrize(
    "block",
    [
        "",
        "<h2>A heading between</h2>",
        "<ul><li>First goat of the list</li><li>Second goat of the list</li></ul>",
        "<blockquote><p>We sail at dawn, said the goat.</p></blockquote>",
        "<blockquote><p>We sail at dawn, said the goat.</p><p>And we return at night.</p></blockquote>",
        "<table><tr><td>Goats</td><td>9</td></tr><tr><td>Lamps</td><td>12</td></tr></table>",
        "<ul><li>One item</li></ul><p>Between the lists.</p><table><tr><td>a</td><td>b</td></tr></table>",
    ],
)
def test_an_ordinary_body_is_read_by_trafilatura(block: str) -> None:
    article = read(article_html(inside=f"{paragraphs()}{block}{paragraphs().replace('boat', 'ship')}"))
    assert article.provenance["text"] == "trafilatura"


def test_what_trafilatura_would_drop_is_read_from_the_markup() -> None:
    article = read(article_html(inside="<p>Short.</p><h2>A heading that ends it</h2>"))
    assert (article.text, article.provenance["text"]) == ("Short.\n\nA heading that ends it", "markup")


# ---- where the body is -----------------------------------------------------------------------------------


def test_nothing_around_the_article_is_text() -> None:
    after = '<div class="m-share">NOISE</div><aside class="o-aside-content"><h2>NOISE</h2><p>NOISE</p></aside>'
    header = (
        '<div class="t-content__tag"><a class="a-tag" href="/en/">NOISE</a></div><div class="m-pub-dates">NOISE</div>'
    )
    assert "NOISE" not in read(article_html(header=header, after=after)).text


def test_a_page_without_a_body_element_has_the_paragraphs_of_its_article() -> None:
    html = article_html(
        header='<p class="t-content__chapo">Lead.</p><div class="m-pub-dates"><time>NOISE</time></div>'
        '<div class="t-content__main-media"><figure><img src="/a.jpg"><figcaption>NOISE</figcaption></figure></div>'
    ).replace(body(), "".join(f"<p>{text}</p>" for text in PARAGRAPHS))
    article = read(html)
    assert (article.lead, article.text) == ("Lead.", "\n\n".join(PARAGRAPHS))


def test_a_page_whose_article_has_another_element_is_read_too() -> None:
    html = article_html().replace("<article", "<div").replace("</article>", "</div>")
    assert read(html).text == "\n\n".join(PARAGRAPHS)


def test_a_page_whose_title_stands_before_the_article_is_read_too() -> None:
    html = (
        "<html><head></head><body><h1 class='t-content__title'>Before</h1><p class='t-content__chapo'>Lead.</p>"
        f"<article class='t-content'>{body()}</article></body></html>"
    )
    article = read(html)
    assert (article.title, article.lead, article.text) == ("Before", "Lead.", "\n\n".join(PARAGRAPHS))


def test_a_page_of_unknown_markup_is_left_to_trafilatura() -> None:
    text = "".join(f"<p>{text}</p>" for text in PARAGRAPHS * 3)
    html = (
        '<html><head><meta property="og:type" content="article"><meta property="og:title" content="T"></head><body>'
        f"<nav><a href='/en/'>NOISE</a></nav><div class='new'><div>{text}</div></div><footer>NOISE</footer>"
        "</body></html>"
    )
    article = read(html)
    assert article.provenance["text"] == "trafilatura"
    assert PARAGRAPHS[3] in article.text
    assert "NOISE" not in article.text


def test_an_article_whose_element_has_no_class_is_known_by_its_body() -> None:
    html = article_html().replace("<main>", "<main><article><p>NOISE</p></article>")
    assert read(html.replace("class='t-content t-content--article'", "")).text == "\n\n".join(PARAGRAPHS)


def test_list_items_that_are_articles_too_are_not_the_article() -> None:
    item = "<article class='card'><h2><a href='/en/africa/20240101-x'>NOISE</a></h2><p>NOISE</p></article>"
    html = article_html().replace("<main>", f"<main>{item * 3}").replace("</main>", f"{item}</main>")
    assert read(html).text == "\n\n".join(PARAGRAPHS)


# ---- entries ---------------------------------------------------------------------------------------------

SHARE = (
    '<div><div>分享 :</div><div><a href="https://www.facebook.com/dialog/share?href=https%3A%2F%2Frfi.my%2FBoAt.F"><span>'
    "</span></a><span data-root-share><share-button></share-button></span></div></div>"
)
RELATED = (
    '<div><asidedata-org-name=""data-org-type=""><div><div role="heading"><span>同一主题</span></div></div><div>'
    '<divdata-article-list><div><div><span>山羊</span></div><div><a href="/cn/%E4%B8%AD%E5%9B%BD/20240301-x" '
    "data-article-item-link><h2>更早的船</h2></a></div></div></div></div></aside></div>"
)
FOOTER = '<br><hr><div>获取更多RSS：<br><a href="https://feed.test">https://feed.test</a></div>'
STRIPPED = (
    '<div>05/03/2024 - 10:30</div><img src="https://s.rfi.fr/media/x/w:310/p:16x9/boat.jpg">'
    "<p><strong>山羊在海上。</strong></p>"
    "<div>{}<div data-selfpromo-newsletter>NOISE</div></div>" + SHARE + RELATED + FOOTER
)
CN_LINES = ["船在黎明时离开了港口。", "山羊们没有说话。", "灯塔跟着走了。"]
CN_BODY = "".join(f"<p>{line}</p>" for line in CN_LINES)


@pytest.fixture
def stripped() -> Article:
    """An archived entry whose classes were stripped and whose tags ran together."""
    return accepted(entry_page(STRIPPED.format(CN_BODY)))


def test_a_stripped_entry_has_its_text(stripped: Article) -> None:
    assert stripped.text.split("\n\n") == CN_LINES


def test_a_stripped_entry_has_its_lead(stripped: Article) -> None:
    assert stripped.lead == "山羊在海上。"


def test_a_stripped_entry_has_its_picture(stripped: Article) -> None:
    assert [image.url for image in stripped.images] == ["https://s.rfi.fr/media/x/w:310/p:16x9/boat.jpg"]


def test_a_stripped_entry_has_its_related_articles(stripped: Article) -> None:
    [related] = stripped.related
    assert (related.url, related.title) == ("https://www.rfi.fr/cn/%E4%B8%AD%E5%9B%BD/20240301-x", "更早的船")
    assert (related.label, related.position) == ("山羊", 0)


def test_a_stripped_entry_has_its_short_code(stripped: Article) -> None:
    assert stripped.short_code == "BoAt"


@pytest.mark.parametrize(
    "content",
    [
        f"<div>05/03/2024 - 10:30</div><div>{CN_BODY}</div>",
        f"<div>\n<div>05/03/2024 - 10:30</div><div class='t-content__body u-clearfix'>{CN_BODY}</div></div>{FOOTER}",
        f"<p><strong>山羊在海上。</strong></p>{CN_BODY}{SHARE}{FOOTER}",
        f"{CN_BODY}",
        f"<p>05/03/2024 - 10:30</p>{CN_BODY}",
        f"<div hidden>{'<p>NOISE</p>' * 20}</div><div>{CN_BODY}</div>",
        f"<div>{CN_BODY}{SHARE}{RELATED}</div>",
        f"<article><div><div>{CN_BODY}</div></div></article>{RELATED}",
        f"<div><p>{CN_LINES[0]}</p><h2>{CN_LINES[1]}</h2><ul><li>{CN_LINES[2]}</li></ul></div>{SHARE}",
    ],
)
def test_entries_of_other_forms_have_the_same_text(content: str) -> None:
    assert accepted(entry_page(content)).text.split("\n\n") == CN_LINES


def test_an_entry_of_one_line_is_short_and_complete() -> None:
    article = accepted(entry_page("<div>05/03/2024 - 10:30</div><div class='t-content__body'><p>09/11/2023</p></div>"))
    assert (article.text, article.status) == ("09/11/2023", Status.SHORT)


# ---- the real documents ----------------------------------------------------------------------------------


def test_the_seed_is_read_in_full(shared: Path) -> None:
    from rfispider import feeds

    entry = feeds.archived((shared / "corpus" / "seed.txt").read_text("utf-8"))
    article = accepted(entry_page(entry.content or "", entry.url, entry=entry))
    assert article.published_at is not None
    assert article.published_at.isoformat() == "2023-11-15T10:27:00+00:00"
    assert len(article.text.split("\n\n")) == 9
    assert (article.lead or "").startswith("据路透社报导")
    assert [related.label for related in article.related] == ["美国/中国/国际", "拜习会", "法国世界报"]
    assert not any(word in article.text for word in ("分享 :", "RSS", "同一主题", "白宫透露"))


def test_an_article_in_the_furniture_of_a_real_page_is_found(shared: Path) -> None:
    raw = gzip.decompress((shared / "corpus" / "france24-home-20211004.html.gz").read_bytes()).decode()
    start, end = raw.index('<section class="t-content__section-pb">'), raw.index('<aside class="o-aside-content')
    article = accepted(page(f"{raw[:start]}{article_html().split('<main>')[1].split('</main>')[0]}{raw[end:]}", URL))
    assert (article.text, article.related) == ("\n\n".join(PARAGRAPHS), [])
