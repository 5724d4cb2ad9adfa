"""Prometheus: what is exposed is well formed, tells the truth, and is all that rules and dashboard ask for."""

import json
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families as parsed

from rfispider.cli import main
from rfispider.cli.metrics import CachedSnapshot
from rfispider.crawl.heartbeat import lately
from rfispider.frontier.diagnostics import Host, WaitingArticles
from rfispider.frontier.policy.politeness import Breaker
from rfispider.monitoring.prometheus import COUNTERS, WorkerMetrics, counters
from rfispider.monitoring.publication_rate import PublicationRate
from rfispider.monitoring.snapshot import EditionFreshness, Snapshot
from rfispider.setting_values import SettingError, listening
from rfispider.storage.read.statistics import Disk
from tests.support.crawling import ROOT, crawl, crawling, rfispider, serving, surroundings, wait_until

NOW = datetime(2026, 3, 18, 12, 0, tzinfo=UTC)
DEPLOY = ROOT / "deploy"
PROMTOOL = shutil.which("promtool")
DATABASE = "test_metrics"


def values(text: str) -> dict[str, float]:
    """Sample -> value, as Prometheus would name it."""
    return {
        sample.name + "".join(f"{{{name}={value}}}" for name, value in sorted(sample.labels.items())): sample.value
        for family in parsed(text)
        for sample in family.samples
    }


def everything() -> str:
    """The exposition of a worker that has seen everything."""
    stats = {
        "outcome/article/new": 3, "edition/cn/article/new": 3, "source/read": 2, "downloader/request_count": 7,
        "downloader/response_status_count/200": 5, "downloader/exception_type_count/twisted.internet.error.DNS": 1,
        "downloader/response_bytes": 1000, "retry/count": 1, "missing/authors": 1, "render/filled": 2,
        "render/failed/timeout": 1, "render/seconds": 4.5, "render/asked": 3, "frontier/abandoned": 0,
        "log_count/INFO": 4, "start_time": NOW, "seconds/response/sum": 1.0,
    }  # fmt: skip
    exposition = WorkerMetrics(lambda: stats, NOW)
    exposition.latency.labels("200").observe(0.3)
    exposition.commits.observe(0.02)
    exposition.success = True
    exposition.snapshot = replace(SEEN, urls={("due", "cn", "article"): 4})
    return generate_latest(exposition.registry).decode()


SEEN = Snapshot(
    now=NOW,
    editions=[
        EditionFreshness(
            edition="cn",
            newest_at=NOW - timedelta(hours=1),
            rate=PublicationRate((2.0,) * 168, 0),
            waiting=WaitingArticles(count=3, url="https://www.rfi.fr/cn/x"),
        )
    ],
    hosts=[Host(host="www.rfi.fr", delay_s=1.5, blocks=4, breaker=Breaker.OPEN, blocked_until=NOW)],
    runs=[
        {
            "started_at": NOW - timedelta(minutes=9), "finished_at": NOW, "requests": 7, "bytes": 9, "problem": None,
            "outcomes": {"article/new": 3}, "sources": {"read": 2}, "seconds": {"commit": 0.02}, "memory": 5,
        }
    ],
    expired_leases=2,
    disk=Disk(used=40, total=100, data=3, storage=2, indexes=1),
    articles=12,
)  # fmt: skip


