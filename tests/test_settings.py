"""How our settings become Scrapy's."""

from pathlib import Path

import pytest

from rfispider import settings
from rfispider.settings import SettingError, derived

DEFAULTS = {name: value for name, value in vars(settings).items() if name.startswith("RFI_")}


@pytest.mark.parametrize(
    ("given", "rate"),
    [
        ({}, 1),
        ({"RFI_RATE": "4"}, 4),
        ({"RFI_RATE": "0"}, 0),
        ({"RFI_BASE_URL": "http://127.0.0.1:8099"}, 0),
        ({"RFI_BASE_URL": "http://localhost:8099/"}, 0),
        ({"RFI_BASE_URL": "http://127.0.0.1:8099", "RFI_RATE": "5"}, 5),
        ({"RFI_BASE_URL": "https://mirror.example"}, 1),
    ],
)
def test_one_request_a_second_is_made_unless_told_otherwise_or_to_this_machine(
    given: dict[str, str], rate: float
) -> None:
    assert settings.request_rate(DEFAULTS | given) == rate


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"RFI_RATE": "fast"}, "RFI_RATE: 'fast' is not a number of at least 0"),
        ({"RFI_RATE": "-1"}, "RFI_RATE: '-1'"),
        ({"RFI_RATE": "nan"}, "RFI_RATE: 'nan'"),
        ({"RFI_CONCURRENCY": "0"}, "RFI_CONCURRENCY: '0' is not a number of at least 1"),
        ({"RFI_CONCURRENCY": "8", "RFI_UNSETTLED": "7"}, "RFI_UNSETTLED: '7' is not a number of at least 8"),
        ({"RFI_PAGE_BYTES": None}, "RFI_PAGE_BYTES: None"),
        ({"RFI_LIST_PAGES": "-1"}, "RFI_LIST_PAGES: '-1' is not a number of at least 0"),
        ({"RFI_BASE_URL": "127.0.0.1:8099"}, "RFI_BASE_URL: '127.0.0.1:8099' is not an http"),
        ({"RFI_BASE_URL": "http://[::1"}, "RFI_BASE_URL"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(given: dict[str, str], told: str) -> None:
    with pytest.raises(SettingError, match=told.replace("[", r"\[")):
        derived(DEFAULTS | given)


def test_the_user_agent_says_what_this_is_and_whom_to_write_to() -> None:
    assert settings.user_agent("crawl@news.example").endswith("(+crawl@news.example)")
    assert "RFI_CONTACT" in settings.user_agent(" ")
    assert "Mozilla" not in settings.user_agent("")


@pytest.mark.parametrize("name", ["TELNETCONSOLE_ENABLED", "REMOTE_CONTROL_ENABLED", "COOKIES_ENABLED"])
def test_doors_that_nobody_needs_are_shut(name: str) -> None:
    assert getattr(settings, name) is False


def test_robots_txt_is_obeyed() -> None:
    assert settings.ROBOTSTXT_OBEY is True


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "uri"
    file.write_text("mongodb://user:word@host/\n")
    monkeypatch.setenv("MONGO_URI_FILE", str(file))
    monkeypatch.delenv("MONGO_URI", raising=False)
    assert settings.secret("MONGO_URI") == "mongodb://user:word@host/"
    monkeypatch.setenv("MONGO_URI", "mongodb://other/")
    assert settings.secret("MONGO_URI") == "mongodb://other/"


def test_a_file_of_a_secret_that_cannot_be_read_ends_the_program_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RFI_SECRET_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit, match=r"RFI_SECRET_FILE: .*No such file") as told:
        settings.secret("RFI_SECRET")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(("value", "expected"), [("", 8), (" ", 8), ("64", 64)])
def test_as_many_urls_are_in_flight_as_requests_unless_more_are_wanted(value: str, expected: int) -> None:
    assert settings.in_flight({"RFI_CONCURRENCY": "8", "RFI_UNSETTLED": value}) == expected
