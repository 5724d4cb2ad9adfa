"""An answer that would lose or bind an article is a claim, until another one says the same."""

import contextlib
from datetime import timedelta
from typing import Any

import pytest
from scrapy.exceptions import DropItem
from scrapy.statscollectors import MemoryStatsCollector
from scrapy.utils.test import get_crawler

from rfispider.crawl import claims
from rfispider.crawl.archive_writer import ArchiveWriter, ParsedPage, UnparsedPage
from rfispider.crawl.parse_pool import ParserPool
from rfispider.crawl.pipelines import Extract, Save
from rfispider.frontier.policy.claims import CLAIM_AGAIN_S
from rfispider.items import Article, Claim, Entry, Origin, Outcome, Page, Rejection, Status, VisitResult
from tests.support.extract_pages import FETCHED, URL, article_html, page

MAINTENANCE = "<html><head><title>RFI</title></head><body><h1>Back soon</h1><p>We are at work.</p></body></html>"
EARLIER, JUST_NOW = FETCHED - timedelta(seconds=CLAIM_AGAIN_S), FETCHED - timedelta(seconds=1)
ENTRY = Entry(url=URL, title="The tin boat", summary="It sails.")


class Archive(ArchiveWriter):
    """Answers with outcomes in turn, and remembers what it was given."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.items: list[ParsedPage | UnparsedPage] = []

    async def put(self, item: ParsedPage | UnparsedPage) -> Outcome:
        self.items.append(item)
        return self.outcomes.pop(0) if isinstance(item, ParsedPage) else item.rejection.outcome


class World:
    """The pipelines of a crawl."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.stats = MemoryStatsCollector(get_crawler())
        self.archive = Archive(*outcomes)
        parsers = ParserPool(0, 0.0)
        self.extract = Extract(parsers, self.archive, self.stats, lambda: FETCHED)
        self.save = Save(parsers, self.archive, self.stats)

    async def visit(self, body: str, *, claim: Claim | None = None, entry: Entry | None = None) -> VisitResult:
        """What comes of a page."""
        answer = page(body, entry=entry)
        answer.visit, answer.claim = VisitResult(), claim
        with contextlib.suppress(DropItem):
            await self.save.process_item(await self.extract.process_item(answer))
        return answer.visit

    def counts(self) -> dict[str, Any]:
        return {name[8:]: count for name, count in self.stats.get_stats().items() if name.startswith("outcome/")}


async def test_a_page_of_maintenance_at_an_articles_address_is_a_claim() -> None:
    world = World()
    visit = await world.visit(MAINTENANCE)
    assert (visit.outcome, visit.claim_evidence) == (Outcome.CLAIMED, claims.NOT_ARTICLE)
    assert world.counts() == {"page/claimed": 1}
    assert world.archive.items == []


async def test_what_the_feed_said_is_kept_while_the_page_claims_to_be_no_article() -> None:
    world = World(Outcome.NEW)
    visit = await world.visit(MAINTENANCE, entry=ENTRY)
    (item,) = world.archive.items
    assert isinstance(item, ParsedPage)
    assert (item.article.title, item.article.status) == ("The tin boat", Status.STUB)
    assert (visit.outcome, world.counts()) == (Outcome.CLAIMED, {"page/claimed": 1})


@pytest.mark.parametrize(
    ("claim", "outcome"),
    [
        (Claim(claims.NOT_ARTICLE, EARLIER), Outcome.NOT_ARTICLE),
        (Claim(claims.NOT_ARTICLE, JUST_NOW), Outcome.CLAIMED),
        (Claim("something else", EARLIER), Outcome.CLAIMED),
        (None, Outcome.CLAIMED),
    ],
    ids=["later, the same", "at once", "another claim", "the first time"],
)
async def test_a_later_answer_that_says_the_same_is_the_truth(claim: Claim | None, outcome: Outcome) -> None:
    world = World()
    visit = await world.visit(MAINTENANCE, claim=claim)
    assert (visit.outcome, visit.claim_evidence is None) == (outcome, outcome is Outcome.NOT_ARTICLE)


@pytest.mark.parametrize(
    ("url", "origin"),
    [("https://www.rfi.fr/en/africa/", Origin.PAGE), (URL, Origin.FEED), (URL, Origin.ARCHIVE)],
    ids=["a list", "an entry of a feed", "an archived entry"],
)
def test_what_is_no_page_of_an_article_loses_none(url: str, origin: Origin) -> None:
    seen = Page(url=url, body=b"", origin=origin, fetched_at=FETCHED)
    rejection = Rejection(outcome=Outcome.NOT_ARTICLE, reason="")
    assert claims.checked(seen, rejection) is rejection


async def test_a_bond_is_claimed_first_and_confirmed_by_a_later_answer_that_shows_the_same() -> None:
    world = World(Outcome.CLAIMED, Outcome.DUPLICATE, Outcome.CLAIMED)
    first = await world.visit(article_html())
    assert first.outcome is Outcome.CLAIMED
    assert first.claim_evidence
    later = await world.visit(article_html(), claim=Claim(first.claim_evidence, EARLIER))
    other = await world.visit(article_html(title="Another text"), claim=Claim("another", EARLIER))
    confirmed = [item.article.confirmed for item in world.archive.items if isinstance(item, ParsedPage)]
    assert confirmed == [False, True, False]
    assert (later.outcome, later.claim_evidence) == (Outcome.DUPLICATE, None)
    assert other.outcome is Outcome.CLAIMED


async def test_a_page_that_moves_by_meta_refresh_leads_to_where_it_moves() -> None:
    moved = f'<html><head><meta http-equiv="refresh" content="0; url={URL}-2"></head><body></body></html>'
    parse = await ParserPool(0, 0.0).article(page(moved))
    assert isinstance(parse.result, Rejection)
    assert parse.related == [f"{URL}-2"]
    assert not isinstance(parse.stub, Article)
