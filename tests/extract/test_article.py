"""Each field of an article from each of its sources: a wrong title must not hide a wrong date."""

import json
from datetime import UTC, datetime
from html import escape

import pytest

from rfispider.items import Audio, Entry, Image, Kind, Origin, Status
from rfispider.site import urls
from tests.support.extract_pages import (
    CN_URL,
    FETCHED,
    PARAGRAPHS,
    URL,
    accepted,
    article_html,
    entry_page,
    linked,
    news,
    page,
    read,
)

MEDIA = "https://s.rfi.fr/media/display/0a1b2c3d-0000-11ee-8888-005056bf87d6"
IN_MARCH = datetime(2024, 3, 5, 9, 30, tzinfo=UTC)


# ---- title -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "wanted", "source"),
    [
        (linked(news(headline="From the data")), "From the data", "jsonld"),
        ('<meta property="og:title" content="From the meta - RFI">', "From the meta", "meta"),
        ("", "The tin boat sails", "markup"),
    ],
)
def test_the_title_comes_from_the_data_then_meta_then_markup(head: str, wanted: str, source: str) -> None:
    article = read(article_html(head=head))
    assert (article.title, article.provenance["title"]) == (wanted, source)


def test_the_title_of_an_entry_comes_from_its_source() -> None:
    article = accepted(entry_page("<p>短</p>", entry=Entry(url=CN_URL, title="锡船出海")))
    assert (article.title, article.provenance["title"]) == ("锡船出海", "feed")


def test_a_page_without_any_title_is_named_by_its_slug() -> None:
    article = read(article_html(title=""))
    assert (article.title, article.provenance["title"]) == ("the tin boat sails", "url")


@pytest.mark.parametrize(
    ("printed", "wanted"),
    [
        ("锡船出海 – 法国国际广播电台 - RFI", "锡船出海"),
        ("錫船出海 - 法國國際廣播電台", "錫船出海"),
        ("The boat - RFI", "The boat"),
        ("Le bateau | RFI", "Le bateau"),
        ("El barco - Radio Francia Internacional", "El barco"),
        ("قایق - ار.اف.ای", "قایق"),
        ("Boat - a history", "Boat - a history"),
        ("RFI", "RFI"),
        ("Goats & boats &amp; lamps", "Goats & boats & lamps"),
        ("大&amp;amp;#22338;城", "大坂城"),
        ("<灯塔日报>灯塔走了", "<灯塔日报>灯塔走了"),
        ("[Live] Boats (and) goats", "[Live] Boats (and) goats"),
        ("CLONE - The boat", "CLONE - The boat"),
    ],
)
def test_a_title_loses_the_name_of_the_site_and_every_escape(printed: str, wanted: str) -> None:
    assert read(article_html(head=linked(news(headline=printed)))).title == wanted


def test_a_title_that_was_cut_off_is_completed_from_the_markup() -> None:
    head = linked(news(headline="The tin boat…"))
    assert read(article_html(head=head)).title == "The tin boat sails"


# ---- lead ------------------------------------------------------------------------------------------------


def test_the_lead_stands_apart_from_the_text() -> None:
    article = read(article_html(header='<p class="t-content__chapo">  Goats at\n sea. </p>'))
    assert article.lead == "Goats at sea."
    assert article.text == "\n\n".join(PARAGRAPHS)


def test_a_lead_that_the_text_repeats_is_told_once() -> None:
    article = read(article_html(header=f'<p class="t-content__chapo">{PARAGRAPHS[0]}</p>'))
    assert article.lead == PARAGRAPHS[0]
    assert article.text == "\n\n".join(PARAGRAPHS[1:])


def test_a_description_is_no_lead_where_the_page_shows_none() -> None:
    head = linked(news(description="A description for search engines")) + '<meta name="description" content="Another">'
    assert read(article_html(head=head)).lead is None


