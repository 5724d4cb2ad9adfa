import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfispider import text


@pytest.mark.parametrize(
    ("printed", "wanted"),
    [
        ("  one \t two\n\nthree  ", "one two three"),
        ("no\u00a0break", "no break"),
        ("　　缩进　的段落", "缩进 的段落"),
        ("cafe\u0301", "café"),
        ("a\x00b\x07c\ufeff", "abc"),
        ("", ""),
    ],
)
def test_a_line_has_single_spaces_and_no_control_characters(printed: str, wanted: str) -> None:
    assert text.line(printed) == wanted


@pytest.mark.parametrize("spelt", ["می\u200cخواهم", "ភាសា\u200bខ្មែរ", "क्\u200dष"])
def test_a_line_keeps_the_invisible_characters_of_spelling(spelt: str) -> None:
    assert text.line(spelt) == spelt


@pytest.mark.parametrize("invisible", ["\u00ad", "\u200b", "\u200e", "\u2060", "\ufeff"])
def test_texts_are_compared_without_invisible_characters(invisible: str) -> None:
    assert text.normalise(f"first{invisible} second") == "first second"


def test_texts_are_compared_with_the_joiners_of_persian() -> None:
    assert text.normalise("می\u200cشود") != text.normalise("میشود")


@given(st.text())
def test_normalising_twice_changes_nothing(given_text: str) -> None:
    once = text.normalise(given_text)
    assert text.normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    once.encode("utf-8")


def test_the_hash_tells_its_version_and_has_32_digits() -> None:
    version, digits = text.content_hash("lead", "text").split(":")
    assert version == text.HASH_VERSION == "1"
    assert len(digits) == 32
    assert int(digits, 16) >= 0


def test_a_hash_once_given_stays() -> None:
    assert text.content_hash("A lead.", "First.\n\nSecond.") == "1:8b678477961f561549019094ae19f412"


@pytest.mark.parametrize(
    ("lead", "body"),
    [
        ("A  lead", "one\n\ntwo"),
        ("A lead", "one \n\n\n two\n\n"),
        ("A lead\u200b", "one\n\ntw\u00ado"),
    ],
)
def test_white_space_and_invisible_characters_do_not_change_the_hash(lead: str, body: str) -> None:
    assert text.content_hash(lead, body) == text.content_hash("A lead", "one\n\ntwo")


@pytest.mark.parametrize(
    ("lead", "body"),
    [
        ("A lead", "one\n\nthree"),
        ("Another", "one\n\ntwo"),
        (None, "one\n\ntwo"),
        ("A lead", "one two"),
        ("A lead", ""),
    ],
)
def test_another_text_has_another_hash(lead: str | None, body: str) -> None:
    assert text.content_hash(lead, body) != text.content_hash("A lead", "one\n\ntwo")


def test_an_empty_lead_is_no_lead() -> None:
    assert text.content_hash("", "text") == text.content_hash(None, "text")


def test_text_is_not_taken_for_lead() -> None:
    assert text.content_hash("same", "") != text.content_hash(None, "same")


@given(st.text(), st.text())
def test_any_text_has_a_hash(lead: str, body: str) -> None:
    assert text.content_hash(lead, body).startswith("1:")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://www.rfi.fr/cn/rss", "https://www.rfi.fr/cn/rss"),
        ("http://127.0.0.1:8099/cn/@name?page=2", "http://127.0.0.1:8099/cn/@name?page=2"),
        ("http://[::1]:8080/a,b@c", "http://[::1]:8080/a,b@c"),
        ("https://ann:s3cret@host/rss", "https://***@host/rss"),
        ("https://ann@host/rss", "https://***@host/rss"),
        ("https://ann:s3c@ret@host/", "https://***@host/"),
        ("https://ann:s3c/ret@host/", "https://***@host/"),
        ("https://a:1@x/,https://b:2@y/", "https://***@x/,https://***@y/"),
        ("https://host/?token=abc&page=2", "https://host/?token=***&page=2"),
        ("https://host/?page=2;API_KEY=abc", "https://host/?page=2;API_KEY=***"),
        ("https://host/#access_token=abc", "https://host/#access_token=***"),
        ("see https://host/?password=a%20b now", "see https://host/?password=*** now"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert text.without_credentials(url) == shown
    assert text.without_credentials(shown) == shown
