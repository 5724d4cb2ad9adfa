"""`rfispider schedule`: runs a crawl again and again, one at a time over any number of containers."""

import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from rfispider import settings
from rfispider.cli.console import USAGE_STATUS, Database, connected, err, out, run, text_of, titled
from rfispider.concurrency.child_process import ProcessResult, RunLease, supervise
from rfispider.concurrency.run_guard import clock
from rfispider.jobs.cron.lock import NotDue, RunClaim, ScheduleLocks
from rfispider.jobs.cron.rule import ScheduleRule, ScheduleRuleError, seconds
from rfispider.mongo.connection import CONNECT_S
from rfispider.storage import DatabaseError

logger = logging.getLogger(__name__)

SCHEDULE_POLL_S = 15.0
"""A schedule is read at least this often, in seconds: another scheduler may have changed it."""
ASK_AT, KILL_AT = 0.8, 0.95
"""Shares of a lease after which a run that could not renew it is asked to end, and killed: before another may start."""
LEAST_LEASE_S = 1.0
"""A shorter lease may run out while the server answers."""

Command = Annotated[
    list[str] | None, typer.Argument(help="What to run, after `--`. Default: scrapy crawl rfi", show_default=False)
]


def schedule(
    command: Command = None,
    *,
    cron: Annotated[str, typer.Option(envvar="RFI_CRON", help="Cron expression, in UTC: '*/15 * * * *'.")] = "",
    every: Annotated[str, typer.Option(envvar="RFI_EVERY", help="Interval instead: 90s, 15m, 2h, 1d.")] = "",
    jitter: Annotated[str, typer.Option(help="Start up to this much later, at random.")] = "0s",
    limit: Annotated[str, typer.Option(help="End a run that takes longer; 0: never.")] = "6h",
    lease: Annotated[str, typer.Option(help="When a scheduler dies, another takes its run up after this.")] = "30s",
    name: Annotated[str, typer.Option(help="Of the schedule; schedulers of one name share its runs.")] = "crawl",
    listed: Annotated[bool, typer.Option("--list", help="Show the schedules and their last runs, and exit.")] = False,
    database: Database = settings.MONGO_DATABASE,
) -> None:
    """Run a crawl by a cron expression or an interval, until SIGTERM.

    Never two of one name at the same time, however many schedulers serve it: MongoDB decides. What was missed while
    none served is caught up once. Example: rfispider schedule --every 15m -- scrapy crawl rfi -a editions=cn,fr
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S")
    if listed:
        run(_show(database))
        return
    try:
        rule = ScheduleRule.of(cron=cron, every=every, jitter=jitter)
        job = _Job(
            name, rule, seconds(limit), lease_of(lease), _with_program_path(command or ["scrapy", "crawl", "rfi"])
        )
    except (ScheduleRuleError, FileNotFoundError) as error:
        err.print(f"rfispider schedule: {escape(str(error))}")
        raise typer.Exit(USAGE_STATUS) from error
    asyncio.run(_serve(job, database))


def lease_of(duration: str) -> float:
    """The length of a lease in seconds.

    Raises:
        ScheduleRuleError: it is too short to be renewed in time.

    """
    lease_s = seconds(duration)
    if lease_s < LEAST_LEASE_S:
        raise ScheduleRuleError(f"a lease of {duration!r} is too short: it has to last {LEAST_LEASE_S:g} s at least")
    return lease_s


@dataclass(frozen=True, slots=True)
class _Job:
    """What is run, when, and for how long."""

    name: str
    rule: ScheduleRule
    limit_s: float
    lease_s: float
    command: Sequence[str]


def _with_program_path(command: Sequence[str]) -> list[str]:
    """The command with the full path of its program.

    Raises:
        FileNotFoundError: there is none.

    """
    # The environment of this program may not be on PATH.
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    program = shutil.which(command[0], path=places)
    if program is None:
        raise FileNotFoundError(f"there is no program {command[0]!r} to run")
    return [program, *command[1:]]


async def _serve(job: _Job, database: str) -> None:
    """Run the job whenever it is due, until a signal asks to stop."""
    stopped: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _resolve, stopped, "the scheduler was stopped")
    async with connected(CONNECT_S) as connection:
        schedules = ScheduleLocks(connection, database, lease_s=job.lease_s)
        await schedules.prepare()
        await schedules.register(job.name, job.rule, job.command)
        logger.info("schedule %s: %s, %s", job.name, job.rule, " ".join(job.command))
        while not stopped.done():
            wait_s = await _turn(job, schedules, stopped)
            await asyncio.wait({stopped}, timeout=min(wait_s, SCHEDULE_POLL_S))
    logger.info("stopped")


async def _turn(job: _Job, schedules: ScheduleLocks, stopped: "asyncio.Future[str]") -> float:
    """Run the job if it is due; the seconds until the next look."""
    claimed_at = clock()
    try:
        claim = await schedules.claim(job.name, job.rule, f"{socket.gethostname()}/{os.getpid()}")
    except DatabaseError as error:
        _log_fault(f"{error}; trying again in {SCHEDULE_POLL_S:g} s")
        return SCHEDULE_POLL_S
    if isinstance(claim, NotDue):
        return claim.seconds
    with RunLease() as lease:
        _extend(lease, claimed_at, job.lease_s)
        await _run(job, schedules, claim, lease, stopped)
    return 0.0


def _extend(lease: RunLease, asked_at: float, seconds: float) -> None:
    """Let a run go on whose lease of so many seconds was asked for at a time of `clock`: it began no earlier."""
    lease.extend(ask_at=asked_at + ASK_AT * seconds, kill_at=asked_at + KILL_AT * seconds)


async def _run(
    job: _Job, schedules: ScheduleLocks, claim: RunClaim, lease: RunLease, stopped: "asyncio.Future[str]"
) -> None:
    """One run, while its lease is kept."""
    logger.info("run of %s starts, due %s UTC", job.name, text_of(claim.due_at))
    unwanted: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stopped.add_done_callback(lambda why: _resolve(unwanted, why.result()))
    keeper = asyncio.ensure_future(_keep(schedules, claim, lease, unwanted))
    try:
        ended = await supervise(job.command, limit_s=job.limit_s, unwanted=unwanted, lease=lease)
    except OSError as error:
        ended = ProcessResult(127, f"it could not be started: {error}")
    keeper.cancel()
    level = logging.INFO if ended == ProcessResult(0, "finished") else logging.ERROR
    following = text_of(claim.next_due_at)
    logger.log(
        level, "run of %s: %s, exit status %d; next %s UTC", job.name, ended.reason, ended.exit_status, following
    )
    try:
        await schedules.finish(claim, ended.exit_status, ended.reason)
    except DatabaseError as error:
        _log_fault(str(error))


async def _keep(schedules: ScheduleLocks, claim: RunClaim, lease: RunLease, unwanted: "asyncio.Future[str]") -> None:
    """Renew the lease of a run; end the run when it is lost, or when nobody knows any more whether it is."""
    with suppress(TimeoutError):
        while True:
            async with asyncio.timeout(max(0.0, lease.ask_at - clock())):
                await asyncio.sleep(schedules.lease_s / 4)
                asked_at = clock()
                is_ours = await _renewed(schedules, claim)
            if is_ours is False:
                break
            if is_ours:
                _extend(lease, asked_at, schedules.lease_s)
    _resolve(unwanted, "its lease was lost")


async def _renewed(schedules: ScheduleLocks, claim: RunClaim) -> bool | None:
    """Whether the lease is ours for another while; None when the server did not say."""
    try:
        return await schedules.renew(claim)
    except DatabaseError as error:
        logger.warning("%s", error)
        return None


def _log_fault(message: str) -> None:
    """Log a fault as one line, without the traceback that nobody who runs a schedule can use."""
    logger.error("%s", message)


def _resolve(future: "asyncio.Future[str]", why: str) -> None:
    if not future.done():
        future.set_result(why)


async def _show(database: str) -> None:
    """Print the schedules and how their last runs ended."""
    async with connected(CONNECT_S) as connection:
        locks = ScheduleLocks(connection, database)
        await locks.prepare()
        schedules = await locks.list()
    table = titled("Schedules", "name", "rule", "due (UTC)", "now", "last run")
    for each in schedules:
        table.add_row(escape(each["_id"]), escape(each["rule"]), text_of(each["due_at"]), _now(each), _last(each))
    out.print(table if schedules else "No schedule yet: `rfispider schedule --every 15m` makes one.")


def _now(schedule: dict[str, Any]) -> str:
    holder = schedule.get("holder")
    return f"running on {escape(holder['who'])} since {text_of(holder['since'])}" if holder else "waiting"


def _last(schedule: dict[str, Any]) -> str:
    if not schedule["runs"]:
        return "-"
    last = schedule["runs"][-1]
    return escape(f"{text_of(last['ended_at'])} {last['reason']}, exit status {last['exit_status']}")
