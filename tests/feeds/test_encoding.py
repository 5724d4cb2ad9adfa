import time

import pytest

from rfispider.feeds import encoding

RUSSIAN = "<p>Всё хорошо, тётя.</p>"
FRENCH = "<p>L’été dernier, à l’hôtel où l’on dînait.</p>"


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        (FRENCH.encode(), "iso-8859-1", FRENCH),
        (FRENCH.encode("cp1252"), "iso-8859-1", FRENCH),
        (FRENCH.encode("cp1252"), None, "<p>L\ufffd\ufffdt\ufffd"),
        (RUSSIAN.encode("cp1251"), "windows-1251", RUSSIAN),
        (RUSSIAN.encode("koi8-r"), "koi8-r", RUSSIAN),
        (RUSSIAN.encode("utf-16"), "utf-8", RUSSIAN),
        (RUSSIAN.encode("utf-16-le"), "utf-8", RUSSIAN),
        (RUSSIAN.encode("cp1251"), "utf-16", "\ufffd"),
        (b'<meta charset="windows-1251">' + RUSSIAN.encode("cp1251"), None, RUSSIAN),
        (b'<?xml version="1.0" encoding="gb2312"?>' + "船走了。".encode("gbk"), None, "船走了。"),
        ("船走了。".encode("gbk"), "x-gbk", "船走了。"),
    ],
)
def test_bytes_are_read_in_the_set_that_fits(body: bytes, charset: str | None, text: str) -> None:
    assert text in encoding.utf8(body, charset).decode()


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1251", "gbk", None])
@pytest.mark.parametrize("text", [FRENCH, RUSSIAN, "<p>船走了。</p>", "<p>One “word”.</p>"])
def test_one_bad_byte_in_utf_8_costs_one_character(text: str, charset: str | None) -> None:
    body = text.encode() + b"\xff" + text.encode()
    assert encoding.utf8(body, charset).decode() == f"{text}\ufffd{text}"


@pytest.mark.parametrize(
    "codec", ["zlib", "hex", "rot13", "idna", "punycode", "unicode_escape", "utf-7", "nonsense", ""]
)
def test_a_header_cannot_ask_for_what_is_no_character_set(codec: str) -> None:
    started = time.process_time()
    assert "\ufffd" in encoding.utf8(b"\xe9" + b"a-" * 100_000, codec).decode()
    assert time.process_time() - started < 1
