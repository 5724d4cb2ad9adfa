import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rfispider.items import Kind
from rfispider.site import archives, url_grammar, urls
from rfispider.site.editions import EDITIONS, Edition
from rfispider.site.hosts import SITE

SHARED = Path(__file__).parents[3] / "shared"
REAL_URLS = SHARED / "corpus" / "rfi-urls.txt"
LABELLED = [
    tuple(line.split("\t"))
    for line in (Path(__file__).parent / "urls_labelled.tsv").read_text("utf-8").splitlines()
    if not line.startswith("#")
]
ARTICLE = "https://www.rfi.fr/cn/%E4%B8%AD%E5%9B%BD/20211208-%E6%A0%87%E9%A2%98"
BASES = ["https://www.rfi.fr", "http://127.0.0.1:8099", "http://mirror.example/rfi", "https://[::1]:8443/a/b/"]

any_text = st.text(st.characters(exclude_categories=()))
pieces = st.sampled_from(
    [
        *(
            "http:",
            "https:",
            "HTTP:",
            "//",
            "/",
            "\\",
            "www.rfi.fr",
            "rfi.fr",
            "cn.rfi.fr",
            "example.org",
            "@",
            ":80",
            ":x",
        ),
        *(
            "[",
            "]",
            "[::1",
            "cn",
            "fr",
            "tw",
            "tag",
            "archives",
            "2021",
            "20211208-",
            "中国",
            "日股收低",
            "a-b-c-d-e-f-g-h",
        ),
        *(
            "..",
            ".",
            "1",
            "2",
            "?",
            "&",
            "=",
            "#",
            "utm_source=x",
            "%",
            "%2",
            "%2F",
            "%2e%2e",
            "%25",
            "%E4",
            "%25E4%25B8",
        ),
        *(
            "%ED%A0%80",
            "\ud800",
            "\udc80",
            "\x00",
            " ",
            "\t",
            "\n",
            "\u3000",
            "\ufffd",
            "％",
            "é",
            "e\u0301",
            "rss",
            ".xml",
        ),
    ]
)
url_like = st.lists(pieces, max_size=12).map("".join)
anything = any_text | url_like

slug_letters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/%?# \\")
slugs = st.text(slug_letters, min_size=1, max_size=30)
article_paths = st.builds(
    lambda section, day, slug: f"/cn/{section}/{day:%Y%m%d}-{slug}",
    st.sampled_from(["中国", "港澳台", "contenu", "专栏检索/法国世界报"]),
    st.dates(date(1998, 1, 1), date(2030, 1, 1)),
    slugs,
)


# ---- kinds -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("label", "url"), LABELLED, ids=[unquote(url) for _, url in LABELLED])
def test_the_form_of_a_url_tells_its_kind(label: str, url: str) -> None:
    assert urls.kind(url) == Kind(label)


@pytest.mark.parametrize(("label", "url"), [row for row in LABELLED if row[0] != "foreign"])
def test_the_canonical_form_keeps_the_kind_and_the_edition(label: str, url: str) -> None:
    assert (urls.kind(urls.canonical(url)), urls.edition(urls.canonical(url))) == (Kind(label), urls.edition(url))


def test_every_kind_has_labelled_urls() -> None:
    assert {label for label, _ in LABELLED} == {kind.value for kind in Kind}


@pytest.mark.skipif(not REAL_URLS.exists(), reason="the collection of real URLs is not here")
def test_the_kinds_of_the_real_urls_are_those_that_were_read_by_eye() -> None:
    found = sorted({line for line in REAL_URLS.read_text("utf-8").splitlines() if line})
    labels = {url: urls.kind(url).value for url in found}
    assert Counter(labels.values()) == {
        "article": 318,
        "episode": 181,
        "archive-year": 172,
        "section": 135,
        "tag": 75,
        "utility": 35,
        "programme": 22,
        "author": 17,
        "feed": 16,
        "wire": 15,
        "front": 7,
        "live": 7,
        "video": 5,
        "ticker": 4,
    }
    whole = "\n".join(f"{labels[url]} {url}" for url in found)
    assert blake2b(whole.encode(), digest_size=8).hexdigest() == "6f0963102420d3a4"


