"""A run that does not look like those before it raises an alarm, fails, and tells who wants to know; noise does not."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import Message as Mail
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MailHandler
from aiosmtpd.smtp import AuthResult
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient

from rfispider import settings
from rfispider.items import SCHEMA
from rfispider.monitoring.alerts import Alert, Receivers, send_alert, slack_text
from rfispider.monitoring.anomalies import Alarm, Share, alarms, higher, standard_error
from rfispider.monitoring.run_evaluation import ALARM, RunEvaluation, alert_of
from rfispider.storage import Store
from tests.support.browsers import free_port
from tests.support.crawling import crawl, running, serving

NOW = datetime(2026, 3, 18, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def run(**changed: Any) -> dict[str, Any]:
    usual = {
        "outcomes": {"article/new": 40, "article/same": 60, "page/failed": 1},
        "sources": {"read": 15, "unchanged": 4, "empty": 1},
        "statuses": {"200": 115, "304": 4, "404": 2},
        "coverage": {"cn": {"articles": 100, "title": 100, "authors": 70, "text": 98}},
    }
    return usual | changed


BEFORE = [run() for _ in range(30)]


def names(now: dict[str, Any], before: list[dict[str, Any]] = BEFORE) -> list[str]:
    return [alarm.name for alarm in alarms(now, before)]


def covered(articles: int, **fields: int) -> dict[str, Any]:
    return {"cn": {"articles": articles, "title": articles, "text": articles, "authors": articles} | fields}


@pytest.mark.parametrize(
    ("changed", "raised"),
    [
        ({}, []),
        ({"coverage": covered(100, authors=20)}, ["coverage/cn/authors"]),
        ({"coverage": covered(100, authors=0, text=0)}, ["coverage/cn/authors", "coverage/cn/text"]),
        ({"coverage": covered(100, authors=66)}, []),
        ({"coverage": covered(20, authors=0)}, []),
        ({"coverage": {"cn": {"articles": 100, "title": 100, "text": 98}}}, ["coverage/cn/authors"]),
        ({"coverage": {"fr": {"articles": 100, "title": 100}}}, []),
        ({"statuses": {"200": 60, "403": 40}}, ["statuses"]),
        ({"statuses": {"200": 60, "503": 20, "429": 20}}, ["statuses"]),
        ({"statuses": {"200": 97, "500": 3}}, []),
        ({"statuses": {"403": 19}}, []),
        ({"statuses": {"200": 60, "404": 40}}, ["missing"]),
        ({"sources": {"read": 5, "failed": 15}}, ["sources"]),
        ({"sources": {"empty": 20}}, ["sources"]),
        ({"sources": {"empty": 7}}, []),
        ({"sources": {"read": 17, "failed": 3}}, []),
        ({"outcomes": {"article/new": 70, "page/failed": 30}}, ["extraction"]),
        ({"outcomes": {"article/new": 70, "page/empty": 30}}, ["extraction"]),
        ({"outcomes": {"page/failed": 19}}, []),
        ({"outcomes": {"article/new": 50, "page/blocked": 25, "article/stub": 25}}, ["refusals"]),
    ],
)
def test_an_alarm_is_raised_for_a_change_that_matters(changed: dict[str, Any], raised: list[str]) -> None:
    assert names(run(**changed)) == raised


def test_an_alarm_says_what_is_and_what_was() -> None:
    (alarm,) = alarms(run(coverage=covered(100, authors=20)), BEFORE)
    assert alarm == Alarm("coverage/cn/authors", "20% of 100 articles of cn have authors; 70% before")


def test_without_a_history_only_a_run_that_went_wrong_by_half_is_an_alarm() -> None:
    assert names(run(outcomes={"article/new": 60, "page/failed": 40}), []) == []
    assert names(run(outcomes={"article/new": 40, "page/failed": 60}), []) == ["extraction"]
    assert names(run(coverage=covered(100, authors=0)), []) == []


def test_runs_that_differ_among_themselves_raise_no_alarm_for_it() -> None:
    before = [run(coverage=covered(100, authors=20 + 60 * (n % 2))) for n in range(30)]
    assert names(run(coverage=covered(100, authors=20)), before) == []


def test_an_import_is_compared_with_imports_only() -> None:
    imported = run(arguments={"archive": "entries"}, coverage=covered(100, authors=0))
    assert names(imported) == []
    assert names(run(coverage=covered(100, authors=70)), [imported] * 30) == []


def test_a_backfill_may_ask_for_days_that_are_not_there_but_not_be_refused() -> None:
    backfill = {"arguments": {"since": "2026-01-01"}, "statuses": {"200": 20, "404": 80}, "sources": {"failed": 80}}
    assert alarms(backfill, []) == []
    assert {each.name for each in alarms(backfill | {"arguments": {}}, [])} == {"missing", "sources"}
    assert [each.name for each in alarms(backfill | {"statuses": {"200": 20, "403": 80}}, [])] == ["statuses"]


def test_only_the_last_thirty_runs_count() -> None:
    assert (
        names(run(coverage=covered(100, authors=20)), [*[run(coverage=covered(100, authors=20))] * 30, *BEFORE]) == []
    )


@pytest.mark.slow
def test_chance_alone_raises_no_alarm() -> None:
    random = Random(7)

    def one() -> dict[str, Any]:
        n = random.randint(5, 400)
        return run(
            coverage={"cn": {"articles": n, "authors": sum(random.random() < 0.7 for _ in range(n))}},
            outcomes={"article/new": n, "page/failed": sum(random.random() < 0.03 for _ in range(n))},
        )

    runs = [one() for _ in range(430)]
    assert [alarm for n in range(400) for alarm in alarms(runs[n], runs[n + 1 : n + 31])] == []


counts = st.integers(0, 10_000)


@given(st.tuples(counts, counts), st.lists(st.tuples(counts, counts), max_size=5))
def test_any_counts_can_be_compared(now: tuple[int, int], before: list[tuple[int, int]]) -> None:
    def share(pair: tuple[int, int]) -> Share:
        return Share(min(pair), max(pair))

    if max(now):
        higher(share(now), [share(pair) for pair in before], 0.1)
        assert standard_error(share(now), Share(0, 1)) > 0


# ---- Telling ---------------------------------------------------------------------------------------------

FAILED = run(
    problem="it looks unlike the runs before: x", alarms=[{"name": "sources", "message": "x"}], reason="finished"
)


@pytest.mark.parametrize(("ended", "is_alarm"), [(-1, True), (1, False)], ids=["before it began", "later"])
async def test_a_run_is_compared_with_those_that_ended_before_it_began(
    store: Store, ended: int, is_alarm: bool
) -> None:
    other = run(worker="b", started_at=NOW - 2 * HOUR, finished_at=NOW + ended * HOUR)
    await store.run_finished(other)
    stats: dict[str, Any] = {}
    poor = run(worker="a", started_at=NOW, coverage=covered(100, authors=0))
    await RunEvaluation(Receivers()).judge(store, poor, stats)
    assert (ALARM in stats) is is_alarm


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [
        (run(problem=None), {}, None),
        (run(problem="shutdown", reason="shutdown"), {}, None),
        (FAILED, {}, ("x",)),
        (FAILED, FAILED, None),
        (FAILED, FAILED | {"alarms": [{"name": "statuses", "message": "y"}]}, ("x",)),
        (run(problem="store-failed", reason="store-failed"), {}, ("store-failed",)),
        (run(problem="store-failed"), {"problem": "store-failed"}, None),
    ],
)
def test_a_fault_is_told_once(now: dict[str, Any], before: dict[str, Any], told: tuple[str, ...] | None) -> None:
    found = alert_of(now, before)
    assert (found.lines if found else None) == told


NEWS = Alert(title="a run\nneeds a look", lines=("中国 <b> & 20%",), facts={"reason": "finished"})


class Hook(HTTPServer):
    """A webhook that keeps what it is told."""

    def __init__(self, status: int) -> None:
        self.status, self.told = status, list[tuple[str, Any]]()
        super().__init__(("127.0.0.1", 0), HookHandler)


class HookHandler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def hook(status: int = 200) -> Iterator[Hook]:
    server = Hook(status)
    with running(server):
        yield server


class Box(MailHandler):
    """A mailbox that keeps what it is sent, and lets anybody log in."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Mail] = []
        self.logins: list[Any] = []

    def login(self, *given: Any) -> AuthResult:
        self.logins.append(given)
        return AuthResult(success=True)

    def handle_message(self, message: Mail) -> None:
        self.mails.append(message)


