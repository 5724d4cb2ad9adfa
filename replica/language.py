"""Words, sentences and names for every edition's language, made of syllables or characters of its script."""

# ruff: noqa: PLR2004 - the odds of a generator are literals beside what they decide

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

# Two strings of the same length: character n of the second is the traditional form of character n of the first.
SIMPLIFIED = (
    "国会议员发表声明说对经济关系进行调查认为问题严重动员数千人示威抗疫苗药品货运车队边境谈判"
    "协议双方总统选举结果公报记者团队专家医院学校教师应当继续维护权利环保组织气候变化热浪飞机"
    "场铁路电讯网络信息技术产业贸易税务银行财长预算开支压力增长减缓风险评估独立机构书记厅长视"
    "频广播节目听众访谈历史纪录遗产艺术剧院图书馆园区农村乡镇岛屿战斗军舰导弹试验谴责制裁释放"
    "难民移居营地救济粮食欧盟东亚非洲拉丁美法德英俄乌克兰伊朗阿富汗缅甸泰越柬埔寨韩日印尼澳加"
    "市民警察逮捕审理法庭判决辩护律师证据线索案件真相内阁首相部门办公室主席台湾香港北京上海巴黎"
    "今天明年上周三早晚间时刻月底夏季初春冬雪水灾地震火山风暴损失亿万百分之一二四五六七八九十"
)
TRADITIONAL = (
    "國會議員發表聲明說對經濟關係進行調查認為問題嚴重動員數千人示威抗疫苗藥品貨運車隊邊境談判"
    "協議雙方總統選舉結果公報記者團隊專家醫院學校教師應當繼續維護權利環保組織氣候變化熱浪飛機"
    "場鐵路電訊網絡信息技術產業貿易稅務銀行財長預算開支壓力增長減緩風險評估獨立機構書記廳長視"
    "頻廣播節目聽眾訪談歷史紀錄遺產藝術劇院圖書館園區農村鄉鎮島嶼戰鬥軍艦導彈試驗譴責制裁釋放"
    "難民移居營地救濟糧食歐盟東亞非洲拉丁美法德英俄烏克蘭伊朗阿富汗緬甸泰越柬埔寨韓日印尼澳加"
    "市民警察逮捕審理法庭判決辯護律師證據線索案件真相內閣首相部門辦公室主席臺灣香港北京上海巴黎"
    "今天明年上週三早晚間時刻月底夏季初春冬雪水災地震火山風暴損失億萬百分之一二四五六七八九十"
)
_TO_TRADITIONAL = str.maketrans(
    dict(zip(SIMPLIFIED, TRADITIONAL, strict=True))
    | dict(zip("译编实习图新闻报陈刘张黄", "譯編實習圖新聞報陳劉張黃", strict=True))
)
_HAN_SURNAMES = "王李张刘陈林黄周"
_LATIN = ("ba", "ri", "no", "lan", "cor", "me", "sel", "du", "vin", "ga", "to", "ler", "mi", "ran", "pe", "sau")


def traditional(text: str) -> str:
    """Text of the simplified script in the traditional one, character by character."""
    return text.translate(_TO_TRADITIONAL)


@dataclass(frozen=True, kw_only=True)
class Language:
    """What the words of a language are made of."""

    tag: str
    """BCP 47."""
    onsets: Sequence[str] = ()
    nuclei: Sequence[str] = ()
    codas: Sequence[str] = ("",)
    small_words: Sequence[str] = ()
    """Words that stand between the made-up ones."""
    characters: str = ""
    """For a script whose words are characters."""
    space: str = " "
    comma: str = ", "
    stop: str = ". "
    quotes: tuple[str, str] = ("“", "”")
    cased: bool = True
    syllables: tuple[int, int] = (2, 4)
    words: tuple[int, int] = (9, 20)
    """Fewest and most words of a sentence."""
    transform: Callable[[str], str] = field(default=str)
    """Applied to the finished text."""


