"""Links that a page offers: related articles, the items of a list, the next page of it."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Final

from rfispider.extract import article_slice, element_text, layout, media, parsed_page
from rfispider.extract.html_document import Document, Element
from rfispider.items import ARTICLE_KINDS, TOPIC_KINDS, Entry, Kind, Page, Related
from rfispider.site import dates, selectors, urls

_OFFERED: Final = ARTICLE_KINDS | {Kind.PROGRAMME}
"""Kinds that a related block holds."""
_LISTED: Final = _OFFERED | {Kind.ARCHIVE_DAY}
_NO_LIST: Final = ("header", "footer", "nav", "form")
_NO_TEXT: Final = ("figure", "svg", "time", "noscript")
"""Elements of a link whose text is no part of its title."""
_PAGE_NUMBER: Final = re.compile(r"/(\d{1,5})/?$")
_NEXT: Final = re.compile(r"\bnext\b", re.IGNORECASE)
_HEADINGS: Final = ("h2", "h3", "h4", "div", "span", "p")
_ABOVE: Final = 12
"""Ancestors of a link among which its item is looked for."""
_WITHIN: Final = 200
"""Elements of an item that are looked at."""
_MAX_RELATED: Final = 200
"""Links of a related block that are looked at; it has three to ten."""
_MAX_LINKS: Final = 3_000
"""Links of a list page that are looked at; an archive day has some hundreds."""


def related(page: Page) -> list[Related]:
    """The entries of the related-articles block of a page, in its order; empty if it has none."""
    document = parsed_page.of(page)
    if not isinstance(document, Document):
        return []
    if document.related is None:
        return related_of(page, document, layout.find(document).article)
    return list(document.related)


def related_of(page: Page, document: Document, article: Element | None) -> list[Related]:
    """The same for a page that is parsed and whose article's element is known; kept with the parsed page."""
    document.related = _read_related(page, document, article)
    return list(document.related)


def _read_related(page: Page, document: Document, article: Element | None) -> list[Related]:
    own = urls.key(page.url)
    entries: dict[str, Related] = {}
    blocks = _related_blocks(page, document, article)
    for link in islice(chain.from_iterable(block.iter("a") for block in blocks), _MAX_RELATED):
        url = _target(link, page, document)
        if url is None or urls.kind(url) not in _OFFERED or (key := urls.key(url)) == own:
            continue
        item = _item(link)
        if key not in entries and (title := _title(link, item)):
            entries[key] = Related(key=key, url=url, title=title, label=_label(link, item), position=len(entries))
    return list(entries.values())


def _related_blocks(page: Page, document: Document, article: Element | None) -> list[Element]:
    """Elements that hold related articles: marked by an attribute, by their heading, or by the links in them."""
    asides = document.all("aside")
    if marked := list(filter(article_slice.is_marked_related, asides)):
        return [aside for aside in marked if article in aside.iterancestors()] or marked
    words = {word.casefold() for word in parsed_page.related_headings(page.url)}
    headed = [aside for aside in asides if _heading(aside) in words]
    if headed:
        return headed
    links = article.iterdescendants("a") if article is not None else ()
    return list(filter(_is_item_link, links))


def _is_item_link(link: Element) -> bool:
    return link.get(selectors.ITEM_LINK_ATTRIBUTE) is not None


def _heading(element: Element) -> str:
    headings = islice(element.iterdescendants(*_HEADINGS), _ABOVE)
    heading = next((each for each in headings if len(each) < _ABOVE and element_text.of(each)), None)
    return element_text.of(heading).rstrip(":： ").casefold()


def topics(page: Page) -> list[str]:
    """Canonical URLs of the tag and author lists that an article says it belongs to, in its order, each once."""
    document = parsed_page.of(page)
    if not isinstance(document, Document) or (article := layout.find(document).article) is None:
        return []
    targets = (_target(link, page, document) for link in article.iterdescendants("a"))
    lists = (url for url in targets if url and urls.kind(url) in TOPIC_KINDS)
    return list(dict.fromkeys(lists))


# ---- the items of a list ---------------------------------------------------------------------------------


def listed(page: Page) -> list[Entry]:
    """The articles, programmes and archive days to which a list page leads, in its order, each once.

    Links of its header, footer and navigation do not count.
    """
    document = parsed_page.whole(page)
    if not isinstance(document, Document):
        return []
    entries: dict[str, Entry] = {}
    for link in _links(document.root):
        url = _target(link, page, document)
        if url is not None and urls.kind(url) in _LISTED:
            entry = _entry(link, url, page, document.base_url)
            _complete(entries.setdefault(urls.key(url), entry), entry)
    entries.pop(urls.key(page.url), None)
    return list(entries.values())


def _complete(entry: Entry, other: Entry) -> None:
    """Fill what an entry lacks from another one of the same URL."""
    entry.title, entry.label = entry.title or other.title, entry.label or other.label
    entry.published_at, entry.image = entry.published_at or other.published_at, entry.image or other.image


