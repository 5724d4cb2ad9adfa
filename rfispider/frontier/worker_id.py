"""Which process holds a lease, and whether it still runs.

A worker is named host/namespace/pid/start. The namespace tells machines and containers of one name apart, the start
tells a process from a later one that was given the same pid. A worker with a name of the operator's choosing has
none of this: whoever starts under that name is that worker.
"""

import os
import socket
import uuid
from pathlib import Path

_PROC = Path("/proc")
_DEAD = frozenset("ZXx")
"""States in /proc/PID/stat of a process that has ended and only waits for its parent (man 5 proc)."""


def identity() -> str:
    """The name of this process as a worker."""
    pid = os.getpid()
    return "/".join((_place(), str(pid), _started(pid) or "0"))


def is_dead(worker: str) -> bool:
    """Whether the worker ran here and its process has ended; False when that cannot be known from here."""
    place, _, rest = worker.rpartition("/")
    place, _, pid = place.rpartition("/")
    if place != _place() or not pid.isdecimal():
        return False
    if (_PROC / "self" / "stat").exists():
        return _started(int(pid)) != rest
    return not _answers(int(pid))


def _place() -> str:
    return f"{socket.gethostname()}/{_namespace()}"


def _namespace() -> str:
    """What pids are counted in: the boot of the kernel and its pid namespace, elsewhere the network hardware."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}.{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return f"{uuid.getnode():x}"


def _started(pid: int) -> str | None:
    """Start of a running process in clock ticks since boot; None when there is no such process."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The second field is the program's name, which may itself hold spaces and brackets.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in _DEAD else fields[19]


def _answers(pid: int) -> bool:
    if os.name != "posix":
        return True  # Elsewhere signal 0 is no question: it would end the process.
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
