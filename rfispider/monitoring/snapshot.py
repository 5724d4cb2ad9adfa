"""Asks the database how things stand: what health and metrics are made of."""

from rfispider.frontier import Frontier
from rfispider.mongo.connection import READ_S
from rfispider.monitoring.prometheus import Snapshot
from rfispider.monitoring.vitals import vitals
from rfispider.storage import Store, translating_errors


async def snapshot(uri: str, database: str) -> Snapshot:
    """How things stand in a database, asked over connections of its own.

    Raises:
        DatabaseError: the server does not do what it should.

    """
    async with await Store.open(uri, database, patience=READ_S) as store:
        with translating_errors("reading the frontier", uri):
            async with await Frontier.open(uri, database) as frontier:
                return await stand(store, frontier)


async def stand(store: Store, frontier: Frontier) -> Snapshot:
    """The same over connections that are there."""
    counted = await frontier.statistics.counts()
    urls = {(str(count.state), count.edition or "", str(count.kind)): count.urls for count in counted}
    return Snapshot(vitals=await vitals(store, frontier), urls=urls)
