"""The newsroom of one edition: writes every kind of story from the seed, doubles and twins among them."""

# ruff: noqa: PLR2004 - the odds of a generator are literals beside what they decide

import copy
import string
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from replica.editions import EDITIONS, Edition
from replica.language import LANGUAGES, Writer, traditional
from replica.rewrites import REWRITES
from replica.story import Block, Look, Picture, Recording, Story

PARIS = ZoneInfo("Europe/Paris")
HAN = ("cn", "tw")

ROLES = {
    "episode": 0.12,
    "wire": 0.12,
    "old-wire": 0.05,
    "bulletin": 0.06,
    "video": 0.04,
    "live": 0.02,
    "double": 0.05,
    "rewrite": 0.06,
    "same-title": 0.05,
}
"""Share of the stories of each role; the rest are plain section articles."""
OVERLAPS = (0.5, 0.95)
"""Least and greatest overlap of a rewrite with its original."""
LATE = ("double", "rewrite", "same-title")
"""Roles that are made from an earlier story."""
REACHES = {"feed": 0.5, "list": 0.2, "related": 0.24, "none": 0.06}
AGES = {"feed": (0.01, 6.0), "list": (4.0, 45.0), "related": (1.0, 90.0), "none": (10.0, 150.0)}
"""Least and greatest age in days."""
LINKED_DATA = ("object", "list", "graph", "scripts", "escaped", "object", "broken", "bare", "none")
EMBEDS = ("flash", "video", "audio", "textbox", "slideshow", "quote")
CHROMES = 3
"""How many page furnitures an edition has."""
_CODE = string.ascii_letters + string.digits
_KEPT_IN_SLUGS = "，·％︰\u3000"


