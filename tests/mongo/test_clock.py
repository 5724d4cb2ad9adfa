"""The server's time, as a worker knows it: its own clock plays no part."""

from datetime import UTC, datetime, timedelta

import pytest

from rfispider.frontier import Frontier
from rfispider.mongo.clock import ServerClock

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_before_the_server_has_told_it_there_is_no_time() -> None:
    with pytest.raises(LookupError):
        ServerClock().now()


def test_the_time_of_the_server_goes_on_by_a_clock_that_nobody_sets() -> None:
    clock = ServerClock()
    clock.set(NOW)
    assert timedelta() <= clock.now() - NOW < timedelta(seconds=5)


async def test_a_frontier_has_the_time_of_its_server_once_it_is_prepared(mongo_uri: str, database: str) -> None:
    async with await Frontier.open(mongo_uri, database) as frontier:
        hello = await frontier.connection.client.admin.command("hello")
        server_time = hello["localTime"].replace(tzinfo=UTC)
        assert abs(frontier.now() - server_time) < timedelta(seconds=1)
        unprepared = Frontier(frontier.connection, database)
        with pytest.raises(LookupError):
            unprepared.now()
