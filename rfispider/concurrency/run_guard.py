"""A small process between a scheduler and its run: it ends the run once nobody vouches for it any more.

    python -I -S run_guard.py FD COMMAND...

The scheduler writes two deadlines to the pipe FD whenever its lease is renewed: at the first the run is asked to end
(SIGTERM), at the second it is killed with all of its process group. When the pipe closes, the scheduler is dead, and
the run is asked to end at once. So a run ends in time though its scheduler is frozen, killed or cut off; one that was
frozen together with it is killed as soon as both wake. Exits as the command does. Needs nothing but Python.
"""

import os
import select
import signal
import struct
import subprocess
import sys
import time
from math import inf

DEADLINES = struct.Struct("!dd")
"""When the run is asked to end, and when it is killed, as `clock` counts."""
GUARD_CHECK_S = 0.1
"""Seconds between two looks at the run and its deadlines."""
NOT_STARTED = 127
"""Exit status of a command that cannot be started, as shells have it."""


def clock() -> float:
    """Seconds since the machine was started, the same for all processes; those of its suspension count where known."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def guard(renewals: int, command: list[str]) -> int:
    """Run the command until it ends by itself or by its deadlines; its exit status, negative for a signal."""
    # What ends the run must not end its guard; a handler, unlike SIG_IGN, is not inherited by the run.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    try:
        run = subprocess.Popen(command)  # noqa: S603 - the command of the operator
    except OSError as error:
        print(f"the run cannot be started: {error}", file=sys.stderr)  # noqa: T201 - the log of the scheduler
        return NOT_STARTED
    ask_at, kill_at, was_asked, pipes = inf, inf, False, [renewals]
    while run.poll() is None:
        if select.select(pipes, [], [], GUARD_CHECK_S)[0]:
            message = os.read(renewals, 1024 * DEADLINES.size)
            if message:
                ask_at, kill_at = DEADLINES.unpack(message[-DEADLINES.size :])
            else:
                ask_at, pipes = -inf, []
        if clock() >= kill_at:
            os.killpg(0, signal.SIGKILL)
        if clock() >= ask_at and not was_asked:
            os.killpg(0, signal.SIGTERM)
            was_asked = True
    return run.returncode


def main() -> None:
    """Guard the command of the arguments, and end as it ends."""
    status = guard(int(sys.argv[1]), sys.argv[2:])
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    sys.exit(status)


if __name__ == "__main__":
    main()
