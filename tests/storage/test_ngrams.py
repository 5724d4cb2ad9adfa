"""Text as it is searched: what is folded, which grams lead to it, and how well an article answers."""

import re
import unicodedata
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rfispider.storage import search
from rfispider.storage.search import ngrams
from rfispider.storage.search.folding import DENSE
from rfispider.storage.search.ngrams import LISTS, TEXT_LENGTH, Lookup

SCRIPTS = (
    "气候危机下的港口，货轮停航。臺灣學者說：「後來」！",
    "唐納德·橋本 2023年3月5日 ＡＩ技術（G20）",
    "L’Écluse d'Évian, œuvre naïve : ça va ?",
    "Gặp gỡ ở Đà Nẵng – chuyện biển",
    "Ёлка, подъезд; йод и їжак. П’ять ґанків!",
    "می‌نویسد كتابِ يونس؛ ۱۲۳ نفر، مُدَرِّس ٱلباب",
    "ក្រុងកំពត\u200bមាន\u200bផែ ២០៣១ ។ ប្រជាជន",
    "ɓarawo ƙasa ƴan'uwa, ŋaari ɲaama ɛlɛ ɔnɔ",
    "Straße İzmir ﬃne ①② ½ %$ a-b_c 😀 \u200bx\u00ady\ufeffz",
)
LETTERS = st.one_of(st.sampled_from(sorted(set("".join(SCRIPTS)))), st.characters(exclude_categories=["Cs"]))
TEXTS = st.text(LETTERS, max_size=40)


def filed_under(text: str) -> set[str]:
    return set(search.inverted([(text, "x")]))


def found(query: str, *fields: str) -> bool:
    """Whether the index leads from a query to an article with these fields."""
    text = search.folded(fields)
    filed = filed_under(text)
    return all(
        (lookup.gram in filed) if lookup.whole else any(gram.startswith(lookup.gram) for gram in filed)
        for term in search.parse(query).terms
        for lookup in search.lookups(term)
    )


# ---- Folding -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Élysée", "elysee"),
        ("ÉTAT", "état"),
        ("œuvre", "oeuvre"),
        ("Straße", "STRASSE"),
        ("ﬃche", "ffiche"),
        ("薴", "苎"),
        ("ŉ", "'n"),
        ("İstanbul", "istanbul"),
        ("Đà Nẵng", "da nang"),
        ("São Tomé e Príncipe", "sao tome e principe"),
        ("Ёлка", "елка"),
        ("Ґданськ", "гданськ"),
        ("п’ять", "п'ять"),
        ("ƙasa", "kasa"),
        ("ɓarawo", "barawo"),
        ("ɗalibi", "dalibi"),
        ("ƴanci", "yanci"),
        ("Ŋɲɛɔ", "nneo"),
        ("氣候變化", "气候变化"),
        ("臺灣", "台湾"),
        ("看著", "看着"),
        ("ＡＩ２０", "ai20"),
        ("٢٠٢٣ ۱۲۳ ២០", "2023 123 20"),
        ("كتاب", "کتاب"),
        ("يوسف", "یوسف"),
        ("موسى", "موسی"),
        ("می‌خواهم", "میخواهم"),
        ("مُدَرِّس", "مدرس"),
        ("أحمد إيران آب ٱلله", "احمد ایران اب الله"),
        ("جامعة", "جامعه"),
        ("كـــتاب", "کتاب"),
        ("ភ្នំ\u200bពេញ", "ភ្នំពេញ"),
        ("橋本·花子", "桥本花子"),
        ("甲 乙", "甲乙"),
        ("2023 年", "2023年"),
        ("Moyen‑Orient", "moyen orient"),
        ("l’Étoile", "l étoile"),
        ("co\u00adopération", "cooperation"),
        ("“甲”，乙", "甲|乙"),
    ],
)
def test_what_people_type_is_what_is_written(written: str, typed: str) -> None:
    assert search.fold(written) == search.fold(typed)


@pytest.mark.parametrize(
    ("one", "other"),
    [("йод", "иод"), ("їжа", "іжа"), ("កា", "ក"), ("กา", "ก"), ("甲，乙", "甲乙"), ("が", "か"), ("a.b", "ab")],
)
def test_different_letters_stay_different(one: str, other: str) -> None:
    assert search.fold(one) != search.fold(other)


