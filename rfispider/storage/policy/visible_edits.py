"""What a reader sees of an article, and in which fields two states differ for one. Pure.

White space, Unicode form, the order of authors and tags, and query strings of media are seen by nobody.
"""

from collections.abc import Callable
from typing import Any, Final

from rfispider.items import Article, Audio, Image, Status
from rfispider.storage.policy.precedence import WORTH, is_same_origin
from rfispider.text import without_spaces


def edits(old: Article, new: Article) -> list[str]:
    """The fields, in alphabetical order, in which a reader sees that `new`, which took the place of `old`, differs.

    Between two kinds of origin only title and text are compared, unless the status rose.
    """
    visible = {name for name in _VISIBLE if not is_alike(name, getattr(old, name), getattr(new, name))}
    if old.status not in {Status.STUB, Status.GONE} and new.status is not Status.GONE:
        visible.discard("status")
    if not is_same_origin(old, new) and WORTH[new.status] <= WORTH[old.status]:
        visible &= {"title", "text", "lead"} if "text" in visible else {"title"}
    return sorted(visible)


def is_alike(name: str, before: object, after: object) -> bool:
    """Whether the present value of a field may stay, since nobody sees the difference to the other one.

    >>> is_alike("title", "A  harbour opens ", "A harbour opens"), is_alike("title", "A harbour", "A port")
    (True, False)
    >>> is_alike("tags", ["Trade", "Ports"], ["Ports", "Trade"])
    True
    """
    if before == after:
        return True
    visible_part = _VISIBLE.get(name)
    return visible_part is not None and visible_part(before) == visible_part(after)


def essential_text(article: Article) -> str:
    """Lead and text in one: where the one ends and the other begins is a matter of markup."""
    return without_spaces(article.lead) + without_spaces(article.text)


def _pictures(images: list[Image]) -> list[tuple[str, str, str]]:
    return [
        (image.url.partition("?")[0], without_spaces(image.caption), without_spaces(image.credit)) for image in images
    ]


def _recordings(audio: list[Audio]) -> list[str]:
    return [recording.url.partition("?")[0] for recording in audio]


def _as_is(value: object) -> object:
    return value


_VISIBLE: Final[dict[str, Callable[[Any], object]]] = {
    "title": without_spaces,
    "lead": without_spaces,
    "text": without_spaces,
    "agency": without_spaces,
    "credits": without_spaces,
    "authors": frozenset,
    "tags": frozenset,
    "published_at": _as_is,
    "images": _pictures,
    "audio": _recordings,
    "status": _as_is,
}
"""Every field that a reader sees, and what is compared of it: query strings of media are session and cache keys."""
