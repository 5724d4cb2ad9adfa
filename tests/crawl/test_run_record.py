"""What a run says of itself."""

from typing import Any

import pytest

from rfispider.crawl.run_record import STAYING, ending, shortfall


@pytest.mark.parametrize(
    ("stats", "reason", "problem"),
    [
        ({"source/read": 3, "outcome/article/new": 5}, "finished", None),
        ({"source/read": 3, "source/failed": 1}, "finished", None),
        ({"source/read": 1, "outcome/article/new": 5, "outcome/page/failed": 1}, "finished", None),
        ({"source/empty": 1}, "finished", None),
        ({"source/failed": 2}, "finished", "no source could be read"),
        ({"source/read": 1}, "store-failed", "store-failed"),
        ({"source/read": 1}, "shutdown", "shutdown"),
        ({"source/read": 1, STAYING: True}, "shutdown", None),
        ({"source/read": 1, STAYING: True}, "store-failed", "store-failed"),
        ({"source/read": 1, "spider_exceptions/count": 2}, "finished", "2 exceptions in the spider, see the log"),
        ({"frontier/abandoned": 3}, "finished", "3 visits came to nothing, see the log"),
        ({"source/read": 1, "asked/failed": 1}, "finished", "1 of the given sources or documents could not be read"),
        ({"source/read": 1, "outcome/page/failed": 4}, "finished", "all 4 pages failed"),
    ],
)
def test_a_run_that_did_not_do_its_job_says_why(stats: dict[str, Any], reason: str, problem: str | None) -> None:
    assert shortfall(stats, reason) == problem


def test_the_record_counts_outcomes_by_kind_and_edition() -> None:
    stats = {
        "outcome/article/new": 2,
        "outcome/page/gone": 1,
        "edition/cn/article/new": 2,
        "downloader/request_count": 9,
    }
    run = ending(stats, "finished")
    assert run["outcomes"] == {"article/new": 2, "page/gone": 1}
    assert run["editions"] == {"cn": {"article/new": 2}}
    assert run["requests"] == 9
    assert run["problem"] is None
