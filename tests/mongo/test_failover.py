"""Servers that stand still and answers that break off: operations go on, on the same server or another."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from rfispider.frontier import Completion, Frontier
from rfispider.items import Kind, Link, Outcome
from rfispider.mongo import operations
from rfispider.mongo.errors import hosts
from tests.support.replica_set import replica_set

LINKS = [
    Link(url=f"https://www.rfi.fr/cn/politics/20260301-story-{number}", kind=Kind.ARTICLE, edition="cn")
    for number in range(20)
]
CUT_AFTER = 20
"""Bytes of an answer that arrive: its header and no more."""


class BreakingProxy:
    """Passes on what goes to and from a server; the answer to one request breaks off, the connection stays open."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.breaks_at: bytes | None = None
        """What stands in the request whose answer breaks off; None = none does, or it has happened."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one connection."""
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self.port)
        broken = asyncio.Event()

        async def pass_requests() -> None:
            while request := await reader.read(65536):
                if self.breaks_at and self.breaks_at in request:
                    self.breaks_at = None
                    broken.set()
                to_server.write(request)

        async def pass_answers() -> None:
            while answer := await from_server.read(65536):
                writer.write(answer[:CUT_AFTER] if broken.is_set() else answer)
                if broken.is_set():
                    return

        with suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(pass_requests(), pass_answers())
        to_server.close()
        writer.close()


@asynccontextmanager
async def proxy(uri: str) -> AsyncIterator[tuple[BreakingProxy, str]]:
    """A proxy in front of a server, and the URI that leads through it."""
    host = hosts(uri)
    breaking = BreakingProxy(int(host.rpartition(":")[2]))
    server = await asyncio.start_server(breaking.serve, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield breaking, f"{uri.partition(host)[0]}127.0.0.1:{port}/?directConnection=true"
    finally:
        server.close()


@pytest.mark.parametrize("command", [b"aggregate", b"update"])
async def test_an_answer_that_breaks_off_is_asked_for_again_soon(
    mongo_uri: str, database: str, monkeypatch: pytest.MonkeyPatch, command: bytes
) -> None:
    monkeypatch.setattr(operations, "TRY_LIMITS_S", (0.5, 0.5))
    async with proxy(mongo_uri) as (breaking, uri), await Frontier.open(uri, database) as frontier:
        await frontier.add(LINKS)
        breaking.breaks_at = command
        began = time.monotonic()
        leases = await frontier.claim(4, ["cn"])
        assert breaking.breaks_at is None
        assert len(leases) == 4
        assert time.monotonic() - began < 5


def test_an_answer_is_waited_for_no_longer_than_a_few_seconds_at_first() -> None:
    assert operations.TRY_LIMITS_S[0] == 5


@pytest.mark.slow
@pytest.mark.integration
async def test_a_primary_that_stands_still_holds_nobody_up_for_longer_than_an_election(tmp_path: Path) -> None:
    with replica_set(tmp_path) as servers:
        async with await Frontier.open(servers.uri, "rfi") as frontier:
            await frontier.add(LINKS)
            primary = await asyncio.to_thread(servers.primary)
            assert primary
            primary.freeze()
            began = time.monotonic()
            leases = await frontier.claim(4, ["cn"])
            assert time.monotonic() - began < 20
            completions = [Completion(lease=lease, outcome=Outcome.NEW) for lease in leases]
            assert await frontier.acknowledge(completions) == []
            primary.thaw()
            assert len(await frontier.claim(20, ["cn"])) == 16
