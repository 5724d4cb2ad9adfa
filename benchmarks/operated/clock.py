"""Time that runs faster for programs that are started: their clocks and their waits, by libfaketime; nothing else."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from unittest.mock import patch


@dataclass(frozen=True)
class Clock:
    """The clock of the programs, as this process, whose own time runs as ever, knows it."""

    speed: float
    """Seconds of theirs in one of ours."""
    origin: datetime
    """What it showed (aware UTC) when this was made."""
    began: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        """What it shows (aware UTC)."""
        return self.origin + timedelta(seconds=(time.monotonic() - self.began) * self.speed)

    def sleep(self, seconds: float) -> None:
        """Wait for so many seconds of theirs."""
        time.sleep(seconds / self.speed)


@contextmanager
def accelerated(speed: float) -> Iterator[Clock]:
    """Let the clock of every program that is started within run so many times as fast; at 1 nothing is changed.

    Exits when libfaketime is not there.
    """
    if speed == 1:
        yield Clock(1, datetime.now(UTC))
        return
    with _shared_clock(speed) as variables, patch.dict(os.environ, variables):
        shown = subprocess.run(["date", "+%s.%N"], check=True, capture_output=True, text=True).stdout
        yield Clock(speed, datetime.fromtimestamp(float(shown), UTC))


@contextmanager
def _shared_clock(speed: float) -> Iterator[Mapping[str, str]]:
    """The environment of a program of `faketime`: with it others share its clock, as long as it lives."""
    program = shutil.which("faketime")
    if program is None:
        sys.exit("time cannot be accelerated: apt-get install faketime, or ask for a speed of 1")
    command = [program, "-m", "-f", f"+0 x{speed:g}", "sh", "-c", "env; echo; exec cat"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout, "it was asked for"
        told = dict(line.rstrip("\n").split("=", 1) for line in iter(holder.stdout.readline, "\n") if "=" in line)
        yield {name: value for name, value in told.items() if name == "LD_PRELOAD" or name.startswith("FAKETIME")}
        # `Popen` closes what it reads from, and with it it ends.
