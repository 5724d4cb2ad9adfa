"""How our settings become Scrapy's."""

import math
import re
import runpy
from pathlib import Path

import pytest

from rfispider import setting_values, settings
from rfispider.setting_values import SettingError, derived

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
    assert setting_values.request_rate(DEFAULTS | given) == rate


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"RFI_RATE": "fast"}, "RFI_RATE: 'fast' is not a number from 0 to 1000"),
        ({"RFI_RATE": "-1"}, "RFI_RATE: '-1'"),
        ({"RFI_RATE": "nan"}, "RFI_RATE: 'nan'"),
        ({"RFI_RATE": "1e-300"}, "RFI_RATE: '1e-300' is neither 0 nor a number from 0.0001 to 1000"),
        ({"RFI_CONCURRENCY": "0"}, "RFI_CONCURRENCY: '0' is not a whole number from 1 to 1000"),
        ({"RFI_CONCURRENCY": "2.5"}, "RFI_CONCURRENCY: '2.5' is not a whole number from 1 to 1000"),
        ({"RFI_CONCURRENCY": "8", "RFI_IN_FLIGHT": "7"}, "RFI_IN_FLIGHT: '7' is not a whole number from 8 to 100000"),
        ({"RFI_CONCURRENCY": "8", "RFI_UNSETTLED": "7"}, "RFI_UNSETTLED: '7' is not a whole number from 8 to 100000"),
        ({"RFI_PAGE_BYTES": None}, "RFI_PAGE_BYTES: None"),
        ({"RFI_PAGE_BYTES": "1e99"}, "RFI_PAGE_BYTES: '1e99' is not a whole number from 1 to 1073741824"),
        ({"RFI_LIST_PAGES": "-1"}, "RFI_LIST_PAGES: '-1' is not a whole number from 0 to 100000"),
        ({"RFI_LIST_PAGES": "1_0"}, "RFI_LIST_PAGES: '1_0'"),
        ({"RFI_LIST_PAGES": "٣"}, "RFI_LIST_PAGES: '٣'"),
        ({"RFI_BATCH_SECONDS": "inf"}, "RFI_BATCH_SECONDS: 'inf' is not a number from 0 to 60"),
        ({"RFI_BATCH_SECONDS": float("nan")}, "RFI_BATCH_SECONDS: nan"),
        ({"RFI_FOLLOW_TOPICS": "yes"}, "RFI_FOLLOW_TOPICS: 'yes' is neither 0 nor 1"),
        ({"RFI_KEEP_PAGES": "2"}, "RFI_KEEP_PAGES: '2' is neither 0 nor 1"),
        ({"RFI_METRICS_PORT": "9" * 5000}, "RFI_METRICS_PORT: '9999"),
        ({"RFI_ALERT_MAIL": "a@x.example\nBcc: b@x.example"}, "RFI_ALERT_MAIL: "),
        (
            {"RFI_ALERT_MAIL": "a@x.example", "RFI_ALERT_SMTP": ""},
            "RFI_ALERT_MAIL: mail needs a server",
        ),
        ({"RFI_BASE_URL": "127.0.0.1:8099"}, "RFI_BASE_URL: '127.0.0.1:8099' is not an http"),
        ({"RFI_BASE_URL": "http://127.0.0.1:99999"}, "RFI_BASE_URL: 'http://127.0.0.1:99999' is not an http"),
        ({"RFI_BASE_URL": "http://mirror.example/?page=1"}, "RFI_BASE_URL: 'http://mirror.example/"),
        ({"RFI_BASE_URL": "http://[::1"}, "RFI_BASE_URL"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(given: dict[str, str], told: str) -> None:
    with pytest.raises(SettingError, match=re.escape(told)):
        derived(DEFAULTS | given)


def test_the_user_agent_says_what_this_is_and_whom_to_write_to() -> None:
    assert setting_values.user_agent("crawl@news.example").endswith("(+crawl@news.example)")
    assert "RFI_CONTACT" in setting_values.user_agent(" ")
    assert "Mozilla" not in setting_values.user_agent("")


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
    assert setting_values.in_flight({"RFI_CONCURRENCY": "8", "RFI_UNSETTLED": value}) == expected


@pytest.mark.parametrize("name", sorted(setting_values.RANGES))
@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e99", "9" * 400, "-1", "0x10", "a lot", math.inf, 1e99])
def test_no_number_is_endless_absurd_or_negative(name: str, value: object) -> None:
    with pytest.raises(SettingError, match=rf"^{name}: .* is not a (whole )?number from \S+ to \d+$"):
        derived(DEFAULTS | {name: value})


@pytest.mark.parametrize("name", sorted(name for name, each in setting_values.RANGES.items() if each.is_whole))
def test_no_whole_number_has_a_fraction(name: str) -> None:
    with pytest.raises(SettingError, match=f"^{name}: '3.5' is not a whole number"):
        derived(DEFAULTS | {name: "3.5"})


def test_an_error_about_the_mirror_repeats_no_password() -> None:
    with pytest.raises(SettingError) as refusal:
        derived(DEFAULTS | {"RFI_BASE_URL": "ftp://ann:s3cret@mirror.example"})
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("environment", "options", "expected"),
    [
        ({"RFI_IN_FLIGHT": "20"}, {}, 20),
        ({"RFI_UNSETTLED": "30"}, {}, 30),
        ({"RFI_IN_FLIGHT": "20", "RFI_UNSETTLED": "30"}, {}, 20),
        ({"RFI_IN_FLIGHT": "20"}, {"RFI_UNSETTLED": "40"}, 40),
        ({"RFI_UNSETTLED": "30"}, {"RFI_IN_FLIGHT": "50"}, 50),
    ],
)
def test_the_former_name_of_what_is_in_flight_is_read_too(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], options: dict[str, str], expected: int
) -> None:
    for name in ("RFI_IN_FLIGHT", "RFI_UNSETTLED"):
        monkeypatch.setenv(name, environment.get(name, ""))
    assert setting_values.in_flight(runpy.run_path(settings.__file__) | {"RFI_CONCURRENCY": "8"} | options) == expected


@pytest.mark.parametrize(
    "url",
    ["http://localhost:80", "http://127.9.9.9", "http://[::1]:8080", "http://[0:0:0:0:0:0:0:1]/", "HTTP://LOCALHOST"],
)
def test_this_machine_has_many_names(url: str) -> None:
    assert setting_values.on_this_machine(url)


@pytest.mark.parametrize("url", ["", "http://10.0.0.1", "http://127.news.example", "http://[fe80::1]", "http://[::]"])
def test_other_machines_are_not_this_one(url: str) -> None:
    assert not setting_values.on_this_machine(url)
