"""Whatever happens to a process of the pool, its calls are made, and the crawl goes on."""

import asyncio
import logging
import multiprocessing.synchronize
import os
import signal
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from rfispider.concurrency.page_pool import PagePool
from rfispider.concurrency.process_pool import CallKilled, ProcessPool
from rfispider.items import Origin, Page
from tests.support.crawling import wait_until

pytestmark = pytest.mark.integration

STANDSTILL_S = 10.0
"""A pool goes on within so many seconds, whatever was done to its processes."""


def double(number: int) -> int:
    return 2 * number


def process_group(_: object) -> int:
    return os.getpgrp()


def die_once(marker: Path) -> str:
    """Die at the first attempt, and return at the second."""
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def wait_once(marker: Path) -> str:
    """Wait for ever at the first attempt, and return at the second."""
    if not marker.exists():
        marker.touch()
        signal.pause()
    return "done"


def die(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def print_and_double(number: int) -> int:
    print("a parser that talks")  # noqa: T201 - what a parser must be able to do
    return 2 * number


def unsendable(_: object) -> Any:
    return lambda: None


def length(page: Page) -> int:
    return len(page.body)


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[ProcessPool]:
    pool = ProcessPool(1, 30.0)
    assert await pool.apply(double, 1) == 2
    yield pool
    await pool.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV])
async def test_a_process_that_is_killed_or_stopped_while_idle_is_replaced(pool: ProcessPool, number: int) -> None:
    pids = pool.pids
    os.kill(pids[0], number)
    began = time.monotonic()
    assert await asyncio.gather(*(pool.apply(double, each) for each in range(60))) == [2 * each for each in range(60)]
    assert time.monotonic() - began < STANDSTILL_S
    assert pool.pids != pids


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_calls_under_way_in_a_process_that_is_killed_or_stopped_are_made_again(
    pool: ProcessPool, tmp_path: Path, number: int
) -> None:
    marker = tmp_path / "begun"
    calls = [asyncio.ensure_future(pool.apply(wait_once, marker))]
    calls += [asyncio.ensure_future(pool.apply(double, each)) for each in range(40)]
    await asyncio.to_thread(wait_until, marker.exists, "it has begun")
    os.kill(pool.pids[0], number)
    async with asyncio.timeout(STANDSTILL_S):
        assert await asyncio.gather(*calls) == ["done", *(2 * each for each in range(40))]


async def test_a_call_whose_process_dies_is_tried_once_more(pool: ProcessPool, tmp_path: Path) -> None:
    assert await pool.apply(die_once, tmp_path / "died") == "done"


async def test_a_call_that_kills_its_process_twice_fails_alone(pool: ProcessPool) -> None:
    calls = [pool.apply(die, None), *(pool.apply(double, each) for each in range(20))]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(results[0], CallKilled)
    assert results[1:] == [2 * each for each in range(20)]


async def test_signals_to_the_group_of_the_crawl_do_not_reach_its_processes(pool: ProcessPool) -> None:
    assert await pool.apply(process_group, None) != os.getpgrp()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(pool.pids[0], number)
    pids = pool.pids
    assert await pool.apply(double, 4) == 8
    assert pool.pids == pids


async def test_what_a_parser_prints_does_not_get_between_the_results(pool: ProcessPool) -> None:
    assert await asyncio.gather(*(pool.apply(print_and_double, each) for each in range(9))) == [
        2 * each for each in range(9)
    ]


async def test_a_result_that_cannot_be_sent_is_an_error_of_its_call_alone(pool: ProcessPool) -> None:
    results = await asyncio.gather(pool.apply(unsendable, None), pool.apply(double, 3), return_exceptions=True)
    assert isinstance(results[0], TypeError)
    assert results[1] == 6
    with pytest.raises((AttributeError, TypeError)):
        await pool.apply(lambda _: None, None)


async def test_where_no_memory_can_be_shared_pages_go_through_the_pipe_and_the_log_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "memfd_create", refuse)
    # What a semaphore of multiprocessing meets where /dev/shm cannot be written to.
    monkeypatch.setattr(multiprocessing.synchronize.SemLock, "__init__", refuse)
    pool = PagePool(1, 30.0)
    bodies = [b"x" * size for size in (1, 2_000_000, 3)]
    pages = [Page(url="x", body=body, origin=Origin.PAGE, fetched_at=datetime.now(UTC)) for body in bodies]
    with caplog.at_level(logging.WARNING):
        assert await asyncio.gather(*(pool.apply(length, page) for page in pages)) == [len(body) for body in bodies]
    await pool.close()
    assert [record.getMessage() for record in caplog.records] == [
        "the bodies of pages go through a pipe, for memory cannot be shared: [Errno 13] Permission denied"
    ]
