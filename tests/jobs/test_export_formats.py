"""Files of documents: each format, and that a file is there whole or not at all."""

import csv
import gzip
import hashlib
import io
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker
from warcio.indexer import Indexer

from rfispider.items import Origin, Page
from rfispider.jobs import export
from rfispider.jobs.export import Format, Manifest, Output, OutputError, csv_file, parquet
from rfispider.jobs.export.manifest import beside
from rfispider.jobs.export.output_file import AtomicFile, write_text
from rfispider.storage import READER_FIELDS, rules

NOON = datetime(2026, 3, 1, 12, 0, 0, 5000)  # noqa: DTZ001 - as the store hands times over
DOCUMENT: dict[str, Any] = {
    "_id": "ab" * 16,
    "title": "Le port, « rouvert »\n锡船",
    "tags": ["harbour", "goats, nine"],
    "published_at": NOON,
    "images": [{"url": "https://img.example/1.jpg", "caption": "The quay"}],
    "provenance": {"title": "jsonld"},
    "revision": 3,
}


def written(
    path: Path, shape: Format, fields: tuple[str, ...] = tuple(DOCUMENT), batches: Any = ([DOCUMENT],)
) -> bytes:
    with Output(path, own=shape is Format.WARC) as output:
        encoder = export.encoder(shape, output, fields, rules())
        for batch in batches:
            encoder.write(batch)
        encoder.close()
    assert output.digest.sha256() == hashlib.sha256(path.read_bytes()).hexdigest()
    assert output.digest.bytes == path.stat().st_size
    return path.read_bytes()


# ---- Formats ---------------------------------------------------------------------------------------------


def test_json_lines_hold_what_is_known_with_times_in_utc(tmp_path: Path) -> None:
    lines = written(tmp_path / "a.jsonl", Format.JSONL, batches=([DOCUMENT], [DOCUMENT, {"_id": "x"}])).splitlines()
    assert json.loads(lines[0]) == DOCUMENT | {"published_at": "2026-03-01T12:00:00.005000Z"}
    assert [json.loads(line)["_id"] for line in lines] == ["ab" * 16, "ab" * 16, "x"]


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_no_cell_is_a_formula_for_a_spreadsheet(first: str) -> None:
    assert csv_file.cell(f"{first}HYPERLINK(1)").startswith("'")
    assert csv_file.cell(f"a{first}") == f"a{first}"


def test_csv_has_a_column_a_field_and_lists_as_json(tmp_path: Path) -> None:
    text = written(tmp_path / "a.csv", Format.CSV, ("title", "tags", "published_at", "agency", "revision")).decode()
    names, row = csv.reader(io.StringIO(text))
    assert dict(zip(names, row, strict=True)) == {
        "title": DOCUMENT["title"],
        "tags": '["harbour","goats, nine"]',
        "published_at": "2026-03-01T12:00:00.005000Z",
        "agency": "",
        "revision": "3",
    }


def test_parquet_has_typed_columns_and_null_for_what_is_not_known(tmp_path: Path) -> None:
    written(tmp_path / "a.parquet", Format.PARQUET, READER_FIELDS, ([DOCUMENT] * 3, [DOCUMENT]))
    read = pq.read_table(tmp_path / "a.parquet")
    assert tuple(read.column_names) == READER_FIELDS
    assert read.schema.field("published_at").type == pa.timestamp("ms", tz="UTC")
    row = read.to_pylist(maps_as_pydicts="strict")[3]
    assert {name: row[name] for name in DOCUMENT} == DOCUMENT | {
        "published_at": NOON.replace(tzinfo=UTC),
        "images": [{"url": "https://img.example/1.jpg", "caption": "The quay", "credit": None}],
    }
    assert row["agency"] is None


def test_parquet_holds_no_more_than_a_row_group_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROWS", 10)
    written(tmp_path / "a.parquet", Format.PARQUET, ("_id", "title"), [[DOCUMENT] * 4] * 25)
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups >= 8


@pytest.mark.parametrize("name", [*READER_FIELDS])
def test_every_field_has_a_column_type(name: str) -> None:
    assert isinstance(parquet.arrow(rules()[name]), pa.DataType)


PAGES = [
    Page(
        url="https://www.rfi.fr/en/africa/20260301-a-harbour",
        body="<p>Un été</p>".encode(),
        origin=Origin.PAGE,
        fetched_at=datetime(2026, 3, 1, 12, 0, 0, 5000, tzinfo=UTC),
        encoding="utf-8",
        headers=[("Content-Type", "text/html; charset=utf-8"), ("X-Note", "one\r\n two")],
    ),
    Page(
        url="https://www.rfi.fr/cn/%E4%B8%AD%E5%9B%BD/20260301-b",
        body="<p>锡船</p>".encode(),
        origin=Origin.ARCHIVE,
        fetched_at=datetime(2026, 3, 2, tzinfo=UTC),
    ),
]


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz"])
def test_a_warc_is_read_by_others_and_its_digests_hold(name: str, tmp_path: Path) -> None:
    written(tmp_path / name, Format.WARC, (), (PAGES,))
    with (tmp_path / name).open("rb") as stream:
        records = [
            (record.rec_type, record.rec_headers.get_header("WARC-Target-URI"), record.content_stream().read(), record)
            for record in ArchiveIterator(stream)
        ]
    assert [record[0] for record in records] == ["warcinfo", "response", "resource"]
    assert [record[1:3] for record in records[1:]] == [(page.url, page.body) for page in PAGES]
    response = records[1][3]
    assert response.http_headers.get_statuscode() == "200"
    assert response.http_headers.get_header("content-length") == str(len(PAGES[0].body))
    assert response.rec_headers.get_header("WARC-Date") == "2026-03-01T12:00:00.005Z"
    assert not Checker(type("Options", (), {"inputs": [str(tmp_path / name)], "verbose": False})()).process_all()
    found = io.StringIO()
    Indexer(["offset", "warc-type", "http:status"], [str(tmp_path / name)], str(tmp_path / "index")).process_all()
    found.write((tmp_path / "index").read_text())
    assert [json.loads(line)["warc-type"] for line in found.getvalue().splitlines()][1:] == ["response", "resource"]


