"""Who owns a text and who worked on it, as printed at its end."""

import re
from typing import Final

from rfispider.extract.text_blocks import Block, Shape
from rfispider.site import selectors

_ROLES: Final = "|".join(
    r"\s*".join(map(re.escape, role)) if not role.isascii() else re.escape(role)
    for role in sorted(selectors.CREDIT_ROLES, key=len, reverse=True)
)
_CREDITS: Final = re.compile(
    rf"\s*[（(]\s*((?:{_ROLES})\s*[：:][^（()）]{{1,120}}?)\s*(?:[）)]\s*\d{{0,12}}|)\s*$", re.IGNORECASE
)
"""A bracket at the end of a paragraph that begins with a role and a colon, perhaps never closed, perhaps followed
by the number of an agency's desk."""
_COPYRIGHT: Final = re.compile(r"(?:©|\(c\)|copyright)\s*(?:(?:19|20)\d\d)?\s*", re.IGNORECASE)
_COPYRIGHT_LINE: Final = re.compile(r"©\s*(?:(?:19|20)\d\d\s+)?([^\s©][^©。.!?]{0,60})")
"""A whole paragraph that is a copyright line though no class says so."""


def cut_credits(blocks: list[Block]) -> str | None:
    """Cut the credits out of the last paragraph; they come back without brackets, None if there are none.

    >>> blocks = [Block(Shape.PARAGRAPH, "The ferry sails. (Translation: Ada Lamp)")]
    >>> cut_credits(blocks), blocks[0].line
    ('Translation: Ada Lamp', 'The ferry sails.')
    """
    if not blocks or not (bracket := _CREDITS.search(blocks[-1].line)):
        return None
    blocks[-1].line = blocks[-1].line[: bracket.start()].rstrip()
    if not blocks[-1].line:
        blocks.pop()
    return bracket[1].rstrip()


def cut_agency(blocks: list[Block]) -> str | None:
    """Cut the copyright line out of the blocks; the agency in it comes back without sign and year.

    >>> blocks = [Block(Shape.PARAGRAPH, "The ferry sails."), Block(Shape.PARAGRAPH, "© 2026 AFP")]
    >>> cut_agency(blocks), len(blocks)
    ('AFP', 1)
    """
    agency = next((_owner(block.line) for block in blocks if block.shape is Shape.COPYRIGHT), None)
    blocks[:] = [block for block in blocks if block.shape is not Shape.COPYRIGHT]
    if agency is None and blocks and (line := _COPYRIGHT_LINE.fullmatch(blocks[-1].line)):
        blocks.pop()
        return line[1].strip() or None
    return agency


def _owner(line: str) -> str | None:
    return _COPYRIGHT.sub("", line, count=1).strip() or None