@pytest.mark.skipif(not REAL_URLS.exists(), reason="the collection of real URLs is not here")
def test_real_urls_with_and_without_the_last_slash_have_one_key() -> None:
    found = {line for line in REAL_URLS.read_text("utf-8").splitlines() if line}
    assert [url for url in found if urls.key(url.rstrip("/")) != urls.key(url.rstrip("/") + "/")] == []


@pytest.mark.skipif(not REAL_URLS.exists(), reason="the collection of real URLs is not here")
@pytest.mark.parametrize("code", ["cn", "en", "es", "fa", "ff", "fr", "ha", "km", "ma", "pt", "vi"])
def test_articles_are_told_from_the_rest_without_knowing_a_word_of_the_edition(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = {url for url in REAL_URLS.read_text("utf-8").splitlines() if url and urls.edition(url) == code}
    labels = {url: urls.is_article(url) for url in mine}
    known = EDITIONS[code]
    bare = Edition(code=code, language=known.language, name=known.name, sections=(), has_wires=known.has_wires)
    with _edition(bare, monkeypatch):
        wrong = {url for url in mine if urls.is_article(url) != labels[url]}
    assert len(wrong) <= 2, wrong  # pages about the radio itself, whose addresses read like headlines


def test_an_edition_is_added_by_its_data_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    added = Edition(
        code="xx", language="x-new", name="New", sections=("alpha",), live_feeds=("beta",), utility_pages=("gamma",)
    )
    assert urls.edition("/xx/alpha/20240101-a-title") is None
    with _edition(added, monkeypatch):
        assert urls.edition("/xx/alpha/20240101-a-title") == "xx"
        assert [urls.kind(f"/xx/{word}/") for word in ("", "alpha", "beta", "gamma")] == [
            Kind.FRONT,
            Kind.SECTION,
            Kind.LIVE_FEED,
            Kind.UTILITY,
        ]
        assert urls.canonical(added.sources[0].url) == "https://www.rfi.fr/xx/rss"


class _edition:  # noqa: N801 - used as a statement
    """An edition put in place for a block, with nothing remembered of before or after."""

    def __init__(self, edition: Edition, monkeypatch: pytest.MonkeyPatch) -> None:
        self.edition, self.monkeypatch = edition, monkeypatch

    def __enter__(self) -> None:
        self.forget()
        self.patched = self.monkeypatch.context()
        self.patched.__enter__().setitem(EDITIONS, self.edition.code, self.edition)

    def __exit__(self, *exception: object) -> None:
        self.patched.__exit__(*exception)
        self.forget()

    def forget(self) -> None:
        for remembered in (urls._remembered, urls._mirrored, url_grammar._roles):
            remembered.cache_clear()


# ---- the canonical form and the key ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "variant",
    [
        ARTICLE,
        "https://www.rfi.fr/cn/中国/20211208-标题",
        "http://www.rfi.fr//cn/中国/20211208-标题",
        "http://rfi.fr/cn//中国///20211208-标题/",
        "HTTPS://WWW.RFI.FR:443/cn/中国/20211208-标题",
        "www.rfi.fr/cn/中国/20211208-标题",
        "//www.rfi.fr/cn/中国/20211208-标题",
        "//cn/中国/20211208-标题",
        "/cn/中国/20211208-标题",
        "cn/中国/20211208-标题",
        "https:/www.rfi.fr/cn/中国/20211208-标题",
        "https://user:word@www.rfi.fr./cn/中国/20211208-标题",
        "  https://www.rfi.fr/cn/中国/20211208-\n标题\t",
        "https://www.rfi.fr/cn/x/../中国/./20211208-标题",
        ARTICLE.lower(),
        ARTICLE.replace("%", "%25"),
        ARTICLE.replace("%", "%2525"),
        ARTICLE + "?utm_source=a&xtor=b#c",
        ARTICLE + "/?ref=tw",
        ARTICLE + "#top",
        "https://www.rfi.fr/%63n/中国/2021120%38-标题",
        "http://cn.rfi.fr/中国/20211208-标题",
        "cn.rfi.fr/中国/20211208-标题",
        "http://scd.cn.rfi.fr/cn/中国/20211208-标题",
    ],
)
def test_every_variant_of_a_url_has_one_canonical_form(variant: str) -> None:
    assert urls.canonical(variant) == ARTICLE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/cn/日股收跌-3", "/cn/日股收跌-8"),
        ("/cn/日股收跌", "/tw/日股收跌"),
        ("/cn/中国/20211208-标题", "/cn/中國/20211208-標題"),
        ("/cn/中国/20211208-标题", "/cn/国际/20211208-标题"),
        ("/cn/a-５", "/cn/a-5"),
        ("/cn/a％b", "/cn/a%b"),
        ("/cn/20211208-é", "/cn/20211208-e\u0301"),
        ("/cn/a\ufffd-b", "/cn/a-b"),
        ("/cn/a\u3000", "/cn/a"),
        ("/ru/aрхивы/2015/", "/ru/архивы/2015/"),
        ("/cn/a%2Fb", "/cn/a/b"),
        ("/fr/tag/a/", "/fr/tag/a/2/"),
    ],
)
def test_letters_that_only_look_alike_name_different_documents(one: str, other: str) -> None:
    assert urls.key(one) != urls.key(other)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.rfi.fr", "https://www.rfi.fr/"),
        ("/cn", "https://www.rfi.fr/cn/"),
        ("/en/africa", "https://www.rfi.fr/en/africa/"),
        ("/en/africa/1/", "https://www.rfi.fr/en/africa/"),
        ("/en/africa/2", "https://www.rfi.fr/en/africa/2/"),
        ("/en/africa/20240101-a/", "https://www.rfi.fr/en/africa/20240101-a"),
        ("/en/podcasts/paris-live", "https://www.rfi.fr/en/podcasts/paris-live/"),
        ("/en/videos", "https://www.rfi.fr/en/videos"),
        ("/en/live/", "https://www.rfi.fr/en/live"),
        ("/cn/rss/", "https://www.rfi.fr/cn/rss"),
    ],
)
def test_lists_end_with_a_slash_and_articles_do_not(url: str, expected: str) -> None:
    assert urls.canonical(url) == expected


