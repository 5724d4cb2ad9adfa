"""The time of the server, which all workers share."""

import time
from datetime import datetime, timedelta

DRIFT = 0.001
"""Seconds by which two clocks may come apart in one second, far more than clocks do."""
STEP_S = 2.0
"""An answer that seems to be later than this is not late: the server's clock was set, or it is another server's."""


class ServerClock:
    """The server's time, carried on between its answers by the monotonic clock, which nobody sets.

    The clock of this machine plays no part in it, however wrong it is.
    """

    def __init__(self) -> None:
        self._server_time: datetime | None = None
        self._set_at = 0.0

    def set(self, now: datetime) -> None:
        """Take over the server's time (aware, UTC) from an answer that has just come."""
        self._server_time, self._set_at = now, time.monotonic()

    def now(self) -> datetime:
        """An estimate of the server's time (aware, UTC) without asking it.

        Raises:
            LookupError: no answer has told the time yet.

        """
        if self._server_time is None:
            raise LookupError("the server has not been asked for its time")
        return self._server_time + timedelta(seconds=time.monotonic() - self._set_at)


class AnswerDelay:
    """How late the answers of the server arrive, measured against the fastest of late.

    An answer that carries the server's time was under way for an unknown while. The answers that took the shortest tell
    best how the server's clock and ours differ; a slower one is late by the difference.
    """

    def __init__(self) -> None:
        self._offset_s: float | None = None
        self._measured_at = 0.0

    def seconds(self, answered_at: datetime, received: float | None = None) -> float:
        """By how many seconds an answer is late.

        `answered_at` is the server's time in the answer (aware); `received` is when it came by the monotonic clock, in
        seconds, by default now.
        """
        received = time.monotonic() if received is None else received
        offset_s = answered_at.timestamp() - received
        if self._offset_s is not None:
            expected_s = self._offset_s - DRIFT * (received - self._measured_at)
            # Another primary may have another time.
            offset_s = max(offset_s, expected_s) if expected_s - offset_s < STEP_S else offset_s
        self._offset_s, self._measured_at = offset_s, received
        return max(0.0, received + offset_s - answered_at.timestamp())
