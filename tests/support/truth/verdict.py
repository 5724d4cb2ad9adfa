"""What must hold when all is well: the archive equals the site, each right state stands once in its history."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from pymongo.asynchronous.database import AsyncDatabase

from rfispider import extract
from rfispider.items import Article, Origin, Outcome, Page
from rfispider.site import urls
from tests.support.truth.scheduling import BEGINNING
from tests.support.truth.site import Address, Site, Version, page
from tests.support.truth.worker import Reading

Document = dict[str, Any]
FIELDS: Final = ("lead", "authors", "tags", "published_at", "section", "content_hash")
STORED: Final = frozenset({Outcome.NEW, Outcome.CHANGED, Outcome.SAME})


@dataclass(frozen=True, slots=True)
class Archive:
    """All that is stored."""

    articles: Mapping[str, Document]
    revisions: Mapping[str, Sequence[Document]]
    aliases: Mapping[str, Document]
    known: frozenset[str]
    """Keys that the frontier has heard of."""

    def owner(self, key: str) -> Document | None:
        """The article of a URL."""
        if key in self.articles:
            return self.articles[key]
        alias = self.aliases.get(key)
        return self.articles.get(alias["article"]) if alias else None


async def problems(site: Site, database: AsyncDatabase[Document], read: Sequence[Reading]) -> list[str]:
    """Everything in which archive and site differ; nothing when eventual truth holds."""
    archive = await _archive(database)
    found = []
    for address in site.addresses.values():
        found += _of_address(site, address, archive, read)
    # Of a URL that is removed the site says nothing any more.
    silent = {urls.key(url) for url in site.addresses if site.addresses[site.target(url)].is_removed}
    bound = {urls.key(url): {*map(urls.key, group), *silent} for url, group in site.bound().items()}
    for key, article in archive.articles.items():
        found += _of_bonds(key, article, bound, archive)
    return found + _of_texts(archive)


async def hasty(
    site: Site, database: AsyncDatabase[Document], read: Sequence[Reading], lies: Mapping[str, int]
) -> list[str]:
    """Articles that a single false answer has bound or lost, while the site may still err."""
    archive = await _archive(database)
    ended = await database["frontier"].distinct("_id", {"last.outcome": Outcome.NOT_ARTICLE.value, "kind": "article"})
    stored = {each.key for each in read if each.version and each.outcome in STORED}
    found = []
    for address in _untouched(site):
        if address.key not in stored or lies.get(address.url, 0) > 1:
            continue
        if archive.articles.get(address.key, {"status": "gone"})["status"] == "gone":
            found.append(f"{address.url[-13:]}: one false answer has bound or lost it")
        if address.key in ended:
            found.append(f"{address.url[-13:]}: one false answer has ended its visits")
    return found


def _untouched(site: Site) -> list[Address]:
    """URLs that were articles of their own all the time."""
    bound = site.bound()
    return [each for url, each in site.addresses.items() if len(bound[url]) == 1 and not each.was_removed]


async def _archive(database: AsyncDatabase[Document]) -> Archive:
    articles = {each["_id"]: each async for each in database["articles"].find()}
    aliases = {each["_id"]: each async for each in database["aliases"].find()}
    if not aliases:
        listed = ((url, key) for key, each in articles.items() for url in each["aliases"])
        aliases = {urls.key(url): {"_id": urls.key(url), "url": url, "article": key} for url, key in listed}
    revisions: dict[str, list[Document]] = {}
    async for each in database["revisions"].find().sort("revision"):
        revisions.setdefault(each["article"], []).append(each)
    known = frozenset(await database["frontier"].distinct("_id"))
    return Archive(articles, revisions, aliases, known)


# ---- one URL ---------------------------------------------------------------------------------------------------


def _of_address(site: Site, address: Address, archive: Archive, read: Sequence[Reading]) -> list[str]:
    name = address.url[-13:]
    target = site.addresses[site.target(address.url)]
    owner = archive.owner(address.key)
    found = [f"{name}: {problem}" for problem in _of_history(address, archive, read)]
    if target.is_removed:
        return found + [f"{name}: {problem}" for problem in _of_removed(address, owner, read)]
    if owner is None:
        is_listed = target is address or address.key in archive.known
        return [*found, f"{name}: is not in the archive"] if is_listed else found
    return found + [f"{name}: {problem}" for problem in _differences(target, owner)]


def _differences(target: Address, owner: Document) -> list[str]:
    """The fields in which a stored article is not what the site shows."""
    if owner["status"] != "full":
        return [f"status is {owner['status']}"]
    version = target.story.now
    if not _shows(owner, version):
        return [f"shows {owner.get('title')!r} and not {version.title!r}"]
    expected = _expected(target.url, version)
    found = [
        f"{field} is {_brief(owner.get(field))}, on the site {_brief(getattr(expected, field))}"
        for field in FIELDS
        if (owner.get(field) or None) != (getattr(expected, field) or None)
    ]
    # A page does not tell it when it is the time of publication; the feed does.
    if owner.get("modified_at") not in {expected.modified_at, _milliseconds(version.modified_at)}:
        found.append(f"modified_at is {owner.get('modified_at')}, on the site {version.modified_at}")
    return found


def _of_removed(address: Address, owner: Document | None, read: Sequence[Reading]) -> list[str]:
    """What is wrong with an article that the site has removed."""
    stored = _stored(address, read)
    if owner is None:
        return ["was removed, and no tombstone is there"] if any(stored) else []
    if owner["status"] != "gone" and any(stored):
        return [f"was removed, and its status is {owner['status']}"]
    number, last = _number(address, owner), stored[-1] if stored else None
    # When a false text was the last that was read, nobody can know.
    if last and number and number < last.number:
        return [f"was removed, and its tombstone has the text {number}, not {last.number}"]
    return []


def _stored(address: Address, read: Sequence[Reading]) -> list[Version | None]:
    """What was read at a URL and stored, in order; None for what it never truly showed."""
    return [each.version for each in read if each.key == address.key and each.outcome in STORED]


def _of_history(address: Address, archive: Archive, read: Sequence[Reading]) -> list[str]:
    """What is wrong with the history under the key of a URL."""
    right = [number for number, _ in groupby(filter(None, _numbers(address, archive)))]
    found = []
    if right != sorted(set(right)):
        found.append(f"its right states stand in the order {right}")
    missing = [number for number in _required(address, read) if number not in right]
    if missing:
        found.append(f"of its right states {missing} were read and are not in its history, which is {right}")
    return found


def _numbers(address: Address, archive: Archive) -> list[int | None]:
    """The numbers of all states under the key of a URL, in order; None for one that it never truly showed."""
    present = archive.articles.get(address.key)
    states = [*archive.revisions.get(address.key, ()), *([present] if present else [])]
    return [_number(address, state) for state in states]


def _required(address: Address, read: Sequence[Reading]) -> list[int]:
    """Numbers of the states that were read at a URL and stored."""
    required = set()
    for each in read:
        is_stored = each.outcome in STORED and not (each.is_overtaken and each.outcome is Outcome.SAME)
        if each.key == address.key and is_stored and each.version in address.shown:
            required.add(each.version.number)
    return sorted(required)


def _number(address: Address, state: Document) -> int | None:
    return next((version.number for version in address.shown if _shows(state, version)), None)


def _shows(state: Document, version: Version) -> bool:
    return bool(state.get("title") == version.title and state.get("text") == "\n\n".join(version.text))


# ---- the whole ---------------------------------------------------------------------------------------------------


def _of_bonds(key: str, article: Document, bound: Mapping[str, AbstractSet[str]], archive: Archive) -> list[str]:
    """Bonds that the site does not make."""
    name = article["url"][-14:]
    own = bound.get(key, set())
    others = {urls.key(url): url for url in article["aliases"]}
    others |= {alias["_id"]: alias["url"] for alias in archive.aliases.values() if alias["article"] == key}
    found = []
    for each, url in others.items():
        if each not in own:
            found.append(f"{name}: {url[-13:]} is its alias, which the site does not say")
        if each in archive.articles:
            found.append(f"{name}: {url[-13:]} is its alias and an article too")
    if key not in bound:
        found.append(f"{name}: is no URL of the site")
    return found


def _of_texts(archive: Archive) -> list[str]:
    """Articles that stand twice."""
    seen: dict[str, str] = {}
    found = []
    for article in archive.articles.values():
        if article["status"] == "gone":
            continue
        if article["content_hash"] in seen:
            found.append(f"{article['url'][-13:]} and {seen[article['content_hash']]} are one text")
        seen[article["content_hash"]] = article["url"][-14:]
    return found


def _expected(url: str, version: Version) -> Article:
    body = page(url, version)
    article = extract.article(Page(url=url, body=body, origin=Origin.PAGE, fetched_at=BEGINNING + timedelta(days=365)))
    assert isinstance(article, Article), article
    return article


def _milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _brief(value: object) -> str:
    return repr(value)[:50]
