"""What SECURITY.md promises."""

import io
import logging
import re
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, strategies
from lxml import html
from pymongo import MongoClient
from scrapy import Request
from scrapy.robotstxt import ProtegoRobotParser

from rfispider import feeds, settings
from rfispider.crawl import logs
from rfispider.crawl.allowlist import Allowlist, is_public
from rfispider.crawl.middlewares import Politeness
from rfispider.text import visible
from tests.support import hostile_pages, hostile_server
from tests.support.crawling import CRAWL_SECONDS, ROOT, crawl, path, rfispider, running, surroundings

# ---- where a crawl may go --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
     "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0",
     "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
     "2001:0:7f00:1::", "localhost", "", "1", "127.1"],
)  # fmt: skip
def test_addresses_of_this_machine_this_network_and_no_machine_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "185.166.140.1", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


REACH = Allowlist.of(trusted=["http://127.0.0.1:8099/x", ""], others=["https://mirror.example/rss", "http://10.0.0.1/"])


@pytest.mark.parametrize(
    "url",
    ["https://www.rfi.fr/", "http://rfi.fr/cn/", "https://cn.rfi.fr/x", "https://www.rfi.fr:443/", "https://WWW.RFI.FR/",
     "https://www.rfi.fr./", "http://127.0.0.1:8099/y", "https://mirror.example/", "http://mirror.example/",
     "https://cdn.mirror.example/"],
)  # fmt: skip
def test_the_site_and_what_the_operator_names_may_be_asked(url: str) -> None:
    assert REACH.allows(url)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://127.0.0.1:8100/", "http://127.0.0.2:8099/", "http://localhost:8099/",
     "http://2130706433:8099/", "https://www.rfi.fr:8443/", "https://evil.example/", "https://www.rfi.fr.evil.example/",
     "https://evil-rfi.fr/", "https://www.rfi.fr@evil.example/", "https://evil.example@www.rfi.fr/",
     "https://mirror.example:8443/", "https://notmirror.example/", "ftp://www.rfi.fr/", "file:///etc/passwd",
     "data:,x", "javascript:x", "//www.rfi.fr/", "", "http://", "http://[::1", "http://www.rfi.fr:99999/",
     "http://www.rfi.fr:x/", "https://[::ffff:7f00:1]:8099/"],
)  # fmt: skip
def test_nothing_else_may_be_asked(url: str) -> None:
    assert not REACH.allows(url)


def test_a_private_address_may_have_only_the_mirror_and_what_the_operator_writes_as_an_address() -> None:
    assert REACH.trusted == {"127.0.0.1", "10.0.0.1"}


FEED = b"<rss><channel><item><link>/en/africa/20260301-a-boat</link></item></channel></rss>"
HIJACKED = """
import socket
socket.gethostbyname = lambda name: "127.0.0.1"
from scrapy.cmdline import execute
execute(["scrapy", "crawl", "rfi", "-a", "editions=en", "-a", "depth=0", "-s", "RETRY_TIMES=0", "-s", "RFI_RATE=0"])
"""


@pytest.fixture
def archive(mongo_uri: str, database: str) -> Iterator[Any]:
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        yield client[database]


def test_a_name_that_resolves_to_this_machine_is_not_connected_to(mongo_uri: str, database: str, archive: Any) -> None:
    told = surroundings(MONGO_URI=mongo_uri, MONGO_DATABASE=database)
    command = [sys.executable, "-c", HIJACKED]
    run = subprocess.run(
        command, cwd=ROOT, env=told, capture_output=True, text=True, timeout=CRAWL_SECONDS, check=False
    )
    assert "www.rfi.fr resolves to 127.0.0.1, which is not a public address" in run.stderr


def test_a_mirror_whose_address_is_ipv6_is_connected_to(mongo_uri: str, database: str, archive: Any) -> None:
    class Mirror(ThreadingHTTPServer):
        address_family = socket.AF_INET6

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = FEED if self.path == "/en/rss" else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    mirror = Mirror(("::1", 0), Answer)
    base = f"http://[::1]:{mirror.server_port}"
    with running(mirror):
        run = crawl(mongo_uri, database, "-a", "depth=0", "-a", f"sources={base}/en/rss", RFI_BASE_URL=base)
    assert run.returncode == 0, run.stderr
    assert archive.frontier.count_documents({"kind": "article"}) == 1


# ---- a hundred hostile inputs ----------------------------------------------------------------------------

