import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rfispider import feeds
from rfispider.items import Entry

SHARED = Path(__file__).parents[3] / "shared" / "corpus"
URL = "https://www.rfi.fr/cn/x/20240305-a"
HTML = "<div>05/03/2024 - 13:00</div><p>Words.</p><br><hr><div>More feeds</div>"
NOON = datetime(2024, 3, 5, 12, tzinfo=UTC)
STAMP = "<!--1709640000000-->"
FRONT = f'---\nlayout: post\ntitle: "In \\"front\\""\ndate: 2024-03-05T12:00:00.000Z\nfrom: {URL}\n---\n'
DOCUMENT = f"{STAMP}\n[Title]({URL})\n------\n\n{HTML}\n"


def test_an_archived_entry_gives_title_address_time_and_everything_below_the_rule() -> None:
    assert feeds.archived(DOCUMENT) == Entry(url=URL, title="Title", published_at=NOON, content=HTML)


@pytest.mark.parametrize(
    ("printed", "title"),
    [
        ("[video] of (a) thing", "[video] of (a) thing"),
        ("[a](b)", "[a](b)"),
        ("See [a](https://example.org/b) here", "See [a](https://example.org/b) here"),
        ("<时报> &quot;says&quot;", '<时报> "says"'),
        ("大&amp;#22338;", "大坂"),
        ("Title – Site - RFI", "Title – Site - RFI"),
        ("over\ntwo lines", "over two lines"),
        ("", None),
    ],
)
def test_a_title_may_hold_brackets_and_references(printed: str, title: str | None) -> None:
    entry = feeds.archived(f"{STAMP}\n[{printed}]({URL})\n------\n\n{HTML}")
    assert (entry.title, entry.url, entry.content) == (title, URL, HTML)


@pytest.mark.parametrize(
    ("printed", "url"),
    [
        ("http://www.rfi.fr//cn/a(b)", "http://www.rfi.fr//cn/a(b)"),
        ("https://www.rfi.fr/cn/中国/a\u3000b，c", "https://www.rfi.fr/cn/中国/a\u3000b，c"),
        ("https://www.rfi.fr/cn/\ufffd%EF%BF%BD", "https://www.rfi.fr/cn/\ufffd%EF%BF%BD"),
        ("/cn/a", "https://www.rfi.fr/cn/a"),
    ],
)
def test_the_address_comes_as_printed(printed: str, url: str) -> None:
    assert feeds.archived(f"{STAMP}\n[T]({printed})\n------\n{HTML}").url == url


@pytest.mark.parametrize(
    ("document", "published"),
    [
        (DOCUMENT, NOON),
        (DOCUMENT.replace("\n", "\r\n"), NOON),
        ("\ufeff\n" + DOCUMENT, NOON),
        (DOCUMENT.replace("000-->", "-->"), NOON),
        (DOCUMENT.replace(STAMP + "\n", ""), None),
        (DOCUMENT.replace(STAMP, "<!-- " + "9" * 16 + " -->"), None),
        (FRONT + DOCUMENT.replace("1709640000000", "1709640060000"), NOON.replace(minute=1)),
        (FRONT + DOCUMENT.replace(STAMP + "\n", ""), NOON),
        (DOCUMENT.replace("------\n", ""), NOON),
    ],
    ids=["plain", "crlf", "mark", "seconds", "no time", "overflow", "front matter", "front time only", "no rule"],
)
def test_what_is_missing_from_the_header_costs_only_itself(document: str, published: datetime | None) -> None:
    entry = feeds.archived(document)
    assert (entry.url, entry.title, entry.published_at) == (URL, "Title", published)
    assert entry.content is not None
    assert entry.content.replace("\r", "") == HTML


def test_front_matter_stands_in_for_a_missing_header() -> None:
    entry = feeds.archived(FRONT + HTML)
    assert entry == Entry(url=URL, title='In "front"', published_at=NOON, content=HTML)


