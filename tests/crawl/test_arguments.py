"""What `-a name=value` accepts."""

from datetime import date
from pathlib import Path

import pytest

from rfispider.crawl.arguments import ArgumentError, Arguments
from rfispider.site.editions import EDITIONS


@pytest.mark.parametrize(
    ("given", "field", "expected"),
    [
        ({}, "editions", ("cn",)),
        ({"editions": "fr, cn,fr"}, "editions", ("fr", "cn")),
        ({"editions": "all"}, "editions", tuple(EDITIONS)),
        ({"sources": "https://feeds.example/a.xml, http://b.example/"}, "editions", tuple(EDITIONS)),
        ({"sources": "https://a.example/", "editions": "fr"}, "editions", ("fr",)),
        ({}, "depth", 2),
        ({"depth": "-1"}, "depth", -1),
        ({"since": "2024-01-02"}, "since", date(2024, 1, 2)),
    ],
)
def test_an_argument_is_read_as_typed(given: dict[str, str], field: str, expected: object) -> None:
    assert getattr(Arguments.parse(given), field) == expected


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"editions": "cn,xx"}, "unknown edition 'xx'.*cn.*ff"),
        ({"editions": ","}, "no edition"),
        ({"edition": "cn"}, "unknown argument 'edition': known are editions"),
        ({"depth": "deep"}, "depth: 'deep' is not a number of hops"),
        ({"depth": "-2"}, "depth: '-2' is not a number of hops"),
        ({"archive": "no/such/file"}, "archive: there is no file or directory no/such/file"),
        ({"sources": "feed.xml"}, "sources: feed.xml is not an http"),
        ({"since": "yesterday"}, "since: 'yesterday' is not a day: write it as YYYY-MM-DD"),
        ({"until": "2024-01-01"}, "until: 2024-01-01 needs a since"),
        ({"since": "2024-01-02", "until": "2024-01-01"}, "until: 2024-01-01 needs a since that is not later"),
        ({"sources": ""}, "sources: nothing is not an http"),
        ({"sources": "https://ann:secret@mirror.example/rss"}, "^sources: a URL that names a user is never requested$"),
    ],
)
def test_a_wrong_argument_is_named_with_what_would_be_right(given: dict[str, str], told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        Arguments.parse(given)


def test_an_archive_means_all_editions(tmp_path: Path) -> None:
    arguments = Arguments.parse({"archive": str(tmp_path)})
    assert arguments.archive == tmp_path
    assert arguments.editions == tuple(EDITIONS)


@pytest.mark.parametrize(("limit", "depth", "within"), [(0, 0, True), (0, 1, False), (2, 2, True), (-1, 99, True)])
def test_depth_limits_the_hops(limit: int, depth: int, within: bool) -> None:
    assert Arguments(depth=limit).reaches(depth) is within