CANARY = "the canary sings in a file that nobody may read"
OPTIONS = {
    "RFI_EXTRACT_PROCESSES": "1",
    "DOWNLOAD_TIMEOUT": "2",
    "RETRY_TIMES": "1",
    "RFI_PAGE_BYTES": "2000000",
    "RFI_CONCURRENCY": "32",
}
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal may take for more than a letter."""


class Ordeal:
    """One crawl of the hostile site, and what it left."""

    def __init__(self, run: Any, archive: Any, site: hostile_server.Site, others: list[hostile_server.Site]) -> None:
        self.run, self.archive, self.site, self.others = run, archive, site, others
        self.articles = {path(article["url"]): article for article in archive.articles.find()}


@pytest.fixture(scope="module")
def ordeal(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ordeal]:
    canary = tmp_path_factory.mktemp("canary") / "secret.txt"
    canary.write_text(CANARY)
    with hostile_server.serving(canary) as (site, others), MongoClient[dict[str, Any]](mongo_uri) as client:
        asked = ",".join(site.base + source for source in hostile_pages.sources())
        options = [word for name, value in OPTIONS.items() for word in ("-s", f"{name}={value}")]
        run = crawl(mongo_uri, "ordeal", "-a", f"sources={asked}", *options, RFI_BASE_URL=site.base, RFI_RATE="0")
        yield Ordeal(run, client["ordeal"], site, others)
        client.drop_database("ordeal")


def test_there_are_a_hundred_of_them() -> None:
    assert len(set(hostile_pages.INPUTS)) > 100


def test_none_of_them_stops_the_crawl(ordeal: Ordeal) -> None:
    run = ordeal.archive.runs.find_one()
    assert (run["reason"], ordeal.archive.frontier.count_documents({"state": "leased"})) == ("finished", 0)
    assert not re.findall("Traceback|CRITICAL|Unhandled|came to nothing", ordeal.run.stderr)
    assert ordeal.articles[hostile_pages.PATH + hostile_pages.WITNESS]["text"].startswith(hostile_pages.TEXT)


def test_every_one_of_them_was_asked_for_and_ends_in_an_outcome(ordeal: Ordeal) -> None:
    assert {hostile_pages.PATH + name for name in hostile_pages.pages()} <= set(ordeal.site.asked)
    known = {path(each["url"]): each for each in ordeal.archive.frontier.find()}
    assert all(known[hostile_pages.PATH + name]["last"]["outcome"] for name in hostile_pages.pages())
    assert set(hostile_pages.sources()) <= {name + "/" * name.endswith("/en/france") for name in known} | set(known)


def test_none_of_them_reaches_another_server(ordeal: Ordeal) -> None:
    assert [(other.base, other.asked) for other in ordeal.others if other.connections] == []


def test_none_of_them_reads_a_file(ordeal: Ordeal) -> None:
    for name in ordeal.archive.list_collection_names():
        assert CANARY not in str(list(ordeal.archive[name].find())), name


def test_what_looks_like_an_operator_is_stored_as_it_was_written(ordeal: Ordeal) -> None:
    titles = {name: ordeal.articles[hostile_pages.PATH + name]["title"] for name in
              ("operator-in-the-title", "field-path-in-the-title", "etag-as-operator")}  # fmt: skip
    assert titles == {
        "operator-in-the-title": "$$ROOT",
        "field-path-in-the-title": "$title",
        "etag-as-operator": "Etag",
    }
    validators = ordeal.archive.frontier.find_one({"url": re.compile("etag-as-operator")})
    assert (validators["etag"], validators["last_modified"]) == ('"$where"', "$now")


def test_no_key_of_a_stored_document_comes_from_the_site(ordeal: Ordeal) -> None:
    def keys(value: Any) -> Iterator[str]:
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from keys(each)
        yield from value if isinstance(value, dict) else ()

    found = {
        key
        for name in ("articles", "frontier", "hosts", "runs")
        for d in ordeal.archive[name].find()
        for key in keys(d)
    }
    assert not {key for key in found if not re.fullmatch("[A-Za-z0-9_/-]+", key)}


def test_links_of_an_article_lead_nowhere_but_to_the_site_and_its_media(ordeal: Ordeal) -> None:
    for name, article in ordeal.articles.items():
        links = [article["url"], *article["aliases"], *(link["url"] for link in article["related"])]
        assert all(link.startswith("https://www.rfi.fr/") for link in links), name
        media = [each["url"] for each in (*article["images"], *article["audio"])]
        assert all(url.startswith(("https://", "http://")) for url in media), (name, media)


@pytest.mark.parametrize("command", [["report"], ["frontier"], ["frontier", "failed"], ["show"]])
def test_nothing_of_the_site_steers_the_terminal(command: list[str], ordeal: Ordeal, mongo_uri: str) -> None:
    hostile_one = "https://www.rfi.fr" + hostile_pages.PATH + "escapes-in-the-title"
    told = rfispider(mongo_uri, "ordeal", *command, *([hostile_one] if command == ["show"] else []))
    assert told.returncode == 0, told.stderr
    assert not CONTROL.findall(told.stdout + told.stderr)
    assert not CONTROL.findall(ordeal.run.stderr)


def test_nothing_of_the_site_is_html_in_the_report(ordeal: Ordeal, mongo_uri: str, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    told = rfispider(mongo_uri, "ordeal", "report", "--html", str(out))
    assert told.returncode == 0, told.stderr
    page = html.fromstring(out.read_bytes())
    assert CANARY not in page.text_content()
    assert not page.xpath("//script[contains(., 'alert')] | //img[@onerror] | //*[@onload] | //iframe | //base")
    assert {urlsplit(link).scheme for link in page.xpath("//@href | //@src")} <= {"https", "data", ""}


# ---- dependencies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_dependency_is_pinned_with_its_hashes(name: str) -> None:
    pins = (ROOT / name).read_text("utf-8").replace("\\\n", " ").splitlines()
    told = [pin for pin in pins if pin.strip() and not pin.startswith("#")]
    assert told
    assert not [pin for pin in told if not re.match(r"[A-Za-z0-9._-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", pin)]


# ---- archives --------------------------------------------------------------------------------------------

MEMBERS = ("../../outside.md", "/outside.md", "a/../../outside.md", "..\\outside.md", "C:/outside.md", "\x1b[31m.md")


def test_an_archive_writes_nothing_and_follows_nothing(tmp_path: Path) -> None:
    inside = tmp_path / "archives"
    inside.mkdir()
    with tarfile.open(inside / "a.tar", "w") as archive:
        for name in MEMBERS:
            member = tarfile.TarInfo(name)
            member.size = 7
            archive.addfile(member, io.BytesIO(b"outside"))
        for kind, name in ((tarfile.SYMTYPE, "soft.md"), (tarfile.LNKTYPE, "hard.md"), (tarfile.CHRTYPE, "zero.md")):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/hostname"
            archive.addfile(member)
    with zipfile.ZipFile(inside / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../outside.md", "outside")
        archive.writestr("bomb.md", bytes(64 << 20))
    before = sorted(tmp_path.rglob("*"))
    read = dict(feeds.documents(inside))
    assert sorted(tmp_path.rglob("*")) == before
    assert isinstance(read["b.zip/bomb.md"], feeds.FeedError)
    assert isinstance(read["a.tar/soft.md"], feeds.FeedError)
    assert {text for text in read.values() if isinstance(text, str)} == {"outside"}


# ---- what a log and a terminal show ----------------------------------------------------------------------


def test_a_log_shows_what_would_steer_a_terminal() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "read %s\n", (hostile_pages.ESCAPES,), None)
    told = logs.TextFormatter(vars(settings)).format(record)
    assert "read \ufffd[31m" in told
    assert not CONTROL.findall(told)


@given(strategies.text())
def test_what_is_visible_stays_and_nothing_else_does(text: str) -> None:
    shown = visible(text)
    assert len(shown) == len(text)
    assert not CONTROL.findall(shown)
    assert visible(shown) == shown


@pytest.mark.parametrize(
    ("told", "kept"), [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("1e308", 3600.0), ("inf", 0.0), ("nan", 0.0), ("x", 0.0)]
)
async def test_no_crawl_delay_stops_a_crawl(told: str, kept: float) -> None:
    obeyed: list[dict[str, float]] = []

    async def set_robots_delay(_: str, robots: dict[str, float]) -> None:
        obeyed.append(robots)

    hosts = SimpleNamespace(set_robots_delay=set_robots_delay)
    session: Any = SimpleNamespace(frontier=SimpleNamespace(hosts=hosts))
    robots = ProtegoRobotParser(f"User-agent: *\nCrawl-delay: {told}".encode(), None)
    await Politeness(session, "rfispider").robots_parsed(robots, Request("https://www.rfi.fr/robots.txt"))
    assert obeyed == [{"crawl_delay_s": kept}]
