"""The markup of the site's pages, feeds and archived entries, as data: selectors, patterns, what to cut.

A correction of a selector is an edit of this file alone. Facts that were not seen in a capture of the site are marked
`told`; the code tolerates their absence.
"""

# ---- Feeds, sitemaps, archived entries -------------------------------------------------------------------

TIMEZONE = "Europe/Paris"
"""The zone of times that are printed without one."""

FEED_FULL_TEXT = r"<div>\s*\d\d/\d\d/\d{4} - \d\d:\d\d\s*</div>|\bt-content__body\b"
"""Pattern found in a feed description only when it holds the whole article: the displayed time, or the body block."""

ARCHIVED_TIME = r"<!--\s*(\d{9,16})\s*-->"
"""First line of an archived entry: when the feed published it, in milliseconds (nine to eleven digits: seconds)."""
ARCHIVED_LINK = r"\[(.*)\]\(((?:https?:/)?/[^\n]*)\)"
"""Second line: title, which may itself hold brackets, and address of the article."""
ARCHIVED_RULE = r"-{4,}"
"""Third line: what stands below is the HTML of the article."""
ARCHIVED_FRONT_MATTER = {
    "title": "title",
    "url": "from",
    "published": "date",
    "authors": "author",
    "keywords": "tags",
}
"""Field -> its name in the block of metadata that may stand before an archived entry."""
OWN_BYLINES = frozenset({"法广", "法國國際廣播電台", "法国国际广播电台", "RFI"})
"""Names under which the archiver lists the whole site: neither an author nor a keyword."""

# ---- Markup of pages -------------------------------------------------------------------------------------

PLACEHOLDER_IMAGES = ("/meta_og_twcards/",)
"""Parts of the address of pictures that stand for the site, not for an article, in its meta elements."""

ARTICLE_CLASSES = ("t-content--article", "t-content")
"""Classes of the element that holds a whole article, the surer first."""
BODY_CLASS = "t-content__body"
LEAD_CLASSES = ("t-content__chapo",)  # unseen
TITLE_CLASSES = ("t-content__title",)  # unseen
AUTHOR_CLASSES = ("m-from-author__name",)  # unseen
TAGS_CLASSES = ("m-tags-list",)  # unseen
DATES_CLASSES = ("m-pub-dates", "t-content__dates")  # unseen
COPYRIGHT_CLASS = "t-copyright"
CAPTION_CLASSES = ("m-figure__caption__legend",)
CAPTION_CREDIT_CLASSES = ("m-figure__caption__credits",)
LAZY_IMAGE_ATTRIBUTE = "data-image-dataset"
"""JSON of a picture that is loaded late: url (of the directory) and filename."""
IMAGE_WIDTH = r"/w:(\d+)(?=/)"
"""Part of a picture's address that tells its width in pixels; without it the picture has its original size."""
BODY_IMAGE_NOISE_CLASSES = (
    "m-em-diaporama", "m-em-slideshow", "m-diaporama", "m-em-video", "o-self-promo", "m-block-ad", "m-interstitial",
    "m-item-list-article", "m-em-textbox", "m-em-flash", "m-em-quote",
)  # fmt: skip
"""Blocks whose pictures are not the article's: slideshows, posters of videos, promotions."""

NOISE_CLASSES = (
    "o-self-promo", "m-interstitial", "m-block-ad", "o-ad-", "m-em-", "m-figure", "m-diaporama", "m-main-media",
    "a-media-legend", "a-audio-player", "m-share", "t-content__shares", "o-aside-content", "m-item-list-article",
    "m-list-main-related", "m-newsletter", "m-player", "a-read-more",
)  # fmt: skip
"""Beginnings of the classes of what stands among the text and is none of it: blocks of advertisement, embeds."""
NOISE_ATTRIBUTES = (
    "data-tms-ad-type", "data-selfpromo-newsletter", "data-selfpromo-app", "data-readmore-target",
    "data-readmore-unlocker", "data-root-share", "data-wrapper-video-player", "data-article-list",
    "data-root-audio-player-button",
)  # fmt: skip
"""Attributes of the same blocks: they outlive the classes in archived entries of 2023."""
EMBED_SCRIPT_ATTRIBUTE = "data-media-id"
"""Attribute of the JSON script of a player: what is in the element around it is the player, not text."""
FURNITURE_CLASSES = (
    "t-content__", "m-pub-dates", "m-from-author", "m-tags-list", "m-breadcrumb", "a-tag", "m-podcast-links",
)  # fmt: skip
"""Beginnings of the classes of what stands in the article's element around the body."""
CHROME_TAGS = ("header", "footer", "nav", "aside", "form")
"""Elements of a page that never hold an article or a list of articles."""

