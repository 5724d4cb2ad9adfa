"""Whether two articles are versions of one text, and the signature by which the archive finds candidates for that.

Texts are compared as tokens: letters where a script puts no space between its words (Chinese, Khmer), else words.
A signature is a MinHash (A. Broder, 1997; the `rensa` library) over runs of tokens, one band a value: two texts
share each value with the probability of their Jaccard similarity. The values also carry edition and time, so
that an indexed lookup meets only articles that may be compared, and new articles stand together in the index.
What shares enough values is then compared text by text: how much of the one stands, word for word, in the other.

The thresholds were chosen with `benchmarks/stories.py`, which prints precision and recall over a range of each.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from itertools import combinations
from typing import Final, NamedTuple
from zlib import crc32

from rensa import RMinHash

SUBSTANTIAL: Final = 200
"""Fewest characters of a text that is compared with others. Many bulletins and market closings below it are the
same, or nearly, and tell of different days."""

WINDOW: Final = timedelta(days=30)
"""Longest time between the publications of two versions of one text."""

VALUES: Final = 32
"""Values of a signature: of texts of which half is the same, whose runs have a Jaccard similarity of 1/3 at most and
1/5 where every second sentence was replaced, all but one pair in a hundred share `SHARED_VALUES` of them. A power
of two, which the library computes three times as fast as others."""

SHARED_VALUES: Final = 2
"""Fewest shared values of a pair that is compared: of real articles, only one or two others share so many."""

COMPARED: Final = 20
"""Most others that one article is compared with."""

SIMILAR: Final = 0.4
"""Least share (0 to 1) of the tokens of one of the two texts that stand in the other."""

FRESH: Final = timedelta(days=7)
SIMILAR_LATER: Final = 0.5
"""The same for texts that are further apart than `FRESH`: what they share may be what every report on a matter tells
again at its end."""

SIMILAR_BOTH: Final = 0.2
"""The same for the other one: a round-up that quotes a short report whole is no version of it."""

FIGURES: Final = 16
"""From so many numbers on, a text is a report of figures."""

SAME_FIGURES: Final = 0.6
"""Two reports of figures share at least this part of what their texts share, else they are two issues of a series:
the words of a daily count stay, its figures do not."""


class TokenWindow(NamedTuple):
    """What a text is made of, and how many of these are long enough in a row."""

    run: int
    """Tokens of a shingle of the signature: so long that unrelated texts share next to none, four or five words."""
    span: int
    """Fewest tokens in a row that count as standing in another text: three words."""


WORDS: Final = TokenWindow(run=5, span=3)
CHARACTERS: Final = TokenWindow(run=8, span=6)
"""Of Chinese and Japanese, where one or two make a word."""
LETTER_WINDOW: Final = TokenWindow(run=20, span=12)
"""Of Khmer, Thai, Lao and Burmese, which spell their words and do not part them."""

_SEED: Final = 20260301
_PERIOD: Final = 2 * WINDOW
"""Time that shares one part of the index: the window around any moment lies in two of them at most."""

_VALUE_BITS, _SLOT_BITS, _EDITION_BITS = 32, 5, 10
_LOW_BITS: Final = _VALUE_BITS + _SLOT_BITS + _EDITION_BITS
_LOW: Final = (1 << _LOW_BITS) - 1

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MARKED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Blocks of scripts without spaces whose vowel signs are no letters to `\\w`: Thai, Lao, Burmese, Khmer."""
_SPACELESS: Final = rf"{_MARKED}\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_UNPARTED: Final = re.compile(f"[{_SPACELESS}]")
_SPELLED: Final = re.compile(f"[{_MARKED}]")
_NOT_LETTERS: Final = re.compile(rf"[^\w{_MARKED}]+|_")
_WORD: Final = re.compile(r"[^\W_]+")
_READ: Final = 64
"""Texts whose runs are remembered, since one is often compared with several others: up to some MB."""
_LONGEST: Final = 100_000
"""Characters of a text that are compared: none of the site's comes near it."""
_HEAD: Final = 400
"""Characters by which the kind of a script is told."""
_MOSTLY: Final = 3
"""A script without spaces fills more than one in so many of its characters; foreign names, figures the rest."""
_FIGURE: Final = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True, eq=False)
class TextSketch:
    """What of an article tells whether its text is worth a comparison."""

    key: str
    signature: Sequence[int]
    at: datetime
    """When it was published, aware."""


def is_substantial(text: str) -> bool:
    """Whether a text is long enough to be told from others by what it says."""
    return len(text) >= SUBSTANTIAL


def tokens(text: str) -> tuple[TokenWindow, Sequence[str]]:
    """What of a text is compared: characters or letters where words are not parted, as one string, else its words.

    Case, punctuation, white space and the width of letters do not count.

    >>> tokens("The harbour, again: OPEN!")
    (TokenWindow(run=5, span=3), ['the', 'harbour', 'again', 'open'])
    """
    folded = text[:_LONGEST].casefold()
    head = folded[:_HEAD]
    if _MOSTLY * len(_UNPARTED.findall(head)) > len(head):
        grain = LETTER_WINDOW if _MOSTLY * len(_SPELLED.findall(head)) > len(head) else CHARACTERS
        return grain, _of_one_width(_NOT_LETTERS.sub("", folded))
    return WORDS, _of_one_width(" ".join(_WORD.findall(folded))).split()


def _of_one_width(text: str) -> str:
    # Without punctuation nearly every text is in this form already, and to see that is far cheaper than to bring it.
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)


