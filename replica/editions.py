"""The words of each edition: parts of its paths, and what its pages print around an article."""

from dataclasses import dataclass

HOST = "www.rfi.fr"
SITE = f"https://{HOST}"


@dataclass(frozen=True, kw_only=True)
class Edition:
    """One language edition. Path words are decoded and without slashes."""

    code: str
    sections: tuple[str, ...]
    programmes: str
    """Part that stands before a programme."""
    archive: str
    tag: str = "tag"
    author: str = "auteur"
    ticker: str | None = None
    """List of the newest items; None where the edition has none."""
    videos: str | None = None
    wires: bool = False
    """Whether wire copies stand at `/<edition>/<slug>`."""
    utilities: tuple[str, ...] = ()
    """Pages that are never articles."""
    live: str | None = None
    """The page of the radio's live stream."""
    locale: str = "fr_FR"
    suffix: str = " - RFI"
    """What the OpenGraph title adds to the title."""
    site: str = "RFI"
    account: str = "RFI"
    related: str = "Sur le même sujet"
    share: str = "Partager :"
    advertisement: str = "Publicité"
    read_on: str = "Lire la suite"
    published: str = "Publié le :"
    modified: str = "Modifié le :"
    bulletin: str = "Journal"
    direction: str = "ltr"

    @property
    def root(self) -> str:
        """Path of the front page."""
        return f"/{self.code}/"


