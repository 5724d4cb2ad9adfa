"""JSON lines: one document a line, UTF-8, times in ISO 8601 with Z, what is not known left out."""

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import orjson

_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z


def packed(batch: Sequence[Mapping[str, Any]]) -> bytes:
    """Documents as lines."""
    return b"".join([orjson.dumps(document, default=str, option=_OPTIONS) for document in batch])


class JsonLines:
    """Writes documents as JSON lines."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink

    def write(self, batch: Sequence[Mapping[str, Any]]) -> None:
        """Write one line for each document."""
        self._sink.write(packed(batch))

    def close(self) -> None:
        """Nothing is left to write."""