@pytest.mark.parametrize(
    ("sample", "value"),
    [
        ("rfispider_outcomes_total{outcome=article/new}", 3),
        ("rfispider_edition_outcomes_total{edition=cn}{outcome=article/new}", 3),
        ("rfispider_responses_total{status=200}", 5),
        ("rfispider_request_errors_total{error=twisted.internet.error.DNS}", 1),
        ("rfispider_response_latency_seconds_count{status=200}", 1),
        ("rfispider_response_latency_seconds_bucket{le=0.5}{status=200}", 1),
        ("rfispider_response_latency_seconds_bucket{le=0.25}{status=200}", 0),
        ("rfispider_store_commit_seconds_sum", 0.02),
        ("rfispider_renders_total{result=filled}", 2),
        ("rfispider_renders_total{result=failed/timeout}", 1),
        ("rfispider_renders_total{result=asked}", None),
        ("rfispider_render_seconds_total", 4.5),
        ("rfispider_exceptions_total", 0),
        ("rfispider_run_success", 1),
        ("rfispider_frontier_urls{edition=cn}{kind=article}{state=due}", 4),
        ("rfispider_newest_article_age_seconds{edition=cn}", 3600),
        ("rfispider_newest_article_timestamp_seconds{edition=cn}", NOW.timestamp() - 3600),
        ("rfispider_expected_articles{edition=cn}", 2),
        ("rfispider_unstored_articles{edition=cn}", 3),
        ("rfispider_host_delay_seconds{host=www.rfi.fr}", 1.5),
        ("rfispider_host_breaker{host=www.rfi.fr}{state=open}", 1),
        ("rfispider_host_breaker{host=www.rfi.fr}{state=closed}", 0),
        ("rfispider_last_run_duration_seconds", 540),
        ("rfispider_last_run_outcomes{outcome=article/new}", 3),
        ("rfispider_leases_expired", 2),
        ("rfispider_database_disk_used_bytes", 40),
        ("rfispider_healthy", 1),
        ("rfispider_health_level{check=leases}{subject=}", 0),
    ],
)
def test_every_sample_tells_what_was_counted(sample: str, value: float | None) -> None:
    assert values(everything()).get(sample) == value


def test_memory_is_told() -> None:
    assert values(everything())["rfispider_process_resident_memory_bytes"] > 1e7


def test_what_was_never_counted_is_no_fault() -> None:
    assert len(list(counters({}))) == len(COUNTERS)
    empty = WorkerMetrics(dict, NOW)
    empty.snapshot = Snapshot(now=NOW)
    assert "rfispider_healthy 1.0" in generate_latest(empty.registry).decode()


def lint(text: str) -> str:
    assert PROMTOOL
    told = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    return told.stdout + told.stderr


needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="there is no promtool: Debian's package prometheus has it")


@pytest.mark.integration
@needs_promtool
def test_promtool_finds_nothing_to_say_of_names_units_and_help() -> None:
    assert lint(everything()) == ""


@pytest.mark.integration
@needs_promtool
def test_promtool_accepts_the_rules_and_they_fire_when_they_should() -> None:
    assert PROMTOOL
    for command in (["check", "config", "prometheus.yml"], ["check", "rules", "rfispider.rules.yml"]):
        told = subprocess.run([PROMTOOL, *command], cwd=DEPLOY / "prometheus", capture_output=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr
    tests = Path(__file__).with_name("prometheus_rules.yml")
    told = subprocess.run([PROMTOOL, "test", "rules", tests.name], cwd=tests.parent, capture_output=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def queries() -> Iterator[str]:
    dashboard = json.loads((DEPLOY / "grafana" / "rfispider.json").read_text("utf-8"))
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]) > 10
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield (DEPLOY / "prometheus" / "rfispider.rules.yml").read_text("utf-8").replace("rfispider.rules", "")


def test_rules_and_dashboard_ask_only_for_what_is_exposed() -> None:
    known = {sample.name for family in parsed(everything()) for sample in family.samples} | {"rfispider_database_up"}
    asked = {name for query in queries() for name in re.findall(r"\brfispider_\w+", query)}
    assert len(asked) > 15
    assert asked - known == set()


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("9108", ("127.0.0.1", 9108)),
        (":9108", ("127.0.0.1", 9108)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
        ("[::1]:80", ("::1", 80)),
        ("no", None),
        ("host:", None),
        ("1:65536", None),
        ("-1", None),
    ],
)
def test_an_address_is_on_loopback_unless_a_host_is_named(given: str, address: tuple[str, int] | None) -> None:
    if address:
        assert listening(given, "X") == address
        return
    with pytest.raises(SettingError, match="X: "):
        listening(given, "X")


def test_a_run_under_way_tells_what_it_did_lately() -> None:
    told = lately({"article/new": 9, "page/failed": 2}, {"article/new": 4, "page/failed": 2})
    assert told == {"outcomes": {"article/new": 9, "page/failed": 2}, "recent": {"article/new": 5}}


# ---- Crawls ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("site"), "--editions", "cn", "--articles", "12", "--clock", "now") as site:
        yield site.base


