"""Documents that are packed with gzip, told by their first bytes, unpacked to a limit."""

import gzip
import io
import zlib
from typing import IO, Final, Protocol, cast

from rfispider.feeds.result import FeedError

_GZIP: Final = b"\x1f\x8b"


class _Source(Protocol):
    def read1(self, size: int = -1, /) -> bytes: ...


class Unpacked:
    """A stream of the unpacked bytes, which fails after a limit: a small file cannot unpack without end."""

    def __init__(self, source: bytes | IO[bytes], max_bytes: int) -> None:
        """Open a document, packed or not; raises FeedError when it is empty."""
        raw = io.BytesIO(source) if isinstance(source, bytes) else source
        stream = io.BufferedReader(cast("io.RawIOBase", raw))
        beginning = stream.peek(len(_GZIP))
        if not beginning:
            raise FeedError("empty")
        self._stream: _Source = gzip.GzipFile(fileobj=stream) if beginning.startswith(_GZIP) else stream
        self._left = self._max_bytes = max_bytes

    def read(self, size: int = -1, /) -> bytes:
        """At most so many bytes, none at the end.

        Raises:
            ValueError: they are more than the limit.
            EOFError, OSError, zlib.error: what was packed is damaged.

        """
        piece = self._stream.read1(size if 0 <= size <= self._left else self._left + 1)
        self._left -= len(piece)
        if self._left < 0:
            raise ValueError(f"over {self._max_bytes:,} bytes unpacked")
        return piece


def unpacked(body: bytes, max_bytes: int) -> bytes:
    """The bytes of a document, unpacked if it is packed.

    Raises FeedError when they are more than `max_bytes`, and when they were packed and not one can be read; of what
    is damaged further on comes what stands before the damage.

    >>> unpacked(gzip.compress(b"<rss/>"), max_bytes=100)
    b'<rss/>'
    """
    if not body.startswith(_GZIP):
        return body
    stream, pieces = Unpacked(body, max_bytes), bytearray()
    try:
        while piece := stream.read():
            pieces += piece
    except ValueError as error:
        raise FeedError(str(error)) from error
    except (EOFError, OSError, zlib.error) as error:
        if not pieces:
            raise FeedError(f"damaged gzip: {error}") from error
    return bytes(pieces)
