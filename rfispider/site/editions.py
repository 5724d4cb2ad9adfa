"""The sixteen language editions: the words that their paths are made of, and where a crawl of each starts.

A correction of a fact about an edition is an edit of this file alone. Facts that were not seen in a capture of the
site are marked `unseen`; the code tolerates their absence.
"""

from dataclasses import dataclass

from rfispider.site.hosts import SITE, SITEMAP_PATHS


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionSource:
    """A URL at which a crawl of an edition starts."""

    url: str
    role: str
    """feed, sitemap, front, live-feed, section or section-feed."""
    unseen: bool = False
    """True: known from other people's code only; the address may answer 403 or 404."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One language edition: the first part of its paths, and the words its paths are made of.

    All words are decoded parts of a path. Where only one spelling is given, spellings that differ in accents
    or letter case are taken for the same word.
    """

    code: str
    """First part of the path."""
    language: str
    """BCP 47."""
    name: str
    """The language's name for itself."""
    direction: str = "ltr"
    """Writing direction, as in HTML: ltr or rtl."""
    sections: tuple[str, ...]
    """The sections of the navigation: source pages of a crawl, in the order of the site."""
    more_sections: tuple[str, ...] = ()
    """Sections and other lists outside the navigation, known so that they are not taken for something else."""
    live_feeds: tuple[str, ...] = ()
    """Lists of the newest items of all sections."""
    programme_roots: tuple[str, ...] = ()
    """Parts that stand before the programme in `/<edition>/<root>/<programme>/`."""
    archive_root: str | None = None
    """Part that stands before the year in `/<edition>/<root>/YYYY/`."""
    archive_months: tuple[str, ...] = ()
    """Names of the months in the addresses of archive days; empty: not known, the days stand on the year's page."""
    tag_roots: tuple[str, ...] = ("tag",)
    author_roots: tuple[str, ...] = ()
    video_roots: tuple[str, ...] = ()
    """Both the list of the videos and the part before a dated video."""
    live_pages: tuple[str, ...] = ()
    utility_pages: tuple[str, ...] = ()
    """About us, applications, how to listen, partners: never articles."""
    has_wires: bool = False
    """Whether copies of news agencies stand at `/<edition>/<slug>`, with no date and no section."""
    bare_feeds: tuple[str, ...] = ()
    """Sections that have a feed at `/<section>/rss`, without edition: addresses of before 2020, seen in 2021."""
    related_words: tuple[str, ...] = ()
    """Headings of the block of related articles."""

    @property
    def front(self) -> str:
        """URL of the front page."""
        return f"{SITE}/{self.code}/"

    def archive_day_path(self, year: int, month: int, day: int) -> str:
        """Address of one day of the archives below the front page; only for editions with `archive_months`."""
        return ARCHIVE_DAY_PATH.format(
            root=self.archive_root, year=year, month=month, day=day, month_name=self.archive_months[month - 1]
        )

    @property
    def section_feeds(self) -> tuple[EditionSource, ...]:
        """Feeds of single sections. What they carry was never seen, so they are not among `sources`."""
        below = [
            EditionSource(url=f"{self.front}{name}/rss", role="section-feed", unseen=True) for name in self.sections
        ]
        bare = [EditionSource(url=f"{SITE}/{name}/rss", role="section-feed") for name in self.bare_feeds]
        return (*below, *bare)

    @property
    def sources(self) -> tuple[EditionSource, ...]:
        """Where a crawl of the edition starts, the most telling first; some URLs hold raw non-ASCII letters."""
        pages = [EditionSource(url=f"{self.front}{name}/", role="live-feed") for name in self.live_feeds]
        sections = [EditionSource(url=f"{self.front}{name}/", role="section") for name in self.sections]
        return (
            EditionSource(url=f"{self.front}rss", role="feed", unseen=True),
            EditionSource(url=f"{SITE}/{SITEMAP_PATHS['news'].format(edition=self.code)}", role="sitemap", unseen=True),
            EditionSource(url=self.front, role="front"),
            *pages,
            *sections,
        )