def test_a_run_tells_of_itself_while_it_lasts_and_in_a_file_and_afterwards(
    base: str, mongo_uri: str, database: str, tmp_path: Path
) -> None:
    log, file = tmp_path / "log", tmp_path / "rfi.prom"
    told = {"RFI_BASE_URL": base, "RFI_METRICS_PORT": "0", "RFI_METRICS_FILE": str(file)}
    with crawling(mongo_uri, database, log, "-a", "follow=1", **told) as process:
        wait_until(lambda: "/metrics" in log.read_text(), "the address is told")
        url = re.findall(r"http://127\.0\.0\.1:\d+/metrics", log.read_text())[0]

        def stored() -> float:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return values(answer.read().decode()).get("rfispider_outcomes_total{outcome=article/new}", 0)

        wait_until(lambda: stored() >= 5, "articles are stored")
        process.send_signal(signal.SIGTERM)
        status = process.wait(30)
    samples = values(file.read_text())
    assert samples["rfispider_outcomes_total{outcome=article/new}"] == stored_in(samples) >= 5
    assert samples["rfispider_run_success"] == (status == 0)
    assert samples["rfispider_store_commit_seconds_count"] >= 1
    assert samples["rfispider_response_latency_seconds_count{status=200}"] >= 5
    assert samples["rfispider_frontier_urls{edition=cn}{kind=feed}{state=done}"] == 1
    printed = values(rfispider(mongo_uri, database, "metrics").stdout)
    assert printed["rfispider_last_run_outcomes{outcome=article/new}"] == stored_in(samples)
    assert printed["rfispider_last_run_seconds{what=commit}"] > 0
    assert printed["rfispider_articles"] == stored_in(samples)
    assert not list(tmp_path.glob("rfi.prom.*"))


def stored_in(samples: dict[str, float]) -> float:
    return samples["rfispider_articles"]


def test_a_port_that_is_taken_is_no_reason_not_to_crawl(base: str, mongo_uri: str, database: str) -> None:
    port = base.rpartition(":")[2]
    told = crawl(mongo_uri, database, "-a", "depth=0", RFI_BASE_URL=base, RFI_METRICS_PORT=port)
    assert told.returncode == 0
    assert f"no metrics on 127.0.0.1:{port}" in told.stderr


@pytest.mark.parametrize("name", ["RFI_METRICS_PORT", "RFI_ALERT_WEBHOOK", "RFI_ALERT_SMTP"])
def test_a_setting_that_cannot_be_used_is_refused_without_repeating_a_secret(name: str, mongo_uri: str) -> None:
    told = crawl(mongo_uri, "any", **{name: "gopher://u:s3cret@x"})
    assert told.returncode == 2
    assert name in told.stderr
    assert "s3cret" not in told.stderr or name == "RFI_METRICS_PORT"


def test_it_is_served_until_sigterm(mongo_uri: str, database: str) -> None:
    serve = [sys.executable, "-c", "from rfispider.cli import main; main()", "metrics", "--serve", "127.0.0.1:0"]
    told = surroundings(MONGO_URI=mongo_uri, MONGO_DATABASE=database)
    with subprocess.Popen(serve, cwd=ROOT, env=told, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        assert server.stdout
        url = server.stdout.readline().decode().strip()
        with urllib.request.urlopen(url, timeout=20) as answer:
            assert values(answer.read().decode())["rfispider_database_up"] == 1
        server.terminate()
        _, said = server.communicate(timeout=10)
        assert (server.returncode, said) == (0, b"")


@pytest.mark.integration
def test_a_database_that_is_away_is_told_by_the_server_and_ends_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rfispider.settings.MONGO_URI", "mongodb://ann:s3cret@127.0.0.1:9/")
    monkeypatch.setattr("rfispider.mongo.connection.CONNECT_S", 0.3)
    assert [(metric.name, metric.samples[0].value) for metric in CachedSnapshot("any").metrics()] == [
        ("rfispider_database_up", 0)
    ]
    said = capsys.readouterr().err
    assert "127.0.0.1:9" in said
    assert "s3cret" not in said
    monkeypatch.setattr("sys.argv", ["rfispider", "metrics"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
