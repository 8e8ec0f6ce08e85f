"""What a silence covers, what is refused, and that an ended one stays ended."""

from __future__ import annotations

import json

import pytest

from watchline.dashboards.engine.silences import Matcher, Silence, covers, end, holding, make, newer, parse
from watchline.schemas.errors import ConfigurationError

ODD = {"app": "shop (eu)", "prompt_name": "answer.v2-{a}", "note": "two\nlines"}
YEAR_9999 = 253_402_000_000.0


def silence(*matchers: str, until: float = 100.0, everything: bool = False) -> Silence:
    return make([parse(each) for each in matchers], at=0.0, until=until, who="ann", why="known", everything=everything)


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("app=shop (eu)", True),
        ('app="shop (eu)"', True),
        ("app=~shop .eu.", True),
        (r"app=~shop \(eu\)", True),
        ("app=~shop", False),  # both ends
        ("app=shop", False),
        ("prompt_name=answer.v2-{a}", True),
        ("prompt_name=answerxv2-{a}", False),
        ("note=~.*lines", True),  # a line break is a character like others
        ("note=~two|four", False),
        ("app=~shop.*|other", True),
        ("model=small", False),
    ],
)
def test_covers(text: str, covered: bool) -> None:
    assert covers(silence(text), ODD) is covered


@pytest.mark.parametrize(
    ("matchers", "reason"),
    [
        (['app="shop'], "stray quotation"),
        (["app=sh'op'"], "stray quotation"),
        (['app=sh"op'], "stray quotation"),
        (["app"], "neither"),
        (["=shop"], "neither"),
        (["app=~("], "not a regular expression"),
        ([], "every alert"),
        (["app=~.*"], "every alert"),
        (["app="], "every alert"),
        (["app=~.*", "model="], "every alert"),
        (["app=" + 501 * "a"], "at most 500"),
    ],
)
def test_refused_when_it_is_made(matchers: list[str], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        silence(*matchers)


def test_all_only_where_that_is_said() -> None:
    assert covers(silence("app=~.*", everything=True), ODD)


@pytest.mark.parametrize(
    ("until", "who", "why"),
    [(0.0, "ann", "known"), (float("nan"), "ann", "known"), (9.0, " ", "known"), (9.0, "a", "")],
)
def test_needs_an_end_a_name_and_a_reason(until: float, who: str, why: str) -> None:
    with pytest.raises(ConfigurationError):
        make([Matcher("app", "shop")], at=0.0, until=until, who=who, why=why)


def test_a_matcher_reads_back_as_it_was() -> None:
    for name, value in ODD.items():
        assert parse(str(Matcher(name, value))) == Matcher(name, value)
    assert str(Matcher("app", 'a"b', True)) == r'app=~"a\"b"'


def test_an_ended_one_never_holds_again() -> None:
    long = silence("app=shop|other", until=3 * 365 * 86_400.0)
    ended = end(long, at=10.0, who="bob")
    for _ in range(10):  # restarts, and an old replica that writes what it knew
        ended = newer(Silence.of(json.loads(json.dumps(ended.record()))), long)
    assert not ended.holds(11.0) and (ended.ended, ended.ended_by) == (10.0, "bob")
    assert end(ended, at=20.0, who="eve") is ended


def test_until_the_year_9999_is_overlong_and_holds() -> None:
    long = silence("app=~shop.*|other", until=YEAR_9999)
    assert long.is_overlong and not silence("app=a").is_overlong
    assert all(holding([long], ODD, at) is long for at in range(0, 10**9, 10**6))


def test_the_one_that_holds_longest_is_named() -> None:
    short, long, over = silence("app=shop (eu)"), silence("app=~shop.*", until=200.0), silence("app=~s.*", until=50.0)
    assert holding([short, long, over], ODD, 60.0) is long
    assert holding([over], ODD, 60.0) is None
