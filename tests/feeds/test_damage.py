"""Feeds and sitemaps as they are: damaged in one place, and to be read in all others."""

import gzip
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from rfispider import feeds
from rfispider.feeds.xml_source import XmlSource
from rfispider.items import Entry

SITE = "https://www.rfi.fr"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
NAMESPACES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
)


def sitemap(*inside: str, before: str = DECLARATION, after: str = "</urlset>") -> bytes:
    return f"{before}<urlset {NAMESPACES}>{''.join(f'<url>{each}</url>' for each in inside)}{after}".encode()


def rss(*inside: str, before: str = DECLARATION, after: str = "</channel></rss>") -> bytes:
    items = "".join(f"<item>{each}</item>" for each in inside)
    return f"{before}<rss version='2.0'><channel><title>News</title>{items}{after}".encode()


def atom(*inside: str, before: str = DECLARATION, after: str = "</feed>") -> bytes:
    entries = "".join(f"<entry>{each}</entry>" for each in inside)
    return f'{before}<feed xmlns="http://www.w3.org/2005/Atom">{entries}{after}'.encode()


def loc(name: str) -> str:
    return f"<loc>{SITE}/en/{name}</loc>"


def link(name: str) -> str:
    return f"<link>{SITE}/en/{name}</link>"


def href(name: str) -> str:
    return f'<link href="{SITE}/en/{name}"/>'


def of_sitemap(body: bytes) -> list[Entry]:
    return list(feeds.sitemap(body))


def of_feed(body: bytes) -> list[Entry]:
    return feeds.entries(body, f"{SITE}/en/rss").entries


Build = Callable[..., bytes]
Read = Callable[[bytes], list[Entry]]
DIALECTS = [
    pytest.param(sitemap, loc, of_sitemap, id="sitemap"),
    pytest.param(rss, link, of_feed, id="rss"),
    pytest.param(atom, href, of_feed, id="atom"),
]


def names(entries: list[Entry]) -> list[str]:
    return [entry.url.rpartition("/")[2] for entry in entries]


# ---- around the entries ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("build", "address", "read"), DIALECTS)
@pytest.mark.parametrize(
    "before",
    [
        "",
        f"\n{DECLARATION}",
        f"\ufeff\n \t{DECLARATION}",
        f"Warning: line 3\n{DECLARATION}",
        f"<br />\n<b>Notice</b>: Undefined index in <b>/x.php</b> on line <b>3</b><br />\n{DECLARATION}",
        f"{DECLARATION}<!-- made by <urlset> and <rss> and <feed> -->",
        f"{DECLARATION}<?xml-stylesheet href='a>b.xsl'?>",
        f"{DECLARATION}<!DOCTYPE x [<!ENTITY a 'b'>]>",
        "<?xml version='1.0' encoding='no-such-set'?>",
        "\x00",
    ],
    ids=["nothing", "newline", "mark", "words", "notice", "comment", "style", "doctype", "set", "nul"],
)
def test_what_stands_before_the_root_costs_no_entry(
    build: Build, address: Callable[[str], str], read: Read, before: str
) -> None:
    assert names(read(build(address("a"), address("b"), before=before))) == ["a", "b"]


@pytest.mark.parametrize(("build", "address", "read"), DIALECTS)
@pytest.mark.parametrize(
    "packed", [gzip.compress, lambda body: gzip.compress(body)[:-8], lambda body: body.decode().encode("utf-16")]
)
def test_packing_and_width_of_characters_do_not_matter(
    build: Build, address: Callable[[str], str], read: Read, packed: Callable[[bytes], bytes]
) -> None:
    before = "" if packed(b"").startswith(b"\xff") else DECLARATION
    assert names(read(packed(build(address("a"), before=before)))) == ["a"]


@pytest.mark.parametrize(("build", "address", "read"), DIALECTS)
@pytest.mark.parametrize("cut", range(1, 52, 7))
def test_a_document_that_breaks_off_gives_its_whole_entries_and_no_half_address(
    build: Build, address: Callable[[str], str], read: Read, cut: int
) -> None:
    body = build(address("a"), address("b-long-name"), after="")
    assert names(read(body[:-cut])) == ["a"]


def test_what_is_commented_out_is_no_entry() -> None:
    assert names(of_sitemap(sitemap(loc("a"), f"<!-- {loc('x')}</url><url>{loc('y')} -->{loc('b')}"))) == ["a", "b"]
    assert names(of_feed(rss(link("a"), f"<!-- {link('x')}</item><item>{link('y')} -->{link('b')}"))) == ["a", "b"]


