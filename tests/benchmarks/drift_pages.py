"""How often nothing is told of as something: a month of many slices of the traffic, none of which changes.

    python -m tests.benchmarks.drift_pages [--slices 500] [--days 30] [--events 300]

Each slice has 15 measures: rates, scores, heavy tails, dependent values (AR(1)), and what goes with the hour and the
day of the week. More comes by day than by night, less at weekends; in the middle of the month a new version comes that
is like the one before. What is told of, and what may wake somebody, is counted by measure, in 10,000 events and in the
month of all slices. With 500 slices it takes half an hour of two processes; 50 are enough to see which measure is loud.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from watchline.schemas.records import Signal
from watchline.streams.monitor.comparison import Comparison
from watchline.streams.monitor.drift import Stream
from watchline.streams.monitor.measures import Measure
from watchline.streams.monitor.paging import FALSE_PAGES, Paging, stage
from watchline.streams.monitor.season import Season
from watchline.streams.monitor.series import Source

START = 1_700_006_400_000_000  # a Wednesday, midnight in UTC
DAY = 86_400_000_000  # microseconds
NIGHT = 0.25  # of the traffic at its height
WEEKEND = 0.4
BATCH = 5  # slices of one task

Numbers = NDArray[np.float64]


class Moments(NamedTuple):
    """When the events of a slice are.

    Parameters
    ----------
    times : array of int
        In microseconds since 1970, in order.
    daytime : array of float
        0 at night to 1 at noon.
    weekend : array of bool
    """

    times: NDArray[np.int64]
    daytime: Numbers
    weekend: NDArray[np.bool_]


Draw = Callable[[np.random.Generator, Moments], Numbers]


def moments(rng: np.random.Generator, days: int, events: float) -> Moments:
    """Poisson events: `events` on a weekday on average."""
    height = events / (1 + NIGHT) * 2
    candidates = np.sort(rng.integers(days * DAY, size=rng.poisson(days * height)))
    daytime, weekend = _by_day(candidates), _weekend(candidates)
    kept = rng.random(len(candidates)) < (NIGHT + (1 - NIGHT) * daytime) * np.where(weekend, WEEKEND, 1.0)
    return Moments(START + candidates[kept], daytime[kept], weekend[kept])


def _by_day(since: NDArray[np.int64]) -> Numbers:
    return 0.5 - 0.5 * np.cos(2 * np.pi * (since % DAY) / DAY)


def _weekend(since: NDArray[np.int64]) -> NDArray[np.bool_]:
    weekday = (2 + since // DAY) % 7
    return weekday >= 5


def rate(share: float) -> Draw:
    return lambda rng, when: (rng.random(len(when.times)) < share).astype(float)


def rate_by_hour(night: float, noon: float) -> Draw:
    return lambda rng, when: (rng.random(len(when.times)) < night + (noon - night) * when.daytime).astype(float)


def score(share: float) -> Draw:
    """Scores of a detector that finds such a share."""

    def draw(rng: np.random.Generator, when: Moments) -> Numbers:
        count = len(when.times)
        return np.where(rng.random(count) < share, rng.beta(6, 2, count), rng.beta(1.2, 12, count))

    return draw


def lognormal(sigma: float, by_day: float = 0.0, at_weekends: float = 0.0) -> Draw:
    """Values of median 1 at night on weekdays, at noon more by a share `by_day`, at weekends by `at_weekends`."""

    def draw(rng: np.random.Generator, when: Moments) -> Numbers:
        level = (1 + by_day * when.daytime) * (1 + at_weekends * when.weekend)
        return level * np.exp(sigma * rng.standard_normal(len(when.times)))

    return draw


def distance(weekdays: float, weekends: float) -> Draw:
    """Distances of questions from the usual ones, with another share of a topic that lies far off at weekends."""

    def draw(rng: np.random.Generator, when: Moments) -> Numbers:
        count = len(when.times)
        far = rng.random(count) < np.where(when.weekend, weekends, weekdays)
        return np.where(far, 0.75, 0.45) + 0.1 * rng.standard_normal(count)

    return draw


def autoregressive(coefficient: float) -> Draw:
    def draw(rng: np.random.Generator, when: Moments) -> Numbers:
        noise = rng.standard_normal(len(when.times)).tolist()
        return np.array(list(accumulate(noise, lambda last, new: coefficient * last + new)))

    return draw


# Name: whether it is bounded, how it is drawn.
MEASURES: dict[str, tuple[bool, Draw]] = {
    "rate .1 %": (True, rate(0.001)),
    "rate 1 %": (True, rate(0.01)),
    "rate 15 %": (True, rate(0.15)),
    "rate by hour, 1 to 4 %": (True, rate_by_hour(0.01, 0.04)),
    "score, share 2 %": (True, score(0.02)),
    "score, share 15 %": (True, score(0.15)),
    "normal": (False, lambda rng, when: rng.standard_normal(len(when.times))),
    "lognormal 1.5": (False, lognormal(1.5)),
    "t, 2 df": (False, lambda rng, when: rng.standard_t(2, len(when.times))),
    "AR(1) .2": (False, autoregressive(0.2)),
    "AR(1) .3": (False, autoregressive(0.3)),
    "AR(1) .5": (False, autoregressive(0.5)),
    "latency by hour, +50 %": (False, lognormal(0.5, by_day=0.5)),
    "length by weekday, +30 %": (False, lognormal(0.7, at_weekends=0.3)),
    "topic by weekday, 5 to 15 %": (False, distance(0.05, 0.15)),
}


TOLD = {
    kind: Signal(
        signal_id="01935c3e-7a00-7000-8000-000000000003",
        time=START,
        kind=kind,
        app="app",
        environment="production",
        measure="measure",
        since=START,
        events_before=0,
        events_after=0,
        method="",
        event_id="",
        page=False,
    )
    for kind in ("drift", "prompt_version")
}


def signals(bounded: bool, values: Sequence[float], times: Sequence[int]) -> tuple[int, int]:
    """How many changes are told, and how many may wake somebody: what `Monitor` does with one measure of a slice."""
    season, by_days = Season(), Paging.of(FALSE_PAGES).by_days(bounded=bounded)
    found: list[Signal] = []
    source, running = Source(Stream(bounded=bounded)), None
    for number, (drawn, moment) in enumerate(zip(values, times, strict=True)):
        value = Measure("measure", drawn, bounded).without(season, moment).value
        needed = by_days[stage(season.days)]
        if number == len(values) // 2:
            running = Comparison(source.stream.baseline(), since=moment)
            source = Source(Stream(bounded=bounded))
        change = source.stream.update(value, moment)
        found += source.confirmed(value, needed.known)
        if change is not None:
            comparison = Comparison(source.before(change), since=change.since)
            found.append(source.told(TOLD["drift"], comparison, needed.drift))
        if running is not None:
            if running.update(value) is not None:
                found.append(source.told(TOLD["prompt_version"], running, needed.known))
            running = None if running.finished else running
    return len(found), sum(signal.page for signal in found)


def month(seeds: Sequence[int], days: int, events: float) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Events, what is told and what may wake somebody by measure, of some slices."""
    seen, told, pages = Counter[str](), Counter[str](), Counter[str]()
    for seed in seeds:
        rng = np.random.default_rng(seed)
        when = moments(rng, days, events)
        times = when.times.tolist()
        for name, (bounded, draw) in MEASURES.items():
            values = draw(rng, when).tolist()
            signals_of_it, pages_of_it = signals(bounded, values, times)
            told[name] += signals_of_it
            pages[name] += pages_of_it
            seen[name] += len(values)
    return seen, told, pages


