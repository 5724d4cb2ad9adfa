"""Options that several commands share, read from what was typed; what cannot be read names its option."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from rfispider.site.editions import EDITIONS
from rfispider.storage import READER_FIELDS

Edition = Annotated[
    list[str] | None,
    typer.Option(
        "--edition", "-e", metavar="CODE", help="Only this edition; several times or with commas; all if not given."
    ),
]


MAX_ARTICLES = 10_000
"""The most articles that a command shows at once."""


def database(name: str) -> str:
    """The name of a database, if it can be one.

    Raises:
        typer.BadParameter: MongoDB takes no such name.

    """
    if not re.fullmatch(r"[^\s/\\.\"$*<>:|?\x00]{1,63}", name):
        raise typer.BadParameter(f"{name!r} is not a name of a database such as rfi", param_hint="--database")
    return name


def editions(typed: Sequence[str] | None) -> tuple[str, ...]:
    """Edition codes as typed, each once and in order; none for all.

    Raises:
        typer.BadParameter: there is no such edition.

    """
    codes = [code.strip() for each in typed or () for code in each.split(",") if code.strip()]
    if codes == ["all"]:
        return ()
    if unknown := [code for code in codes if code not in EDITIONS]:
        raise typer.BadParameter(f"{unknown[0]!r} is not one of {' '.join(EDITIONS)}", param_hint="--edition")
    return tuple(sorted(set(codes)))


def moment(typed: str | None, option: str, *, whole_day: bool = False) -> datetime | None:
    """A day or a time as typed, in UTC; `whole_day`: a day means its end, that is the beginning of the next.

    Raises:
        typer.BadParameter: it is neither.

    """
    if typed is None:
        return None
    is_day = len(typed) <= len("2026-03-01")
    try:
        at = datetime.fromisoformat(typed)
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        return at + timedelta(days=1) if whole_day and is_day else at
    except (ValueError, OverflowError):
        form = "a day (2026-03-01) or a time (2026-03-01T06:30, UTC unless it says otherwise)"
        raise typer.BadParameter(f"{typed!r} is not {form}", param_hint=option) from None


def fields(typed: str | None, known: Sequence[str] = READER_FIELDS) -> tuple[str, ...]:
    """Names of fields as typed, with commas; all known ones when nothing was.

    Raises:
        typer.BadParameter: an article has no such field.

    """
    if typed is None:
        return tuple(known)
    names = tuple(dict.fromkeys(name.strip() for name in typed.split(",") if name.strip()))
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        problem = f"{unknown[0]!r} is not a field" if unknown else "names no field"
        raise typer.BadParameter(f"{problem}; the fields are {' '.join(known)}", param_hint="--fields")
    return names
