"""How the model site errs: an answer that is not the truth, once or for a while."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

from tests.support.truth.site import FEED, Answer, Site, interstitial, page

NO_ARTICLE: Final = b"<!DOCTYPE html><html><head><title>RFI</title></head><body><h2>%s</h2>%s</body></html>"
LINKS: Final = b"".join(b'<a href="/fr/page-%d">There</a> ' % number for number in range(30))
"""So many that the page is no wall."""
MAINTENANCE: Final = NO_ARTICLE % (b"We will be back soon", LINKS)
MOVED: Final = (
    b'<!DOCTYPE html><html><head><meta http-equiv="refresh" content="0; url=/fr/"><title>RFI</title></head>'
    b"<body>" + LINKS + b"</body></html>"
)
ONCE: Final = 1
LONG: Final = 1000

Lie = Callable[[Site, str, "Fault", datetime], Answer]


@dataclass(slots=True)
class Fault:
    """One way in which the site errs at present."""

    kind: str
    urls: frozenset[str]
    """Which URLs it concerns; none: all articles."""
    other: str
    """The URL whose place is taken, where there is one."""
    until: datetime
    answers: int
    """How many more answers it spoils at most."""

    def concerns(self, url: str, now: datetime) -> bool:
        """Whether the answer to a URL is wrong now."""
        return bool(self.answers) and now < self.until and url != FEED and (not self.urls or url in self.urls)


class Faults:
    """All that is wrong with a site."""

    def __init__(self, site: Site, luck: Random) -> None:
        self.site = site
        self.luck = luck
        self.active: list[Fault] = []
        self.lies: Counter[str] = Counter()
        """URL -> its answers so far that would bind or lose its article."""

    def begin(self, now: datetime) -> str:
        """One more fault; what it is, for a person."""
        alive = self.site.alive()
        if len(alive) < 2:
            return "none"
        first, second = self.luck.sample(alive, 2)
        kind = self.luck.choice(list(LIES))
        lasting = timedelta(seconds=self.luck.choice((60, 1800, 7200, 86400 * 3)))
        fault = Fault(
            kind=kind,
            urls=_concerned(kind, first, second, self.luck),
            other=second,
            until=now + lasting,
            answers=self.luck.choice((ONCE, ONCE, 2, LONG)),
        )
        self.active.append(fault)
        return f"{kind} {[each[-13:] for each in sorted(fault.urls)]} for {lasting}, {fault.answers} answers"

    def end(self) -> None:
        """All is well again."""
        self.active.clear()

    def answer(self, url: str, now: datetime, if_none_match: str | None) -> Answer:
        """What the site says to a request."""
        fault = next((each for each in self.active if each.concerns(url, now)), None)
        truth = self.site.answer(url)
        if fault is None:
            return conditional(truth, if_none_match)
        fault.answers -= 1
        self.lies[url] += fault.kind not in HARMLESS
        lie = LIES[fault.kind](self.site, url, fault, now)
        if fault.kind == "unasked-304":
            return replace(lie, status=304, body=b"", version=None)
        return conditional(lie, if_none_match)


HARMLESS: Final = frozenset({"403", "500", "broken", "unasked-304", "stuck-etag"})
"""Kinds of faults that say nothing about an article."""


def conditional(answer: Answer, if_none_match: str | None) -> Answer:
    """The answer to a request that may be conditional."""
    if answer.status == 200 and answer.etag and answer.etag == if_none_match:
        return replace(answer, status=304, body=b"")
    return answer


def _concerned(kind: str, first: str, second: str, luck: Random) -> frozenset[str]:
    if kind == "swapped":
        return frozenset((first, second))
    everywhere = kind in {"interstitial", "maintenance", "moved"} and luck.random() < 0.7
    return frozenset() if everywhere else frozenset((first,))


def _of_other(site: Site, url: str, fault: Fault, now: datetime) -> Answer:
    """Under its own address, the text of another one."""
    other = next((each for each in sorted(fault.urls) if each != url), fault.other)
    answer = site.answer(site.target(other))
    body = answer.body.replace(answer.url.encode(), url.encode())
    return replace(answer, url=url, body=body, etag=_of_lie(answer.etag), location=None, version=None)


def _interstitial(site: Site, url: str, fault: Fault, now: datetime) -> Answer:
    return Answer(url=url, body=page(url, interstitial(fault.until)), etag='"notice"')


def _false_canonical(site: Site, url: str, fault: Fault, now: datetime) -> Answer:
    truth = site.answer(url)
    return replace(
        truth, body=truth.body.replace(truth.url.encode(), fault.other.encode()), etag=_of_lie(truth.etag), version=None
    )


def _false_redirect(site: Site, url: str, fault: Fault, now: datetime) -> Answer:
    return Answer(url=url, status=302, location=fault.other)


def _status(status: int) -> Lie:
    return lambda site, url, fault, now: Answer(url=url, status=status)


def _body(body: bytes) -> Lie:
    return lambda site, url, fault, now: Answer(url=url, body=body, etag='"none"')


def _broken(site: Site, url: str, fault: Fault, now: datetime) -> Answer:
    return Answer(url=url, broken=True)


def _stuck(site: Site, url: str, fault: Fault, now: datetime) -> Answer:
    """The truth, under an ETag that does not change with it."""
    return replace(site.answer(url), etag='"stuck"')


def _of_lie(etag: str | None) -> str | None:
    """Another ETag than the truth at the same URL has: with the same one, nobody could tell them apart."""
    return etag and f'"not-{etag[1:]}'


def _truth(site: Site, url: str, fault: Fault, now: datetime) -> Answer:
    return site.answer(url)


LIES: Final[dict[str, Lie]] = {
    "text-of-another": _of_other,
    "swapped": _of_other,
    "interstitial": _interstitial,
    "maintenance": _body(MAINTENANCE),
    "moved": _body(MOVED),
    "false-canonical": _false_canonical,
    "false-redirect": _false_redirect,
    "404": _status(404),
    "410": _status(410),
    "403": _status(403),
    "500": _status(500),
    "broken": _broken,
    "unasked-304": _truth,
    "stuck-etag": _stuck,
}
"""Kind of fault -> the answer in place of the truth."""
