"""What commands print, wherever they print it, and how Ctrl-C ends them."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rfispider.frontier import Frontier
from rfispider.items import Kind, Link
from rfispider.storage import Store
from tests.support.articles import article_at
from tests.support.crawling import ROOT, command, surroundings

pytestmark = pytest.mark.integration
MAIN = [sys.executable, "-c", "from rfispider.cli import main; main()"]
SECONDS = 30
URL = "https://www.rfi.fr/cn/%E4%B8%AD%E5%9B%BD/20260301-%E6%B3%95%E5%B9%BF"
IRI = "https://www.rfi.fr/cn/中国/20260301-法广"
STEERING = "climate \x1b[31mred \u202egnorw \u2066apart\u2069 \x9b1m 气候é"
"""A text that holds what a terminal obeys: colours, and changes of direction."""
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

COMMANDS = [
    ["search", "climate"],
    ["search", "--json", "climate"],
    ["show", URL],
    ["show", "--json", URL],
    ["report"],
    ["frontier"],
    ["frontier", "why", URL],
    ["audit", "--day", "2026-03-01"],
    ["check"],
    ["metrics"],
    ["tokens", "气候"],
    ["schedule", "--list"],
    ["--version"],
    ["search", "--help"],
]


@pytest.fixture(scope="module")
def database() -> str:
    return "test_terminal"


@pytest.fixture
async def archive(mongo_uri: str, database: str) -> dict[str, str]:
    """The environment of a command, and an article that would steer a terminal."""
    async with await Store.open(mongo_uri, database) as store, await Frontier.open(mongo_uri, database) as frontier:
        await store.save([article_at(URL, edition="cn", title=STEERING, text=STEERING, tags=[STEERING])])
        await frontier.add([Link(url=URL, kind=Kind.ARTICLE, edition="cn")])
    return surroundings(MONGO_URI=mongo_uri, MONGO_DATABASE=database)


def run(environment: dict[str, str], *arguments: str, **options: Any) -> "subprocess.CompletedProcess[bytes]":
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run([*MAIN, *arguments], cwd=ROOT, env=environment, timeout=SECONDS, check=False, **pipes)


@pytest.mark.parametrize(
    ("encoding", "arguments"),
    [
        *(("ascii", command) for command in COMMANDS),
        ("latin-1", ["search", "climate"]),
        ("utf-8", ["search", "climate"]),
        ("utf-8", ["search", "--json", "climate"]),
        ("utf-8", ["show", URL]),
        ("utf-8", ["report"]),
    ],
)
def test_a_terminal_of_few_letters_gets_all_that_it_can_show(
    archive: dict[str, str], arguments: list[str], encoding: str
) -> None:
    done = run(archive | {"PYTHONIOENCODING": encoding}, *arguments)
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode(encoding)
    assert not STEERS.findall(shown)
    if arguments[0] == "search" and "--json" in arguments:
        assert json.loads(shown)["title"] == article_at(URL, title=STEERING).title
    if arguments == ["search", "climate"] and encoding == "utf-8":
        assert IRI in shown


@pytest.mark.parametrize(
    "arguments",
    [["search", "climate"], ["search", "--json", "climate"], ["report"], ["metrics"], ["--version"], ["export"]],
    ids=" ".join,
)
def test_a_full_disk_is_one_line(archive: dict[str, str], arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run(archive, *arguments, stdout=full)
    lines = done.stderr.decode().splitlines()
    assert (done.returncode, len(lines)) == (1, 1), lines
    assert lines[0].startswith("rfispider: standard output")
    assert lines[0].endswith("No space left on device")


@pytest.mark.parametrize("arguments", [["search", "climate"], ["report"], ["export"], ["metrics"]], ids=" ".join)
def test_who_has_read_enough_is_told_nothing(archive: dict[str, str], arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run(archive, *arguments, stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


# ---- Ctrl-C ----------------------------------------------------------------------------------------------


@pytest.fixture
def silent_server() -> Iterator[socket.socket]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.mark.parametrize(
    "arguments",
    [
        ["search", "x"],
        ["frontier"],
        ["health"],
        ["export"],
        ["reextract", "--yes"],
        ["metrics"],
        ["migrate"],
        ["check"],
    ],
    ids=" ".join,
)
def test_ctrl_c_ends_a_command_in_one_line(silent_server: socket.socket, arguments: list[str]) -> None:
    environment = surroundings(MONGO_URI=f"mongodb://127.0.0.1:{silent_server.getsockname()[1]}/")
    with subprocess.Popen([*MAIN, *arguments], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        silent_server.settimeout(SECONDS)
        connection, _ = silent_server.accept()  # it waits for an answer now
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=SECONDS)
        connection.close()
    assert (process.returncode, stderr) == (130, "rfispider: interrupted\n")


LOADING = """
import signal, sys
import rfispider

class Interrupted:
    def find_spec(self, name, *_):
        if name == "rfispider.cli.commands":
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupted())
from rfispider.cli import main
"""


def test_ctrl_c_while_the_program_loads_is_one_line_too() -> None:
    done = subprocess.run([sys.executable, "-c", LOADING], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "rfispider: interrupted\n")


# ---- What cannot be meant --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["search", "x", "-n", "9" * 30], "--limit"),
        (["search", "x", "--since", "0001-01-01T00:00+14:00"], "--since"),
        (["search", "x", "--until", "9999-12-31"], "--until"),
        (["audit", "--day", "9999-12-31"], "--day"),
        (["show", "x", "--as-of", "9999-12-31T23:59-12:00"], "--as-of"),
        (["watch", "--since", "0001-01-01T00:00+14:00"], "--since"),
        (["report", "--database", "a.b"], "--database"),
        (["report", "--database", ""], "--database"),
        (["export", "--database", "x" * 64], "--database"),
        (["schedule", "--every", "9" * 30 + "d", "--", "true"], "longer than 366 days"),
        (["schedule", "--every", "1h", "--lease", "0", "--", "true"], "a lease of '0' is too short"),
    ],
)
def test_a_value_that_cannot_be_meant_is_wrong_usage(arguments: list[str], option: str) -> None:
    done = command("mongodb://127.0.0.1:1/", "rfi", *arguments)
    assert (done.returncode, option in done.stderr) == (2, True), done.stderr
