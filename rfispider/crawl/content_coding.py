"""Content codings of HTTP (RFC 9110, 8.4.1), read strictly: content that did not arrive whole is an error. Pure.

Scrapy's own readers return as much as there is, which makes half an article of a response that broke off.
"""

import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHUNK_BYTES: Final = 65_536
"""Content is decoded in pieces of this size, so that a small body cannot become a large one unseen."""

_GZIP: Final = zlib.MAX_WBITS | 16
_ZLIB: Final = zlib.MAX_WBITS
_RAW_DEFLATE: Final = -zlib.MAX_WBITS


class ContentBroken(ValueError):
    """The content breaks off, goes on behind its end, or fails its checksum."""


class ContentTooLarge(ValueError):
    """The content is larger than is allowed."""


def decoded(body: bytes, coding: str, max_bytes: int = 0) -> bytes:
    """The content of a body, of at most so many bytes (0: without limit); `coding` is a key of `DECODERS`.

    An empty body has no content, whatever its coding.

    Raises:
        ContentBroken: the body is not one whole piece of this coding.
        ContentTooLarge: its content exceeds the limit.

    >>> decoded(zlib.compress(b"whole"), "deflate")
    b'whole'
    """
    content = bytearray()
    try:
        for chunk in DECODERS[coding](body) if body else ():
            content += chunk
            if max_bytes and len(content) > max_bytes:
                raise ContentTooLarge(f"more than {max_bytes} bytes of {coding} content")
    except (zlib.error, zstd.ZstdError, brotli.error) as error:
        raise ContentBroken(f"broken {coding} content: {error}") from error
    return bytes(content)


def _gzip(body: bytes) -> Iterator[bytes]:
    """All members (RFC 1952, 2.2), behind which there may be zeros only."""
    while body.strip(b"\0"):
        decoder = zlib.decompressobj(_GZIP)
        yield from _inflated(decoder, body, "gzip")
        body = decoder.unused_data


def _deflate(body: bytes) -> Iterator[bytes]:
    """A zlib stream (RFC 1950), or what some servers send for it: the same without header and checksum."""
    decoder = zlib.decompressobj(_ZLIB if _has_zlib_header(body) else _RAW_DEFLATE)
    yield from _inflated(decoder, body, "deflate")
    if decoder.unused_data:
        raise ContentBroken("deflate content goes on behind its end")


def _has_zlib_header(body: bytes) -> bool:
    # RFC 1950, 2.2: method 8, and a check of the first two bytes. No encoder begins raw deflate with such bytes.
    return body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0


def _inflated(decoder: Any, body: bytes, coding: str) -> Iterator[bytes]:
    while not decoder.eof:
        chunk = decoder.decompress(body, CHUNK_BYTES)
        body = decoder.unconsumed_tail
        if not chunk and not body and not decoder.eof:
            raise ContentBroken(f"{coding} content breaks off")
        yield chunk


def _zstd(body: bytes) -> Iterator[bytes]:
    """All frames (RFC 8878, 3)."""
    while body:
        decoder = zstd.ZstdDecompressor()
        yield decoder.decompress(body, CHUNK_BYTES)
        while not decoder.eof:
            if decoder.needs_input:
                raise ContentBroken("zstd content breaks off")
            yield decoder.decompress(b"", CHUNK_BYTES)
        body = decoder.unused_data


def _brotli(body: bytes) -> Iterator[bytes]:
    decoder = brotli.Decompressor()
    chunk = decoder.process(body, output_buffer_limit=CHUNK_BYTES)
    yield chunk
    while not decoder.is_finished():
        chunk = decoder.process(b"", output_buffer_limit=CHUNK_BYTES)
        if not chunk and not decoder.is_finished():
            raise ContentBroken("br content breaks off")
        yield chunk


DECODERS: Final[Mapping[str, Callable[[bytes], Iterator[bytes]]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
"""The codings that are accepted, each with what decodes it piece by piece."""