def test_the_strong_paragraph_before_the_body_of_an_entry_is_its_lead() -> None:
    article = accepted(
        entry_page("<p><strong>山羊在海上。</strong></p><div class='t-content__body'><p>船走了。</p></div>")
    )
    assert (article.lead, article.text) == ("山羊在海上。", "船走了。")


def test_a_strong_paragraph_inside_the_body_is_no_lead() -> None:
    article = accepted(entry_page("<div class='t-content__body'><p><strong>小标题</strong></p><p>船走了。</p></div>"))
    assert (article.lead, article.text) == (None, "小标题\n\n船走了。")


# ---- authors, tags ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ([{"@type": "Person", "name": "Ada Lamp"}, {"@type": "Organization", "name": "AFP"}], ["Ada Lamp", "AFP"]),
        ({"@type": "Organization", "name": "RFI"}, ["RFI"]),
        ("Ada Lamp, Bo Mast", ["Ada Lamp", "Bo Mast"]),
        (["Ada Lamp", "Ada Lamp", ""], ["Ada Lamp"]),
        ({"name": ["Ada Lamp", "Bo Mast"]}, ["Ada Lamp", "Bo Mast"]),
        ("阿达、博", ["阿达", "博"]),
        ([{"name": None}, 7, [1]], []),
    ],
)
def test_authors_in_the_data_may_be_a_list_an_object_or_a_string(value: object, wanted: list[str]) -> None:
    assert read(article_html(head=linked(news(author=value)))).authors == wanted


def test_authors_come_from_the_markup_when_the_data_names_none() -> None:
    header = '<div class="m-from-author"><a><span class="m-from-author__name">Ada Lamp</span></a></div>'
    article = read(article_html(header=header))
    assert (article.authors, article.provenance["authors"]) == (["Ada Lamp"], "markup")


@pytest.mark.parametrize("value", [["Goats", "Sea"], "Goats,Sea", "Goats; Sea", "Goats، Sea"])
def test_keywords_in_the_data_may_be_a_list_or_a_string(value: object) -> None:
    assert read(article_html(head=linked(news(keywords=value)))).tags == ["Goats", "Sea"]


def test_tags_come_from_the_markup_when_the_data_names_none() -> None:
    links = '<li><a href="/en/tag/goats/">Goats</a></li><li><a href="/en/tag/sea/">Sea</a></li>'
    after = f'<ul class="m-tags-list">{links}</ul>'
    article = read(article_html(after=after))
    assert (article.tags, article.provenance["tags"]) == (["Goats", "Sea"], "markup")
    assert article.text == "\n\n".join(PARAGRAPHS)


# ---- agency, credits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "wanted"),
    [("© 2024 AFP", "AFP"), ("©AFP", "AFP"), ("© 2024 Agence Lampe", "Agence Lampe"), ("2024", "2024")],
)
def test_the_copyright_line_is_the_agency_and_no_text(line: str, wanted: str) -> None:
    article = read(article_html(inside=f'<p>Text.</p><p class="t-copyright">{line}</p>'))
    assert (article.agency, article.text) == (wanted, "Text.")


def test_a_copyright_line_that_lost_its_class_is_recognised_by_its_form() -> None:
    article = accepted(entry_page("<div><p>船走了。</p><p>© 2023 AFP</p></div>"))
    assert (article.agency, article.text) == ("AFP", "船走了。")


def test_a_copyright_sign_within_a_sentence_stays_text() -> None:
    inside = "<p>The goats sang a song, © 2023 by the goats. They were proud of it.</p>"
    article = read(article_html(inside=inside))
    assert article.agency is None
    assert article.text.startswith("The goats sang")


