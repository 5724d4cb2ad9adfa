import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rfispider import feeds
from rfispider.items import Audio, Entry
from tests.support.crawling import running

FEED = "https://www.rfi.fr/cn/rss"
NOON = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)
SPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" '
    'xmlns:atom="http://www.w3.org/2005/Atom"'
)
LINK = "<link>https://www.rfi.fr/cn/a</link>"


def rss(*items: str, head: str = '<?xml version="1.0" encoding="utf-8"?>', tail: str = "</channel></rss>") -> bytes:
    inside = "".join(f"<item>{item}</item>" for item in items)
    return f'{head}<rss version="2.0" {SPACES}><channel><title>News</title>{inside}{tail}'.encode()


def one(item: str) -> Entry:
    feed = feeds.entries(rss(LINK + item), FEED)
    assert feed.problem is None
    [entry] = feed.entries
    return entry


RSS_091 = b"""<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://127.0.0.1:1/rss.dtd">
<rss version="0.91"><channel><title>Feed</title><item><title>First</title><link>https://www.rfi.fr/fr/a</link>
<description>Words</description></item></channel></rss>"""
RSS_090 = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/">
<channel><title>Feed</title></channel>
<item><title>First</title><link>https://www.rfi.fr/fr/a</link></item></rdf:RDF>"""
RSS_10 = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>Feed</title></channel>
<item rdf:about="https://www.rfi.fr/fr/a"><title>First</title><description>Words</description>
<dc:date>2024-03-05T13:00:00+01:00</dc:date><dc:creator>Ann Author</dc:creator></item></rdf:RDF>"""
RSS_20 = rss(
    "<title>First</title><link>https://www.rfi.fr/fr/a</link><description>Words</description>"
    "<pubDate>Tue, 05 Mar 2024 13:00:00 +0100</pubDate><author>desk@example.org (Ann Author)</author>",
).replace(b"News", b"Feed")
ATOM_10 = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Feed</title><entry><title type="html">First</title>
<link rel="self" href="https://www.rfi.fr/self"/><link rel="alternate" href="/fr/a"/><id>tag:1</id>
<summary>Words</summary><published>2024-03-05T12:00:00Z</published><updated>2024-03-05T12:30:00Z</updated>
<author><name>Ann Author</name><email>desk@example.org</email></author></entry></feed>"""
ATOM_03 = b"""<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>Feed</title><entry><title>First</title>
<link rel="alternate" type="text/html" href="https://www.rfi.fr/fr/a"/><summary>Words</summary>
<issued>2024-03-05T12:00:00Z</issued><modified>2024-03-05T12:30:00Z</modified>
<author><name>Ann Author</name></author></entry></feed>"""
JSON_11 = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Feed",
        "items": [
            {
                "id": "1",
                "url": "/fr/a",
                "title": "First",
                "summary": "Words",
                "date_published": "2024-03-05T13:00:00+01:00",
                "date_modified": "2024-03-05T12:30:00Z",
                "authors": [{"name": "Ann Author"}],
            }
        ],
    }
).encode()


@pytest.mark.parametrize(
    ("body", "summary", "published", "modified", "authors"),
    [
        pytest.param(RSS_090, None, None, None, [], id="rss 0.90"),
        pytest.param(RSS_091, "Words", None, None, [], id="rss 0.91"),
        pytest.param(RSS_10, "Words", NOON, None, ["Ann Author"], id="rss 1.0"),
        pytest.param(RSS_20, "Words", NOON, None, ["Ann Author"], id="rss 2.0"),
        pytest.param(ATOM_03, "Words", NOON, NOON.replace(minute=30), ["Ann Author"], id="atom 0.3"),
        pytest.param(ATOM_10, "Words", NOON, NOON.replace(minute=30), ["Ann Author"], id="atom 1.0"),
        pytest.param(JSON_11, "Words", NOON, NOON.replace(minute=30), ["Ann Author"], id="json feed"),
    ],
)
def test_every_dialect_gives_the_same_entry(
    body: bytes, summary: str | None, published: datetime | None, modified: datetime | None, authors: list[str]
) -> None:
    feed = feeds.entries(body, "https://www.rfi.fr/fr/rss")
    assert (feed.title, feed.problem) == ("Feed", None)
    assert feed.entries == [
        Entry(
            url="https://www.rfi.fr/fr/a",
            title="First",
            summary=summary,
            published_at=published,
            modified_at=modified,
            authors=authors,
        )
    ]


