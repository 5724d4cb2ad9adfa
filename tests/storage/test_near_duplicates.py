"""Versions of one text are told from other texts, in every script."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replica.language import LANGUAGES, Writer
from replica.rewrites import REWRITES
from replica.story import Block
from rfispider.storage.policy import near_duplicates
from rfispider.storage.policy.near_duplicates import (
    CHARACTERS,
    LETTER_WINDOW,
    WORDS,
    DatedText,
    TextSketch,
    TokenWindow,
    candidates,
    near,
    overlaps,
    probes,
    signatures,
    tokens,
)

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def blocks(edition: str, name: str, paragraphs: int = 8) -> list[Block]:
    writer = Writer(LANGUAGES[edition], Random(f"{edition}/{name}"))
    return [Block(kind="p", rows=[[writer.paragraph((3, 5))]]) for _ in range(paragraphs)]


def text_of(made: list[Block]) -> str:
    return "\n\n".join(block.rows[0][0] for block in made)


def signature(text: str, edition: str, at: datetime) -> list[int]:
    return signatures([DatedText(text, edition, at)])[0]


def sketch(key: str, text: str, at: datetime = T0, edition: str = "fr") -> TextSketch:
    return TextSketch(key, signature(text, edition, at), at)


# ---- Tokens ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Le port, OUVERT: à 9 h 30!", (WORDS, ["le", "port", "ouvert", "à", "9", "h", "30"])),
        ("港口，今天开放。RFI １２", (CHARACTERS, "港口今天开放rfi12")),
        ("កំពង់ផែ\u200bបើក", (LETTER_WINDOW, "កំពង់ផែបើក")),
        ("می‌شود", (WORDS, ["می", "شود"])),
        ("L'ÉTÉ", (WORDS, ["l", "été"])),
        ("...", (WORDS, [])),
        ("", (WORDS, [])),
    ],
)
def test_what_is_compared_of_a_text(text: str, expected: tuple[TokenWindow, list[str] | str]) -> None:
    assert tokens(text) == expected


@pytest.mark.slow
@given(st.text())
def test_any_text_has_tokens_a_signature_and_overlaps(text: str) -> None:
    tokens(text)
    assert len(signature(text, "fr", T0)) in {0, near_duplicates.VALUES}
    assert all(0 <= share <= 1 for share in overlaps(text, text[::-1]))


# ---- Nearness --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", REWRITES)
@pytest.mark.parametrize("edition", LANGUAGES)
def test_a_rewrite_is_near_and_found_by_its_signature(edition: str, how: str) -> None:
    original = blocks(edition, "original")
    for share in (0.5, 0.7, 0.9):
        made, overlap = REWRITES[how](original, share, Writer(LANGUAGES[edition], Random(f"{how}{share}")))
        assert max(overlaps(text_of(original), text_of(made))) >= overlap - 0.05
        assert near(text_of(original), text_of(made))
        pair = [sketch("a", text_of(original)), sketch("b", text_of(made), T0 + 3 * DAY)]
        assert candidates(pair, []) == [("a", "b")]


@pytest.mark.parametrize("edition", LANGUAGES)
def test_another_story_is_not_near(edition: str) -> None:
    first, second = text_of(blocks(edition, "first")), text_of(blocks(edition, "second"))
    assert not near(first, second)
    assert max(overlaps(first, second)) < 0.2


def test_texts_of_which_a_quarter_is_the_same_are_not_near() -> None:
    first, second = blocks("fr", "first"), blocks("fr", "second")
    assert not near(text_of(first), text_of([*first[:2], *second[2:]]))


def test_a_round_up_that_quotes_a_report_is_no_version_of_it() -> None:
    report, rest = blocks("fr", "report", 2), blocks("fr", "rest", 16)
    assert overlaps(text_of(report), text_of([*rest, *report]))[0] == 1
    assert not near(text_of(report), text_of([*rest, *report]))


def test_short_texts_are_left_alone() -> None:
    text = text_of(blocks("fr", "short"))[:199]
    assert not near(text, text)
    assert signature(text, "fr", T0) == []
    assert near(f"{text}x", f"{text}x")


@pytest.mark.parametrize(
    ("days", "share", "expected"),
    [(0, 0.45, True), (6, 0.45, True), (8, 0.45, False), (8, 0.6, True), (29, 0.6, True), (31, 0.6, False)],
)
def test_texts_further_apart_in_time_must_share_more(days: int, share: float, expected: bool) -> None:
    words, others = [f"a{n}" for n in range(200)], [f"b{n}" for n in range(200)]
    kept = round(200 * share)
    second = [*words[:kept], *others[kept:]]
    assert near(" ".join(words), " ".join(second), days * DAY) is expected
    assert near(" ".join(words), " ".join(second), -days * DAY) is expected


def counts(day: int) -> str:
    lands = [
        f"in the land of number {chr(97 + n)} the ministry counted {day * 1000 + n * 7} more cases" for n in range(26)
    ]
    return ". ".join(lands)


def test_a_daily_report_with_other_figures_is_another_story() -> None:
    assert min(overlaps(counts(1), counts(2))) > 0.5
    assert not near(counts(1), counts(2))
    assert near(counts(1), counts(1) + ". The ministry added that it would go on with that.")


# ---- Candidates ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("later", "edition", "expected"),
    [(29 * DAY, "fr", [("a", "b")]), (-29 * DAY, "fr", [("a", "b")]), (31 * DAY, "fr", []), (DAY, "en", [])],
)
def test_only_articles_of_one_edition_and_time_are_compared(
    later: timedelta, edition: str, expected: list[tuple[str, str]]
) -> None:
    text = text_of(blocks("fr", "text"))
    assert candidates([sketch("a", text)], [sketch("b", text, T0 + later, edition)]) == expected


def test_signatures_made_together_are_those_made_alone() -> None:
    issues = [
        DatedText(text, edition, T0) for edition in ("fr", "cn") for text in (text_of(blocks(edition, "a")), "short")
    ]
    assert signatures(issues) == [signature(*issue) for issue in issues]
    assert list(map(bool, signatures(issues))) == [True, False, True, False]


@given(st.integers(-29, 29), st.integers(0, 4000))
def test_the_probes_reach_the_whole_window(days: int, start: int) -> None:
    text, at = text_of(blocks("fr", "text", 3)), T0 - start * DAY
    other = at + days * DAY
    assert set(probes(signature(text, "fr", at), at)) & set(signature(text, "fr", other))


def test_signatures_are_numbers_that_mongodb_can_hold() -> None:
    for at in (T0, datetime(1960, 1, 1, tzinfo=UTC), datetime(2150, 1, 1, tzinfo=UTC)):
        signed = signature(text_of(blocks("fr", "text")), "fr", at)
        assert len(set(signed)) == near_duplicates.VALUES
        assert all(0 <= value < 2**63 for value in signed)


def test_a_text_that_half_the_archive_repeats_is_compared_with_a_few_only() -> None:
    text = text_of(blocks("fr", "text"))
    others = [sketch(f"b{n}", text) for n in range(100)]
    assert len(candidates([sketch("a", text)], others)) == near_duplicates.COMPARED
