"""The image, built step by step in clean Debian roots, and every service of the compose file run in it.

Takes minutes and the rights of root: runs only when RFI_TEST_IMAGE is set (`make image-test`).
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from tests.support.authenticated_mongod import guarded_server, secrets_in
from tests.support.crawling import ROOT, Replica, serving, wait_until

pytestmark = pytest.mark.skipif(not os.environ.get("RFI_TEST_IMAGE"), reason="RFI_TEST_IMAGE is not set")

MEGABYTES = 400
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The last stage of the Dockerfile."""
    from tests.support import image

    scratch = tmp_path_factory.mktemp("image")
    yield image.build(ROOT / "Dockerfile", ROOT, scratch)
    shutil.rmtree(scratch, ignore_errors=True)


@dataclass
class Stack:
    """The image, with a MongoDB that wants passwords beside it."""

    image: Any
    secrets: Path
    mongo: str

    def environment(self, service: str, **more: str) -> dict[str, str]:
        """What the compose file sets, with the defaults of its variables."""
        told = COMPOSE["services"][service]["environment"]
        return {name: defaults(str(value)) for name, value in told.items()} | more

    def command(self, service: str) -> list[str]:
        return [defaults(word) for word in COMPOSE["services"][service]["command"]]

    @contextmanager
    def running(self, service: str, **more: str) -> Iterator[subprocess.Popen[str]]:
        """A service, as the compose file starts it; it gets SIGTERM at the end and has to obey."""
        self.mount(service)
        command = [*self.image.enter(self.command(service))]
        env = self.image.env | self.environment(service, **more)
        with subprocess.Popen(command, env=env, text=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            try:
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.communicate(timeout=40)
                finally:
                    process.kill()

    def run(self, service: str, command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
        self.mount(service)
        done: subprocess.CompletedProcess[str] = self.image.run(command, self.environment(service, **more), timeout=60)
        return done

    def mount(self, service: str) -> None:
        """Put the secrets of a service, and no other, where an engine mounts them."""
        mounted = self.image.root / "run/secrets"
        shutil.rmtree(mounted, ignore_errors=True)
        mounted.mkdir(parents=True)
        for name in COMPOSE["services"][service]["secrets"]:
            text = (self.secrets / name).read_text().replace("mongo:27017", self.mongo)
            (mounted / name).write_text(text)


def defaults(text: str) -> str:
    """A value of the compose file where no variable is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


@pytest.fixture(scope="module")
def stack(built: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("stack")
    secrets = secrets_in(directory)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with guarded_server(directory, secrets, port) as mongo:
        yield Stack(built, secrets, mongo)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    with serving(tmp_path_factory.mktemp("site"), "--articles", "20", "--editions", "cn") as replica:
        yield replica


def test_the_image_is_small_and_holds_nothing_to_install_with(built: Any) -> None:
    from tests.support import image

    assert image.megabytes(built.root) < MEGABYTES
    assert built.run(["python3", "-c", "import pip"]).returncode != 0
    assert built.run(["rfispider", "--version"]).stdout.startswith("rfispider ")


def test_the_image_runs_as_nobody_who_could_change_it(built: Any) -> None:
    assert built.run(["id", "-u"]).stdout.strip() == "10001"
    for place in ("/opt/rfispider/x", "/usr/x", "/x"):
        assert built.run(["touch", place]).returncode != 0


def test_the_image_alone_crawls_by_default_and_says_what_it_lacks(built: Any) -> None:
    done = built.run(built.cmd)
    assert done.returncode == 1
    assert "MONGO_URI" in done.stderr


def test_setup_makes_a_user_who_reads_and_does_not_write(stack: Stack) -> None:
    done = stack.run("setup", stack.command("setup"))
    assert done.returncode == 0, done.stderr
    uri = (stack.secrets / "mongo_uri_reader").read_text().replace("127.0.0.1:27017", stack.mongo)
    with MongoClient[Any](uri) as client:
        assert client.rfi.articles.count_documents({}) == 0
        with pytest.raises(OperationFailure, match="not authorized"):
            client.rfi.articles.insert_one({})


def test_the_crawler_stores_reports_health_and_obeys_sigterm(stack: Stack, site: Replica) -> None:
    uri = (stack.secrets / "mongo_uri").read_text().replace("mongo:27017", stack.mongo)
    with MongoClient[Any](uri) as client:
        with stack.running("crawler", RFI_BASE_URL=site.base, RFI_RATE="0") as crawler:
            wait_until(lambda: client.rfi.articles.count_documents({"status": "full"}) >= 10, "articles are stored")
            health = stack.run("crawler", [*stack.image.health, "--json"])
        assert crawler.returncode == 0
        assert health.returncode == 0, health.stdout + health.stderr
        assert client.rfi.frontier.count_documents({"state": "leased"}) == 0
        assert client.rfi.runs.find_one(sort=[("started_at", -1)])["reason"] == "shutdown"


def test_the_scheduler_runs_by_the_clock_and_obeys_sigterm(stack: Stack, site: Replica) -> None:
    with stack.running("scheduler", RFI_BASE_URL=site.base) as scheduler:
        uri = (stack.secrets / "mongo_uri").read_text().replace("mongo:27017", stack.mongo)
        with MongoClient[Any](uri) as client:
            wait_until(lambda: client.rfi.schedules.find_one({"rule": "*/15 * * * *"}), "the schedule is known")
    assert scheduler.returncode == 0


def test_metrics_are_served(stack: Stack) -> None:
    with stack.running("metrics"):
        wait_until(lambda: b"rfispider_" in answer("http://127.0.0.1:9108/metrics"), "metrics are served")


def answer(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bytes(response.read())
    except OSError:
        return b""


def test_no_secret_is_in_the_image_or_in_the_log(stack: Stack, site: Replica) -> None:
    words = [file.read_text() for file in stack.secrets.glob("*_password")]
    done = stack.run("crawler", ["scrapy", "crawl", "rfi", "-a", "depth=0"], RFI_BASE_URL=site.base)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not [word for word in words if word in done.stdout + done.stderr]
    assert not list((stack.image.root / "opt/rfispider").rglob("*secret*password*"))
    assert json.dumps(stack.image.env).find(words[0]) < 0