@pytest.mark.parametrize(
    ("printed", "title"),
    [
        ("Plain", "Plain"),
        ("A &amp; B", "A & B"),
        ("&amp;quot;Yes&amp;quot; he said", '"Yes" he said'),
        ("大&amp;#22338; twice", "大坂 twice"),
        ("大&amp;amp;#22338; thrice", "大坂 thrice"),
        ("AT&amp;T &amp;copy 2024", "AT&T &copy 2024"),
        ("&lt;时报&gt; says", "<时报> says"),
        ("<![CDATA[<时报> & <b>bold</b> words]]>", "<时报> & bold words"),
        ("<![CDATA[<Le Petit Journal> says]]>", "<Le Petit Journal> says"),
        (" \n many \t\n\n lines ", "many lines"),
    ],
)
def test_a_title_reads_as_on_the_page(printed: str, title: str) -> None:
    assert one(f"<title>{printed}</title>").title == title


@pytest.mark.parametrize(
    ("printed", "summary"),
    [
        ("&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;", "One. Two."),
        ("<![CDATA[<img src='x.jpg'>Words &amp; <b>more</b>]]>", "Words & more"),
        ("<![CDATA[<script>var a;</script>Words<style>b{}</style>]]>", "Words"),
        ("<![CDATA[The <时报> wrote <br>so]]>", "The <时报> wrote so"),
        ("&lt;时报&gt; wrote", "<时报> wrote"),
        ("Rock &amp;amp; roll", "Rock & roll"),
        ("", None),
    ],
)
def test_a_summary_is_plain_text(printed: str, summary: str | None) -> None:
    entry = one(f"<description>{printed}</description>")
    assert (entry.summary, entry.content) == (summary, None)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("Tue, 05 Mar 2024 12:00:00 GMT", NOON),
        ("Tue, 05 Mar 2024 07:00:00 EST", NOON),
        ("2024-03-05T13:00:00+01:00", NOON),
        ("2024-03-05 13:00:00", NOON),
        ("Tue, 05 Mar 2024 13:00:00", NOON),
        ("Fri, 05 Jul 2024 14:00:00", NOON.replace(month=7)),
        ("Tue Mar  5 12:00:00 2024", NOON),
        ("soon", None),
        ("Tue, 99 Mar 2024 99:00:00 GMT", None),
        ("9999-12-31T23:59:59-12:00", None),
    ],
)
def test_times_come_out_as_utc_and_those_without_zone_are_of_paris(printed: str, expected: object) -> None:
    if printed.startswith("Tue Mar"):
        expected = NOON.replace(hour=11)
    assert one(f"<pubDate>{printed}</pubDate>").published_at == expected


BODY = (
    '<div>05/03/2024 - 13:00</div><img src="https://s.rfi.fr/x.jpg"><p><strong>Lead.</strong></p>'
    '<div class="t-content__body u-clearfix"><p>First.</p></div><br><hr><div>More feeds</div>'
)


def test_a_full_text_mirror_gives_the_article_with_its_classes_and_its_footer() -> None:
    escaped = BODY.replace("<", "&lt;").replace(">", "&gt;")
    entry = one(f"<title>T</title><description>{escaped}</description>")
    assert entry.content == BODY
    assert entry.summary is None
    assert entry.image == "https://s.rfi.fr/x.jpg"


def test_unescaped_markup_in_a_description_stays_whole() -> None:
    feed = feeds.entries(rss(f"{LINK}<description>{BODY}</description>"), FEED)
    assert feed.entries[0].content == BODY
    assert "not well-formed" in feed.problem


def test_the_element_for_whole_articles_is_the_content_and_the_description_the_summary() -> None:
    entry = one(
        "<description>Short.</description><content:encoded><![CDATA[<p>Much longer text.</p>]]></content:encoded>"
        "<media:description>A caption that is longer than all the rest of it.</media:description>"
    )
    assert (entry.summary, entry.content) == ("Short.", "<p>Much longer text.</p>")


def test_content_that_only_repeats_the_summary_is_no_article() -> None:
    entry = one(
        "<description>The same words.</description><content:encoded>&lt;p>The same words.&lt;/p></content:encoded>"
    )
    assert (entry.summary, entry.content) == ("The same words.", None)


def test_a_picture_caption_is_never_taken_for_the_article() -> None:
    entry = one("<description>Short.</description><media:description>A much longer caption.</media:description>")
    assert (entry.summary, entry.content) == ("Short.", None)


