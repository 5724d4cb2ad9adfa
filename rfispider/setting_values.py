"""What the settings mean: read from their texts, checked, and turned into Scrapy's. Pure.

Every function takes the settings as a mapping of names to values, and raises SettingError where a value cannot be used.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from rfispider import __version__
from rfispider.text import without_credentials

Settings = Mapping[str, Any]


class SettingError(ValueError):
    """A setting that cannot be used; the message names it and says what would be accepted."""


def derived(settings: Settings) -> dict[str, Any]:
    """Scrapy's own settings as they follow from ours; all of ours are checked.

    Raises:
        SettingError: a value cannot be used, or two do not go together.

    """
    _check(settings)
    concurrency = whole_number(settings, "RFI_CONCURRENCY")
    return {
        "USER_AGENT": user_agent(str(settings["RFI_CONTACT"])),
        # Scrapy (2.19) counts what it lets through to a host too late: while requests wait, only this bound holds.
        "CONCURRENT_REQUESTS": concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": concurrency,
        "DOWNLOAD_MAXSIZE": whole_number(settings, "RFI_PAGE_BYTES"),
        "DOWNLOAD_WARNSIZE": 0,
    }


def _check(settings: Settings) -> None:
    """Read every setting, so that what is read late in a run is refused at its start."""
    for name in RANGES:
        number(settings, name)
    for name in FLAGS:
        flag(settings, name)
    for name in ALERTS:
        alert_url(settings, name)
    request_rate(settings)
    in_flight(settings)
    json_wanted(settings)
    listen_address(settings, "RFI_METRICS_PORT")
    mail_addresses(settings)


# ---- Numbers ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Range:
    """The values that a number may have."""

    least: float
    most: float
    is_whole: bool = False

    def __contains__(self, value: float) -> bool:
        return self.least <= value <= self.most and (not self.is_whole or value.is_integer())

    def __str__(self) -> str:
        return f"a {'whole ' if self.is_whole else ''}number from {self.least:.16g} to {self.most:.16g}"


MAX_IN_FLIGHT: Final = 100_000
LEAST_RATE: Final = 1e-4
"""Requests a second: one in three hours is slower than anybody wants."""

RANGES: Final[Mapping[str, Range]] = {
    "RFI_RATE": Range(0, 1000),
    "RFI_CONCURRENCY": Range(1, 1000, is_whole=True),
    "RFI_PAGE_BYTES": Range(1, 2**30, is_whole=True),
    "RFI_LIST_PAGES": Range(0, 100_000, is_whole=True),
    "RFI_EXTRACT_PROCESSES": Range(0, 256, is_whole=True),
    "RFI_EXTRACT_SECONDS": Range(0.1, 3600),
    "RFI_BATCH_ARTICLES": Range(1, 10_000, is_whole=True),
    "RFI_BATCH_SECONDS": Range(0, 60),
    "RFI_RENDER_SECONDS": Range(1, 3600),
    "RFI_RENDERS_AT_ONCE": Range(1, 100, is_whole=True),
}
"""Settings that are numbers. The upper bounds are ours: far above any use, and low enough for timers and memory."""

UNSET: Final = frozenset({"RFI_RATE"})
"""Numbers that may be empty."""

_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def number(settings: Settings, name: str) -> float:
    """The setting `name`, one of `RANGES`, as a number; 0 for one of `UNSET` that is empty."""
    if name in UNSET and not str(settings[name]).strip():
        return 0.0
    return _number(name, settings[name], RANGES[name])


def whole_number(settings: Settings, name: str) -> int:
    """The setting `name`, one of the whole numbers of `RANGES`."""
    return int(number(settings, name))


def _number(name: str, value: object, accepted: Range) -> float:
    text = str(value).strip()
    parsed = float(text) if _NUMBER.fullmatch(text) else float("nan")
    if parsed not in accepted:
        raise SettingError(f"{name}: {value!r} is not {accepted}")
    return parsed


def request_rate(settings: Settings) -> float:
    """Requests a second to one host; 0 is no limit, and what an unset rate means for a site on this machine."""
    if not str(settings["RFI_RATE"]).strip():
        return 0.0 if on_this_machine(base_url(settings)) else 1.0
    rate = number(settings, "RFI_RATE")
    if 0 < rate < LEAST_RATE:
        raise SettingError(f"RFI_RATE: {settings['RFI_RATE']!r} is neither 0 nor a number from {LEAST_RATE:g} to 1000")
    return rate


def in_flight(settings: Settings) -> int:
    """How many URLs may be given out whose outcome is not stored yet; at least as many as requests at a time.

    The setting is RFI_IN_FLIGHT. Its former name RFI_UNSETTLED is read too, and comes first: a value of that name can
    only have been given to this run.
    """
    concurrency = whole_number(settings, "RFI_CONCURRENCY")
    for name in ("RFI_UNSETTLED", "RFI_IN_FLIGHT"):
        if str(settings.get(name, "")).strip():
            return int(_number(name, settings[name], Range(concurrency, MAX_IN_FLIGHT, is_whole=True)))
    return concurrency


# ---- Choices ---------------------------------------------------------------------------------------------

FLAGS: Final = ("RFI_FOLLOW_TOPICS", "RFI_KEEP_PAGES")
"""Settings that are 0 or 1."""
_FLAG_TEXTS: Final = {"0": False, "1": True, "false": False, "true": True}
"""As Scrapy's `getbool` reads them."""


