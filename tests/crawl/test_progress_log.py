"""What a run says on its way."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from rfispider.crawl import progress_log
from rfispider.crawl.arguments import Arguments
from rfispider.crawl.progress_log import ProgressLog
from rfispider.crawl.run_text import Backlog
from rfispider.crawl.scheduler import FrontierScheduler
from rfispider.frontier.policy.politeness import Limits
from rfispider.settings import derived
from rfispider.storage import DatabaseError

PASSWORD = "hush"


@pytest.fixture
def crawler() -> Any:
    """A crawler whose frontier has three URLs due."""
    from rfispider import settings

    given = {name: value for name, value in vars(settings).items() if name.isupper()}
    given |= {"MONGO_URI": f"mongodb://ann:{PASSWORD}@db.example:27017/"}
    signals = SimpleNamespace(connect=lambda *_, **__: None)
    stats = SimpleNamespace(get_stats=lambda: {"outcome/article/new": 2})
    made = SimpleNamespace(settings=given | derived(given), signals=signals, stats=stats)
    scheduler = FrontierScheduler(made, limits=Limits(), in_flight=1)  # type: ignore[arg-type]
    scheduler.uri, scheduler.worker = given["MONGO_URI"], object()  # type: ignore[assignment]
    scheduler.backlog = backlog  # type: ignore[method-assign]
    made.spider = SimpleNamespace(arguments=Arguments(), scheduler=scheduler)
    return made


async def backlog() -> Backlog:
    return Backlog(due={"cn": 3})


async def refused() -> Backlog:
    raise DatabaseError("the frontier is away")


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


async def test_a_run_says_what_it_works_on_with_what_and_where_and_what_is_due(
    crawler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    told = ProgressLog(crawler)
    await told.spider_opened(crawler.spider)
    told.spider_closed()
    assert lines(caplog)[0].startswith("crawling cn from https://www.rfi.fr")
    assert lines(caplog)[2] == (
        "into the database rfi of MongoDB at db.example:27017; 3 due (cn 3) before any source is asked"
    )
    assert PASSWORD not in caplog.text


async def test_a_run_tells_again_and_again_how_it_goes_and_what_it_leaves(
    crawler: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(progress_log, "PROGRESS_SECONDS", 0.0)
    told = ProgressLog(crawler)
    await told.spider_opened(crawler.spider)
    while len(lines(caplog)) < 5:  # noqa: ASYNC110 - it tells by the loop's own clock
        await asyncio.sleep(0)
    crawler.spider.scheduler.left = Backlog(due={"cn": 1})
    told.spider_closed()
    assert "2 done; 3 due (cn 3)" in lines(caplog)[3]
    assert "2 done; 1 due (cn 1)" in lines(caplog)[-1]
    assert [record.due for record in caplog.records[-2:]] == [3, 1]  # type: ignore[attr-defined]


async def test_a_database_that_goes_away_does_not_end_the_telling(
    crawler: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_log, "PROGRESS_SECONDS", 0.0)
    told = ProgressLog(crawler)
    await told.spider_opened(crawler.spider)
    monkeypatch.setattr(crawler.spider.scheduler, "backlog", refused)
    while len(lines(caplog)) < 2:  # noqa: ASYNC110 - likewise
        await asyncio.sleep(0)
    told.spider_closed()
    assert lines(caplog)[-1] == "what is due is not known: the frontier is away"


async def test_where_there_is_no_frontier_nothing_is_told(crawler: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    crawler.spider.scheduler.worker = None
    told = ProgressLog(crawler)
    await told.spider_opened(crawler.spider)
    told.spider_closed()
    assert lines(caplog) == []
