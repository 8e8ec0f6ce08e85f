"""States of builds that compared unbounded measures as ranks."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.streams.monitor.values import Draw, latency, normal
from watchline.schemas.records import MonitorBlock, MonitorComparison, MonitorStream
from watchline.streams.monitor.comparison import Comparison
from watchline.streams.monitor.drift import BLOCK, RECENT, Stream


def ranks(values: Sequence[float], reference: Sequence[float]) -> list[float]:
    """Shares of the reference below each value, ties by half."""
    return [(bisect_left(reference, v) + bisect_right(reference, v)) / (2 * len(reference)) for v in values]


def stream_of_ranks(draw: Draw, rng: random.Random) -> MonitorStream:
    """After 768 values, of which 256 are summed up."""
    reference = sorted(draw(rng) for _ in range(100))
    summed = [draw(rng) for _ in range(BLOCK)]
    scores = ranks(summed, reference)
    return MonitorStream(
        bounded=False,
        count=3 * BLOCK,
        watched=True,
        values=tuple(draw(rng) for _ in range(RECENT)),
        times=tuple(range(2 * BLOCK, 2 * BLOCK + RECENT)),
        reference=tuple(reference),
        older=(MonitorBlock(BLOCK, sum(summed), sum(scores), sum(score * score for score in scores)),),
    )


def mostly_short(rng: random.Random) -> float:
    return 36_000 if rng.random() < 0.002 else 2 + rng.random()


@pytest.mark.parametrize("before", [normal(5), latency(2), mostly_short])
def test_it_goes_on_without_a_false_alarm_and_sees_a_change(before: Draw) -> None:
    alarms = seen = 0
    for seed in range(20):
        rng = random.Random(seed)
        stream = Stream.of(stream_of_ranks(before, rng))
        assert stream.size == BLOCK + RECENT
        alarms += sum(stream.update(before(rng), 1_000 + number) is not None for number in range(1_000))
        seen += any(stream.update(1 + 1.5 * before(rng), 2_000 + number) for number in range(300))
    assert alarms == 0
    assert seen == 20


@pytest.mark.parametrize("shift", [-1.0, 0.0, 0.5, 2.0])
def test_a_mean_rank_is_read_as_the_mean_score(shift: float) -> None:
    rng = random.Random(0)
    state = stream_of_ranks(normal(0), rng)
    values = [rng.gauss(shift, 1) for _ in range(BLOCK)]
    scores = ranks(values, state.reference)
    block = MonitorBlock(BLOCK, sum(values), sum(scores), sum(score * score for score in scores))
    stream = Stream.of(replace(state, older=(block,)))
    (found,) = stream.state().older
    assert found.scaled / BLOCK == pytest.approx(shift, abs=0.3)
    assert found.squares / BLOCK - (found.scaled / BLOCK) ** 2 == pytest.approx(1, abs=0.3)
    assert stream.state().reference == ()


def test_a_comparison_of_ranks_goes_on() -> None:
    rng = random.Random(0)
    reference = sorted(rng.gauss(0, 1) for _ in range(256))
    for shift, told in ((0.0, False), (1.0, True)):
        after = [rng.gauss(shift, 1) for _ in range(25)]
        scores = ranks(after, reference)
        mean = sum(scores) / 25
        state = MonitorComparison(
            since=7,
            reference=tuple(reference),
            before=0.0,
            after=sum(after) / 25,
            count_before=256,
            mean_before=0.5,
            squares_before=256 / 12,
            count_after=25,
            mean_after=mean,
            squares_after=sum((score - mean) ** 2 for score in scores),
            p_value=1.0,
        )
        comparison = Comparison.of(state, bounded=False)
        assert comparison.test.mean_after == pytest.approx(shift, abs=0.5)
        assert any(comparison.update(rng.gauss(shift, 1)) for _ in range(100)) == told
