"""What change detectors share: scales, and the values that a change is held against."""

from __future__ import annotations

import random

import pytest

from watchline.streams.monitor.change import FARTHEST, Baseline, Moments, Scale


def test_two_baselines_together_are_that_of_all_values() -> None:
    rng = random.Random(1)
    old, new = [rng.gauss(5, 2) for _ in range(300)], [rng.gauss(7, 2) for _ in range(60)]
    scale, other = Scale(5.0, 2.0), Scale(7.5, 3.0)
    before, after, whole = (
        Baseline(sum(values) / len(values), Moments.of([on.score(value) for value in values]), on)
        for values, on in ((old, scale), (new, other), (old + new, scale))
    )
    together = before.together(after)
    assert together.scale == scale
    assert together.mean == pytest.approx(whole.mean)
    assert together.moments[:3] == pytest.approx(whole.moments[:3], rel=1e-9)
    assert together.moments.farthest >= whole.moments.farthest


@pytest.mark.parametrize(
    ("old", "new", "mean"),
    [
        (Scale(1.0, 0.0), Scale(1.0, 1.0), 0.0),  # before, all were the same
        (Scale(1.0, 0.0), Scale(9.0, 1.0), FARTHEST / 2),
        (Scale(1.0, 1.0), Scale(2.0, 0.0), 0.5),  # afterwards
        (Scale(1.0, 1e-9), Scale(1.0, 1e9), 0.0),  # what was small is lost in what came
    ],
)
def test_scales_that_have_nothing_in_common_give_a_baseline_that_can_be_stored(
    old: Scale, new: Scale, mean: float
) -> None:
    same = Moments(50, 0.0, 50.0, 5.0)
    together = Baseline(old.mean, same, old).together(Baseline(new.mean, same, new))
    assert together.moments.mean == pytest.approx(mean)
    assert 0 <= together.moments.squares <= together.moments.size * (2 * FARTHEST) ** 2
    assert together.moments.farthest <= 2 * FARTHEST


def test_no_value_is_drawn_in_where_none_differed() -> None:
    assert Scale(1.0, 0.0).drawn_in(7.0) == 7.0
    assert Scale(1.0, 2.0).drawn_in(-100.0) == 1.0 - 2 * FARTHEST