@contextmanager
def mailbox() -> Iterator[tuple[Box, int]]:
    box, port = Box(), free_port()
    told = {"authenticator": box.login, "auth_require_tls": False}
    controller = Controller(box, hostname="127.0.0.1", port=port, **told)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


@pytest.mark.integration
def test_everybody_is_told_in_the_form_that_they_know() -> None:
    with hook() as server, mailbox() as (box, port):
        at = f"http://127.0.0.1:{server.server_port}"
        receivers = Receivers(
            webhook=f"{at}/hook", slack=f"{at}/slack", mail=("a@x.example", "b@x.example"),
            smtp=f"smtp://127.0.0.1:{port}", sender="rfi@x.example",
        )  # fmt: skip
        assert send_alert(NEWS, receivers) == []
    assert server.told == [
        ("/hook", {"title": "a run\nneeds a look", "problems": ["中国 <b> & 20%"], "reason": "finished"}),
        ("/slack", {"text": "a run\nneeds a look\n- 中国 &lt;b&gt; &amp; 20%"}),
    ]
    (mail,) = box.mails
    assert (mail["Subject"], mail["To"]) == ("a run needs a look", "a@x.example, b@x.example")
    assert "中国 <b> & 20%" in mail.get_payload(decode=True).decode()  # type: ignore[union-attr]