def test_a_slash_that_nothing_explains_is_kept_but_never_counts() -> None:
    printed = "https://www.rfi.fr/sw/neno-jipya/"
    assert urls.canonical(printed) == printed
    assert urls.canonical(printed[:-1]) == printed[:-1]
    assert urls.key(printed) == urls.key(printed[:-1])


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("20211209-b", "https://www.rfi.fr/en/africa/20211209-b"),
        ("../france/20211209-b", "https://www.rfi.fr/en/france/20211209-b"),
        ("/fr/europe/20211209-b", "https://www.rfi.fr/fr/europe/20211209-b"),
        ("//fr/europe/20211209-b", "https://www.rfi.fr/fr/europe/20211209-b"),
        ("//example.org/a", "https://example.org/a"),
        ("?page=2", "https://www.rfi.fr/en/africa/20211208-a"),
        ("#top", "https://www.rfi.fr/en/africa/20211208-a"),
        ("", "https://www.rfi.fr/en/africa/20211208-a"),
    ],
)
def test_a_relative_link_is_resolved_against_its_page(link: str, expected: str) -> None:
    assert urls.canonical(link, "http://www.rfi.fr/en/africa/20211208-a") == expected.replace(
        "https://example", "http://example"
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (" https://example.org/A/?b=1&utm_source=x&fbclid=y#z", "https://example.org/A/?b=1"),
        ("https://example.org/?utm_medium=x", "https://example.org/"),
        (
            "https://s.rfi.fr/media/display/0/w:1280/p:16x9/a%20b.jpg",
            "https://s.rfi.fr/media/display/0/w:1280/p:16x9/a%20b.jpg",
        ),
        ("mailto:a@example.org?subject=x#y", "mailto:a@example.org?subject=x#y"),
        ("http://[::1/cn/", "http://[::1/cn/"),
        ("http://www.rfi.fr:99999/cn/", "http://www.rfi.fr:99999/cn/"),
    ],
)
def test_a_foreign_url_is_cleaned_but_not_rewritten(url: str, expected: str) -> None:
    assert urls.canonical(url) == expected


def test_the_key_is_a_hash_of_the_canonical_url() -> None:
    assert urls.key(ARTICLE) == blake2b(ARTICLE.encode(), digest_size=16).hexdigest()


