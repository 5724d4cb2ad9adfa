"""Schedules on a real MongoDB, and real schedulers that start real processes."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from rfispider.concurrency.child_process import supervise
from rfispider.jobs.cron.lock import NotDue, RunClaim, ScheduleLocks
from rfispider.jobs.cron.rule import ScheduleRule
from rfispider.mongo.connection import Connection
from tests.support.crawling import ROOT, rfispider, surroundings, wait_until

SOON, LATER = ScheduleRule.of(every="1s"), ScheduleRule.of(every="1h")


@pytest.fixture
async def schedules(mongo_uri: str, database: str) -> AsyncIterator[ScheduleLocks]:
    async with await Connection.open(mongo_uri) as connection:
        locks = ScheduleLocks(connection, database, lease_s=0.3)
        await locks.prepare()
        yield locks


async def test_of_many_schedulers_one_runs(schedules: ScheduleLocks) -> None:
    await schedules.register("crawl", LATER, ["true"])
    claims = await asyncio.gather(*(schedules.claim("crawl", LATER, str(number)) for number in range(20)))
    assert [isinstance(claim, RunClaim) for claim in claims].count(True) == 1


async def test_a_run_that_is_over_is_recorded_and_waits_for_its_next_time(schedules: ScheduleLocks) -> None:
    await schedules.register("crawl", LATER, ["true"])
    claim = await schedules.claim("crawl", LATER, "one")
    assert await schedules.finish(claim, 0, "finished")
    waiting = await schedules.claim("crawl", LATER, "one")
    assert isinstance(waiting, NotDue)
    assert 3590 < waiting.seconds <= 3600
    (run,) = (await schedules.list())[0]["runs"]
    assert (run["who"], run["exit_status"], run["reason"]) == ("one", 0, "finished")


async def test_a_run_whose_scheduler_went_away_is_taken_up_once_its_lease_is_over(schedules: ScheduleLocks) -> None:
    await schedules.register("crawl", LATER, ["true"])
    dead = await schedules.claim("crawl", LATER, "dead")
    heir = await schedules.claim("crawl", LATER, "heir")
    while isinstance(heir, NotDue):
        assert 0 < heir.seconds <= 0.3
        assert heir.holder == "dead"
        await asyncio.sleep(heir.seconds)
        heir = await schedules.claim("crawl", LATER, "heir")
    assert not await schedules.renew(dead)
    assert not await schedules.finish(dead, 0, "finished")
    assert await schedules.renew(heir)
    assert [run["reason"] for run in (await schedules.list())[0]["runs"]] == ["its scheduler went away"]
    assert heir.next_due_at == dead.next_due_at


async def test_a_lease_that_is_renewed_is_not_taken(schedules: ScheduleLocks) -> None:
    await schedules.register("crawl", LATER, ["true"])
    claim = await schedules.claim("crawl", LATER, "one")
    for _ in range(6):
        await asyncio.sleep(0.1)
        assert await schedules.renew(claim)
    assert isinstance(await schedules.claim("crawl", LATER, "two"), NotDue)


async def test_a_new_rule_counts_from_now_and_the_same_rule_keeps_its_time(schedules: ScheduleLocks) -> None:
    await schedules.register("crawl", LATER, ["true"])
    claim = await schedules.claim("crawl", LATER, "one")
    await schedules.finish(claim, 0, "finished")
    await schedules.register("crawl", LATER, ["true"])
    assert isinstance(await schedules.claim("crawl", LATER, "one"), NotDue)
    await schedules.register("crawl", SOON, ["true"])
    assert isinstance(await schedules.claim("crawl", SOON, "one"), RunClaim)


@pytest.mark.integration
async def test_a_run_that_hangs_is_asked_to_end_and_then_killed_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    stubborn = f"trap '' TERM; sleep 60 & echo $$ $! > {pids}; wait; wait"
    nothing = asyncio.get_running_loop().create_future()
    ended = await supervise(["sh", "-c", stubborn], limit_s=0.3, unwanted=nothing, grace_s=0.2)
    assert ended.exit_status == -signal.SIGKILL
    assert "it was not over after 0.3 s" in ended.reason
    for pid in map(int, pids.read_text().split()):
        wait_until(partial(is_over, pid), "the process is gone")


@pytest.mark.integration
async def test_a_run_that_nobody_wants_any_more_ends_with_the_reason() -> None:
    unwanted = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.1, unwanted.set_result, "its lease was lost")
    ended = await supervise(["sleep", "60"], limit_s=0, unwanted=unwanted)
    assert (ended.exit_status, ended.reason) == (-signal.SIGTERM, "its lease was lost")


def is_over(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@contextmanager
def scheduling(uri: str, database: str, log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", "from rfispider.cli import main; main()", "schedule", *arguments]
    told = surroundings(MONGO_URI=uri, MONGO_DATABASE=database)
    with log.open("wb") as stderr, subprocess.Popen(command, cwd=ROOT, env=told, stderr=stderr) as process:
        try:
            yield process
        finally:
            process.kill()


def test_two_schedulers_never_run_it_twice_at_once_and_end_cleanly(
    mongo_uri: str, database: str, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    job = ["--every", "1s", "--", "sh", "-c", f"echo begin >> {ran}; sleep 0.3; echo end >> {ran}"]
    with ExitStack() as stack:
        pair = [stack.enter_context(scheduling(mongo_uri, database, tmp_path / name, *job)) for name in "ab"]
        wait_until(lambda: ran.exists() and ran.read_text().count("end") >= 3, "it ran three times")
        for process in pair:
            process.terminate()
        assert [process.wait(10) for process in pair] == [0, 0]
    words = ran.read_text().split()
    assert words == ["begin", "end"] * (len(words) // 2) + ["begin"] * (len(words) % 2)


def test_a_scheduler_that_is_killed_takes_its_run_along_and_another_takes_it_up(
    mongo_uri: str, database: str, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    job = ["--every", "1h", "--lease", "1s", "--", "sh", "-c", f"echo $$ >> {pids}; exec sleep 60"]
    with scheduling(mongo_uri, database, tmp_path / "a", *job) as first:
        wait_until(lambda: pids.exists() and pids.read_text(), "it runs")
        with scheduling(mongo_uri, database, tmp_path / "b", *job) as second:
            first.kill()
            wait_until(lambda: len(pids.read_text().split()) == 2, "the other runs it")
            former, latter = map(int, pids.read_text().split())
            wait_until(partial(is_over, former), "the first run is gone")
            second.terminate()
            assert second.wait(10) == 0
            assert is_over(latter)
    listed = rfispider(mongo_uri, database, "schedule", "--list")
    assert "the scheduler was stopped" in listed.stdout


RUN = "echo $$ >> {pids}; exec sleep 60"


@pytest.mark.parametrize("frozen", ["the scheduler", "the scheduler with its run"])
def test_a_scheduler_that_was_frozen_past_its_lease_does_not_run_beside_its_successor(
    mongo_uri: str, database: str, tmp_path: Path, frozen: str
) -> None:
    pids = tmp_path / "pids"
    job = ["--every", "1h", "--lease", "2s", "--", "sh", "-c", RUN.format(pids=pids)]
    with scheduling(mongo_uri, database, tmp_path / "a", *job) as first:
        wait_until(lambda: pids.exists() and pids.read_text(), "it runs")
        former = int(pids.read_text())
        stopped = [first.pid] if frozen == "the scheduler" else [first.pid, *group_of(former)]
        with scheduling(mongo_uri, database, tmp_path / "b", *job) as second:
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            wait_until(lambda: len(pids.read_text().split()) == 2, "the other runs it")
            latter = int(pids.read_text().split()[1])
            assert is_over(former) or former in stopped
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
            wait_until(partial(is_over, former), "the first run is gone")
            wait_until(lambda: "its lease was lost" in (tmp_path / "a").read_text(), "the first has noticed")
            assert not is_over(latter)
            for process in (first, second):
                process.terminate()
                assert process.wait(10) == 0
    assert len(pids.read_text().split()) == 2


def group_of(pid: int) -> list[int]:
    """The processes of the group of a process."""
    group = os.getpgid(pid)
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [each for each in pids if group_is(each, group)]


def group_is(pid: int, group: int) -> bool:
    try:
        return os.getpgid(pid) == group
    except ProcessLookupError:
        return False


def test_the_run_of_a_guard_that_is_killed_ends_with_it(mongo_uri: str, database: str, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    job = ["--every", "1h", "--", "sh", "-c", RUN.format(pids=pids)]
    with scheduling(mongo_uri, database, tmp_path / "a", *job) as scheduler:
        wait_until(lambda: pids.exists() and pids.read_text(), "it runs")
        run = int(pids.read_text())
        os.kill(os.getpgid(run), signal.SIGKILL)
        wait_until(partial(is_over, run), "the run is gone")
        scheduler.terminate()
        assert scheduler.wait(10) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "either a cron expression or an interval"),
        (["--every", "soon"], "'soon' is not a duration"),
        (["--cron", "61 * * * *"], "not a cron expression"),
        (["--every", "1h", "--", "no-such-program"], "no program 'no-such-program'"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_wrong_usage(
    mongo_uri: str, database: str, arguments: list[str], said: str
) -> None:
    done = rfispider(mongo_uri, database, "schedule", *arguments)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_a_scheduler_without_a_server_says_so_and_fails(database: str) -> None:
    done = rfispider("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=500", database, "schedule", "--every", "1h")
    assert done.returncode == 1
    assert "connecting failed on MongoDB at 127.0.0.1:1" in done.stderr