@pytest.mark.integration
def test_one_who_cannot_be_told_keeps_nobody_else_from_it_and_no_secret_is_repeated() -> None:
    with hook(500) as server:
        receivers = Receivers(
            webhook="http://127.0.0.1:9/T0KEN", slack=f"http://127.0.0.1:{server.server_port}/T0KEN",
            mail=("a@x.example",), smtp="smtp://u:T0KEN@127.0.0.1:9", sender="rfi@x.example",
        )  # fmt: skip
        problems = send_alert(NEWS, receivers)
    assert problems == [
        "the alert did not reach the webhook: Connection refused",
        "the alert did not reach the Slack webhook: HTTP status 500",
        "the alert did not reach the mail server: Connection refused",
    ]


@pytest.mark.integration
def test_a_password_is_not_sent_over_a_connection_in_the_clear() -> None:
    with mailbox() as (box, port):
        receivers = Receivers(mail=("a@x.example",), smtp=f"smtp://u:pw@127.0.0.1:{port}", sender="rfi@x.example")
        (problem,) = send_alert(NEWS, receivers)
    assert problem == "the alert did not reach the mail server: SMTPNotSupportedError"
    assert (box.mails, box.logins) == ([], [])


def test_slack_finds_no_markup_in_a_text() -> None:
    assert slack_text("<!channel> & <http://x|y>") == "&lt;!channel&gt; &amp; &lt;http://x|y&gt;"


def test_receivers_come_from_the_settings_and_none_is_the_default() -> None:
    given = {name: value for name, value in vars(settings).items() if name.startswith("RFI_")}
    nobody = Receivers.of(given)
    assert (nobody.webhook, nobody.slack, nobody.mail) == ("", "", ())
    assert Receivers.of(given | {"RFI_ALERT_MAIL": " a@x.example, ,b@x.example"}).mail == ("a@x.example", "b@x.example")


def test_a_crawl_that_finds_less_than_the_crawls_before_it_fails_and_tells(
    mongo_uri: str, database: str, tmp_path: Path
) -> None:
    fine = {"articles": 60, "title": 60, "published_at": 60, "text": 60, "authors": 60, "agency": 60}
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        for n in range(5):
            at = NOW - timedelta(hours=n)
            record = {"_id": f"{n}", "schema": SCHEMA, "worker": "w", "started_at": at, "finished_at": at}
            client[database].runs.insert_one(record | {"coverage": {"cn": fine}})
        with serving(tmp_path, "--editions", "cn", "--articles", "40") as site, hook() as server:
            receivers = {"RFI_ALERT_WEBHOOK": f"http://127.0.0.1:{server.server_port}/"}
            ended = crawl(mongo_uri, database, RFI_BASE_URL=site.base, **receivers)
        last = client[database].runs.find_one(sort=[("started_at", -1)])
    assert ended.returncode == 1
    assert "the run did not do its job: it looks unlike the runs before" in ended.stderr
    assert last
    assert "coverage/cn/agency" in [alarm["name"] for alarm in last["alarms"]]
    assert last["coverage"]["cn"]["articles"] >= 30
    ((path, told),) = server.told
    assert told["problems"] == [alarm["message"] for alarm in last["alarms"]]
    assert (path, told["arguments"]["editions"]) == ("/", ["cn"])