@pytest.mark.parametrize("text", SCRIPTS)
def test_the_other_normal_form_folds_alike(text: str) -> None:
    assert search.fold(unicodedata.normalize("NFD", text)) == search.fold(text)


@settings(deadline=None)
@given(st.text(st.sampled_from("".join(SCRIPTS)), max_size=40))
def test_folding_again_changes_nothing(text: str) -> None:
    assert search.fold(search.fold(text)) == search.fold(text)


@settings(deadline=None)
@given(TEXTS)
def test_nothing_is_left_but_letters_spaces_and_bars(text: str) -> None:
    folded = search.fold(text)
    assert folded == folded.strip(" |")
    assert not re.search(r"  |\|\||[\n\t.,\"$]", folded)


# ---- Grams -------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_part_of_a_text_finds_it(data: st.DataObject) -> None:
    text = data.draw(st.one_of(st.sampled_from(SCRIPTS), TEXTS))
    text = unicodedata.normalize("NFC", text)
    start = data.draw(st.integers(0, len(text)))
    part = text[start : data.draw(st.integers(start, len(text)))]
    query = search.parse(part)
    assert all(term in search.folded(["a title", text]) for term in query.terms)
    assert found(part, "a title", text)


@pytest.mark.parametrize("text", SCRIPTS)
@pytest.mark.parametrize("length", range(1, 9))
def test_queries_of_every_length_find_their_text(text: str, length: int) -> None:
    text = unicodedata.normalize("NFC", text)
    assert all(found(text[at : at + length], text) for at in range(len(text) - length + 1))


@pytest.mark.parametrize(
    ("query", "text"),
    [("港口", "港湾入口"), ("harbour", "hard labour"), ("年3月", "3月和年"), ("ab", "b a"), ("气", "候")],
)
def test_grams_tell_texts_apart(query: str, text: str) -> None:
    assert not found(query, text)


def test_no_word_crosses_from_one_field_to_the_next() -> None:
    assert not found("甲乙", "甲", "乙")


def test_an_article_has_each_gram_once_however_long_it_is() -> None:
    assert filed_under(search.folded(["港口" * 1000])) == {"港口", "口港", "口"}
    assert filed_under(search.folded(["harbour " * 1000])) == {"harb", "arbo", "rbou", "bour", "our", "ur", "r ha"}


def test_only_so_much_of_an_endless_text_is_filed() -> None:
    assert len(search.folded(["字" * TEXT_LENGTH, "more"])) == TEXT_LENGTH


@pytest.mark.parametrize(
    ("term", "asked"),
    [
        ("气候危机", ["气候", "候危", "危机"]),
        ("harbour", ["harb", "bour"]),
        ("3月", ["3月"]),
        ("ai技术", ["i技", "技术", "ai"]),
        ("old quay", ["d qu", "quay", "old"]),
        ("ha no", ["a no", "ha"]),
        ("un a", ["un"]),
    ],
)
def test_a_term_asks_for_its_grams(term: str, asked: list[str]) -> None:
    assert search.lookups(term) == [Lookup(gram, whole=True) for gram in asked]


@pytest.mark.parametrize(("term", "asked"), [("气", "气"), ("un", "un"), ("afp", "afp")])
def test_a_short_term_asks_for_all_grams_that_begin_with_it(term: str, asked: str) -> None:
    assert search.lookups(term) == [Lookup(asked, whole=False)]


def test_where_grams_are_few_the_beginning_of_the_last_word_is_asked_for() -> None:
    assert search.lookups("in wab") == [
        Lookup("n wa", whole=True),
        Lookup("in", whole=True),
        Lookup("wab", whole=False),
    ]


def test_a_single_letter_asks_for_nothing() -> None:
    assert search.lookups("a") == []


def test_a_long_term_asks_for_a_few_grams_from_all_of_it() -> None:
    asked = search.lookups("".join(chr(0x4E00 + number) for number in range(100)))
    assert len(asked) <= ngrams.GRAMS_PER_TERM
    assert asked[-1].gram > chr(0x4E00 + 80)


@settings(deadline=None)
@given(TEXTS)
def test_grams_that_begin_alike_stand_in_the_same_list(text: str) -> None:
    for gram in filed_under(search.folded([text])):
        place = ngrams.filed_in(gram)
        assert int(place, 16) < LISTS
        if " " not in gram:
            assert place == ngrams.filed_in(gram[:1] if re.match(f"[{DENSE}]", gram) else gram[:2])