def table(seen: Counter[str], told: Counter[str], pages: Counter[str], slices: int) -> list[str]:
    """Lines by measure, the loudest first."""
    lines = [f"{'':30}{'told in 10,000':>18}{'told in all':>15}{'pages':>10}"]
    for name in sorted(seen, key=lambda each: -told[each] / seen[each]):
        lines.append(f"{name:30}{1e4 * told[name] / seen[name]:18.2f}{told[name]:15,}{pages[name]:10,}")
    every = told.total()
    lines.append(f"{'all':30}{1e4 * every / seen.total():18.2f}{every:15,}{pages.total():10,}")
    lines.append(f"{slices} slices, {seen.total():,} values; {every / slices:.2f} told a slice")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.drift_pages",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--slices", type=int, default=500)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--events", type=float, default=300, help="of a slice on a weekday (default: 300)")
    options = parser.parse_args(arguments)
    tasks = [range(n, min(n + BATCH, options.slices)) for n in range(0, options.slices, BATCH)]
    seen, told, pages, started = Counter[str](), Counter[str](), Counter[str](), time.monotonic()
    with ProcessPoolExecutor(2) as pool:
        done = pool.map(partial(month, days=options.days, events=options.events), tasks)
        for number, found in enumerate(done, start=1):
            for counter, more in zip((seen, told, pages), found, strict=True):
                counter.update(more)
            if number % max(1, len(tasks) // 10) == 0:
                sys.stderr.write(f"{number} of {len(tasks)} tasks, {time.monotonic() - started:.0f} s\n")
    print("\n".join(table(seen, told, pages, options.slices)))


if __name__ == "__main__":
    main()
