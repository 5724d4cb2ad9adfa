"""A process that applies functions, over a pipe of its own: whatever happens to it concerns no other process.

Nothing is shared with it, no lock and no semaphore, so that it may be killed or stopped at any moment, and so that
it needs no `/dev/shm`. It ends when its pipe does, hence with whoever started it.
"""

import asyncio
import os
import pickle
import signal
import struct
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Self

WORKER_START_S: Final = 60.0
"""Seconds in which a process, on a busy machine, starts and imports what a request needs; else it is replaced."""
STOPPED_S: Final = 2.0
"""A process that was stopped (SIGSTOP) for so many seconds is killed: a debugger may stop one for an instant."""
END_S: Final = 1.0
"""Seconds in which a process that has closed its pipe ends, or is killed."""
ORPHAN: Final = 2.0
"""A request is killed by the kernel after so many times its limit: whoever should have done it is dead by then."""
BUFFER_BYTES: Final = 1024 * 1024
"""Replies are read ahead up to this size."""

_SIZE: Final = struct.Struct("!Q")
_BEGUN: Final = b""
"""The reply that says that the calls of a request are made now."""
_COMMAND: Final = """
import sys
sys.path[:] = {path!r}
from rfispider.concurrency.worker_process import serve
serve({seconds!r})
"""


class WorkerDied(Exception):
    """The process is gone; the message says how."""

    def __init__(self, reason: str, *, was_at_work: bool, was_too_slow: bool) -> None:
        super().__init__(reason)
        self.was_at_work = was_at_work
        """Whether it may have begun with this request; False for one that waited behind another."""
        self.was_too_slow = was_too_slow
        """Whether it was killed because this request exceeded its limit."""


@dataclass(slots=True)
class _Request:
    reply: "asyncio.Future[list[bytes]]"
    is_begun: bool = False
    """Whether the process has imported what the calls need, and makes them."""
    age_s: float = 0.0
    """Seconds at the head of the queue, or since it was begun, as `WorkerProcess.check` counted them."""


