"""CSV: a line of names, then one record an article; UTF-8, lists and objects as JSON, nothing for what is not known.

People open it in spreadsheets, which take a cell that begins with = + - or @ for a formula, whoever wrote it. Such a
cell gets an apostrophe before it (OWASP, CSV injection). Who needs the exact text takes JSON lines or Parquet.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

import orjson

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""First characters of a formula; some spreadsheets read the full-width ones alike."""


class CsvWriter:
    """Writes documents as CSV with these columns."""

    def __init__(self, sink: BinaryIO, fields: Sequence[str]) -> None:
        self._sink = sink
        self._fields = fields
        sink.write(_text([fields]))

    def write(self, batch: Sequence[Mapping[str, Any]]) -> None:
        """Write one record for each document."""
        self._sink.write(packed(self._fields, batch))

    def close(self) -> None:
        """Nothing is left to write."""


def packed(fields: Sequence[str], batch: Sequence[Mapping[str, Any]]) -> bytes:
    """Documents as records, without the line of names."""
    return _text([[cell(document.get(name)) for name in fields] for document in batch])


def _text(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def cell(value: Any) -> str:
    """One value as a spreadsheet may have it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
    return orjson.dumps(value, default=str, option=orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z).decode()
