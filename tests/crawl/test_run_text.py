"""What a run tells a person."""

from typing import Any

import pytest

from rfispider import settings
from rfispider.crawl import run_text
from rfispider.crawl.run_text import (
    Backlog,
    duration,
    ended,
    intention,
    means,
    place,
    progress,
    size,
    start,
    summary,
    totals,
)

STATS = {
    "source/read": 2,
    "outcome/article/new": 1200,
    "outcome/page/blocked": 3,
    "outcome/article/stub": 1,
    "edition/cn/article/new": 1000,
    "edition/fr/article/new": 200,
    "edition/fr/article/stub": 1,
    "downloader/request_count": 1210,
    "downloader/response_status_count/304": 2,
    "downloader/response_bytes": 12_345_678,
}


def given(**changed: Any) -> dict[str, Any]:
    known = {name: value for name, value in vars(settings).items() if name.isupper()}
    return known | {"USER_AGENT": "rfispider/1 (+desk@news.example)"} | changed


def test_a_run_says_what_it_is_about_to_do() -> None:
    arguments = {"editions": ["cn", "fr"], "depth": 2, "archive": None, "sources": []}
    assert intention(arguments, given()) == "cn fr from https://www.rfi.fr at 1 request a second, depth 2"


def test_the_sources_of_a_run_are_shown_as_a_person_reads_them() -> None:
    arguments = {
        "editions": ["cn"],
        "depth": 0,
        "archive": None,
        "sources": ["https://www.rfi.fr/cn/%E4%B8%AD%E5%9B%BD/"],
    }
    assert intention(arguments, given()) == "cn from https://www.rfi.fr/cn/中国/, depth 0"


def test_a_run_says_by_which_means() -> None:
    told = means(given(), follow=False)
    assert told.startswith("as rfispider/1 (+desk@news.example); 8 in flight")
    assert told.endswith("no rendering, until nothing is due")
    more = means(given(RFI_LIST_PAGES="0", RFI_FOLLOW_TOPICS="1", SPLASH_URL="http://127.0.0.1:8050"), follow=True)
    assert more.endswith("whole lists, topics followed, rendering by splash, until it is stopped")


def test_a_run_says_where_it_stores() -> None:
    assert (
        place("db1:27017,db2:27017", "rfi", embedded=False) == "into the database rfi of MongoDB at db1:27017,db2:27017"
    )
    assert "embedded" in place("127.0.0.1:27117", "rfi", embedded=True)


@pytest.mark.parametrize(
    ("backlog", "line"),
    [
        (Backlog(due={}), "0 due"),
        (Backlog(due={}, next_in_s=90.0), "0 due, next in 90 s"),
        (Backlog(due={"cn": 1200, "fr": 3}, next_in_s=5.0), "1,203 due (cn 1,200, fr 3)"),
        (Backlog(due={"cn": 1}, leased_elsewhere=16), "1 due (cn 1), 16 leased by other workers"),
        (Backlog(due={"cn": 1000}, counted_to=1000), "over 1,000 due (cn 1,000)"),
    ],
)
def test_what_is_due_is_told_in_one_line(backlog: Backlog, line: str) -> None:
    assert str(backlog) == line


def test_a_run_says_what_is_due_when_it_starts() -> None:
    where = place("db1:27017", "rfi", embedded=False)
    line = start(where, Backlog(due={}, next_in_s=112.0))
    assert line == "into the database rfi of MongoDB at db1:27017; at the start 0 due, next in 112 s"


def test_the_way_so_far_and_the_way_to_go_are_one_line() -> None:
    line = progress(STATS, Backlog(due={"cn": 600}, refusing=["www.rfi.fr"]), rate=5.0)
    assert line.startswith(
        "5.0 a second; 1,206 done; 600 due (cn 600); 4 blocked; no pages from www.rfi.fr at present;"
    )
    assert "2 min left for what is due" in line
    assert "left for what is due" not in progress(STATS, Backlog(due={"cn": 600}), rate=0.0)
    assert "left for what is due" not in progress(STATS, Backlog(due={}), rate=5.0)


def test_what_came_of_a_run_is_told_in_one_line() -> None:
    stats = {"source/read": 2, "outcome/article/new": 2, "outcome/page/gone": 1}
    assert totals(stats) == "2 sources (2 read); 3 pages (2 article/new, 1 page/gone)"
    assert totals({"source/unchanged": 1}) == "1 source (1 unchanged); 0 pages"
    assert ended("finished", 61.0, {"source/unchanged": 1}) == "finished after 61 s: 1 source (1 unchanged); 0 pages"


def test_the_summary_counts_the_outcomes_of_each_edition_and_the_traffic() -> None:
    rows = [line.split() for line in summary(STATS).splitlines()]
    assert rows[0] == ["edition", "new", "stub", "blocked"]
    assert ["cn", "1,000"] in rows
    assert ["fr", "200", "1"] in rows
    assert ["all", "1,200", "1", "3"] in rows
    assert summary(STATS).splitlines()[-1] == "1,210 requests, 2 answered 304, 12.3 MB received"
    assert summary({}) == "0 requests, 0 answered 304, 0 B received"


def test_what_was_not_asked_for_is_no_request_without_an_answer() -> None:
    errors = {"downloader/exception_count": 9, "downloader/exception_type_count/scrapy.exceptions.IgnoreRequest": 7}
    assert summary(errors) == "0 requests, 0 answered 304, 2 without an answer, 0 B received"
    assert "without" not in summary({**errors, "downloader/exception_count": 7})


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (119, "119 s"),
        (150, "2 min 30 s"),
        (1800, "30 min"),
        (7200, "2 h 0 min"),
        (200_000, "2 days"),
    ],
)
def test_a_duration_is_told_in_units_that_fit_it(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(("count", "words"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (5e12, "5000.0 GB")])
def test_a_size_is_told_in_a_unit_that_fits_it(count: float, words: str) -> None:
    assert size(count) == words


def test_the_table_is_plain_text_on_any_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in run_text.summary(STATS)
