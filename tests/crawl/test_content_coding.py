"""Content that did not arrive whole is no content."""

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from rfispider.crawl.content_coding import ContentBroken, ContentTooLarge, decoded

CONTENT = "".join(f"Paragraph {number}: the crew counted boat {number}.\n" for number in range(20_000)).encode()


def raw_deflate(content: bytes) -> bytes:
    return zlib.compress(content, wbits=-zlib.MAX_WBITS)


Encode = Callable[[bytes], bytes]
ENCODERS: list[tuple[str, Encode]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("br", lambda content: brotli.compress(content, quality=3)),
    ("zstd", zstd.compress),
]
codings = pytest.mark.parametrize(("coding", "encode"), ENCODERS, ids=["gzip", "x-gzip", "zlib", "raw", "br", "zstd"])


@codings
@pytest.mark.parametrize("content", [CONTENT, b"x", b""], ids=["long", "short", "empty"])
def test_whole_content_is_read(coding: str, encode: Encode, content: bytes) -> None:
    assert decoded(encode(content), coding) == content


@codings
@pytest.mark.parametrize("share", [0.0001, 0.3, 0.66, 0.999, 1])
def test_content_that_breaks_off_is_broken(coding: str, encode: Encode, share: float) -> None:
    body = encode(CONTENT)
    with pytest.raises(ContentBroken):
        decoded(body[: max(1, min(int(share * len(body)), len(body) - 1))], coding)


@codings
def test_content_that_goes_on_behind_its_end_is_broken(coding: str, encode: Encode) -> None:
    for content in (CONTENT, b"short"):
        with pytest.raises(ContentBroken):
            decoded(encode(content) + b"<html>", coding)


@codings
def test_content_in_another_coding_is_broken(coding: str, encode: Encode) -> None:
    with pytest.raises(ContentBroken):
        decoded(b"<!DOCTYPE html><html><body>" + CONTENT, coding)


@codings
def test_content_that_grows_too_large_is_refused_before_it_is_read(coding: str, encode: Encode) -> None:
    with pytest.raises(ContentTooLarge):
        decoded(encode(b"\0" * 50_000_000), coding, 1_000_000)
    assert len(decoded(encode(b"\0" * 1_000_000), coding, 1_000_000)) == 1_000_000


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("place", [-1, -4, -8])
def test_content_that_fails_its_checksum_is_broken(coding: str, place: int) -> None:
    body = bytearray({"gzip": gzip.compress, "deflate": zlib.compress}[coding](CONTENT))
    body[place] ^= 0xFF
    with pytest.raises(ContentBroken):
        decoded(bytes(body), coding)


def test_all_members_of_gzip_and_all_frames_of_zstd_are_read() -> None:
    assert decoded(gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0", "gzip") == b"one two"
    assert decoded(zstd.compress(b"one ") + zstd.compress(b"two"), "zstd") == b"one two"
    for coding, encode in (("gzip", gzip.compress), ("zstd", zstd.compress)):
        with pytest.raises(ContentBroken):
            decoded((encode(b"one ") + encode(CONTENT))[:-9], coding)


def test_an_empty_body_has_no_content() -> None:
    assert [decoded(b"", coding) for coding, _ in ENCODERS] == [b""] * len(ENCODERS)


@given(st.binary(max_size=200), st.sampled_from(ENCODERS), st.data())
def test_no_cut_is_taken_for_the_whole(content: bytes, coder: tuple[str, Encode], data: st.DataObject) -> None:
    coding, encode = coder
    body = encode(content)
    with pytest.raises(ContentBroken):
        decoded(body[: data.draw(st.integers(1, len(body) - 1))] if len(body) > 1 else b"\xff\xff\xff", coding)