_EDITIONS = (
    Edition(
        code="fr",
        language="fr",
        name="Français",
        sections=("afrique", "amériques", "asie-pacifique", "europe", "moyen-orient", "france", "monde"),
        more_sections=(
            "économie", "culture", "culture-médias", "environnement", "science", "sciences", "sports", "afrique-foot",
            "tech", "technologies", "connaissances", "interactif", "notre-sélection", "en-bref", "com",
            "les-plus-lus", "journaux-afrique", "journaux-monde", "hors-antenne-magazine", "actus-medias-partenaires",
            "reportage-medias-partenaires", "slideshow",
        ),
        programme_roots=("podcasts", "emission", "emissions"),
        archive_root="archives",
        archive_months=(
            "janvier", "février", "mars", "avril", "mai", "juin",
            "juillet", "août", "septembre", "octobre", "novembre", "décembre",
        ),  # unseen
        author_roots=("auteur",),
        video_roots=("vidéos", "vidéo"),
        live_pages=("direct", "direct-afrique", "direct-monde", "en-direct"),
        utility_pages=(
            "applications", "gestion-notifications", "grille-des-programmes-afrique", "grille-des-programmes-monde",
            "comment-écouter", "comment-nous-écouter", "qui-sommes-nous", "médias-partenaires", "boutique",
            "fréquences", "mentions-légales", "service-pro",
        ),
        has_wires=True,
        bare_feeds=(
            "afrique", "afrique-foot", "ameriques", "asie-pacifique", "culture", "economie", "europe", "france",
            "moyen-orient", "science", "sports",
        ),
        related_words=("Sur le même sujet", "À lire aussi"),  # unseen
    ),
    Edition(
        code="en",
        language="en",
        name="English",
        sections=("france", "africa", "international", "science-technology", "culture", "sport"),
        more_sections=("europe", "business", "sports", "environment", "americas", "asia-pacific", "middle-east"),
        live_feeds=("live-news",),
        programme_roots=("podcasts",),
        archive_root="archives",
        author_roots=("author",),  # unseen
        video_roots=("videos", "video"),
        live_pages=("live",),
        utility_pages=("about-us", "applications", "how-to-listen", "partners"),
        has_wires=True,
        related_words=("On the same subject", "Read also"),  # unseen
    ),
    Edition(
        code="es",
        language="es",
        name="Español",
        sections=("américas", "francia", "europa", "medioambiente", "salud", "cultura", "economía", "deportes"),
        more_sections=(
            "áfrica", "asia-pacífico", "oriente-medio", "latinoamérica", "ciencia", "sociedad", "noticieros",
        ),
        live_feeds=("más-noticias",),
        programme_roots=("programas", "programmas", "podcasts"),
        archive_root="archivos",
        author_roots=("autor",),  # unseen
        video_roots=("videos", "video"),
        live_pages=("en-vivo",),
        utility_pages=("quienes-somos", "aplicaciones", "como-captar", "radios-asociadas"),
        has_wires=True,
        related_words=("Sobre el mismo tema",),  # unseen
    ),
    Edition(
        code="pt",
        language="pt-PT",
        name="Português",
        sections=("áfrica-lusófona", "frança", "áfrica", "internacional"),
        more_sections=(
            "angola", "cabo-verde", "guiné-bissau", "moçambique", "são-tomé-e-príncipe", "mundo", "noticiários",
        ),
        programme_roots=("programas", "emission", "podcasts"),
        archive_root="arquivos",
        author_roots=("autor",),  # unseen
        video_roots=("vídeos", "vídeo"),
        live_pages=("directo",),
        utility_pages=("quem-somos", "aplicações", "como-sintonizar", "rádios-associadas", "parceiros"),
        related_words=("Sobre o mesmo tema",),  # unseen
    ),
    Edition(
        code="br",
        language="pt-BR",
        name="Português do Brasil",
        sections=("frança", "brasil", "américas", "mundo", "cultura", "ciências"),
        more_sections=(
            "europa", "áfrica", "economia", "esportes", "meio-ambiente", "saúde", "sociedade", "geral",
        ),  # unseen
        live_feeds=("últimas-notícias",),  # unseen
        programme_roots=("podcasts", "programas"),  # unseen
        archive_root="arquivos",
        author_roots=("autor",),  # unseen
        video_roots=("vídeos", "vídeo"),  # unseen
        live_pages=("ao-vivo",),  # unseen
        utility_pages=(
            "quem-somos", "aplicativos", "aplicativo", "aplicações", "como-ouvir", "como-sintonizar",
            "rádios-parceiras", "parceiros",
        ),  # unseen
        related_words=("Sobre o mesmo tema",),  # unseen
    ),
    Edition(
        code="cn",
        language="zh-Hans",
        name="简体中文",
        sections=("中国", "法国", "港澳台", "亚洲", "美洲"),
        more_sections=(
            "国际", "政治", "社会", "经贸", "欧洲", "非洲", "中东", "大洋洲", "生态", "人权", "体育", "健康", "名流",
            "科技与文化", "科技", "文化", "魅力法兰西", "特别专题", "再次收听", "专题",
        ),
        live_feeds=("滚动新闻", "最新消息"),
        programme_roots=("专栏检索", "专栏"),
        archive_root="档案资料库",
        tag_roots=("tag", "关键词"),
        author_roots=("作者",),
        video_roots=("视频",),
        live_pages=("直播", "在线收听"),  # unseen
        utility_pages=("应用", "我们是谁", "如何收听法广", "法广合作伙伴"),
        has_wires=True,
        related_words=("同一主题",),
    ),
    Edition(
        code="tw",
        language="zh-Hant",
        name="繁體中文",
        sections=("中國", "法國", "港澳台", "亞洲", "美洲"),
        more_sections=(
            "國際", "政治", "社會", "經貿", "歐洲", "非洲", "中東", "大洋洲", "生態", "人權", "體育", "健康", "名流",
            "科技與文化", "科技", "文化", "魅力法蘭西", "特別專題", "再次收聽", "專題", "港澳臺",
        ),
        live_feeds=("滾動新聞", "最新消息"),
        programme_roots=("專欄檢索", "專欄"),
        archive_root="檔案資料庫",
        tag_roots=("tag", "關鍵詞"),
        author_roots=("作者",),
        video_roots=("視頻", "影片"),
        live_pages=("直播", "在線收聽", "線上收聽", "線上直播"),  # unseen
        utility_pages=(
            "應用", "應用程式", "我們是誰", "如何收聽法廣", "法廣合作夥伴", "法廣合作伙伴",
        ),
        has_wires=True,
        related_words=("同一主題",),
    ),
    Edition(
        code="ru",
        language="ru",
        name="Русский",
        sections=("россия", "франция", "европа", "культурa-стиль-жизни", "украина", "спорт"),
        more_sections=("культура", "общество", "экономика", "в-мире", "мир", "африка", "азия", "америка"),  # unseen
        live_feeds=("последние-новости",),  # unseen
        programme_roots=("подкасты", "программы", "передачи", "podcasts"),  # unseen
        archive_root="aрхивы",
        author_roots=("автор",),  # unseen
        video_roots=("видео",),  # unseen
        live_pages=("эфир", "прямой-эфир", "в-эфире"),  # unseen
        utility_pages=(
            "о-нас", "кто-мы", "приложения", "мобильные-приложения", "как-нас-слушать", "как-слушать", "партнеры",
        ),  # unseen
        related_words=("На ту же тему", "По теме"),  # unseen
    ),
    Edition(
        code="uk",
        language="uk",
        name="Українська",
        sections=("yкраїна", "європа", "міжнародні-новини", "українці-за-кордоном"),
        more_sections=("україна", "франція", "суспільство", "економіка", "культура", "спорт"),  # unseen
        programme_roots=("подкасти", "програми", "podcasts"),  # unseen
        author_roots=("автор",),  # unseen
        video_roots=("відео",),  # unseen
        live_pages=("ефір", "прямий-ефір", "наживо"),  # unseen
        utility_pages=("про-нас", "хто-ми", "застосунки", "додатки", "як-нас-слухати", "партнери"),  # unseen
        related_words=("На ту ж тему", "За темою"),  # unseen
    ),
    Edition(
        code="fa",
        language="fa",
        name="فارسی",
        direction="rtl",
        sections=("جامعه-و-محیط-زیست", "فرهنگ-و-زندگی", "ایران", "افغانستان", "جهان"),
        more_sections=("فرانسه", "اقتصاد", "دانش-و-محیطزیست", "ناظران", "hp"),
        programme_roots=("پادکست", "برنامه-ها"),
        archive_root="بایگانی",
        author_roots=("نویسنده",),  # unseen
        video_roots=("ویدئو", "ویدیو"),  # unseen
        live_pages=("پخش-زنده", "زنده"),  # unseen
        utility_pages=("ار-اف-ای-را-دریافت-کنید", "درباره-ما", "برنامه-کاربردی"),
        related_words=("در همین زمینه",),  # unseen
    ),
    Edition(
        code="vi",
        language="vi",
        name="Tiếng Việt",
        sections=("việt-nam", "châu-á", "pháp", "quốc-tế", "phân-tích", "điểm-báo"),
        more_sections=("cộng-đồng", "xã-hội", "tổng-hợp", "văn-hóa", "kinh-tế", "thể-thao"),
        programme_roots=("tạp-chí", "chương-trình", "podcasts"),
        archive_root="lưu-trữ",
        author_roots=("tác-giả",),  # unseen
        video_roots=("video",),  # unseen
        live_pages=("trực-tiếp",),  # unseen
        utility_pages=("về-rfi", "ứng-dụng", "cách-nghe-đài", "đối-tác"),
        related_words=("Cùng chủ đề",),  # unseen
    ),
    Edition(
        code="km",
        language="km",
        name="ភាសាខ្មែរ",
        sections=("កម្ពុជា", "អាស៊ី", "អឺរ៉ុប", "អាមេរិក", "អាហ្វ្រិក", "ដើមបូព៌ា"),
        more_sections=("នយោបាយ", "សេដ្ឋកិច្ច", "សង្គម-វប្បធម៌", "ច្បាប់-តុលាការ", "បទវិភាគ"),
        programme_roots=("កម្មវិធីផ្សេងទៀត", "កម្មវិធីព័ត៌មាន", "ការផ្សាយប្រចាំថ្ងៃ", "features"),
        archive_root="បណ្ណសារ",
        video_roots=("វីដេអូ",),
        live_pages=("ផ្សាយផ្ទាល់",),
        utility_pages=("កម្មវិធីទូរស័ព្ទដៃ", "យើងជានរណា", "តើអាចស្តាប់-RFI-តាមវិធីណាខ្លះ"),
    ),
    Edition(
        code="sw",
        language="sw",
        name="Kiswahili",
        sections=("afrika", "eac", "siasa-uchumi", "makala", "michezo"),
        more_sections=("dunia", "ulimwengu", "afya", "mazingira", "utamaduni", "habari", "uchumi", "siasa"),  # unseen
        live_feeds=("habari-za-hivi-punde",),  # unseen
        programme_roots=("vipindi", "programu", "podcasts"),  # unseen
        archive_root="maktaba",
        video_roots=("video",),  # unseen
        live_pages=("moja-kwa-moja",),  # unseen
        utility_pages=("kuhusu-sisi", "sisi-ni-nani", "jinsi-ya-kusikiliza", "washirika"),  # unseen
    ),
    Edition(
        code="ha",
        language="ha",
        name="Hausa",
        sections=("duniya", "afrika", "najeriya", "nijar", "wasanni"),
        more_sections=(
            "turai", "asiya", "al-adu", "fina-finai", "ilimi", "lafiya", "labarai", "yankin-hausawa", "slideshow",
        ),
        programme_roots=("shirye-shirye",),
        archive_root="kundaye",
        video_roots=("bidiyo",),
        live_pages=("kai-tsaye",),
        utility_pages=("a-game-da-mu", "manhaja", "yadda-za-a-sami-rfi"),
    ),
    Edition(
        code="ma",
        language="man",
        name="Mandenkan",
        sections=("farafinna", "duniɲa", "sɔrɔ", "kɛnɛya", "lamini", "kalan", "musow", "sigida"),
        more_sections=("kunnafoni", "kunnafoniw"),
        programme_roots=("jɛmukanw",),
        archive_root="kɔrɔlenw",
        utility_pages=("anw-ye-jɔn-ye", "bɛ-lasɔrɔ-cɔgɔdi", "ka-rfi-lamɛn-nɔgɔni-na"),
    ),
    Edition(
        code="ff",
        language="ff",
        name="Fulfulde",
        sections=("afrik", "winndere", "faggudu", "cellal", "taariindi", "needi", "rewɓe", "renndo"),
        more_sections=("kabaaruuji",),
        programme_roots=("taskaramji",),
        archive_root="maraandi",
        live_pages=("e-guurol",),
        utility_pages=("menen-woni", "no-rfi-nanngirtee"),
    ),
)  # fmt: skip

