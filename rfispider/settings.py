"""Every setting of a crawl with its default; what they mean is in `setting_values`.

Scrapy reads this module; the environment overrides what deployments differ in, and `-s NAME=VALUE` on the
command line overrides both. Hosts and secrets come from the environment only.
"""

import sys
from os import environ
from pathlib import Path


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
RFI_IN_FLIGHT = environ.get("RFI_IN_FLIGHT", "") or environ.get("RFI_UNSETTLED", "")
"""URLs of one worker in flight: asked for, or answered and not yet stored. So many a killed worker costs again; more
than `RFI_CONCURRENCY` let articles share the round trips of a commit. Empty: as many as `RFI_CONCURRENCY`."""
RFI_UNSETTLED = ""
"""The former name of `RFI_IN_FLIGHT`, for `-s RFI_UNSETTLED=N`; in the environment it is read as well."""

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
"""URL that gets a POST of JSON when a run did not do its job or looks unlike the runs before it."""
RFI_ALERT_SLACK = secret("RFI_ALERT_SLACK")
"""Incoming webhook of Slack, or of anything compatible, that gets the alert too."""
RFI_ALERT_MAIL = environ.get("RFI_ALERT_MAIL", "")
"""Mail addresses that get the alert too, comma-separated."""
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
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "rfispider.crawl.robots.RobotsTxt": 100,
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
"""The number of pages in memory has a bound already, `RFI_IN_FLIGHT`."""
DOWNLOAD_DELAY = 0
"""The pace is set by the budget that all workers share, before a request is made."""
SCHEDULER = "rfispider.crawl.scheduler.FrontierScheduler"
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"
"""The frontier knows every URL once."""
