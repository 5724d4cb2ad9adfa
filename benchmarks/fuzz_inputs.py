"""The inputs of fuzz.py: sound documents, and what damages them.

A case is made from its seed and number alone, so that it can be repeated.
"""

import io
import re
import tarfile
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import stage

from replica import site
from replica.site import Redirect
from tests.support import misleading_pages

MOST_BYTES = 4 * 1024 * 1024
"""Mutation by repetition stops there."""
TAG_END = re.compile(rb">")
EDITIONS = ("cn", "fr", "fa", "ru", "vi")
LISTS = ("/cn/", "/cn/rss", "/fr/", "/fa/rss", "/fr/rss", "/mirror/cn.xml", "/ru/", "/robots.txt")
SITEMAPS = ("index", "news", "tags", "contents_202602", "contents_202603", "contents_202601")
TOKENS = (
    b"<", b">", b"&", b'"', b"'", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"</", b"/>", b"\x00", b"\xff\xfe",
    b"\xef\xbb\xbf", b"&#0;", b"&#xD800;", b"&#55296;", b"&#1114112;", b"&#99999999999999999999;", b"&amp;amp;lt;",
    b"&undefined;", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xe2\x80\xae", b"\xef\xbf\xbe", b"<p>",
    b"</p>", b"<div>", b"</div>", b"<br>", b"<table><tr><td>", b"<script>", b"</script>",
    b'<script type="application/ld+json">', b"<style>", b"<article>", b"</article>", b"<h1>", b"<svg>", b"<math>",
    b"<template>", b"<select>", b"<plaintext>", b'<base href="//[">', b"<frameset>", b"<title>", b"<noscript>", b"{",
    b"}", b"[", b"]", b"null", b"-1", b"1e999", b"99999999999999999999", b"0000-00-00T99:99:99Z",
    b"9999-12-31T23:59:59+14:00", b"<!--99999999999999999999-->", b"---\n", b"\n------\n", b"<hr>", b"http://[::1",
    b"http://", b"//", b"%", b"%25", b"%E4%B8", b"%ff", b"?", b"#", b"..", b"/cn/", b"javascript:", b"data:,",
    b"<?xml version='1.0' encoding='utf-16'?>", b'<?xml version="1.0" encoding="x-none"?>',
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>', b"&b;", b'<meta charset="gb2312">',
    b'<meta charset="utf-7">', b"\xd6\xd0\xb9\xfa", b"<url><loc>", b"<item>", b"<entry>", b'xmlns:a="b"',
)  # fmt: skip


def sources(shared: Path) -> dict[str, list[bytes]]:
    """Sound documents by the kind of input they are mutated to."""
    replica = stage.generated_site(EDITIONS, 24)
    pages = [sample.body for sample in stage.generated_pages(EDITIONS, 24)]
    entries = [entry.encode() for entry in stage.generated_entries(replica)]
    if stage.has_corpus(shared):
        pages += [sample.body for sample in stage.real_pages(shared, 60)]
        entries += [document.encode() for document in stage.real_documents(shared, 400)]
    lists = answers(replica.answer(path) for path in LISTS)
    return {"page": pages + lists, "cut": pages, **of_replica(replica, entries, lists)}


def of_replica(replica: site.Site, entries: list[bytes], lists: list[bytes]) -> dict[str, list[bytes]]:
    """The kinds of input that only the replica has."""
    maps = [f"/sitemaps/{code}/{name}.xml" for code in EDITIONS for name in SITEMAPS]
    return {
        "feed": [*lists, b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"url": "/cn/x", "title": "x"}]}'],
        "sitemap": answers(replica.answer(path) for path in maps),
        "archived": entries,
        "packed": [packed(entries[n : n + 3]) for n in range(0, 30, 3)],
        "url": [story.url.encode() for story in replica.stories] + [path.encode() for path in (*LISTS, *maps)],
    }


def answers(found: Iterable[Any]) -> list[bytes]:
    """The bodies of what the replica answered with."""
    return [answer.raw() for answer in found if answer is not None and not isinstance(answer, Redirect)]


def packed(documents: list[bytes]) -> bytes:
    """A packed archive of documents."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for number, document in enumerate(documents):
            member = tarfile.TarInfo(f"{number}.md")
            member.size = len(document)
            archive.addfile(member, io.BytesIO(document))
    return target.getvalue()


def case(number: int, seed: int, sound: dict[str, list[bytes]]) -> tuple[str, bytes]:
    """Subject and input of a case."""
    random = Random(f"{seed}/{number}")
    subject = random.choice(list(sound))
    if subject == "cut":
        return subject, misleading(random, sound[subject])
    data = random.choice(sound[subject])
    if random.random() < 0.1:
        data = random.choice(sound[random.choice(list(sound))])
    for _ in range(random.choice((1, 1, 2, 3, 5, 10, 30))):
        data = random.choice(MUTATIONS)(data, random, sound[subject])
    return subject, data[: MOST_BYTES * 2]


def misleading(random: Random, pages: list[bytes]) -> bytes:
    """A page that misleads whoever looks for markup in its bytes: an invented one, or a sound one with such pieces."""
    if random.random() < 0.7:
        return misleading_pages.page(random)
    data = random.choice(pages)
    for _ in range(random.choice((1, 2, 4))):
        tag_ends = [match.end() for match in TAG_END.finditer(data)]
        at = random.choice(tag_ends) if tag_ends else 0
        data = data[:at] + misleading_pages.piece(random).encode() + data[at:]
    return data


def span(data: bytes, random: Random, longest: int = 4000) -> tuple[int, int]:
    """A piece of a document: begin and end."""
    begin = random.randrange(len(data) + 1)
    return begin, min(len(data), begin + random.randrange(1, longest))


def cut(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """Leave a piece out."""
    begin, end = span(data, random)
    return data[:begin] + data[end:]


def truncate(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """Break off."""
    return data[: random.randrange(len(data) + 1)]


def flip(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """Change bytes."""
    changed = bytearray(data)
    for _n in range(random.randrange(1, 20)):
        if changed:
            changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def insert(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """Put something awkward somewhere."""
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(TOKENS) + data[at:]


def replace(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """Put something awkward in place of something sound, everywhere."""
    begin, end = span(data, random, 12)
    return data.replace(data[begin:end] or b"<", random.choice(TOKENS), 2000)[:MOST_BYTES]


def swell(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """Repeat a token or a piece very often."""
    begin, end = span(data, random, 300)
    piece = random.choice((random.choice(TOKENS), data[begin:end])) or b"<b>"
    most = MOST_BYTES if random.random() < 0.03 else MOST_BYTES // 32
    times = min(random.choice((10, 100, 1000, 10_000, 100_000)), max(1, (most - len(data)) // len(piece)))
    return data[:begin] + piece * times + data[begin:]


def splice(data: bytes, random: Random, others: list[bytes]) -> bytes:
    """Go on as another document."""
    other = random.choice(others)
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :]


def move(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """Put a piece elsewhere."""
    begin, end = span(data, random)
    rest = data[:begin] + data[end:]
    at = random.randrange(len(rest) + 1)
    return rest[:at] + data[begin:end] + rest[at:]


def recode(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """Write it in another character set than it says."""
    charset = random.choice(("gb18030", "utf-16", "cp1252", "utf-8-sig", "koi8-r", "utf-7", "big5"))
    return data.decode("utf-8", "replace").encode(charset, "replace")


MUTATIONS = (cut, truncate, flip, flip, insert, insert, insert, replace, swell, splice, move, move, recode)
