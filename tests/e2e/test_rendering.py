"""Articles whose body comes by script: rendered by a real Splash server and by a real Chromium."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pymongo import MongoClient
from scrapy.http import Response

from rfispider import setting_values
from rfispider.crawl.rendering import render
from rfispider.crawl.rendering.page_renderer import RendererHealth
from rfispider.crawl.rendering.render import Rendered, RenderError, RenderRequest
from rfispider.crawl.rendering.splash import Renderer
from rfispider.items import Origin, Page
from rfispider.setting_values import SettingError
from tests.support import browsers
from tests.support.crawling import Replica, crawl, running, serving

ARTICLE = "https://www.rfi.fr/en/france/20240102-a-story"
SCRIPT = "<script>fill()</script>"
HEAD = '<html><head><meta property="og:type" content="article"></head><body>'
TITLED = f"{HEAD}<article><h1>A title of its own</h1>"
BODY = f'<div class="t-content__body"><p>{"Words of a paragraph that a reader reads. " * 20}</p></div>'


# ---- which pages -----------------------------------------------------------------------------------------


def page(html: str, **more: Any) -> Page:
    given = {"url": ARTICLE, "origin": Origin.PAGE, "fetched_at": datetime.now(UTC)} | more
    return Page(body=html.encode(), **given)


@pytest.mark.parametrize(
    ("html", "more", "lacks"),
    [
        (TITLED + SCRIPT, {}, True),
        (f'<html><body><div id="root"></div>{SCRIPT}', {}, True),
        (TITLED, {}, False),
        (TITLED + BODY + SCRIPT, {}, False),
        (TITLED + SCRIPT, {"url": "https://www.rfi.fr/en/france/"}, False),
        (TITLED + SCRIPT, {"status": 404}, False),
        (TITLED + SCRIPT, {"origin": Origin.FEED}, False),
        (TITLED + SCRIPT, {"origin": Origin.RENDERED}, False),
        ("", {}, False),
        (f"<html><body><h1>Please enable cookies, you have been blocked</h1>{SCRIPT}", {}, False),
    ],
    ids=["no-body", "nothing-at-all", "no-script", "full", "a-list", "gone", "feed", "rendered", "empty", "wall"],
)
def test_an_article_without_body_whose_page_has_a_script_is_rendered(
    html: str, more: dict[str, Any], lacks: bool
) -> None:
    assert render.lacks_body(page(html, **more)) is lacks


def rendered(**more: Any) -> Rendered:
    return Rendered(**{"url": ARTICLE, "html": TITLED + BODY, "status": 200, "requests": 1} | more)


def filled(answer: Rendered) -> Page:
    return render.filled(page(TITLED + SCRIPT), answer, base="", max_bytes=10_000, now=datetime.now(UTC))


def test_a_rendered_page_says_so_and_keeps_what_is_known_of_it() -> None:
    better = filled(rendered())
    assert (better.url, better.origin, better.encoding) == (ARTICLE, Origin.RENDERED, "utf-8")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (rendered(html=TITLED + SCRIPT), "still-empty"),
        (rendered(html="<html>", status=403), "http-403"),
        (rendered(html="x" * 10_001), "too-large"),
        (rendered(url="https://www.rfi.fr/en/france/20240102-another"), "led-elsewhere"),
        (rendered(url="https://evil.example/en/france/20240102-a-story"), "led-elsewhere"),
        (rendered(url=""), "led-elsewhere"),
    ],
)
def test_an_answer_that_is_no_better_is_refused_with_its_reason(answer: Rendered, reason: str) -> None:
    with pytest.raises(RenderError, match=reason):
        filled(answer)


@pytest.mark.parametrize(
    ("base", "url", "allowed"),
    [
        ("", "https://www.rfi.fr/api", True),
        ("", "http://www.rfi.fr/api", True),
        ("", "https://www.rfi.fr.evil.example/", False),
        ("", "https://www.rfi.fr@evil.example/", False),
        ("", "https://ads.example/", False),
        ("", "data:text/html,x", False),
        ("http://127.0.0.1:80", "http://127.0.0.1:8080/", False),
        ("http://127.0.0.1:8099", "http://127.0.0.1:8099/x", True),
        ("http://127.0.0.1:8099", "https://www.rfi.fr/", False),
    ],
)
def test_a_page_may_load_from_the_site_alone(base: str, url: str, allowed: bool) -> None:
    render_request = RenderRequest(url=ARTICLE, origins=render.origins(base), seconds=1, user_agent="x")
    assert render_request.allows(url) is allowed


def test_a_renderer_that_fails_again_and_again_is_left_alone_for_a_while() -> None:
    health = RendererHealth(failures=2, rest_s=60)
    for failed in (True, False, True):
        health.note(failed=failed, now=0)
    assert not health.rests(1)
    health.note(failed=True, now=1)
    assert [health.rests(now) for now in (2, 60, 62)] == [True, True, False]


# ---- settings and answers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "chosen", "used"),
    [
        ("", "", ""),
        ("http://127.0.0.1:8050", "", "splash"),
        ("http://127.0.0.1:8050", "none", ""),
        ("http://127.0.0.1:8050", "playwright", "playwright"),
        ("", "Playwright", "playwright"),
    ],
)
def test_a_renderer_is_chosen_by_its_address_or_its_name(url: str, chosen: str, used: str) -> None:
    assert setting_values.renderer({"SPLASH_URL": url, "RFI_RENDERER": chosen}) == used


@pytest.mark.parametrize(("url", "chosen"), [("localhost:8050", ""), ("", "splash"), ("", "selenium")])
def test_a_renderer_that_cannot_be_is_told(url: str, chosen: str) -> None:
    with pytest.raises(SettingError):
        setting_values.renderer({"SPLASH_URL": url, "RFI_RENDERER": chosen})


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (504, {"error": 504, "type": "GlobalTimeoutError", "info": {}}, "GlobalTimeoutError"),
        (400, {"error": 400, "type": "Bad $request/ with signs"}, "splash-400"),
        (502, "<html>bad gateway</html>", "splash-502"),
        (200, {"failed": "network5", "status": 0}, "network5"),
        (200, [], "splash-200"),
        (200, None, "splash-200"),
    ],
)
def test_what_a_splash_server_complains_of_is_counted_under_a_short_name(status: int, body: Any, reason: str) -> None:
    answer = body if isinstance(body, str) else json.dumps(body)
    with pytest.raises(RenderError, match=f"^{reason}$"):
        Renderer("http://127.0.0.1:8050", 1).read(Response("http://x/", status=status, body=answer.encode()))


def test_the_password_of_a_splash_server_stands_in_no_url() -> None:
    render_request = RenderRequest(url=ARTICLE, origins=(), seconds=1, user_agent="x")
    asked = Renderer("http://ann:p%40ss@splash:8050", 1).request(render_request).meta["splash"]
    assert asked["splash_url"] == "http://splash:8050"
    assert asked["splash_headers"] == {"Authorization": "Basic YW5uOnBAc3M="}


# ---- real renderers --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def splash_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with browsers.splash(tmp_path_factory.mktemp("splash") / "log") as url:
        yield url


@pytest.fixture(params=["splash", "playwright"])
def environment(request: pytest.FixtureRequest) -> dict[str, str]:
    if request.param == "splash":
        return {"SPLASH_URL": request.getfixturevalue("splash_url")}
    pytest.importorskip("scrapy_playwright", reason="the extra `playwright` is not installed")
    return {"RFI_RENDERER": "playwright", "RFI_CHROMIUM": browsers.chromium()}


@pytest.fixture(scope="module")
def replica(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    with serving(tmp_path_factory.mktemp("site"), "--editions", "en", "--articles", "20") as site:
        yield site


@pytest.fixture
def archive(mongo_uri: str, database: str) -> Iterator[Any]:
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        yield client[database]


FIELDS = ("title", "text", "lead", "authors", "tags")


def test_articles_filled_by_script_are_stored_as_if_they_were_not(
    environment: dict[str, str], replica: Replica, mongo_uri: str, database: str, archive: Any
) -> None:
    truth = {article["url"]: article for article in replica.truth()}
    scripted = [url for url, told in truth.items() if told["status"] == "full" and told["hops"] == 0][:2]
    replica.control(edit=[{"url": url, "how": "script"} for url in scripted])
    before = len(replica.requests())
    run = crawl(mongo_uri, database, "-a", "editions=en", RFI_BASE_URL=replica.base, **environment)
    assert run.returncode == 0, run.stderr
    assert "ERROR" not in run.stderr
    stored = {article["url"]: article for article in archive.articles.find()}
    assert {url for url, article in stored.items() if article["origin"] == "rendered"} == set(scripted)
    for url in scripted:
        assert {name: stored[url].get(name) for name in FIELDS} == {name: truth[url][name] for name in FIELDS}
        assert [link["url"] for link in stored[url]["related"]] == [link["url"] for link in truth[url]["related"]]
    counted = archive.runs.find_one()["rendering"]
    assert counted["filled"] == len(scripted)
    assert counted["requests"] == counted["asked"] + len(scripted)
    assert counted["seconds"] > 0
    requests = replica.requests()[before:]
    assert all("rfispider/" in request[5] for request in requests)
    assert not [request for request in requests if "pixel" in request[4]]


# ---- pages that do not behave ----------------------------------------------------------------------------

MISBEHAVING: dict[str, tuple[str, str]] = {
    "never-filled": ("var nothing = 1;", "still-empty"),
    "asks-others": ("var x = new XMLHttpRequest(); x.open('GET', '{other}/stolen'); x.send();", "still-empty"),
    "is-sent-to-others": (
        "var x = new XMLHttpRequest(); x.open('GET', '/redirect'); x.send(); new Image().src = '/redirect';",
        "still-empty",
    ),
    "asks-what-robots-may-not": (
        "var x = new XMLHttpRequest(); x.open('GET', '/private/x'); x.send();",
        "still-empty",
    ),
    "leaves": ("location.href = '/en/france/20240102-elsewhere';", "led-elsewhere"),
    "leaves-the-site": ("location.href = '{other}/landed';", ""),
    "throws": ("throw new Error('no');", "still-empty"),
    "grows": ("for (var i = 0; i < 12; i++) document.body.innerHTML += document.body.innerHTML;", ""),
}
"""Script of a page, and the reason why it is not taken; empty: whatever the renderer calls it."""


@contextmanager
def answering(answer: Callable[[str], tuple[int, dict[str, str], str]], host: str = "127.0.0.1") -> Iterator[Any]:
    """Serve what `answer` makes of a path while the context lasts; gives the base URL and the paths asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, headers, body = answer(self.path)
            self.send_response(status)
            for name, value in {"Content-Type": "text/html", "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with running(ThreadingHTTPServer((host, 0), Handler)) as base:
        yield base, asked


def misbehaving(path: str, other: str) -> tuple[int, dict[str, str], str]:
    """The site: a feed, a page for each script, a redirect to another host."""
    name = path.rpartition("20240102-")[2]
    if path == "/en/rss":
        links = "".join(f"<item><link>/en/france/20240102-{name}</link></item>" for name in MISBEHAVING)
        return 200, {"Content-Type": "application/rss+xml"}, f"<rss><channel>{links}</channel></rss>"
    if path == "/robots.txt":
        return 200, {"Content-Type": "text/plain"}, "User-agent: *\nDisallow: /private/\n"
    if path == "/redirect":
        return 302, {"Location": f"{other}/redirected"}, ""
    if name in MISBEHAVING:
        return 200, {}, f"{TITLED}<script>{MISBEHAVING[name][0].replace('{other}', other)}</script>"
    return 404, {}, ""


def test_a_page_that_misbehaves_keeps_the_outcome_it_had_and_reaches_no_other_host(
    environment: dict[str, str], mongo_uri: str, database: str, archive: Any
) -> None:
    with (
        answering(lambda _: (200, {"Access-Control-Allow-Origin": "*"}, "x"), "127.0.0.2") as (other, stolen),
        answering(lambda path: misbehaving(path, other)) as (base, asked),
    ):
        options = ("-a", "editions=en", "-a", f"sources={base}/en/rss", "-a", "depth=0")
        limits = {"RFI_RENDER_SECONDS": "5", "RFI_RENDERS_AT_ONCE": "4", "RFI_PAGE_BYTES": "100000"}
        run = crawl(mongo_uri, database, *options, RFI_BASE_URL=base, **limits, **environment)
    assert run.returncode == 0, run.stderr
    assert stolen == []
    assert "/redirect" in asked
    assert "/private/x" not in asked or "SPLASH_URL" in environment
    assert "Traceback" not in run.stderr
    articles = list(archive.articles.find())
    assert {(article["origin"], article["status"]) for article in articles} == {("page", "short")}
    assert len(articles) == len(MISBEHAVING)
    told = {line.split(", ")[0].rpartition("-")[2]: line for line in run.stderr.splitlines() if "rendering" in line}
    for name, (_, reason) in MISBEHAVING.items():
        assert told[name.rpartition("-")[2]].endswith(f": {reason}" if reason else ""), told


def test_a_renderer_that_is_down_costs_the_rendering_and_nothing_else(
    replica: Replica, mongo_uri: str, database: str, archive: Any
) -> None:
    story = next(a["url"] for a in replica.truth() if a["status"] == "full" and "/en/rss" in a["listed_on"])
    replica.control(edit=[{"url": story, "how": "script"}])
    nowhere = f"http://127.0.0.1:{browsers.free_port()}"
    options = ("-a", f"sources={replica.base}/en/rss", "-a", "editions=en", "-a", "depth=0")
    run = crawl(mongo_uri, database, *options, RFI_BASE_URL=replica.base, SPLASH_URL=nowhere)
    assert run.returncode == 0, run.stderr
    assert archive.articles.find_one({"url": story})["status"] == "short"
    counted = archive.runs.find_one()["rendering"]
    assert counted["failed/DownloadConnectionRefusedError"] >= 1
    assert "filled" not in counted
