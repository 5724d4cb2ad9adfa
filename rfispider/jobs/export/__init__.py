"""Documents in, files out. All but `run` know nothing of where the documents come from.

output_file  a file that is there whole or not at all, compressed by its suffix, with its SHA-256
jsonl        JSON lines
csv_file     CSV
parquet      Parquet
warc         WARC, of raw pages
manifest     what a file holds and how it was made
parallel     formatting while the next articles are read
run          all of it together: one export of an archive

An encoder takes batches by `write` and ends the file by `close`.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, BinaryIO, Protocol

from rfispider.jobs.export import csv_file, jsonl
from rfispider.jobs.export.csv_file import CsvWriter
from rfispider.jobs.export.jsonl import JsonLines
from rfispider.jobs.export.manifest import Manifest
from rfispider.jobs.export.output_file import Output, OutputError, compression, stripped, write_text
from rfispider.jobs.export.warc import WarcWriter

__all__ = [
    "Encoder",
    "Format",
    "JsonLines",
    "Manifest",
    "MissingExtra",
    "Output",
    "OutputError",
    "WarcWriter",
    "compression",
    "encoder",
    "of_name",
    "packer",
    "write_text",
]


class Format(StrEnum):
    """The formats of files, by their usual suffix."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    WARC = "warc"


class Encoder(Protocol):
    """Writes batches of what it is made for."""

    def write(self, batch: Sequence[Any]) -> None:
        """Write a batch."""

    def close(self) -> None:
        """Write what the format has at its end; the file stays open."""


class MissingExtra(Exception):
    """A format needs a package that is not installed; the message is one line and names the extra."""


def of_name(name: str) -> Format | None:
    """The format that a file's name has as its suffix, before that of a compression; None when there is none.

    >>> of_name("march.csv.gz")
    <Format.CSV: 'csv'>
    """
    suffix = stripped(name).rpartition(".")[2].lower()
    return Format(suffix) if suffix in set(Format) else None


def encoder(format_: Format, output: Output, fields: Sequence[str], rules: Mapping[str, Any]) -> Encoder:
    """What writes documents of these fields, or pages, to an open output; `rules` are those of the fields' validators.

    Raises:
        MissingExtra: the format needs a package that is not installed.

    """
    sink = output.sink
    encoders: Mapping[Format, Callable[[], Encoder]] = {
        Format.JSONL: lambda: JsonLines(sink),
        Format.CSV: lambda: CsvWriter(sink, fields),
        Format.PARQUET: lambda: _parquet(sink, fields, rules),
        Format.WARC: lambda: WarcWriter(sink, compressed=output.is_compressed),
    }
    return encoders[format_]()


def packer(format_: Format, fields: Sequence[str]) -> Callable[[Sequence[Mapping[str, Any]]], bytes] | None:
    """What turns a batch into the bytes that the encoder would write of it, wherever; None if batches depend on others.

    It can be sent to another process.
    """
    if format_ is Format.JSONL:
        return jsonl.packed
    return partial(csv_file.packed, fields) if format_ is Format.CSV else None


def _parquet(sink: BinaryIO, fields: Sequence[str], rules: Mapping[str, Any]) -> Encoder:
    try:
        from rfispider.jobs.export.parquet import ParquetWriter  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise MissingExtra("Parquet needs pyarrow: pip install 'rfispider[parquet]'") from error
    return ParquetWriter(sink, fields, rules)
