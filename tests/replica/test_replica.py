"""The generated site: the same from the same seed, true to its own truth, and faulty on demand."""

import gzip
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from lxml import etree, html

from replica import truth
from replica.archive import entry
from replica.document import Document
from replica.editions import EDITIONS
from replica.faults import Faults
from replica.site import Redirect, Site
from replica.story import Story

pytestmark = pytest.mark.slow  # a whole site is generated

ROOT = Path(__file__).parents[2]
NEVER_TEXT = (
    "//*[contains(@class,'m-em-') or contains(@class,'o-self-promo') or contains(@class,'m-interstitial')"
    " or contains(@class,'t-copyright') or self::figure or self::script or self::style or self::noscript]"
)


@pytest.fixture(scope="module")
def site() -> Site:
    return Site(seed=1, editions=list(EDITIONS), articles_per_edition=30)


@pytest.fixture(scope="module")
def records(site: Site) -> list[dict[str, Any]]:
    return [json.loads(line) for line in truth.lines(site.stories).splitlines()]


def page(site: Site, path: str) -> str:
    found = site.answer(path)
    assert isinstance(found, Document), path
    return found.raw().decode()


def squeezed(text: str) -> str:
    return "".join(text.split())


def body_text(source: str) -> str:
    """All letters of the body, but for the elements that are never text: no block structure, no white space."""
    body = html.document_fromstring(source).find_class("t-content__body")[0]
    for element in body.xpath(f".{NEVER_TEXT}"):
        element.drop_tree()
    return squeezed(body.text_content())


# ---- One seed, one site --------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_truth_and_the_same_pages() -> None:
    first, second = (Site(seed=7, editions=["cn", "fr"], articles_per_edition=25) for _ in range(2))
    assert truth.lines(first.stories) == truth.lines(second.stories)
    for path in ("/cn/", "/cn/rss", "/mirror/fr.xml", "/sitemaps/cn/news.xml", *(s.path for s in first.stories)):
        assert page(first, path) == page(second, path)


def test_another_seed_gives_other_articles() -> None:
    first, second = (Site(seed=seed, editions=["en"], articles_per_edition=25) for seed in (1, 2))
    assert not {s.url for s in first.stories} & {s.url for s in second.stories}


@pytest.mark.integration
def test_another_process_gives_the_same_truth(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "replica", "truth", "--editions", "cn", "--articles", "25", "--out"]
    subprocess.run([*command, str(tmp_path / "truth.jsonl")], cwd=ROOT, check=True)
    here = Site(editions=["cn"], articles_per_edition=25)
    assert (tmp_path / "truth.jsonl").read_text("utf-8") == truth.lines(here.stories)


def test_every_edition_has_as_many_articles_as_asked_for_and_no_two_of_one_url(site: Site) -> None:
    assert set(Counter(story.edition for story in site.stories).values()) == {30}
    assert len({story.url for story in site.stories}) == 30 * len(EDITIONS) == len(site.by_path)


# ---- Truth and pages agree -----------------------------------------------------------------------------------


def test_article_pages_weigh_as_much_as_real_ones(site: Site) -> None:
    weights = [len(page(site, story.path).encode()) for story in site.stories]
    assert min(weights) >= 100_000
    assert max(weights) <= 350_000


def test_the_body_of_a_page_holds_the_text_the_credits_and_nothing_else(
    site: Site, records: list[dict[str, Any]]
) -> None:
    for story, record in zip(site.stories, records, strict=True):
        assert record["url"] == story.url
        printed = f"（{story.credits}）{story.look.credit_number}" if story.credits else ""
        expected = squeezed(record["text"].replace(" | ", "") + printed)
        assert body_text(page(site, story.path)) == expected, story.path


