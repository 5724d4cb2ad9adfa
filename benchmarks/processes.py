"""What processes cost: CPU seconds by `wait4`, memory by looking at it ten times a second. Linux."""

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
LOOK_S = 0.1
SESSION, USER_TIME, SYSTEM_TIME, RESIDENT = 3, 11, 12, 21
"""Fields of /proc/PID/stat after the name, from 0; see proc(5)."""


@dataclass
class Cost:
    """What the processes of one contender cost."""

    started: float = field(default_factory=time.time)
    """Seconds since the epoch."""
    ended: float = 0.0
    cpu_s: float = 0.0
    """User and system time of the processes and of all that they waited for."""
    peak_bytes: int = 0
    """The most memory resident at one time in all of them; what they share is counted in each."""
    failed: list[str] = field(default_factory=list)
    """The last lines of those that did not exit with 0."""


def run(commands: Sequence[Sequence[str]], environment: Mapping[str, str], directory: Path, limit_s: float) -> Cost:
    """Run commands side by side to their ends, each the leader of a session; kill what is left after `limit_s`."""
    cost = Cost()
    logs = [directory / f"{number}.log" for number in range(len(commands))]
    started = [_start(command, environment, directory, log) for command, log in zip(commands, logs, strict=True)]
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(cost, {each.pid for each in started}, over, limit_s))
    watch.start()
    for process, log in zip(started, logs, strict=True):
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        cost.cpu_s += used.ru_utime + used.ru_stime
        if process.returncode:
            cost.failed.append("\n".join(log.read_text("utf-8", "replace").splitlines()[-5:]))
    cost.ended = time.time()
    over.set()
    watch.join()
    return cost


def _start(
    command: Sequence[str], environment: Mapping[str, str], directory: Path, log: Path
) -> "subprocess.Popen[bytes]":
    with log.open("wb") as out:
        surroundings = {**os.environ, **environment}
        return subprocess.Popen(
            command, cwd=directory, env=surroundings, stdout=out, stderr=out, start_new_session=True
        )


def _watch(cost: Cost, sessions: set[int], over: threading.Event, limit_s: float) -> None:
    """Note the most memory that the sessions have until they are over."""
    end = time.monotonic() + limit_s
    while not over.wait(LOOK_S):
        found = {int(entry.name): stat for entry in Path("/proc").iterdir() if (stat := _of_session(entry, sessions))}
        cost.peak_bytes = max(cost.peak_bytes, sum(int(stat[RESIDENT]) * PAGE for stat in found.values()))
        if time.monotonic() > end:
            for pid in found:
                os.kill(pid, 9)


def _of_session(entry: Path, sessions: set[int]) -> list[str]:
    stat = _stat(int(entry.name)) if entry.name.isdigit() else []
    return stat if stat and int(stat[SESSION]) in sessions else []


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def cpu_s(pid: int) -> float:
    """CPU seconds of a process that still runs, with those of its threads."""
    stat = _stat(pid)
    return (int(stat[USER_TIME]) + int(stat[SYSTEM_TIME])) / TICK if stat else 0.0


def peak_mib() -> float:
    """The most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / (1024 if sys.platform == "darwin" else 1)
