"""Every knob of a crawl with its default.

Scrapy reads this module; the environment overrides what deployments differ in, and `-s NAME=VALUE` on the
command line overrides both. Hosts and secrets come from the environment only.
"""

import sys
from collections.abc import Mapping
from os import environ
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rfispider import __version__


def secret(name: str, default: str = "") -> str:
    """A variable of the environment, or the contents of the file that NAME_FILE names, without space at its ends.

    Raises:
        SystemExit: the file cannot be read; one line on stderr, exit status 1.

    """
    path = environ.get(f"{name}_FILE", "")
    if environ.get(name) or not path:
        return environ.get(name, default)
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise SystemExit(f"rfispider: {name}_FILE: {error}") from error


# ---- Where things are ------------------------------------------------------------------------------------

MONGO_URI = secret("MONGO_URI")
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
"""Requests of one worker at a time."""
RFI_UNSETTLED = environ.get("RFI_UNSETTLED", "")
"""URLs of one worker in flight: asked for, or answered and not yet stored. So many a killed worker costs again; more
than `RFI_CONCURRENCY` let articles share the round trips of a commit. Empty: as many as `RFI_CONCURRENCY`."""

# ---- Reach -----------------------------------------------------------------------------------------------

RFI_FOLLOW_TOPICS = environ.get("RFI_FOLLOW_TOPICS", "0")
"""1: the tag and author lists that an article names are read too, as one hop. They reach far back in time."""

# ---- Limits ----------------------------------------------------------------------------------------------

RFI_PAGE_BYTES = environ.get("RFI_PAGE_BYTES", str(16 * 1024 * 1024))
"""A larger response is cut off and counted as failed."""
RFI_LIST_PAGES = environ.get("RFI_LIST_PAGES", "10")
"""How many pages of one section, tag or live-feed list are read; 0 is no limit."""

RFI_EXTRACT_PROCESSES = environ.get("RFI_EXTRACT_PROCESSES", "1")
"""Processes of one worker that read pages; 0: the worker reads them itself, and waits for one that hangs."""
RFI_EXTRACT_SECONDS = environ.get("RFI_EXTRACT_SECONDS", "20")
"""A page that takes longer to read is killed and has failed: the worst of a thousand real ones took 1.2."""

# ---- Storing ---------------------------------------------------------------------------------------------

RFI_BATCH_ARTICLES = environ.get("RFI_BATCH_ARTICLES", "200")
"""Articles in one group commit."""
RFI_BATCH_SECONDS = environ.get("RFI_BATCH_SECONDS", "0.02")
"""The longest that an article waits for others to share its commit."""

# ---- Rendering -------------------------------------------------------------------------------------------

SPLASH_URL = environ.get("SPLASH_URL", "")
"""A Splash server that renders articles whose body comes by script. Empty: none are rendered."""
RFI_RENDERER = environ.get("RFI_RENDERER", "")
"""splash, playwright or none. Empty: splash if `SPLASH_URL` is set."""
RFI_CHROMIUM = environ.get("RFI_CHROMIUM", "")
"""Program of the browser that playwright uses. Empty: the first Chromium on PATH."""
RFI_RENDER_SECONDS = environ.get("RFI_RENDER_SECONDS", "30")
"""The longest that one page may be rendered."""
RFI_RENDERS_AT_ONCE = environ.get("RFI_RENDERS_AT_ONCE", "2")
"""Pages that are rendered at the same time by one worker."""
RFI_KEEP_PAGES = environ.get("RFI_KEEP_PAGES", "1")
"""1: the raw page of each stored revision is kept, compressed, so that it can be extracted again. 0: none is."""

# ---- Watching --------------------------------------------------------------------------------------------

RFI_METRICS_PORT = environ.get("RFI_METRICS_PORT", "")
"""Port, or HOST:PORT, on which a crawl tells Prometheus of itself; loopback unless a host is named."""
RFI_METRICS_FILE = environ.get("RFI_METRICS_FILE", "")
"""File for the node exporter's textfile collector, *.prom: written twice a minute and at the end."""
RFI_ALERT_WEBHOOK = secret("RFI_ALERT_WEBHOOK")
"""URL that is told by POST of JSON when a run did not do its job or looks unlike the runs before it."""
RFI_ALERT_SLACK = secret("RFI_ALERT_SLACK")
"""Incoming webhook of Slack, or of what understands the same, that is told too."""
RFI_ALERT_MAIL = environ.get("RFI_ALERT_MAIL", "")
"""Mail addresses that are told too, comma-separated."""
RFI_ALERT_SMTP = secret("RFI_ALERT_SMTP", "smtp://127.0.0.1:25")
"""Mail server: smtp://[USER:PASSWORD@]HOST[:PORT], or smtps:// for TLS from the start."""
RFI_ALERT_FROM = environ.get("RFI_ALERT_FROM", "")
"""Sender of these mails; empty: rfispider at this machine's name."""

