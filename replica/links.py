"""Which page links to which: feeds, list pages and related blocks, and how far each article is from a source."""

# ruff: noqa: PLR2004 - the odds of a generator are literals beside what they decide

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from replica.articles import slug
from replica.editions import Edition
from replica.story import RelatedLink, Story, canonical

PER_PAGE = 6
"""Items on one page of a list."""
MAX_HOPS = 5
FRONT_ITEMS = 14


@dataclass(kw_only=True)
class Listing:
    """A feed, or a list that may run over several pages."""

    path: str
    """Decoded; a list page's ends with a slash."""
    title: str
    stories: list[Story] = field(default_factory=list)
    """The newest first."""

    @property
    def is_feed(self) -> bool:
        """Whether it is RSS."""
        return self.path.endswith("/rss")

    def pages(self) -> int:
        """How many pages it runs over; a feed and an empty list have one."""
        return 1 if self.is_feed else max(1, -(-len(self.stories) // PER_PAGE))

    def page(self, number: int) -> list[Story]:
        """The stories on that page, counted from 1."""
        return self.stories if self.is_feed else self.stories[(number - 1) * PER_PAGE : number * PER_PAGE]

    def path_of(self, number: int) -> str:
        """Path of that page."""
        return self.path if number == 1 else f"{self.path}{number}/"


def listings(edition: Edition, stories: Sequence[Story], topics: Sequence[str]) -> dict[str, Listing]:
    """Every feed and list of an edition by its path, empty ones too; sets `listed_on` of the stories."""
    found = _empty(edition, stories, topics)
    open_stories = sorted((s for s in stories if s.reached_by in ("feed", "list")), key=_newest)
    for n, story in enumerate(open_stories):
        for path in _places(edition, story, n, topics):
            found[path].stories.append(story)
    front = found[edition.root]
    front.stories = [story for story in open_stories if story.reached_by == "feed"][:FRONT_ITEMS]
    for story in stories:
        story.listed_on = []
    for listing in found.values():
        for number in range(1, listing.pages() + 1):
            for story in listing.page(number):
                story.listed_on.append(listing.path_of(number))
    return found


def _newest(story: Story) -> tuple[float, str]:
    return -story.published_at.timestamp(), story.identity


def _empty(edition: Edition, stories: Iterable[Story], topics: Iterable[str]) -> dict[str, Listing]:
    root = edition.root
    pairs = [(root, edition.site), (f"{root}rss", edition.site)]
    for section in edition.sections:
        pairs += [(f"{root}{section}/", section), (f"{root}{section}/rss", section)]
    pairs += [(f"{root}{name}/", name) for name in (edition.ticker, edition.videos, edition.programmes) if name]
    pairs += [(tag_path(edition, topic), topic) for topic in topics]
    for story in stories:
        if story.programme:
            pairs.append((programme_path(edition, story.programme), story.programme))
        pairs += [(author_path(edition, author), author) for author in story.authors]
    return {path: Listing(path=path, title=title) for path, title in pairs}


def _places(edition: Edition, story: Story, number: int, topics: Sequence[str]) -> list[str]:
    """Paths of the feeds and lists that hold a story. What only a list holds is in no feed, and the other way about."""
    root = edition.root
    places = [tag_path(edition, tag) for tag in story.tags if tag in topics]
    places += [author_path(edition, author) for author in story.authors]
    if story.section:
        places.append(f"{root}{story.section}/")
    if story.kind == "episode":
        places.append(programme_path(edition, story.programme or ""))
    elif story.kind == "wire" or number % 3 == 0:
        places.append(f"{root}{edition.ticker}/" if edition.ticker else tag_path(edition, topics[0]))
    if story.reached_by == "feed":
        in_section = story.kind == "article" and story.section in edition.sections
        if in_section:
            places.append(f"{root}{story.section}/rss")
        if not in_section or number % 2 == 0:
            places.append(f"{root}rss")
    return list(dict.fromkeys(places))


def tag_path(edition: Edition, topic: str) -> str:
    """Path of a tag's list."""
    return f"{edition.root}{edition.tag}/{slug(topic)}/"


def author_path(edition: Edition, author: str) -> str:
    """Path of an author's list."""
    return f"{edition.root}{edition.author}/{slug(author)}/"


def programme_path(edition: Edition, programme: str) -> str:
    """Path of a programme's list."""
    return f"{edition.root}{edition.programmes}/{programme}/"


def relate(edition: Edition, stories: Sequence[Story], random: Random) -> None:
    """Fill the related blocks, so that what is to be reached through them is, by chains of up to `MAX_HOPS`."""
    sources = [s for s in stories if s.reached_by in ("feed", "list")]
    hidden = [s for s in stories if s.reached_by == "related"]
    programmes = [story.programme for story in sources if story.programme]
    _chain(sources, hidden, random)
    for story in (*sources, *hidden):
        if story.status == "full" and (story.related or random.random() < 0.5):
            _enrich(edition, story, sources, programmes, random)
    measure(stories)


def _chain(sources: Sequence[Story], hidden: Sequence[Story], random: Random) -> None:
    """Give every hidden story one parent that links to it: a listed one, or often another hidden one."""
    listed = [story for story in sources if story.status == "full"]
    chained: list[Story] = []
    depths: dict[str, int] = {}
    for story in hidden:
        parents = chained if chained and (not listed or random.random() < 0.6) else listed
        if not parents:
            continue
        parent = random.choice(parents)
        parent.related.append(_link_to(story))
        depths[story.identity] = depths.get(parent.identity, 0) + 1
        if story.status == "full" and depths[story.identity] < MAX_HOPS:
            chained.append(story)


def _enrich(
    edition: Edition, story: Story, sources: Sequence[Story], programmes: Sequence[str], random: Random
) -> None:
    """Add entries that lead back to stories that are listed anyway, and sometimes a programme's page."""
    linked = {link.target for link in story.related} | {story.identity}
    others = [s for s in random.sample(sources, min(4, len(sources))) if s.identity not in linked]
    story.related += [_link_to(other) for other in others[: random.randint(1, 3)]]
    if programmes and random.random() < 0.15:
        name = random.choice(programmes)
        path = programme_path(edition, name)
        story.related.append(RelatedLink(url=canonical(path), title=name.replace("-", " "), label=None))
    random.shuffle(story.related)


def _link_to(story: Story) -> RelatedLink:
    return RelatedLink(url=story.url, title=story.title, label=story.label, target=story.identity)


def measure(stories: Sequence[Story]) -> None:
    """Set `hops` of every story: 0 for a listed one, else the fewest related links from one, None without a way."""
    by_identity = {story.identity: story for story in stories}
    for story in stories:
        story.hops = 0 if story.reached_by in ("feed", "list") else None
    queue = deque(story for story in stories if story.hops == 0)
    while queue:
        story = queue.popleft()
        for link in story.related:
            target = by_identity.get(link.target or "")
            if target and target.hops is None:
                target.hops = (story.hops or 0) + 1
                queue.append(target)
    for story in stories:
        if story.hops is None:
            story.reached_by = "none"
