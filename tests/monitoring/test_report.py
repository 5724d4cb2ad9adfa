"""The report: one file that a browser shows without the network, with the right numbers and no text taken for HTML."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from rfispider.frontier.diagnostics import Host, SourceHealth
from rfispider.frontier.policy.revisit import State
from rfispider.items import Kind, Outcome
from rfispider.monitoring.publication_rate import publication_rate
from rfispider.monitoring.report import ReportData, charts, figures, page, render
from rfispider.monitoring.report.figures import FATES, Series
from rfispider.monitoring.snapshot import EditionFreshness, Snapshot
from rfispider.site.editions import EDITIONS
from rfispider.storage import Completeness, Story
from rfispider.storage.read.statistics import Disk
from tests.support.browsers import chromium
from tests.support.crawling import crawl, rfispider, serving

NOW = datetime(2026, 3, 18, 12, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;{{ 7*7 }}\u202e"
DATABASE = "test_report"


def hours(count: int, each: int = 1) -> dict[datetime, int]:
    return {NOW.replace(minute=0) - n * HOUR: each for n in range(1, count + 1)}


def headline(edition: str, title: str, **changed: Any) -> dict[str, Any]:
    usual = {
        "_id": "0" * 32, "title": title, "url": f"https://www.rfi.fr/{edition}/x", "edition": edition,
        "language": EDITIONS[edition].language, "published_at": NOW - HOUR, "status": "full",
    }  # fmt: skip
    return usual | changed


def material(**changed: Any) -> ReportData:
    published = {"cn": {hour: 1 + n % 9 for n, hour in enumerate(hours(500))}, "fa": hours(300), "km": hours(30)}
    runs = [
        {
            "started_at": NOW - n * HOUR, "finished_at": NOW - (n - 0.5) * HOUR, "reason": "finished", "problem": None,
            "outcomes": {"article/new": 40 + n, "article/same": 60, "page/blocked": 5 * (n == 3), "page/failed": 2},
        }
        for n in range(12)
    ]  # fmt: skip
    feed = SourceHealth(
        url="https://www.rfi.fr/cn/rss", kind=Kind.FEED, edition="cn", state=State.FAILED, added_at=NOW - 99 * HOUR,
        interval_s=900, failures=3, last_at=NOW - HOUR / 6, last_outcome=Outcome.FAILED, listed_at=NOW - HOUR,
        error=HOSTILE,
    )  # fmt: skip
    usual = {
        "database": "rfi",
        "snapshot": Snapshot(
            now=NOW,
            editions=[
                EditionFreshness(edition=each, newest_at=NOW - HOUR, rate=publication_rate(published[each], NOW))
                for each in published
            ],
            sources=[feed],
            hosts=[Host(host="www.rfi.fr", delay_s=1)],
            runs=runs,
            disk=Disk(used=50, total=100),
            articles=1830,
        ),
        "hours": published,
        "completeness": [Completeness("cn", 200, {"text": 199, "authors": 50}), Completeness("fa", 0, {})],
        "newest": [
            headline("cn", "编造的港口新闻"),
            headline("fa", "یک خبر ساختگی از بندر (۲۰۲۶)"),
            headline("km", "ដំណឹងប្រឌិតអំពីកំពង់ផែ"),
            headline("cn", HOSTILE, url="javascript:alert(3)", status="stub"),
        ],
        "stories": [Story(7, [headline("cn", HOSTILE), headline("fr", "Une histoire inventée")])],
        "failed": [
            {"url": f"https://www.rfi.fr/cn/%E4%B8%AD%E5%9B%BD/{'x' * 200}", "due_at": None, "last": {
                "at": NOW, "status": 200, "error": HOSTILE}},
            {"url": "https://www.rfi.fr/cn/b", "due_at": NOW, "last": {"at": NOW - HOUR, "status": 500, "error": None}},
        ],
    }  # fmt: skip
    return ReportData(**(usual | changed))


# ---- Numbers ---------------------------------------------------------------------------------------------


def test_days_are_those_of_the_site_and_the_small_editions_are_one() -> None:
    late = datetime(2026, 3, 17, 23, 0, tzinfo=UTC)
    editions = {code: {late: 20 - n} for n, code in enumerate(EDITIONS)}
    series = figures.by_day(editions, NOW)
    assert [each.name for each in series][-2:] == [list(EDITIONS)[5], "others"]
    assert [each.values[-1] for each in series] == [20, 19, 18, 17, 16, 15, sum(20 - n for n in range(6, 16))]
    assert sum(sum(each.values) for each in series) == sum(sum(each.values()) for each in editions.values())


def test_the_rhythm_is_told_by_the_clock_of_the_site() -> None:
    monday = datetime(2026, 3, 15, 23, 0, tzinfo=UTC)
    every, cn = figures.weekly_patterns({"cn": {monday: 5}})
    assert every.rows == cn.rows
    assert every.rows[0][0] == 5
    assert every.most == 5


def test_every_outcome_has_a_fate() -> None:
    assert sorted(outcome for fate in FATES.values() for outcome in fate) == sorted(Outcome)


def test_runs_stand_in_the_order_of_time_and_those_without_pages_are_left_out() -> None:
    runs = [
        {"started_at": NOW, "outcomes": {"article/new": 3, "page/failed": 1}},
        {"started_at": NOW - HOUR, "outcomes": {}},
        {"started_at": NOW - 2 * HOUR, "outcomes": {"article/stub": 2}},
    ]
    labels, series = figures.by_run(runs)
    assert labels == ["18 Mar 10:07", "18 Mar 12:07"]
    assert {each.name: list(each.values) for each in series if any(each.values)} == {
        "new or changed": [0, 3],
        "refused": [2, 0],
        "failed": [0, 1],
    }


@pytest.mark.parametrize(("minutes", "said"), [(-5, "0 min"), (119, "119 min"), (120, "2 h"), (2880, "2 d")])
def test_a_stretch_of_time_is_said_as_a_person_says_it(minutes: int, said: str) -> None:
    assert figures.span(timedelta(minutes=minutes)) == said


def test_a_chart_needs_no_script_and_escapes_its_labels() -> None:
    drawn = charts.stacked("x", [HOSTILE], [Series(HOSTILE, [3])], ["var(--c0)"])
    assert "<script" not in drawn
    assert "<img" not in drawn
    assert "http" not in re.sub(r'xmlns(:xlink)?="[^"]*"', "", drawn)


@pytest.mark.parametrize(("url", "safe"), [("https://x/", "https://x/"), ("javascript:x", "#"), ("data:x", "#")])
def test_only_addresses_of_the_web_are_links(url: str, safe: str) -> None:
    assert page.safe_url(url) == safe


def test_an_empty_archive_has_a_report_too() -> None:
    empty = material(snapshot=Snapshot(now=NOW), hours={}, completeness=[], newest=[], stories=[], failed=[])
    assert "No article yet." in render(empty)


def test_no_text_is_taken_for_html() -> None:
    html = render(material())
    assert "<script" not in html
    assert "<img" not in html
    assert "javascript:" not in html
    assert "49" not in re.findall(r"lang=\"zh[^>]*>([^<]*alert[^<]*)<", html)[0]


# ---- In a browser ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = chromium()
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


class Seen:
    """What a browser made of a page."""

    def __init__(self, browser: Any, file: Path, width: int = 1280, scheme: str = "light") -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda said: self.errors.append(said.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())

    def text(self, selector: str) -> str:
        return str(self.page.inner_text(selector))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "out.html"
    file.write_text(render(material()), "utf-8")
    return file


@pytest.mark.integration
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_browser_shows_it_without_errors_network_or_sideways_scrolling(
    width: int, scheme: str, browser: Any, file: Path
) -> None:
    seen = Seen(browser, file, width, scheme)
    assert seen.errors == []
    assert seen.requests == [file.as_uri()]
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    light = seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)"
    assert light == (scheme == "light")
    smallest = seen.page.evaluate(LETTERS)
    assert smallest >= 8
    assert seen.page.evaluate(CONTRAST) == []


LETTERS = """Math.min(...[...document.querySelectorAll('svg text')].filter(text => text.textContent.trim())
    .map(text => text.getBoundingClientRect().height))"""
"""The height of the smallest letters of the charts, in CSS pixels."""
CONTRAST = """[...document.querySelectorAll('h1, h2, p, td, th, a, summary, .level')].filter(shown => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    const linear = part => (part /= 255) <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const behind = element => {
        if (!element) return [255, 255, 255];
        const [r, g, b, alpha = 1] = numbers(getComputedStyle(element).backgroundColor);
        if (alpha === 1) return [r, g, b];
        const under = behind(element.parentElement);
        return [r, g, b].map((part, n) => part * alpha + under[n] * (1 - alpha));
    };
    const size = parseFloat(getComputedStyle(shown).fontSize);
    if (!shown.innerText.trim() || !size) return false;
    const [one, other] = [numbers(getComputedStyle(shown).color), behind(shown)].map(luminance).sort((a, b) => a - b);
    return (other + 0.05) / (one + 0.05) < (size > 20 ? 3 : 4.5);
}).map(shown => shown.outerHTML.slice(0, 120))"""
"""Texts that are hard to read: less contrast than WCAG 2.2, 1.4.3 asks of large and small text."""


@pytest.mark.integration
def test_a_browser_reads_the_numbers_and_every_script_in_its_direction(browser: Any, file: Path) -> None:
    seen = Seen(browser, file)
    assert seen.text("#articles") == "1830"
    assert seen.text("#last-day") == str(sum(1 + n % 9 for n in range(24)) + 24 + 24)
    assert "critical" in seen.text("h1")
    assert "sources cn" in seen.text("#health")
    seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert "18 Mar 12:07\t40\t60\t0\t0\t2" in seen.text("#runs tbody")
    assert seen.text("#completeness tbody tr").split() == [
        "cn",
        "200",
        *["0", "100", "25", "0", "0", "0", "0", "0", "0", "0"],
    ]
    assert "given up" in seen.text("#failures")
    assert "/cn/中国/" in seen.text("#failures")
    assert HOSTILE in seen.page.evaluate("document.querySelector('#stories bdi').textContent")
    directions = seen.page.evaluate(
        "[...document.querySelectorAll('#newest li bdi')].map(each => [each.lang, getComputedStyle(each).direction])"
    )
    assert directions == [["zh-Hans", "ltr"], ["zh-Hans", "ltr"], ["fa", "rtl"], ["km", "ltr"]]


@pytest.mark.integration
def test_every_chart_has_its_numbers_and_its_bars(browser: Any, file: Path) -> None:
    seen = Seen(browser, file)
    assert seen.page.evaluate("document.querySelectorAll('figure details table').length") == 2
    for name in ("days", "runs"):
        drawn = seen.page.evaluate(f"document.querySelectorAll('#{name} svg rect.reactive').length")
        assert drawn >= 12
    colours = "[...document.querySelectorAll('#runs svg .color-0 rect')].map(bar => getComputedStyle(bar).fill)"
    assert set(seen.page.evaluate(colours)) == {"rgb(47, 158, 116)"}


# ---- The command -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def archive(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with serving(tmp_path_factory.mktemp("site"), "--editions", "fa", "--articles", "20", "--clock", "now") as site:
        assert crawl(mongo_uri, DATABASE, "-a", "editions=fa", RFI_BASE_URL=site.base).returncode == 0
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        yield client[DATABASE]
        client.drop_database(DATABASE)


def test_the_command_writes_what_the_archive_holds(archive: Any, mongo_uri: str, browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "out.html"
    told = rfispider(mongo_uri, DATABASE, "report", "--html", str(file))
    assert (told.returncode, told.stdout.strip()) == (0, str(file)), told.stderr
    seen = Seen(browser, file)
    assert seen.errors == []
    assert seen.text("#articles") == str(archive.articles.count_documents({}))
    newest = archive.articles.find_one(sort=[("published_at", -1)])
    assert seen.page.evaluate("document.querySelector('#newest bdi[dir]').textContent") == newest["title"]


def test_no_question_of_the_report_reads_a_whole_collection(archive: Any, mongo_uri: str, tmp_path: Path) -> None:
    archive.command("profile", 2)
    rfispider(mongo_uri, DATABASE, "report", "--html", str(tmp_path / "out.html"))
    archive.command("profile", 0)
    asked = {"ns": {"$regex": r"\.(articles|frontier|runs)$"}, "planSummary": {"$exists": True}}
    plans = list(archive.system.profile.find(asked))
    assert len(plans) > 10
    assert [json.dumps(each["command"], default=str) for each in plans if "COLLSCAN" in each["planSummary"]] == []


def test_a_file_that_cannot_be_written_is_one_line(archive: Any, mongo_uri: str, tmp_path: Path) -> None:
    told = rfispider(mongo_uri, DATABASE, "report", "--html", str(tmp_path / "no" / "out.html"))
    assert told.returncode == 1
    assert len(told.stderr.strip().splitlines()) == 1
