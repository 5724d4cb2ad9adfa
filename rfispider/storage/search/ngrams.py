"""The grams of a text: what an article is filed under, and what a query asks for.

A gram is two characters next to each other where one of them is Han or Kana, with or without punctuation between them,
else four letters in a row, or a letter and two behind a space. Every such part of a text gives one, so that an article
has all the grams of whatever it holds. For queries that are
shorter than a gram the ends of words are filed too: every place of a text is then the beginning of some gram, and a
short query asks for all grams that begin with it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import add
from typing import Final
from zlib import crc32

from rfispider.storage.search.folding import BAR, DENSE, fold

LISTS: Final = 1024
"""Grams are filed in so many lists; grams that begin alike stand in the same one."""

LETTER_GRAM: Final = 4
"""Of a gram in a script that is spelled by letters."""

GRAMS_PER_TERM: Final = 8
"""Grams that are looked up for a term at most: more of them tell little, and each costs some milliseconds."""

FEW: Final = 3
"""With fewer grams of a query, so many articles are left that it pays to ask for more, at up to 20 ms each."""

TEXT_LENGTH: Final = 500_000
"""Characters of an article that are filed; what stands behind them is not found."""

_DENSE: Final = re.compile(rf"[{DENSE}]")
_PAIR: Final = re.compile(rf"(?=([{DENSE}]\|?[^ |]|[^ |]\|?[{DENSE}]))")
_EDGE: Final = re.compile(
    rf"(?=([{DENSE}](?:\|[^ |]|[^ |{DENSE}])|[^ |{DENSE}](?:\|[{DENSE}]|[{DENSE}]))|([{DENSE}])(?:[ |]|$))"
)
"""Where a run of dense characters begins or ends: the pair across its edge, or its last character alone."""
_ACROSS: Final = re.compile(rf" (?<=[^ |{DENSE}] )[^ |{DENSE}]{{2}}")
"""Where a word begins behind another: the space and two letters."""
_RUN: Final = re.compile(rf"[{DENSE}]{{2,}}")
_WORD: Final = re.compile(rf"[^ |{DENSE}]{{2,}}")

_ENDED: Final = re.compile(rf"[^ |{DENSE}]{{2,}}(?=[ |{DENSE}])")
"""A word, or its end, of which is known that it ends there."""
_BEGUN: Final = re.compile(rf"(?<=[ |{DENSE}])[^ |{DENSE}]{{3}}$")
"""A word of three letters at the end, or its beginning; a longer one has a gram."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """One question to the index: the articles filed under a gram, or under any gram that begins with it."""

    gram: str
    whole: bool
    """False: all grams that begin with it."""

    @property
    def place(self) -> str:
        """The list in which the answer stands."""
        return filed_in(self.gram)


def folded(fields: Iterable[str]) -> str:
    """The fields of an article as one folded text, each between bars, so that no word crosses from one to the next."""
    return "".join(f"{BAR}{fold(field[:TEXT_LENGTH])}{BAR}" for field in fields)[:TEXT_LENGTH]


def inverted(texts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Gram -> the names, one letter each, of the folded texts that have it: in no order, and some of them twice.

    The grams of a word are made once for all texts that have it.
    """
    filed: dict[str, str] = {}
    words: dict[str, str] = {}
    for text, name in texts:
        for gram in _between_words(text):
            filed[gram] = filed.get(gram, "") + name
        for word in set(_WORD.findall(text)):
            words[word] = words.get(word, "") + name
    for word, names in words.items():
        for gram in _word_grams(word):
            filed[gram] = filed.get(gram, "") + names
    return filed


def _between_words(text: str) -> set[str]:
    """The grams of a folded text that are no part of a word of letters."""
    grams = {text[found.start() - 1 : found.end()] for found in _ACROSS.finditer(text)}
    if _DENSE.search(text):
        grams.update(chain.from_iterable(_EDGE.findall(text)))
        for run in _RUN.findall(text):
            grams.update(map(add, run, run[1:]))
    grams.discard("")
    return grams


def lookups(term: str) -> list[Lookup]:
    """What to ask for a folded term: all answers together hold every article with the term; none: ask for nothing.

    At most `GRAMS_PER_TERM` grams, evenly taken from the term. Where they are few, the ends of its words are asked for
    as well, and how its last word begins. No question is left for a single letter and for what is not filed: then every
    article may hold it.
    """
    whole = _whole(term)
    if len(whole) >= FEW:
        step = max(1, -(-len(whole) // GRAMS_PER_TERM))
        return [Lookup(gram, whole=True) for gram in whole[::step]]
    # What stands behind a word in the term stands behind it in every article that holds the term.
    whole = list(dict.fromkeys([*whole, *(word[-3:] for word in _ENDED.findall(term))]))
    parts = _BEGUN.findall(term) if whole else [*_DENSE.findall(term), *_WORD.findall(term)]
    begun = [Lookup(max(parts, key=len), whole=False)] if parts else []
    return [*(Lookup(gram, whole=True) for gram in whole), *begun]


def filed_in(gram: str) -> str:
    """The name of the list in which a gram stands, one of `LISTS`, in digits of base 16; the same for ever."""
    return _of_dense(gram[0]) or _filed_in(gram[:2] if gram[1:2] != " " else gram)


@lru_cache(maxsize=1 << 16)
def _of_dense(letter: str) -> str:
    """The list of all grams that begin with a dense character; empty for other characters, by which alone none goes."""
    return _filed_in(letter) if _DENSE.match(letter) else ""


@lru_cache(maxsize=1 << 16)
def _filed_in(beginning: str) -> str:
    return f"{crc32(beginning.encode()) % LISTS:03x}"


def _word_grams(word: str) -> tuple[str, ...]:
    """The grams of a word, and its last three and two letters."""
    return (*(word[at : at + LETTER_GRAM] for at in range(len(word) - LETTER_GRAM + 1)), *{word[-3:], word[-2:]})


def _whole(term: str) -> list[str]:
    """The grams of full length in a folded term, in their order, each once; those within words without overlap."""
    found = {pair.start(): pair[1] for pair in _PAIR.finditer(term)}
    found |= {across.start() - 1: term[across.start() - 1 : across.end()] for across in _ACROSS.finditer(term)}
    for word in _WORD.finditer(term):
        last = word.end() - LETTER_GRAM
        for at in {*range(word.start(), last + 1, LETTER_GRAM), last} if last >= word.start() else ():
            found[at] = term[at : at + LETTER_GRAM]
    return list(dict.fromkeys(found[at] for at in sorted(found)))
