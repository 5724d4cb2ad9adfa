"""The time of the server, by which all workers agree."""

import time
from datetime import UTC, datetime, timedelta


class ServerClock:
    """The server's time, carried on between answers by a clock that nobody sets."""

    def __init__(self) -> None:
        self.set(datetime.now(UTC))

    def set(self, now: datetime) -> None:
        """Take note of what the server says (aware UTC)."""
        self._told, self._heard = now, time.monotonic()

    def now(self) -> datetime:
        """The server's time, as well as it can be told without asking (aware UTC)."""
        return self._told + timedelta(seconds=time.monotonic() - self._heard)


class PromptClock:
    """Tells how late an answer of the server is, against the promptest one of late.

    An answer that says when the server made it was on its way for a while; how long cannot be known, but the answers
    that took the shortest tell the server's time best.
    """

    def __init__(self) -> None:
        self._offset_s: float | None = None
        self._heard = 0.0

    def late_s(self, told: datetime, heard: float | None = None) -> float:
        """Seconds by which an answer is late that the server made at its time `told` (aware) and that is heard now.

        `heard` stands in for the monotonic clock, in seconds.
        """
        heard = time.monotonic() if heard is None else heard
        offset_s = told.timestamp() - heard
        if self._offset_s is not None:
            known_s = self._offset_s - DRIFT * (heard - self._heard)
            # Another primary may have another time.
            offset_s = max(offset_s, known_s) if known_s - offset_s < STEP_S else offset_s
        self._offset_s, self._heard = offset_s, heard
        return max(0.0, heard + offset_s - told.timestamp())


DRIFT = 0.001
"""Part of a second by which two clocks may come apart in one, far more than clocks do."""
STEP_S = 2.0
"""An answer that is later than this is taken for a clock that was set."""