@dataclass
class Newsroom:
    """Writes the stories of one edition."""

    seed: int
    code: str
    now: datetime
    """Aware UTC: no story is newer when the site is built."""
    written: int = 0
    used: set[str] = field(default_factory=set)
    """Paths already given away."""

    def __post_init__(self) -> None:
        random = self._random("staff")
        staff = Writer(LANGUAGES[self.code], random)
        self.edition: Edition = EDITIONS[self.code]
        self.people = [staff.person() for _ in range(7)]
        self.topics = list(dict.fromkeys(staff.line((1, 2)) for _ in range(9)))
        self.programmes = list(dict.fromkeys(slug(staff.line((2, 3))) for _ in range(3)))
        self.bulletins = slug(f"{self.edition.bulletin} {staff.line((1, 1))}")

    def fill(self, count: int) -> list[Story]:
        """The first `count` stories, of every role and every reach."""
        random = self._random("plan", count)
        roles = _plan(count, self._roles(), random)
        reaches = shuffled(_shares(count, REACHES, "feed"), random)
        stories: list[Story] = []
        for role, reach in zip(roles, reaches, strict=True):
            stories.append(self._story(role, reach, stories))
        return stories

    def publish(self, count: int, at: datetime) -> list[Story]:
        """New section articles that came out at that time (aware UTC)."""
        fresh = []
        for n in range(count):
            story = self._new("article", "feed", at + timedelta(minutes=n))
            story.modified_at = story.published_at  # Nobody can have changed what comes out just now.
            fresh.append(story)
        return fresh

    def _roles(self) -> dict[str, float]:
        absent = set() if self.edition.wires else {"wire", "old-wire"}
        if self.code != "cn":
            absent.add("old-wire")
        return {role: share for role, share in ROLES.items() if role not in absent}

    def _random(self, *purpose: object) -> Random:
        return Random("/".join(map(str, ("replica", self.seed, self.code, *purpose))))

    def _story(self, role: str, reach: str, earlier: Sequence[Story]) -> Story:
        late = role in LATE
        fit = (s for s in earlier if late and s.status == "full" and s.duplicate_of is None and s.kind != "video")
        originals = list(fit)
        if not originals:
            random = self._random("time", self.written)
            return self._new("article" if late else role, reach, _moment(self.now, reach, random))
        random = self._random("choice", self.written)
        original = random.choice(originals)
        if role == "double":
            return self._double(original, reach if reach != "none" else "feed")
        if role == "rewrite":
            return self._rewrite(original, reach)
        return self._same_title(original, reach)

    def _new(self, role: str, reach: str, at: datetime) -> Story:
        """A story of its own."""
        index, random = self._next()
        writer = Writer(LANGUAGES[self.code], random)
        story = Story(
            identity=f"{self.code}-{index:05d}",
            edition=self.code,
            language=LANGUAGES[self.code].tag,
            kind="article",
            path="",
            title=_title(self.code, writer),
            published_at=at,
            modified_at=at if random.random() < 0.5 else self._past(at, random.randint(200, 40000)),
            reached_by=reach,
            look=_look(random),
        )
        self._fill_in(story, role, writer)
        self._place(story, role, random)
        return story

    def _past(self, at: datetime, seconds: int) -> datetime:
        """So long after a time, but not later than now."""
        return max(at, min(at + timedelta(seconds=seconds), self.now))

    def _next(self) -> tuple[int, Random]:
        index = self.written
        self.written += 1
        return index, self._random("story", index)

    def _fill_in(self, story: Story, role: str, writer: Writer) -> None:
        """Text and everything around it."""
        random = writer.random
        if role in ("bulletin", "video"):
            _shorten(story, role, self.edition, writer)
        elif role == "live":
            story.blocks = _live(writer)
        else:
            story.blocks = _body(self.code, writer)
        if story.status == "full" and random.random() < 0.75:
            story.lead = writer.paragraph((1, 2))
        story.tags = random.sample(self.topics, random.randint(0, 4))
        self._sign(story, role, random)
        story.pictures = _pictures(story, writer)
        story.recordings = _recordings(story, role, random)
        story.short_code = "".join(random.choices(_CODE, k=4)) if random.random() < 0.85 else None

    def _sign(self, story: Story, role: str, random: Random) -> None:
        """Authors, agency and credits."""
        wire = role in ("wire", "old-wire")
        if not wire:
            story.authors = (
                ["RFI"] if random.random() < 0.15 else random.sample(self.people, random.choice((1, 1, 1, 2)))
            )
        if wire or random.random() < 0.2:
            story.agency = "AFP" if random.random() < 0.8 else "Reuters"
        if self.code in HAN and story.status == "full" and random.random() < (0.7 if wire else 0.2):
            story.credits = _in_script(self.code, _credits(self.people, random))
            story.look.credit_number = str(random.randint(1091000, 1101299)) if random.random() < 0.3 else ""

    def _place(self, story: Story, role: str, random: Random) -> None:
        """Where it stands on the site: path, kind, section, programme."""
        edition, root = self.edition, self.edition.root
        name = slug(story.title, keep=_KEPT_IN_SLUGS if random.random() < 0.1 else "")
        day = story.published_at.strftime("%Y%m%d")
        if role in ("wire", "old-wire"):
            story.kind = "wire"
            leftover = f"p{random.randrange(16**7):07x}-cap"
            undated = leftover if random.random() < 0.04 and self.code == "cn" else name
            story.path = f"{root}contenu/{day}-{name}" if role == "old-wire" else f"{root}{undated}"
        elif role in ("episode", "bulletin"):
            story.kind = "episode"
            story.programme = self.bulletins if role == "bulletin" else random.choice(self.programmes)
            if role == "bulletin" and random.random() < 0.3:
                day = (story.published_at - timedelta(days=1)).strftime("%Y%m%d")
            story.path = f"{root}{edition.programmes}/{story.programme}/{day}-{name}"
        elif role == "video" and edition.videos and random.random() < 0.6:
            story.kind, story.section = "video", edition.videos
            story.path = f"{root}{edition.videos}/{day}-{name}"
        else:
            weights = [1 / (n + 1) for n in range(len(edition.sections))]
            story.section = random.choices(edition.sections, weights)[0]
            story.path = f"{root}{story.section}/{day}-{name}"
        story.path = self._unused(story.path)

    def _unused(self, path: str) -> str:
        """The path, or the path with the first free number after it, as the site does with equal titles."""
        candidate, n = path, 1
        while candidate in self.used:
            n += 1
            candidate = f"{path}-{n}"
        self.used.add(candidate)
        return candidate

    def _copy(self, original: Story, reach: str) -> tuple[Story, Random]:
        index, random = self._next()
        story = copy.deepcopy(original)
        story.identity = f"{self.code}-{index:05d}"
        story.reached_by = reach
        story.related, story.twin_of = [], None
        story.duplicate_of = story.near_duplicate_of = story.same_title_as = story.overlap = story.rewriting = None
        story.short_code = "".join(random.choices(_CODE, k=4))
        return story, random

    def _double(self, original: Story, reach: str) -> Story:
        """The same story under a second URL of another form."""
        story, random = self._copy(original, reach)
        story.duplicate_of = original.url
        day, name = story.published_at.strftime("%Y%m%d"), slug(story.title)
        root = self.edition.root
        if original.kind == "wire" and self.code == "cn":
            story.section, undated = None, "/contenu/" in original.path
            story.path = f"{root}{name}" if undated else f"{root}contenu/{day}-{name}"
        elif original.kind != "episode" and random.random() < 0.4:
            story.kind, story.section, story.programme = "episode", None, random.choice(self.programmes)
            later = (story.published_at + timedelta(days=1)).strftime("%Y%m%d")
            story.path = f"{root}{self.edition.programmes}/{story.programme}/{later}-{name}"
        else:
            other = [section for section in self.edition.sections if section != original.section]
            story.kind, story.programme, story.section = "article", None, random.choice(other)
            story.path = f"{root}{story.section}/{day}-{name}"
        story.path = self._unused(story.path)
        return story

    def _rewrite(self, original: Story, reach: str) -> Story:
        """Another version of the story: other title and lead, half to nearly all of the text the same."""
        story, random = self._copy(original, reach)
        writer = Writer(LANGUAGES[self.code], random)
        story.near_duplicate_of = original.url
        story.title = _title(self.code, writer)
        story.lead = writer.paragraph((1, 2))
        story.published_at += timedelta(minutes=random.randint(30, 600))
        story.published_at = min(story.published_at, self.now)
        story.modified_at = story.published_at
        share = random.uniform(0.5, 0.92)
        for story.rewriting in shuffled(REWRITES, random):
            blocks, story.overlap = REWRITES[story.rewriting](story.blocks, share, writer)
            if OVERLAPS[0] <= story.overlap <= OVERLAPS[1]:
                break
        story.blocks = blocks
        role = {"wire": "wire", "episode": "episode"}.get(story.kind, "article")
        story.section = story.programme = None
        self._place(story, role, random)
        return story

    def _same_title(self, original: Story, reach: str) -> Story:
        """Another story under the same title, so that its slug ends with a number where both came out on one day."""
        index = self.written
        at = original.published_at + timedelta(minutes=self._random("later", index).randint(1, 9))
        story = self._new("article", reach, at if at <= self.now else original.published_at)
        self.used.discard(story.path)
        story.title, story.same_title_as = original.title, original.url
        story.look.double_escaped = original.look.double_escaped
        story.kind, story.section, story.programme = original.kind, original.section, original.programme
        story.path = self._unused(original.path)
        return story


