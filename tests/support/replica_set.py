"""A real replica set of three nodes on loopback, whose members can be killed."""

import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from rfispider.mongo import server_process
from rfispider.mongo.server_binary import find_binary
from tests.support.crawling import wait_until

NODES = 3
NAME = "three"
ELECTION_MS = 2000
"""electionTimeoutMillis: so long the others wait for a primary that is silent before they elect another."""
PORTS = range(27217, 27717)
"""Below the range from which Linux takes outgoing ports: a node that was killed finds its own free again."""


@dataclass
class Node:
    """One member."""

    directory: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def up(self) -> None:
        """Start it, without waiting for it to listen."""
        self.directory.mkdir(exist_ok=True)
        command = [
            *(str(find_binary()), "--replSet", NAME, "--port", str(self.port), "--bind_ip", "127.0.0.1"),
            *("--dbpath", str(self.directory), "--logpath", str(self.directory / "mongod.log"), "--nounixsocket"),
            *("--oplogSize", "256", "--wiredTigerCacheSizeGB", "0.25"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            # Seconds after which a secondary gives up a frozen member that it copies from.
            *("--setParameter", "oplogNetworkTimeoutBufferSeconds=1"),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def freeze(self) -> None:
        """Stop it without closing a connection, as a machine that stands still does."""
        if self.process:
            self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self.process:
            self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None


class ReplicaSet:
    """The members, and which of them is the primary."""

    def __init__(self, directory: Path) -> None:
        ports = [port for port in random.sample(PORTS, len(PORTS)) if server_process.is_port_free(port)]
        self.nodes = [Node(directory / f"node-{number}", ports[number]) for number in range(NODES)]

    @property
    def uri(self) -> str:
        """What a worker is told."""
        return f"mongodb://{','.join(node.host for node in self.nodes)}/?replicaSet={NAME}"

    def up(self) -> None:
        """Start all, and wait until they have a primary."""
        for node in self.nodes:
            node.up()
        wait_until(lambda: all(_answers(node) for node in self.nodes), "every node listens")
        members = [{"_id": number, "host": node.host} for number, node in enumerate(self.nodes)]
        settings = {"electionTimeoutMillis": ELECTION_MS}
        with _direct(self.nodes[0]) as client:
            client.admin.command("replSetInitiate", {"_id": NAME, "members": members, "settings": settings})
        wait_until(self.primary, "there is a primary")

    def primary(self) -> Node | None:
        """The member that takes writes; None while there is none."""
        return next((node for node in self.nodes if node.process and _hello(node).get("isWritablePrimary")), None)

    def kill_primary(self) -> Node:
        """Kill the primary; gives it, so that it can be started again."""
        node = self.primary()
        assert node, "there is no primary to kill"
        node.kill()
        return node

    def down(self) -> None:
        """End all; nothing of them is kept."""
        for node in self.nodes:
            node.kill()


@contextmanager
def replica_set(directory: Path) -> Iterator[ReplicaSet]:
    """Three nodes that live while the context lasts; their data are left to whoever owns the directory."""
    servers = ReplicaSet(directory)
    try:
        servers.up()
        yield servers
    finally:
        servers.down()


def _direct(node: Node) -> "MongoClient[dict[str, Any]]":
    return MongoClient(node.host, directConnection=True, serverSelectionTimeoutMS=300)


def _hello(node: Node) -> dict[str, Any]:
    """What a node says of itself; nothing when it does not answer."""
    with suppress(PyMongoError), _direct(node) as client:
        return dict(client.admin.command("hello"))
    return {}


def _answers(node: Node) -> bool:
    return bool(_hello(node))
