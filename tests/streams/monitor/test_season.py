from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from watchline.schemas.codec import decode, encode
from watchline.schemas.records import MonitorScale, MonitorSeason
from watchline.streams.monitor.season import Season

HOUR = 3_600_000_000
AN_HOUR = 12  # values

Level = Callable[[int, int], float]  # of a day and an hour


def daily(day: int, hour: int) -> float:
    return 0.6 * math.sin(hour / 24 * 2 * math.pi)


def office(day: int, hour: int) -> float:
    return daily(day, hour) if (day + 3) % 7 < 5 else -0.4


def left(season: Season, level: Level, days: range, seed: int = 0) -> list[float]:
    """By value how far its level is from zero once season is taken off, with noise of one standard deviation."""
    rng, found = random.Random(seed), []
    for hour in range(days.start * 24, days.stop * 24):
        for number in range(AN_HOUR):
            value = level(hour // 24, hour % 24) + rng.gauss(0, 1)
            without = season.without(value, hour * HOUR + number, bounded=False)
            found.append(without - value + level(hour // 24, hour % 24))
    return found


@pytest.mark.parametrize(("level", "of_it"), [(daily, 0.33), (office, 0.4)])
def test_hours_and_weekdays_are_taken_off(level: Level, of_it: float) -> None:
    season = Season()
    left(season, level, range(21))
    true = [level(day, hour) for day in range(21, 28) for hour in range(24)]
    assert statistics.pstdev(left(season, level, range(21, 28), 1)) < of_it * statistics.pstdev(true)


def test_the_level_stays() -> None:
    season = Season()
    left(season, daily, range(10))
    assert abs(statistics.fmean(left(season, daily, range(10, 17), 1))) < 0.05


def test_from_noise_little_is_taken() -> None:
    season = Season()
    assert statistics.pstdev(left(season, lambda day, hour: 0.0, range(28))) < 0.1


def test_a_single_request_is_no_hour_s() -> None:
    """One that took a thousand standard deviations longer, every third day at another hour."""
    rng, season, taken = random.Random(1), Season(), []
    for hour in range(28 * 24):
        slow = hour % 72 == 7 * (hour // 72) % 24
        for number in range(AN_HOUR):
            value = rng.gauss(0, 1) + 1_000 * (slow and number == 0)
            taken.append(value - season.without(value, hour * HOUR + number, bounded=False))
    assert statistics.pstdev(taken) < 1.0


def test_a_change_is_not_taken_for_the_hours() -> None:
    season = Season()
    left(season, lambda day, hour: 0.0, range(10))
    # Also where it comes in the midst of a day.
    after = left(season, lambda day, hour: float(day > 10 or hour >= 13), range(10, 14), 1)
    assert statistics.fmean(after[13 * AN_HOUR :]) > 0.9


def test_a_day_that_ends_early_has_no_other_level() -> None:
    season = Season()
    left(season, daily, range(5))
    for hour in range(5 * 24, 5 * 24 + 12):  # the upper half
        season.without(daily(5, hour % 24), hour * HOUR, bounded=False)
    assert abs(statistics.fmean(left(season, daily, range(6, 9), 1))) < 0.1


def test_in_the_first_days_values_stay_as_they_are() -> None:
    season = Season()
    values = [float(hour) for hour in range(24)]
    assert [season.without(value, int(value) * HOUR, bounded=False) for value in values] == values


def test_it_goes_on_from_its_state() -> None:
    season, other = Season(), Season()
    found, expected = [], left(season, office, range(20))
    for day in range(20):
        kept = other.state("latency_s")
        other = Season.of(decode(encode(kept), MonitorSeason))
        assert other.state("latency_s") == kept
        found += left(other, office, range(day, day + 1), seed=day)
    again = Season()
    expected = [value for day in range(20) for value in left(again, office, range(day, day + 1), seed=day)]
    assert found == expected


def test_a_state_without_a_scale_is_read() -> None:
    season = Season()
    left(season, daily, range(10))
    again = Season.of(replace(season.state("x"), scale=None, squares=0.0))
    assert statistics.pstdev(left(again, daily, range(10, 17))) < 0.3


def test_a_value_of_a_day_that_is_over_is_not_learnt() -> None:
    season = Season()
    left(season, daily, range(3))
    before = season.state("x")
    season.without(1e9, HOUR, bounded=False)
    assert season.state("x") == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"counts": (1.0,)},
        {"counts": (-1.0,) * 24},
        {"weights": (math.nan,) * 48},
        {"hours_seen": (15.0,) * 48},
        {"hours": (math.inf,) * 48},
        {"hours_error": -1.0},
        {"first": (0.0,) * 100},
        {"scale": MonitorScale(0.0, -1.0)},
        {"squares": math.inf},
        {"weekdays": (0.0,) * 8},
        {"levels": (0.0,) * 8},
        {"totals": (math.nan,) * 24},
        {"days": -1},
    ],
)
def test_an_invalid_state_is_refused(wrong: dict[str, Any]) -> None:
    season = Season()
    left(season, daily, range(2))
    with pytest.raises(ValueError, match="not a valid monitor state"):
        Season.of(replace(season.state("x"), **wrong))
