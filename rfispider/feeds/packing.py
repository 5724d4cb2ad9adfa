"""Documents that are packed with gzip, known by their first bytes, and unpacked to a limit."""

import gzip
import io
import zlib
from typing import IO, Final, Protocol, cast

from rfispider.feeds.result import FeedError

_GZIP: Final = b"\x1f\x8b"
DAMAGE: Final = (EOFError, OSError, zlib.error, ValueError)
"""What reading may raise."""


class _Source(Protocol):
    def peek(self, size: int, /) -> bytes: ...
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

    def beginning(self, size: int) -> bytes:
        """The first bytes, which stay to be read; none if they cannot be unpacked."""
        try:
            return self._stream.peek(size)[:size]
        except DAMAGE:
            return b""

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

    def whole(self) -> bytes:
        """All that is left to be read; of what is damaged what stands before the damage.

        Raises FeedError when that is nothing, and when it is more than the limit.
        """
        pieces = bytearray()
        try:
            while piece := self.read():
                pieces += piece
        except ValueError as error:
            raise FeedError(str(error)) from error
        except DAMAGE as error:
            if not pieces:
                raise FeedError(f"damaged gzip: {error}") from error
        return bytes(pieces)


def unpacked(body: bytes, max_bytes: int) -> bytes:
    """The bytes of a document, unpacked if it is packed; see `Unpacked.whole` for what is damaged or too large.

    >>> unpacked(gzip.compress(b"<rss/>"), max_bytes=100)
    b'<rss/>'
    """
    return Unpacked(body, max_bytes).whole() if body.startswith(_GZIP) else body