@given(anything, st.none() | anything)
@example("http://[", "http://]")
@example("///", None)
@example("/cn/%25E4/%2525%2545%2535", None)
@example("https:///", None)
@example("http://www.rfi.fr:x/\ud800", None)
@example("%25%32%35%45%35" * 50, "mailto:x")
def test_no_string_raises_and_the_canonical_form_is_its_own(url: str, base: str | None) -> None:
    once = urls.canonical(url, base)
    assert urls.canonical(once) == once
    assert len(urls.key(url)) == 32
    for ask in (urls.kind, urls.edition, urls.section, urls.programme, urls.slug_date, urls.short_code, urls.twin):
        ask(url)  # without an exception


@given(url_like)
def test_the_kind_is_that_of_the_canonical_form(url: str) -> None:
    assert urls.kind(urls.canonical(url)) == urls.kind(url)
    assert urls.key(urls.canonical(url)) == urls.key(url)


def encoded(url: str, times: int = 1) -> str:
    return url if times == 0 else encoded(quote(url, safe=":/?#&="), times - 1)


@given(
    path=article_paths,
    ways=st.sets(st.sampled_from(["http:", "//", ".fr//", "/end", "?", "#"])),
    times=st.integers(0, 3),
    small=st.booleans(),
)
def test_no_way_of_writing_an_article_changes_its_key(*, path: str, ways: set[str], times: int, small: bool) -> None:
    url = SITE + encoded(path, min(times, 1) if path.isascii() else times)
    if small:  # of the hexadecimal digits only
        url = re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), url)
    url = url.replace("https:", "http:") if "http:" in ways else url
    url = url.replace("//www.", "//") if "//" in ways else url
    url = url.replace(".fr/", ".fr//") if ".fr//" in ways else url
    url += "/" * ("/end" in ways) + "?utm_campaign=a&b=%2F" * ("?" in ways) + "#a/b?c" * ("#" in ways)
    assert urls.key(url) == urls.key(SITE + path)


@given(article_paths, article_paths)
def test_different_articles_have_different_keys(one: str, other: str) -> None:
    assert (urls.key(SITE + one) == urls.key(SITE + other)) == (one == other)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["%25" * 300_000 + "E5", "a" * 2_000_000, "/" * 1_000_000, "%E5" * 500_000, "../" * 300_000]
)
def test_a_huge_url_is_read_in_linear_time(text: str) -> None:
    assert urls.canonical(f"https://www.rfi.fr/cn/{text}").startswith("https://www.rfi.fr/")


# ---- parts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "section", "programme", "day"),
    [
        ("/cn/中国/20211208-标题", "中国", None, date(2021, 12, 8)),
        ("/cn/%E4%B8%AD%E5%9B%BD/", "中国", None, None),
        ("/cn/contenu/20211208-标题", None, None, date(2021, 12, 8)),
        ("/cn/专栏检索/法国世界报/20211208-标题", None, "法国世界报", date(2021, 12, 8)),
        ("/cn/专栏检索/法国世界报/2/", None, "法国世界报", None),
        ("/fr/podcasts/20211208-titre", None, None, date(2021, 12, 8)),
        ("/es/programmas/info/el-invitado-de-rfi", None, "el-invitado-de-rfi", None),
        ("/fr/sports/dépêches/", "sports", None, None),
        ("/cn/视频/20211209-标题", "视频", None, date(2021, 12, 9)),
        ("/en/africa/20211399-no-such-day", "africa", None, None),
        ("/cn/日股收低", None, None, None),
        ("https://example.org/cn/中国/20211208-标题", None, None, None),
    ],
)
def test_the_path_names_section_programme_and_day(
    url: str, section: str | None, programme: str | None, day: date | None
) -> None:
    assert (urls.section(url), urls.programme(url), urls.slug_date(url)) == (section, programme, day)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://rfi.my/A6Sh.F", "A6Sh"),
        ("http://rfi.my/A6Sh.W?x=1", "A6Sh"),
        ("https://RFI.my/A6Sh/", "A6Sh"),
        ("https://rfi.my/", None),
        ("https://rfi.my/a/b", None),
        ("https://www.rfi.fr/cn/A6Sh.F", None),
    ],
)
def test_a_short_link_carries_the_code_of_its_article(url: str, code: str | None) -> None:
    assert urls.short_code(url) == code


