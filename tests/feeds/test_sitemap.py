import gzip
import io
import os
import subprocess
import sys
import time
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rfispider import feeds
from rfispider.items import Entry

SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
NEWS = 'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" '
IMAGE = 'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'


def urlset(*urls: str, tail: str = "</urlset>") -> bytes:
    inside = "".join(f"<url>{url}</url>" for url in urls)
    return f'{HEAD}<urlset xmlns="{SITEMAP}" {NEWS}{IMAGE}>{inside}{tail}'.encode()


def loc(number: int) -> str:
    return f"<loc>https://www.rfi.fr/en/{number}</loc>"


def read(body: bytes) -> list[str]:
    return [entry.url for entry in feeds.sitemap(body)]


def test_a_sitemap_gives_addresses_and_the_times_of_their_last_change() -> None:
    body = urlset(
        "<loc> https://www.rfi.fr/en/a?b=1&amp;c=2 </loc><lastmod>2024-03-05T13:00:00+01:00</lastmod>",
        "<loc>https://www.rfi.fr/en/b</loc><lastmod>2024-03-05</lastmod><priority>0.5</priority>",
        "<loc>https://www.rfi.fr/en/c</loc><lastmod>never</lastmod>",
    )
    opened = feeds.sitemap(body)
    assert list(opened) == [
        Entry(url="https://www.rfi.fr/en/a?b=1&c=2", modified_at=datetime(2024, 3, 5, 12, tzinfo=UTC)),
        Entry(url="https://www.rfi.fr/en/b", modified_at=datetime(2024, 3, 5, tzinfo=UTC), modified_day_alone=True),
        Entry(url="https://www.rfi.fr/en/c"),
    ]
    assert (opened.is_index, opened.problem) == (False, None)


def test_a_news_sitemap_gives_title_time_keywords_and_picture() -> None:
    body = urlset(
        f"{loc(1)}<lastmod>2024-03-05T12:30:00Z</lastmod><news:news><news:publication><news:name>N</news:name>"
        "<news:language>en</news:language></news:publication><news:title>Fish &amp;amp; &lt;chips&gt;</news:title>"
        "<news:publication_date>2024-03-05T12:00:00Z</news:publication_date>"
        "<news:keywords>one, two,, one</news:keywords></news:news>"
        "<image:image><image:loc>https://s.rfi.fr/x.jpg</image:loc><image:title>Caption</image:title></image:image>"
    )
    [entry] = feeds.sitemap(body)
    assert entry == Entry(
        url="https://www.rfi.fr/en/1",
        title="Fish & <chips>",
        published_at=datetime(2024, 3, 5, 12, tzinfo=UTC),
        modified_at=datetime(2024, 3, 5, 12, 30, tzinfo=UTC),
        keywords=["one", "two"],
        image="https://s.rfi.fr/x.jpg",
    )


def test_the_title_of_a_picture_is_not_that_of_the_article() -> None:
    body = urlset(f"<image:image><image:loc>/x.jpg</image:loc><image:title>No</image:title></image:image>{loc(1)}")
    [entry] = feeds.sitemap(body)
    assert (entry.url, entry.title, entry.image) == ("https://www.rfi.fr/en/1", None, "https://www.rfi.fr/x.jpg")


