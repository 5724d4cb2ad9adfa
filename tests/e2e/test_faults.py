"""What a crawl survives: real workers and a real mongod are killed, the site refuses, hangs and changes."""

import os
import random
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from rfispider.mongo import embedded, server_process
from rfispider.mongo.embedded import Embedded
from tests.support.crawling import (
    CRAWL_SECONDS,
    PATH,
    STAMP,
    STATUS,
    Replica,
    Site,
    crawl,
    crawling,
    path,
    serving,
    stored,
    wait_until,
)
from tests.support.fleet import fleet, shared_while_alive
from tests.support.replica_set import replica_set

EDITIONS = "cn,en"
WHOLE = ("-a", f"editions={EDITIONS}", "-a", "depth=-1", "-s", "RFI_FOLLOW_TOPICS=1")
LISTED = ("-a", "editions=en", "-a", "depth=0")
IN_FLIGHT = 8
UNDER_WAY = 2 * IN_FLIGHT
"""Pages that one worker has asked for and not yet settled: in flight, and waiting to be read and stored."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    with serving(tmp_path_factory.mktemp("site"), "--editions", EDITIONS, "--articles", "80") as replica:
        yield replica


@pytest.fixture
def site(served: Replica) -> Site:
    served.control(reset=True)
    return Site(served, in_flight=IN_FLIGHT)


@pytest.fixture
def archive(mongo_uri: str, database: str) -> Iterator[Any]:
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        yield client[database]


def stop_when_quiet(site: Site, worker: "subprocess.Popen[bytes]") -> None:
    """Ask a worker to stop when a page hangs and nothing else has been asked for for a while."""
    wait_until(lambda: any(request[STATUS] == "0" for request in site.requests()), "a page hangs")
    wait_until(lambda: time.time() - float(site.requests()[-1][STAMP]) > 0.5, "all others are fetched")
    worker.send_signal(signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def leased(archive: Any) -> int:
    return archive.frontier.count_documents({"state": "leased"})


def pages(archive: Any) -> list[dict[str, Any]]:
    return list(archive.frontier.find({"kind": {"$in": ["article", "podcast", "video", "wire"]}}))


def make_due(archive: Any, urls: Iterable[str]) -> None:
    wanted = {"url": {"$in": list(urls)}}
    archive.frontier.update_many(wanted, {"$set": {"due_at": datetime(2020, 1, 1, tzinfo=UTC), "state": "due"}})


def lines(log: Path) -> list[str]:
    return log.read_text("utf-8").splitlines()


# ---- workers that die ------------------------------------------------------------------------------------


def test_a_killed_worker_loses_nothing_and_its_successor_goes_on_at_once(
    site: Site, mongo_uri: str, database: str, archive: Any, tmp_path: Path
) -> None:
    site.replica.control(latency_ms=100)
    with crawling(mongo_uri, database, tmp_path / "one.log", *WHOLE, **site.environment()) as worker:
        site.wait_for_articles(0.4)
        worker.kill()
    assert leased(archive)
    killed_at, before = time.time(), len(site.articles())

    assert crawl(mongo_uri, database, *WHOLE, **site.environment()).returncode == 0
    assert stored(archive) == sorted(site.truth)
    assert site.fetched_again() <= UNDER_WAY
    assert float(site.articles()[before][STAMP]) - killed_at < 5


def test_two_workers_share_a_crawl_and_fetch_nothing_twice(
    site: Site, mongo_uri: str, database: str, archive: Any, tmp_path: Path
) -> None:
    site.replica.control(latency_ms=100)
    with ExitStack() as stack:
        logs = [tmp_path / "one.log", tmp_path / "two.log"]
        start = [crawling(mongo_uri, database, log, *WHOLE, **site.environment()) for log in logs]
        workers = [stack.enter_context(each) for each in start]
        assert [worker.wait(CRAWL_SECONDS) for worker in workers] == [0, 0], logs[0].read_text() + logs[1].read_text()
    assert stored(archive) == sorted(site.truth)
    assert site.fetched_again() == 0
    shares = [sum(run["outcomes"].values()) for run in archive.runs.find()]
    assert sum(shares) == len(site.truth)
    assert min(shares) > 0.2 * len(site.truth)


def test_a_worker_that_is_asked_to_stop_finishes_what_is_in_flight_and_hands_back_the_rest(
    site: Site, mongo_uri: str, database: str, archive: Any, tmp_path: Path
) -> None:
    site.replica.control(latency_ms=100)
    with crawling(mongo_uri, database, tmp_path / "one.log", *WHOLE, **site.environment()) as worker:
        site.wait_for_articles(0.3)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 1
    assert leased(archive) == 0
    assert stored(archive) == sorted(site.fetched())
    assert len(stored(archive)) < len(site.truth)

    assert crawl(mongo_uri, database, *WHOLE, **site.environment()).returncode == 0
    assert stored(archive) == sorted(site.truth)
    assert site.fetched_again() == 0


def test_a_worker_that_is_asked_twice_stops_at_once_and_loses_nothing(
    site: Site, mongo_uri: str, database: str, archive: Any, tmp_path: Path
) -> None:
    site.replica.control(latency_ms=100, hang=site.listed(3))
    with crawling(mongo_uri, database, tmp_path / "one.log", *WHOLE, **site.environment()) as worker:
        stop_when_quiet(site, worker)
        # Two signals that come before the first is handled are one.
        wait_until(lambda: worker.send_signal(signal.SIGTERM) or worker.poll() is not None, "it stops", seconds=5)
    site.replica.control(hang=[])
    assert crawl(mongo_uri, database, *WHOLE, **site.environment()).returncode == 0
    assert stored(archive) == sorted(site.truth)
    assert site.fetched_again() <= UNDER_WAY


def test_a_page_that_hangs_delays_the_end_of_a_worker_by_seconds_and_is_given_back(
    site: Site, mongo_uri: str, database: str, archive: Any, tmp_path: Path
) -> None:
    (stuck,) = site.listed(1)
    site.replica.control(hang=[stuck])
    with crawling(mongo_uri, database, tmp_path / "one.log", *LISTED, **site.environment()) as worker:
        stop_when_quiet(site, worker)
        assert worker.wait(20) == 1
    assert "Traceback" not in (tmp_path / "one.log").read_text("utf-8")
    assert stored(archive) == sorted(site.fetched())
    (waiting,) = archive.frontier.find({"state": "due"})
    assert path(waiting["url"]) == stuck
    assert leased(archive) == 0


def test_a_killed_mongod_loses_nothing(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.replica.control(latency_ms=100)
    monkeypatch.setattr(embedded, "PORT_RANGE", [free_port()])
    server = Embedded(tmp_path / "mongo")
    uri = server.up()
    try:
        log = tmp_path / "one.log"
        with crawling(uri, "rfi", log, *WHOLE, **site.environment()) as worker:
            site.wait_for_articles(0.3)
            pid = server.status().pid or 0
            os.kill(pid, signal.SIGKILL)
            assert server_process.wait_until_gone(pid, 10)
            assert server.up() == uri
            status = worker.wait(CRAWL_SECONDS)
        assert status == 0 or len([line for line in lines(log) if "the run did not do its job" in line]) == 1
        assert "Traceback" not in log.read_text("utf-8")
        assert crawl(uri, "rfi", *WHOLE, **site.environment()).returncode == 0
        with MongoClient[dict[str, Any]](uri) as client:
            assert stored(client["rfi"]) == sorted(site.truth)
    finally:
        server.down()


def test_workers_ride_out_the_loss_of_the_primary_and_of_one_of_their_own(site: Site, tmp_path: Path) -> None:
    site.replica.control(latency_ms=100)
    with replica_set(tmp_path) as servers, fleet(site, servers.uri, tmp_path, *WHOLE) as crew:
        for _ in range(2):
            crew.start()
        site.wait_for_articles(0.3)
        crew.kill_one(random.Random(1))
        servers.kill_primary()
        crew.start()
        assert crew.wait(CRAWL_SECONDS) == [0, 0]
        assert shared_while_alive(crew) == []
        with MongoClient[dict[str, Any]](servers.uri) as client:
            assert stored(client["rfi"]) == sorted(site.truth)


# ---- a site that refuses, hangs, changes -----------------------------------------------------------------


def test_two_workers_keep_one_rate_that_the_site_bears(
    site: Site, mongo_uri: str, database: str, archive: Any, tmp_path: Path
) -> None:
    rate = 25
    site.replica.control(block_above_rps=rate * 1.2)
    whole, environment = ("-a", f"editions={EDITIONS}", "-a", "depth=-1"), site.environment(RFI_RATE=str(rate))
    with ExitStack() as stack:
        logs = [tmp_path / "one.log", tmp_path / "two.log"]
        start = [crawling(mongo_uri, database, log, *whole, **environment) for log in logs]
        workers = [stack.enter_context(each) for each in start]
        assert [worker.wait(CRAWL_SECONDS) for worker in workers] == [0, 0]
    times = sorted(float(request[STAMP]) for request in site.articles())
    assert (len(times) - 1) / (times[-1] - times[0]) == pytest.approx(rate, rel=0.15)
    assert "403" not in {request[STATUS] for request in site.requests()}
    assert archive.runs.count_documents({"outcomes.article/new": {"$gt": 0.2 * len(times)}}) == 2


def test_a_page_that_hangs_holds_up_nobody_and_fails_with_the_reason(
    site: Site, mongo_uri: str, database: str, archive: Any
) -> None:
    (stuck,) = site.listed(1)
    site.replica.control(hang=[stuck], latency_ms=20)
    run = crawl(mongo_uri, database, *LISTED, "-s", "DOWNLOAD_TIMEOUT=3", "-s", "RETRY_TIMES=0", **site.environment())
    assert run.returncode == 0, run.stderr
    times = {path(request[PATH]): float(request[STAMP]) for request in site.articles()}
    assert max(times.values()) < times[stuck] + 3
    (failed,) = archive.frontier.find({"state": "failed", "kind": {"$nin": ["ticker", "feed"]}})
    assert path(failed["url"]) == stuck
    assert "3.0 seconds" in failed["last"]["error"]
    assert failed["due_at"] is not None


def test_a_second_run_over_an_unchanged_site_asks_each_source_once_and_fetches_no_article(
    site: Site, mongo_uri: str, database: str, archive: Any
) -> None:
    whole = ("-a", "editions=en", "-a", "depth=-1")
    assert crawl(mongo_uri, database, *whole, **site.environment()).returncode == 0
    first, fetched = site.requests(), sum(site.fetched().values())
    known = list(archive.articles.find().sort("_id"))
    assert crawl(mongo_uri, database, *whole, **site.environment()).returncode == 0
    second = site.requests()[len(first) :]
    assert max(Counter(path(request[PATH]) for request in second).values()) == 1
    assert sum(site.fetched().values()) == fetched
    assert {request[STATUS] for request in second if request[PATH] != "/robots.txt"} <= {"304", "404"}
    assert list(archive.articles.find().sort("_id")) == known


def test_the_revisions_stored_are_exactly_the_edits_of_the_site(
    site: Site, mongo_uri: str, database: str, archive: Any
) -> None:
    options = ("-a", "editions=cn", "-a", "depth=0")
    assert crawl(mongo_uri, database, *options, **site.environment()).returncode == 0
    urls = [article["url"] for article in archive.articles.find({"status": "full"}).sort("_id")]
    text, quiet, undone = urls[:4], urls[4:8], urls[8:10]

    def edit(**edits: Iterable[str]) -> None:
        site.replica.control(edit=[{"url": url, "how": how} for how, those in edits.items() for url in those])

    def revised() -> Counter[str]:
        make_due(archive, urls)
        assert crawl(mongo_uri, database, *options, **site.environment()).returncode == 0
        names = {article["_id"]: article["url"] for article in archive.articles.find()}
        return Counter(names[revision["article"]] for revision in archive.revisions.find())

    edit(text=text + undone, whitespace=quiet[:2], ticker=quiet[2:])
    edit(revert=undone)
    assert revised() == Counter(text)
    edit(revert=text[:2], text=text[2:3], ticker=undone)
    assert revised() == Counter(text + text[:3])
    assert revised() == Counter(text + text[:3])