def _links(root: Element) -> Iterator[Element]:
    of_chrome = {link for chrome in root.iter(*_NO_LIST) for link in chrome.iter("a")}
    links = (link for link in root.iter("a") if link not in of_chrome and link.get("href"))
    return islice(links, _MAX_LINKS)


def _entry(link: Element, url: str, page: Page, base_url: str) -> Entry:
    item = _item(link)
    time = next(item.iter("time"), None)
    moment = dates.moment(time.get("datetime")) if time is not None else None
    pictures = media.pictures(item, base_url) if item.tag != "body" else []
    return Entry(
        url=url,
        title=_title(link, item) or None,
        label=_label(link, item),
        published_at=moment if dates.believable(moment, page.fetched_at) else None,
        image=next((image.url for image in pictures if not media.is_placeholder(image.url)), None),
    )


def canonical(page: Page, document: Document) -> str | None:
    """The URL that a page names as its own, where that is another article of the edition."""
    if document.fragment:
        return None
    url = _named_canonical(page, document) or page.url
    is_other = urls.key(url) != urls.key(page.url) and urls.edition(url) == urls.edition(page.url)
    return url if is_other and urls.is_article(url) else None


def own_addresses(page: Page, document: Document) -> Iterator[str]:
    """The URLs under which a page is known: its own, its aliases, and the one that it names as canonical."""
    yield from (page.url, *page.aliases)
    if url := _named_canonical(page, document):
        yield url


def _named_canonical(page: Page, document: Document) -> str | None:
    links = (link for link in document.all("link") if "canonical" in (link.get("rel") or "").lower().split())
    targets = (_target(link, page, document) for link in links)
    return next(filter(None, targets), None)


def _target(link: Element, page: Page, document: Document) -> str | None:
    href = (link.get("href") or "").strip()
    return parsed_page.resolved(href, page, document) if href and not href.startswith("#") else None


def _item(link: Element) -> Element:
    """The element of the list's item that a link belongs to: marked as such, else the link itself."""
    for ancestor in islice(link.iterancestors(), _ABOVE):
        if ancestor.get(selectors.ITEM_ATTRIBUTE) is not None or _is_item(ancestor):
            main = next(filter(_is_item_link, ancestor.iter("a")), link)
            return ancestor if main is link or main.get("href") == link.get("href") else link
    return link


def _is_item(element: Element) -> bool:
    return not set(selectors.ITEM_CLASSES).isdisjoint((element.get("class") or "").split())


def _title(link: Element, item: Element) -> str:
    """The title of a link: what is marked as title, else a heading, else its text without the label."""
    for root in (link, item):
        marked = next(element_text.inside(root, selectors.ITEM_TITLE_CLASSES, _WITHIN), None)
        heading = marked if marked is not None else next(_headings(root), None)
        if heading is not None and (printed := element_text.decoded(_text(heading))):
            return printed
    label = next(element_text.inside(link, selectors.LABEL_CLASSES, _WITHIN), None)
    printed = element_text.decoded(_text(link)) or element_text.decoded(link.get("title"))
    return printed.removeprefix(element_text.of(label)).strip() if label is not None else printed


def _headings(root: Element) -> Iterator[Element]:
    near = islice(root.iterdescendants("*"), _WITHIN)
    return (element for element in near if element.tag in ("h1", "h2", "h3", "h4"))


def _text(element: Element) -> str:
    """The text of a link without that of pictures and times in it."""
    if next(element.iter(*_NO_TEXT), None) is None:
        return element_text.of(element)
    return element_text.without(element, _NO_TEXT)


def _label(link: Element, item: Element) -> str | None:
    """The topic shown above the title."""
    label = next(element_text.inside(item, selectors.LABEL_CLASSES, _WITHIN), None)
    if label is None:
        label = next((span for span in _spans_outside(item, link) if element_text.of(span)), None)
    return element_text.decoded(element_text.of(label)) or None if label is not None else None


def _spans_outside(item: Element, link: Element) -> Iterable[Element]:
    if item is link:
        return ()
    inside = set(link.iter("span"))
    return (span for span in islice(item.iterdescendants("span"), _ABOVE) if span not in inside)


# ---- the next page ---------------------------------------------------------------------------------------


def next_page(page: Page) -> str | None:
    """Canonical URL of the page that continues a list; None on the last one and on what is no list."""
    document = parsed_page.whole(page)
    if not isinstance(document, Document):
        return None
    for element in (*document.all("link"), *document.root.iter("a")):
        if _NEXT.search(element.get("rel") or "") and (url := _target(element, page, document)):
            return url if urls.key(url) != urls.key(page.url) else None
    try:
        following = urls.page_of_list(page.url, _number(page.url) + 1)
    except ValueError:
        return None
    targets = (_target(link, page, document) for link in document.root.iter("a"))
    return following if following in targets else None


def _number(url: str) -> int:
    """Which page of a list a URL is, from 1."""
    last_part = _PAGE_NUMBER.search(url)
    number = int(last_part[1]) if last_part else 1
    try:
        return number if urls.page_of_list(url, number) == urls.canonical(url) else 1
    except ValueError:
        return 1
