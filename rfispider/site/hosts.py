"""The hosts of the site, and the words of its software in addresses: feeds, sitemaps, file types."""

HOST = "www.rfi.fr"
"""Canonical host."""

SITE = f"https://{HOST}"
"""Origin of every canonical URL."""

SHORT_LINK_HOST = "rfi.my"
"""Host of the short links `rfi.my/<code>.<channel>`: the code names the article, the channel who shared it."""

TRACKING_PARAMETERS = (
    "utm_", "xtor", "xtref", "at_", "ns_", "fbclid", "gclid", "dclid", "msclkid", "twclid", "igshid", "mc_cid",
    "mc_eid", "_ga", "ref", "aef_", "dlvrit", "redirect_uri",
)  # fmt: skip
"""Beginnings of the query parameters that name a visit, not a document. The site's own paths need no query."""
FEED_NAME = "rss"
"""Last part of a feed's path; feeds of the old site end with a file type of `FEED_TYPES`."""
FEED_TYPES = ("xml", "rss", "atom")
SITEMAP_ROOT = "sitemaps"
SITEMAP_NAME = "sitemap"
"""Part of the file name of a sitemap that stands elsewhere."""
PACKED = ".gz"
"""End of the file name of a feed or sitemap that is packed."""
FILE_TYPES = (
    "jpg", "jpeg", "png", "gif", "webp", "svg", "ico", "mp3", "m4a", "mp4", "m3u8", "webm", "pdf", "zip",
    "gz", "css", "js", "mjs", "json", "map", "txt", "woff", "woff2", "ttf", "asp", "aspx", "php", "webmanifest",
)  # fmt: skip
"""Ends of paths that are files, never pages of the present site."""
SITE_HOSTS = (HOST, "rfi.fr")
"""Hosts whose paths begin with the edition."""
SITEMAP_PATHS = {
    "index": f"{SITEMAP_ROOT}/{{edition}}/index.xml",
    "news": f"{SITEMAP_ROOT}/{{edition}}/news.xml",
    "tags": f"{SITEMAP_ROOT}/{{edition}}/tags.xml",
    "month": f"{SITEMAP_ROOT}/{{edition}}/contents_{{year:04}}{{month:02}}.xml",
}
"""Addresses of the sitemaps, below the site; unseen."""
