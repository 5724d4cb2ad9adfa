"""A response body made of segments, some of them shared by many pages, and its compressed form."""

import struct
import zlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import blake2b

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_BLOCK = b"\x03\x00"
"""An empty final block of deflate."""


class Segment:
    """A part of a document. It is compressed once, however many documents hold it."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    @cached_property
    def deflated(self) -> bytes:
        """Raw deflate blocks that end on a byte and refer to nothing before them, so that segments can be joined."""
        compressor = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        return compressor.compress(self.raw) + compressor.flush(zlib.Z_FULL_FLUSH)

    @cached_property
    def digest(self) -> bytes:
        """Names the content."""
        return blake2b(self.raw, digest_size=8).digest()


@dataclass(kw_only=True)
class Document:
    """What a path answers with."""

    kind: str
    """article, list, feed, sitemap, utility, text."""
    content_type: str
    segments: tuple[Segment, ...]
    modified: datetime
    """Aware; the Last-Modified header."""

    @cached_property
    def etag(self) -> str:
        """A strong validator, quoted."""
        return f'"{blake2b(b"".join(s.digest for s in self.segments), digest_size=12).hexdigest()}"'

    def raw(self) -> bytes:
        """The whole body."""
        return b"".join(segment.raw for segment in self.segments)

    def gzipped(self) -> bytes:
        """The whole body as one gzip member."""
        parts = [_GZIP_HEADER, *(segment.deflated for segment in self.segments), _LAST_BLOCK, self._trailer]
        return b"".join(parts)

    @cached_property
    def _trailer(self) -> bytes:
        checksum = size = 0
        for segment in self.segments:
            checksum = zlib.crc32(segment.raw, checksum)
            size += len(segment.raw)
        return struct.pack("<II", checksum, size & 0xFFFFFFFF)