@pytest.mark.parametrize(
    ("end", "wanted"),
    [
        ("（译者：甲某/核稿：乙某）", "译者：甲某/核稿：乙某"),
        ("（译者：甲某）1091102", "译者：甲某"),
        ("（实习编译：甲某/ 核稿:乙某）", "实习编译：甲某/ 核稿:乙某"),
        ("（譯者：甲某/核稿：乙某） ", "譯者：甲某/核稿：乙某"),
        ("(编译:甲某)", "编译:甲某"),
        ("（译  者：甲某）", "译 者：甲某"),
        ("（译者：甲某", "译者：甲某"),
        ("</p><p>（译者：甲某）", "译者：甲某"),
    ],
)
def test_the_credits_at_the_end_are_cut_from_the_text(end: str, wanted: str) -> None:
    article = read(article_html(inside=f"<p>山羊说。</p><p>船走了。{end}</p>"), CN_URL)
    assert (article.credits, article.text) == (wanted, "山羊说。\n\n船走了。")


@pytest.mark.parametrize("end", ["（他们说：很好）", "（见：附录）", "（法新社）", "译者：甲某说了很多。"])
def test_a_bracket_without_a_role_stays_text(end: str) -> None:
    article = read(article_html(inside=f"<p>船走了。{end}</p>"), CN_URL)
    assert (article.credits, article.text) == (None, f"船走了。{end}")


def test_credits_before_the_last_paragraph_stay_text() -> None:
    article = read(article_html(inside="<p>船走了（译者：甲某）</p><p>完。</p>"), CN_URL)
    assert (article.credits, article.text) == (None, "船走了（译者：甲某）\n\n完。")


# ---- times -----------------------------------------------------------------------------------------------

SHOWN = '<div class="m-pub-dates">Issued <time datetime="2024-03-05T10:30:00+01:00">05/03/2024 - 10:30</time></div>'


@pytest.mark.parametrize(
    ("html", "source"),
    [
        (article_html(head=linked(news(datePublished="2024-03-05T10:30:00+01:00"))), "jsonld"),
        (article_html(head=linked(news(datePublished="2024-03-05T10:30:00+0100"))), "jsonld"),
        (article_html(head=linked(news(datePublished="2024-03-05T09:30:00.1234567Z"))), "jsonld"),
        (article_html(head=linked(news(datePublished="2024-03-05T10:30"))), "jsonld"),
        (article_html(head='<meta property="article:published_time" content="2024-03-05T09:30:00Z">'), "meta"),
        (article_html(header=SHOWN), "markup"),
        (article_html(header='<div class="m-pub-dates">05/03/2024 - 10:30</div>'), "markup"),
    ],
)
def test_the_time_comes_from_the_data_then_meta_then_markup(html: str, source: str) -> None:
    article = read(html)
    assert article.published_at is not None
    assert (article.published_at.replace(second=0, microsecond=0), article.provenance["published_at"]) == (
        IN_MARCH,
        source,
    )


def test_the_time_comes_from_the_feed_when_the_page_tells_none() -> None:
    article = read(article_html(), entry=Entry(url=URL, published_at=IN_MARCH))
    assert (article.published_at, article.provenance["published_at"]) == (IN_MARCH, "feed")


def test_the_day_in_the_url_is_the_last_resort() -> None:
    article = read(article_html())
    assert (article.published_at, article.provenance["published_at"]) == (datetime(2024, 3, 5, tzinfo=UTC), "url")


@pytest.mark.parametrize(
    "unbelievable",
    [
        "1970-01-01T00:00:00Z",
        "1997-12-31T23:59:59Z",
        "2024-03-06T13:00:01Z",
        "2024-03-05",
        "0000-00-00T00:00:00",
        "soon",
        7,
    ],
)
def test_a_time_that_cannot_be_gives_way_to_the_next_source(unbelievable: object) -> None:
    article = read(article_html(head=linked(news(datePublished=unbelievable)), header=SHOWN))
    assert (article.published_at, article.provenance["published_at"]) == (IN_MARCH, "markup")


