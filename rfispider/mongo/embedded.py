"""The embedded MongoDB server: find the binary, start it once, share it, stop it.

One directory (the root) is one server: a replica set of a single node, so that transactions and change streams work. It
listens on loopback only and asks for a password, which only the owner of the directory can read (`credentials`). It
survives the process that started it. `mongod` itself writes its process id into its data directory, and the kernel
tells the arguments it runs with: both are read each time, so that no record of ours can be stale. Only the port is
written down, to be used again.
"""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from rfispider.mongo import server_failure, server_process
from rfispider.mongo.credentials import Credentials, CredentialsFile
from rfispider.mongo.errors import EmbeddedServerError
from rfispider.mongo.server_binary import find_binary

REPLICA_SET = "rfi"

PORT_RANGE = range(27117, 27217)
"""Tried in this order. Below the range from which Linux takes outgoing ports, beside MongoDB's own 27017."""

SERVER_START_S = 60.0
"""Seconds that a start may take; a recovery after a crash is part of it."""

STOP_S = 60.0
"""Seconds that a clean shutdown may take."""

TOO_SLOW = f"it was not ready after {SERVER_START_S:.0f} seconds"

DYING_S = 5.0
"""Seconds that a killed server may take to let go of its memory."""

_EXIT_PORT_TAKEN = 48
"""EXIT_NET_ERROR of mongod: it could not bind its port."""

_PORT_TAKEN = "Address already in use"
"""What it says when another server begins to listen between its own bind and listen; it aborts then."""

_UNAUTHORIZED = 13

_NOT_INITIATED = frozenset({_UNAUTHORIZED, 94})
"""NotYetInitialized: the server has no replica set configuration yet. Unauthorized: nor a user that may ask for it."""