def flag(settings: Settings, name: str) -> bool:
    """The setting `name`, one of `FLAGS`."""
    text = str(settings[name]).strip().lower()
    if text not in _FLAG_TEXTS:
        raise SettingError(f"{name}: {settings[name]!r} is neither 0 nor 1")
    return _FLAG_TEXTS[text]


def renderer(settings: Settings) -> str:
    """What renders pages: splash, playwright, or nothing (empty)."""
    url, choice = str(settings["SPLASH_URL"]).strip(), str(settings["RFI_RENDERER"]).strip().lower()
    if url and not _is_url(url, ("http", "https")):
        raise SettingError("SPLASH_URL: it is not an http(s) URL such as http://127.0.0.1:8050")
    if choice not in {"", "none", "splash", "playwright"}:
        raise SettingError(f"RFI_RENDERER: {choice!r} is not splash, playwright or none")
    if choice == "splash" and not url:
        raise SettingError("RFI_RENDERER: splash needs SPLASH_URL")
    choice = choice or ("splash" if url else "")
    return "" if choice == "none" else choice


def json_wanted(settings: Settings) -> bool:
    """Whether the log is written as JSON lines, and not as text."""
    form = str(settings["RFI_LOG"]).strip().lower() or "text"
    if form not in {"text", "json"}:
        raise SettingError(f"RFI_LOG: {form!r} is neither text nor json")
    return form == "json"


def user_agent(contact: str) -> str:
    """An honest user agent: what this is, and whom to write to."""
    about = contact.strip() or "no contact given; set RFI_CONTACT"
    return f"rfispider/{__version__} (+{about})"


# ---- Addresses -------------------------------------------------------------------------------------------

LAST_PORT: Final = 65535


def base_url(settings: Settings) -> str:
    """Where the site is fetched from, without a slash at its end; empty when that is the site itself."""
    base = str(settings["RFI_BASE_URL"]).strip().rstrip("/")
    if base and (not _is_url(base, ("http", "https")) or "?" in base or "#" in base):
        shown = without_credentials(base)
        raise SettingError(f"RFI_BASE_URL: {shown!r} is not an http(s) URL such as http://127.0.0.1:8099")
    return base


def on_this_machine(url: str) -> bool:
    """Whether a URL names the loopback interface.

    >>> on_this_machine("http://[::1]:8080"), on_this_machine("https://www.rfi.fr")
    (True, False)
    """
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_url(url: str, schemes: tuple[str, ...]) -> bool:
    """Whether a text is a URL of one of these schemes, with a host, and a port that there is, if any."""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_usable and not re.search(r"[\s\x00-\x1f\x7f]", url)


ALERTS: Final[Mapping[str, tuple[str, ...]]] = {
    "RFI_ALERT_WEBHOOK": ("http", "https"),
    "RFI_ALERT_SLACK": ("http", "https"),
    "RFI_ALERT_SMTP": ("smtp", "smtps"),
}
"""Settings that are URLs, and the schemes that each may have."""


def alert_url(settings: Settings, name: str) -> str:
    """The setting `name`, one of `ALERTS`; empty when it is not set.

    An error does not repeat the URL, which may hold a secret.
    """
    url, schemes = str(settings[name]).strip(), ALERTS[name]
    if url and not _is_url(url, schemes):
        raise SettingError(f"{name}: it is not a URL such as {schemes[0]}://host/")
    return url


def mail_addresses(settings: Settings) -> tuple[str, ...]:
    """The mail addresses of RFI_ALERT_MAIL."""
    texts = (text.strip() for text in str(settings["RFI_ALERT_MAIL"]).split(","))
    addresses = tuple(text for text in texts if text)
    for address in addresses:
        if re.search(r"[\s<>]", address):
            raise SettingError(f"RFI_ALERT_MAIL: {address!r} is not a mail address such as desk@news.example")
    if addresses and not alert_url(settings, "RFI_ALERT_SMTP"):
        raise SettingError("RFI_ALERT_MAIL: mail needs a server, RFI_ALERT_SMTP")
    return addresses


def listen_address(settings: Settings, name: str) -> tuple[str, int] | None:
    """The setting `name` as host and port to listen on; None when it is empty."""
    value = str(settings[name]).strip()
    return listening(value, name) if value else None


def listening(value: str, name: str) -> tuple[str, int]:
    """Host and port of PORT or HOST:PORT, with `[...]` round an IPv6 address; loopback unless a host is named.

    Raises:
        SettingError: it is neither; the message calls it `name`.

    >>> listening("[::1]:9108", "--serve"), listening("9108", "--serve")
    (('::1', 9108), ('127.0.0.1', 9108))
    """
    host, _, port = value.rpartition(":")
    if not re.fullmatch("[0-9]{1,5}", port) or int(port) > LAST_PORT:
        raise SettingError(f"{name}: {value!r} is not a port, or HOST:PORT such as 127.0.0.1:9108")
    return host.strip("[]") or "127.0.0.1", int(port)