@pytest.mark.parametrize("believable", ["1998-01-01T00:00:00Z", "2024-03-06T12:59:59Z"])
def test_the_bounds_of_times_are_1998_and_an_hour_after_the_fetch(believable: str) -> None:
    article = read(article_html(head=linked(news(datePublished=believable))))
    assert article.published_at == datetime.fromisoformat(believable)


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        ("05/01/2024 - 11:27", datetime(2024, 1, 5, 10, 27, tzinfo=UTC)),
        ("05/07/2023 - 11:27", datetime(2023, 7, 5, 9, 27, tzinfo=UTC)),
        ("31/03/2023 - 00:10", datetime(2023, 3, 30, 22, 10, tzinfo=UTC)),
    ],
)
def test_the_time_shown_in_an_entry_is_of_paris_in_winter_and_in_summer(shown: str, wanted: datetime) -> None:
    article = accepted(entry_page(f"<div>{shown}</div><div class='t-content__body'><p>船走了。</p></div>"))
    assert (article.published_at, article.text) == (wanted, "船走了。")


def test_the_time_shown_in_an_entry_counts_more_than_that_of_the_feed() -> None:
    entry = Entry(url=CN_URL, title="锡船", published_at=datetime(2024, 3, 5, 11, tzinfo=UTC))
    article = accepted(entry_page("<div>05/03/2024 - 10:30</div><div><p>船走了。</p></div>", entry=entry))
    assert (article.published_at, article.provenance["published_at"]) == (IN_MARCH, "markup")


def test_the_second_time_shown_is_that_of_the_change() -> None:
    two = '<time datetime="2024-03-05T09:30Z"></time><time datetime="2024-03-05T11:00Z"></time>'
    shown = f'<div class="m-pub-dates">{two}</div>'
    article = read(article_html(header=shown))
    assert (article.published_at, article.modified_at) == (IN_MARCH, datetime(2024, 3, 5, 11, tzinfo=UTC))


def test_a_page_that_shows_one_time_was_not_changed() -> None:
    assert read(article_html(header=SHOWN)).modified_at == IN_MARCH


def test_the_change_told_by_the_data_counts_first() -> None:
    article = read(article_html(head=linked(news(dateModified="2024-03-05T12:00:00Z")), header=SHOWN))
    assert article.modified_at == datetime(2024, 3, 5, 12, tzinfo=UTC)


# ---- pictures --------------------------------------------------------------------------------------------


def figure(source: str, caption: str = "") -> str:
    return f'<figure class="m-figure"><img src="{source}">{caption}</figure>'


CAPTION = (
    '<figcaption class="m-figure__caption"><span class="m-figure__caption__legend"> A goat </span>'
    '<span class="m-figure__caption__credits">© Ada Lamp</span></figcaption>'
)


def test_the_main_picture_comes_first_with_caption_and_credit_apart() -> None:
    header = f'<div class="t-content__main-media">{figure(f"{MEDIA}/w:1280/p:16x9/goat.jpg", CAPTION)}</div>'
    article = read(article_html(header=header, inside=f"<p>Text.</p>{figure('/media/sea.jpg')}"))
    assert article.images == [
        Image(url=f"{MEDIA}/w:1280/p:16x9/goat.jpg", caption="A goat", credit="© Ada Lamp"),
        Image(url="https://www.rfi.fr/media/sea.jpg"),
    ]
    assert article.text == "Text."


def test_a_caption_without_parts_is_split_at_the_copyright_sign() -> None:
    caption = "<figcaption>A goat © Ada Lamp</figcaption>"
    assert read(article_html(inside=figure("/a.jpg", caption))).images[0].caption == "A goat"
    assert read(article_html(inside=figure("/a.jpg", caption))).images[0].credit == "© Ada Lamp"


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        (
            f'<img src="{MEDIA}/w:310/g.jpg" srcset="{MEDIA}/w:310/g.jpg 310w, {MEDIA}/w:1024/g.jpg 1024w">',
            "/w:1024/g.jpg",
        ),
        (f'<img src="data:x" data-image-dataset=\'{{"url":"{MEDIA}/","filename":"g.jpg"}}\'>', "/g.jpg"),
        (f'<img src="data:x"><noscript><img src="{MEDIA}/w:310/g.jpg"></noscript>', "/w:310/g.jpg"),
        (f'<picture><source srcset="{MEDIA}/w:980/g.webp"><img src="{MEDIA}/w:310/g.jpg"></picture>', "/w:980/g.webp"),
    ],
)
def test_of_a_picture_the_largest_size_offered_is_kept(image: str, wanted: str) -> None:
    assert read(article_html(inside=f"<figure>{image}</figure>")).images[0].url == MEDIA + wanted