def _latin(tag: str, onsets: str, nuclei: str, codas: str, small: str, **more: object) -> Language:
    parts = {"onsets": onsets.split(), "nuclei": nuclei.split(), "codas": ["", *codas.split()]}
    return Language(tag=tag, small_words=small.split(), **parts, **more)  # type: ignore[arg-type]


_HAN_SHAPE = {"space": "", "comma": "，", "stop": "。", "cased": False, "syllables": (1, 2), "words": (10, 24)}
LANGUAGES: dict[str, Language] = {
    "cn": Language(tag="zh-Hans", characters=SIMPLIFIED, **_HAN_SHAPE),  # type: ignore[arg-type]
    "tw": Language(
        tag="zh-Hant", characters=SIMPLIFIED, transform=traditional, **{**_HAN_SHAPE, "quotes": ("「", "」")}  # type: ignore[arg-type]
    ),
    "fr": _latin(
        "fr", "b c d f g l m n p r s t v br tr pl ch", "a e i o u é è ou ai oi eau ê", "r s t l n nt",
        "le la les de des du un une et à dans pour que qui sur avec par est n’est d’une", quotes=("« ", " »"),
    ),
    "en": _latin(
        "en", "b c d f g l m n p r s t w br st gr th sh", "a e i o u ea ou ai", "n r t d l ng st ck",
        "the of and to in a is that for on with as by at it from was which",
    ),
    "es": _latin(
        "es", "b c d f g l m n p r s t v br tr ll ñ", "a e i o u á é í ó ue ie", "n r s l",
        "el la los las de del en y que un una por con para se es", quotes=("«", "»"),
    ),
    "pt": _latin(
        "pt-PT", "b c d f g l m n p r s t v lh nh", "a e i o u á é ã ão õe ça", "r s m l",
        "o a os as de do da em e que um uma por com para não é",
    ),
    "br": _latin(
        "pt-BR", "b c d f g j l m n p r s t v z", "a e i o u á ê ã ão ei ou", "r s m",
        "o a os as de do da em e que um uma por com para você foi",
    ),
    "ru": _latin(
        "ru", "б в г д ж з к л м н п р с т х ш", "а е и о у ы я ю ё", "н р т л й сть",
        "и в на не что с по это как его для из от", quotes=("«", "»"),
    ),
    "uk": _latin(
        "uk", "б в г ґ д ж з к л м н п р с т ш", "а е и і ї о у я ю є", "н р т л й сть",
        "і в на не що з по це як його для від та", quotes=("«", "»"),
    ),
    "fa": _latin(
        "fa", "ب پ ت ج چ د ر ز ژ س ش ف ک گ ل م ن ه", "ا و ی", "ن ر د م ش",
        "و در به از که این را با است برای آن می‌شود", comma="، ", quotes=("«", "»"), cased=False,
    ),
    "vi": _latin(
        "vi", "b c ch d đ g h kh l m n ng nh ph qu s t th tr v x", "a á à ả ã ạ â ấ ầ ê ế ề i í o ô ố ộ ơ ớ u ư ứ ươ",
        "n ng m t c nh", "và của là các trong cho với được những một này", syllables=(1, 1), words=(14, 30),
    ),
    "km": _latin(
        "km", "ក ខ គ ង ច ជ ញ ដ ត ថ ទ ន ប ព ម យ រ ល វ ស ហ អ ក្រ ព្រ ស្រ ប្រ", "ា ិ ី ុ ូ េ ែ ៃ ោ ំ ះ ាំ", "ក ង ន ម ល ត",
        "និង នៃ ក្នុង ដែល ជា បាន នៅ ពី", space="", comma=" ", stop="។ ", quotes=("«", "»"), cased=False,
    ),
    "sw": _latin(
        "sw", "b ch d f g h j k l m n ng' ny p s sh t v w y z mw ki", "a e i o u", "",
        "ya wa na kwa ni katika la za kuwa hiyo baada",
    ),
    "ha": _latin(
        "ha", "b ɓ c d ɗ f g h j k ƙ l m n r s sh t ts w y z", "a e i o u aa ai au", "n r s",
        "da a na ta ya ba ga ne ce don cikin wannan",
    ),
    "ma": _latin(
        "man", "b c d f g h j k l m n ɲ ŋ p r s t w y z", "a e ɛ i o ɔ u ɛn ɔn an", "",
        "ka ye ni la ma bɛ tɛ o ko min kɔnɔ",
    ),
    "ff": _latin(
        "ff", "b ɓ c d ɗ f g h j k l m mb n nd ng ñ ŋ p r s t w y ƴ", "a e i o u aa ee oo", "n l r m",
        "e ɗo nde to ko kala ina e dow ngam ɓe",
    ),
}  # fmt: skip