# ---- Scrapy ----------------------------------------------------------------------------------------------

BOT_NAME = "rfispider"
SPIDER_MODULES = ["rfispider.crawl.spiders"]
COMMANDS_MODULE = "rfispider.crawl.commands"

ROBOTSTXT_OBEY = True
COOKIES_ENABLED = False
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
REFERRER_POLICY = "no-referrer"
DOWNLOAD_TIMEOUT = 60
DOWNLOAD_FAIL_ON_DATALOSS = True
"""A body that is shorter than announced is a failed download."""
RETRY_TIMES = 2
RETRY_GIVE_UP_LOG_LEVEL = "DEBUG"
"""Who asked tells of the failure, in one line."""
RETRY_HTTP_CODES = [408, 500, 502, 504]
"""Tried again at once; what says "slower" (403, 429, 503) is for the shared budget and the frontier."""

ITEM_PIPELINES = {
    "rfispider.crawl.pipelines.Extract": 100,
    "rfispider.crawl.pipelines.Check": 200,
    "rfispider.crawl.pipelines.Save": 900,
}
DOWNLOADER_MIDDLEWARES = {
    "rfispider.crawl.offsite.OffsiteGuard": 10,
    # Stricter than this, which lets a retried request go anywhere.
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    # Between the retries, whose every answer counts, and the redirects.
    "rfispider.crawl.middlewares.Politeness": 560,
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": None,
    "rfispider.crawl.middlewares.Redirects": 600,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    "rfispider.crawl.whole_content.WholeContent": 590,
}
TWISTED_DNS_RESOLVER = "rfispider.crawl.offsite.Resolver"
REDIRECT_MAX_TIMES = 5
METAREFRESH_ENABLED = False
"""An article is never reached by one, and to look for it costs the decoding of every page."""
SPIDER_MIDDLEWARES = {
    "rfispider.crawl.middlewares.FollowLinks": 10,
    # They look at requests that a page yields: ours come from the frontier.
    "scrapy.spidermiddlewares.start.StartSpiderMiddleware": None,
    "scrapy.spidermiddlewares.depth.DepthMiddleware": None,
    "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware": None,
    "scrapy.spidermiddlewares.metacopy.MetaCopyDetectionMiddleware": None,
}
ADDONS = {"rfispider.crawl.rendering.RenderingAddon": 100}
EXTENSIONS = {
    "rfispider.crawl.progress_log.ProgressLog": 10,
    "rfispider.crawl.run_record.RunRecord": 20,
    "rfispider.crawl.metrics.Metrics": 30,
    "scrapy.extensions.logstats.LogStats": None,
    "scrapy.extensions.memusage.MemoryUsage": None,
}

LOG_LEVEL = environ.get("RFI_LOG_LEVEL", "INFO")
RFI_LOG = environ.get("RFI_LOG", "text")
"""text: lines for people. json: one JSON object a line."""
LOG_FORMATTER = "rfispider.crawl.logs.LogLines"
LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"
LOG_DATEFORMAT = "%H:%M:%S"
STATS_DUMP = False
FEED_EXPORT_ENCODING = "utf-8"
CONCURRENT_ITEMS = 2
"""A page is one item. Scrapy makes so many tasks for every response; 100, its default, cost more than the parse."""
SCRAPER_SLOT_MAX_ACTIVE_SIZE = sys.maxsize
"""The number of pages in memory has a bound already, `RFI_UNSETTLED`."""
DOWNLOAD_DELAY = 0
"""The pace is set by the budget that all workers share, before a request is made."""
SCHEDULER = "rfispider.crawl.scheduler.FrontierScheduler"
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"
"""The frontier knows every URL once."""


