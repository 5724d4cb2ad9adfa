"""Raw pages in few bytes: by zstd, with another page of their kind as the dictionary.

Menus, scripts and styles are the same in all pages of a kind; with a dictionary that has them, only the article is
left. Pure.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import zstandard

LEVEL: Final = 3
"""Of zstd: higher ones cost a multiple of the time for a few per cent of the size (benchmarks/reextract.py)."""

LEAST: Final = 16 * 1024
MAX_TEMPLATE_BYTES: Final = 1024 * 1024
"""Bytes of a page that may be a base: less has no furniture to share, more would lie in memory for long."""

UNLIKE: Final = 0.5
"""A page that with a base takes more than this share of what the base takes alone is not like it: the site has a new
design, or another one for such pages."""


@dataclass(frozen=True)
class PageTemplate:
    """A page that others are compressed with. May be used by several threads at once."""

    id: str
    """Its `_id` in the archive."""
    body: bytes
    packed: int
    """Bytes that it takes, compressed alone."""

    def is_like(self, body: bytes, packed: bytes) -> bool:
        """Whether a body, compressed to so much with this base, has enough in common with it."""
        return len(packed) * len(self.body) <= UNLIKE * self.packed * len(body)

    @cached_property
    def dictionary(self) -> zstandard.ZstdCompressionDict:
        """What zstd makes of it, once."""
        dictionary = _dictionary(self.body)
        dictionary.precompute_compress(level=LEVEL)
        return dictionary


class Compressor:
    """Compresses bodies, one after the other. For one thread, and for a while: it holds what each base takes anew."""

    def __init__(self) -> None:
        self._compressors: dict[str, zstandard.ZstdCompressor] = {}

    def compress(self, body: bytes, base: PageTemplate | None = None) -> bytes:
        """A body in few bytes, which `restored` needs the same base to read."""
        name = base.id if base else ""
        if name not in self._compressors:
            dictionary = base.dictionary if base else None
            self._compressors[name] = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True, dict_data=dictionary)
        return self._compressors[name].compress(body)


def restored(packed: bytes, size: int, base: bytes | None) -> bytes:
    """The body of `size` bytes that was compressed, with the base, which is given as it was compressed alone.

    Raises:
        zstandard.ZstdError: it is damaged, or the base is another one.

    """
    dictionary = _dictionary_of(base) if base is not None else None
    return zstandard.ZstdDecompressor(dict_data=dictionary).decompress(packed, max_output_size=size)


@lru_cache(maxsize=8)
def _dictionary_of(base: bytes) -> zstandard.ZstdCompressionDict:
    return _dictionary(zstandard.decompress(base, max_output_size=MAX_TEMPLATE_BYTES))


def _dictionary(body: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(body, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
