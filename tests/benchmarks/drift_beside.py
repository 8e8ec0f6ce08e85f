"""Drift beside others, on the same streams, each at the same rate of false alarms.

    WATCHLINE_BENCHMARK_DATA=FOLDER python -m tests.benchmarks.drift_beside [--repeats 100] [--only river ...]

Each method's threshold (ADWIN's and Watchline's delta) is bisected to one false alarm in 10,000 events of streams that
don't change: alarms / events until the first of each. A run is 1,000 events, the change, 2,000 events; one with an
alarm before the change is left out. A cell has the median delay / the 95th percentile, in events, and the share of runs
in which the change is seen where that is below 97 %. The data are those that `drift_streams` says; without them there
are no columns of topics. What is compared, and how it is installed: `drift_peers`. With everything installed it takes
half an hour or more; the slow rows get fewer streams and runs.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.benchmarks.drift_peers import Method, methods
from tests.benchmarks.drift_streams import (
    AFTER,
    BEFORE,
    REFERENCE,
    WATCHED,
    Bank,
    Column,
    Draw,
    Events,
    bank_of,
    columns,
)

WANTED = 1 / 10_000  # false alarms an event
STEPS = 9  # of bisecting a parameter
SLOW = 0.3  # of the repeats are run by a slow method
SEEN = 0.97
TURNS = 3


class Alarms(NamedTuple):
    """Where a method is set, and how often it errs there."""

    parameter: float
    threshold: float
    rate: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.drift_beside",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repeats", type=int, default=100, help="runs of each column (default: 100); 8: a rehearsal")
    parser.add_argument("--only", nargs="+", default=[""], help="rows whose names hold one of these")
    parser.add_argument("--kept", type=Path, default=Path(tempfile.gettempdir()), help="folder for the embeddings")
    options = parser.parse_args(arguments)
    bank = None
    if folder := os.environ.get("WATCHLINE_BENCHMARK_DATA"):
        bank = bank_of(Path(folder), options.kept)
    else:
        print("no topics: WATCHLINE_BENCHMARK_DATA names no folder with drift/clinc_oos.jsonl.gz")
    chosen = [each for each in methods(bank) if any(name in each.name for name in options.only)]
    print("\n".join(table(chosen, bank, options.repeats)))


def table(chosen: Sequence[Method], bank: Bank | None, repeats: int) -> list[str]:
    """Lines of Markdown; progress goes to standard error."""
    shown = columns(bank)
    kinds = dict.fromkeys(column.kind for column in shown)
    heads = ["", *(column.name for column in shown), "us/event", "state bytes", "false in 10,000", "runs"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for method in chosen:
        runs = max(4, math.ceil(repeats * SLOW)) if method.slow else repeats
        set_at, cells = {}, {}
        for kind in kinds:
            if kind in method.kinds:
                started = time.perf_counter()
                set_at[kind] = calibrated(method, _null(shown, kind, runs))
                _tell(f"{method.name}, {kind}: {_false(set_at[kind])}, {time.perf_counter() - started:.0f} s")
        for number, column in enumerate(shown):
            cells[column.name] = "-"
            if column.kind in method.kinds:
                delays = [
                    delay(method, drawn(column.draw, (1, number, run), AFTER), set_at[column.kind])
                    for run in range(runs)
                ]
                cells[column.name] = cell(delays)
                _tell(f"{method.name}, {column.name}: {cells[column.name]}")
        samples = {kind: next(iter(_null(shown, kind, 1))) for kind in kinds if kind in method.kinds}
        costs = {kind: cost(method, each) for kind, each in samples.items() if kind in ("normal", "topics")}
        note = f" ({method.note})" if method.note else ""
        rates = ", ".join(f"{kind} {_false(each)}" for kind, each in set_at.items())
        size = "-"
        if method.state is not None:
            size = ", ".join(f"{kind} {method.state(samples[kind]):,}" for kind in costs)
        row = [
            method.name + note,
            *cells.values(),
            ", ".join(f"{kind} {each:.1f}" for kind, each in costs.items()),
            size,
            rates,
            str(runs),
        ]
        lines.append("| " + " | ".join(row) + " |")
        _tell(lines[-1])
    return lines


def drawn(draw: Draw, seed: tuple[int, ...], after: int) -> Events:
    """The stream of a seed."""
    return draw(np.random.default_rng(seed), after)


def _null(shown: Sequence[Column], kind: str, count: int) -> Iterable[Events]:
    draw = next(column.draw for column in shown if column.kind == kind)
    return (drawn(draw, (0, n), 0) for n in range(count))


def first(method: Method, events: Events, at: Alarms) -> int | None:
    """Events after the reference, until the first alarm: 0 for the first of them."""
    levels = enumerate(method.watch(events, at.parameter))
    return next((number for number, level in levels if level >= at.threshold), None)


def delay(method: Method, events: Events, at: Alarms) -> int | None:
    """Events from the change until it is seen; 0 where the alarm came before it, None where none came."""
    found = first(method, events, at)
    return None if found is None else max(0, found + 1 - (BEFORE - REFERENCE))


def calibrated(method: Method, streams: Iterable[Events]) -> Alarms:
    """The parameter or the threshold at which a method errs as often as is wanted, or less often."""
    if method.fixed is not None:
        return _at(method, list(streams), method.fixed)
    if method.parameters is None:
        return _threshold([records(method, events) for events in streams])
    kept = list(streams)
    low, high = (math.log(each) for each in method.parameters)
    found = _at(method, kept, math.exp(high))
    if found.rate <= WANTED:
        return found
    found = Alarms(math.exp(low), 1.0, math.nan)
    for _ in range(STEPS):
        middle = _at(method, kept, math.exp((low + high) / 2))
        if middle.rate <= WANTED:
            low, found = (low + high) / 2, middle
        else:
            high = (low + high) / 2
    return found


def _at(method: Method, streams: Sequence[Events], parameter: float) -> Alarms:
    at = Alarms(parameter, 1.0, 0.0)
    alarms = [first(method, events, at) for events in streams]
    return at._replace(rate=_rate(alarms))


def records(method: Method, events: Events) -> tuple[list[float], list[int], int]:
    """The levels above all before them, the events at which they come, and how many events there are."""
    levels, places, count = [-math.inf], [-1], 0
    for level in method.watch(events, 0.0):
        if level > levels[-1]:
            levels.append(level)
            places.append(count)
        count += 1
    return levels[1:], places[1:], count


def _threshold(found: Sequence[tuple[list[float], list[int], int]]) -> Alarms:
    def rate(threshold: float) -> float:
        alarms = []
        for levels, places, _ in found:
            index = bisect_right(levels, threshold, key=lambda level: math.nextafter(level, math.inf))
            alarms.append(places[index] if index < len(places) else None)
        return _rate(alarms)

    candidates = sorted({level for levels, _, _ in found for level in levels})
    low, high = 0, len(candidates) - 1
    while low < high:  # the lowest that errs seldom enough
        middle = (low + high) // 2
        if rate(candidates[middle]) <= WANTED:
            high = middle
        else:
            low = middle + 1
    return Alarms(0.0, candidates[low], rate(candidates[low]))


def _rate(alarms: Sequence[int | None]) -> float:
    """Alarms an event, each stream watched until its first."""
    exposure = sum(WATCHED if alarm is None else alarm + 1 for alarm in alarms)
    return sum(alarm is not None for alarm in alarms) / exposure


def cell(delays: Sequence[int | None]) -> str:
    """Median delay / 95th percentile, and the share of runs in which the change is seen where it is below `SEEN`."""
    valid = [each for each in delays if each != 0]
    seen = sorted(each for each in valid if each is not None)
    if not seen:
        return f"none of {len(valid)}"
    share = len(seen) / len(valid)
    text = f"{seen[len(seen) // 2]}/{seen[int(0.95 * len(seen))]}"
    return text if share >= SEEN else f"{text} {share:.0%}"


def cost(method: Method, events: Events) -> float:
    """Microseconds of processor's time an event, the least of some turns: the machine may be shared."""
    at, times = method.fixed if method.fixed is not None else 0.002, []
    for _ in range(1 if method.slow else TURNS):
        started = time.process_time()
        count = sum(1 for _ in method.watch(replace(events), at))  # a copy: what was kept of the stream isn't used
        times.append((time.process_time() - started) / (REFERENCE + count))
    return 1e6 * min(times)


def _false(at: Alarms) -> str:
    return f"{1e4 * at.rate:.2f}"


def _tell(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
