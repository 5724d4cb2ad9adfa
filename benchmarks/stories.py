"""How well versions of one text are told from other texts: precision and recall, by threshold and kind of rewriting.

    python benchmarks/stories.py [--seeds 3] [--articles 200] [--shared ../shared]

Takes the labelled articles of the replica, all 16 editions: rewrites that overlap by 50 to 95 %, stories of one
title, short identical bulletins, doubles. Tells, of pairs of articles of one edition, which are rightly and wrongly of
one story; how many rewrites the signatures miss that the comparison of the texts would find; and how far single
words may be replaced. With the real documents, also how many of them are in stories at each threshold. Exit status
1: precision or recall under 0.98 at the thresholds in use, or a wrong alias.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, combinations
from pathlib import Path
from random import Random
from typing import Any

import stage

from replica import truth
from replica.editions import EDITIONS
from replica.language import LANGUAGES, Writer
from replica.rewrites import by_words
from replica.story import Story
from rfispider import extract, feeds, text
from rfispider.items import Article, Origin, Page
from rfispider.site import urls
from rfispider.storage.policy import near_duplicates, story_clusters
from rfispider.storage.policy.near_duplicates import TextSketch

LEAST = 0.98
"""Precision and recall of stories."""
THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
NOW = datetime(2026, 3, 2, tzinfo=UTC)

Pair = tuple[str, str]


@dataclass(frozen=True)
class Labelled:
    """An article and what is true of it."""

    key: str
    edition: str
    text: str
    lead: str | None
    at: datetime
    double_of: str | None = None
    version_of: str | None = None
    rewriting: str | None = None
    overlap: float | None = None


def labelled(seed: int, articles: int) -> list[Labelled]:
    """The articles of one replica."""
    site = stage.site.Site(seed=seed, editions=list(EDITIONS), articles_per_edition=articles)
    return [_labelled(f"{seed}", json.loads(line)) for line in truth.lines(site.stories).splitlines()]


def _labelled(seed: str, record: dict[str, Any]) -> Labelled:
    def named(name: str) -> str | None:
        return f"{seed} {record[name]}" if record[name] else None

    return Labelled(
        key=f"{seed} {record['url']}",
        edition=f"{seed} {record['edition']}",
        text=record["text"],
        lead=record["lead"],
        at=datetime.fromisoformat(record["published_at"]),
        double_of=named("duplicate_of"),
        version_of=named("near_duplicate_of"),
        rewriting=record["rewriting"],
        overlap=record["overlap"],
    )


def together(pairs: Iterable[Pair]) -> set[Pair]:
    """Every pair of keys that the given pairs make one story, directly or by others."""
    pairs = list(pairs)
    least = story_clusters.united(pairs)
    members: dict[str, set[str]] = defaultdict(set)
    for key in chain.from_iterable(pairs):
        members[least.get(key, key)].add(key)
    return {pair for group in members.values() for pair in combinations(sorted(group), 2)}


def candidates(articles: Sequence[Labelled]) -> list[Pair]:
    """What the signatures find."""
    by_edition: dict[str, list[TextSketch]] = defaultdict(list)
    signatures = near_duplicates.signatures(
        [near_duplicates.DatedText(each.text, each.edition, each.at) for each in articles]
    )
    for each, signature in zip(articles, signatures, strict=True):
        by_edition[each.edition].append(TextSketch(each.key, signature, each.at))
    return [pair for sketches in by_edition.values() for pair in near_duplicates.candidates(sketches, [])]


def at_threshold(pairs: Iterable[Pair], articles: dict[str, Labelled], least: float) -> Iterator[Pair]:
    """Those of the pairs that are near when `SIMILAR` is `least`."""
    kept, near_duplicates.SIMILAR = near_duplicates.SIMILAR, least  # type: ignore[misc]
    yield from [(one, other) for one, other in pairs if is_near(articles[one], articles[other])]
    near_duplicates.SIMILAR = kept  # type: ignore[misc]


def is_near(one: Labelled, other: Labelled) -> bool:
    """The decision."""
    return near_duplicates.near(one.text, other.text, one.at - other.at)


def judge(found: set[Pair], right: set[Pair]) -> tuple[float, float]:
    """Precision and recall."""
    return len(found & right) / max(len(found), 1), len(found & right) / max(len(right), 1)


def aliases(articles: Sequence[Labelled]) -> tuple[float, float]:
    """Precision and recall of the pairs that have one identity."""
    holders: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in articles:
        if near_duplicates.is_substantial(each.text):
            holders[each.edition, text.content_hash(each.lead, each.text)].append(each.key)
    found = {pair for keys in holders.values() for pair in combinations(sorted(keys), 2)}
    return judge(found, together((each.double_of, each.key) for each in articles if each.double_of))


def kinds(articles: Sequence[Labelled], found: set[Pair], known: dict[str, Labelled]) -> Iterator[str]:
    """For each kind of rewriting: how many there are, how many were found, and what the comparison alone would find."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for each in articles:
        if each.version_of and each.rewriting:
            for name in (each.rewriting, f"overlap {each.overlap or 0:.1f}"):
                counts[name]["all"] += 1
                counts[name]["found"] += (min(each.key, each.version_of), max(each.key, each.version_of)) in found
                counts[name]["near"] += is_near(each, known[each.version_of])
    for name, count in sorted(counts.items()):
        yield f"{name:15} {count['all']:5} {count['found'] / count['all']:8.3f} {count['near'] / count['all']:8.3f}"


