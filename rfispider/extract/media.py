"""Pictures and recordings of an article."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from rfispider.extract import element_text, json_ld, times
from rfispider.extract.html_document import Element
from rfispider.items import Audio, Image
from rfispider.site import selectors

MAX_PICTURES: Final = 200
MAX_LOOKED_AT: Final = 1_000
"""Figures and images of one page that are looked at."""
_MAX_SIZES: Final = 20
"""Images of one figure: its sizes and formats."""
_MAX_CAPTION: Final = 100
"""Elements of a figure among which its caption is looked for."""
_WIDTH: Final = re.compile(selectors.IMAGE_WIDTH)
_FORMAT: Final = re.compile(selectors.IMAGE_WIDTH + r"|/p:[0-9a-z]+(?=/)")
_SHARE_OF_WIDTH: Final = re.compile(r"\s+(\d+)w\s*$")
_NOISE: Final = re.compile(r"(?:^|\s)(?:" + "|".join(map(re.escape, selectors.BODY_IMAGE_NOISE_CLASSES)) + ")")
_NOISE_ATTRIBUTES: Final = frozenset(selectors.NOISE_ATTRIBUTES)
_CREDIT: Final = re.compile(r"\s*(©.+)$")
_AUDIO: Final = re.compile(selectors.AUDIO_FILE, re.IGNORECASE)
_ORIGINAL: Final = 100_000
"""Stands for the width of a picture whose address tells none."""
_TINY: Final = 3
"""Pixels: smaller pictures count visits."""


def web_address(printed: object, base: str) -> str | None:
    """An absolute http(s) address; None for what is none."""
    if not isinstance(printed, str) or not (printed := printed.strip()) or printed.startswith(("data:", "#")):
        return None
    try:
        url = urljoin(base, printed.replace(" ", "%20"))
        return url if urlsplit(url).scheme in ("http", "https") else None
    except ValueError:
        return None


def is_placeholder(url: str) -> bool:
    """Whether a picture stands for the site and not for an article."""
    return any(part in url for part in selectors.PLACEHOLDER_IMAGES)


def identity(url: str) -> str:
    """What is the same for all sizes and formats of a picture."""
    return _FORMAT.sub("", url)


def largest(candidates: Iterable[str]) -> str | None:
    """The address with the greatest width; the first of equals."""
    return max(candidates, key=_width, default=None)


def _width(url: str) -> int:
    told = _WIDTH.search(url)
    return int(told[1][:6]) if told else _ORIGINAL


# ---- pictures in the markup ------------------------------------------------------------------------------


def pictures(root: Element, base: str) -> list[Image]:
    """Pictures below an element in document order: figures, and images that stand alone."""
    found: list[Image] = []
    taken: set[Element] = set()
    for element in islice(root.iterdescendants("figure", "img"), MAX_LOOKED_AT):
        if element in taken or len(found) >= MAX_PICTURES:
            continue
        inner = list(_images_of(element)) if element.tag == "figure" else [element]
        taken.update(inner)
        if not _is_foreign(element, root) and (url := largest(_addresses(inner, base))):
            caption, credit = _caption(element) if element.tag == "figure" else (None, None)
            found.append(Image(url=url, caption=caption, credit=credit))
    return found


def _images_of(figure: Element) -> Iterator[Element]:
    return islice(figure.iterdescendants("img", "source"), _MAX_SIZES)


def _is_foreign(element: Element, root: Element) -> bool:
    """Whether a picture stands in a promotion, a slideshow, a list of other articles."""
    for ancestor in element.iterancestors():
        if ancestor is root:
            return False
        if ancestor.tag == "aside" or _NOISE.search(ancestor.get("class") or ""):
            return True
        if not _NOISE_ATTRIBUTES.isdisjoint(ancestor.attrib):
            return True
    return False


def _addresses(images: Iterable[Element], base: str) -> list[str]:
    found: list[str] = []
    for image in images:
        if _is_tiny(image):
            continue
        printed = [_lazy(image), *_sources(image), image.get("data-src"), image.get("src")]
        found.extend(url for each in printed if (url := web_address(each, base)))
    return found


def _is_tiny(image: Element) -> bool:
    return any((image.get(side) or "").isdecimal() and int(image.get(side)[:6]) < _TINY for side in ("width", "height"))


def _lazy(image: Element) -> str | None:
    """The address of the original of a picture that is loaded late."""
    told = _json(image.get(selectors.LAZY_IMAGE_ATTRIBUTE))
    if not isinstance(told, dict):
        return None
    directory, name = told.get("url"), told.get("filename")
    return f"{directory}{name}" if isinstance(directory, str) and isinstance(name, str) and directory and name else None


def _sources(image: Element) -> list[str]:
    """Addresses of a srcset, the widest first."""
    sized = []
    for candidate in (image.get("srcset") or image.get("data-srcset") or "").split(", ")[:20]:
        width = _SHARE_OF_WIDTH.search(candidate)
        sized.append((int(width[1][:6]) if width else 0, candidate.strip().split(" ")[0]))
    return [url for _, url in sorted(sized, key=lambda pair: -pair[0]) if url]


def _caption(figure: Element) -> tuple[str | None, str | None]:
    """Caption and credit of a figure, as printed."""
    caption = next(element_text.inside(figure, selectors.CAPTION_CLASSES, _MAX_CAPTION), None)
    credit = next(element_text.inside(figure, selectors.CAPTION_CREDIT_CLASSES, _MAX_CAPTION), None)
    if caption is not None or credit is not None:
        return element_text.of(caption) or None, element_text.of(credit) or None
    whole = element_text.of(figure.find(".//figcaption"))
    signed = _CREDIT.search(whole)
    return (whole[: signed.start()] if signed else whole) or None, signed[1] if signed else None


# ---- pictures in the data --------------------------------------------------------------------------------


def addresses_of(value: object, base: str) -> list[str]:
    """Addresses of the pictures that a JSON-LD value holds: a string, an object, a list of them."""
    found = []
    for each in value if isinstance(value, list) else [value]:
        printed = (each.get("contentUrl") or each.get("url")) if isinstance(each, dict) else each
        if url := web_address(printed, base):
            found.append(url)
    return found[:MAX_PICTURES]


def merged(shown: list[Image], told: Iterable[str]) -> list[Image]:
    """The pictures that a page shows; each at the largest size told anywhere, a told one first if none is shown.

    A told picture that stands for the site is left out.
    """
    told = [url for url in told if not is_placeholder(url)]
    images: dict[str, Image] = {}
    for image in shown:
        known = images.setdefault(identity(image.url), image)
        known.url = largest((known.url, image.url)) or known.url
        known.caption, known.credit = known.caption or image.caption, known.credit or image.credit
    for url in told:
        if known_image := images.get(identity(url)):
            known_image.url = largest((known_image.url, url)) or url
    return list(images.values())


# ---- recordings ------------------------------------------------------------------------------------------


def recordings_of(value: object, base: str) -> list[Audio]:
    """Recordings that a JSON-LD value holds."""
    found = []
    for each in value if isinstance(value, list) else [value]:
        thing = each if isinstance(each, dict) else {"contentUrl": each}
        if url := web_address(thing.get("contentUrl") or thing.get("url"), base):
            found.append(Audio(url=url, duration_s=times.seconds(thing.get("duration"))))
    return found


def players(root: Element, base: str) -> list[Audio]:
    """Recordings of the players below an element, in document order."""
    found: list[Audio] = []
    for element in root.iterdescendants("script", "audio", "source"):
        if element.tag == "script":
            found.extend(_player(element, base))
        elif element.tag == "audio" or (element.get("type") or "").startswith("audio"):
            url = web_address(element.get("src"), base)
            found.extend([Audio(url=url)] if url else [])
    return found


def _player(script: Element, base: str) -> Iterator[Audio]:
    if script.get(selectors.EMBED_SCRIPT_ATTRIBUTE) is None or not isinstance(told := _json(script.text), dict):
        return
    sources = told.get("sources")
    for source in sources if isinstance(sources, list) else []:
        url = web_address(source.get("url"), base) if isinstance(source, dict) else None
        if url and _AUDIO.search(url):
            yield Audio(url=url, duration_s=_duration(source, told, told.get("diffusion")))
            return


def _duration(*told: object) -> int | None:
    """The first length told by one of several objects, in seconds."""
    lengths = (times.seconds(each.get("duration")) for each in told if isinstance(each, dict))
    return next(filter(None, lengths), None)


def without_doubles(recordings: Iterable[Audio]) -> list[Audio]:
    """Each recording once, with its length if any of its mentions tells it."""
    found: dict[str, Audio] = {}
    for recording in recordings:
        known = found.setdefault(recording.url, recording)
        known.duration_s = known.duration_s or recording.duration_s
    return list(found.values())


def _json(text: str | None) -> Any:  # noqa: ANN401 - JSON may hold anything
    if not text or len(text) > 1_000_000:  # noqa: PLR2004 - longer than any player's settings
        return None
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return json_ld.loaded(text)
