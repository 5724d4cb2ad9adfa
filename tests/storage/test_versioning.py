"""What a newly seen state means against the stored one, as a table of named events."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfispider.items import Article, Audio, Image, Kind, Origin, Outcome, Related, Status
from rfispider.storage.policy.field_updates import SOURCES_MAX
from rfispider.storage.policy.versioning import SILENT_EDITS, ArticleVersion, Decision, decide
from rfispider.storage.policy.visible_edits import edits

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PARAGRAPHS = "\n\n".join(f"Paragraph {number} of an invented report about the harbour." for number in range(8))
NEW, CHANGED, SAME = Outcome.NEW, Outcome.CHANGED, Outcome.SAME


def article(**values: Any) -> Article:
    defaults: dict[str, Any] = {
        "key": "ab" * 16,
        "url": "https://site.example/fr/afrique/20260301-harbour",
        "edition": "fr",
        "language": "fr",
        "kind": Kind.ARTICLE,
        "section": "afrique",
        "title": "The harbour opens",
        "lead": "After two years of works.",
        "text": PARAGRAPHS,
        "authors": ["A. Writer"],
        "agency": "ABC",
        "credits": "B. Translator",
        "tags": ["harbour", "trade"],
        "published_at": T0 - 2 * HOUR,
        "modified_at": T0 - HOUR,
        "images": [Image(url="https://img.example/1.jpg", caption="The quay", credit="C. Photo")],
        "audio": [Audio(url="https://snd.example/1.mp3", duration_s=90)],
        "related": [Related(key="cd" * 16, url="https://site.example/fr/x", title="Another", position=0)],
        "short_code": "AbC1",
        "provenance": {"title": "jsonld", "text": "markup"},
        "extractor": {"rfispider": "1"},
        "content_hash": "1:aa",
        "fetched_at": T0,
        "sources": ["https://site.example/fr/rss"],
    }
    return Article(**(defaults | values))


def stored(seen: Article) -> ArticleVersion:
    return decide(None, seen).state


def bare(seen: Article, **values: Any) -> Article:
    """The same article as a source without extras tells it."""
    empty: dict[str, Any] = {"authors": [], "tags": [], "agency": None, "credits": None, "images": [], "audio": []}
    return replace(seen, **(empty | {"related": [], "short_code": None, "modified_at": None} | values))


PAGE = article()
LATER = {"fetched_at": T0 + HOUR}
EDITED = {"text": PARAGRAPHS + "\n\nOne more.", "content_hash": "1:bb"}
FEED = {"origin": Origin.FEED}
ARCHIVE = {"origin": Origin.ARCHIVE}
SUMMARY = {"status": Status.STUB, "origin": Origin.FEED, "text": "", "lead": "A summary.", "content_hash": "1:cc"}

# name: (stored state, state seen an hour later, outcome, visibly changed fields)
EVENTS: dict[str, tuple[Article, Article, Outcome, list[str]]] = {
    "nothing_changes": (PAGE, article(), SAME, []),
    "text_edited": (PAGE, article(**EDITED), CHANGED, ["text"]),
    "title_edited": (PAGE, article(title="The harbour opens again"), CHANGED, ["title"]),
    "lead_edited": (PAGE, article(lead="After three years.", content_hash="1:bb"), CHANGED, ["lead"]),
    "lead_added": (article(lead=None), PAGE, CHANGED, ["lead"]),
    "lead_lost": (PAGE, article(lead=None, content_hash="1:bb"), SAME, []),
    "lead_moved_into_the_text": (PAGE, article(lead=None, text=f"{PAGE.lead}\n\n{PARAGRAPHS}"), SAME, []),
    "byline_edited": (PAGE, article(authors=["D. Writer"]), CHANGED, ["authors"]),
    "authors_in_another_order": (article(authors=["A", "B"]), article(authors=["B", "A"]), SAME, []),
    "tags_edited": (PAGE, article(tags=["harbour"]), CHANGED, ["tags"]),
    "tags_in_another_order": (PAGE, article(tags=["trade", "harbour"]), SAME, []),
    "tags_lost": (PAGE, article(tags=[]), SAME, []),
    "agency_edited": (PAGE, article(agency="XYZ"), CHANGED, ["agency"]),
    "credits_edited": (PAGE, article(credits="E. Other"), CHANGED, ["credits"]),
    "published_anew": (PAGE, article(published_at=T0), CHANGED, ["published_at"]),
    "published_a_microsecond_later": (PAGE, article(published_at=T0 - 2 * HOUR + timedelta(microseconds=7)), SAME, []),
    "only_the_modification_time": (PAGE, article(modified_at=T0 + HOUR), SAME, []),
    "other_related_links": (PAGE, article(related=[]), SAME, []),
    "another_picture": (PAGE, article(images=[Image(url="https://img.example/2.jpg")]), CHANGED, ["images"]),
    "another_caption": (
        PAGE,
        article(images=[Image(url="https://img.example/1.jpg", caption="The pier", credit="C. Photo")]),
        CHANGED,
        ["images"],
    ),
    "another_query_string_of_a_picture": (
        PAGE,
        article(images=[Image(url="https://img.example/1.jpg?v=2", caption="The quay", credit="C. Photo")]),
        SAME,
        [],
    ),
    "another_recording": (PAGE, article(audio=[Audio(url="https://snd.example/2.mp3")]), CHANGED, ["audio"]),
    "another_length_of_the_recording": (
        PAGE,
        article(audio=[Audio(url="https://snd.example/1.mp3", duration_s=91)]),
        SAME,
        [],
    ),
    "whitespace_only": (
        PAGE,
        article(
            text=PARAGRAPHS.replace("\n\n", " \u00a0\n\n\u3000"), title="The  harbour opens ", lead=f" {PAGE.lead}"
        ),
        SAME,
        [],
    ),
    "another_unicode_form": (article(title="Été"), article(title="E\u0301te\u0301"), SAME, []),
    "a_newer_extractor": (PAGE, article(extractor={"rfispider": "2"}), SAME, []),
    "text_and_title_edited": (PAGE, article(title="New", **EDITED), CHANGED, ["text", "title"]),
    "stub_then_full": (article(**SUMMARY), PAGE, CHANGED, ["lead", "status", "text"]),
    "full_then_stub": (PAGE, article(**SUMMARY), SAME, []),
    "stub_then_the_same_stub": (article(**SUMMARY), article(**SUMMARY), SAME, []),
    "stub_then_another_summary": (article(**SUMMARY), article(**SUMMARY | {"lead": "Other."}), CHANGED, ["lead"]),
    "full_then_short": (PAGE, article(status=Status.SHORT, text="Soon."), SAME, []),
    "short_then_full": (article(status=Status.SHORT, text="Soon."), PAGE, CHANGED, ["text"]),
    "short_then_stub": (article(status=Status.SHORT, text="Soon."), article(**SUMMARY), SAME, []),
    "gone_then_back": (article(status=Status.GONE), PAGE, CHANGED, ["status"]),
    "feed_then_page": (bare(PAGE, **FEED), PAGE, SAME, []),
    "feed_then_page_with_another_byline": (article(authors=["RFI"], **FEED), PAGE, SAME, []),
    "feed_without_lead_then_page": (article(lead=None, **FEED), PAGE, SAME, []),
    "feed_then_edited_page": (bare(PAGE, **FEED), article(**EDITED), CHANGED, ["text"]),
    "feed_then_page_with_another_title": (article(**FEED), article(title="Other"), CHANGED, ["title"]),
    "feed_then_page_cut_to_a_teaser": (article(**FEED), article(text=PARAGRAPHS[:100]), SAME, []),
    "feed_then_page_shortened_by_the_editor": (
        article(**FEED),
        article(text=PARAGRAPHS[:100], modified_at=T0 + HOUR),
        CHANGED,
        ["text"],
    ),
    "page_then_feed": (PAGE, bare(PAGE, **FEED), SAME, []),
    "page_then_feed_of_another_text": (PAGE, article(**EDITED, **FEED), SAME, []),
    "page_then_feed_of_a_later_edit": (PAGE, article(modified_at=T0 + HOUR / 2, **EDITED, **FEED), CHANGED, ["text"]),
    "page_then_feed_cut_short": (PAGE, article(text=PARAGRAPHS[:100], modified_at=T0 + HOUR, **FEED), SAME, []),
    "teaser_page_then_feed": (article(text=PARAGRAPHS[:100]), article(**FEED), CHANGED, ["text"]),
    "page_cut_by_the_editor_then_an_older_feed": (
        article(text=PARAGRAPHS[:100], modified_at=T0),
        article(**FEED),
        SAME,
        [],
    ),
    "archive_then_feed_of_a_later_edit": (
        article(published_at=T0 - 9 * HOUR, modified_at=None, **ARCHIVE),
        article(published_at=T0 - 9 * HOUR, modified_at=T0 - HOUR, **EDITED, **FEED),
        CHANGED,
        ["text"],
    ),
    "page_then_archive_of_the_same_text": (PAGE, bare(PAGE, **ARCHIVE), SAME, []),
    "archive_then_page_of_the_same_text": (bare(PAGE, **ARCHIVE), PAGE, SAME, []),
    "archive_of_an_earlier_state": (
        article(**ARCHIVE),
        article(modified_at=T0 - 1.5 * HOUR, **EDITED, **ARCHIVE),
        SAME,
        [],
    ),
    "archive_of_a_later_state": (article(**ARCHIVE), article(modified_at=T0, **EDITED, **ARCHIVE), CHANGED, ["text"]),
    "rendered_then_page": (article(origin=Origin.RENDERED), article(**EDITED), CHANGED, ["text"]),
}


@pytest.mark.parametrize(("before", "after", "outcome", "changed"), EVENTS.values(), ids=EVENTS.keys())
def test_event(before: Article, after: Article, outcome: Outcome, changed: list[str]) -> None:
    old = stored(before)
    decision = decide(old, replace(after, **LATER))
    assert (decision.outcome, list(decision.changed)) == (outcome, changed)
    assert decision.state.revision == old.revision + (outcome is CHANGED)
    assert decision.state.changed_at == (T0 + HOUR if outcome is CHANGED else T0)
    assert (decision.state.first_seen_at, decision.state.last_seen_at) == (T0, T0 + HOUR)


@pytest.mark.parametrize(("before", "after", "outcome", "changed"), EVENTS.values(), ids=EVENTS.keys())
def test_seeing_the_same_state_once_more_changes_nothing(
    before: Article, after: Article, outcome: Outcome, changed: list[str]
) -> None:
    seen = replace(after, **LATER)
    decision = decide(decide(stored(before), seen).state, seen)
    assert decision.outcome is SAME
    assert not decision.updated


LIVE = {Origin.PAGE, Origin.RENDERED}
DISAGREEMENTS = {
    name: (before, after)
    for name, (before, after, _, _) in EVENTS.items()
    if before.origin is not after.origin and not {before.origin, after.origin} <= LIVE
}


@pytest.mark.parametrize(("before", "after"), DISAGREEMENTS.values(), ids=DISAGREEMENTS.keys())
def test_two_sources_that_keep_disagreeing_do_not_make_revisions_in_turn(before: Article, after: Article) -> None:
    state = decide(stored(before), replace(after, **LATER)).state
    state = decide(state, replace(before, fetched_at=T0 + 2 * HOUR)).state
    settled = state.revision
    for turn in range(3, 9):
        state = decide(state, replace((before, after)[turn % 2], fetched_at=T0 + turn * HOUR)).state
    assert state.revision == settled


@pytest.mark.parametrize(("before", "after", "outcome", "changed"), EVENTS.values(), ids=EVENTS.keys())
def test_what_is_updated_is_exactly_what_differs(
    before: Article, after: Article, outcome: Outcome, changed: list[str]
) -> None:
    old = stored(before)
    decision = decide(old, replace(after, **LATER))
    differing = {
        f.name for f in fields(Article) if getattr(old.article, f.name) != getattr(decision.state.article, f.name)
    }
    assert set(decision.updated) == differing
    assert set(changed) <= differing


def test_the_first_sight_is_new() -> None:
    decision = decide(None, PAGE)
    assert decision.outcome is NEW
    assert decision.state == ArticleVersion(article=PAGE, revision=1, first_seen_at=T0, last_seen_at=T0, changed_at=T0)


def test_times_are_cut_to_milliseconds() -> None:
    fine = T0 + timedelta(microseconds=1999)
    state = decide(None, article(fetched_at=fine, published_at=fine, modified_at=fine)).state
    cut = T0 + timedelta(milliseconds=1)
    assert {state.article.fetched_at, state.article.published_at, state.article.modified_at} == {cut}
    assert state.changed_at == cut


def test_a_reverted_edit_is_two_revisions() -> None:
    edited = decide(stored(PAGE), article(**EDITED, fetched_at=T0 + HOUR))
    reverted = decide(edited.state, article(fetched_at=T0 + 2 * HOUR))
    assert (edited.state.revision, reverted.state.revision) == (2, 3)
    assert reverted.state.article.text == PARAGRAPHS


def after(first: Article, second: Article) -> Article:
    return decide(stored(first), second).state.article


def test_a_stale_page_of_a_slow_worker_does_not_undo_a_newer_one() -> None:
    newer = decide(stored(article(**EDITED, fetched_at=T0 + HOUR)), article(fetched_at=T0))
    assert newer.outcome is SAME
    assert newer.state.article.text == EDITED["text"]
    assert (newer.state.first_seen_at, newer.state.last_seen_at) == (T0, T0 + HOUR)


@pytest.mark.parametrize("source", [FEED, ARCHIVE, SUMMARY])
def test_a_poorer_source_erases_nothing(source: dict[str, Any]) -> None:
    kept = after(PAGE, bare(PAGE, **source, **LATER))
    assert replace(kept, fetched_at=T0) == PAGE


@pytest.mark.parametrize("source", [FEED, ARCHIVE])
def test_the_page_fills_in_what_the_source_did_not_tell(source: dict[str, Any]) -> None:
    filled = after(bare(PAGE, lead=None, section=None, **source), article(**LATER))
    assert filled == article(**LATER)


def test_a_worse_source_fills_in_what_the_page_did_not_tell() -> None:
    filled = after(bare(PAGE), article(provenance={"tags": "feed", "title": "feed"}, **FEED, **LATER))
    assert filled.tags == ["harbour", "trade"]
    assert filled.provenance == {"title": "jsonld", "text": "markup", "tags": "feed"}
    assert filled.origin is Origin.PAGE


def test_a_worse_source_that_brings_a_later_text_replaces_nothing_else() -> None:
    told = article(modified_at=T0 + HOUR, authors=["RFI"], tags=["x"], section="y", **EDITED, **FEED, **LATER)
    kept = after(PAGE, told)
    assert (kept.text, kept.origin) == (EDITED["text"], Origin.FEED)
    assert (kept.authors, kept.tags, kept.section) == (PAGE.authors, PAGE.tags, PAGE.section)


def test_an_empty_text_is_filled_in_without_a_loss_of_status() -> None:
    filled = after(article(lead=None, text=""), article(text="Soon.", status=Status.SHORT, **LATER))
    assert (filled.text, filled.status) == ("Soon.", Status.FULL)


def test_a_summary_never_becomes_the_lead_of_a_full_article() -> None:
    assert after(article(lead=None), article(**SUMMARY, **LATER)).lead is None


def test_what_is_stored_stays_where_nobody_sees_the_difference() -> None:
    kept = after(PAGE, article(text=PARAGRAPHS.replace("\n\n", "\n"), title="The harbour  opens", **LATER))
    assert (kept.text, kept.title, kept.content_hash) == (PAGE.text, PAGE.title, PAGE.content_hash)


def test_hash_and_provenance_go_with_the_text() -> None:
    kept = after(PAGE, article(**EDITED, provenance={"text": "trafilatura", "title": "meta"}, **LATER))
    assert kept.content_hash == "1:bb"
    assert kept.provenance == {"title": "jsonld", "text": "trafilatura"}


def test_modification_time_and_related_links_are_kept_up_to_date() -> None:
    newest = [Related(key="ef" * 16, url="https://site.example/fr/y", title="Newer", position=0)]
    kept = after(PAGE, article(modified_at=T0, related=newest, **LATER))
    assert (kept.modified_at, kept.related) == (T0, newest)


def test_aliases_and_sources_only_grow() -> None:
    kept = after(article(aliases=["a"], sources=["s"]), article(aliases=["b", "a", PAGE.url], sources=["t"], **LATER))
    assert (kept.aliases, kept.sources) == (["a", "b"], ["s", "t"])


def test_an_article_is_no_alias_of_itself() -> None:
    assert stored(article(aliases=[PAGE.url, "a", "a"])).article.aliases == ["a"]


def test_sources_are_bounded_and_the_first_ones_stay() -> None:
    state = stored(PAGE)
    for number in range(2 * SOURCES_MAX):
        state = decide(state, article(sources=[f"s{number}"], **LATER)).state
    assert len(state.article.sources) == SOURCES_MAX
    assert state.article.sources[:2] == [*PAGE.sources, "s0"]


def test_archives_imported_in_any_order_any_number_of_times_end_in_one_state() -> None:
    states = [article(modified_at=T0 + n * HOUR, text=f"{PARAGRAPHS} {n // 2}", **ARCHIVE) for n in range(6)]
    ends = set()
    for order in (states, states[::-1], states[3:] + states[:3], states * 2):
        state = stored(order[0])
        for turn, seen in enumerate(order):
            state = decide(state, replace(seen, fetched_at=T0 + turn * HOUR)).state
        ends.add(state.article.text)
    assert ends == {f"{PARAGRAPHS} 2"}


def test_archived_states_of_the_same_time_do_not_alternate() -> None:
    one, other = article(text="A" * 300, **ARCHIVE), article(text="B" * 300, **ARCHIVE)
    state = stored(one)
    for turn in range(6):
        state = decide(state, replace((other, one)[turn % 2], fetched_at=T0 + turn * HOUR)).state
    assert state.revision == 2


def test_a_change_is_never_dated_before_the_state_that_it_ends() -> None:
    old = stored(article(**ARCHIVE, fetched_at=T0 + HOUR))
    decision = decide(old, article(**EDITED, fetched_at=T0))
    assert decision.outcome is CHANGED
    assert decision.state.changed_at == T0 + HOUR


# ---- Tombstones ------------------------------------------------------------------------------------------

GONE = article(status=Status.GONE, text="", fetched_at=T0 + HOUR)
TOMBSTONE = decide(stored(PAGE), GONE).state


def test_a_page_that_is_gone_leaves_a_tombstone_with_its_last_text() -> None:
    decision = decide(stored(PAGE), GONE)
    assert (decision.outcome, decision.changed, decision.state.revision) == (CHANGED, ["status"], 2)
    assert decision.state.article == replace(PAGE, status=Status.GONE, gone_at=T0 + HOUR)
    assert (decision.state.changed_at, decision.state.last_seen_at) == (T0 + HOUR, T0)


@pytest.mark.parametrize(
    ("before", "seen"),
    [(TOMBSTONE, replace(GONE, fetched_at=T0 + 2 * HOUR)), (stored(PAGE), replace(GONE, fetched_at=T0 - HOUR))],
    ids=["again", "seen since"],
)
def test_an_article_is_buried_once_and_not_while_it_is_alive(before: ArticleVersion, seen: Article) -> None:
    assert decide(before, seen) == Decision(outcome=SAME, state=before)


@pytest.mark.parametrize("text", [PAGE.text, "A second wording. " * 20, "Short."])
def test_a_page_that_comes_back_is_no_tombstone_any_more(text: str) -> None:
    back = replace(PAGE, text=text, content_hash="1:dd", fetched_at=T0 + 2 * HOUR)
    decision = decide(TOMBSTONE, back)
    assert decision.outcome is CHANGED
    assert {"status"} <= set(decision.changed) <= {"status", "text"}
    assert (decision.state.article.text, decision.state.article.gone_at) == (text, None)
    assert decision.state.revision == 3


@pytest.mark.parametrize(
    "seen",
    [
        article(**SUMMARY),
        replace(PAGE, origin=Origin.FEED),
        replace(PAGE, origin=Origin.ARCHIVE, text=PAGE.text * 2),
        article(status=Status.SHORT, text="Removed."),
    ],
    ids=["a summary", "a feed", "an archive", "a notice"],
)
def test_what_others_go_on_telling_of_a_tombstone_does_not_revive_it(seen: Article) -> None:
    state = decide(TOMBSTONE, replace(seen, fetched_at=T0 + 2 * HOUR)).state
    assert (state.article.status, state.article.gone_at) == (Status.GONE, T0 + HOUR)
    assert len(state.article.text) >= len(PAGE.text)


def test_the_page_of_an_earlier_visit_read_again_does_not_revive_a_tombstone() -> None:
    decision = decide(TOMBSTONE, replace(PAGE, text=PAGE.text + " More.", fetched_at=T0))
    assert decision.state.article.status is Status.GONE


def test_the_tombstone_of_a_stub_takes_the_text_that_an_archive_has() -> None:
    tombstone = decide(stored(article(**SUMMARY)), GONE).state
    decision = decide(tombstone, replace(PAGE, origin=Origin.ARCHIVE, fetched_at=T0 + 2 * HOUR))
    assert (decision.state.article.status, decision.state.article.text) == (Status.GONE, PAGE.text)


# ---- Tickers ---------------------------------------------------------------------------------------------


def ticked(count: int, **values: Any) -> Decision:
    """The decision on the last of so many states of which each has another text; `values` are of the last one."""
    state = stored(PAGE)
    for number in range(1, count + 1):
        told = values if number == count else {}
        seen = article(**({"text": f"{PARAGRAPHS} {number}", "fetched_at": T0 + number * HOUR} | told))
        decision = decide(state, seen)
        state = decision.state
    return decision


@pytest.mark.parametrize(
    ("count", "values", "outcome", "silent_edits", "ticker"),
    [
        (1, {}, CHANGED, 1, False),
        (SILENT_EDITS, {}, CHANGED, SILENT_EDITS, False),
        (SILENT_EDITS + 1, {}, SAME, SILENT_EDITS, True),
        (SILENT_EDITS + 9, {}, SAME, SILENT_EDITS, True),
        (SILENT_EDITS + 9, {"title": "Another"}, CHANGED, SILENT_EDITS, True),
        (SILENT_EDITS + 9, {"modified_at": T0 + 90 * HOUR}, CHANGED, SILENT_EDITS, True),
        (1, {"modified_at": T0 + HOUR}, CHANGED, 0, False),
        (1, {"title": "Another"}, CHANGED, 0, False),
        (1, {"text": PARAGRAPHS}, SAME, 0, False),
    ],
)
def test_a_text_that_changes_all_the_time_without_a_word_of_the_site_makes_a_ticker(
    count: int, values: dict[str, Any], outcome: Outcome, silent_edits: int, ticker: bool
) -> None:
    decision = ticked(count, **values)
    state = decision.state
    assert (decision.outcome, state.silent_edits, state.ticker) == (outcome, silent_edits, ticker)
    if count > 1:
        assert state.article.text == f"{PARAGRAPHS} {count}"


def test_edits_can_be_found_again_from_the_two_states() -> None:
    for before, seen, _, changed in EVENTS.values():
        old = stored(before)
        assert edits(old.article, decide(old, replace(seen, **LATER)).state.article) == changed


texts = st.sampled_from(["", "a", "b" * 40, "c" * 100, "c" * 99 + "d"])
sights = st.builds(
    lambda text, status, origin, hours, modified, lead, tags: article(
        text=text,
        status=status,
        origin=origin,
        fetched_at=T0 + hours * HOUR,
        modified_at=None if modified is None else T0 + modified * HOUR,
        lead=lead,
        tags=tags,
        content_hash=f"1:{lead}{text}",
    ),
    texts,
    st.sampled_from(Status),
    st.sampled_from(Origin),
    st.integers(0, 5),
    st.none() | st.integers(0, 5),
    st.sampled_from([None, "lead"]),
    st.lists(st.sampled_from("xyz"), unique=True),
)


def history_of(seen: list[Article]) -> list[Decision]:
    decisions = [decide(None, seen[0])]
    for sight in seen[1:]:
        decisions.append(decide(decisions[-1].state, sight))
    return decisions


def worth(status: Status) -> int:
    return [Status.GONE, Status.STUB, Status.SHORT, Status.FULL].index(status)


@pytest.mark.slow
@pytest.mark.parametrize(
    "holds",
    [
        lambda old, new, _: new.article.status is Status.GONE or worth(new.article.status) >= worth(old.article.status),
        lambda old, new, _: new.article.status is not Status.GONE or not old.article.text or bool(new.article.text),
        lambda _, new, __: (new.article.status is Status.GONE) or new.article.gone_at is None,
        lambda old, new, _: bool(new.article.tags) >= bool(old.article.tags),
        lambda old, new, d: (new.revision > old.revision) == bool(d.changed) == (d.outcome is CHANGED),
        lambda old, new, _: old.first_seen_at >= new.first_seen_at <= new.changed_at,
        lambda old, new, _: old.last_seen_at <= new.last_seen_at,
        lambda old, new, _: max(new.last_seen_at, new.article.gone_at or T0) >= new.changed_at >= old.changed_at,
        lambda _, new, __: new.article.content_hash == f"1:{new.article.lead}{new.article.text}",
    ],
    ids=[
        "status never falls but into the grave",
        "the gone keep their text",
        "only the gone have a time of it",
        "nothing is erased",
        "a revision is a change",
        "first seen",
        "last seen",
        "changed",
        "hash fits",
    ],
)
def test_it_always_holds_that(holds: Callable[[ArticleVersion, ArticleVersion, Decision], bool]) -> None:
    @given(st.lists(sights, min_size=2, max_size=6))
    def check(seen: list[Article]) -> None:
        decisions = history_of(seen)
        for before, decision in pairwise(decisions):
            assert holds(before.state, decision.state, decision)

    check()
