"""Which signals may wake somebody."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID, uuid5

import pytest

from tests.streams.monitor.finding_batches import batches, scored
from watchline.schemas.records import ScoredInteraction, Signal
from watchline.streams.monitor.change import Baseline, Moments
from watchline.streams.monitor.comparison import COMPARED, Comparison
from watchline.streams.monitor.monitor import Monitor
from watchline.streams.monitor.paging import Paging

HOUR = 3_600_000_000
DAY = 24 * HOUR
AN_HOUR = 40  # events


def signals(items: Iterable[ScoredInteraction], monitor: Monitor | None = None) -> list[Signal]:
    monitor = monitor or Monitor()
    return [signal for batch in batches(items) for signal in monitor.process(batch)]


def of(measure: str, found: list[Signal]) -> list[Signal]:
    return [signal for signal in found if signal.measure == measure]


def dated(items: Iterable[ScoredInteraction], start: int = 0) -> list[ScoredInteraction]:
    """Each hour `AN_HOUR` of them."""
    return [
        replace(item, time=time, raw_time=time)
        for item, time in ((item, (start + n) * HOUR // AN_HOUR) for n, item in enumerate(items))
    ]


def swing(number: int) -> float:
    """A day's, of an event."""
    return math.exp(0.4 * math.sin(number / AN_HOUR / 24 * 2 * math.pi))


def test_a_drift_pages_once_values_since_confirm_it() -> None:
    rng = random.Random(1)
    items = [scored(rng, n) for n in range(600)] + [scored(rng, n, unsupported=1) for n in range(600, 900)]
    told, page = of("groundedness", signals(items))
    assert (told.page, page.page) == (False, True)
    assert page.signal_id == str(uuid5(UUID(told.signal_id), "page"))
    assert (page.kind, page.since, page.before, page.cause) == (told.kind, told.since, told.before, told.cause)
    assert page.time > told.time and page.event_id != told.event_id
    assert page.p_value is not None and page.p_value <= Paging.of(1.0).alpha
    assert page.after == pytest.approx(0.75, abs=0.05) and page.events_after >= 30


def test_what_was_chance_does_not_page() -> None:
    """Worse for as long as it takes to be told, then as before."""
    rng = random.Random(1)
    items = [scored(rng, n) for n in range(600)] + [scored(rng, n, unsupported=0.8) for n in range(600, 632)]
    items += [scored(rng, n) for n in range(632, 2_000)]
    found = of("groundedness", signals(items))
    assert found and not any(signal.page for signal in found)


@pytest.mark.parametrize("length", [48, 64, 90])
def test_what_is_as_before_again_does_not_page(length: int) -> None:
    """Better for some time, then as bad as it was: what was chosen for being different is no baseline."""
    rng, end = random.Random(2), 600 + length
    items = [scored(rng, n, unsupported=0.5 * (not 600 <= n < end)) for n in range(end + 800)]
    found = of("groundedness", signals(items))
    assert any(signal.after > signal.before + 0.2 for signal in found)
    assert not any(signal.page for signal in found)


@pytest.mark.slow
def test_a_slow_ramp_is_told_of_and_pages() -> None:
    """From 2 to 6 seconds in two days, of which no step is large enough: held against what was before all of them."""
    rng, first = random.Random(7), 5 * 24 * AN_HOUR
    items = [scored(rng, n, latency_s=2 + 4 * min(max(n - first, 0) / 2_000, 1)) for n in range(first + 2_600)]
    told = of("latency_s", signals(dated(items)))
    assert len(told) >= 4 and all(signal.since >= 5 * DAY for signal in told)
    (page,) = [signal for signal in told if signal.page]
    assert page.before == pytest.approx(2.3, abs=0.2) and page.after > 3.2 and page.events_before > first


def test_a_new_version_that_is_much_worse_pages_with_its_first_signal() -> None:
    rng = random.Random(1)
    items = [scored(rng, n) for n in range(300)] + [scored(rng, n, version="2", unsupported=1) for n in range(300, 400)]
    (signal,) = of("groundedness", signals(items))
    assert signal.page and signal.kind == "prompt_version"


@pytest.mark.parametrize(("false_pages", "pages"), [(1.0, True), (1e-99, False)])
def test_the_budget_decides(false_pages: float, pages: bool) -> None:
    rng = random.Random(2)
    items = [scored(rng, n) for n in range(300)]
    items += [scored(rng, n, version="2", unsupported=1) for n in range(300, 340)]
    found = of("groundedness", signals(items, Monitor(false_pages=false_pages)))
    assert [signal.page for signal in found] == [pages]


@pytest.mark.slow
def test_while_the_hours_are_unknown_only_a_large_change_pages() -> None:
    rng = random.Random(3)
    small = [scored(rng, n) for n in range(20 * AN_HOUR)]
    small += [scored(rng, n, unsupported=0.3) for n in range(20 * AN_HOUR, 70 * AN_HOUR)]
    found = of("groundedness", signals(dated(small)))
    assert found and not any(signal.page for signal in found)
    later = [scored(rng, n) for n in range(5 * 24 * AN_HOUR)]
    later += [scored(rng, n, version="2", unsupported=0.3) for n in range(5 * 24 * AN_HOUR, 6 * 24 * AN_HOUR)]
    assert any(signal.page for signal in of("groundedness", signals(dated(later))))


def test_good_news_wakes_nobody() -> None:
    rng = random.Random(1)
    items = [scored(rng, n, unsupported=0.9, latency_s=9) for n in range(300)]
    items += [scored(rng, n, version="2", unsupported=0, latency_s=1) for n in range(300, 500)]
    found = signals(items)
    assert {signal.measure for signal in found} >= {"groundedness", "latency_s"}
    assert not any(signal.page for signal in found)


@pytest.mark.slow
def test_the_hours_of_the_day_do_not_page_and_are_soon_not_told_of() -> None:
    rng = random.Random(4)
    items = [scored(rng, n, latency_s=2 * swing(n)) for n in range(14 * 24 * AN_HOUR)]
    found = of("latency_s", signals(dated(items)))
    assert not any(signal.page for signal in found)
    assert found and all(signal.time < 7 * DAY for signal in found)


@pytest.mark.slow
def test_a_level_within_the_day_s_range_still_pages_when_it_stays() -> None:
    """What is much worse at all hours is no hour's."""
    rng = random.Random(5)
    items = [scored(rng, n, latency_s=(2 + 2 * (n >= 240 * AN_HOUR)) * swing(n)) for n in range(12 * 24 * AN_HOUR)]
    found = of("latency_s", signals(dated(items)))
    assert any(signal.page and signal.since >= 10 * DAY - 3 * HOUR for signal in found)


def test_a_confirmation_ends() -> None:
    rng = random.Random(6)
    baseline = Baseline(0.5, Moments.of([rng.random() for _ in range(500)]), scale=None)
    comparison = Comparison(baseline, since=0)
    assert all(comparison.update(rng.random(), alpha=1e-9) is None for _ in range(COMPARED))
    assert comparison.finished