@pytest.mark.parametrize(
    ("line", "authors", "keywords"),
    [
        ("author: 法广", [], []),
        ("author: 'Ann Author'", ["Ann Author"], []),
        ("author: [RFI, AFP]", ["AFP"], []),
        ("tags: [ 法广 ]", [], []),
        ('tags: [ "one", two, one ]', [], ["one", "two"]),
    ],
)
def test_the_site_itself_is_no_author_and_no_keyword(line: str, authors: list[str], keywords: list[str]) -> None:
    entry = feeds.archived(f"---\n{line}\n---\n{DOCUMENT}")
    assert (entry.authors, entry.keywords) == (authors, keywords)


def test_a_rule_further_down_is_part_of_the_article() -> None:
    assert feeds.archived(f"{STAMP}\n[T]({URL})\n------\n<p>a</p>\n------\n<p>b</p>").content == (
        "<p>a</p>\n------\n<p>b</p>"
    )


def test_an_entry_without_body_has_no_content() -> None:
    assert feeds.archived(f"{STAMP}\n[T]({URL})\n------\n\n").content is None


@pytest.mark.parametrize(
    "document",
    [
        "",
        " \n",
        "words",
        HTML,
        STAMP,
        f"{STAMP}\n------\n{HTML}",
        "---\ntitle: T\n---\n" + HTML,
        f"---\nfrom: {URL}\n---\n",
    ],
    ids=["empty", "blank", "words", "html", "time", "no link", "no address", "no title"],
)
def test_a_document_without_header_is_refused(document: str) -> None:
    with pytest.raises(feeds.FeedError, match="no header"):
        feeds.archived(document)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(feeds.FeedError, match="no web address"):
        feeds.archived(f"{STAMP}\n[T](https://[bad)\n------\n")


PIECES = st.sampled_from(
    ["---\n", STAMP, "[", "](", URL, ")", "\n", "------\n", "title: ", "from: ", "<p>", "\x00", " ", "/"]
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.lists(PIECES).map("".join), st.text().map(lambda text: DOCUMENT + text)))
def test_no_text_raises_anything_but_a_feed_error(document: str) -> None:
    try:
        entry = feeds.archived(document)
    except feeds.FeedError:
        return
    assert entry.url.startswith("http")


# ---- documents -------------------------------------------------------------------------------------------

ParseResult = list[tuple[str, str]]


def read(path: Path) -> ParseResult:
    """What comes out, with errors as text after a cross."""
    return [
        (name, f"✗ {document}" if isinstance(document, feeds.FeedError) else document)
        for name, document in feeds.documents(path)
    ]


def tar(path: Path, mode: str) -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, body in (("b/2.md", b"two"), ("a.md", b"one"), (".hidden", b"no"), ("bad.md", b"\xff\xfa")):
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
        link = tarfile.TarInfo("link.md")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)


