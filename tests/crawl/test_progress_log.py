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
from rfispider.setting_values import derived
from rfispider.storage import DatabaseError

PASSWORD = "hush"


class World:
    """A crawl into a database that a name and password open, whose frontier has URLs due."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from rfispider import settings

        given = {name: value for name, value in vars(settings).items() if name.isupper()}
        given |= {"MONGO_URI": f"mongodb://ann:{PASSWORD}@db.example:27017/"}
        self.due: Backlog | DatabaseError = Backlog(due={"cn": 3})
        self.session: Any = SimpleNamespace(uri=given["MONGO_URI"], database="rfi", is_open=True, frontier=None)
        stats: Any = SimpleNamespace(get_stats=lambda: {"outcome/article/new": 2})
        self.log = ProgressLog(self.session, Arguments(), given | derived(given), stats)
        monkeypatch.setattr(progress_log, "backlog", self.backlog)

    async def backlog(self, *_: Any) -> Backlog:
        if isinstance(self.due, DatabaseError):
            raise self.due
        return self.due


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


async def test_a_run_says_what_it_works_on_with_what_and_where_and_what_is_due(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await world.log.spider_opened()
    await world.log.finish("finished")
    assert lines(caplog)[0].startswith("crawling cn from https://www.rfi.fr")
    assert lines(caplog)[2] == ("into the database rfi of MongoDB at db.example:27017; at the start 3 due (cn 3)")
    assert PASSWORD not in caplog.text


async def test_a_run_tells_again_and_again_how_it_goes_and_what_it_leaves(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(progress_log, "PROGRESS_SECONDS", 0.0)
    await world.log.spider_opened()
    while len(lines(caplog)) < 5:  # noqa: ASYNC110 - it tells by the loop's own clock
        await asyncio.sleep(0)
    world.due = Backlog(due={"cn": 1})
    await world.log.finish("finished")
    assert "2 done; 3 due (cn 3)" in lines(caplog)[3]
    assert "2 done; 1 due (cn 1)" in lines(caplog)[-1]
    assert [record.due for record in caplog.records[-2:]] == [3, 1]  # type: ignore[attr-defined]


async def test_a_database_that_goes_away_does_not_end_the_telling(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_log, "PROGRESS_SECONDS", 0.0)
    await world.log.spider_opened()
    world.due = DatabaseError("the frontier is away")
    while len(lines(caplog)) < 2:  # noqa: ASYNC110 - likewise
        await asyncio.sleep(0)
    await world.log.finish("finished")
    assert lines(caplog)[-1] == "what is due is not known: the frontier is away"


async def test_where_there_is_no_frontier_nothing_is_told(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world.session.is_open = False
    await world.log.spider_opened()
    await world.log.finish("finished")
    assert lines(caplog) == []
