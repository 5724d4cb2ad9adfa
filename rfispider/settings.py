"""Every knob of a crawl with its default.

Scrapy reads this module; the environment overrides what deployments differ in, and `-s NAME=VALUE` on the
command line overrides both. Hosts and secrets come from the environment only.
"""

from collections.abc import Mapping
from os import environ
from typing import Any
from urllib.parse import urlsplit

from rfispider import __version__

# ---- Where things are ------------------------------------------------------------------------------------

MONGO_URI = environ.get("MONGO_URI", "")
"""The archive's server. Empty: an embedded mongod under `RFI_DATA` is started and shared."""
MONGO_DATABASE = environ.get("MONGO_DATABASE", "rfi")
RFI_DATA = environ.get("RFI_DATA", ".rfispider")
"""Directory of the embedded server's data and log."""
RFI_BASE_URL = environ.get("RFI_BASE_URL", "")
"""Where the site is fetched from, when that is a mirror or a replica. Stored URLs stay canonical."""

# ---- Manners ---------------------------------------------------------------------------------------------

RFI_CONTACT = environ.get("RFI_CONTACT", "")
"""Mail address or page that the user agent names, so that the site can reach who runs this crawl."""
RFI_RATE = environ.get("RFI_RATE", "")
"""Requests a second to one host; 0 is no limit. Empty: 1, or no limit when `RFI_BASE_URL` is this machine."""
RFI_CONCURRENCY = environ.get("RFI_CONCURRENCY", "8")
"""Requests in flight to one host."""

# ---- Reach -----------------------------------------------------------------------------------------------

RFI_FOLLOW_TOPICS = environ.get("RFI_FOLLOW_TOPICS", "0")
"""1: the tag and author lists that an article names are read too, as one hop. They reach far back in time."""

# ---- Limits ----------------------------------------------------------------------------------------------

RFI_PAGE_BYTES = environ.get("RFI_PAGE_BYTES", str(16 * 1024 * 1024))
"""A larger response is cut off and counted as failed."""
RFI_LIST_PAGES = environ.get("RFI_LIST_PAGES", "10")
"""How many pages of one section, tag or ticker list are read; 0 is no limit."""

# ---- Storing ---------------------------------------------------------------------------------------------

RFI_BATCH_ARTICLES = environ.get("RFI_BATCH_ARTICLES", "200")
"""Articles in one group commit."""
RFI_BATCH_SECONDS = environ.get("RFI_BATCH_SECONDS", "0.05")
"""The longest that an article waits for others to share its commit."""

# ---- Scrapy ----------------------------------------------------------------------------------------------

BOT_NAME = "rfispider"
SPIDER_MODULES = ["rfispider.spiders"]
COMMANDS_MODULE = "rfispider.commands"

ROBOTSTXT_OBEY = True
COOKIES_ENABLED = False
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
REFERRER_POLICY = "no-referrer"
DOWNLOAD_TIMEOUT = 60
RETRY_TIMES = 2
RETRY_GIVE_UP_LOG_LEVEL = "DEBUG"
"""Who asked tells of the failure, in one line."""
RETRY_HTTP_CODES = [408, 500, 502, 504]
"""Tried again at once; what says "slower" (403, 429, 503) is for the shared budget and the frontier."""

ITEM_PIPELINES = {
    "rfispider.pipelines.Extract": 100,
    "rfispider.pipelines.Check": 200,
    "rfispider.pipelines.Save": 900,
}
DOWNLOADER_MIDDLEWARES = {"rfispider.middlewares.Politeness": 560}
"""Between the retries, whose every answer counts, and the redirects."""
SPIDER_MIDDLEWARES = {"rfispider.middlewares.FollowLinks": 10}
EXTENSIONS = {
    "rfispider.extensions.Progress": 10,
    "rfispider.extensions.RunRecord": 20,
    "scrapy.extensions.logstats.LogStats": None,
    "scrapy.extensions.memusage.MemoryUsage": None,
}

LOG_LEVEL = environ.get("RFI_LOG_LEVEL", "INFO")
LOG_FORMATTER = "rfispider.logs.Lines"
LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"
LOG_DATEFORMAT = "%H:%M:%S"
STATS_DUMP = False
FEED_EXPORT_ENCODING = "utf-8"
DOWNLOAD_DELAY = 0
"""The pace is set by the budget that all workers share, before a request is made."""
SCHEDULER = "rfispider.scheduler.FrontierScheduler"
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"
"""The frontier knows every URL once."""


LIMITS = {"RFI_LIST_PAGES": 0, "RFI_BATCH_ARTICLES": 1, "RFI_BATCH_SECONDS": 0}
"""Settings that are numbers, and the least that each may be."""


class SettingError(ValueError):
    """A setting that cannot be used; the message names it and says what would be accepted."""


def derived(given: Mapping[str, Any]) -> dict[str, Any]:
    """Scrapy's own settings as they follow from ours.

    Raises:
        SettingError: a value that cannot be read, of these or of a setting that is read later.

    """
    for name, least in LIMITS.items():
        number(given, name, least=least)
    request_rate(given)
    concurrency = int(number(given, "RFI_CONCURRENCY", least=1))
    return {
        "USER_AGENT": user_agent(str(given["RFI_CONTACT"])),
        "CONCURRENT_REQUESTS": concurrency * 2,
        "CONCURRENT_REQUESTS_PER_DOMAIN": concurrency,
        "DOWNLOAD_MAXSIZE": int(number(given, "RFI_PAGE_BYTES", least=1)),
        "DOWNLOAD_WARNSIZE": 0,
    }


def request_rate(given: Mapping[str, Any]) -> float:
    """Requests a second to one host; 0 is no limit."""
    if str(given["RFI_RATE"]).strip():
        return number(given, "RFI_RATE", least=0)
    return 0.0 if on_this_machine(base_url(given)) else 1.0


def base_url(given: Mapping[str, Any]) -> str:
    """Where the site is fetched from, without a slash at its end; empty when that is the site itself."""
    base = str(given["RFI_BASE_URL"]).strip().rstrip("/")
    try:
        parts = urlsplit(base)
        usable = not base or (parts.scheme in {"http", "https"} and bool(parts.hostname))
    except ValueError:
        usable = False
    if not usable:
        raise SettingError(f"RFI_BASE_URL: {base!r} is not an http(s) URL such as http://127.0.0.1:8099")
    return base


def on_this_machine(url: str) -> bool:
    """Whether a URL names the loopback interface."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def user_agent(contact: str) -> str:
    """An honest user agent: what this is, and whom to write to."""
    about = contact.strip() or "no contact given; set RFI_CONTACT"
    return f"rfispider/{__version__} (+{about})"


def number(given: Mapping[str, Any], name: str, *, least: float) -> float:
    """The setting `name` as a number of at least `least`.

    Raises:
        SettingError: it is none.

    """
    try:
        value = float(given[name])
    except (TypeError, ValueError):
        value = float("nan")
    if not value >= least:
        raise SettingError(f"{name}: {given[name]!r} is not a number of at least {least:g}")
    return value