def test_a_kind_and_a_url_are_asked_alike_whether_they_are_articles() -> None:
    assert [urls.is_article(it) for it in (Kind.WIRE, Kind.TAG, ARTICLE, "/cn/")] == [True, False, True, False]


@pytest.mark.parametrize(
    ("url", "number", "expected"),
    [
        ("/fr/tag/coronavirus/", 2, "https://www.rfi.fr/fr/tag/coronavirus/2/"),
        ("/fr/tag/coronavirus/8/", 9, "https://www.rfi.fr/fr/tag/coronavirus/9/"),
        ("/fr/tag/coronavirus/8/", 1, "https://www.rfi.fr/fr/tag/coronavirus/"),
        ("/cn/", 2, "https://www.rfi.fr/cn/2/"),
        ("/cn/2/", 3, "https://www.rfi.fr/cn/3/"),
        ("/en/videos", 2, "https://www.rfi.fr/en/videos/2/"),
    ],
)
def test_the_pages_of_a_list_are_numbered_at_the_end(url: str, number: int, expected: str) -> None:
    assert urls.page_of_list(url, number) == expected


@pytest.mark.parametrize(("url", "number"), [("/fr/afrique/", 0), (ARTICLE, 2), ("https://example.org/", 2)])
def test_what_is_no_list_has_no_pages(url: str, number: int) -> None:
    with pytest.raises(ValueError, match="no page"):
        urls.page_of_list(url, number)


def test_archives_and_sitemaps_between_two_days_include_both_ends() -> None:
    since, until = date(2023, 12, 31), date(2024, 1, 1)
    assert archives.years("en", since, until) == [f"https://www.rfi.fr/en/archives/{year}/" for year in (2023, 2024)]
    assert archives.days("fr", since, until) == [
        "https://www.rfi.fr/fr/archives/2023/12/31-d%C3%A9cembre-2023",
        "https://www.rfi.fr/fr/archives/2024/01/01-janvier-2024",
    ]
    assert archives.month_sitemaps("cn", since, until) == [
        "https://www.rfi.fr/sitemaps/cn/contents_202312.xml",
        "https://www.rfi.fr/sitemaps/cn/contents_202401.xml",
    ]


@pytest.mark.parametrize("ask", [archives.years, archives.days, archives.month_sitemaps])
def test_a_span_that_ends_before_it_begins_holds_nothing(ask: Callable[[str, date, date], list[str]]) -> None:
    assert ask("fr", date(2024, 2, 1), date(2022, 1, 1)) == []


# ---- twins -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/tw/中國/20211208-某地舉行會議", "/cn/中国/20211208-某地举行会议"),
        ("/tw/專欄檢索/要聞分析/20211208-一個標題", "/cn/专栏检索/要闻分析/20211208-一个标题"),
        ("/cn/中国/20211208-某地举行会议", "/tw/中國/20211208-某地舉行會議"),
        ("/cn/中國/20211208-某地舉行會議", "/tw/中國/20211208-某地舉行會議"),
        ("/cn/港澳台/", "/tw/港澳台/"),
        ("/cn/中國/20211208-台北舉行會議", "/tw/中國/20211208-台北舉行會議"),
        ("/tw/", "/cn/"),
    ],
)
def test_a_story_has_a_twin_in_the_other_script(url: str, expected: str) -> None:
    assert urls.twin(url) == urls.canonical(expected)


@pytest.mark.parametrize("url", ["/fr/afrique/20211208-a", "/afrique/rss", "https://example.org/cn/"])
def test_only_the_chinese_editions_have_twins(url: str) -> None:
    assert urls.twin(url) is None


@pytest.mark.skipif(not REAL_URLS.exists(), reason="the collection of real URLs is not here")
def test_dated_urls_in_traditional_script_convert_to_their_simplified_twin() -> None:
    found = {urls.canonical(line) for line in REAL_URLS.read_text("utf-8").splitlines() if "/cn/" in line}
    traditional = {url for url in found if urls.slug_date(url) and urls.twin(urls.twin(url)) not in (None, url)}
    twins = {urls.twin(url.replace("/cn/", "/tw/", 1)) for url in traditional}
    assert (len(traditional), len(twins & found)) == (7, 5)  # the twins of the other two were not collected