EDITIONS: dict[str, Edition] = {edition.code: edition for edition in _EDITIONS}
"""The editions by code."""

SHARED_PROGRAMME_ROOTS = ("podcasts", "podcast", "emission", "emissions", "programmes", "programmas", "features")
"""Words of the site's software, known to every edition: programmes."""
SHARED_AUTHOR_ROOTS = ("auteur", "author", "autor")
SHARED_VIDEO_ROOTS = ("video", "videos")
SHARED_LIVE_PAGES = ("live", "direct")
SHARED_UTILITY_PAGES = ("applications", "boutique", "notifications", "newsletter", "newsletters", "search")
SHARED_SECTIONS = ("hp", "slideshow")
WIRE_ROOTS = ("contenu",)
"""Part that stands for the section where a dated copy of a news agency has none."""
GENERAL_ROOTS = ("general",)
"""Section of what belongs to no section: dated articles, and the site's own pages without date."""
OWN_NAME = "rfi"
"""The radio's name as a word of a slug."""
EDITION_OF_BARE_PATHS = "fr"
"""Paths without edition, such as /afrique/rss, are those of the French site before 2020."""

LEGACY_HOSTS: dict[str, str] = {
    **{f"{code}.rfi.fr": code for code in EDITIONS},
    **{f"scd.{code}.rfi.fr": code for code in EDITIONS},
    "trad.cn.rfi.fr": "tw",
}
"""Hosts of the editions before 2020 -> edition. Seen: cn.rfi.fr and scd.cn.rfi.fr; the others are unseen."""

TWINS = {"tw": "cn", "cn": "tw"}
"""Editions that carry the same stories under the same paths, in two scripts."""
TRADITIONAL_WORDS = {"港澳臺": "港澳台"}
"""Parts in which the traditional edition does not write what the conversion of scripts gives."""

ARCHIVE_DAY_PATH = "{root}/{year:04}/{month:02}/{day:02}-{month_name}-{year:04}"
"""Address of one day of the archives, below the front page. Told, for the French edition only."""