def test_every_field_of_the_truth_can_be_read_on_the_page(site: Site, records: list[dict[str, Any]]) -> None:
    for record in records:
        source = page(site, unquote(urlsplit(record["url"]).path))
        tree = html.document_fromstring(source)
        seen = squeezed(tree.text_content() + html.tostring(tree, encoding="unicode"))
        people = [e.text_content() for e in tree.find_class("m-from-author__name")]
        tags = [e.text_content() for e in tree.find_class("m-tags-list__link")]
        assert people == record["authors"]
        assert tags == record["tags"]
        assert squeezed(record["lead"] or "") in seen
        assert f"© {record['published_at'][:4]} {record['agency']}" in source or not record["agency"]
        assert f"rfi.my/{record['short_code']}." in source or not record["short_code"]
        for address in (*record["images"], *record["audio"]):
            assert address["url"] in source.replace("\\/", "/")
        for image in record["images"]:
            assert squeezed(image["caption"] or "") in seen
            assert squeezed(image["credit"] or "") in seen


def test_times_on_the_page_are_those_of_the_truth_in_paris_time(site: Site, records: list[dict[str, Any]]) -> None:
    for record in records:
        tree = html.document_fromstring(page(site, unquote(urlsplit(record["url"]).path)))
        times = [datetime.fromisoformat(t) for t in tree.xpath("//*[@class='m-pub-dates']//time/@datetime")]
        assert times[0].astimezone(UTC).isoformat() == record["published_at"]
        assert times[-1].astimezone(UTC).isoformat() == record["modified_at"]
        assert times[0].utcoffset() != UTC.utcoffset(None)


def test_a_title_is_on_the_page_once_all_escaping_is_undone(site: Site) -> None:
    for story in site.stories:
        heading = html.document_fromstring(page(site, story.path)).find_class("t-content__title")[0].text_content()
        assert re.sub(r"&#(\d+);", lambda m: chr(int(m[1])), heading) == story.title
        assert (heading != story.title) == story.look.double_escaped


def test_related_links_lead_where_the_truth_says_in_whatever_form_they_are_printed(site: Site) -> None:
    for story in site.stories:
        tree = html.document_fromstring(page(site, story.path))
        links = tree.xpath("//aside[@data-org-type='aside-content--related']//a")
        printed = ["/" + unquote(urlsplit(link.get("href")).path).strip("/") for link in links]
        assert printed == ["/" + unquote(urlsplit(link.url).path).strip("/") for link in story.related]


def test_linked_data_comes_in_every_variant_and_is_broken_where_it_says_so(site: Site) -> None:
    variants = set()
    for story in site.stories:
        tree = html.document_fromstring(page(site, story.path))
        scripts = tree.xpath("//script[@type='application/ld+json']/text()")
        parsed = [_parsed(script) for script in scripts]
        variant = story.look.linked_data
        variants.add(variant)
        assert (None in parsed) == (variant in ("broken", "bare", "escaped")), variant
        assert bool(tree.xpath("//meta[@property='article:published_time']")) == (variant != "bare")
    assert variants == {"object", "list", "graph", "scripts", "escaped", "broken", "bare", "none"}


def _parsed(script: str) -> object:
    try:
        return json.loads(script)
    except ValueError:
        return None


def test_slug_dates_are_utc_days_so_that_stories_of_the_first_paris_hour_carry_the_day_before(site: Site) -> None:
    dated = [s for s in site.stories if s.kind == "article" and re.search(r"/\d{8}-[^/]*$", s.path)]
    alone = [s for s in dated if not (s.duplicate_of or s.same_title_as)]
    for story in alone:
        assert f"/{story.published_at:%Y%m%d}-" in story.path
    assert any(f"{s.published_at:%d}" != _displayed_day(page(site, s.path)) for s in alone)


def _displayed_day(source: str) -> str:
    return str(re.findall(r">(\d\d)/\d\d/\d{4} - \d\d:\d\d</time>", source)[0])


# ---- Ways to an article --------------------------------------------------------------------------------------


def _linked(site: Site, path: str) -> set[str]:
    """Decoded paths of all links of a feed or page, but for the furniture that all pages share."""
    source = page(site, path)
    if path.endswith(("rss", ".xml")):
        tree = etree.fromstring(source.encode())
        links = [element.text or "" for element in tree.iter("{*}link", "{*}loc")]
    else:
        document = html.document_fromstring(source)
        for aside in document.xpath("//*[contains(@class,'--most-read')] | //nav | //header | //footer"):
            aside.drop_tree()
        links = document.xpath("//a/@href")
    return {"/" + unquote(urlsplit(link).path).strip("/") for link in links}


