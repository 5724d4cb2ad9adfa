"""What happens in the hour of `operations.py`, scene by scene, and what is promised of each."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

from operated.shift import Shift
from operated.stack import Service, every_url, value
from replica import grading
from tests.support.crawling import path

EVERY_MINUTES = 5
"""Between two runs of the scheduler."""
INTERVAL = 16
"""Minutes: what feeds are polled at first, and what a finding allows for clocks."""
LEASE = 3
"""Minutes: a lease of 60 s, its renewal, and a look."""
EDITED = 10
BURST = 15
"""Articles published at once: more than the ten refusals in a row that open the circuit breaker."""
UNLIKE = "it looks unlike the runs before"
"""In the last line of a run whose monitors failed."""


def beginning(op: Shift) -> None:
    """Start the services; the site as it is gets stored."""
    stack = op.stack
    password = (stack.secrets / "mongo_reader_password").read_text("utf-8")
    added = stack.ask("users", "add", "reader", typed=f"{password}\n", MONGO_URI=stack.secret("mongo_uri_admin"))
    op.promise("a user who may read is made", added.returncode == 0, last_line(added.stderr))
    for name in ("crawler-1", "crawler-2"):
        stack.crawler(name)
    stack.scheduler("scheduler", f"{EVERY_MINUTES}m")
    op.say(f"two crawlers and a scheduler start; the site holds {len(stack.site.truth())} articles")
    op.expect("all of them are stored", lambda: not stack.missing(), 20)
    green(op, 5)


def script(op: Shift) -> None:
    """An article is published whose body comes by script."""
    (url,) = op.publish(1)
    op.edit("script", url)
    op.say(f"an article is published whose body comes by script: {url}")
    if not op.stack.environment["SPLASH_URL"]:
        op.say("no Splash here: it is left out, and mended")
        op.edit("revert", url)
        return
    op.expect("it is stored, rendered", lambda: document(op, url).get("origin") == "rendered", interval(op))
    op.expect("the metrics count it", lambda: counted(op, "rfispider_renders_total", result="filled"), 2)


def hanging(op: Shift) -> None:
    """A page never answers."""
    (url,) = op.publish(1)
    op.stack.site.control(hang=[url])
    op.say(f"an article is published that never answers: {url}")
    reasons: set[str] = set()
    op.expect("it is told as failed", lambda: reasons.update(failure(op, url)) or reasons, interval(op) + 6)
    op.promise("with the reason", any("longer than" in reason for reason in reasons), " ".join(reasons))
    op.promise("the report names it", path(url) in unquote(report(op)))
    others = [article for article in op.stack.missing() if article != path(url)]
    op.promise("it stands in nobody's way", len(others) <= BURST, f"{len(others)} others wait")
    op.stack.site.control(hang=[])
    op.say("it answers")
    op.expect("it is stored", lambda: document(op, url).get("status") == "full", interval(op))


def edits(op: Shift) -> None:
    """A wave of edits."""
    known = [article for article in op.stack.articles() if article["status"] == "full" and article["revision"] == 1]
    # Of those that no feed nor sitemap tells of, an edit shows only when they are looked at again.
    told = [article for article in known if visit(op, article["url"]).get("told_at")]
    newest = sorted(told, key=lambda article: str(article["published_at"]))[-EDITED:]
    urls = [article["url"] for article in newest]
    op.edit("update", *urls)
    op.say(f"{len(urls)} articles are edited")

    def followed() -> bool:
        return all(document(op, url)["revision"] > 1 for url in urls)

    op.expect("their new text is stored, the old one kept", followed, interval(op))
    shown = op.stack.ask("show", urls[0], "--history")
    op.promise("the history shows it", "text" in shown.stdout, last_line(shown.stderr))
    op.expect("the metrics count them", lambda: counted(op, "rfispider_outcomes_total", outcome="article/changed"), 2)


def death(op: Shift) -> None:
    """A worker is killed while it works."""
    (url,) = op.publish(1)
    op.stack.site.control(hang=[url])
    op.say("an article is published that hangs for a while; who waits for it will be killed")
    holders: list[Service] = []
    op.expect("a crawler waits for it", lambda: holders.extend(holder(op, url)) or holders, interval(op))
    if not holders:
        return
    victim = holders[0]
    os.kill(victim.process.pid, signal.SIGKILL)
    op.stack.site.control(hang=[])
    op.say(f"{victim.name} is killed with -9")
    before = value(op.stack.metrics(), "rfispider_runs_under_way")
    op.expect("what it had in hand is taken over and stored", lambda: document(op, url).get("status") == "full", LEASE)
    op.expect("health tells that it was killed", lambda: f":{victim.process.pid} after" in warnings(op), 8)
    left = value(op.stack.metrics(), "rfispider_runs_under_way")
    op.promise("so do the metrics", left < before, f"{before:.0f} under way before, {left:.0f} now")
    op.promise("and the report", "killed, after" in op.stack.ask("report").stdout)
    health = op.stack.health()
    op.promise("as the crawl goes on, nothing is red", health["exit_status"] == 0, critical(health))
    op.stack.crawler(f"{victim.name}-again")
    op.say("another takes its place")


def refusals(op: Shift) -> None:
    """The site refuses its pages for a while, and goes on to publish."""
    stack = op.stack
    stack.site.control(block_pages=True, block_lists=True)
    refused = []
    for edition in stack.editions.split(","):
        refused += op.publish(BURST, edition)
    op.say(f"the site answers 403 for all but its feeds, and publishes {BURST} articles in each edition")
    op.expect("its feeds are read", lambda: sum(bool(visit(op, url)) for url in refused) >= BURST, interval(op))
    op.expect("health turns red within one interval", lambda: stack.health()["exit_status"] == 1, interval(op))
    causes = {"refusals", "blocks"}
    op.expect("for what it is", lambda: causes <= levels(stack.health()).keys(), interval(op))
    health = stack.health()
    op.say(f"  {critical(health)}")
    metrics = stack.metrics()
    opened = value(metrics, "rfispider_host_breaker") - value(metrics, "rfispider_host_breaker", state="closed")
    op.promise("the metrics show the breaker open", opened == 1)
    op.promise("and that it is not healthy", value(metrics, "rfispider_healthy") == 0)
    op.expect("and count the refusals", lambda: counted(op, "rfispider_responses_total", status="403"), 2)
    op.promise("the report shows them", "refused" in report(op))
    stubs = sum(article["status"] == "stub" for article in stack.articles())
    op.promise("what the feeds said of them is kept", stubs >= BURST, f"{stubs} stubs")
    audited = stack.ask("audit", "--day", today(op))
    op.promise("the audit lists them as missing", audited.returncode == 1 and "stub" in audited.stdout)
    stack.site.control(block_pages=False, block_lists=False)
    op.say("the site serves its pages again")
    op.expect("all of them are stored", lambda: not stack.missing(), 45)
    green(op, 30)


def silence(op: Shift) -> None:
    """A feed goes away."""
    stack = op.stack
    feed = next(source for source in sources(op) if source.endswith("/rss"))
    stack.site.control(gone=[{"url": feed, "status": 404}])
    op.say(f"a feed is not found any more: {feed}")
    op.expect("health turns red", lambda: "sources" in levels(stack.health()), interval(op))
    op.promise("and names it", feed in critical(stack.health()), critical(stack.health()))
    stack.site.control(gone=[])
    op.say("it is back")
    green(op, interval(op) + EVERY_MINUTES)


def ending(op: Shift) -> None:
    """Nothing new; everything is stored, once and right, and all services end when they are told to."""
    op.is_publishing = False
    stack = op.stack
    op.say("the site publishes no more")
    op.expect("every article of the site is stored", lambda: not stack.missing(), interval(op))
    op.expect("as it is now", lambda: not faults(op), 70)
    for fault in faults(op)[:20]:
        op.say(f"  {fault}")
    held = Counter(path(url) for article in stack.articles() for url in every_url(article))
    twice = [url for url, times in held.items() if times > 1]
    op.promise("and once", not twice, ", ".join(twice[:3]) or f"{len(stack.articles())} documents")
    audited = stack.ask("audit", "--day", today(op))
    op.promise("the audit of the day finds it complete", audited.returncode == 0, last_line(audited.stdout))
    green(op, 5)
    page = report(op)
    op.promise("the report holds every edition", all(f">{each}<" in page for each in stack.editions.split(",")))
    living = [service for service in stack.services.values() if service.process.poll() is None]
    statuses = {service.name: service.stop() for service in living}
    # A run that met the refusals is unlike those before it, and says so.
    unlike = {service.name for service in living if UNLIKE in last_line(service.told())}
    op.promise(
        "all end when they are told to, in good order",
        all(statuses[name] == (name in unlike) for name in statuses),
        str(statuses),
    )
    with stack.archive() as archive:
        op.promise("no lease is left", archive.frontier.count_documents({"state": "leased"}) == 0)
    op.promise("no log tells a password", not stack.leaks(), ", ".join(stack.leaks()))


SCENES: Mapping[str, Callable[[Shift], None]] = {
    "script": script,
    "hanging": hanging,
    "edits": edits,
    "death": death,
    "refusals": refusals,
    "silence": silence,
}


def play(op: Shift, names: Sequence[str]) -> None:
    """The beginning, these scenes, and the end."""
    beginning(op)
    for name in names:
        op.console.rule(SCENES[name].__doc__ or name, align="left")
        SCENES[name](op)
    op.console.rule(ending.__doc__ or "", align="left")
    ending(op)


# ---- what is looked at --------------------------------------------------------------------------------------


def green(op: Shift, minutes: float) -> None:
    """Promise that health is or becomes green."""
    said: dict[str, Any] = {}

    def is_green() -> bool:
        said.update(op.stack.health())
        return said["exit_status"] == 0

    if op.expect("health is green", is_green, minutes) is None:
        op.say(f"  {critical(said)}")


def levels(health: Mapping[str, Any]) -> Counter[str]:
    """The checks with critical findings."""
    return Counter(finding["check"] for finding in health["findings"] if finding["level"] == "critical")


def critical(health: Mapping[str, Any]) -> str:
    """What is critical, in one line."""
    bad = [finding for finding in health["findings"] if finding["level"] == "critical"]
    return "; ".join(f"{each['check']} {each['subject']}: {each['message']}" for each in bad)


def warnings(op: Shift) -> str:
    """What health warns of."""
    return "; ".join(each["message"] for each in op.stack.health()["findings"] if each["level"] == "warning")


def counted(op: Shift, name: str, **labels: str) -> float:
    """What the crawls counted, as their files say; they are written twice a minute."""
    return value(op.stack.textfiles(), name, **labels)


def document(op: Shift, url: str) -> dict[str, Any]:
    """The stored article of a URL; empty when there is none."""
    with op.stack.archive() as archive:
        return archive.articles.find_one({"$or": [{"url": url}, {"aliases": url}]}) or {}


def visit(op: Shift, url: str) -> dict[str, Any]:
    """What the frontier knows of a URL; empty when it never heard of it."""
    with op.stack.archive() as archive:
        return archive.frontier.find_one({"url": url}) or {}


def sources(op: Shift) -> list[str]:
    """The feeds that are polled."""
    with op.stack.archive() as archive:
        return sorted(each["url"] for each in archive.frontier.find({"kind": "feed"}))


def interval(op: Shift) -> float:
    """Minutes within which every feed and sitemap is asked again, by the intervals that they have come to."""
    polled = {"kind": {"$in": ["feed", "sitemap"]}, "interval_s": {"$exists": True}}
    with op.stack.archive() as archive:
        slowest = max((each["interval_s"] for each in archive.frontier.find(polled)), default=0.0)
    return max(INTERVAL, slowest / 60 + 2)


def failure(op: Shift, url: str) -> list[str]:
    """Why `rfispider frontier failed` says that a URL failed; empty when it does not name it."""
    lines = op.stack.ask("frontier", "failed").stdout.splitlines()
    return [before for before, line in pairwise(lines) if line.strip() == url]


def holder(op: Shift, url: str) -> list[Service]:
    """The service that holds the lease of a URL, if one of ours does."""
    worker = visit(op, url).get("lease", {}).get("worker", "")
    crawlers = [each for each in op.stack.services.values() if each.name.startswith("crawler")]
    return [each for each in crawlers if str(each.process.pid) in worker.replace(":", "/").split("/")]


def report(op: Shift) -> str:
    """The report for people."""
    file = op.stack.directory / "report.html"
    done = op.stack.ask("report", "--html", str(file))
    return file.read_text("utf-8") if done.returncode == 0 else done.stderr


def faults(op: Shift) -> list[str]:
    """What in the archive is not what the site says now: article and field."""
    held = {url: article for article in op.stack.articles() for url in every_url(article)}
    found = []
    for article in op.stack.site.truth():
        mine = held.get(article["url"])
        if mine is None:
            found.append(f"{article['url']}: not stored")
        elif mine["url"] == article["url"]:
            wrong = [name for name in grading.FIELDS if grading.wrong(name, article, mine)]
            found += [f"{article['url']}: {name}" for name in wrong]
    return found


def today(op: Shift) -> str:
    """The day (UTC) of the clock."""
    now: datetime = op.stack.clock.now()
    return now.astimezone(UTC).date().isoformat()


def last_line(text: str) -> str:
    """The last line of a text."""
    return (text.strip().splitlines() or [""])[-1]