# ---- a mirror --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    "link",
    [
        ARTICLE,
        "http://www.rfi.fr//cn/中国/20211208-标题?utm_source=a",
        "//cn/中国/20211208-标题",
        "/cn/中国/20211208-标题",
        "20211208-标题/",
        "../中国/20211208-标题",
        "{base}/cn/中国/20211208-标题",
        "{base}//cn/%E4%B8%AD%E5%9B%BD/20211208-标题#a",
        "{root}/cn/中国/20211208-标题",
        "{origin}/cn/中国/20211208-标题",
    ],
)
@pytest.mark.parametrize("page", ["{base}/cn/中国/20211207-别的", "https://www.rfi.fr/cn/中国/20211207-别的"])
def test_every_link_on_a_mirrored_page_comes_to_the_canonical_url(base: str, link: str, page: str) -> None:
    base_, origin = base.rstrip("/"), "/".join(base.split("/")[:3])
    fill = {"base": base_, "origin": origin, "root": base_.removeprefix(origin)}
    assert urls.from_mirror(link.format(**fill), base, page.format(**fill)) == ARTICLE


@given(base=st.sampled_from(BASES), path=article_paths)
def test_what_is_fetched_from_a_mirror_is_known_by_its_canonical_url(base: str, path: str) -> None:
    url = urls.canonical(SITE + path)
    assert urls.to_mirror(url, base).startswith(base.rstrip("/") + "/cn/")
    assert urls.from_mirror(urls.to_mirror(url, base), base) == url


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    "url", ["https://example.org/a?utm_source=b#c", "mailto:a@example.org", "http://mirror.example/else"]
)
def test_what_does_not_belong_to_the_site_passes_a_mirror_unchanged(base: str, url: str) -> None:
    assert (urls.to_mirror(url, base), urls.from_mirror(url, base)) == (url, url)


@given(anything, anything, st.none() | anything)
def test_no_string_raises_on_a_mirror(url: str, base: str, page: str | None) -> None:
    urls.to_mirror(url, base)
    urls.from_mirror(url, base, page)


@pytest.mark.parametrize("url", ["https://www.rfi\ud800.fr/cn/", "https://www.rfi.fr/cn/\udfff", "\ud800"])
def test_a_lone_surrogate_leaves_a_url_that_can_be_encoded(url: str) -> None:
    assert urls.canonical(url).encode()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        *(("/sitemap.xml", Kind.SITEMAP), ("/sitemap.xml.gz", Kind.SITEMAP), ("/news-sitemap.xml", Kind.SITEMAP)),
        *(("/en/sitemap_index.xml", Kind.SITEMAP), ("/Sitemap-News.xml.gz", Kind.SITEMAP)),
        *(("/sitemaps/en/contents_202603.xml.gz", Kind.SITEMAP), ("/sitemaps/en/news", Kind.SITEMAP)),
        *(
            ("/en/rss.xml.gz", Kind.FEED),
            ("/en/backup.gz", Kind.UTILITY),
            ("/en/africa/20260301-sitemap", Kind.ARTICLE),
        ),
    ],
)
def test_sitemaps_and_feeds_are_known_by_their_file_names_packed_or_not(path: str, kind: Kind) -> None:
    assert urls.kind(SITE + path) is kind


@pytest.mark.parametrize(
    ("path", "endless"),
    [
        *(("/en/africa/20260301-boat", False), ("/fr/podcasts/afrique/afrique/20260301-boat", False), ("/en/", False)),
        *(("/en/a/a/a/20260301-boat", True), ("/en/a/b/a/b/a/20260301-boat", True), ("/en/a/%61/a/x", True)),
        *(("/en/" + "/".join("abcdefghij"), False), ("/en/" + "/".join("abcdefghijk"), True)),
        *(("/en/africa/20260301-" + "b" * 1_960, False), ("/en/africa/20260301-" + "b" * 1_980, True)),
        ("/cn/中国/20260301-" + "船" * 230, True),
    ],
)
def test_a_path_without_end_is_known_by_its_length_and_its_circles(path: str, endless: bool) -> None:
    assert urls.is_endless(SITE + path) is endless


@given(article_paths)
def test_no_article_of_the_site_is_endless(path: str) -> None:
    assert len(path) > 200 or not urls.is_endless(SITE + path)


@given(anything)
def test_no_string_raises_when_it_is_asked_for_an_end(url: str) -> None:
    urls.is_endless(url)