def test_a_story_is_linked_from_exactly_the_feeds_and_lists_that_the_truth_names(site: Site) -> None:
    pages = [
        listing.path_of(n)
        for desk in site.desks.values()
        for listing in desk.lists.values()
        for n in range(1, listing.pages() + 1)
    ]
    linked = {path: _linked(site, path) for path in pages}
    for story in site.stories:
        assert {path for path in pages if story.path in linked[path]} == set(story.listed_on), story.path
        assert bool(story.listed_on) == (story.reached_by in ("feed", "list"))
        assert any(path.endswith("/rss") for path in story.listed_on) == (story.reached_by == "feed")


def test_hops_are_what_a_walk_over_the_printed_related_links_takes(site: Site) -> None:
    hops = {story.path: 0 for story in site.stories if story.listed_on}
    border = list(hops)
    while border:
        path = border.pop(0)
        tree = html.document_fromstring(page(site, path))
        for href in tree.xpath("//aside[@data-org-type='aside-content--related']//a/@href"):
            target = "/" + unquote(urlsplit(href).path).strip("/")
            if target in site.by_path and target not in hops:
                hops[target] = hops[path] + 1
                border.append(target)
    assert {story.path: story.hops for story in site.stories if story.hops is not None} == hops
    assert max(hops.values()) >= 3
    assert {story.reached_by for story in site.stories if story.path not in hops} == {"none"}


def test_a_story_that_nothing_leads_to_is_linked_from_no_page_at_all(site: Site) -> None:
    lost = {story.path for story in site.stories if story.reached_by == "none"}
    assert lost
    for story in site.stories:
        assert not lost & _linked(site, story.path)
    for code in site.desks:
        months = _linked(site, f"/sitemaps/{code}/index.xml")
        assert not lost & {path for month in months for path in _linked(site, month)}


def test_archive_pages_and_monthly_sitemaps_lead_to_the_same_articles(site: Site) -> None:
    for code, desk in site.desks.items():
        kept = {story.path for story in desk.stories if story.in_archive}
        maps = [path for path in _linked(site, f"/sitemaps/{code}/index.xml") if "contents_" in path]
        assert {path for month in maps for path in _linked(site, month)} == kept
        years = {
            f"{desk.edition.root}{desk.edition.archive}/{s.published_at:%Y}/" for s in desk.stories if s.in_archive
        }
        days = {day for year in years for day in _linked(site, year)}
        assert {path for day in days for path in _linked(site, day)} == kept


@pytest.mark.parametrize("code", EDITIONS)
def test_pages_that_are_no_articles_exist_and_carry_no_time(site: Site, code: str) -> None:
    edition = EDITIONS[code]
    for name in filter(None, (*edition.utilities, edition.live)):
        source = page(site, f"{edition.root}{name}")
        assert "t-content__body" in source
        assert "<time" not in source.split('class="o-aside-content')[0]


def test_lists_and_articles_redirect_to_their_form_of_slash_and_double_slashes_to_single_ones(site: Site) -> None:
    article = site.stories[0].path
    assert site.answer("/cn/中国") == Redirect("/cn/中国/")
    assert site.answer(f"{article}/") == Redirect(article)
    assert site.answer("//cn/rss") == Redirect("/cn/rss")
    assert site.answer("/cn/no-such-thing") is None


# ---- Doubles -------------------------------------------------------------------------------------------------


def _by_url(site: Site) -> dict[str, Story]:
    return {story.url: story for story in site.stories}


def test_doubles_are_the_same_under_another_url_and_rewrites_overlap_by_half_to_nearly_all(site: Site) -> None:
    stories = _by_url(site)
    doubles = [s for s in site.stories if s.duplicate_of]
    rewrites = [s for s in site.stories if s.near_duplicate_of]
    assert doubles
    assert rewrites
    for story in doubles:
        assert story.text == stories[story.duplicate_of or ""].text
    for story in rewrites:
        other = stories[story.near_duplicate_of or ""]
        shared = sum(len(p) for p in story.text.split("\n\n") if p in other.text.split("\n\n"))
        longer = max(len(each.text.replace("\n\n", "")) for each in (story, other))
        if story.rewriting != "sentences":
            assert shared / longer == pytest.approx(story.overlap, abs=0.01)
        assert 0.5 <= (story.overlap or 0) <= 0.95
        assert story.title != other.title
    assert {story.rewriting for story in rewrites} == {"paragraphs", "sentences", "cut", "continued", "moved"}


