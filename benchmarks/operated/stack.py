"""The services of `docker-compose.yml` as processes of this machine, on a generated site.

The same commands with the same environment, MongoDB with passwords, secrets from files; only Docker is missing.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import stage
from prometheus_client.parser import text_string_to_metric_families
from pymongo import MongoClient

from operated.clock import Clock
from tests.support.authenticated_mongod import guarded_server, secrets_in
from tests.support.browsers import free_port
from tests.support.crawling import ROOT, Replica, path, surroundings

DATABASE = "rfi"
RFISPIDER = (sys.executable, "-c", "from rfispider.cli import main; main()")
CRAWL = ("scrapy", "crawl", "rfi", *stage.WHOLE_SITE[2:])
LEASE = "2m"
"""Of the scheduler: four times the default, for this machine is no faster than its clock."""
ASKED_S, OBEYED_S = 300, 60
"""How long a command may take, and a service that is told to end, in seconds of this process."""
Metrics = Mapping[tuple[str, frozenset[tuple[str, str]]], float]
"""Name and labels of a sample -> its value."""


@dataclass
class Service:
    """A process that stays."""

    name: str
    log: Path
    textfile: Path
    """Where its metrics stand for the node exporter, if it is a crawl."""
    command: tuple[str, ...]
    process: "subprocess.Popen[bytes]"

    def stop(self) -> int:
        """Ask it to end, as an engine does; its exit status."""
        self.process.terminate()
        return self.process.wait(OBEYED_S)

    def told(self) -> str:
        """Its log so far."""
        return self.log.read_text("utf-8", "replace")


@dataclass
class Stack:
    """The services, and how they are asked."""

    directory: Path
    secrets: Path
    host: str
    """Host and port of MongoDB."""
    site: Replica
    editions: str
    clock: Clock
    environment: Mapping[str, str]
    services: dict[str, Service] = field(default_factory=dict)
    running: ExitStack = field(default_factory=ExitStack)

    def secret(self, name: str) -> str:
        """A secret, with the place where MongoDB is here."""
        text = (self.secrets / name).read_text("utf-8")
        return text.replace("mongo:27017", self.host).replace("127.0.0.1:27017", self.host)

    # ---- services -------------------------------------------------------------------------------------------

    def crawler(self, name: str) -> Service:
        """Start a crawler that stays for what comes due."""
        return self.start(name, sys.executable, "-m", *CRAWL, "-a", f"editions={self.editions}", "-a", "follow=1")

    def scheduler(self, name: str, every: str) -> Service:
        """Start a scheduler that runs a crawl each `every`, such as 10m."""
        run = (*CRAWL, "-a", f"editions={self.editions}")
        return self.start(name, *RFISPIDER, "schedule", "--every", every, "--lease", LEASE, "--", *run)

    def start(self, name: str, *command: str) -> Service:
        """Start a service; it does not outlive the stack."""
        log, textfile = self.directory / f"{name}.log", self.directory / f"{name}.prom"
        told = surroundings(**self.environment, RFI_METRICS_FILE=str(textfile), RFI_CONTACT=name)
        out = self.running.enter_context(log.open("ab"))
        process = subprocess.Popen(command, cwd=ROOT, env=told, stdout=out, stderr=out)
        self.running.enter_context(process)
        self.running.callback(process.kill)
        self.services[name] = Service(name, log, textfile, command, process)
        return self.services[name]

    def restart(self) -> list[Service]:
        """Start again what has ended by itself, as an engine does; those that had."""
        ended = [each for each in self.services.values() if each.process.poll() not in {None, -signal.SIGKILL}]
        for service in ended:
            self.start(service.name, *service.command)
        return ended

    # ---- questions ------------------------------------------------------------------------------------------

    def ask(self, *arguments: str, typed: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `rfispider`."""
        return subprocess.run(
            [*RFISPIDER, *arguments],
            cwd=ROOT,
            env=surroundings(**{**self.environment, "COLUMNS": "200", **more}),
            input=typed,
            capture_output=True,
            text=True,
            timeout=ASKED_S,
            check=False,
        )

    def health(self) -> dict[str, Any]:
        """What `rfispider health --json` says, with its exit status."""
        done = self.ask("health", "--json")
        said: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"findings": [], "status": done.stderr}
        return {**said, "exit_status": done.returncode}

    def metrics(self) -> Metrics:
        """What `rfispider metrics` says."""
        return samples(self.ask("metrics").stdout)

    def textfiles(self) -> Metrics:
        """What the crawls wrote for the node exporter, added up."""
        total: dict[Any, float] = {}
        for service in self.services.values():
            if service.textfile.exists():
                for key, value in samples(service.textfile.read_text("utf-8")).items():
                    total[key] = total.get(key, 0.0) + value
        return total

    @contextmanager
    def archive(self, secret: str = "mongo_uri") -> Iterator[Any]:
        """The database, as the user of a secret."""
        with MongoClient[dict[str, Any]](self.secret(secret), tz_aware=True) as client:
            yield client[DATABASE]

    def articles(self) -> list[dict[str, Any]]:
        """What the archive holds, as a team sees it that may read."""
        with self.archive("mongo_uri_reader") as archive:
            return list(archive.articles.find())

    def missing(self) -> list[str]:
        """The articles of the site that the archive does not hold in full, by their paths."""
        held = {path(url) for each in self.articles() if each["status"] != "stub" for url in every_url(each)}
        return sorted({path(article["url"]) for article in self.site.truth()} - held)

    def leaks(self) -> list[str]:
        """The services whose logs tell a password."""
        words = [file.read_text("utf-8") for file in self.secrets.glob("*_password")]
        logs = {service.name: service.told() for service in self.services.values()}
        return [name for name, log in logs.items() if any(word in log for word in words)]


def every_url(article: Mapping[str, Any]) -> list[str]:
    """An article's own URL and its others."""
    return [article["url"], *article.get("aliases", ())]


def samples(text: str) -> Metrics:
    """The samples of an exposition in Prometheus' text format."""
    found = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in found}


def value(metrics: Metrics, name: str, **labels: str) -> float:
    """The sum of the samples of a name that have these labels among theirs."""
    return sum(found for (name_, have), found in metrics.items() if name_ == name and labels.items() <= set(have))


@contextmanager
def stack(directory: Path, clock: Clock, *, editions: str, articles: int, splash: str, rate: float) -> Iterator[Stack]:
    """Start MongoDB, its users and the site; the rest is started by whoever operates it.

    `articles` of each edition stand on the site at first; `splash` is the URL of a renderer, empty for none; `rate` is
    in requests a second of the clock.
    """
    secrets = secrets_in(directory)
    with ExitStack() as beneath:
        host = beneath.enter_context(guarded_server(directory, secrets, free_port()))
        options = ("--editions", editions, "--articles", str(articles), "--clock", "now")
        site = beneath.enter_context(stage.serving(directory, *options))
        uri = directory / "mongo_uri"
        made = Stack(directory, secrets, host, site, editions, clock, {})
        uri.write_text(made.secret("mongo_uri"), "utf-8")
        made.environment = {
            "MONGO_URI_FILE": str(uri),
            "MONGO_DATABASE": DATABASE,
            "RFI_BASE_URL": site.base,
            "RFI_RATE": f"{rate:g}",
            "SPLASH_URL": splash,
            # A browser is as slow as ever while the clock runs fast; this is as long as the server allows.
            "RFI_RENDER_SECONDS": "60",
        }
        with made.running:
            yield made
