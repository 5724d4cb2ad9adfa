"""Which articles hold a query, how well, and where.

A query is terms parted by spaces; each must occur in an article, one by one and as written, in any of its fields.
What stands in double quotes is one term, with punctuation where it has some. A term may be a part of a longer word:
`climat` finds `climatique`. A word that is whole, and one whose accents and case are those of the query, is worth more.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from rfispider.storage.search.folding import BAR, DENSE, SURPLUS, bounded, fold, spelled

FIELD_WEIGHTS: Final[Mapping[str, float]] = {"title": 8.0, "tags": 4.0, "authors": 4.0, "lead": 3.0, "text": 1.0}
"""What a term in a field of an article is worth; `searched` fields are these."""

WHOLE_WORD: Final = 4.0
"""An occurrence as a whole word counts as so many inside longer words."""

AS_WRITTEN: Final = 1.5
"""What a field is worth more when it holds the term as it was typed, but for case."""

SATURATION: Final = 2.0
"""After so many occurrences in a field half of its weight is reached, as in BM25."""

_TERM: Final = re.compile(r'"([^"]*)"|([^\s"]+)')
_DENSE: Final = re.compile(rf"[{DENSE}]")


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for."""

    terms: tuple[str, ...]
    """Folded, each once; empty when the query holds neither letter nor digit."""
    written: tuple[str, ...]
    """Each term as it was typed, in lower case."""


def parse(query: str) -> Query:
    """The terms of a query as a person types it."""
    typed = {bounded(quoted) or fold(plain): quoted or plain for quoted, plain in _TERM.findall(query)}
    written = {term: text.casefold() for term, text in typed.items() if term.strip(BAR)}
    return Query(tuple(written), tuple(written.values()))


def score(query: Query, fields: Mapping[str, Sequence[str]]) -> float:
    """How well an article answers: the sum over terms and fields, from above 0; 0 when a term occurs in none.

    `fields` are the values of each of the fields named in `FIELD_WEIGHTS`, as they are stored.
    """
    folded = {name: [f"{BAR}{fold(value)}{BAR}" for value in values] for name, values in fields.items() if values}
    texts = list(chain.from_iterable(folded.values()))
    if not all(_occurs(term, texts) for term in query.terms):
        return 0.0
    return sum(FIELD_WEIGHTS[name] * _field_score(query, fields[name], values) for name, values in folded.items())


def _occurs(term: str, texts: Sequence[str]) -> bool:
    return any(term in text for text in texts)


def _field_score(query: Query, values: Sequence[str], folded: Sequence[str]) -> float:
    """The sum over terms of how well the values of one field, as stored and folded, answer."""
    lowered = "\n".join(values).casefold()
    total = 0.0
    for term, written in zip(query.terms, query.written, strict=True):
        total += _share(term, folded) * (AS_WRITTEN if written in lowered else 1.0)
    return total


def _share(term: str, values: Sequence[str]) -> float:
    """From 0, when a term does not occur, towards 1, the more often it does."""
    count = sum(_occurrences(term, value) for value in values)
    return count / (count + SATURATION)


def _occurrences(term: str, text: str) -> float:
    count = text.count(term)
    if not count or _DENSE.search(term):
        return count * WHOLE_WORD
    whole_words = text.replace(BAR, " ").count(f" {term.strip(BAR).replace(BAR, ' ')} ")
    return count + whole_words * (WHOLE_WORD - 1)


def highlighted(query: Query, text: str, width: int) -> list[tuple[str, bool]]:
    """At most about `width` characters of a text around the first place that answers, as parts: (part, is a match).

    Where no term occurs it is the beginning of the text. An ellipsis stands where something was left out.
    """
    places = _places(query, text)
    start = _window_start(text, places[0][0] if places else 0, width)
    end = min(len(text), start + width)
    parts: list[tuple[str, bool]] = [("…", False)] if start else []
    at = start
    for begin, stop in places:
        if begin >= at and stop <= end:
            parts += [(text[at:begin], False), (text[begin:stop], True)]
            at = stop
    parts += [(text[at:end], False), ("…" if end < len(text) else "", False)]
    return [(part, match) for part, match in parts if part]


def _window_start(text: str, first_match: int, width: int) -> int:
    """Where the shown part of a text begins, so that the first match stands in it, a little after its beginning."""
    if len(text) <= width or first_match < width // 2:
        return 0
    return first_match - width // 4


def _places(query: Query, text: str) -> list[tuple[int, int]]:
    """Start and end of every occurrence of a term in the text as stored, in order; none overlaps the one before."""
    folded, origin = _aligned(text)
    occurrences = sorted(
        (origin[place.start()], origin[place.end() - 1] + 1)
        for term in query.terms
        for place in re.finditer(re.escape(term.strip(BAR)), folded)
    )
    places: list[tuple[int, int]] = []
    for begin, stop in occurrences:
        if not places or begin >= places[-1][1]:
            places.append((begin, stop))
    return places


def _aligned(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its characters the place of the one in `text` that it came from."""
    origin, letters = [], []
    for at, letter in enumerate(text):
        for folded in spelled(letter):
            origin.append(at)
            letters.append(folded)
    text = "".join(letters)
    for surplus in SURPLUS:
        removed = {match.start() for match in surplus.finditer(text)}
        origin = [place for at, place in enumerate(origin) if at not in removed]
        text = surplus.sub("", text)
    return text, origin
