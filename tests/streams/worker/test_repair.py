"""What is read again of what is missing, and which of it is gone; with a store and a broker in tests/faults."""

from __future__ import annotations

import pytest

from watchline.streams.clickhouse.damage import MissingRange
from watchline.streams.worker.repair import Found, Plan

OLD = MissingRange("old", 0, 3, 9, "a", 3600, ["x"])


def missing(partition: int, first: int, last: int, *event_ids: str) -> MissingRange:
    return MissingRange("now", partition, first, last, "a", 7200, event_ids)


@pytest.mark.parametrize(
    ("ranges", "spans"),
    [
        ([(0, 5, 9), (0, 0, 4), (1, 3, 3)], [(0, 0, 9), (1, 3, 3)]),
        ([(0, 0, 9), (0, 3, 4), (0, 8, 12)], [(0, 0, 12)]),
        ([(0, 0, 2), (0, 4, 5), (0, 0, 2)], [(0, 0, 2), (0, 4, 5)]),
    ],
)
def test_each_offset_is_read_once(ranges: list[tuple[int, int, int]], spans: list[tuple[int, int, int]]) -> None:
    places = [missing(*place) for place in ranges]
    for plan in (Plan("t", "now", places, []), Plan("t", "now", [OLD], places), Plan("t", "now", places, places)):
        assert plan.spans == spans
        assert plan.messages == sum(last - first + 1 for _, first, last in spans)


def test_a_topic_that_was_made_anew_is_not_read_for_what_the_former_one_held() -> None:
    plan = Plan("t", "now", [OLD], [MissingRange("old", 0, 20, 29)])
    assert (plan.spans, plan.messages) == ([], 0)
    assert Found(plan).is_gone(OLD)
    assert Found(plan).gone_gaps() == list(plan.gaps)


def test_what_kafka_has_not_any_more_is_gone_and_the_rest_is_not() -> None:
    gap = MissingRange("now", 0, 5, 30)
    found = Found(Plan("t", "now", [], [gap]), unread=[(0, 0, 9), (0, 28, 28), (1, 11, 40)])
    assert found.is_gone(missing(0, 9, 12)) and found.is_gone(missing(0, 0, 50)) and found.is_gone(missing(1, 40, 41))
    assert not found.is_gone(missing(0, 10, 27)) and not found.is_gone(missing(1, 0, 10))
    assert not found.is_gone(missing(2, 0, 10))
    assert [(each.first_offset, each.last_offset) for each in found.gone_gaps()] == [(5, 9), (28, 28)]