def twins(originals: Iterable[Story], count: int) -> list[Story]:
    """The traditional-script twins of the first `count` full, dated stories of the simplified-script edition."""
    fit = [s for s in originals if s.kind in ("article", "episode") and s.status == "full" and not s.duplicate_of]
    return [_twin(story, n) for n, story in enumerate(fit[:count])]


def _twin(original: Story, number: int) -> Story:
    story = copy.deepcopy(original)
    edition = EDITIONS["tw"]
    story.identity, story.edition, story.language = f"tw-twin-{number:05d}", "tw", LANGUAGES["tw"].tag
    story.path = "/tw/" + _words_of("tw", original.path.removeprefix("/cn/"))
    story.section = _words_of("tw", original.section) if original.section else None
    story.programme = traditional(original.programme) if original.programme else None
    story.title = traditional(original.title)
    story.lead = traditional(original.lead) if original.lead else None
    story.credits = _in_script("tw", original.credits) if original.credits else None
    story.authors = [traditional(name) for name in original.authors]
    story.tags = [traditional(tag) for tag in original.tags]
    for block in story.blocks:
        block.rows = [[traditional(cell) for cell in row] for row in block.rows]
    for picture in story.pictures:
        picture.caption = traditional(picture.caption) if picture.caption else None
    story.short_code = original.short_code and original.short_code[::-1]
    story.twin_of = original.url
    story.near_duplicate_of = story.same_title_as = story.overlap = story.rewriting = None
    assert edition.root == "/tw/"  # noqa: S101 - the prefix written above
    return story


