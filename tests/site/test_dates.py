from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfispider.site import dates

FIRST = datetime(1900, 1, 1)  # noqa: DTZ001 - hypothesis takes no zone
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "printed",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01t12:00z",
        "2026-03-01T12:00:00.000000000Z",
        "2026-03-01T13:00:00+0100",
        "2026-03-01 13:00:00 +01:00",
        "2026-03-01T14:00+02",
        "2026-03-01T14:00:00+02:00[Europe/Paris]",
        "20260301T120000Z",
        "20260301T12Z",
        "2026/03/01 12:00 UTC",
        "2026/3/1 13:00",
        "2026-03-01T13:00",
        "Sun, 01 Mar 2026 12:00:00 GMT",
        "Sun, 1 Mar 2026 12:00:00 -0000",
        "Sun, 1 March 2026 12:00 UT",
        "1 Mar 26 12:00 Z",
        "Sun, 01 Mar 2026 14:00:00 GMT+2",
        "Sun, 01 Mar 2026 20:00:00 UTC+08:00",
        "Sun, 01 Mar 2026 20:00:00 UTC +8",
        "Sun, 01 Mar 2026 20:00:00 +08",
        "Sun, 01 Mar 2026 15:00:00 MSK",
        "Sun, 01 Mar 2026 13:00:00 CET",
        "Sun, 01 Mar 2026 07:00:00 EST",
        "Sun, 01 Mar 2026 13:00:00 +0100 (CET)",
        "Sun, 01 Mar 2026 13:00:00 (CET)",
        "Sun, 01 Mar 2026 13:00:00",
        "Sun Mar 01 2026 13:00:00 GMT+0100 (Central European Standard Time)",
        "Sun Mar  1 13:00:00 2026",
        "Sun Mar  1 12:00:00 UTC 2026",
        "March 1, 2026 13:00",
        "\n 2026-03-01T07:00:00\N{MINUS SIGN}05:00 ",
    ],
)
def test_one_moment_is_read_in_every_form_that_is_not_ambiguous(printed: str) -> None:
    assert dates.moment(printed) == NOON


@pytest.mark.parametrize(
    "printed",
    [
        *("", "soon", "7", 7, None, "2026", "2026-03", "03-01", "12:00", "2026-03-01", "x" * 10_000),
        *("2026-02-30T12:00Z", "2026-13-01T12:00Z", "2026-03-01T25:00Z", "2026-03-01T12:60Z", "0000-00-00T00:00:00"),
        *("2026-03-01T12:00+15:00", "2026-03-01T12:00+08:60", "2026-03-01T12:00 XYZ", "2026-03-01 02:00 PM"),
        *("01/03/2026 12:00", "03/01/26 12:00", "1 Foo 2026 12:00:00 GMT", "Sun, 01 Mar 2026 12:00:00 CST"),
        *(
            "9999-12-31T23:59:59-12:00",
            "0001-01-01T00:00:00+01:00",
            "2026-03-01T12:00:00Z and more",
            "2026-03/01 12:00",
        ),
    ],
)
def test_what_is_not_wholly_understood_is_no_moment(printed: object) -> None:
    assert dates.moment(printed) is None


@pytest.mark.parametrize("year", [2012, 2026])
def test_the_hour_of_moscow_is_that_of_the_year(year: int) -> None:
    assert dates.moment(f"1 Mar {year} 12:00 MSK") == datetime(year, 3, 1, 8 if year == 2012 else 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "printed",
    ["2026-03-01", "2026/03/01", "20260301", "2026-03-01Z", "2026-03-01+01:00", "Sun, 01 Mar 2026", "March 1, 2026"],
)
def test_a_day_alone_is_a_day_and_no_moment(printed: str) -> None:
    assert (dates.day(printed), dates.moment(printed)) == (date(2026, 3, 1), None)


@pytest.mark.parametrize(
    "printed", ["01/03/2026", "2026-02-30", "2026-03", "2026", "yesterday", "2026-03-01 XYZ", 20260301]
)
def test_what_may_be_two_days_or_none_is_no_day(printed: object) -> None:
    assert dates.day(printed) is None


@given(st.datetimes(FIRST, FIRST.replace(year=2100)), st.integers(-14 * 60, 14 * 60))
def test_what_python_prints_comes_back(local: datetime, minutes: int) -> None:
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    at = local.replace(tzinfo=UTC) - timedelta(minutes=minutes)
    offset = f"{sign}{size // 60:02}{size % 60:02}"
    assert dates.moment(local.isoformat() + offset) == at
    assert dates.moment(f"{local:%a, %d %b %Y %H:%M:%S} {offset}") == at.replace(microsecond=0)
    assert dates.moment(f"{local:%Y/%m/%d %H:%M:%S} UTC{offset}") == at.replace(microsecond=0)


@given(st.text() | st.from_regex(r"[\d/:TZ+\- GMTCE]{8,30}", fullmatch=True))
def test_no_text_raises_and_every_moment_is_utc(printed: str) -> None:
    at, day = dates.moment(printed), dates.day(printed)
    assert at is None or at.utcoffset() == timedelta(0)
    assert at is None or day is None


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        *(("PT4M5S", 245), ("PT1H", 3600), ("P1DT1S", 86_401), ("4:05", 245), ("1:04:05", 3845), ("754", 754)),
        *((245, 245), (61.4, 61), ("12:34.5", 754), ("0", None), ("PT0S", None), ("n/a", None), (True, None)),
        *(("9" * 5_000, None), ("PT" + "9" * 5_000 + "S", None), (None, None), (float("nan"), None), (-5, None)),
    ],
)
def test_a_duration_is_seconds_a_clock_or_iso_8601(printed: object, expected: int | None) -> None:
    assert dates.duration_s(printed) == expected
