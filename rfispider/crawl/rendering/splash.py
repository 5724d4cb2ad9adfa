"""Rendering by a Splash server, through scrapy-splash.

scrapy-splash 0.11.1 was written for Scrapy before 2.16. Of it only the downloader middleware is used: the spider
middleware saves the bandwidth of arguments sent again and again, the dupefilter is the frontier's matter, and
cookies are off.
"""

import json
from base64 import b64encode
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit, urlunsplit

import scrapy.utils.url
import w3lib.url
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.settings import BaseSettings

from rfispider.concurrency.process_globals import module_attribute
from rfispider.crawl.rendering.render import NEEDLESS_SUFFIXES, Rendered, RendererError, RenderError, RenderRequest

# It has moved to w3lib; scrapy-splash still imports it from Scrapy.
with module_attribute(scrapy.utils.url, "canonicalize_url", w3lib.url.canonicalize_url):
    from scrapy_splash import SlotPolicy, SplashMiddleware

AFTER_COMPRESSION: Final = 585
"""Order among the downloader middlewares: responses reach it decompressed (590) and before retries (550)."""
RENDER_GRACE_S: Final = 5.0
"""Splash ends a render by itself when its time is over; so much later it is taken for dead."""
QUIET_S: Final = 0.5
"""A page is done when its text has not changed for so long and every request of it was answered."""
SCRIPT: Final = """
function main(splash, args)
  splash.images_enabled = false
  splash.plugins_enabled = false
  splash.resource_timeout = args.timeout / 2
  splash:set_user_agent(args.user_agent)
  local asked, answered, status = 0, 0, 0

  local function begins(url, starts)
    for _, start in ipairs(starts) do
      if string.find(url, start, 1, true) == 1 then return true end
    end
    return false
  end
  local function needless(url)
    for _, suffix in ipairs(args.needless) do
      if string.find(url, suffix, 1, true) then return true end
    end
    return false
  end
  splash:on_request(function(request)
    if not begins(request.url, args.origins) or (asked > 0 and needless(request.url)) then
      request:abort()
    else
      asked = asked + 1
    end
  end)
  splash:on_response_headers(function(response)
    if status == 0 and (response.status < 300 or response.status > 399) then status = response.status end
    if (tonumber(response.headers['Content-Length']) or 0) > args.max_bytes then response:abort() end
  end)
  splash:on_response(function() answered = answered + 1 end)

  local ok, reason = splash:go(args.url)
  if not ok then
    return {failed = reason, status = status, requests = asked}
  end
  local before, quiet, waited = -1, 0, 0
  while quiet < args.quiet and waited < args.timeout / 3 do
    splash:wait(0.1)
    waited = waited + 0.1
    local length = splash:evaljs("document.body ? document.body.textContent.length : 0")
    if length == before and asked <= answered then quiet = quiet + 0.1 else quiet = 0 end
    before = length
  end
  local html = splash:html()
  if #html > args.max_bytes then
    return {failed = 'toolarge', status = 0, requests = asked}
  end
  return {html = html, url = splash:url(), status = status, requests = asked}
end
"""


def configure(settings: BaseSettings) -> None:
    """Add the middleware that turns a request with a `splash` meta key into one to the server."""
    settings["DOWNLOADER_MIDDLEWARES"]["rfispider.crawl.rendering.splash.Middleware"] = AFTER_COMPRESSION
    settings.set("SPLASH_LOG_400", value=False, priority="addon")


class Middleware(SplashMiddleware):  # type: ignore[misc] # it carries no types
    """The middleware of scrapy-splash without the `spider` arguments that Scrapy no longer gives."""

    def process_request(self, request: Request) -> Request | None:
        """Turn a request that is to be rendered into one to the server."""
        splash_request: Request | None = super().process_request(request, self.crawler.spider)
        return splash_request

    def process_response(self, request: Request, response: Response) -> Response:
        """Give an answer of the server the type that scrapy-splash has for it."""
        splash_response: Response = super().process_response(request, response, self.crawler.spider)
        return splash_response


class Renderer:
    """Asks a Splash server."""

    def __init__(self, url: str, max_bytes: int) -> None:
        self.url, self.headers = _without_password(url)
        self.max_bytes = max_bytes

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take address and limits from the settings."""
        return cls(crawler.settings["SPLASH_URL"], crawler.settings.getint("DOWNLOAD_MAXSIZE"))

    def request(self, render_request: RenderRequest) -> Request:
        """Build the request that has a page rendered."""
        arguments = {
            "lua_source": SCRIPT,
            "timeout": render_request.seconds,
            "origins": list(render_request.origins),
            "needless": list(NEEDLESS_SUFFIXES),
            "max_bytes": self.max_bytes,
            "quiet": QUIET_S,
            "user_agent": render_request.user_agent,
        }
        options = {
            "endpoint": "execute",
            "args": arguments,
            "splash_url": self.url,
            "splash_headers": self.headers,
            "dont_send_headers": True,
            "slot_policy": SlotPolicy.SINGLE_SLOT,
            "magic_response": False,
        }
        # The server is not of the site, and stands on our side of a proxy.
        meta = {
            "splash": options,
            "allow_offsite": True,
            "proxy": None,
            "download_timeout": render_request.seconds + RENDER_GRACE_S,
        }
        return Request(render_request.url, meta=meta)

    def read(self, response: Response) -> Rendered:
        """Read the answer.

        Raises:
            RendererError: the server failed.
            RenderError: the page did.

        """
        answer = _answer(response)
        if "error" in answer:
            raise RendererError(_word(answer.get("type"), f"splash-{response.status}"))
        status = int(answer.get("status") or 0)
        if "failed" in answer and not status:
            raise RenderError(_word(answer["failed"], "failed"))
        return Rendered(
            url=str(answer.get("url", "")),
            html=str(answer.get("html", "")),
            status=status,
            requests=int(answer.get("requests") or 0),
        )


def _answer(response: Response) -> dict[str, Any]:
    try:
        answer = json.loads(response.body)
    except ValueError:
        answer = None
    return answer if isinstance(answer, dict) else {"error": response.status}


def _word(reason: object, otherwise: str) -> str:
    """A reason fit to be counted: a short word, whatever the server says."""
    return reason if isinstance(reason, str) and reason.isascii() and reason.isalnum() else otherwise


def _without_password(url: str) -> tuple[str, dict[str, str]]:
    """The URL without user and password, and the header that carries them."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, {}
    address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return address, {"Authorization": f"Basic {b64encode(credentials.encode()).decode()}"}