class WorkerProcess:
    """One child process. Requests are answered in order; for one event loop."""

    def __init__(self, process: asyncio.subprocess.Process, seconds: float) -> None:
        self._process = process
        self._seconds = seconds
        self._requests: deque[_Request] = deque()
        self.is_alive = True
        """Whether it takes requests."""
        self._stopped_s = 0.0
        self.end = ""
        """How it ended, in one line; empty while it is alive."""
        self._was_too_slow = False
        self._receiver = asyncio.ensure_future(self._receive())

    @classmethod
    async def start(cls, seconds: float) -> Self:
        """Start a process whose requests may take so many seconds each.

        Raises:
            OSError: the system starts no more processes.

        """
        command = _COMMAND.format(path=sys.path, seconds=seconds)
        # A group of its own: a signal to the group of the crawl must not end what its pages in flight depend on.
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=BUFFER_BYTES,
        )
        return cls(process, seconds)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def apply(self, calls: Sequence[bytes]) -> list[Any]:
        """Make pickled calls, each of a function and its argument; a result or the exception for each.

        Raises:
            WorkerDied: the process is gone, or was killed because the calls took too long.

        """
        if not self.is_alive:
            raise WorkerDied("it had ended", was_at_work=False, was_too_slow=False)
        request = _Request(asyncio.get_running_loop().create_future())
        self._requests.append(request)
        message = pickle.dumps(list(calls))
        assert self._process.stdin  # noqa: S101 - it was started with a pipe
        self._process.stdin.writelines([_SIZE.pack(len(message)), message])
        return [_unpickled(result) for result in await request.reply]

    def check(self, elapsed_s: float) -> None:
        """Kill the process if it was stopped or if its request takes too long; to be called every few moments.

        Time is counted by these calls and not read from a clock: while this process itself is stopped, nothing ages.
        """
        if not self._requests:
            return
        self._stopped_s = self._stopped_s + elapsed_s if self._is_stopped() else 0.0
        request = self._requests[0]
        request.age_s += elapsed_s
        if self._stopped_s >= STOPPED_S:
            self.kill("it was stopped")
        elif request.is_begun and request.age_s > self._seconds:
            self._was_too_slow = True
            self.kill(f"it took more than {self._seconds:g} s")
        elif not request.is_begun and request.age_s > WORKER_START_S:
            self.kill("it did not begin")

    def kill(self, reason: str) -> None:
        """End it at once; requests that are not answered yet fail for this reason."""
        self.is_alive = False
        self.end = self.end or reason
        # Not `Process.kill`, which may reap the process before the event loop learns of its end.
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    async def close(self) -> None:
        """End it at once, and wait until it has ended."""
        self.kill("the pool was closed")
        await self._receiver

    def _is_stopped(self) -> bool:
        with suppress(ChildProcessError):  # it has ended
            return os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
        return False

    async def _receive(self) -> None:
        """Hand on replies until there are no more."""
        assert self._process.stdout  # noqa: S101 - it was started with a pipe
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                (size,) = _SIZE.unpack(await self._process.stdout.readexactly(_SIZE.size))
                self._reply(await self._process.stdout.readexactly(size))
        self.is_alive = False
        try:
            status = await asyncio.wait_for(self._process.wait(), END_S)
        except TimeoutError:
            self.kill("it closed its pipe")
            status = await self._process.wait()
        self.end = self.end or f"exit status {status}"
        self._fail_requests()

    def _fail_requests(self) -> None:
        is_first = True
        for request in self._requests:
            if not request.reply.done():
                death = WorkerDied(self.end, was_at_work=is_first, was_too_slow=is_first and self._was_too_slow)
                request.reply.set_exception(death)
            is_first = False

    def _reply(self, message: bytes) -> None:
        if message == _BEGUN:
            self._requests[0].is_begun, self._requests[0].age_s = True, 0.0
            return
        request = self._requests.popleft()
        if not request.reply.done():
            request.reply.set_result(pickle.loads(message))


def _unpickled(result: bytes) -> Any:
    try:
        return pickle.loads(result)
    except Exception as error:
        return error


# ---- in the process --------------------------------------------------------------------------------------


def serve(seconds: float) -> None:
    """Answer the requests of standard input until it ends; each may take `seconds` times `ORPHAN`."""
    # Whoever started it decides when it ends: service managers send these to all processes of a service.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a parser prints must not get between the replies.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with suppress(BrokenPipeError):
        _serve(sys.stdin.buffer, replies, seconds)
    # Nothing is left to be done, and threads of a parser must not delay it.
    os._exit(0)


def _serve(requests: BinaryIO, replies: BinaryIO, seconds: float) -> None:
    while header := requests.read(_SIZE.size):
        message = requests.read(*_SIZE.unpack(header))
        calls = [_loaded(call) for call in pickle.loads(message)]
        _send(replies, _BEGUN)
        signal.setitimer(signal.ITIMER_REAL, ORPHAN * seconds)
        results = [_pickled(_result(*call)) for call in calls]
        signal.setitimer(signal.ITIMER_REAL, 0)
        _send(replies, pickle.dumps(results))


def _send(replies: BinaryIO, message: bytes) -> None:
    replies.write(_SIZE.pack(len(message)) + message)
    replies.flush()


def _loaded(call: bytes) -> tuple[Callable[[Any], Any], Any]:
    """The function of a call and its argument; this imports what they need."""
    try:
        function, argument = pickle.loads(call)
    except Exception as error:
        return _raise, error
    return function, argument


def _raise(error: Exception) -> None:
    raise error


def _result(function: Callable[[Any], Any], argument: Any) -> Any:
    """What the function returns, or the exception that it raises."""
    try:
        return function(argument)
    except Exception as error:
        return error


def _pickled(result: Any) -> bytes:
    try:
        return pickle.dumps(result)
    except Exception as error:
        return pickle.dumps(TypeError(f"{type(result).__name__} cannot be sent: {error}"))
