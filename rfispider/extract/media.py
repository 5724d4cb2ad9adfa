"""Pictures and recordings of an article."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from rfispider.extract import element_text, json_ld
from rfispider.extract.html_document import Element
from rfispider.items import Audio, Image
from rfispider.site import selectors
from rfispider.site.dates import duration_s
from rfispider.site.web_address import web_address

MAX_PICTURES: Final = 200
MAX_LOOKED_AT: Final = 1_000
"""Figures and images of one page among which pictures are looked for."""
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
"""The width assumed for a picture whose address has none: it is the original."""
_TINY: Final = 3
"""Pixels; pictures that are smaller than this count visits."""


def is_placeholder(url: str) -> bool:
    """Whether a picture stands for the site and not for an article."""
    return any(part in url for part in selectors.PLACEHOLDER_IMAGES)


def without_placeholders(addresses: Iterable[str]) -> list[str]:
    """The addresses of pictures that do not stand for the site."""
    return [url for url in addresses if not is_placeholder(url)]


def identity(url: str) -> str:
    """What all sizes and formats of a picture have in common.

    >>> identity("https://s.rfi.fr/media/display/0a1b/w:980/p:16x9/ferry.jpg")
    'https://s.rfi.fr/media/display/0a1b/ferry.jpg'
    """
    return _FORMAT.sub("", url)


def largest(candidates: Iterable[str]) -> str | None:
    """The address with the greatest width; the first of equals.

    >>> largest(["https://s.rfi.fr/w:300/ferry.jpg", "https://s.rfi.fr/w:980/ferry.jpg"])
    'https://s.rfi.fr/w:980/ferry.jpg'
    """
    return max(candidates, key=_width, default=None)


def _width(url: str) -> int:
    width = _WIDTH.search(url)
    return int(width[1][:6]) if width else _ORIGINAL


# ---- pictures in the markup ------------------------------------------------------------------------------


def pictures(root: Element, base: str) -> list[Image]:
    """Pictures below an element in document order: figures, and images that stand alone."""
    images: list[Image] = []
    done: set[Element] = set()
    for element in islice(root.iterdescendants("figure", "img"), MAX_LOOKED_AT):
        if element in done or len(images) >= MAX_PICTURES:
            continue
        inner = list(_images_of(element)) if element.tag == "figure" else [element]
        done.update(inner)
        if not _is_foreign(element, root) and (url := _largest_address(inner, base)):
            caption, credit = _caption(element) if element.tag == "figure" else (None, None)
            images.append(Image(url=url, caption=caption, credit=credit))
    return images


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


def _largest_address(images: Iterable[Element], base: str) -> str | None:
    """The address with the greatest width of all sizes and formats of a picture."""
    printed: list[str | None] = []
    for image in images:
        if not _is_tiny(image):
            printed += [_lazy(image), *_sources(image), image.get("data-src"), image.get("src")]
    by_width = sorted(filter(None, printed), key=_width, reverse=True)
    return next(filter(None, (web_address(each, base) for each in by_width)), None)


def _is_tiny(image: Element) -> bool:
    sides = (image.get("width") or "", image.get("height") or "")
    return any(side.isdecimal() and int(side[:6]) < _TINY for side in sides)


def _lazy(image: Element) -> str | None:
    """The address of the original of a picture that is loaded late."""
    dataset = _json(image.get(selectors.LAZY_IMAGE_ATTRIBUTE))
    if not isinstance(dataset, dict):
        return None
    directory, name = dataset.get("url"), dataset.get("filename")
    if not isinstance(directory, str) or not isinstance(name, str):
        return None
    return directory + name if directory and name else None


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
    addresses = []
    for each in value if isinstance(value, list) else [value]:
        printed = (each.get("contentUrl") or each.get("url")) if isinstance(each, dict) else each
        if url := web_address(printed, base):
            addresses.append(url)
    return addresses[:MAX_PICTURES]


def merged(pictures: list[Image], addresses: Iterable[str]) -> list[Image]:
    """Each picture of the markup once, at the largest of its own sizes and of those among the addresses."""
    images: dict[str, Image] = {}
    for picture in pictures:
        image = images.setdefault(identity(picture.url), picture)
        image.url = largest((image.url, picture.url)) or image.url
        image.caption, image.credit = image.caption or picture.caption, image.credit or picture.credit
    for url in without_placeholders(addresses):
        if same := images.get(identity(url)):
            same.url = largest((same.url, url)) or url
    return list(images.values())


# ---- recordings ------------------------------------------------------------------------------------------


def recordings_of(value: object, base: str) -> list[Audio]:
    """Recordings that a JSON-LD value holds."""
    recordings = []
    for each in value if isinstance(value, list) else [value]:
        node = each if isinstance(each, dict) else {"contentUrl": each}
        if url := web_address(node.get("contentUrl") or node.get("url"), base):
            recordings.append(Audio(url=url, duration_s=duration_s(node.get("duration"))))
    return recordings


def players(root: Element, base: str) -> list[Audio]:
    """Recordings of the players below an element, in document order."""
    recordings: list[Audio] = []
    for element in root.iterdescendants("script", "audio", "source"):
        if element.tag == "script":
            recordings.extend(_player(element, base))
        elif element.tag == "audio" or (element.get("type") or "").startswith("audio"):
            url = web_address(element.get("src"), base)
            recordings.extend([Audio(url=url)] if url else [])
    return recordings


def _player(script: Element, base: str) -> Iterator[Audio]:
    """The first recording among the settings of a player; nothing if the script is none."""
    if script.get(selectors.EMBED_SCRIPT_ATTRIBUTE) is None:
        return
    settings = _json(script.text)
    sources = settings.get("sources") if isinstance(settings, dict) else None
    for source in sources if isinstance(sources, list) else []:
        url = web_address(source.get("url"), base) if isinstance(source, dict) else None
        if url and _AUDIO.search(url):
            yield Audio(url=url, duration_s=_duration(source, settings, settings.get("diffusion")))
            return


def _duration(*values: object) -> int | None:
    """The first duration that one of several JSON values has, in seconds."""
    durations = (duration_s(value.get("duration")) for value in values if isinstance(value, dict))
    return next(filter(None, durations), None)


def without_doubles(recordings: Iterable[Audio]) -> list[Audio]:
    """Each recording once, with its duration if any of its mentions has one."""
    by_url: dict[str, Audio] = {}
    for recording in recordings:
        first = by_url.setdefault(recording.url, recording)
        first.duration_s = first.duration_s or recording.duration_s
    return list(by_url.values())


def _json(text: str | None) -> Any:
    if not text or len(text) > 1_000_000:  # noqa: PLR2004 - longer than any player's settings
        return None
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return next(iter(json_ld.loaded(text)), None)
