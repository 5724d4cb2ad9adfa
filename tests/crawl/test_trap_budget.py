"""A site that answers every path comes to an end."""

from datetime import date
from itertools import count, takewhile

import pytest

from rfispider.crawl.trap_budget import COPIES, DATED_PAGES, DIRECTORIES, UNDATED_PAGES, TrapBudget

SITE = "https://www.rfi.fr"
TODAY, TOMORROW = date(2026, 3, 1), date(2026, 3, 2)


@pytest.mark.parametrize(
    ("url", "content_hash", "followed"),
    [
        (f"{SITE}/en/africa/20260301-{{}}", "1:same", COPIES),
        (f"{SITE}/en/africa/{{}}/20260301-x", "1:same", COPIES),
        (f"{SITE}/en/africa/20260301-{{}}", "1:{}", DATED_PAGES),
        (f"{SITE}/en/a-story-without-a-day-{{}}", "1:{}", UNDATED_PAGES),
        (f"{SITE}/en/a-page-without-a-text-{{}}", "", UNDATED_PAGES),
        (f"{SITE}/en/section-{{}}/20260301-x", "1:{}", DIRECTORIES),
    ],
)
def test_a_chain_of_pages_without_end_is_followed_to_a_bound(url: str, content_hash: str, followed: int) -> None:
    budget = TrapBudget()
    chain = takewhile(lambda n: budget.follows(url.format(n), content_hash.format(n), TODAY), count())
    assert sum(1 for _ in chain) == followed


def test_one_page_is_followed_however_often_it_is_visited() -> None:
    budget = TrapBudget()
    assert all(budget.follows(f"{SITE}/en/africa/20260301-x", "1:same", TODAY) for _ in range(COPIES * 3))


def test_the_days_of_a_directory_do_not_use_up_each_other_s_budget() -> None:
    budget = TrapBudget()
    urls = [f"{SITE}/en/africa/202603{day:02}-{n}" for day in range(1, 29) for n in range(DATED_PAGES)]
    assert all(budget.follows(url, url, TODAY) for url in urls)


def test_every_day_of_a_crawl_that_goes_on_has_a_budget_of_its_own() -> None:
    budget = TrapBudget()
    urls = [f"{SITE}/en/africa/20260301-{n}" for n in range(COPIES + 1)]
    assert [budget.follows(url, "1:same", TODAY) for url in urls][-1] is False
    assert budget.follows(urls[-1], "1:same", TOMORROW)
