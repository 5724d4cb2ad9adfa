"""Which URLs a crawl asks for."""

from datetime import UTC, date, datetime

import pytest

from rfispider import feeds
from rfispider.crawl.arguments import Arguments
from rfispider.crawl.scope import Scope
from rfispider.items import Entry, Kind, Link
from rfispider.site.editions import EDITIONS

SITE = "https://www.rfi.fr"
TODAY = date(2024, 3, 5)
LIST = Link(url=f"{SITE}/fr/afrique/", kind=Kind.SECTION, edition="fr")


def scope(base: str = "", list_pages: int = 0, *, topics: bool = False, **given: str) -> Scope:
    arguments = Arguments.parse({"editions": "fr", **given})
    return Scope(arguments=arguments, today=TODAY, base=base, list_pages=list_pages, follow_topics=topics)


@pytest.mark.parametrize(
    ("path", "given", "wanted"),
    [
        ("/fr/afrique/20240301-un-titre", {}, True),
        ("/cn/20240301-a", {}, False),
        ("/fr/afrique/20240301-un-titre", {"depth": "0"}, False),
        ("/fr/podcasts/une-emission/", {}, True),
        ("/fr/tag/un-sujet/", {}, False),
        ("/fr/applications", {}, False),
        ("/fr/afrique/", {}, False),
        ("/boutique/", {}, False),
    ],
)
def test_a_crawl_follows_articles_and_programmes_of_its_editions(
    path: str, given: dict[str, str], wanted: bool
) -> None:
    link = scope(**given).link(SITE + path, depth=1, found_on=LIST.url)
    assert (link is not None) is wanted


def test_topics_are_followed_when_asked_for() -> None:
    assert scope(topics=True).link(f"{SITE}/fr/tag/un-sujet/", depth=1, found_on=LIST.url)


def test_a_crawl_begins_with_the_sources_of_its_editions() -> None:
    links = scope(editions="fr,cn").sources()
    assert {link.edition for link in links} == {"fr", "cn"}
    assert len(links) == len(EDITIONS["fr"].sources) + len(EDITIONS["cn"].sources)
    assert not any(link.backfill for link in links)


def test_given_sources_replace_the_built_in_ones_and_are_read_as_what_they_are() -> None:
    given = "http://127.0.0.1:8099/fr/rss,https://mirror.example/full.xml,https://www.rfi.fr/fr/afrique/"
    links = scope("http://127.0.0.1:8099", sources=given).sources()
    assert [(link.url, link.kind) for link in links] == [
        (f"{SITE}/fr/rss", Kind.FEED),
        ("https://mirror.example/full.xml", Kind.FEED),
        (f"{SITE}/fr/afrique/", Kind.SECTION),
    ]


def test_a_backfill_reads_the_archive_days_and_months_behind_the_news() -> None:
    past = [link for link in scope(since="2024-02-28", until="2024-03-01").sources() if link.backfill]
    days = [link.url for link in past if link.kind is Kind.ARCHIVE_DAY]
    months = [link.url for link in past if link.kind is Kind.SITEMAP]
    assert [url.split("/")[7][:2] for url in days] == ["28", "29", "01"]
    assert [url[-10:-4] for url in months] == ["202402", "202403"]


def test_a_backfill_without_end_ends_today() -> None:
    past = [link for link in scope(since="2024-03-04").sources() if link.kind is Kind.ARCHIVE_DAY]
    assert len(past) == 2


@pytest.mark.parametrize(
    ("slug", "published", "wanted"),
    [
        ("20240229-a-la-une", None, True),
        ("20240301-a-la-une", None, True),
        ("20240227-a-la-une", None, False),
        ("20240302-a-la-une", None, False),
        ("20240302-a-la-une", datetime(2024, 3, 1, 23, tzinfo=UTC), True),
        ("un-titre-de-depeche-sans-date", None, True),
    ],
)
def test_of_an_archive_only_the_days_asked_for_are_taken(slug: str, published: datetime | None, wanted: bool) -> None:
    chosen = scope(since="2024-02-28", until="2024-03-01")
    archive = Link(url=f"{SITE}/fr/archives/2024/", kind=Kind.ARCHIVE_YEAR, edition="fr", backfill=True)
    path = f"/fr/{slug}" if slug.startswith("un") else f"/fr/afrique/{slug}"
    link = chosen.listed(Entry(url=path, published_at=published), archive)
    assert (link is not None) is wanted
    assert link is None or link.backfill


def test_what_a_list_says_of_an_article_goes_with_the_link() -> None:
    entry = Entry(url="//fr/afrique/20240301-un-titre", title="Un titre")
    link = scope().listed(entry, LIST)
    assert link
    assert link.url == f"{SITE}/fr/afrique/20240301-un-titre"
    assert link.entry is entry
    assert link.found_on == LIST.url


@pytest.mark.parametrize(("limit", "page", "read"), [(0, 99, True), (3, 3, True), (3, 4, False)])
def test_a_list_is_read_to_its_limit(limit: int, page: int, read: bool) -> None:
    link = scope(list_pages=limit).next_page(f"{LIST.url}{page}/", LIST)
    assert (link is not None) is read


@pytest.mark.parametrize("since", ["2024-03-01", "2024-02-01"])
@pytest.mark.parametrize("until", ["2024-03-01", "2024-03-31"])
def test_a_day_alone_of_a_source_is_in_its_own_day(since: str, until: str) -> None:
    chosen = scope(since=since, until=until)
    month = Link(url=f"{SITE}/sitemaps/fr/contents_202403.xml", kind=Kind.SITEMAP, edition="fr", backfill=True)
    news = "<n:news xmlns:n='u'><n:publication_date>2024-03-01</n:publication_date></n:news>"
    (entry,) = feeds.sitemap(f"<urlset><url><loc>{SITE}/fr/afrique/un-titre-x</loc>{news}</url></urlset>".encode())
    assert chosen.is_in_period(Link(url=entry.url, kind=Kind.ARTICLE, edition="fr", entry=entry))
    entry.url = f"{SITE}/fr/afrique/20240301-un-titre"
    assert chosen.listed(entry, month)


@pytest.mark.parametrize(
    ("address", "edition", "wanted"),
    [
        *(("/sitemaps/fr/a.xml.gz", "fr", True), ("/news-sitemap.xml", None, True), ("/fr/plan/1.xml", "fr", True)),
        *(
            ("/fr/anything", "fr", True),
            ("/sitemaps/en/a.xml", "en", False),
            ("https://elsewhere.example/a.xml", None, False),
        ),
        ("/fr/a/a/a/a.xml", "fr", False),
    ],
)
def test_what_an_index_lists_is_a_sitemap_whatever_its_name(address: str, edition: str | None, wanted: bool) -> None:
    index = Link(url=f"{SITE}/sitemap.xml", kind=Kind.SITEMAP, edition=None, backfill=True)
    link = scope().child_sitemap(Entry(url=address if "//" in address else SITE + address), index)
    assert (link is not None) is wanted
    if link:
        assert (link.kind, link.edition, link.found_on, link.backfill) == (Kind.SITEMAP, edition, index.url, True)


def test_a_path_without_end_is_not_followed() -> None:
    assert scope().link(f"{SITE}/fr/a/a/20240301-un-titre", depth=1, found_on=LIST.url)
    assert scope().link(f"{SITE}/fr/a/a/a/20240301-un-titre", depth=1, found_on=LIST.url) is None
    assert scope().link(f"{SITE}/fr/afrique/20240301-{'a' * 2_000}", depth=1, found_on=LIST.url) is None