@pytest.mark.parametrize("kind", ["xhtml", "html"])
def test_atom_content_arrives_as_html_source(kind: str) -> None:
    inside = '<div xmlns="http://www.w3.org/1999/xhtml"><p class="a">One<br/>two</p><p>x &lt; y</p></div>'
    if kind == "html":
        inside = '&lt;div&gt;&lt;p class="a"&gt;One&lt;br&gt;two&lt;/p&gt;&lt;p&gt;x &amp;lt; y&lt;/p&gt;&lt;/div&gt;'
    body = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="https://www.rfi.fr/fr/a"/>'
        f'<content type="{kind}">{inside}</content></entry></feed>'
    )
    [entry] = feeds.entries(body.encode(), FEED).entries
    assert entry.content == '<div><p class="a">One<br>two</p><p>x &lt; y</p></div>'


@pytest.mark.parametrize(
    ("item", "image"),
    [
        ('<media:thumbnail url="https://s.rfi.fr/t.jpg"/>', "https://s.rfi.fr/t.jpg"),
        (
            """<media:thumbnail url="/t.jpg"/><media:group>
            <media:content url="/s.jpg" width="300" medium="image"/>
            <media:content url="/l.jpg" width="1280" type="image/jpeg"/></media:group>""",
            "https://www.rfi.fr/l.jpg",
        ),
        ('<media:content url="/film.mp4" type="video/mp4"><media:thumbnail url="/t.jpg"/></media:content>', "/t.jpg"),
        ('<enclosure url="/e.jpg" type="image/jpeg" length="0"/>', "/e.jpg"),
        ('<enclosure url="/e.webp" length="0"/>', "/e.webp"),
        ('<itunes:image href="/i.png"/>', "/i.png"),
        ('<description>&lt;img src="/d.jpg"&gt; words</description>', "/d.jpg"),
        ('<enclosure url="/sound.mp3" type="audio/mpeg"/>', None),
        ('<media:thumbnail url="javascript:alert(1)"/>', None),
    ],
)
def test_the_picture_is_the_largest_that_the_entry_lists(item: str, image: str | None) -> None:
    expected = f"https://www.rfi.fr{image}" if image and image.startswith("/") else image
    assert one(item).image == expected


@pytest.mark.parametrize(
    ("duration", "expected"), [("754", 754), ("12:34", 754), ("1:02:03", 3723), ("n/a", None), ("0", None)]
)
def test_a_recording_comes_with_its_length_in_seconds(duration: str, expected: object) -> None:
    entry = one(f'<enclosure url="/a.mp3" type="audio/mpeg"/><itunes:duration>{duration}</itunes:duration>')
    assert entry.audio == Audio(url="https://www.rfi.fr/a.mp3", duration_s=expected)


def test_keywords_and_authors_are_gathered_once_each() -> None:
    entry = one(
        "<category>中国</category><category>中国</category><media:keywords>one, two</media:keywords>"
        "<dc:subject>three</dc:subject><dc:creator>AFP</dc:creator><dc:creator>Ann Author</dc:creator>"
    )
    assert sorted(entry.keywords) == sorted(["中国", "one", "two", "three"])
    assert entry.authors == ["AFP", "Ann Author"]