def test_a_larger_size_of_the_same_picture_may_be_told_by_the_data() -> None:
    head = linked(news(image={"@type": "ImageObject", "url": f"{MEDIA}/w:1280/p:16x9/g.jpg"}))
    article = read(article_html(head=head, inside=figure(f"{MEDIA}/w:310/p:4x3/g.jpg")))
    assert [image.url for image in article.images] == [f"{MEDIA}/w:1280/p:16x9/g.jpg"]


@pytest.mark.parametrize(
    ("head", "source"),
    [
        (linked(news(image=[f"{MEDIA}/g.jpg"])), "jsonld"),
        (f'<meta property="og:image" content="{MEDIA}/g.jpg">', "meta"),
    ],
)
def test_a_page_that_shows_no_picture_has_the_one_it_tells(head: str, source: str) -> None:
    article = read(article_html(head=head))
    assert ([image.url for image in article.images], article.provenance["images"]) == ([f"{MEDIA}/g.jpg"], source)


def test_the_placeholder_of_the_site_is_no_picture_of_an_article() -> None:
    head = '<meta property="og:image" content="https://static.rfi.fr/meta_og_twcards/RFI_FB.png">'
    assert read(article_html(head=head)).images == []


@pytest.mark.parametrize(
    "around",
    [
        '<div class="m-em-video">{}</div>',
        '<div class="m-em-diaporama">{}</div>',
        "<div data-wrapper-video-player>{}</div>",
        '<div class="o-self-promo o-self-promo--nl">{}</div>',
        "<aside>{}</aside>",
    ],
)
def test_pictures_of_embeds_and_promotions_are_not_the_articles(around: str) -> None:
    assert read(article_html(inside="<p>Text.</p>" + around.format(figure("/poster.jpg")))).images == []


def test_a_pixel_that_counts_visits_is_no_picture() -> None:
    assert read(article_html(inside='<p>Text.<img src="/pixel.gif" width="1" height="1"></p>')).images == []


# ---- recordings ------------------------------------------------------------------------------------------

SOUND = "https://aod-rfi.akamaized.net/rfi/anglais/audio/goats.mp3"


@pytest.mark.parametrize(
    ("duration", "wanted"),
    [
        ("PT4M5S", 245),
        ("PT1H", 3600),
        ("4:05", 245),
        ("1:04:05", 3845),
        (245, 245),
        ("", None),
        ("PT0S", None),
        ("x", None),
    ],
)
def test_the_recording_of_the_data_tells_its_length(duration: object, wanted: int | None) -> None:
    audio = {"@type": "AudioObject", "contentUrl": SOUND, "duration": duration}
    assert read(article_html(head=linked(news(audio=audio)))).audio == [Audio(url=SOUND, duration_s=wanted)]


def player(told: object) -> str:
    settings = f'<script data-media-id="M1" type="application/json"> {json.dumps(told)} </script>'
    return f'<div class="m-em-audio">{settings}<p class="m-em-audio__show-infos__emission">Goat hour</p></div>'


def test_a_player_in_the_body_is_a_recording_and_no_text() -> None:
    inside = "<p>Text.</p>" + player({"mediaId": "M1", "sources": [{"url": SOUND}], "diffusion": {"duration": 61}})
    article = read(article_html(inside=inside))
    assert (article.audio, article.text) == ([Audio(url=SOUND, duration_s=61)], "Text.")


def test_a_recording_told_twice_is_one_with_its_length() -> None:
    head = linked(news(audio={"contentUrl": SOUND, "duration": "PT1M"}))
    article = read(article_html(head=head, inside=player({"sources": [{"url": SOUND}]})))
    assert article.audio == [Audio(url=SOUND, duration_s=60)]


