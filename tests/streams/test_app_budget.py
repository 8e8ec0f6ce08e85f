from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from watchline.streams.app_budget import MOST_WINDOWS, WINDOW_S, AppBudget, AppBudgets

SECOND = 1_000_000
START = 1_700_000_000 * SECOND


def taken(budgets: AppBudgets, app: str, times: list[int], size: float = 100.0) -> list[bool]:
    return [budgets.take(app, time, size) for time in times]


def test_each_app_has_its_own() -> None:
    budgets = AppBudgets(AppBudget(events_per_s=0.3), {"large": AppBudget(events_per_s=0.5), "free": AppBudget()})
    for app, fit in (("a", 3), ("b", 3), ("large", 5), ("free", 9)):
        assert taken(budgets, app, [START] * 9) == [True] * fit + [False] * (9 - fit)
    assert taken(budgets, "a", [START + WINDOW_S * SECOND]) == [True]


def test_bytes_count_too_and_what_does_not_fit_takes_nothing() -> None:
    budgets = AppBudgets(AppBudget(bytes_per_s=100), {})
    assert [budgets.take("a", START, size) for size in (600, 600, 400, 1)] == [True, False, True, False]


def test_nothing_is_scored_of_an_app_without_a_budget_and_all_where_none_is_set() -> None:
    assert taken(AppBudgets(AppBudget(), {"a": AppBudget(events_per_s=0)}), "a", [START]) == [False]
    assert not AppBudgets(AppBudget(), {"a": AppBudget()}).limited
    assert AppBudgets(AppBudget(), {"a": AppBudget(events_per_s=0)}).limited
    assert AppBudgets(AppBudget(bytes_per_s=1), {}).limited


@given(st.lists(st.integers(0, 35), max_size=60), st.randoms(use_true_random=False))
def test_how_many_fit_goes_by_kafkas_time_and_not_by_the_order_of_reading(
    seconds: list[int], rng: random.Random
) -> None:
    """Partitions are read unevenly: an old one is no less within budget for a new one that was read before."""
    times = [START + second * SECOND for second in seconds]
    shuffled = rng.sample(times, len(times))
    budget = AppBudget(events_per_s=0.4)
    in_order, otherwise = (sum(taken(AppBudgets(budget, {}), "a", each)) for each in (times, shuffled))
    assert in_order == otherwise == sum(min(4, sum(each // 10 == w for each in seconds)) for w in range(4))


def test_a_process_of_several_has_its_share() -> None:
    assert taken(AppBudgets(AppBudget(events_per_s=1), {}, share=0.5), "a", [START] * 6) == [True] * 5 + [False]


def test_names_without_end_do_not_fill_the_memory() -> None:
    budgets = AppBudgets(AppBudget(events_per_s=1), {})
    for number in range(MOST_WINDOWS + 500):
        budgets.take(f"app-{number}" + "x" * 300, START, 1)
    assert len(budgets._taken) == MOST_WINDOWS and max(len(app) for app, _ in budgets._taken) == 200
