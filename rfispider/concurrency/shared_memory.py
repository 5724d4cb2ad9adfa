"""Bodies of pages handed to another process in memory that both see: through a pipe they cost three times as much.

The memory has no name, so that nothing is left of it however the processes end. Where a system has none of this kind
(it is Linux's), and for a body that is larger than a place, there is no place: then the body is sent along.
"""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Final

PLACE: Final = 1024 * 1024
"""Bytes of one place: pages of the site have 100 to 350 KB. Memory that was never used takes none."""


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
            OutOfReach: the system does not let this process see it, or the one that handed it over is gone.

        """
        try:
            return _opened(self.path)[self.start : self.end]
        except OSError as error:
            raise BufferUnreachable(str(error)) from error


class SharedBuffers:
    """So many places; for one thread."""

    def __init__(self, places: int) -> None:
        self._free = list(range(places))
        self._memory: mmap.mmap | None = None
        with suppress(AttributeError, OSError):
            self._file = os.memfd_create("rfispider")
            os.ftruncate(self._file, places * PLACE)
            self._memory = mmap.mmap(self._file, places * PLACE)
            self._path = f"/proc/{os.getpid()}/fd/{self._file}"

    @contextmanager
    def holding(self, body: bytes) -> Iterator[Buffer | None]:
        """A place that holds the body while the context lasts; None when it does not fit or all are taken."""
        if not self._memory or not self._free or len(body) > PLACE:
            yield None
            return
        number = self._free.pop()
        try:
            start, end = number * PLACE, number * PLACE + len(body)
            self._memory[start:end] = body
            yield Buffer(self._path, start, end)
        finally:
            self._free.append(number)

    def close(self) -> None:
        """Give the memory back; from now on there is no place. May be called twice."""
        if self._memory:
            self._memory.close()
            os.close(self._file)
            self._memory = None


@cache
def _opened(path: str) -> mmap.mmap:
    with open(path, "rb") as file:  # noqa: PTH123 - no path of a file system
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
