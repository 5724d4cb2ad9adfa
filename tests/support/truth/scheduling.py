"""Simulated processes: each command to MongoDB waits for its turn, and the server's time is the simulation's.

A process that is killed sends nothing from then on, not even what would clean up; one that gets no turn is frozen.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from struct import pack, unpack_from
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import bson
from bson.codec_options import CodecOptions
from pymongo.asynchronous import command_runner

NOW: Final = b"$$NOW\x00"
COMMAND: Final = timedelta(milliseconds=1)
"""What a command takes."""
BEGINNING: Final = datetime(2026, 3, 1, 8, tzinfo=UTC)

_HEADER: Final = 16
_FLAGS: Final = 4
_BODY, _DOCUMENTS = 0, 1
"""Kinds of the sections of OP_MSG."""


class Killed(asyncio.CancelledError):
    """The process is no more: nothing of it runs."""


class SimulatedTime:
    """The time of the server, which passes as the simulation says."""

    def __init__(self) -> None:
        self.now = BEGINNING

    def pass_by(self, span: timedelta) -> None:
        """Let time pass."""
        self.now += span

    def monotonic(self) -> float:
        """Seconds since the beginning."""
        return (self.now - BEGINNING) / timedelta(seconds=1)


class Process:
    """One simulated process: what runs inside `run` waits for `advance` at each command."""

    def __init__(self, name: str, skew: timedelta) -> None:
        self.name = name
        self.skew = skew
        """By how much its wall clock is wrong."""
        self.is_dead = False
        self.failure: BaseException | None = None
        self.label = ""
        """What it is about to do."""
        self._turns: deque[tuple[str, asyncio.Future[None]]] = deque()
        self._news = asyncio.Event()
        self._busy = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether it has something to do."""
        return self._task is not None and not self._task.done()

    async def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin to work, up to the first command."""
        token = _process.set(self)
        self._task = asyncio.ensure_future(work)
        _process.reset(token)
        self._task.add_done_callback(lambda _: self._news.set())
        await self._pause()

    async def advance(self) -> None:
        """Let it send one command, and go on to the next one."""
        if self._turns:
            self.label, turn = self._turns.popleft()
            if not turn.done():
                turn.set_result(None)
        await self._pause()

    async def finish(self) -> None:
        """Let it do all that it has begun."""
        while self.is_running:
            await self.advance()

    async def kill(self) -> None:
        """End it at once, as kill -9 does."""
        self.is_dead = True
        for _, turn in self._turns:
            turn.cancel()
        self._turns.clear()
        if self._task and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=5)

    @asynccontextmanager
    async def turn(self, label: str) -> AsyncIterator[None]:
        """Wait for leave to do something; what runs inside is done before the process is taken to stand still."""
        if self.is_dead:
            raise Killed
        turn = asyncio.get_running_loop().create_future()
        self._turns.append((label, turn))
        self._news.set()
        await turn
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            self._news.set()

    async def _pause(self) -> None:
        """Wait until it stands still: it waits for a turn and nothing of it is under way, or it has ended."""
        while self._task and not self._task.done() and (self._busy or not self._turns):
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), STANDS_STILL_S)
            except TimeoutError:
                raise AssertionError(f"{self.name} hangs after {self.label!r}") from None
        if self._task and self._task.done() and not self._task.cancelled():
            self.failure = self._task.exception()


STANDS_STILL_S: Final = 20.0
"""Whoever sends no command for so long, and has not ended, will not go on."""

_process: ContextVar[Process | None] = ContextVar("process", default=None)


def current() -> Process:
    """The simulated process that runs."""
    process = _process.get()
    assert process, "only a simulated process may do this"
    return process


# ---- what is patched ---------------------------------------------------------------------------------------------


class WallClock(datetime):
    """The clock of the machine that a process runs on, which nothing may order by."""

    times: SimulatedTime

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        """The time, as that machine believes."""
        process = _process.get()
        return (cls.times.now + (process.skew if process else timedelta())).astimezone(tz)


CLOCKS: Final = ("rfispider.crawl.responses", "rfispider.crawl.spiders.rfi", "rfispider.mongo.clock")
"""Modules that read the wall clock."""
MONOTONIC: Final = ("rfispider.frontier.leasing", "rfispider.mongo.clock")
"""Modules that read the monotonic one."""


@contextmanager
def simulated(times: SimulatedTime, database: str) -> Iterator[None]:
    """Commands to a database wait for the turn of their process and find the simulated time."""
    WallClock.times = times
    run = command_runner._run_command

    async def run_in_turn(conn: Any, cmd: Any, dbname: str, request_id: int, msg: bytes, **options: Any) -> Any:
        process = _process.get()
        if process is None or dbname != database:
            return await run(conn, cmd, dbname, request_id, dated(msg, times), **options)
        async with process.turn(_label(cmd)):
            times.pass_by(COMMAND)
            return await run(conn, cmd, dbname, request_id, dated(msg, times), **options)

    with ExitStack() as stack:
        stack.enter_context(patch.object(command_runner, "_run_command", run_in_turn))
        for module in CLOCKS:
            stack.enter_context(patch(f"{module}.datetime", WallClock))
        for module in MONOTONIC:
            stack.enter_context(patch(f"{module}.time", SimpleNamespace(monotonic=times.monotonic)))
        yield


def _label(command: Mapping[str, Any]) -> str:
    name = next(iter(command))
    return f"{name} {command[name]}"


def dated(message: bytes, times: SimulatedTime) -> bytes:
    """An OP_MSG in which the server's time is that of the simulation."""
    if NOW not in message:
        return message
    sections = bytearray()
    at = _HEADER + _FLAGS
    while at < len(message):
        kind, at = message[at], at + 1
        (size,) = unpack_from("<i", message, at)
        part = message[at : at + size]
        sections += bytes([kind]) + (_dated(part, times) if kind == _BODY else _dated_documents(part, times))
        at += size
    header = pack("<i", _HEADER + _FLAGS + len(sections)) + message[4 : _HEADER + _FLAGS]
    return header + bytes(sections)


def _dated_documents(part: bytes, times: SimulatedTime) -> bytes:
    end = part.index(b"\0", 4) + 1
    documents, at = bytearray(), end
    while at < len(part):
        (size,) = unpack_from("<i", part, at)
        documents += _dated(part[at : at + size], times)
        at += size
    return pack("<i", end + len(documents)) + part[4:end] + bytes(documents)


_OPTIONS: Final[CodecOptions[dict[str, Any]]] = CodecOptions(tz_aware=True)


def _dated(document: bytes, times: SimulatedTime) -> bytes:
    if NOW not in document:
        return document
    return bson.encode(_replaced(bson.decode(document, _OPTIONS), times.now), codec_options=_OPTIONS)


def _replaced(value: Any, now: datetime) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(each, now) for name, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, now) for each in value]
    return {"$literal": now} if value == "$$NOW" else value
