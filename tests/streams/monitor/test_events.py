from __future__ import annotations

import random
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from watchline.schemas.records import MonitorDimension, MonitorEvents
from watchline.streams.monitor import tally as tallies
from watchline.streams.monitor.events import BLOCK, DIMENSIONS, KEPT, OTHER, Events
from watchline.streams.monitor.tally import OTHERS, Tally

NOTHING = (None,) * (len(DIMENSIONS) - 1)


def filled(count: int, tenants: int = 5, seed: int = 0) -> Events:
    rng, events = random.Random(seed), Events()
    for number in range(count):
        events.add(str(UUID(int=number + 1)), number, (f"t{rng.randrange(tenants)}", *NOTHING))
    return events


@pytest.mark.parametrize("count", [0, 1, KEPT, KEPT + BLOCK, KEPT + BLOCK + 1, 3_000])
def test_the_last_events_are_kept(count: int) -> None:
    events = filled(count)
    assert min(count, KEPT) <= len(events.times) <= KEPT + BLOCK
    assert list(events.times) == list(range(count - len(events.times), count))
    assert [events.event_id(place) for place in range(len(events.times))] == [
        str(UUID(int=number + 1)) for number in events.times
    ]


@pytest.mark.parametrize("tenants", [1, 5, 300, 10**9])
@pytest.mark.parametrize("cut", [1, 700, KEPT + BLOCK, 1_500])
def test_stored_in_between_they_are_the_same(tenants: int, cut: int) -> None:
    rng, whole, parts = random.Random(1), Events(), Events()
    for number in range(2_000):
        values = (f"t{rng.randrange(tenants)}", rng.choice([None, "fp"]), None, None, "3")
        whole.add("", number, values)
        parts.add("", number, values)
        if number == cut:
            parts = Events.of(parts.state())
    assert parts.state() == whole.state()


def test_names_that_no_event_has_any_longer_are_forgotten() -> None:
    events = Events()
    for number in range(KEPT + 2 * BLOCK):
        events.add("", number, (f"t{number // 100}", *NOTHING))
    events.add("", 10**6, ("last", *NOTHING))
    assert events.names("tenant")[0] == f"t{events.times[0] // 100}"
    assert len(events.names("tenant")) < 10


def test_beyond_254_values_are_others() -> None:
    events = filled(KEPT, tenants=10**9)
    codes = events.codes("tenant")
    assert len(events.names("tenant")) == OTHER - 1
    assert np.count_nonzero(codes == OTHER) == KEPT - OTHER + 1


def test_others_are_kept_where_no_name_is_left() -> None:
    events = filled(KEPT + BLOCK, tenants=10**9)
    events.add("", 10**6, (None, *NOTHING))
    assert events.names("tenant") == []
    assert np.count_nonzero(Events.of(events.state()).codes("tenant") == OTHER) == KEPT


def test_ids_that_are_no_uuid_are_not_kept() -> None:
    events = Events()
    for place, event_id in enumerate(["", "e-1", "0" * 31, str(UUID(int=5)), "é" * 16]):
        events.add(event_id, place, (None, *NOTHING))
    assert [events.event_id(place) for place in range(5)] == ["", "", "", str(UUID(int=5)), ""]


def test_values_go_to_the_events_of_their_times() -> None:
    events = filled(1_000)
    part = events.part([0.1, 0.2, 0.3, 0.4], [5, 600, 999, 2_000])
    assert part.values.tolist() == [0.2, 0.3]  # one is too old, one is of none
    assert [events.times[place] for place in part.places] == [600, 999]


def test_events_of_one_time_take_their_values_in_turn() -> None:
    events = Events()
    for tenant in ("a", "b", "c"):
        events.add("", 7, (tenant, *NOTHING))
    events.add("", 8, ("d", *NOTHING))
    part = events.part([1.0, 2.0, 3.0, 4.0], [7, 7, 7, 8])
    assert part.codes("tenant").tolist() == [1, 2, 3, 4]
    assert len(events.part([1.0] * 5, [7, 7, 7, 7, 8])) == 4  # more values than events


def test_a_dimension_of_another_version_is_passed_over() -> None:
    state = filled(3).state()
    more = replace(state, dimensions=(*state.dimensions, MonitorDimension("weather", ("rain",), b"\1\0\1")))
    assert Events.of(more).state() == state


@pytest.mark.parametrize(
    "spoilt",
    [
        MonitorEvents(bytes(16), (1, 2)),
        MonitorEvents(bytes(17), (1,)),
        MonitorEvents(bytes(16 * 1_000), tuple(range(1_000))),
        MonitorEvents(bytes(16), (1,), (MonitorDimension("tenant", ("a",), b"\1\1"),)),
        MonitorEvents(bytes(16), (1,), (MonitorDimension("tenant", ("a",), b"\2"),)),
        MonitorEvents(bytes(32), (1, 2), (MonitorDimension("tenant", ("a", "a"), b"\1\2"),)),
        MonitorEvents(bytes(16), (1,), (MonitorDimension("tenant", tuple(map(str, range(300))), b"\1"),)),
    ],
)
def test_a_state_that_cannot_be(spoilt: MonitorEvents) -> None:
    with pytest.raises(ValueError, match="not a valid monitor state"):
        Events.of(spoilt)


def test_a_tally_is_the_sum_of_its_parts() -> None:
    events = filled(700)
    rng = random.Random(2)
    values = [rng.random() for _ in range(700)]
    tally = Tally()
    for start in range(0, 700, 100):
        tally.add(events.part(values[start : start + 100], range(start, start + 100)))
    assert tally.count == 700
    assert tally.total == pytest.approx(sum(values))
    counts, totals = zip(*tally.dimensions["tenant"].values(), strict=True)
    assert (sum(counts), sum(totals)) == (700, pytest.approx(tally.total))
    assert Tally.of(tally.state("latency_s", "a/1")) == tally


def test_a_tally_stays_small() -> None:
    tally = Tally()
    for seed in range(4):
        events = filled(700, tenants=200, seed=seed)
        tally.add(events.part([1.0] * 700, range(700)))
    values = tally.dimensions["tenant"]
    assert len(values) == tallies.MAX_NAMES + 1
    assert sum(count for count, _ in values.values()) == 2_800
    assert values[OTHERS][0] > 0
