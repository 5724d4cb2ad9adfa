"""Bodies of pages are handed to another process in shared memory: through a pipe they cost three times as much.

The memory has no name and lies in no file system (memfd_create(2), of Linux), so that nothing is left of it however
the processes end. Where there is none, and for a body larger than a buffer, there is no buffer: then the body is sent
along.
"""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Final

BUFFER_BYTES: Final = 1024 * 1024
"""Size of one buffer: pages of the site have 100 to 350 KB. Memory that was never used takes none."""


class BufferUnreachable(Exception):
    """A body cannot be read where it lies."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """Where a body lies."""

    path: str
    """Of the memory, for processes of the same user."""
    start: int
    end: int

    def body(self) -> bytes:
        """The body, in a process that it was handed to.

        Raises:
            BufferUnreachable: the system does not let this process see it, or the one that handed it over is gone.

        """
        try:
            return _opened(self.path)[self.start : self.end]
        except (OSError, ValueError) as error:
            raise BufferUnreachable(str(error)) from error


class SharedBuffers:
    """So many buffers of one process; for one thread."""

    def __init__(self, buffers: int) -> None:
        """Take the memory, if the system gives any."""
        self.problem = ""
        """Why there are no buffers, in one line; empty while there are."""
        self._free = list(range(buffers))
        self._memory: mmap.mmap | None = None
        try:
            self._take(buffers * BUFFER_BYTES)
        except (AttributeError, OSError) as error:
            self.problem = str(error)

    def _take(self, size: int) -> None:
        file = os.memfd_create("rfispider")
        try:
            os.ftruncate(file, size)
            self._memory = mmap.mmap(file, size)
        except BaseException:
            os.close(file)
            raise
        self._file = file
        self._path = f"/proc/{os.getpid()}/fd/{file}"

    @contextmanager
    def holding(self, body: bytes) -> Iterator[Buffer | None]:
        """A buffer that holds the body while the context lasts; None when it does not fit or all are taken."""
        if not self._memory or not self._free or len(body) > BUFFER_BYTES:
            yield None
            return
        number = self._free.pop()
        try:
            start, end = number * BUFFER_BYTES, number * BUFFER_BYTES + len(body)
            self._memory[start:end] = body
            yield Buffer(self._path, start, end)
        finally:
            self._free.append(number)

    def close(self, problem: str = "closed") -> None:
        """Give the memory back; from now on there are no buffers. May be called twice."""
        self.problem = self.problem or problem
        if self._memory:
            self._memory.close()
            os.close(self._file)
            self._memory = None


@cache
def _opened(path: str) -> mmap.mmap:
    with open(path, "rb") as file:  # noqa: PTH123 - no path of a file system
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