class DatedText(NamedTuple):
    """A text, and where and when it came out."""

    text: str
    edition: str
    published_at: datetime


def signatures(issues: Sequence[DatedText]) -> list[list[int]]:
    """For each, `VALUES` numbers below 2**63 that texts like it, of the same edition and time, partly share.

    Empty for a text that is not substantial, or of too few words.
    """
    # The library takes as long to begin as for several texts.
    shingled = [_shingles(each.text) for each in issues]
    digests = RMinHash.digests_from_token_sets(shingled, VALUES, _SEED)
    # Of no shingles at all the library makes values, too.
    return [
        _located(values, each) if shingles else []
        for values, each, shingles in zip(digests, issues, shingled, strict=True)
    ]


def _shingles(text: str) -> list[str]:
    if not is_substantial(text):
        return []
    grain, read = tokens(text)
    return _runs(read, grain.run)


def _located(values: Sequence[int], issue: DatedText) -> list[int]:
    base = _period(issue.published_at) << _LOW_BITS | _edition(issue.edition)
    return [base | slot << _VALUE_BITS | value for slot, value in enumerate(values)]


def probes(signed: Sequence[int], published_at: datetime) -> list[int]:
    """The numbers by which to look for others within the window, given a signature and its time."""
    periods = {_period(published_at - WINDOW), _period(published_at + WINDOW)}
    return [period << _LOW_BITS | value & _LOW for period in sorted(periods) for value in signed]


def candidates(fresh: Sequence[TextSketch], others: Sequence[TextSketch]) -> list[tuple[str, str]]:
    """Pairs of keys that are worth a comparison of their texts: each of one in `fresh` and one in either.

    No key may be in both. An article is compared with the `COMPARED` others at most that share most with it.
    """
    holders: dict[int, list[TextSketch]] = defaultdict(list)
    for sketch in fresh:
        for value in sketch.signature:
            holders[value & _LOW].append(sketch)
    shared: Counter[tuple[TextSketch, TextSketch]] = Counter()
    for sharing in holders.values():
        if len(sharing) > 1:
            shared.update(combinations(sharing, 2))
    for other in others:
        for value in other.signature:
            if value & _LOW in holders:
                shared.update((sketch, other) for sketch in holders[value & _LOW])
    return _closest(shared)


def _closest(shared: Counter[tuple[TextSketch, TextSketch]]) -> list[tuple[str, str]]:
    """Of pairs that share so many values, those within the window that share enough, and most for one of the two."""
    compared: Counter[str] = Counter()
    pairs = set()
    for (one, other), count in shared.most_common():
        if count < SHARED_VALUES:
            break
        if abs(one.at - other.at) <= WINDOW and compared[one.key] < COMPARED:
            compared[one.key] += 1
            pairs.add((min(one.key, other.key), max(one.key, other.key)))
    return sorted(pairs)


def near(first: str, second: str, apart: timedelta = timedelta()) -> bool:
    """Whether two texts are versions of one: rewritten, cut, continued; not the same form with other figures.

    `apart` is the time between their publications.
    """
    if not (is_substantial(first) and is_substantial(second)) or abs(apart) > WINDOW:
        return False
    more, fewer = sorted(overlaps(first, second), reverse=True)
    least = SIMILAR if abs(apart) <= FRESH else SIMILAR_LATER
    return more >= least and fewer >= SIMILAR_BOTH and not _of_a_series(first, second, more)


def overlaps(first: str, second: str) -> tuple[float, float]:
    """Which share of each text's tokens, 0 to 1, stands in spans of the other of at least `TokenWindow.span` tokens."""
    one, other = _spans(first), _spans(second)
    if one.grain is not other.grain:
        return 0.0, 0.0
    shared = one.different & other.different
    return one.covered(shared), other.covered(shared)


@dataclass(frozen=True, slots=True)
class _Spans:
    """Every run of a text that is long enough to count."""

    grain: TokenWindow
    runs: Sequence[str]
    different: frozenset[str]

    def covered(self, shared: frozenset[str]) -> float:
        """Share of the tokens that stand in one of the shared runs."""
        span = self.grain.span
        covered = end = 0
        for start, run in enumerate(self.runs) if shared else ():
            if run in shared:
                covered += start + span - max(start, end)
                end = start + span
        return covered / (len(self.runs) + span - 1) if self.runs else 0.0


@lru_cache(maxsize=_READ)
def _spans(text: str) -> _Spans:
    grain, read = tokens(text)
    runs = _runs(read, grain.span)
    return _Spans(grain, runs, frozenset(runs))


def _of_a_series(first: str, second: str, share: float) -> bool:
    figures = [set(_FIGURE.findall(text)) for text in (first, second)]
    fewer = min(map(len, figures))
    return fewer >= FIGURES and len(figures[0] & figures[1]) < SAME_FIGURES * share * fewer


def _runs(read: Sequence[str], length: int) -> list[str]:
    """Every run of so many tokens."""
    if isinstance(read, str):
        return [read[start : start + length] for start in range(len(read) - length + 1)]
    return list(map(" ".join, zip(*(read[start:] for start in range(length)), strict=False)))


def _period(at: datetime) -> int:
    return max(at - _EPOCH, timedelta()) // _PERIOD


@cache
def _edition(code: str) -> int:
    """The edition's place among the bits: a hash, so that no table has to stay as it is."""
    return (crc32(code.encode()) & ((1 << _EDITION_BITS) - 1)) << (_VALUE_BITS + _SLOT_BITS)
