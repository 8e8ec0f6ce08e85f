from __future__ import annotations

import pytest

from watchline.schemas.errors import FatalError
from watchline.streams.worker.brake import MIN_EVENTS_FOR_RATIO, Brake


def test_brake_stops_at_poison_in_a_row() -> None:
    brake = Brake(max_consecutive=3, max_ratio=1.0)
    brake.count("raw", 0, [True, True, False, True, True])
    brake.count("raw", 1, [True])  # another partition counts for itself
    with pytest.raises(FatalError, match=r"3 dead letters in a row in raw\[0\].*MAX_CONSECUTIVE"):
        brake.count("raw", 0, [True])


def test_brake_stops_at_a_high_share() -> None:
    brake = Brake(max_consecutive=10**6, max_ratio=0.25)
    brake.count("raw", 0, [False, False, True, False] * (MIN_EVENTS_FOR_RATIO // 4))
    with pytest.raises(FatalError, match="MAX_RATIO"):
        brake.count("raw", 0, [True] * 10)


def test_a_few_bad_ones_at_the_start_do_not() -> None:
    Brake(max_consecutive=1000, max_ratio=0.01).count("raw", 0, [True] * 100)