def pack(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in (("b/2.md", b"two"), ("a.md", b"one"), ("__MACOSX/._a", b"no"), ("bad.md", b"\xff\xfa")):
            archive.writestr(name, body)
        link = zipfile.ZipInfo("link.md")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/hostname")


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("x.tar", lambda path: tar(path, "w")),
        ("x.tar.gz", lambda path: tar(path, "w:gz")),
        ("x.TGZ", lambda path: tar(path, "w:gz")),
        ("x.tar.xz", lambda path: tar(path, "w:xz")),
        ("x.zip", pack),
    ],
)
def test_archives_give_their_members_in_order_and_follow_no_link(
    tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    make(tmp_path / name)
    found = read(tmp_path / name)
    assert found[:2] == [("b/2.md", "two"), ("a.md", "one")]
    assert [one for one, _ in found[2:]] == ["bad.md", "link.md"]
    assert found[2][1].startswith("✗ not utf-8: invalid start byte at byte 0")
    assert found[3][1] == "✗ a link, not followed"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_directory_is_read_in_order_of_names_with_the_archives_in_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.md").write_text("b")
    (tmp_path / "sub" / "a.md").write_text("a")
    (tmp_path / "first.md").write_text("first")
    (tmp_path / ".hidden").write_text("no")
    (tmp_path / "link.md").symlink_to("/etc/hostname")
    (tmp_path / "round").symlink_to(tmp_path)
    tar(tmp_path / "more.tar", "w")
    os.mkfifo(tmp_path / "pipe")
    assert [name for name, _ in read(tmp_path)] == [
        *("first.md", "link.md", "more.tar/b/2.md", "more.tar/a.md", "more.tar/bad.md", "more.tar/link.md"),
        *("pipe", "round", "sub/a.md", "sub/b.md"),
    ]
    assert dict(read(tmp_path))["pipe"] == "✗ not a regular file"
    assert dict(read(tmp_path))["round"] == "✗ a link, not followed"


def test_a_single_file_is_one_document(tmp_path: Path) -> None:
    (tmp_path / "seed.txt").write_text(DOCUMENT)
    assert read(tmp_path / "seed.txt") == [("seed.txt", DOCUMENT)]


def test_a_file_of_several_entries_comes_out_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "all.md").write_text(DOCUMENT + FRONT + DOCUMENT + DOCUMENT)
    found = read(tmp_path / "all.md")
    assert found == [("all.md#1", DOCUMENT), ("all.md#2", FRONT + DOCUMENT), ("all.md#3", DOCUMENT)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "✗ empty"),
        (b" \n", "✗ empty"),
        (b"a\x00b", "✗ a binary file, not text"),
        ("中文".encode("gb18030"), "✗ not utf-8: invalid"),
        (b"x" * (16 * 1024 * 1024 + 1), "✗ over the limit of 16,777,216 bytes"),
        ("中文".encode("utf-8-sig"), "中文"),
        ("中文".encode("utf-16"), "中文"),
    ],
    ids=["empty", "blank", "binary", "gb18030", "large", "mark", "utf-16"],
)
def test_a_document_that_is_no_text_says_why(tmp_path: Path, body: bytes, expected: str) -> None:
    (tmp_path / "a.md").write_bytes(body)
    [(name, found)] = read(tmp_path / "a.md")
    assert name == "a.md"
    assert found.startswith(expected)


def test_a_missing_path_says_so(tmp_path: Path) -> None:
    assert read(tmp_path / "none.md") == [("none.md", "✗ no such file or directory")]


@pytest.mark.parametrize("name", ["x.tar.gz", "x.tar", "x.zip"])
@pytest.mark.parametrize("body", [b"", b"nonsense" * 100, b"\x1f\x8b\x08\x04\0\0\0\0\0\0x"])
def test_an_archive_that_is_none_says_so(tmp_path: Path, name: str, body: bytes) -> None:
    (tmp_path / name).write_bytes(body)
    [(found, why)] = read(tmp_path / name)
    assert found == name
    assert why.startswith("✗ cannot be read")


def test_a_cut_archive_gives_what_came_before_the_cut(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz", compresslevel=0) as archive:
        for number in range(20):
            member = tarfile.TarInfo(f"{number}.md")
            member.size = 20_000
            archive.addfile(member, io.BytesIO(b"x" * 20_000))
    whole = (tmp_path / "x.tar.gz").read_bytes()
    (tmp_path / "x.tar.gz").write_bytes(whole[: len(whole) // 2])
    found = read(tmp_path / "x.tar.gz")
    assert found[0] == ("0.md", "x" * 20_000)
    assert found[-1][1].startswith("✗ cannot be read")


def test_one_damaged_member_of_a_zip_costs_no_other(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in ("a", "b", "c"):
            archive.writestr(name, f"document {name}")
    body = (tmp_path / "x.zip").read_bytes().replace(b"document b", b"document X", 1)
    (tmp_path / "x.zip").write_bytes(body)
    found = read(tmp_path / "x.zip")
    assert [document for _, document in found] == ["document a", found[1][1], "document c"]
    assert found[1][1].startswith("✗ cannot be read: Bad CRC-32")


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real documents are not here")
def test_every_real_document_reads_without_error() -> None:
    read_entries = [
        feeds.archived(document)
        for source in ("rfi-cn-docs.tar.gz", "seed.txt")
        for _, document in feeds.documents(SHARED / source)
        if isinstance(document, str)
    ]
    assert len({entry.url for entry in read_entries}) == len(read_entries) == 6576
    assert all(entry.title and entry.content and entry.published_at for entry in read_entries)