def _words_of(code: str, path: str) -> str:
    """A path of the simplified edition in the words of the other: the fixed words first, then the characters."""
    simplified, other = EDITIONS["cn"], EDITIONS[code]
    fixed = dict(zip(simplified.sections, other.sections, strict=True))
    fixed[simplified.programmes] = other.programmes
    return "/".join(fixed.get(part, traditional(part)) for part in path.split("/"))


def slug(title: str, keep: str = "") -> str:
    """The last part of a path, made of a title: lower case, letters and digits of any script, hyphens."""
    kept = "".join(c if c.isalnum() or c in keep or _is_mark(c) else "-" for c in title.lower())
    return "-".join(part for part in kept.split("-") if part)[:110].rstrip("-")


def _is_mark(character: str) -> bool:
    """Whether it is a vowel sign or the like, which no letter test knows."""
    return unicodedata.category(character) in ("Mn", "Mc")


def shuffled(items: Iterable[str], random: Random) -> list[str]:
    """The items in another order."""
    order = list(items)
    random.shuffle(order)
    return order


def _plan(count: int, roles: dict[str, float], random: Random) -> list[str]:
    """The roles of all stories; the doubles come last, when there is something to double."""
    planned = _shares(count, roles, "article")
    late = [role for role in planned if role in LATE]
    return shuffled((role for role in planned if role not in late), random) + shuffled(late, random)


def _shares(count: int, shares: dict[str, float], rest: str) -> list[str]:
    """Each name as often as its share says, at least once among twenty, then the rest."""
    names = [name for name, share in shares.items() for _ in range(max(round(share * count), int(count >= 20)))]
    return names[:count] + [rest] * (count - len(names))


def _moment(now: datetime, reach: str, random: Random) -> datetime:
    """A whole minute in the past; one in eight in the first hour of a Paris day."""
    at = (now - timedelta(days=random.uniform(*AGES[reach]))).replace(second=0, microsecond=0)
    if random.random() < 0.125:
        night = at.astimezone(PARIS).replace(hour=0, minute=random.randint(1, 58))
        at = night.astimezone(UTC)
    return at


def _title(code: str, writer: Writer) -> str:
    """A title, now and then with the brackets that real ones have."""
    title, turn = writer.line((8, 16) if code in HAN else (6, 11)), writer.random.random()
    if turn < 0.06:
        title = f"[{writer.line((1, 2))}] {title}"
    elif turn < 0.12:
        title = f"{title} ({writer.latin_person()})"
    elif turn < 0.2 and code in HAN:
        title = f"<{writer.line((2, 2))}报>{title}" if code == "cn" else f"<{writer.line((2, 2))}報>{title}"
    elif turn < 0.25:
        title = f"{title} {writer.random.randint(3, 60)}％"
    elif turn < 0.26:
        title = f"CLONE - {title}"
    return title


def _body(code: str, writer: Writer) -> list[Block]:
    """Paragraphs, and what else stands between them."""
    random = writer.random
    blocks = [Block(kind="p", rows=[[writer.paragraph()]]) for _ in range(random.randint(4, 15))]
    if code in HAN and random.random() < 0.3:
        press = "报" if code == "cn" else "報"
        blocks[1].rows[0][0] = f"<{writer.line((2, 2))}{press}>{blocks[1].rows[0][0]}"
    extras = [
        kind
        for kind, share in (("h2", 0.5), ("ul", 0.2), ("blockquote", 0.25), ("table", 0.12))
        if random.random() < share
    ]
    for kind in extras:
        blocks.insert(random.randint(1, len(blocks) - 1), _extra(kind, writer))
    return blocks


def _extra(kind: str, writer: Writer) -> Block:
    random = writer.random
    if kind == "h2":
        return Block(kind=kind, rows=[[writer.line((3, 7))]])
    if kind == "ul":
        return Block(kind=kind, rows=[[writer.line((6, 14))] for _ in range(random.randint(2, 5))])
    if kind == "blockquote":
        return Block(kind=kind, rows=[[writer.paragraph((1, 2))]])
    rows = [[writer.line((1, 3)), str(random.randint(1, 900)), f"{random.randint(1, 99)} %"] for _ in range(3)]
    return Block(kind="table", rows=rows)


