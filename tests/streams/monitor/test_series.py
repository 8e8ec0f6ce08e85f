from __future__ import annotations

from itertools import pairwise

import pytest

from watchline.streams.monitor.measures import Measure
from watchline.streams.monitor.series import MAX_SOURCES, Series


def given(producers: str, series: Series | None = None) -> Series:
    """A series with a value of each of these producers, in order."""
    series = series or Series()
    for number, producer in enumerate(producers):
        series.take(Measure("toxicity", 0.5, True, producer)).stream.update(0.5, number)
    return series


def test_the_first_is_live_until_another_gives_most_of_the_values() -> None:
    series = given("a" * 500)
    assert given("b" * 100, series).live == "a"
    assert given("b" * 20, series).live == "b"


@pytest.mark.parametrize("producers", ["ab", "abb", "a" * 19 + "b", "abc"])
def test_what_alternates_changes_places_once_at_most(producers: str) -> None:
    series, lives = Series(), []
    for producer in producers * 300:
        lives.append(given(producer, series).live)
    assert sum(live != before for before, live in pairwise(lives)) == (producers == "abb")


def test_a_share_is_that_of_the_last_values() -> None:
    series = given(("a" * 19 + "b") * 100)
    assert series.sources["b"].share == pytest.approx(0.05, abs=0.01)
    assert sum(source.share for source in series.sources.values()) == pytest.approx(1)


def test_a_source_that_gives_nothing_any_more_is_forgotten() -> None:
    series = given("a" * 500 + "b" * 1_300)
    assert list(series.sources) == ["a", "b"]
    assert list(given("b" * 100, series).sources) == ["b"]


def test_of_many_sources_the_rarest_is_forgotten() -> None:
    series = given("a" * 50 + "b" * 5 + "c" * 20 + "d")
    assert list(series.sources) == ["a", "c", "d"]
    assert len(given("efgh" * 100, series).sources) == MAX_SOURCES
    assert series.live in series.sources


def test_when_drift_is_told_the_others_begin_anew() -> None:
    series = given("ab" * 100)
    series.drift_told()
    assert {producer: source.stream.count for producer, source in series.sources.items()} == {"a": 100, "b": 0}