def test_stories_of_one_title_are_different_stories(site: Site) -> None:
    stories = _by_url(site)
    pairs = [(s, stories[s.same_title_as]) for s in site.stories if s.same_title_as]
    assert pairs
    assert all(a.title == b.title and a.text != b.text for a, b in pairs)
    assert any(a.path == f"{b.path}-2" for a, b in pairs)


def test_twins_convert_to_each_other_character_by_character(site: Site) -> None:
    opencc = pytest.importorskip("opencc").OpenCC("t2s")
    stories = _by_url(site)
    pairs = [(s, stories[s.twin_of]) for s in site.stories if s.twin_of and s.edition == "tw"]
    assert pairs
    for traditional, simplified in pairs:
        assert simplified.twin_of == traditional.url
        assert simplified.text != traditional.text
        for name in ("text", "title", "path"):
            assert opencc.convert(getattr(traditional, name)).replace("/tw/", "/cn/") == getattr(simplified, name)


def test_some_short_bulletins_have_the_same_text_and_are_no_duplicates(site: Site) -> None:
    short = [s for s in site.stories if s.status == "short" and s.text]
    assert max(Counter((s.edition, s.text) for s in short).values()) > 1
    assert not any(s.duplicate_of for s in short)


# ---- Mirrors and archived entries ----------------------------------------------------------------------------


def test_a_mirror_feed_carries_the_whole_text_with_angle_brackets_left_raw(site: Site) -> None:
    tree = etree.fromstring(page(site, "/mirror/cn.xml").encode())
    items = {"/" + unquote(urlsplit(i.findtext("link") or "").path).strip("/"): i for i in tree.iter("item")}
    listed = [s for s in site.desks["cn"].stories if s.reached_by == "feed"]
    assert set(items) == {s.path for s in listed}
    for story in listed:
        item = items[story.path]
        content = item.findtext("{*}encoded") or item.findtext("description") or ""
        assert content.startswith("<div>")
        for paragraph in story.text.split("\n\n"):
            assert squeezed(re.sub("<.*?>", "", paragraph)) in squeezed(
                re.sub("<.*?>", "", content.replace("</td>", "|"))
            )
        quoted = re.findall("<.*?>", story.text)
        assert all(title in content for title in quoted)
    assert any("<" in story.text for story in listed)


def test_an_archived_entry_begins_with_its_time_its_link_and_a_rule(site: Site) -> None:
    for story in site.stories:
        text = entry(story, front_matter=False)
        head, rest = text.split("\n------\n\n", 1)
        assert re.fullmatch(r"<!--\d{13}-->\n\[.*\]\(https?://\S+\)", head)
        assert re.match(r"<div>\d\d/\d\d/\d{4} - \d\d:\d\d</div><img ", rest)
        assert entry(story, front_matter=True).startswith("---\nlayout: post\n")


# ---- Faults, as a decision -----------------------------------------------------------------------------------


def test_only_what_is_beyond_the_rate_is_refused_and_feeds_never_are() -> None:
    faults = Faults(block_above_rps=2, retry_after_s=5)
    answers = [faults.decide("/a", "article", at) for at in (0.0, 0.1, 0.2, 1.5)]
    assert [answer and answer.status for answer in answers] == [None, None, 403, None]
    assert answers[2]
    assert answers[2].retry_after_s == 5
    assert all(faults.decide("/cn/rss", "feed", 0.1 * n) is None for n in range(9))


def test_a_block_lasts_as_long_as_set() -> None:
    faults = Faults(block_above_rps=1, block_for_s=10)
    answers = [faults.decide("/a", "article", at) for at in (0.0, 0.5, 9.0, 12.0)]
    assert [answer and answer.status for answer in answers] == [None, 403, 403, None]