@dataclass
class Writer:
    """Writes in the language of one edition; what comes out depends only on the generator's state."""

    language: Language
    random: Random

    def word(self) -> str:
        """One made-up word."""
        language, random = self.language, self.random
        count = random.randint(*language.syllables)
        if language.characters:
            return "".join(random.choice(language.characters) for _ in range(count))
        syllables = (random.choice(language.onsets) + random.choice(language.nuclei) for _ in range(count))
        return "".join(syllables) + random.choice(language.codas)

    def phrase(self, words: int) -> str:
        """That many words, small ones among them, without punctuation."""
        small = self.language.small_words
        return self.language.space.join(
            self.random.choice(small) if small and n % 3 == 1 else self.word() for n in range(words)
        )

    def sentence(self) -> str:
        """One sentence with its full stop, ready to be followed by the next."""
        words = self.random.randint(*self.language.words)
        first = self.random.randint(3, words - 3)
        clauses = [self.phrase(first), self.phrase(words - first)]
        if self.random.random() < 0.25:
            clauses[1] = self._quoted(clauses[1])
        if self.random.random() < 0.2:
            clauses[0] += self._aside()
        return self._capital(self.language.comma.join(clauses)) + self.language.stop

    def paragraph(self, sentences: tuple[int, int] = (2, 5)) -> str:
        """A paragraph of that many sentences, in the script of the edition."""
        count = self.random.randint(*sentences)
        return self._finished("".join(self.sentence() for _ in range(count)))

    def line(self, words: tuple[int, int]) -> str:
        """A heading, caption, list item or topic: that many words without a full stop."""
        return self._finished(self._capital(self.phrase(self.random.randint(*words))))

    def person(self) -> str:
        """A person's name as a byline prints it."""
        if self.language.characters:
            name = self.random.choice(_HAN_SURNAMES) + self.word()
            return self._finished(name)
        return " ".join(self._name() for _ in range(2))

    def latin_person(self) -> str:
        """A person's name in Latin letters."""
        return " ".join(
            "".join(self.random.choice(_LATIN) for _ in range(self.random.randint(2, 3))).capitalize() for _ in range(2)
        )

    def _name(self) -> str:
        return self._finished(self._capital(self.word()))

    def _aside(self) -> str:
        number = self.random.randint(2, 9800)
        inside = self.random.choice((self.latin_person(), str(number), f"{number / 100:.1f} %"))
        return f"（{inside}）" if self.language.characters else f" ({inside})"

    def _quoted(self, text: str) -> str:
        opening, closing = self.language.quotes
        return f"{opening}{text}{closing}"

    def _capital(self, text: str) -> str:
        return text[:1].upper() + text[1:] if self.language.cased else text

    def _finished(self, text: str) -> str:
        return self.language.transform(" ".join(text.split()))


def writer(edition: str, *purpose: object) -> Writer:
    """A writer for an edition whose words depend on the purpose alone: same purpose, same words."""
    name = "/".join(str(part) for part in purpose)
    return Writer(LANGUAGES[edition], Random(f"replica/{edition}/{name}"))