LIMITS = {
    "RFI_LIST_PAGES": 0,
    "RFI_EXTRACT_PROCESSES": 0,
    "RFI_EXTRACT_SECONDS": 0.1,
    "RFI_BATCH_ARTICLES": 1,
    "RFI_BATCH_SECONDS": 0,
    "RFI_RENDER_SECONDS": 1,
    "RFI_RENDERS_AT_ONCE": 1,
}
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
    json_wanted(given)
    address(given, "RFI_METRICS_PORT")
    for name in ALERTS:
        receiver(given, name)
    concurrency = int(number(given, "RFI_CONCURRENCY", least=1))
    in_flight(given)
    return {
        "USER_AGENT": user_agent(str(given["RFI_CONTACT"])),
        # Scrapy (2.19) counts what it lets through to a host too late: while requests wait, only this bound holds.
        "CONCURRENT_REQUESTS": concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": concurrency,
        "DOWNLOAD_MAXSIZE": int(number(given, "RFI_PAGE_BYTES", least=1)),
        "DOWNLOAD_WARNSIZE": 0,
    }


def in_flight(given: Mapping[str, Any]) -> int:
    """How many URLs may be given out and not yet settled, of settings.

    Raises:
        SettingError: `RFI_UNSETTLED` is less than `RFI_CONCURRENCY`, or no number.

    """
    concurrency = int(number(given, "RFI_CONCURRENCY", least=1))
    wanted = str(given["RFI_UNSETTLED"]).strip()
    return int(number(given, "RFI_UNSETTLED", least=concurrency)) if wanted else concurrency


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


def renderer(given: Mapping[str, Any]) -> str:
    """What renders pages: splash, playwright, or nothing (empty)."""
    url, chosen = str(given["SPLASH_URL"]).strip(), str(given["RFI_RENDERER"]).strip().lower()
    if url and not url.startswith(("http://", "https://")):
        raise SettingError("SPLASH_URL: it is not an http(s) URL such as http://127.0.0.1:8050")
    if chosen not in {"", "none", "splash", "playwright"}:
        raise SettingError(f"RFI_RENDERER: {chosen!r} is not splash, playwright or none")
    if chosen == "splash" and not url:
        raise SettingError("RFI_RENDERER: splash needs SPLASH_URL")
    chosen = chosen or ("splash" if url else "")
    return "" if chosen == "none" else chosen


def json_wanted(given: Mapping[str, Any]) -> bool:
    """Whether the log is written as JSON lines.

    Raises:
        SettingError: another form is asked for than text or json.

    """
    form = str(given["RFI_LOG"]).strip().lower() or "text"
    if form not in {"text", "json"}:
        raise SettingError(f"RFI_LOG: {form!r} is neither text nor json")
    return form == "json"


def on_this_machine(url: str) -> bool:
    """Whether a URL names the loopback interface."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def user_agent(contact: str) -> str:
    """An honest user agent: what this is, and whom to write to."""
    about = contact.strip() or "no contact given; set RFI_CONTACT"
    return f"rfispider/{__version__} (+{about})"


ALERTS = {
    "RFI_ALERT_WEBHOOK": ("http", "https"),
    "RFI_ALERT_SLACK": ("http", "https"),
    "RFI_ALERT_SMTP": ("smtp", "smtps"),
}
"""Settings that are URLs, and the schemes that each may have."""


def receiver(given: Mapping[str, Any], name: str) -> str:
    """The setting `name`, one of `ALERTS`, as a URL; empty when it is not set.

    Raises:
        SettingError: it is none of the right scheme; it is not repeated, for it may hold a secret.

    """
    url, schemes = str(given[name]).strip(), ALERTS[name]
    try:
        parts = urlsplit(url)
        usable = not url or (parts.scheme in schemes and bool(parts.hostname) and parts.port != 0)
    except ValueError:
        usable = False
    if not usable:
        raise SettingError(f"{name}: it is not a URL such as {schemes[0]}://host/")
    return url


def address(given: Mapping[str, Any], name: str) -> tuple[str, int] | None:
    """The setting `name` as host and port to listen on; None when it is empty.

    Raises:
        SettingError: it is neither a port nor HOST:PORT.

    """
    value = str(given[name]).strip()
    return listening(value, name) if value else None


def listening(value: str, name: str) -> tuple[str, int]:
    """Host and port of PORT or HOST:PORT, with `[...]` round an IPv6 address; loopback unless a host is named.

    Raises:
        SettingError: it is neither; the message calls it `name`.

    """
    host, _, port = value.rpartition(":")
    if not (port.isascii() and port.isdigit()) or int(port) > LAST_PORT:
        raise SettingError(f"{name}: {value!r} is not a port, or HOST:PORT such as 127.0.0.1:9108")
    return host.strip("[]") or "127.0.0.1", int(port)


LAST_PORT = 65535


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
