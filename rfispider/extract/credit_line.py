"""Who owns and who worked on a text, as printed at its end."""

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


def cut_credits(lines: list[Block]) -> str | None:
    """Cut the credits out of the last paragraph; they come back without brackets, None if there are none."""
    if not lines or not (found := _CREDITS.search(lines[-1].line)):
        return None
    lines[-1].line = lines[-1].line[: found.start()].rstrip()
    if not lines[-1].line:
        lines.pop()
    return found[1].rstrip()


def cut_agency(lines: list[Block]) -> str | None:
    """Take the copyright line out of the blocks; the agency in it comes back without sign and year."""
    agency = next((_owner(block.line) for block in lines if block.shape is Shape.COPYRIGHT), None)
    lines[:] = [block for block in lines if block.shape is not Shape.COPYRIGHT]
    if agency is None and lines and (printed := _COPYRIGHT_LINE.fullmatch(lines[-1].line)):
        lines.pop()
        return printed[1].strip() or None
    return agency


def _owner(line: str) -> str | None:
    return _COPYRIGHT.sub("", line, count=1).strip() or None