def test_an_unknown_fault_changes_nothing() -> None:
    faults = Faults()
    with pytest.raises(ValueError, match="no such fault: nonsense"):
        faults.set({"block_pages": True, "nonsense": 1})
    assert faults.current() == Faults().current()


# ---- The server ----------------------------------------------------------------------------------------------


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


@dataclass
class Client:
    base: str
    log: Path

    def get(self, path: str, method: str = "GET", data: bytes | None = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.base + quote(path, safe="/%?="), data, named, method=method)
        try:
            with urllib.request.build_opener(_NoRedirects).open(request, timeout=10) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def control(self, **commands: object) -> dict[str, Any]:
        answer = self.get("/__control__", "POST", json.dumps(commands).encode())
        assert answer.status == 200, answer.body
        return dict(json.loads(answer.body))

    def truth(self) -> dict[str, dict[str, Any]]:
        lines = self.get("/__truth__").body.decode().splitlines()
        return {unquote(urlsplit(r["url"]).path): r for r in map(json.loads, lines)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    log = tmp_path_factory.mktemp("replica") / "access.log"
    command = [sys.executable, "-m", "replica", "serve", "--port", "0", "--editions", "cn", "--articles", "25"]
    with subprocess.Popen([*command, "--log", str(log)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        match = re.fullmatch(r"serving 25 articles on (http://127\.0\.0\.1:\d+)/\n", line)
        assert match, line
        yield Client(match[1], log)
        process.terminate()


@pytest.fixture
def client(server: Client) -> Iterator[Client]:
    yield server
    server.control(reset=True)


def _full(client: Client) -> str:
    return next(path for path, record in client.truth().items() if record["status"] == "full")


@pytest.mark.integration
def test_a_known_page_is_not_sent_again_and_the_page_is_stable(client: Client) -> None:
    path = _full(client)
    first = client.get(path)
    assert first.status == 200
    for headers in ({"If_None_Match": first.headers["ETag"]}, {"If_Modified_Since": first.headers["Last-Modified"]}):
        again = client.get(path, **headers)
        assert (again.status, again.body) == (304, b"")
    assert client.get(path, If_None_Match='"other"').body == first.body


@pytest.mark.integration
def test_a_head_request_tells_the_length_and_sends_nothing(client: Client) -> None:
    path = _full(client)
    answer = client.get(path, "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(client.get(path).body)


@pytest.mark.integration
def test_a_body_is_compressed_only_when_that_is_asked_for(client: Client) -> None:
    path = _full(client)
    plain, packed = client.get(path), client.get(path, Accept_Encoding="gzip")
    assert plain.headers["Content-Encoding"] is None
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body


@pytest.mark.integration
def test_queries_are_ignored_lists_are_redirected_and_the_unknown_is_not_found(client: Client) -> None:
    assert client.get("/cn/rss?utm_source=x").body == client.get("/cn/rss").body
    moved = client.get("/cn/中国")
    assert (moved.status, unquote(moved.headers["Location"])) == (301, "/cn/中国/")
    assert client.get("/cn/nothing-here").status == 404


@pytest.mark.integration
def test_robots_are_told_what_not_to_ask_for(client: Client) -> None:
    assert b"Disallow: /boutique/" in client.get("/robots.txt").body


@pytest.mark.integration
def test_an_edit_of_the_text_changes_page_and_truth_and_is_taken_back(client: Client) -> None:
    path = _full(client)
    page_before, before = client.get(path), client.truth()[path]
    client.control(edit=[{"url": before["url"], "how": "text"}])
    page_after, after = client.get(path, If_None_Match=page_before.headers["ETag"]), client.truth()[path]
    assert page_after.status == 200
    assert after["text"] != before["text"]
    assert {name for name in after if after[name] != before[name]} == {"text"}
    client.control(edit=[{"url": before["url"], "how": "revert"}])
    assert client.truth()[path] == before
    assert client.get(path).body == page_before.body


@pytest.mark.integration
@pytest.mark.parametrize("how", ["whitespace", "ticker"])
def test_an_edit_beside_the_text_changes_the_page_and_not_the_truth(client: Client, how: str) -> None:
    path = _full(client)
    page_before, before = client.get(path), client.truth()[path]
    client.control(edit=[{"url": path, "how": how}])
    page_after = client.get(path)
    assert page_after.headers["ETag"] != page_before.headers["ETag"]
    assert body_text(page_after.body.decode()) == body_text(page_before.body.decode())
    assert client.truth()[path] == before
    client.control(edit=[{"url": path, "how": "revert"}])
    assert client.get(path).body == page_before.body


@pytest.mark.integration
def test_published_articles_are_in_the_feeds_and_in_the_truth_at_once(client: Client) -> None:
    before = client.get("/cn/rss").headers["ETag"]
    urls = client.control(publish=6)["published"]
    truths = client.truth()
    assert len(urls) == 6
    for url in urls:
        path = unquote(urlsplit(url).path)
        assert truths[path]["reached_by"] == "feed"
        assert any(url.encode() in client.get(feed).body for feed in truths[path]["listed_on"] if feed.endswith("rss"))
        assert client.get(path).status == 200
    assert client.get("/cn/rss").headers["ETag"] != before


@pytest.mark.integration
def test_blocked_pages_are_refused_while_feeds_are_served(client: Client) -> None:
    path = _full(client)
    client.control(block_pages=True, retry_after_s=7)
    refused = client.get(path)
    assert (refused.status, refused.headers["Retry-After"]) == (403, "7")
    assert client.get("/sitemaps/cn/news.xml").status == 403
    assert client.get("/cn/rss").status == 200
    assert client.get("/robots.txt").status == 200


@pytest.mark.integration
def test_too_many_requests_are_refused_with_the_status_that_was_set(client: Client) -> None:
    path = _full(client)
    client.control(block_above_rps=3, block_status=429, block_for_s=60)
    statuses = [client.get(path).status for _ in range(8)]
    assert statuses == [200] * 3 + [429] * 5


@pytest.mark.integration
def test_a_gone_article_answers_410_or_what_was_asked_for(client: Client) -> None:
    path = _full(client)
    client.control(gone=[path])
    assert client.get(path).status == 410
    client.control(gone=[{"url": path, "status": 404}])
    assert client.get(path).status == 404
    client.control(reset=True)
    assert client.get(path).status == 200


@pytest.mark.integration
def test_a_wall_answers_200_without_the_article(client: Client) -> None:
    path = _full(client)
    client.control(consent=True)
    answer = client.get(path)
    assert answer.status == 200
    assert b"t-content__body" not in answer.body
    assert client.get("/cn/rss").status == 200


@pytest.mark.integration
def test_a_hanging_page_never_answers_and_the_others_do(client: Client) -> None:
    path = _full(client)
    client.control(hang=[path])
    request = urllib.request.Request(client.base + quote(path))
    with pytest.raises(TimeoutError):
        urllib.request.urlopen(request, timeout=0.3)
    assert client.get("/cn/rss").status == 200


@pytest.mark.integration
def test_a_wrong_command_is_told_and_nothing_is_done(client: Client) -> None:
    for wrong in (b'{"nonsense": 1}', b'{"edit": [{"url": "/cn/none", "how": "text"}]}', b"[]", b"{"):
        assert client.get("/__control__", "POST", wrong).status == 400
    assert client.get(_full(client)).status == 200


@pytest.mark.integration
def test_every_request_is_one_line_of_the_log(client: Client) -> None:
    client.get("/cn/rss?marker=1", User_Agent="test-agent")
    line = next(row for row in client.log.read_text("utf-8").splitlines() if "marker=1" in row)
    seconds, method, status, size, path, agent = line.split("\t")
    assert float(seconds) > 1_700_000_000
    assert (method, status, path, agent) == ("GET", "200", "/cn/rss?marker=1", "test-agent")
    assert int(size) > 1000


@pytest.mark.integration
def test_archive_files_are_written_one_an_article(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "replica", "archive", str(tmp_path), "--editions", "cn", "--articles", "25"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert len(list(tmp_path.glob("*/*.md"))) == 25
