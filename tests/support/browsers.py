"""The real renderers that tests start: a Splash server, and this machine's Chromium."""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.crawling import ROOT

PYTHON = ROOT / ".venv-splash" / "bin" / "python"
START_SECONDS = 30


def chromium() -> str:
    """The program of Chromium; the test is skipped where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("there is no Chromium on this machine: apt-get install chromium")
    return found


@contextmanager
def splash(log: Path) -> Iterator[str]:
    """Run a Splash server while the context lasts; gives its URL. Skips the test where it cannot be had."""
    if not PYTHON.exists():
        pytest.skip("the Splash server is not installed: make splash")
    port = free_port()
    command = [
        PYTHON,
        ROOT / "tests" / "support" / "splash_server.py",
        "--ip",
        "127.0.0.1",
        "--port",
        str(port),
        "--disable-ui",
    ]
    environment = os.environ | {"QTWEBENGINE_DISABLE_SANDBOX": "1"}
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=environment) as server:
        try:
            wait_for(f"http://127.0.0.1:{port}/_ping", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(url, timeout=5) as answer:
            answer.read()
            return
        assert server.poll() is None, "the server has ended"
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])
