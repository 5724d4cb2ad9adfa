"""A unit test needs nothing but this process: what starts another, or speaks to one, fails it."""

import multiprocessing.process
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

FORBIDDEN = frozenset(
    {"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}
    | {"socket.bind", "socket.connect", "socket.getaddrinfo"}
)
"""Events of Python's audit hooks. A socket pair, which an event loop wakes itself with, is none of them."""


class NotAUnitTest(BaseException):
    """A test of the marker `unit` started a process or opened a connection; no `except Exception` hides it."""


class _Guard:
    """What an audit hook, which nobody can remove again, asks whether it is to refuse anything."""

    def __init__(self) -> None:
        self.enforced = False
        self.violations: list[str] = []

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.enforced and event in FORBIDDEN:
            self.refuse(f"{event}{arguments}")

    def refuse(self, attempt: Any) -> None:
        # Kept, too: in another thread the exception would reach nobody.
        self.violations.append(f"{attempt}: mark the test `integration`")
        raise NotAUnitTest(self.violations[-1])


_guard = _Guard()
sys.addaudithook(_guard.audit)


def _refuse_to_start(process: multiprocessing.process.BaseProcess) -> None:
    _guard.refuse(process)


@contextmanager
def isolated() -> Iterator[None]:
    """Forbid processes and connections while the context lasts.

    Raises NotAUnitTest where one is asked for, or at the end when another thread asked for it.
    """
    _guard.enforced, _guard.violations = True, []
    try:
        # multiprocessing starts its children past the audit hooks.
        with patch.object(multiprocessing.process.BaseProcess, "start", _refuse_to_start):
            yield
    finally:
        _guard.enforced = False
    if _guard.violations:
        raise NotAUnitTest(_guard.violations[0])