# ---- Matching ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("Climat  Afrique climat", ("climat", "afrique")),
        ('"Union africaine" sommet', ("union africaine", "sommet")),
        ('他说"好的', ("他说", "好的")),
        ('"好的，" ，好', ("好的|", "好")),
        ("，。!", ()),
        ('"" ', ()),
        ("", ()),
    ],
)
def test_a_query_is_its_terms(typed: str, terms: tuple[str, ...]) -> None:
    assert search.parse(typed).terms == terms


def score(query: str, **fields: str | list[str]) -> float:
    values = {name: [value] if isinstance(value, str) else value for name, value in fields.items()}
    return search.score(search.parse(query), values)


def test_an_article_without_one_of_the_terms_does_not_answer() -> None:
    assert score("quay lock", title="The quay", text="A lock.") > 0
    assert score("quay lock", title="The quay", text="A crane.") == 0


def test_a_phrase_must_stand_as_it_is() -> None:
    assert score('"old quay"', text="An old quay.") > 0
    assert score('"old quay"', text="A quay, old.") == 0
    assert score("old quay", text="A quay, old.") > 0


def test_a_quoted_phrase_ends_where_its_punctuation_stands() -> None:
    assert score('"停航，"', text="港口停航，不久") > 0
    assert score('"停航，"', text="港口停航") > 0
    assert score('"停航，"', text="停航港口") == 0


def test_the_accents_that_were_typed_are_better_than_others() -> None:
    assert score("pêche", text="La pêche.") > score("pêche", text="La pèche.") > 0


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"title": "港口停航"}, {"text": "港口停航"}),
        ({"title": "港口"}, {"lead": "港口"}),
        ({"tags": ["港口"]}, {"lead": "港口"}),
        ({"text": "港口。港口。"}, {"text": "港口。"}),
        ({"title": "港口", "text": "港口"}, {"title": "港口"}),
    ],
)
def test_where_and_how_often_it_stands_decides(better: dict[str, str], worse: dict[str, str]) -> None:
    assert score("港口", **better) > score("港口", **worse)


def test_a_whole_word_is_better_than_a_part_of_one() -> None:
    assert score("port", text="The port.") > score("port", text="A report.") > 0


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("ecluse", "Près de l’Écluse, hier", ["Écluse"]),
        ("氣候", "气候与氣候", ["气候", "氣候"]),
        ("桥本花子", "記者橋本·花子報導", ["橋本·花子"]),
        ("œuvre", "Une OEUVRE", ["OEUVRE"]),
        ("甲乙", "说甲 乙。", ["甲 乙"]),
        ('"甲，乙"', "说甲”， 乙。", ["甲”， 乙"]),
        ("میخواهم", "او می‌خواهم گفت", ["می‌خواهم"]),
        ("quay lock", "lock and quay", ["lock", "quay"]),
        ("none", "lock and quay", []),
    ],
)
def test_what_was_found_is_marked_in_the_text_as_it_is_written(query: str, text: str, marked: list[str]) -> None:
    parts = search.highlighted(search.parse(query), text, 100)
    assert "".join(part for part, _ in parts) == text
    assert [part for part, match in parts if match] == marked


def test_an_excerpt_is_about_what_was_found() -> None:
    text = "word " * 100 + "harbour" + " word" * 100
    parts = search.highlighted(search.parse("harbour"), text, 60)
    assert parts[0] == parts[-1] == ("…", False)
    assert ("harbour", True) in parts
    assert sum(len(part) for part, _ in parts) <= 62


@settings(deadline=None)
@given(TEXTS, st.data())
def test_marking_neither_adds_nor_loses_a_character(text: str, data: st.DataObject) -> None:
    query = data.draw(st.one_of(TEXTS, st.sampled_from(text) if text else st.just("")))
    parts = search.highlighted(search.parse(query), text, 1000)
    assert "".join(part for part, _ in parts) == text


def test_all_scripts_of_the_site_have_letters_here() -> None:
    names = {unicodedata.name(letter, "?").partition(" ")[0] for letter in chain.from_iterable(SCRIPTS)}
    assert {"CJK", "LATIN", "CYRILLIC", "ARABIC", "KHMER"} <= names