def _live(writer: Writer) -> list[Block]:
    """Entries of a live page, the newest first, each under a heading with its time."""
    blocks = []
    for hour in range(20, 20 - writer.random.randint(6, 12), -1):
        blocks.append(Block(kind="h2", rows=[[f"{hour}:{writer.random.randint(10, 59)} {writer.line((4, 8))}"]]))
        blocks.append(Block(kind="p", rows=[[writer.paragraph((1, 3))]]))
    return blocks


def _shorten(story: Story, role: str, edition: Edition, writer: Writer) -> None:
    """A bulletin whose text is a date (the same for several), or a video with a line or nothing."""
    story.status = "short"
    if role == "bulletin":
        day = writer.random.choice(("09/11", "10/11"))
        story.title = f"{edition.bulletin} {story.published_at.astimezone(PARIS):%d/%m %H:%M}"
        story.blocks = [Block(kind="p", rows=[[f"{day}/2025"]])]
        return
    mark = {"cn": "【视频】", "tw": "【視頻】"}.get(edition.code, "")
    story.title = mark + story.title
    if writer.random.random() < 0.6:
        story.blocks = [Block(kind="p", rows=[[writer.line((4, 7))]])]


def _pictures(story: Story, writer: Writer) -> list[Picture]:
    random = writer.random
    chances = (("main", 0.8), ("body", 0.15), ("embed", 0.15))
    places = [place for place, chance in chances if random.random() < chance]
    if story.status == "short":
        places = [place for place in places if place == "main"]
    return [_picture(place, writer) for place in places]


def _picture(place: str, writer: Writer) -> Picture:
    random = writer.random
    told, signed = random.random() < 0.85, random.random() < 0.85
    agency = random.choice(("AFP", "REUTERS", "AP", "RFI"))
    by = f"{agency} - {writer.latin_person().upper()}"
    return Picture(
        identity=str(UUID(int=random.getrandbits(128), version=4)),
        name=f"{agency}_{random.randrange(10**9):09d}.jpg",
        caption=writer.line((6, 14)) if told else None,
        credit=(f"© {by}" if random.random() < 0.6 else by) if signed else None,
        place=place,
    )


def _recordings(story: Story, role: str, random: Random) -> list[Recording]:
    found = []
    if role in ("episode", "bulletin"):
        told = story.look.linked_data not in ("broken", "bare", "none")
        found.append(_recording(story, random, "main", random.randint(60, 3000) if told else None))
    elif "audio" in story.look.embeds and story.status == "full":
        found.append(_recording(story, random, "body", None))
    if "audio" in story.look.embeds and not any(r.place == "body" for r in found):
        story.look.embeds = tuple(kind for kind in story.look.embeds if kind != "audio")
    return found


def _recording(story: Story, random: Random, place: str, seconds: int | None) -> Recording:
    identity = f"WBMZ{random.randrange(10**5):05d}-RFI-{story.edition.upper()}-{story.published_at:%Y%m%d}"
    url = (
        f"https://aod-rfi.akamaized.net/rfi/{story.edition}/audio/modules/actu/{story.published_at:%Y%m}/{identity}.mp3"
    )
    return Recording(identity=identity, url=url, seconds=seconds, place=place)


def _credits(people: Sequence[str], random: Random) -> str:
    first, second = random.sample(list(people), 2)
    return random.choice((f"译者：{first}/核稿：{second}", f"译者：{first}", f"实习编译：{first}/核稿：{second}"))


def _in_script(code: str, text: str) -> str:
    return traditional(text) if code == "tw" else text


def _look(random: Random) -> Look:
    return Look(
        linked_data=random.choice(LINKED_DATA),
        keywords=random.choice(("list", "string")),
        authors=random.choice(("list", "object", "string", "names")),
        double_escaped=random.random() < 0.08,
        embeds=tuple(random.sample(EMBEDS, random.choice((0, 0, 1, 1, 2, 3)))),
        interstitial=random.random() < 0.4,
        pasted_script=random.random() < 0.08,
        chrome=random.randrange(CHROMES),
    )
