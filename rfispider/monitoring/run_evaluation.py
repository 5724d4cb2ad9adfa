"""Judges a run when it ends, and alerts those who want to know."""

import asyncio
import logging
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import asdict
from typing import Any

from rfispider.monitoring.alerts import Alert, Receivers, send_alert
from rfispider.monitoring.anomalies import RUNS_COMPARED, alarms
from rfispider.storage import DatabaseError, Store

logger = logging.getLogger(__name__)

ALARM = "monitor/alarm"
"""The statistic that holds the first alarm of a run."""
LOOKED_AT = 3 * RUNS_COMPARED
"""Of the last run records, those are used that ended and are of the same kind."""
FACTS = ("finished_at", "worker", "reason", "arguments", "outcomes", "sources", "statuses")
"""What an alert says of a run to programs, besides its problem."""


class RunEvaluation:
    """The judgement of one run."""

    def __init__(self, receivers: Receivers) -> None:
        self.receivers = receivers
        self.before: Sequence[Mapping[str, Any]] = ()

    async def judge(self, store: Store, run: MutableMapping[str, Any], stats: MutableMapping[str, Any]) -> None:
        """Compare a run with those before it; add its alarms to its record and the first to its statistics."""
        try:
            records = await store.runs(LOOKED_AT)
        except DatabaseError as error:
            logger.warning("the run was compared with none: %s", error)
            return
        self.before = [each for each in records if each.get("finished_at") and each["started_at"] < run["started_at"]]
        # Workers that run side by side share the work: what one has seen says nothing of what another should.
        raised = alarms(run, [each for each in self.before if each["finished_at"] <= run["started_at"]])
        run["alarms"] = [asdict(alarm) for alarm in raised]
        for alarm in raised:
            logger.warning("%s: %s", alarm.name, alarm.message)
        if raised:
            stats[ALARM] = raised[0].message

    async def announce(self, run: Mapping[str, Any]) -> None:
        """Alert the receivers to what is wrong with a run, unless the run before it had just that."""
        alert = alert_of(run, self.before[0] if self.before else {})
        if alert is None:
            return
        for problem in await asyncio.to_thread(send_alert, alert, self.receivers):
            logger.warning("%s", problem)


def alert_of(run: Mapping[str, Any], before: Mapping[str, Any]) -> Alert | None:
    """The alert that a run calls for.

    None when it did its job, was asked to stop, or only goes on failing as the run before it did.
    """
    problem = run.get("problem")
    if not problem or run.get("reason") == "shutdown" or _repeats(run, before):
        return None
    lines = [alarm["message"] for alarm in run.get("alarms") or ()] or [problem]
    facts = {name: _plain(run[name]) for name in FACTS if name in run}
    return Alert(title=f"rfispider: a run of {_where(run)} needs attention", lines=tuple(lines), facts=facts)


def _repeats(run: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether all that is wrong with a run was wrong with the run before it."""
    raised, reported = ({alarm["name"] for alarm in each.get("alarms") or ()} for each in (run, before))
    return raised <= reported if raised else run["problem"] == before.get("problem")


def _where(run: Mapping[str, Any]) -> str:
    return " ".join((run.get("arguments") or {}).get("editions") or ()) or str(run.get("worker", "a worker"))


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
