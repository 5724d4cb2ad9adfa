"""A unit test is one: it starts no process and opens no connection, in no thread."""

import asyncio
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.support.isolation import NotAUnitTest, isolated

pytestmark = pytest.mark.integration


def connect() -> None:
    with socket.socket() as client:
        client.connect(("127.0.0.1", 9))


def listen() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))


@pytest.mark.parametrize(
    "attempt",
    [
        connect,
        listen,
        lambda: socket.getaddrinfo("localhost", 80),
        lambda: subprocess.run([sys.executable, "--version"], check=True),
        lambda: os.system("true"),
        lambda: multiprocessing.get_context("spawn").Process(target=print).start(),
    ],
)
def test_processes_and_connections_are_refused(attempt: Callable[[], object]) -> None:
    with pytest.raises(NotAUnitTest), isolated():
        attempt()


def test_what_another_thread_attempts_fails_the_test_too() -> None:
    def attempt() -> None:
        with suppress(NotAUnitTest):
            connect()

    def attempt_in_a_thread() -> None:
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()

    with pytest.raises(NotAUnitTest), isolated():
        attempt_in_a_thread()


def test_an_event_loop_is_none_of_them() -> None:
    with isolated():
        asyncio.run(asyncio.sleep(0))


def test_afterwards_they_are_allowed_again() -> None:
    with isolated():
        pass
    listen()
