"""The driver's errors stay in the frontier: whoever uses it sees one error, which says what was tried."""

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from rfispider.frontier import Completion, Frontier, Lease
from rfispider.items import FETCHABLE_KINDS, Kind, Link, Outcome
from rfispider.mongo.connection import Connection
from rfispider.mongo.errors import DatabaseError

pytestmark = pytest.mark.integration

NOBODY = "mongodb://127.0.0.1:9/"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LINK = Link(url="https://www.rfi.fr/cn/politics/20260301-story", kind=Kind.ARTICLE, edition="cn")
LEASE = Lease(
    key="0" * 32,
    url=LINK.url,
    kind=Kind.ARTICLE,
    edition="cn",
    token=None,  # type: ignore[arg-type] # nobody compares it
    claimed_at=NOW,
    due_at=NOW,
    added_at=NOW,
)
COMPLETION = Completion(lease=LEASE, outcome=Outcome.NEW)

ARGUMENTS: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "": {
        "prepare": (),
        "add": ([LINK],),
        "found_since": ([LINK], NOW),
        "requeue_for_depth": (["cn"], 2),
        "claim": (1, ["cn"], FETCHABLE_KINDS),
        "mark_sent": ([LEASE],),
        "heartbeat": (),
        "acknowledge": ([COMPLETION],),
        "fail": (LEASE, "no answer"),
        "release": ([LEASE],),
        "recover": (),
    },
    "hosts": {
        "reserve": ("host", 1),
        "on_refusal": ("host",),
        "on_success": ("host",),
        "set_robots_delay": ("host", {}),
        "keep_robots_copy": ("host", ""),
        "robots_copy": ("host",),
        "budgets": (),
    },
    "statistics": {
        "counts": (),
        "holders": (),
        "oldest_due": (["cn"],),
        "pending": (["cn"], FETCHABLE_KINDS),
        "due": (["cn"], 1),
        "find": (LINK.url,),
        "failed": (["cn"],),
        "retry": (["cn"],),
        "of_day": (date(2026, 3, 1), ["cn"]),
        "lost_sources": (["cn"], NOW),
        "gaps": (NOW, NOW),
    },
    "diagnostics": {
        "sources": (["cn"],),
        "waiting": ("cn", NOW, NOW),
        "given_up": (),
        "expired": (),
        "hosts": (),
    },
}
"""Every coroutine that the frontier and its parts offer, and what it is called with."""

LOCAL = {"close", "open"}


@pytest.fixture
async def unreachable() -> AsyncIterator[Frontier]:
    """A frontier whose server is not there, and which has a lease to renew."""
    client = AsyncMongoClient[dict[str, Any]](NOBODY, serverSelectionTimeoutMS=30)
    async with Frontier(Connection(NOBODY, client, 0.03), "nowhere") as frontier:
        frontier._leases[LEASE.key] = LEASE
        frontier._clock.set(NOW)
        frontier.hosts._healthy["host"] = False
        yield frontier


def part_of(frontier: Frontier, name: str) -> object:
    return getattr(frontier, name) if name else frontier


@pytest.mark.parametrize("part", ARGUMENTS)
def test_the_table_holds_every_public_coroutine(unreachable: Frontier, part: str) -> None:
    methods = inspect.getmembers(part_of(unreachable, part), inspect.iscoroutinefunction)
    assert {name for name, _ in methods if not name.startswith("_")} - LOCAL == ARGUMENTS[part].keys()


@pytest.mark.integration
@pytest.mark.parametrize("part", ARGUMENTS)
async def test_a_server_that_is_away_is_one_error_with_the_action_that_failed(unreachable: Frontier, part: str) -> None:
    calls = {name: call(part_of(unreachable, part), name, arguments) for name, arguments in ARGUMENTS[part].items()}
    # All at once, for the driver looks for its server half a second at least.
    answers = await asyncio.gather(*calls.values(), return_exceptions=True)
    for name, error in zip(calls, answers, strict=True):
        assert isinstance(error, DatabaseError), name
        assert re.match(r"[A-Za-z ]+ failed on MongoDB at 127.0.0.1:9: the server cannot be reached", str(error)), name


async def call(owner: object, name: str, arguments: tuple[Any, ...]) -> object:
    options = {"page": True} if name in {"on_refusal", "on_success"} else {}
    return await getattr(owner, name)(*arguments, **options)