# ---- one bad entry ---------------------------------------------------------------------------------------

DAMAGE = [
    *("&", "a & b", "&eacute;&nbsp;", "&nope;", "&#xD800;", "&#0;", "\x01", "\x00", "\x0b\x1f", "\ufffe", "<", "a < b"),
    *("<b>", "</b>", "<b><i></b></i>", "<unknown:x/>", "<x a='1' a='2'/>", "<x a=1/>", "<x a='", "<!-- never closed"),
    *(
        "<![CDATA[never closed",
        "]]>",
        "<?php echo",
        "<?x",
        "?>",
        "-->",
        "<title>A <b>bold",
        "<title>",
        "</title>",
        "<!DOCTYPE x>",
    ),
    *("<a>" * 300, "<x/>" * 3_000, "x" * 100_000, "\ud7ff", "中"),
]


GOOD = "<x><![CDATA[ & ]]></x><!-- c --><?p c?>"
"""Sections that are closed, in the neighbours of what is damaged."""


@pytest.mark.parametrize(("build", "address", "read"), DIALECTS)
@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage[:12].encode("ascii", "backslashreplace").decode())
def test_damage_of_one_entry_costs_no_other(
    build: Build, address: Callable[[str], str], read: Read, damage: str
) -> None:
    for inside in (address("bad") + damage, damage + address("bad"), f"<x>{damage}</x>{address('bad')}"):
        found = names(read(build(address("a") + GOOD, inside, address("b") + GOOD, GOOD + address("c"))))
        assert [name for name in found if name != "bad"] == ["a", "b", "c"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(DAMAGE) | st.text(max_size=20), max_size=4).map("".join), st.sampled_from(DIALECTS))
def test_no_mixture_of_damage_costs_another_entry(damage: str, dialect: object) -> None:
    build, address, read = dialect.values  # type: ignore[attr-defined]
    bad = address("bad") + damage.encode("utf-8", "replace").decode()
    body = build(address("a") + GOOD, bad, address("b") + GOOD, GOOD + address("c"))
    assert {"a", "b", "c"} <= set(names(read(body)))


@pytest.mark.parametrize("address", ["https://www.rfi.fr/en/?x=1&y=2", "https://www.rfi.fr/en/?x=1&amp;y=2"])
def test_a_raw_ampersand_in_an_address_is_one(address: str) -> None:
    assert [entry.url for entry in of_sitemap(sitemap(f"<loc>{address}</loc>"))] == ["https://www.rfi.fr/en/?x=1&y=2"]


def test_what_was_mended_or_left_out_is_told() -> None:
    opened = feeds.sitemap(sitemap(loc("a"), loc("b") + "&", loc("c") + "<x/>" * 3_000))
    assert names(list(opened)) == ["a", "b"]
    assert (opened.problem or "").startswith("damaged: 2 entries mended or left out")


@pytest.mark.parametrize("inside", ["", "<title>No address</title>", "<link>n/a</link><loc>n/a</loc>", "<loc/><link/>"])
def test_a_source_whose_entries_cannot_be_used_does_not_pass_for_an_empty_one(inside: str) -> None:
    opened = feeds.sitemap(sitemap(inside))
    assert list(opened) == []
    assert "no web address" in (opened.problem or "")
    feed = feeds.entries(rss(inside.replace("<link>n/a", "<link>mailto:n/a")), SITE)
    assert (feed.entries, feed.problem) == ([], "none of its entries has a web address")


# ---- the cut is exact ------------------------------------------------------------------------------------