RELATED_ATTRIBUTE = "data-org-type"
RELATED_VALUE = "related"
"""The block of related articles: an element whose attribute holds the value (as on the sister site)."""
ITEM_ATTRIBUTE = "data-article-list"
ITEM_LINK_ATTRIBUTE = "data-article-item-link"
LABEL_CLASSES = ("a-tag",)
ITEM_TITLE_CLASSES = ("article__title", "news__title")
ITEM_CLASSES = ("m-item-list-article", "m-item-news-feed")
RUN_TOGETHER = r"<(div|aside|section|article|span|figure|a|p|ul|li|h[1-6])(data-[a-z-]+)"
"""Damage of archived entries of 2023: a tag and its attribute without the space between."""

SITE_NAMES = (
    "法国国际广播电台", "法國國際廣播電台", "RFI", "RFI.", "RFI Mandenkan", "RFI Fulfulde", "RFI Hausa",
    "RFI Kiswahili",
    "RFI Brasil", "RFI Español", "RFI Português", "RFI English", "RFI Tiếng Việt", "RFI 中文", "RFI Khmer",
    "Radio France Internationale", "Radio Francia Internacional", "Rádio França Internacional",
    "международное французское радио", "Международное французское радио", "Міжнародне французьке радіо",
    "ار.اف.ای", "ار اف ای", "វិទ្យុបារាំងអន្តរជាតិ RFI ខេមរភាសា", "វិទ្យុបារាំងអន្តរជាតិ", "rfi.fr", "www.rfi.fr",
)  # fmt: skip
"""Names of the site that pages and feeds print behind a title, after a dash or a bar."""

DISPLAYED_TIME = r"(\d{1,2})/(\d{1,2})/(\d{4})\s*(?:-|–|,|à|at)?\s*(\d{1,2})[:h](\d{2})"
"""A printed time, in the zone of the site: day, month, year, hour, minute."""

SHARED_SHORT_LINK = r"%2F%2Frfi\.my%2F([0-9A-Za-z]+)"
"""A short link inside a share link: the one place where a short link surely names the page itself."""
PRINTED_SHORT_LINK = r"""(?:value|content|data-[a-z-]+)=["'](?:https?:)?//rfi\.my/([0-9A-Za-z]+)"""
"""A short link to be copied; unseen."""

ARCHIVER_FOOTER = r"(?:<br\s*/?>\s*)?<hr\s*/?>\s*<div>\s*获取更多RSS"
"""Where the archiver's footer of an archived entry begins; nothing below it is the article's."""

CREDIT_ROLES = (
    "译者", "譯者", "译", "譯", "翻译", "翻譯", "编译", "編譯", "实习编译", "實習編譯", "核稿", "校对", "校對",
    "审校", "審校", "记者", "記者", "实习记者", "實習記者", "综合报导", "綜合報導", "综合报道", "責任編輯", "责任编辑",
    "编辑", "編輯", "撰稿", "整理", "Traduction", "Traduit par", "Adaptation", "Translation", "Translated by",
    "Traducción", "Tradução", "Перевод", "Biên dịch",
)  # fmt: skip
"""Words for what was done by the people in a bracket at the end of the text. The Chinese ones are seen, all others
unseen."""

BLOCK_STATUSES = frozenset({401, 402, 403, 407, 429, 451, 503})
"""HTTP statuses of a site that knows the page and does not give it."""
GONE_STATUSES = frozenset({404, 410})
BLOCK_MARKS = (
    r"didomi|consent|cookie", r"access denied", r"just a moment", r"attention required", r"captcha",
    r"verify (?:that )?you are (?:a )?human", r"checking your browser", r"unusual traffic", r"request blocked",
    r"enable javascript", r"are you a robot", r"cloudflare|akamai|datadome|perimeterx|incapsula",
    r"too many requests", r"forbidden", r"pardon our interruption",
)  # fmt: skip
"""Words found in a page that stands in the way of the article, whatever its status. Unseen, as on other sites."""
SHARE_LINK = r"facebook\.com/(?:dialog/share|sharer)|whatsapp(?:://|\.com/)send|/intent/tweet|t\.me/share|rfi\.my%2F"
"""Addresses by which readers share an article: the block around them is not its text."""
AUDIO_FILE = r"\.(?:mp3|m4a|aac|ogg|oga|opus|wav|flac)(?:$|[?#])|/audio/"
"""Addresses of recordings, among those of other media."""