def test_an_index_says_that_it_is_one() -> None:
    child = "<loc>https://www.rfi.fr/sitemaps/en/x.xml</loc><lastmod>2024-03-05T12:00:00Z</lastmod>"
    body = f'{HEAD}<sitemapindex xmlns="{SITEMAP}"><sitemap>{child}</sitemap></sitemapindex>'.encode()
    opened = feeds.sitemap(body)
    assert opened.is_index
    [entry] = opened
    assert entry.url == "https://www.rfi.fr/sitemaps/en/x.xml"
    assert entry.modified_at == datetime(2024, 3, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "body", [urlset(loc(1)).replace(SITEMAP.encode(), b""), gzip.compress(urlset(loc(1)))], ids=["bare", "gzip"]
)
def test_namespace_and_packing_do_not_matter(body: bytes) -> None:
    assert read(body) == ["https://www.rfi.fr/en/1"]
    assert [entry.url for entry in feeds.sitemap(io.BytesIO(body))] == ["https://www.rfi.fr/en/1"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"  ", "not XML"),
        (b"words", "not XML"),
        (bytes(range(256)), "not XML"),
        (b"\x1f\x8bnonsense", "not XML"),
        (gzip.compress(b""), "not XML"),
        (b"<html><body>no</body></html>", "root element is <html>"),
        (b"<rss><channel/></rss>", "root element is <rss>"),
    ],
    ids=["empty", "blank", "words", "binary", "false gzip", "empty gzip", "page", "feed"],
)
def test_what_is_no_sitemap_is_refused_in_one_line(body: bytes, reason: str) -> None:
    with pytest.raises(feeds.FeedError) as caught:
        feeds.sitemap(body)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        urlset(loc(1), loc(2), tail="<url><loc>https://www.rfi.fr/en/3"),
        gzip.compress(urlset(loc(1), loc(2)) + b" " * 9999, 0)[:-5000],
        urlset(loc(1), loc(2), "<loc>https://www.rfi.fr/&nope;</loc>"),
        urlset(loc(1), loc(2), "<a>" * 300),
        urlset(loc(1), loc(2), "<image/>" * 3000),
        urlset(loc(1), loc(2), loc(3).replace("3", "\x01")),
    ],
    ids=["cut", "cut gzip", "entity", "deep", "wide", "control"],
)
def test_a_damaged_sitemap_is_read_up_to_the_damage_and_says_so(body: bytes) -> None:
    opened = feeds.sitemap(body)
    assert [entry.url for entry in opened][:2] == ["https://www.rfi.fr/en/1", "https://www.rfi.fr/en/2"]
    assert opened.problem is not None
    assert "damaged" in opened.problem


def test_entities_are_not_expanded() -> None:
    steps = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    document = f'<!DOCTYPE urlset [<!ENTITY a0 "ha"><!ENTITY f SYSTEM "file:///etc/hostname">{steps}]>'
    body = document.encode() + urlset(f"<loc>https://www.rfi.fr/&a9;&f;</loc>{loc(1)}")[len(HEAD) :]
    started = time.process_time()
    assert all(len(url) < 100 for url in read(body))
    assert time.process_time() - started < 1


@pytest.mark.slow
def test_a_small_file_cannot_unpack_without_end() -> None:
    comment = f"<!--{' ' * 9_000_000}-->"
    body = gzip.compress(urlset(loc(1), tail=comment * 7 + f"<url>{loc(2)}</url></urlset>"))
    assert len(body) < 100_000
    opened = feeds.sitemap(body)
    assert [entry.url for entry in opened] == ["https://www.rfi.fr/en/1"]
    assert "over 52,428,800 bytes unpacked" in (opened.problem or "")


def large(size: int) -> bytes:
    padding = "<lastmod>2024-03-05T12:00:00Z</lastmod><changefreq>daily</changefreq>"
    return urlset(*(loc(number) + padding for number in range(size)))


@pytest.mark.slow
@pytest.mark.slow
def test_fifty_thousand_addresses_are_streamed_in_little_memory() -> None:
    body = gzip.compress(large(50_000))
    tracemalloc.start()
    try:
        assert sum(1 for _ in feeds.sitemap(body)) == 50_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * 1024 * 1024


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.skipif(sys.platform != "linux", reason="units of ru_maxrss")
def test_the_parse_tree_does_not_grow_with_the_sitemap(tmp_path: Path) -> None:
    (tmp_path / "large.xml").write_bytes(large(50_000))
    program = """if True:
        import resource, sys
        from rfispider import feeds
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with open(sys.argv[1], "rb") as source:
            print(sum(1 for _ in feeds.sitemap(source)))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    told = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "large.xml")],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ).stdout.split()
    assert told[0] == "50000"
    assert int(told[1]) < 4 * 1024


PIECES = st.sampled_from(
    [
        "<urlset>",
        "<url>",
        "</url>",
        "<loc>",
        "</loc>",
        "https://a.b/",
        "<sitemapindex>",
        "<sitemap>",
        "<!--",
        "]]>",
        "&",
        "\x00",
    ]
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(), st.lists(PIECES).map(lambda pieces: "".join(pieces).encode())))
def test_no_bytes_raise_anything_but_a_feed_error(body: bytes) -> None:
    for whole in (body, b"<urlset><url>" + body, gzip.compress(b"<urlset><url>" + body), b"\x1f\x8b\x08" + body):
        try:
            opened = feeds.sitemap(whole)
        except feeds.FeedError:
            continue
        assert all(entry.url.startswith("http") for entry in opened)