TEXTS = st.sampled_from(
    [
        *(
            "words",
            "<![CDATA[</item><item>]]>",
            "<![CDATA[<![CDATA[]]>",
            "<![CDATA[]]]]><![CDATA[>]]>",
            "<!-- <item> -->",
        ),
        *("<!-- </item> -->", "<?x <item> ?>", "<x a='>'/>", "<items/>", "<m:item>x</m:item>", "<item2></item2>"),
        *("&lt;item&gt;", "<x><![CDATA[<item>]]></x>", "\n", "<itemx a='b'>x</itemx>"),
    ]
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(TEXTS, st.lists(TEXTS, max_size=4)), max_size=5),
    st.sampled_from(["<item>", "<item a='b>c'>", "<item\n>"]),
)
def test_of_a_well_formed_document_the_entries_are_those_of_a_whole_parse(
    items: list[tuple[str, list[str]]], tag: str
) -> None:
    between = "".join(
        f"{'' if before.startswith('<![CDATA[') else before}{tag}{''.join(inside)}</item>" for before, inside in items
    )
    body = f"<rss xmlns:m='u'><channel>{between}</channel></rss>".encode()
    whole = etree.fromstring(body)
    source = XmlSource(BytesIO(body))
    pieces = [etree.fromstring(b"<x xmlns:m='u'>" + piece + b"</x>")[0] for piece in source]
    assert [each.xpath("string()") for each in pieces] == [each.xpath("string()") for each in whole.iter("item")]
    assert source.problem is None


# ---- what an entry says ----------------------------------------------------------------------------------

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_day_alone_is_kept_as_a_day() -> None:
    date = "<news:news><news:publication_date>2026-03-01</news:publication_date></news:news>"
    (entry,) = of_sitemap(sitemap(f"{loc('a')}<lastmod>2026-03-02</lastmod>{date}"))
    assert (entry.published_at, entry.published_day_alone) == (DAY, True)
    assert (entry.modified_at, entry.modified_day_alone) == (DAY.replace(day=2), True)
    (entry,) = of_feed(rss(f"{link('a')}<pubDate>Sun, 01 Mar 2026</pubDate>"))
    assert (entry.published_at, entry.published_day_alone) == (DAY, True)


@pytest.mark.parametrize("printed", ["Sun, 01 Mar 2026 10:00:00 XYZ", "01/03/2026", "2026-02-30", "10:00", "soon"])
def test_a_time_that_is_not_understood_is_none(printed: str) -> None:
    (entry,) = of_feed(rss(f"{link('a')}<pubDate>{printed}</pubDate>"))
    assert (entry.published_at, entry.published_day_alone) == (None, False)


@pytest.mark.parametrize(
    "empty", ["<link/>", "<link></link>", "<link> \n</link>", "<link href=''/>", "<link><!-- x --></link>"]
)
def test_an_empty_link_does_not_hide_the_identifier(empty: str) -> None:
    assert names(of_feed(rss(f"{empty}<guid>{SITE}/en/a</guid>"))) == ["a"]
    assert names(of_feed(rss(f"<guid>{SITE}/en/a</guid>{empty}"))) == ["a"]


def test_half_a_character_loses_no_entry() -> None:
    item = {"url": "/en/a", "title": "A\ud800B", "image": "https://s.rfi.fr/\ud800.jpg", "tags": ["\udfff"]}
    body = json.dumps({"items": [item]}).encode()
    (entry,) = of_feed(body)
    assert (entry.title, entry.image) == ("AB", "https://s.rfi.fr/\ufffd.jpg")


# ---- which document it is --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "is_one"),
    [
        (sitemap(loc("a")), True),
        (gzip.compress(sitemap(loc("a"))), True),
        (b"<x:sitemapindex xmlns:x='http://www.sitemaps.org/schemas/sitemap/0.9'/>", True),
        *(
            (body, False)
            for body in (rss(link("a")), atom(href("a")), b"", b"{}", b"<html><urlset/></html>", b"\x1f\x8b")
        ),
    ],
)
def test_a_sitemap_is_known_by_its_root(body: bytes, is_one: bool) -> None:
    assert feeds.is_sitemap(body) == is_one


# ---- floods ----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    ["<!--", "<![CDATA[", "<?", "<url>", "<url><![CDATA[</url>", "<url><!--</url>", "<url><?</url>", "<![CDATA[<url"],
)
@pytest.mark.parametrize("end", ["", "-->]]>?></urlset>"])
def test_no_flood_of_openings_takes_long(unit: str, end: str) -> None:
    body = b"<urlset>" + unit.encode() * (2_000_000 // len(unit)) + end.encode()
    started = time.process_time()
    assert list(feeds.sitemap(body)) == []
    assert time.process_time() - started < 15


def test_a_sitemap_of_more_entries_than_the_protocol_allows_is_cut_and_says_so() -> None:
    opened = feeds.sitemap(b"<urlset>" + b"<url/>" * 50_001 + b"</urlset>")
    assert list(opened) == []
    assert "more than 50,000 entries" in (opened.problem or "")
