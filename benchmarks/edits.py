"""Whether the revisions stored are exactly the edits of the site."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import groupby, islice

from world import Figure, World, none, world

from rfispider.items import SOURCE_KINDS
from tests.support.crawling import Site

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FATES: Mapping[str, tuple[float, tuple[str, ...], tuple[str, ...]]] = {
    "once": (0.3, ("text",), ()),
    "twice, seen once": (0.1, ("text", "text"), ()),
    "twice, seen twice": (0.1, ("text",), ("text",)),
    "undone before it was seen": (0.1, ("text", "revert"), ()),
    "undone after it was seen": (0.1, ("text",), ("revert",)),
    "ticker times": (0.1, ("ticker",), ("ticker",)),
    "white space": (0.1, ("whitespace",), ()),
    "text, then ticker and white space": (0.1, ("text",), ("ticker", "whitespace")),
}
"""What befalls a share of the articles before the second run and before the third."""
History = dict[str, list[str]]
"""Texts of an article by its URL, the oldest first."""


def updates(*, edited: int, articles: int) -> list[Figure]:
    """Edit articles between three runs; a fourth sees nothing new."""
    with world(articles, 0, 8) as here:
        here.crawl()
        fates = fates_of(here.site, edited)
        seen = [texts(here.site)]
        for step in (1, 2, None):
            if step:
                edit(here.site, fates, step)
            make_due(here)
            here.crawl()
            seen.append(texts(here.site))
        true, kept = histories(seen), stored(here)
        return [*here.whole(), *_figures(fates, true, kept)]


def fates_of(site: Site, edited: int) -> dict[str, str]:
    """What befalls which article: its URL to the name of its fate. Articles with the same text are one, and spared."""
    everything = site.truth.values()
    same = {article["duplicate_of"] for article in everything}
    single = (each for each in everything if each["status"] == "full" and not each["duplicate_of"])
    urls = iter(sorted(article["url"] for article in single if article["url"] not in same))
    return {url: fate for fate, (share, *_) in FATES.items() for url in islice(urls, round(share * edited))}


def edit(site: Site, fates: Mapping[str, str], step: int) -> None:
    """Edit every article as its fate says for this step."""
    site.replica.control(edit=[{"url": url, "how": how} for url, fate in fates.items() for how in FATES[fate][step]])


def texts(site: Site) -> dict[str, str]:
    """The text of every article as the site has it now."""
    return {article["url"]: article["text"] for article in site.replica.truth()}


def make_due(here: World) -> None:
    """As if the time had come to look at every article again."""
    with here.archive() as archive:
        articles = {"kind": {"$nin": [kind.value for kind in SOURCE_KINDS]}}
        archive.frontier.update_many(articles, {"$set": {"due_at": LONG_AGO, "state": "due"}})


def histories(seen: Iterable[Mapping[str, str]]) -> History:
    """What a perfect crawl keeps: each text that differs from the one before it."""
    every: History = defaultdict(list)
    for moment in seen:
        for url, text in moment.items():
            every[url].append(text)
    return {url: [text for text, _ in groupby(versions)] for url, versions in every.items()}


def stored(here: World) -> History:
    """What the archive keeps: the texts of the superseded states, then the present one."""
    with here.archive() as archive:
        articles = list(archive.articles.find({}, {"url": 1, "text": 1}))
        kept: History = {article["_id"]: [] for article in articles}
        for revision in archive.revisions.find().sort([("article", 1), ("revision", 1)]):
            kept[revision["article"]].append(revision["text"])
        return {article["url"]: [*kept[article["_id"]], article["text"]] for article in articles}


def _figures(fates: Mapping[str, str], true: History, kept: History) -> list[Figure]:
    due = sum(len(versions) - 1 for versions in true.values())
    false = sum(max(0, len(kept[url]) - len(true[url])) for url in kept)
    missed = sum(max(0, len(true[url]) - len(kept[url])) for url in kept)
    wrong = sum(kept[url] != true.get(url) for url in kept)
    return [
        Figure("articles edited", f"{len(fates)}, {len(set(fates.values()))} kinds of fate"),
        Figure("revisions stored", f"{sum(len(versions) - 1 for versions in kept.values())}", f"{due}"),
        none("false revisions", false),
        none("edits missed", missed),
        none("articles whose history is not that of the site", wrong),
    ]
