"""Versions of a story as editors make them of a wire copy: most of the text the same, the rest another."""

from collections.abc import Callable, Iterator, Sequence

from replica.language import Writer
from replica.story import Block

Rewrite = Callable[[Sequence[Block], float, Writer], tuple[list[Block], float]]
"""Blocks, the share (0 to 1) of their characters to be kept, and who writes the rest -> new blocks, and the overlap:
which share of the longer text's characters stands in both."""

_ADDITIONS = 10
"""A paragraph that is added has one in so many of the characters that are there."""
_CHARACTERS = 4
"""Length of a piece of text where words are not parted."""


def by_paragraphs(blocks: Sequence[Block], share: float, writer: Writer) -> tuple[list[Block], float]:
    """Whole paragraphs are written anew."""
    size = _size(blocks)
    remaining, made = size, list(blocks)
    for n in writer.random.sample(range(len(blocks)), len(blocks)):
        length = _size([blocks[n]])
        if remaining - length >= share * size:
            remaining -= length
            made[n] = _paragraph(writer, length)
    return made, _overlap(remaining, size, made)


def by_sentences(blocks: Sequence[Block], share: float, writer: Writer) -> tuple[list[Block], float]:
    """Sentences anywhere in the paragraphs are written anew."""
    return _replaced(blocks, share, writer, _sentences, lambda sentence: writer.paragraph((2, 2))[: len(sentence)])


def by_words(blocks: Sequence[Block], share: float, writer: Writer) -> tuple[list[Block], float]:
    """Words anywhere in the sentences are replaced by others."""
    return _replaced(blocks, share, writer, _words, lambda word: writer.word() + " " * word.endswith(" "))


def by_cutting(blocks: Sequence[Block], share: float, writer: Writer) -> tuple[list[Block], float]:  # noqa: ARG001 - as the others
    """Paragraphs at the end are left out."""
    size, made = _size(blocks), list(blocks)
    while len(made) > 1 and _size(made[:-1]) >= share * size:
        made.pop()
    return made, _overlap(_size(made), size, made)


def by_continuing(blocks: Sequence[Block], share: float, writer: Writer) -> tuple[list[Block], float]:
    """Paragraphs are added at the end."""
    size, made = _size(blocks), list(blocks)
    while size >= share * _size(made):
        made.append(_paragraph(writer, size // _ADDITIONS))
    return made, _overlap(size, size, made)


def by_moving(blocks: Sequence[Block], share: float, writer: Writer) -> tuple[list[Block], float]:
    """Whole paragraphs are written anew, and all of them come in another order."""
    made, overlap = by_paragraphs(blocks, share, writer)
    writer.random.shuffle(made)
    return made, overlap


REWRITES: dict[str, Rewrite] = {
    "paragraphs": by_paragraphs,
    "sentences": by_sentences,
    "cut": by_cutting,
    "continued": by_continuing,
    "moved": by_moving,
}


def _replaced(
    blocks: Sequence[Block],
    share: float,
    writer: Writer,
    split: Callable[[str, Writer], list[str]],
    anew: Callable[[str], str],
) -> tuple[list[Block], float]:
    """Replace pieces of plain paragraphs, in a random order, until so much is left of the whole."""
    pieces = {n: split(block.rows[0][0], writer) for n, block in enumerate(blocks) if block.kind == "p"}
    places = [(n, at) for n, parts in pieces.items() for at in range(len(parts))]
    size = remaining = _size(blocks)
    for n, at in writer.random.sample(places, len(places)):
        length = len(pieces[n][at])
        if remaining - length >= share * size:
            remaining -= length
            pieces[n][at] = anew(pieces[n][at])
    made = [Block(kind="p", rows=[["".join(pieces[n]).strip()]]) if n in pieces else b for n, b in enumerate(blocks)]
    return made, _overlap(remaining, size, made)


def _sentences(text: str, writer: Writer) -> list[str]:
    stop = writer.language.stop
    return [piece + stop for piece in text.rstrip().removesuffix(stop.strip()).split(stop)]


def _words(text: str, writer: Writer) -> list[str]:
    if writer.language.space:
        return [f"{word} " for word in text.split(" ")]
    return list(_chunks(text))


def _chunks(text: str) -> Iterator[str]:
    for start in range(0, len(text), _CHARACTERS):
        yield text[start : start + _CHARACTERS]


def _paragraph(writer: Writer, length: int) -> Block:
    return Block(kind="p", rows=[[writer.paragraph((3, 6))[:length].strip()]])


def _size(blocks: Sequence[Block]) -> int:
    return sum(len(line) for block in blocks for line in block.lines())


def _overlap(kept: int, size: int, made: Sequence[Block]) -> float:
    return round(min(kept / max(size, _size(made)), 1.0), 3)
