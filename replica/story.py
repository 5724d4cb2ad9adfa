"""One article as it is before any page is made of it: the ground truth."""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from replica.editions import SITE

PATH_SIGNS = "/!$&'()*+,;=:@-._~"
"""Characters of a path that stand as they are in a percent-encoded URL (RFC 3986: sub-delims, unreserved, : and @)."""


def canonical(path: str) -> str:
    """The https URL, percent-encoded, of a decoded path."""
    return SITE + quote(path, safe=PATH_SIGNS)


@dataclass(kw_only=True)
class Block:
    """One element of a body."""

    kind: str
    """p, h2, ul, blockquote or table."""
    rows: list[list[str]]
    """Plain text: one row of one cell for p, h2 and blockquote; a row an item; a row of cells a table row."""

    def lines(self) -> list[str]:
        """Plain text, a line for each paragraph of the truth."""
        return [" | ".join(row) for row in self.rows]


@dataclass(kw_only=True)
class Picture:
    """A picture on the site's media host."""

    identity: str
    """The uuid in its address."""
    name: str
    caption: str | None = None
    credit: str | None = None
    """As printed, with a copyright sign if there is one."""
    place: str = "main"
    """main, body or embed."""

    @property
    def directory(self) -> str:
        """Address up to the size."""
        return f"https://s.rfi.fr/media/display/{self.identity}/"

    def sized(self, width: int) -> str:
        """Address of the picture at a width in pixels."""
        return f"{self.directory}w:{width}/p:16x9/{self.name}"

    @property
    def url(self) -> str:
        """Address of the largest size that the page offers."""
        return self.sized(1280) if self.place == "main" else self.directory + self.name


@dataclass(kw_only=True)
class Recording:
    """Sound of an article."""

    identity: str
    url: str
    seconds: int | None = None
    """Length; None where the page must not tell."""
    place: str = "main"
    """main or body."""


@dataclass(kw_only=True)
class RelatedLink:
    """One entry of a related block."""

    url: str
    """Canonical."""
    title: str
    label: str | None
    target: str | None = None
    """Identity of the article it leads to; None for a programme page."""


@dataclass(kw_only=True)
class Look:
    """How a story is printed; nothing of it is in the truth."""

    linked_data: str = "object"
    """object, list, graph, scripts, escaped, broken, bare (broken, no times in meta) or none."""
    keywords: str = "list"
    authors: str = "list"
    """list, object, string or names."""
    double_escaped: bool = False
    """The title holds an entity that was escaped twice."""
    embeds: tuple[str, ...] = ()
    interstitial: bool = False
    pasted_script: bool = False
    heading: bool = True
    """Whether the related block has its heading."""
    credit_number: str = ""
    """Digits that follow the credits."""
    chrome: int = 0
    """Which of the edition's page furnitures."""


@dataclass(kw_only=True)
class Story:
    """An article and how it can be reached."""

    identity: str
    edition: str
    language: str
    kind: str
    path: str
    """Decoded."""
    section: str | None = None
    programme: str | None = None
    title: str
    lead: str | None = None
    blocks: list[Block] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    agency: str | None = None
    credits: str | None = None
    tags: list[str] = field(default_factory=list)
    published_at: datetime
    modified_at: datetime
    pictures: list[Picture] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    related: list[RelatedLink] = field(default_factory=list)
    short_code: str | None = None
    status: str = "full"
    reached_by: str = "feed"
    """feed, list, related or none."""
    hops: int | None = 0
    """Related links from the nearest feed or list; None if there is no way."""
    in_archive: bool = False
    """Whether the monthly sitemaps and the archive pages list it."""
    listed_on: list[str] = field(default_factory=list)
    """Decoded paths of feeds and list pages that link to it."""
    duplicate_of: str | None = None
    near_duplicate_of: str | None = None
    overlap: float | None = None
    """Share of the longer text's characters that stand in both, in a near-duplicate."""
    rewriting: str | None = None
    """How a near-duplicate was made: a name of `rewrites.REWRITES`."""
    same_title_as: str | None = None
    twin_of: str | None = None
    look: Look = field(default_factory=Look)

    @property
    def url(self) -> str:
        """Canonical URL."""
        return canonical(self.path)

    @property
    def text(self) -> str:
        """Body as the truth has it."""
        return "\n\n".join(line for block in self.blocks for line in block.lines())

    @property
    def summary(self) -> str:
        """What a feed says of it: the lead, else the beginning of the text."""
        return self.lead or self.text.split("\n\n", 1)[0][:200]

    @property
    def label(self) -> str | None:
        """Topic shown beside the title in lists."""
        return self.tags[0] if self.tags else self.section
