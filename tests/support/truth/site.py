"""What the site truly shows, as time goes by, and how its pages look."""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final

from rfispider.site import urls
from tests.support.extract_pages import article_html, linked, news

EDITION: Final = "fr"
FEED: Final = "https://www.rfi.fr/fr/rss"
SYLLABLES: Final = ["ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "zo", "ka", "lu"]
WORDS_OF_SENTENCE: Final = 9
SENTENCES: Final = 6
"""Together more than 300 letters, so that no article is short."""
MOST_URLS: Final = 8
STATED: Final = timedelta(minutes=1)
"""A change is on the site so long after the time that it states: a time that has not come is not believed."""


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a story."""

    number: int
    """Unique in a history; grows with the time of the site."""
    title: str
    text: tuple[str, ...]
    authors: tuple[str, ...]
    published_at: datetime
    modified_at: datetime


@dataclass(slots=True)
class Story:
    """A text with its edits, the last one last."""

    versions: list[Version]

    @property
    def now(self) -> Version:
        return self.versions[-1]


@dataclass(slots=True)
class Address:
    """What stands at one URL of the site."""

    url: str
    story: Story
    is_removed: bool = False
    was_removed: bool = False
    """At any time."""
    leads_to: str | None = None
    """The URL that it redirects to for good."""
    shown: list[Version] = field(default_factory=list)
    """What it truly showed, in order."""

    @property
    def key(self) -> str:
        return urls.key(self.url)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the site sends."""

    url: str
    status: int = 200
    location: str | None = None
    """Where it leads, with a status of redirection."""
    body: bytes = b""
    etag: str | None = None
    broken: bool = False
    """The connection ended before all had arrived."""
    version: Version | None = None
    """The state that a truthful answer shows; None for every other."""

    def __str__(self) -> str:
        shown = f"v{self.version.number}" if self.version else "broken" if self.broken else "no truth"
        return f"{self.status} {self.etag or self.location or ''} {shown}"


def page(url: str, version: Version, *, canonical: str | None = None) -> bytes:
    """The page of an article as the site writes it."""
    said = news(
        headline=version.title,
        datePublished=version.published_at.isoformat(),
        dateModified=version.modified_at.isoformat(),
        author=[{"@type": "Person", "name": name} for name in version.authors],
    )
    head = f'<link rel="canonical" href="{canonical or url}">{linked(said)}'
    inside = "".join(f"<p>{line}</p>" for line in version.text)
    return article_html(head=head, inside=inside, title=version.title).encode()


class Site:
    """The site as it truly is. Every change is an event of `Random`, so that a seed makes a site."""

    def __init__(self, luck: Random, now: datetime) -> None:
        self.luck = luck
        self.addresses: dict[str, Address] = {}
        self.has_etags = luck.random() < 0.7
        self.counts_etags = luck.random() < 0.5
        """Its ETags count the states of one address: two addresses may have the same."""
        self._numbers = 0
        for _ in range(luck.randint(3, 5)):
            self.publish(now)

    # ---- what happens to it ----------------------------------------------------------------------------------

    def publish(self, now: datetime) -> str:
        """A new article."""
        return self._add(Story([self._version(now - STATED, now - STATED)]))

    def publish_again(self, now: datetime) -> str:
        """A second URL for a text that is there."""
        alive = self.alive()
        return self._add(self.addresses[self.luck.choice(alive)].story) if alive else self.publish(now)

    def edit(self, now: datetime) -> str:
        """Another text, title or both."""
        alive = self.alive()
        if not alive:
            return self.publish(now)
        url = self.luck.choice(alive)
        story = self.addresses[url].story
        story.versions.append(self._edited(story.now, now))
        for each in self.addresses.values():
            if each.story is story and not each.leads_to:
                each.shown.append(story.now)
        return url

    def remove(self, now: datetime) -> str:
        """An article ends; its page is gone."""
        url = self._alone()
        if url:
            self.addresses[url].is_removed = self.addresses[url].was_removed = True
        return url or "nothing"

    def bring_back(self, now: datetime) -> str:
        """A removed article is there again, as it was or edited."""
        removed = [each for each in self.addresses.values() if each.is_removed]
        if not removed:
            return "nothing"
        address = self.luck.choice(removed)
        address.is_removed = False
        return address.url

    def redirect(self, now: datetime) -> str:
        """An address leads to another one for good."""
        url, alive = self._alone(), self.alive()
        targets = [each for each in alive if each != url]
        if not url or not targets:
            return "nothing"
        self.addresses[url].leads_to = target = self.luck.choice(targets)
        return f"{url} -> {target[-13:]}"

    # ---- what it shows ---------------------------------------------------------------------------------------

    def alive(self) -> list[str]:
        """The URLs that show an article of their own."""
        return [url for url, each in self.addresses.items() if not each.is_removed and not each.leads_to]

    def target(self, url: str) -> str:
        """Where an address leads to."""
        address = self.addresses[url]
        return self.target(address.leads_to) if address.leads_to else url

    def answer(self, url: str) -> Answer:
        """The truth about a URL."""
        if url == FEED:
            return Answer(url=url, body=self.feed())
        address = self.addresses[url]
        if address.leads_to:
            return Answer(url=url, status=301, location=address.leads_to)
        if address.is_removed:
            return Answer(url=url, status=410)
        version = address.story.now
        return Answer(url=url, body=page(url, version), etag=self.etag(url), version=version)

    def etag(self, url: str) -> str | None:
        """The ETag of what a URL shows."""
        if not self.has_etags:
            return None
        address = self.addresses[url]
        return f'"{len(address.shown) if self.counts_etags else address.story.now.number}"'

    def feed(self) -> bytes:
        """The feed of all that is alive."""
        entries = "".join(_entry(url, self.addresses[url].story.now) for url in self.alive())
        return f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>RFI</title>{entries}</feed>'.encode()

    def bound(self) -> Mapping[str, frozenset[str]]:
        """URL -> all URLs that are one article with it, itself included."""
        ends = {url: id(self.addresses[self.target(url)].story) for url in self.addresses}
        return {url: frozenset(each for each in ends if ends[each] == ends[url]) for url in ends}

    # ---- pieces ----------------------------------------------------------------------------------------------

    def _add(self, story: Story) -> str:
        if len(self.addresses) >= MOST_URLS:
            return "nothing"
        slug = f"{self._word()}-{self._word()}"
        url = urls.canonical(f"https://www.rfi.fr/fr/afrique/20260301-{slug}")
        self.addresses[url] = Address(url, story, shown=[story.now])
        return url

    def _alone(self) -> str | None:
        """A URL that is alive and shares its text and address with no other."""
        ends = [self.target(url) for url in self.addresses]
        stories = [id(self.addresses[url].story) for url in self.alive()]
        alone = [
            url for url in self.alive() if ends.count(url) == 1 and stories.count(id(self.addresses[url].story)) == 1
        ]
        return self.luck.choice(alone) if alone else None

    def _version(self, published_at: datetime, now: datetime) -> Version:
        self._numbers += 1
        # Always: what a page does not tell never erases what is known, not even what a false answer told.
        authors = (f"Author {self._numbers}",)
        return Version(self._numbers, self._title(), self._text(), authors, published_at, now)

    def _edited(self, before: Version, now: datetime) -> Version:
        self._numbers += 1
        change = self.luck.choice(("title", "text", "sentence", "both"))
        title = self._title() if change in {"title", "both"} else before.title
        text = before.text
        if change in {"text", "both"}:
            text = self._text()
        elif change == "sentence":
            text = (*before.text[:-1], self._sentence())
        stated = max(before.modified_at, now - STATED) if self.luck.random() < 0.7 else before.modified_at
        return Version(self._numbers, title, text, before.authors, before.published_at, stated)

    def _title(self) -> str:
        return f"{self._words(4)} {self._numbers}"

    def _text(self) -> tuple[str, ...]:
        return tuple(self._sentence() for _ in range(SENTENCES))

    def _sentence(self) -> str:
        return f"{self._words(WORDS_OF_SENTENCE)}."

    def _words(self, count: int) -> str:
        return " ".join(self._word() for _ in range(count)).capitalize()

    def _word(self) -> str:
        """Of 4,096: two texts have next to nothing in common."""
        return "".join(self.luck.choices(SYLLABLES, k=3))


def interstitial(now: datetime) -> Version:
    """The notice that stands in front of everything: long enough to be taken for an article."""
    lines = tuple(f"Part {number} of our new site is being made better for all who read it." for number in range(6))
    return Version(0, "Our site is getting better", lines, ("The team",), now - timedelta(days=300), now)


def _entry(url: str, version: Version) -> str:
    return (
        f"<entry><id>{url}</id><title>{html.escape(version.title)}</title><link href='{url}'/>"
        f"<published>{version.published_at.isoformat()}</published>"
        f"<updated>{version.modified_at.isoformat()}</updated></entry>"
    )
