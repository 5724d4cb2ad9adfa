"""Text in the form in which a query and an article are compared.

Every character is folded by itself, whatever stands beside it: so what occurs in a text also occurs, folded, in the
folded text. That is what lets a search find every article that holds the words of the query; a segmentation by a
dictionary, which reads the same characters one way in a sentence and another in a query, cannot promise it.

- Case, width, ligatures and digits: compatibility decomposition (NFKC) and full case folding of Unicode.
- Accents of Latin, Greek and Arabic letters fall away, vowel signs of the other scripts stay. In Cyrillic ё is е and
  ґ is г, as people type them; й and ї are letters of their own and stay.
- Hooked and other letters of African and European alphabets are the plain letter that keyboards have.
- Traditional characters are their simplified form, one by one.
- Arabic and Persian forms of a letter are one; vowel marks, tatweel and joiners fall away.
- Spaces between characters of scripts without spaces, zero-width characters and the middle dot of names fall away;
  hyphens and apostrophes part words as a space does; all other punctuation is a bar, which no word crosses.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from opencc import OpenCC

BAR: Final = "|"
"""Stands for punctuation."""

DENSE: Final = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""Han and Kana, as a part of a regular expression: a character is about a word."""

_UNSPACED: Final = rf"{DENSE}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Those and the scripts of Thailand, Laos, Myanmar and Cambodia: no spaces between words."""

SURPLUS: Final = (
    re.compile(rf" (?:(?<=[{_UNSPACED}| ] )|(?= *[{_UNSPACED}|]))"),
    re.compile(r"\|(?<=\|\|)"),
)
"""What is removed from a spelled text, one after the other: spaces that part nothing, repeated bars."""
_HAN: Final = re.compile(rf"[{DENSE}]")

_PLAIN_LETTERS: Final = {
    **str.maketrans("ɓɗƙƴɠʄɖɣɛɔəŋɲʋƭɦıøłđħŧðþ", "bdkygjdgeoennvthioldhtdt"),
    **str.maketrans("ىيكہەھڪةٱ", "ییکهههکها"),
    **str.maketrans("ґ著", "г着"),
}
_LETTER_GROUPS: Final = {"æ": "ae", "œ": "oe"}
_STAY: Final = frozenset("йї")
_MARKED: Final = ("LATIN", "GREEK", "CYRILLIC", "ARABIC")
"""Scripts whose combining marks fall away, as Unicode names them."""

_JOINED: Final = frozenset("·•‧・･\u0387\u2219\u22c5\u30fb")
"""Middle dots."""
_PARTING: Final = frozenset("'’‘ʼʻʹ`´′＇-‐‑‒–—_")
"""Apostrophes and hyphens."""
_TATWEEL: Final = "\u0640"
"""Stretches an Arabic word; no letter of it."""
_HIDDEN: Final = frozenset({"Cf", "Cc", "Cs", "Co", "Cn"})


def fold(text: str) -> str:
    """The folded text: letters, vowel signs and digits, parted by single spaces and bars, none at its ends."""
    return bounded(text).strip(BAR)


def bounded(text: str) -> str:
    """The same with a bar at an end where punctuation stands."""
    text = spelled(text)
    for surplus in SURPLUS:
        text = surplus.sub("", text)
    return text.strip()


def spelled(text: str) -> str:
    """The text with every character folded, and nothing removed between them."""
    return unicodedata.normalize("NFC", text).translate(_FOLDED)


def character(letter: str) -> str:
    """One character, folded: no, one or several characters."""
    if letter in _PARTING or (letter.isspace() and letter != "\n"):
        return " "
    if letter in _JOINED:
        return ""
    letters = "".join(map(_plain, unicodedata.normalize("NFKC", letter).casefold()))
    return letters or ("" if _falls_away(letter) else BAR)


def _plain(letter: str) -> str:
    """One case-folded character without its marks, or nothing when it is no part of a word."""
    if letter in _PARTING:
        return " "
    category = unicodedata.category(letter)
    if category[0] == "N":
        return str(unicodedata.digit(letter, letter))
    if category in {"Mn", "Mc"}:
        return "" if _falls_away(letter) else letter
    return _plain_letter(letter) if category[0] == "L" and letter != _TATWEEL else ""


def _plain_letter(letter: str) -> str:
    """One letter in the form that keyboards and simplified Chinese have of it."""
    if _HAN.match(letter):
        # Twice: what one character is simplified to is another one's traditional form at times.
        simplified: str = _simplified().convert(_simplified().convert(letter))
        return simplified.translate(_PLAIN_LETTERS)
    if letter not in _STAY and unicodedata.name(letter, "").startswith(_MARKED):
        letter = "".join(part for part in unicodedata.normalize("NFD", letter) if unicodedata.category(part) != "Mn")
    return _LETTER_GROUPS.get(letter, letter.translate(_PLAIN_LETTERS))


def _falls_away(letter: str) -> bool:
    """Whether a character that is no part of a word leaves nothing behind: invisible, or a mark."""
    category = unicodedata.category(letter)
    if category == "Mn":
        name = unicodedata.name(letter, "")
        return name.startswith(("COMBINING", "ARABIC", "VARIATION")) or letter in "\u17b4\u17b5"
    return category in _HIDDEN or letter == _TATWEEL


@lru_cache(maxsize=1)
def _simplified() -> OpenCC:
    return OpenCC("t2s")


class _Folded(dict[int, str]):
    """Code point -> its folded form, made when it is first seen."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = character(chr(code))
        return folded


_FOLDED: Final = _Folded()