@pytest.mark.parametrize(
    "told", [[], "x", {"sources": "x"}, {"sources": [7]}, {"sources": [{"url": "https://x.test/a.mp4"}]}]
)
def test_settings_of_a_player_that_name_no_sound_give_none(told: object) -> None:
    assert read(article_html(inside="<p>Text.</p>" + player(told))).audio == []


# ---- what the URL tells ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "kind", "edition", "language", "section", "programme"),
    [
        (URL, Kind.ARTICLE, "en", "en", "africa", None),
        (CN_URL, Kind.ARTICLE, "cn", "zh-Hans", "中国", None),
        (
            "https://www.rfi.fr/fr/podcasts/chronique-des-mats/20240305-m",
            Kind.EPISODE,
            "fr",
            "fr",
            None,
            "chronique-des-mats",
        ),
        ("https://www.rfi.fr/fa/%D8%A7%DB%8C%D8%B1%D8%A7%D9%86/20240305-x", Kind.ARTICLE, "fa", "fa", "ایران", None),
    ],
)
def test_kind_edition_language_section_and_programme_come_from_the_url(
    url: str, kind: Kind, edition: str, language: str, section: str | None, programme: str | None
) -> None:
    article = read(article_html(), url)
    told = (article.kind, article.edition, article.language, article.section, article.programme)
    assert told == (kind, edition, language, section, programme)
    assert (article.key, article.url) == (urls.key(url), url)


@pytest.mark.parametrize(
    "share",
    [
        '<a href="https://www.facebook.com/dialog/share?href=https%3A%2F%2Frfi.my%2FBoAt.F&amp;x=1"></a>',
        '<a href="whatsapp://send?text=Boat%20-%20https%3A%2F%2Frfi.my%2FBoAt.W"></a>',
        '<input value="https://rfi.my/BoAt.t">',
    ],
)
def test_the_short_code_comes_from_the_links_to_share(share: str) -> None:
    article = read(article_html(after=f"<div>{share}</div>"))
    assert article.short_code == "BoAt"


def test_a_short_link_in_the_text_is_another_articles() -> None:
    assert read(article_html(inside='<p>Text <a href="https://rfi.my/Else">here</a>.</p>')).short_code is None


# ---- status, hash, origin --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("09/11/2023", Status.SHORT),
        ("", Status.SHORT),
        ("A line below a video.", Status.SHORT),
        ("日股今天收跌。", Status.SHORT),
        (" ".join(PARAGRAPHS), Status.FULL),
        ("船走了山羊说好。" * 15, Status.FULL),
    ],
)
def test_a_text_of_next_to_nothing_is_short(text: str, status: Status) -> None:
    article = read(article_html(inside=f"<p>{text}</p>"))
    assert (article.status, article.text) == (status, text)


def test_an_article_tells_where_it_was_found_and_what_read_it() -> None:
    article = read(article_html(), source="https://www.rfi.fr/en/rss", aliases=["https://www.rfi.fr/en/x/20240305-y"])
    assert article.sources == ["https://www.rfi.fr/en/rss"]
    assert article.aliases == ["https://www.rfi.fr/en/x/20240305-y"]
    assert set(article.extractor) == {"rfispider", "trafilatura"}
    assert (article.origin, article.fetched_at) == (Origin.PAGE, FETCHED)
    assert article.content_hash.startswith("1:")


def test_a_rendered_page_is_read_like_a_fetched_one() -> None:
    article = read(article_html(), origin=Origin.RENDERED)
    assert (article.text, article.origin) == ("\n\n".join(PARAGRAPHS), Origin.RENDERED)


def test_every_field_that_is_told_has_a_source() -> None:
    head = linked(news(headline="T", datePublished="2024-03-05T09:30:00Z", keywords="a", author="b", image="/x.jpg"))
    article = read(article_html(head=head, header='<p class="t-content__chapo">Lead.</p>'))
    told = {"title", "lead", "text", "authors", "tags", "published_at", "images", "section", "language"}
    assert told <= set(article.provenance)
    assert set(article.provenance.values()) <= {"jsonld", "meta", "markup", "feed", "url", "trafilatura"}
    assert "agency" not in article.provenance


