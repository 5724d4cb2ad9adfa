"""What the kernel knows of a server: its command line, whether it still runs, which ports are free."""

import socket
import time
from pathlib import Path

SERVER_POLL_S = 0.02
"""Seconds between two looks at a process."""

_ENDED = frozenset({"", "Z", "X"})
"""States in /proc/PID/task/TID/stat of a thread that has ended (man 5 proc); empty when there is no such file."""


def arguments_of(pid: int) -> list[str]:
    """The command line of a live process; empty for a dead one, a zombie, and another user's."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="surrogateescape").split("\0")
    except OSError:
        return []


def wait_until_gone(pid: int, seconds: float) -> bool:
    """Wait until a process has let go of its memory, files and ports; whether it did within so many seconds."""
    deadline = time.monotonic() + seconds
    while _is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(SERVER_POLL_S)
    return True


def _is_alive(pid: int) -> bool:
    """Whether any thread of a process lives: the first may be a zombie while others still hold port and files."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return False
    return any(_state_of(thread) not in _ENDED for thread in threads)


def _state_of(thread: Path) -> str:
    """The letter of a thread in /proc; empty when it is gone."""
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def is_port_free(port: int) -> bool:
    """Whether nobody has bound this port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
        return True