_USER_EXISTS = 51003


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What is known of the server of one root."""

    data: Path
    log: Path
    uri: str | None = None
    """None when it does not run."""
    pid: int | None = None
    port: int | None = None


def uri_of(port: int, credentials: Credentials | None) -> str:
    """The URI of an embedded server. The name of the set lets a client wait for the primary after a restart."""
    return f"mongodb://{credentials.prefix if credentials else ''}127.0.0.1:{port}/?replicaSet={REPLICA_SET}"


class Embedded:
    """The server of one root directory. Every method may be called by any process at any time."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.data = self.root / "db"
        self.log = self.root / "mongod.log"
        self._port_file = self.root / "port"
        self._credentials = CredentialsFile(self.root)

    def up(self) -> str:
        """The URI of the running, writable server, which is started if need be.

        Takes up to `SERVER_START_S` seconds. Raises EmbeddedServerError when the server cannot be had.
        """
        with self._locked():
            running = self._running()
            if not (running and self._becomes_writable(running[1])):
                running = self._running_after_start()
            if self._credentials.read() is None and self._asks_for_password(running[0]):
                self._create_user(running[1])
            return self._uri(running[1])

    def _running_after_start(self) -> tuple[int, int]:
        """Start the server; gives its process id and port. One of an earlier release is given a password."""
        if not self._is_open():
            self._credentials.make_key_file()
        running = self._writable_after_start()
        if not self._asks_for_password(running[0]):
            self._create_user(running[1])
            self._credentials.make_key_file()
            self._stop(running[0])
            running = self._writable_after_start()
        return running

    def _writable_after_start(self) -> tuple[int, int]:
        port = self._start()
        running = self._running() if self._becomes_writable(port) else None
        if running is None:
            raise self._start_error("it died as soon as it ran")
        return running

    def _is_open(self) -> bool:
        """Whether there are data of an earlier release, whose server asked for no password."""
        return (self.data / "WiredTiger").exists() and not self._credentials.key_file.exists()

    def _asks_for_password(self, pid: int) -> bool:
        return "--keyFile" in server_process.arguments_of(pid)

    def _uri(self, port: int) -> str:
        return uri_of(port, self._credentials.read())

    def _create_user(self, port: int) -> None:
        """Create the only user. Without one, mongod lets whoever comes from this machine do that, and nothing else."""
        credentials = self._credentials.pending()
        with self._client(port) as client:
            try:
                _set_password(client, credentials)
            except PyMongoError as error:
                raise self._start_error(f"its user cannot be created: {error}") from error
        self._credentials.confirm()

    def _client(self, port: int) -> MongoClient[dict[str, Any]]:
        """A client of this very server, whatever its state."""
        credentials = self._credentials.read()
        prefix = credentials.prefix if credentials else ""
        return MongoClient(f"mongodb://{prefix}127.0.0.1:{port}/?directConnection=true&serverSelectionTimeoutMS=500")

    def status(self) -> ServerStatus:
        """Whether the server runs, and where; starts nothing."""
        running = self._running()
        if running is None:
            return ServerStatus(self.data, self.log)
        pid, port = running
        return ServerStatus(self.data, self.log, self._uri(port), pid, port)

    def down(self) -> bool:
        """Shut the server down cleanly; whether one was running.

        Raises EmbeddedServerError when it is still there after `STOP_S` seconds.
        """
        if not self.root.is_dir():
            return False
        with self._locked():
            running = self._running()
            if running is None:
                return False
            self._stop(running[0])
            return True

    def _stop(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        if not server_process.wait_until_gone(pid, STOP_S):
            raise EmbeddedServerError(f"The embedded MongoDB (process {pid}) did not stop in {STOP_S:.0f} seconds.")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time. The kernel lets go when the holder dies, so the file may stay."""
        try:
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = (self.root / "lock").open("w")
        except OSError as error:
            raise EmbeddedServerError(f"The embedded MongoDB cannot use {self.root}: {error.strerror}.") from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _running(self) -> tuple[int, int] | None:
        """Process id and port, if the process that mongod wrote down is alive and is the server of this root."""
        pid = self._written_pid()
        arguments = server_process.arguments_of(pid) if pid else []
        if pid is None or str(self.data) not in arguments or "--port" not in arguments:
            return None
        return pid, int(arguments[arguments.index("--port") + 1])

    def _becomes_writable(self, port: int) -> bool:
        """Wait for a writable primary, and make the server one if it never was, or moved; False when it dies.

        Raises EmbeddedServerError when it does neither within `SERVER_START_S` seconds.
        """
        deadline = time.monotonic() + SERVER_START_S
        with self._client(port) as client:
            while not _is_writable(client):
                if self._running() is None:
                    return False
                if time.monotonic() > deadline:
                    raise self._start_error(TOO_SLOW)
                with suppress(PyMongoError):
                    _become_only_member(client, f"127.0.0.1:{port}")
                time.sleep(server_process.SERVER_POLL_S)
        return True

    def _written_pid(self) -> int | None:
        """The process id in the lock file of mongod, which empties it when it stops cleanly."""
        try:
            return int((self.data / "mongod.lock").read_text())
        except (OSError, ValueError):
            return None

    def _start(self) -> int:
        """Start the server on a free port and return the port."""
        binary = find_binary()
        pid = self._written_pid()
        if pid and not server_process.arguments_of(pid):
            # A killed process is without arguments for a moment in which it still holds its port and files.
            server_process.wait_until_gone(pid, DYING_S)
        for port in self._ports():
            code, output = self._launch(binary, port)
            if code == 0:
                return port
            output = f"{output}\n{server_failure.last_errors(self.log)}"
            if code != _EXIT_PORT_TAKEN and _PORT_TAKEN not in output:
                raise self._start_error(server_failure.cause(code, output), output)
        raise EmbeddedServerError(f"The embedded MongoDB found no free port in {PORT_RANGE[0]}-{PORT_RANGE[-1]}.")

    def _start_error(self, fault: str, output: str | None = None) -> EmbeddedServerError:
        """The error of a start that failed, with the server's output, by default the last errors of its log."""
        output = server_failure.last_errors(self.log) if output is None else output
        return EmbeddedServerError(server_failure.message(fault, output, self.log))

    def _ports(self) -> Iterator[int]:
        """Free ports, the remembered one first; the one in use is always the one remembered."""
        with suppress(OSError, ValueError):
            yield from filter(server_process.is_port_free, [int(self._port_file.read_text())])
        yield from filter(server_process.is_port_free, PORT_RANGE)

    def _key_option(self) -> list[str]:
        key_file = self._credentials.key_file
        return ["--keyFile", str(key_file)] if key_file.exists() else []

    def _launch(self, binary: Path, port: int) -> tuple[int, str]:
        """Run mongod until it listens or dies; its exit code (0: it listens) and what it printed."""
        self._port_file.write_text(str(port))
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        output = self.root / "mongod.out"
        # A file, not a pipe: the server that stays would hold a pipe open.
        with output.open("w+b") as stream:
            command = [str(binary), *_options(self.data, self.log, port), *self._key_option()]
            try:
                process = subprocess.run(  # noqa: S603 - the binary is found by us, the options are ours
                    command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, timeout=SERVER_START_S, check=False
                )
            except subprocess.TimeoutExpired as error:
                raise self._start_error(TOO_SLOW) from error
            except OSError as error:
                raise EmbeddedServerError(f"The MongoDB server {binary} cannot be run: {error.strerror}.") from error
        return process.returncode, output.read_text(errors="replace")


def _options(data: Path, log: Path, port: int) -> list[str]:
    """Loopback only, modest in memory and disk, its own session (`--fork`)."""
    return [
        "--fork",
        *("--dbpath", str(data), "--logpath", str(log), "--port", str(port)),
        *("--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet"),
        *("--replSet", REPLICA_SET, "--oplogSize", "512"),
        *("--wiredTigerCacheSizeGB", "1"),
        # Without a history of five minutes, entries that the frontier takes out of its index need not be passed again.
        *("--setParameter", "minSnapshotHistoryWindowInSeconds=0"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        # One node has nobody to hand over to: clients need no time to notice a shutdown.
        *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
    ]


def _is_writable(client: MongoClient[dict[str, Any]]) -> bool:
    try:
        return bool(client.admin.command("hello")["isWritablePrimary"])
    except PyMongoError:
        return False


def _set_password(client: MongoClient[dict[str, Any]], credentials: Credentials) -> None:
    try:
        client.admin.command("createUser", credentials.user, pwd=credentials.password, roles=["root"])
    except OperationFailure as error:
        if error.code == _USER_EXISTS:
            client.admin.command("updateUser", credentials.user, pwd=credentials.password)
        elif error.code != _UNAUTHORIZED:
            raise
        # Else the process that created the user with this very password died before it could note that.


def _become_only_member(client: MongoClient[dict[str, Any]], host: str) -> None:
    """Make the server the only member of its replica set, under its present address."""
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code in _NOT_INITIATED:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [{"_id": 0, "host": host}]})
        return
    if [member["host"] for member in config["members"]] != [host]:
        config["members"] = [{"_id": 0, "host": host}]
        config["version"] += 1
        # By force: under its old address the server counts as removed, and there is no primary to agree.
        client.admin.command("replSetReconfig", config, force=True)