EDITIONS: dict[str, Edition] = {
    edition.code: edition
    for edition in (
        Edition(
            code="cn", sections=("中国", "法国", "港澳台", "亚洲", "美洲", "国际", "政治"), programmes="专栏检索",
            archive="档案资料库", author="作者", ticker="滚动新闻", videos="视频", wires=True, live="直播",
            utilities=("应用", "如何收听法广", "我们是谁", "法广合作伙伴"), locale="zh_CN", account="RFI_Cn",
            suffix=" - RFI - 法国国际广播电台", site="RFI - 法国国际广播电台", related="同一主题", share="分享 :",
            advertisement="广告", read_on="继续浏览后续", published="发表时间：", modified="更改时间：",
            bulletin="新闻节目",
        ),
        Edition(
            code="tw", sections=("中國", "法國", "港澳台", "亞洲", "美洲", "國際", "政治"), programmes="專欄檢索",
            archive="檔案資料庫", author="作者", ticker="滾動新聞", videos="視頻", wires=True, live="直播",
            utilities=("應用", "如何收聽法廣", "我們是誰", "法廣合作伙伴"), locale="zh_TW", account="RFI_TradCn",
            suffix=" - RFI - 法國國際廣播電台", site="RFI - 法國國際廣播電台", related="同一主題", share="分享 :",
            advertisement="廣告", read_on="繼續瀏覽後續", published="發表時間：", modified="更改時間：",
            bulletin="新聞節目",
        ),
        Edition(
            code="fr", sections=("afrique", "amériques", "asie-pacifique", "europe", "moyen-orient", "france", "monde"),
            programmes="podcasts", archive="archives", videos="vidéos", wires=True, live="direct-afrique",
            utilities=("applications", "gestion-notifications", "grille-des-programmes-afrique", "les-plus-lus"),
        ),
        Edition(
            code="en", sections=("france", "africa", "international", "science-technology", "culture", "sport"),
            programmes="podcasts", archive="archives", author="author", ticker="live-news", videos="videos", wires=True,
            live="live", utilities=("applications", "how-to-listen", "about-us"), locale="en_US", account="RFI_En",
            related="On the same subject", share="Share :", advertisement="Advertising", read_on="Read more",
            published="Issued on:", modified="Modified:", bulletin="News bulletin",
        ),
        Edition(
            code="es", programmes="programas", archive="archivos", author="autor", videos="videos", wires=True,
            sections=("américas", "francia", "europa", "medioambiente", "salud", "cultura", "economía", "deportes"),
            utilities=("aplicaciones", "como-captar", "quienes-somos", "radios-asociadas"), live="en-vivo",
            locale="es_LA", account="RFI_Es", related="Sobre el mismo tema", share="Compartir :",
            read_on="Seguir leyendo",
            advertisement="Publicidad", published="Publicado el:", modified="Modificado el:", bulletin="Noticiero",
        ),
        Edition(
            code="pt", sections=("áfrica-lusófona", "frança", "áfrica", "internacional"), programmes="programas",
            archive="arquivos", author="autor", videos="vídeos", live="directo", locale="pt_PT", account="RFI_Pt",
            utilities=("aplicações", "como-sintonizar", "quem-somos"), related="Sobre o mesmo assunto",
            share="Partilhar :", advertisement="Publicidade", read_on="Continuar a ler", published="Publicado a:",
            modified="Modificado a:", bulletin="Noticiário",
        ),
        Edition(
            code="br", sections=("frança", "brasil", "américas", "mundo", "cultura", "ciências"), programmes="podcasts",
            archive="arquivos", author="autor", utilities=("aplicativos", "quem-somos"), live="ao-vivo",
            locale="pt_BR", account="RFI_Br", related="Sobre o mesmo assunto", share="Compartilhar :",
            advertisement="Publicidade", read_on="Continue lendo", published="Publicado em:", modified="Modificado em:",
            bulletin="Jornal",
        ),
        Edition(
            code="ru", sections=("россия", "франция", "европа", "культурa-стиль-жизни", "украина", "спорт"),
            programmes="подкасты", archive="aрхивы", author="автор", utilities=("приложения", "о-нас"),
            locale="ru_RU", account="RFI_Ru", related="По теме", share="Поделиться :", advertisement="Реклама",
            read_on="Читать дальше", published="Опубликовано:", modified="Изменено:", bulletin="Выпуск новостей",
        ),
        Edition(
            code="uk", sections=("yкраїна", "європа", "міжнародні-новини", "українці-за-кордоном"), archive="архіви",
            programmes="подкасти", author="автор", utilities=("додатки", "про-нас"), locale="uk_UA", account="RFI_Uk",
            related="На цю тему", share="Поділитися :", advertisement="Реклама", read_on="Читати далі",
            published="Опубліковано:", modified="Змінено:", bulletin="Випуск новин",
        ),
        Edition(
            code="fa", sections=("ایران", "افغانستان", "جهان", "فرانسه", "جامعه-و-محیط-زیست", "فرهنگ-و-زندگی"),
            programmes="پادکست", archive="بایگانی", author="نویسنده", utilities=("ار-اف-ای-را-دریافت-کنید",),
            locale="fa_IR", account="RFI_Fa", related="در همین زمینه", share="هم‌رسانی :", advertisement="تبلیغ",
            read_on="ادامه مطلب", published="تاریخ انتشار:", modified="به‌روز شده:", bulletin="مجله خبری",
            direction="rtl",
        ),
        Edition(
            code="vi", sections=("việt-nam", "châu-á", "pháp", "quốc-tế", "phân-tích", "điểm-báo"),
            programmes="tạp-chí",
            archive="lưu-trữ", author="tác-giả", utilities=("ứng-dụng", "về-rfi"), locale="vi_VN", account="RFI_Vi",
            related="Cùng chủ đề", share="Chia sẻ :", advertisement="Quảng cáo", read_on="Đọc tiếp",
            published="Đăng ngày:", modified="Sửa đổi ngày:", bulletin="Chương trình phát thanh",
        ),
        Edition(
            code="km", sections=("កម្ពុជា", "អាស៊ី", "អឺរ៉ុប", "អាមេរិក", "អាហ្វ្រិក", "ដើមបូព៌ា"),
            programmes="កម្មវិធីផ្សេងទៀត", archive="បណ្ណសារ", videos="វីដេអូ", live="ផ្សាយផ្ទាល់", account="RFI_Km",
            utilities=("កម្មវិធីទូរស័ព្ទដៃ", "យើងជានរណា"), locale="km_KH", related="ប្រធានបទដូចគ្នា", share="ចែករំលែក :",
            advertisement="ពាណិជ្ជកម្ម", read_on="អានបន្ត", published="ចេញផ្សាយ៖", modified="កែប្រែ៖", bulletin="ការផ្សាយ",
        ),
        Edition(
            code="sw", sections=("afrika", "eac", "siasa-uchumi", "makala", "michezo"), programmes="vipindi",
            archive="maktaba", utilities=("programu-tumishi", "kuhusu-sisi"), locale="sw_KE", account="RFI_Sw",
            related="Kwenye mada hiyo hiyo", share="Shiriki :", advertisement="Matangazo", read_on="Endelea kusoma",
            published="Imechapishwa:", modified="Imehaririwa:", bulletin="Habari",
        ),
        Edition(
            code="ha", sections=("duniya", "afrika", "najeriya", "nijar", "wasanni"), programmes="shirye-shirye",
            archive="kundaye", videos="bidiyo", live="kai-tsaye", utilities=("manhaja", "a-game-da-mu"),
            locale="ha_NG", account="RFI_Ha", related="Akan wannan batu", share="Raba :", advertisement="Talla",
            read_on="Ci gaba da karatu", published="Wallafawa:", modified="Sabuntawa:", bulletin="Labarai",
        ),
        Edition(
            code="ma", sections=("farafinna", "duniɲa", "sɔrɔ", "kɛnɛya", "lamini", "kalan", "musow", "sigida"),
            programmes="jɛmukanw", archive="kɔrɔlenw", utilities=("anw-ye-jɔn-ye",), account="RFI_Ma",
            related="Kuma kelen kan", share="Tila :", advertisement="Piyublisite", read_on="Kalan ka taa a fɛ",
            published="Bɔra:", modified="Yɛlɛmana:", bulletin="Kibaruya",
        ),
        Edition(
            code="ff", sections=("afrik", "winndere", "faggudu", "cellal", "taariindi", "needi", "rewɓe", "renndo"),
            programmes="taskaramji", archive="maraandi", utilities=("menen-woni",), live="e-guurol", locale="ff_FF",
            account="RFI_Ff", related="E tiitoonde wootere", share="Lollin :", advertisement="Yeeyirde",
            read_on="Jokku janngude", published="Ñalnde:", modified="Waylaama:", bulletin="Kabaaruuji",
        ),
    )
}  # fmt: skip
"""Every edition by the first part of its paths."""