def test_relative_addresses_are_those_of_the_feed_and_its_base() -> None:
    body = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://www.rfi.fr/fr/">
    <entry><link href="a/b"/></entry>
    <entry xml:base="deep/"><link href="c"/></entry></feed>"""
    found = [entry.url for entry in feeds.entries(body, "https://mirror.example/x").entries]
    assert found == ["https://www.rfi.fr/fr/a/b", "https://www.rfi.fr/fr/deep/c"]


@pytest.mark.parametrize(
    "entry",
    [
        '<entry><link href="a/b"/><link rel="enclosure" type="audio/mpeg" href="c.mp3"/></entry>',
        '<item><link>a/b</link><enclosure type="audio/mpeg" url="c.mp3"/></item>',
    ],
)
def test_what_is_enclosed_is_addressed_from_the_feed_as_the_entry_is(entry: str) -> None:
    atom = "<entry" in entry
    root = '<feed xmlns="http://www.w3.org/2005/Atom">{}</feed>' if atom else "<rss><channel>{}</channel></rss>"
    (found,) = feeds.entries(root.format(entry).encode(), "https://www.rfi.fr/fr/rss").entries
    assert found.url == "https://www.rfi.fr/fr/a/b"
    assert found.audio
    assert found.audio.url == "https://www.rfi.fr/fr/c.mp3"


@pytest.mark.parametrize(
    "item",
    [
        "<title>No address</title>",
        "<link>mailto:desk@example.org</link>",
        "<link>https://[bad/</link>",
        '<guid isPermaLink="false">https://www.rfi.fr/x</guid>',
    ],
)
def test_an_entry_without_web_address_is_left_out(item: str) -> None:
    assert [entry.url for entry in feeds.entries(rss(item, LINK), FEED).entries] == ["https://www.rfi.fr/cn/a"]


def test_a_permanent_identifier_serves_as_address() -> None:
    body = rss("<guid>https://www.rfi.fr/cn/g</guid>")
    assert feeds.entries(body, FEED).entries[0].url == "https://www.rfi.fr/cn/g"


def test_a_doubled_slash_in_the_path_stays_as_printed() -> None:
    body = rss("<link>http://www.rfi.fr//cn/x</link>")
    assert feeds.entries(body, FEED).entries[0].url == "http://www.rfi.fr//cn/x"


def test_a_json_feed_carries_files_tags_and_content() -> None:
    item = {
        "id": "https://www.rfi.fr/en/a",
        "content_html": "<p>The whole.</p>",
        "content_text": "ignored",
        "summary": "S <b>",
        "image": "/i.jpg",
        "tags": ["one", 2, None],
        "author": {"name": "Ann"},
        "attachments": [{"url": "/a.mp3", "mime_type": "audio/mpeg", "duration_in_seconds": 61}, "noise"],
    }
    body = json.dumps({"items": [item, "noise", {"url": 5}]}).encode()
    assert feeds.entries(body, FEED).entries == [
        Entry(
            url="https://www.rfi.fr/en/a",
            content="<p>The whole.</p>",
            summary="S <b>",
            image="https://www.rfi.fr/i.jpg",
            keywords=["one"],
            authors=["Ann"],
            audio=Audio(url="https://www.rfi.fr/a.mp3", duration_s=61),
        )
    ]


# ---- bad input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"just words", "neither XML nor JSON"),
        (bytes(range(256)) * 40, "neither XML nor JSON"),
        (b"<!DOCTYPE html><html><head><title>a</title></head><body><p>b<br></html>", "an HTML page"),
        (b"<html xmlns='http://www.w3.org/1999/xhtml'><body/></html>", "an HTML page"),
        (b"<div>part of a page", "root element is <div>"),
        (b"<urlset><url><loc>https://www.rfi.fr/</loc></url></urlset>", "root element is <urlset>"),
        (b"{", "damaged JSON"),
        (b'{"items": 5}', "no list of items"),
        (b"[1, 2]", "no list of items"),
        (b"[" * 200_000, "damaged JSON"),
        (b'{"items": [' + b"9" * 5_000 + b"]}", "damaged JSON"),
        (b'{"items": [' + b"[{}]," * 200_000, "300,000 of { and ["),
        (b"<rss>" * 10_000_000, "50,000,000 bytes, over the limit"),
        (b"<rss>" * 300_001, "300,000 of <"),
        (b"<rss>" + b"&" * 2_000_000, "1,600,000 of &"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_feed_is_refused_in_one_line(body: bytes, reason: str) -> None:
    with pytest.raises(feeds.FeedError) as caught:
        feeds.entries(body, FEED)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_feed_without_entries_is_a_feed() -> None:
    assert feeds.entries(rss(), FEED) == feeds.ParsedFeed(title="News")


@pytest.mark.parametrize(
    "tail", ["<item><title>Cut</title><link>https://www.rfi.fr/cn/2", "<item>", "<item><title>Half an", "</chan", ""]
)
def test_a_truncated_feed_gives_its_whole_entries_and_never_half_an_address(tail: str) -> None:
    feed = feeds.entries(rss(LINK + "<title>First</title>", tail=tail), FEED)
    assert [(entry.url, entry.title) for entry in feed.entries] == [("https://www.rfi.fr/cn/a", "First")]
    assert "not well-formed" in feed.problem


@pytest.mark.parametrize(
    ("damage", "title"),
    [
        ("<title>Fish & chips</title>", "Fish & chips"),
        ("<title>Caf&eacute;&nbsp;&nope;</title>", "Café &nope;"),
        ("<title>The <时报> says</title>", "The <时报> says"),
        ("<title>A <b>bold<br> title</title>", "A bold title"),
        ("<title><![CDATA[Never <closed>]]</title>", None),
        ("<title>con\x08trol</title>", "control"),
        ("<title>a < b</title>", "a < b"),
        ("<title>Words</title><undeclared:x>y</undeclared:x>", "Words"),
        ("<title><:x>Words</:x></title>", "<:x>Words</:x>"),
    ],
)
def test_the_usual_damage_of_feeds_costs_no_other_entry(damage: str, title: str | None) -> None:
    feed = feeds.entries(rss(f"{LINK}<title>Before</title>", LINK + damage), FEED)
    assert feed.entries[0].title == "Before"
    if title:
        assert feed.entries[1].title == title
        assert feed.entries[1].url == "https://www.rfi.fr/cn/a"


def test_words_before_the_xml_are_passed_over() -> None:
    feed = feeds.entries(b"Warning: line 3\n" + rss(LINK), FEED)
    assert len(feed.entries) == 1
    assert "text before the XML" in feed.problem


def bomb() -> bytes:
    steps = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<!DOCTYPE rss [<!ENTITY a0 "ha">{steps}]>'
    return rss(f"{LINK}<title>&a9;</title><description>&a9;</description>", head=head)


def test_entities_that_expand_without_end_are_not_expanded() -> None:
    started = time.perf_counter()
    feed = feeds.entries(bomb(), FEED)
    assert time.perf_counter() - started < 1
    assert feed.entries[0].title == "&a9;"
    assert "entities of its own" in feed.problem


@pytest.mark.integration
def test_external_entities_are_neither_read_nor_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("do not tell")
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with running(HTTPServer(("127.0.0.1", 0), Handler)) as base:
        head = (
            f'<!DOCTYPE rss SYSTEM "{base}/dtd" [<!ENTITY f SYSTEM "{secret.as_uri()}">'
            f'<!ENTITY % p SYSTEM "{base}/p">%p;]>'
        )
        feed = feeds.entries(rss(f"{LINK}<title>[&f;]</title>", head=head), FEED)
    assert feed.entries[0].title == "[&f;]"
    assert asked == []


@pytest.mark.parametrize(
    ("declared", "encoded", "content_type", "title"),
    [
        ("utf-8", "utf-8", None, "中文大地"),
        ("iso-8859-1", "utf-8", None, "中文大地"),
        ("utf-8", "utf-8", "text/xml; charset=iso-8859-1", "中文大地"),
        ("gb2312", "gb18030", None, "中文大地"),
        ("utf-8", "gb18030", "text/xml; charset=GBK", "中文大地"),
        ("big5", "big5", "text/xml", "中文大地"),
        ("utf-16", "utf-16", None, "中文大地"),
        ("utf-16", "utf-16-le", None, "中文大地"),
        ("utf-8", "utf-8-sig", None, "中文大地"),
        ("no-such-set", "utf-8", "text/xml; charset=unheard-of", "中文大地"),
        ("utf-8", "gb18030", None, None),
        ("punycode", "gb18030", "text/xml; charset=idna", None),
    ],
)
def test_the_character_set_is_found_or_unreadable_texts_are_left_out(
    declared: str, encoded: str, content_type: str | None, title: str | None
) -> None:
    head = f'<?xml version="1.0" encoding="{declared}"?>'
    item = f"{LINK}<title>中文大地</title><description>中文大地</description><category>中文大地</category>"
    body = rss(item, head=head).decode().encode(encoded, "replace")
    feed = feeds.entries(body, FEED, content_type)
    entry = feed.entries[0]
    assert entry.url == "https://www.rfi.fr/cn/a"
    assert (entry.title, entry.summary, entry.keywords) == (title, title, [title] if title else [])
    assert ("do not fit the character set" in (feed.problem or "")) == (title is None)


@pytest.mark.slow
def test_a_feed_of_more_entries_than_anybody_needs_is_cut_and_says_so() -> None:
    feed = feeds.entries(rss(*[LINK] * 10_500), FEED)
    assert len(feed.entries) == 10_000
    assert feed.problem == "too large, its last 500 entries were left out"


@pytest.mark.slow
def test_a_feed_of_too_many_elements_is_cut_and_says_so() -> None:
    feed = feeds.entries(rss(*[LINK + "<author>a</author>" * 12] * 9_000), FEED)
    assert 4_000 < len(feed.entries) < 5_000
    assert feed.problem == f"too large, its last {9_000 - len(feed.entries):,} entries were left out"


FLOODS = {
    "categories": "<category>x%d</category>",
    "authors": "<author>aaaaaaaa%d</author>",
    "attributes": '<media:content a="%d"/>',
    "items": "<item><link>https://www.rfi.fr/cn/%d</link><title>t</title></item>",
    "namespaces": '<x xmlns:n="u%d"/>',
}


@pytest.mark.slow
@pytest.mark.parametrize("flood", FLOODS, ids=str)
def test_floods_of_elements_are_read_in_bounded_time(flood: str) -> None:
    item = LINK + "".join(FLOODS[flood] % n for n in range(40_000))
    started = time.process_time()
    feeds.entries(rss(item), FEED)
    assert time.process_time() - started < 5


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "a" * 8_000_000,
        "&lt;b&gt;" * 400_000,
        "&lt;!--" * 400_000,
        "&lt;table>&lt;a>" * 300_000,
        "&amp;amp;" * 700_000,
        '&lt;p a="' * 400_000,
    ],
    ids=lambda text: text[:10],
)
def test_long_texts_are_read_in_bounded_time(text: str) -> None:
    body = rss(f"{LINK}<title>{text}</title><author>{text}</author><description>{text}</description>")
    started = time.process_time()
    with suppress(feeds.FeedError):
        feeds.entries(body, FEED)
    assert time.process_time() - started < 5


PIECES = st.sampled_from(
    [
        *(
            "<rss>",
            "<channel>",
            "<item>",
            "</item>",
            "<entry>",
            "<title>",
            "</title>",
            "<link>",
            "</link>",
            "<description>",
        ),
        *(
            "https://www.rfi.fr/cn/a",
            "<![CDATA[",
            "]]>",
            "<!--",
            "-->",
            "<?",
            "?>",
            "<!DOCTYPE x [",
            "]>",
            "&",
            "&amp;",
        ),
        *(
            "&#0;",
            "&#x110000;",
            "<a:b c='",
            '"',
            ">",
            "<feed xmlns='http://www.w3.org/2005/Atom'>",
            "\x00",
            "\ufffe",
            "中",
        ),
        *(
            '{"items": [',
            '{"url": "/a", "title": ',
            "null",
            "1e999",
            "]}",
            '"\\ud800"',
            "<pubDate>",
            "2024-03-05",
            "<id>",
        ),
        *(
            "<media:content url='x' width='",
            "<content type='xhtml'>",
            "<author>",
            "a@b.c",
            "<category term='",
            "<x xml:base='",
        ),
    ]
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.binary(), st.text().map(str.encode), st.lists(PIECES).map(lambda pieces: "".join(pieces).encode())))
def test_no_bytes_raise_anything_but_a_feed_error(body: bytes) -> None:
    for whole in (body, rss(LINK, tail="<item>").decode().encode() + body):
        try:
            feed = feeds.entries(whole, FEED)
        except feeds.FeedError:
            continue
        assert all(entry.url.startswith("http") for entry in feed.entries)


@settings(max_examples=100, deadline=None)
@given(st.text(), st.text())
def test_no_address_or_header_raises(url: str, content_type: str | None) -> None:
    [entry] = feeds.entries(rss(LINK), url, content_type).entries
    assert entry.url == "https://www.rfi.fr/cn/a"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
)
JSON_KEYS = st.sampled_from(
    [
        "url",
        "id",
        "title",
        "summary",
        "content_html",
        "content_text",
        "tags",
        "authors",
        "author",
        "image",
        "attachments",
    ]
)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(JSON_KEYS, JSON_VALUES | st.dictionaries(st.just("name"), JSON_VALUES)), max_size=3))
def test_json_of_any_types_is_read_without_fail(items: list[dict[str, Any]]) -> None:
    body = json.dumps({"items": [{"url": "/a", **item} for item in items]}).encode()
    for entry in feeds.entries(body, FEED).entries:
        assert (entry.title or "").encode() is not None


@pytest.mark.parametrize("reference", ["&#xD800;", "&#55296;", "&#xdFfF;", "&#0057343;"])
def test_a_reference_to_half_a_character_costs_that_character_only(reference: str) -> None:
    body = f"<rss><channel><item><title>a{reference}b</title><link>https://a.example/x</link></item></channel></rss>"
    (entry,) = feeds.entries(body.encode(), "https://a.example/feed").entries
    assert entry.title == "a\ufffdb"