# ---- JSON-LD, however it comes ---------------------------------------------------------------------------

TOLD = news(headline="Told", keywords="goats")


@pytest.mark.parametrize(
    "head",
    [
        linked([TOLD]),
        linked([{"@type": "WebSite", "name": "RFI"}, TOLD]),
        linked({"@context": "https://schema.org", "@graph": [{"@type": "BreadcrumbList"}, TOLD]}),
        linked({"@type": "Organization", "name": "RFI"}, TOLD),
        linked({"@type": "WebPage", "mainEntity": TOLD}),
        linked({"@type": ["Thing", "https://schema.org/NewsArticle"], "headline": "Told", "keywords": ["goats"]}),
        linked({"@type": "NewsArticle", "headline": "Told"}, {"@type": "NewsArticle", "keywords": "goats"}),
        f'<script type="application/ld+json">{escape(json.dumps(TOLD))}</script>',
        f'<script type="application/ld+json">//<![CDATA[\n{json.dumps(TOLD)}\n//]]></script>',
        f'<script type="application/ld+json"><!-- {json.dumps(TOLD)} --></script>',
        f'<script type="application/ld+json">{json.dumps(TOLD)[:-1]},}}</script>',
        f'<script type="application/ld+json; charset=utf-8">{json.dumps(TOLD)};</script>',
        f'<script type="application/ld+json">{json.dumps(TOLD)[:-1]}, "x": "a\nb"}}</script>',
    ],
)
def test_linked_data_is_read_however_it_is_wrapped(head: str) -> None:
    article = read(article_html(head=head))
    assert (article.title, article.tags) == ("Told", ["goats"])


@pytest.mark.parametrize(
    "broken", ["{", '{"@type": "NewsArticle", "headline": "Cut', "null", "[[[]]]", "7", "", "[" * 5000]
)
def test_broken_linked_data_leaves_the_fields_to_the_other_sources(broken: str) -> None:
    article = read(article_html(head=f'<script type="application/ld+json">{broken}</script>', header=SHOWN))
    assert (article.title, article.published_at) == ("The tin boat sails", IN_MARCH)


@pytest.mark.parametrize("value", [7, None, [], {}, [None], {"name": 7}, True, [[["x"]]], {"url": {"url": 1}}])
def test_linked_data_of_the_wrong_types_is_passed_over(value: object) -> None:
    names = ("headline", "description", "author", "keywords", "datePublished", "dateModified", "image", "audio")
    article = read(article_html(head=linked(news(**dict.fromkeys(names, value))), header=SHOWN))
    assert (article.title, article.published_at) == ("The tin boat sails", IN_MARCH)


def test_linked_data_in_the_body_of_the_page_counts_too() -> None:
    html = article_html().replace("</body>", linked(TOLD) + "</body>")
    assert accepted(page(html)).title == "Told"


@pytest.mark.parametrize(
    ("href", "aliases"),
    [
        (URL, []),
        ("/en/africa/20240305-the-tin-boat-sails?utm_source=x", []),
        (
            "https://www.rfi.fr/en/europe/20240305-the-tin-boat-sails",
            ["https://www.rfi.fr/en/europe/20240305-the-tin-boat-sails"],
        ),
        ("/en/europe/20240305-another", ["https://www.rfi.fr/en/europe/20240305-another"]),
        ("https://www.rfi.fr/fr/europe/20240305-le-bateau", []),
        ("https://www.rfi.fr/en/", []),
        ("https://example.org/en/europe/20240305-the-tin-boat-sails", []),
        ("", []),
    ],
)
def test_the_canonical_url_of_a_page_is_another_url_of_the_article(href: str, aliases: list[str]) -> None:
    head = f'<link rel="stylesheet" href="/a.css"><link rel="canonical" href="{href}">'
    assert read(article_html(head=head)).aliases == aliases