def reworded(seed: int, share: float, count: int) -> float:
    """Recall of pairs in which single words were replaced, until that share of the characters was left."""
    found = 0
    originals = list(_originals(seed, count))
    for n, story in enumerate(originals):
        writer = Writer(LANGUAGES[story.edition], Random(f"{seed}/{n}/{share}"))
        blocks, _ = by_words(story.blocks, share, writer)
        version = "\n\n".join(line for block in blocks for line in block.lines())
        found += _is_found(story.text, version, story.edition)
    return found / len(originals)


def _originals(seed: int, count: int) -> Iterator[Story]:
    site = stage.site.Site(seed=seed, editions=list(EDITIONS), articles_per_edition=count)
    return (s for s in site.stories if s.status == "full" and not (s.duplicate_of or s.near_duplicate_of or s.twin_of))


def _is_found(first: str, second: str, edition: str) -> bool:
    signatures = near_duplicates.signatures([near_duplicates.DatedText(told, edition, NOW) for told in (first, second)])
    sketches = [TextSketch(key, signature, NOW) for key, signature in zip("12", signatures, strict=True)]
    return bool(near_duplicates.candidates(sketches, [])) and near_duplicates.near(first, second)


def real(shared: Path) -> list[Labelled]:
    """The real documents, unlabelled."""
    found = []
    for name, document in feeds.documents(stage.corpus(shared)):
        if isinstance(document, str):
            entry = feeds.archived(document)
            body = (entry.content or "").encode()
            page = Page(
                url=urls.canonical(entry.url),
                body=body,
                origin=Origin.ARCHIVE,
                fetched_at=NOW,
                entry=entry,
                source=name,
            )
            article = extract.article(page)
            if isinstance(article, Article):
                at = article.published_at or NOW
                found.append(Labelled(f"{len(found)} {article.title}", article.edition, article.text, article.lead, at))
    return found


def mixed(articles: Sequence[Labelled], count: int) -> list[Labelled]:
    """Versions of real articles: sentences or paragraphs replaced by some of other articles, a day or so later."""
    random, made = Random(7), []
    full = [each for each in articles if near_duplicates.is_substantial(each.text)]
    for n, original in enumerate(random.sample(full, min(count, len(full)))):
        stop = "\n\n" if n % 2 else "。"
        pieces, others = original.text.split(stop), random.choice(full).text.split(stop)
        remaining, share = len(original.text), random.uniform(0.5, 0.95)
        for at in random.sample(range(len(pieces)), len(pieces)):
            if remaining - len(pieces[at]) >= share * len(original.text):
                remaining -= len(pieces[at])
                pieces[at] = random.choice(others)
        version = stop.join(pieces)
        overlap = remaining / max(len(original.text), len(version))
        if version != original.text and overlap >= 0.5:
            later = original.at + timedelta(hours=random.uniform(0, 30))
            made.append(
                replace(
                    original, key=f"version {n}", text=version, at=later, version_of=original.key,
                    rewriting="real paragraphs" if n % 2 else "real sentences", overlap=overlap,
                )
            )  # fmt: skip
    return made


def table(articles: Sequence[Labelled], right: set[Pair] | None) -> tuple[float, float]:
    """Print precision and recall by threshold, or, of what is not labelled, how much is together; those in use."""
    known = {each.key: each for each in articles}
    pairs, in_use = candidates(articles), (0.0, 0.0)
    print(f"{len(articles):,} articles, {len(pairs):,} pairs compared")
    print("threshold  precision   recall" if right is not None else "threshold  in stories  stories  largest")
    for least in THRESHOLDS:
        found = together(at_threshold(pairs, known, least))
        if right is not None:
            precision, recall = judge(found, right)
            in_use = (precision, recall) if least == near_duplicates.SIMILAR else in_use
            print(f"{least:9.2f} {precision:10.4f} {recall:8.4f}")
        else:
            print(f"{least:9.2f} {_sizes(found)}")
    if right is not None:
        print("kind              all    found  if compared")
        print("\n".join(kinds(articles, together(at_threshold(pairs, known, near_duplicates.SIMILAR)), known)))
    return in_use


def _sizes(found: set[Pair]) -> str:
    degree = Counter(chain.from_iterable(found))
    groups = sum(1 / (others + 1) for others in degree.values())
    return f"{len(degree):11,} {round(groups):8,} {max(degree.values(), default=-1) + 1:8}"


def main() -> int:
    """Judge, print; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--articles", type=int, default=200, help="in each edition")
    parser.add_argument("--shared", type=Path, default=stage.SHARED)
    options = parser.parse_args()
    articles = [each for seed in range(options.seeds) for each in labelled(seed, options.articles)]
    alone = [each for each in articles if not each.double_of]
    right = together((each.version_of, each.key) for each in alone if each.version_of)
    precision, recall = table(alone, right)
    print("words kept    recall")
    for share in (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5):
        print(f"{share:10.2f} {reworded(99, share, 20):9.3f}")
    merged = aliases(articles)
    print(f"aliases: precision {merged[0]:.4f}, recall {merged[1]:.4f}")
    if stage.has_corpus(options.shared):
        documents = real(options.shared)
        table(documents, None)
        versions = mixed(documents, 1000)
        everything = [*documents, *versions]
        known = {each.key: each for each in everything}
        found = set(at_threshold(candidates(everything), known, near_duplicates.SIMILAR))
        print("among them, versions mixed with other real articles")
        print("\n".join(kinds(versions, found, known)))
    return merged != (1.0, 1.0) or min(precision, recall) < LEAST


if __name__ == "__main__":
    sys.exit(main())