def test_the_same_page_is_the_same_record_in_every_warc(tmp_path: Path) -> None:
    names = set()
    for name in ("a.warc", "b.warc"):
        written(tmp_path / name, Format.WARC, (), (PAGES[:1],))
        with (tmp_path / name).open("rb") as stream:
            names.add([record.rec_headers.get_header("WARC-Record-ID") for record in ArchiveIterator(stream)][1])
    assert len(names) == 1


@pytest.mark.parametrize(
    ("name", "shape"),
    [("a.jsonl", "jsonl"), ("a.csv.gz", "csv"), ("A.PARQUET", "parquet"), ("b.warc.gz", "warc"), ("-", None)],
)  # fmt: skip
def test_the_suffix_tells_the_format(name: str, shape: str | None) -> None:
    assert export.of_name(name) == shape


@pytest.mark.parametrize(("suffix", "opened"), [(".gz", gzip.open), (".zst", zstandard.open)])
def test_a_file_is_compressed_as_its_suffix_says(suffix: str, opened: Any, tmp_path: Path) -> None:
    path = tmp_path / f"a.jsonl{suffix}"
    written(path, Format.JSONL)
    with opened(path, "rb") as stream:
        assert json.loads(stream.read())["_id"] == DOCUMENT["_id"]


# ---- Whole or not at all ---------------------------------------------------------------------------------


def test_a_file_that_fails_halfway_leaves_the_one_before_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("before")

    def fail() -> None:
        with AtomicFile(path) as target:
            target.sink.write(b"half")
            assert path.read_text() == "before"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [each.name for each in tmp_path.iterdir()] == ["a.jsonl"]
    assert path.read_text() == "before"


def test_what_a_crash_left_behind_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / ".a.jsonl.part").write_text("a longer half of a file")
    write_text(tmp_path / "a.jsonl", "whole")
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"a.jsonl": "whole"}


def test_two_cannot_write_the_same_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with AtomicFile(path) as target:
        target.sink.write(b"first")
        with pytest.raises(OutputError, match="another process"), AtomicFile(path):
            pass
    assert path.read_text() == "first"


@pytest.mark.parametrize("plant", [Path.symlink_to, Path.hardlink_to], ids=["symbolic link", "hard link"])
@pytest.mark.parametrize("name", [".a.jsonl.part", ".a.jsonl.manifest.json.part"])
def test_a_link_that_somebody_planted_is_not_written_through(
    plant: Callable[[Path, Path], None], name: str, tmp_path: Path
) -> None:
    precious, output = tmp_path / "precious", tmp_path / "output"
    output.mkdir()
    precious.write_text("precious")
    plant(output / name, precious)
    write_text(output / "a.jsonl", "whole")
    write_text(output / "a.jsonl.manifest.json", "{}")
    assert precious.read_text() == "precious"
    assert {each.name: each.read_text() for each in output.iterdir()} == {
        "a.jsonl": "whole", "a.jsonl.manifest.json": "{}"
    }  # fmt: skip
    assert not any(each.is_symlink() or each.stat().st_nlink > 1 for each in output.iterdir())


def test_a_link_to_nothing_makes_no_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / ".a.jsonl.part").symlink_to(tmp_path / "elsewhere")
    write_text(tmp_path / "a.jsonl", "whole")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.jsonl"]


def test_a_pipe_under_the_hidden_name_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".a.jsonl.part")
    write_text(tmp_path / "a.jsonl", "whole")
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"a.jsonl": "whole"}


def test_what_cannot_be_removed_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".a.jsonl.part").mkdir()
    write_text(tmp_path / "a.jsonl", "whole")
    assert (tmp_path / "a.jsonl").read_text() == "whole"
    assert sorted(each.name for each in tmp_path.iterdir()) == [".a.jsonl.part", "a.jsonl"]


def test_a_hidden_file_that_was_replaced_meanwhile_does_not_get_the_name(tmp_path: Path) -> None:
    def write() -> None:
        with AtomicFile(tmp_path / "a.jsonl") as target:
            target.sink.write(b"ours")
            (tmp_path / ".a.jsonl.part").unlink()
            (tmp_path / ".a.jsonl.part").write_text("theirs")

    with pytest.raises(OutputError, match="replaced while it was written"):
        write()
    assert not (tmp_path / "a.jsonl").exists()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "a.jsonl").symlink_to(tmp_path / "real" / "a.jsonl")
    write_text(tmp_path / "a.jsonl", "x")
    assert (tmp_path / "a.jsonl").is_symlink()
    assert (tmp_path / "real" / "a.jsonl").read_text() == "x"


@pytest.mark.parametrize("path", ["", "none/a.jsonl", "/dev/null"])
def test_what_is_no_place_for_a_file_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError), AtomicFile(tmp_path / path):
        pass


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    manifest = Manifest(
        file="a.jsonl", format="jsonl", count=1, bytes=2, sha256="ab", query={"editions": ["cn"]}, fields=["title"],
        started_at="2026-03-01T12:00:00+00:00", finished_at="2026-03-01T12:00:01+00:00", position={"at": "x"},
    )  # fmt: skip
    manifest.write(tmp_path / "a.jsonl")
    assert Manifest.read(beside(tmp_path / "a.jsonl")) == manifest
