"""The monitor: speed beside river's ADWIN alone, state in bytes; with `--simulations`, how often it is right."""

from __future__ import annotations

import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial

from river.drift import ADWIN

from tests.streams.monitor.finding_batches import batches, scored
from watchline.schemas.codec import decode, encode
from watchline.schemas.records import FindingBatch, RawProgress, ScoredInteraction
from watchline.streams.monitor.agent import MAX_DECODED_BYTES, MAX_HELD_BYTES
from watchline.streams.monitor.comparison import ALPHA, Comparison
from watchline.streams.monitor.drift import Stream
from watchline.streams.monitor.measures import measures
from watchline.streams.monitor.monitor import Monitor
from watchline.streams.monitor.partition import FindingsPartition
from watchline.streams.monitor.topics import Topics

EVENTS = 6_000
BATCH = 32
VERSIONS = 3
REPEATS = 3
RATE = 100
START = 1_700_000_000_000_000

Draw = Callable[[random.Random], float]


def main() -> None:
    """Prints a line for each figure; the simulations only when asked: they take minutes."""
    speed()
    if "--simulations" in sys.argv:
        simulations()


def speed() -> None:
    """Events per CPU second with all measures and embeddings of 384 numbers, and what the state takes."""
    rng = random.Random(0)
    items = [scored(rng, n, version=str(n * VERSIONS // EVENTS), dimensions=384) for n in range(EVENTS)]
    kept = list(batches(items, BATCH))
    messages = [encode(batch) for batch in kept]
    topics = Topics()
    values = [[(measure.name, measure.value) for measure in measures(item, topics)] for item in items]
    monitor = best(lambda: run(Monitor(), kept))
    river = best(lambda: adwin_alone(values))
    decoding = best(lambda: [decode(message, FindingBatch) for message in messages])
    print(
        f"monitor: {EVENTS / monitor:,.0f} events per CPU second, {EVENTS / (monitor + decoding):,.0f} with decoding "
        f"(river's ADWIN alone on the same measures: {EVENTS / river:,.0f}, 1/{monitor / river:.0f} of the time)"
    )
    messages = [encode(batch) for batch in with_reports(items)]
    ordered = best(lambda: run_in_order(messages))
    print(
        f"monitor, event order, {RATE} events a second: {EVENTS / ordered:,.0f} events per CPU second with decoding "
        "and a state each second"
    )
    fed = run(Monitor(), kept)
    state = fed.dump()
    print(
        f"monitor state: {len(state) / VERSIONS / 1000:.1f} kB a slice of {len(values[-1])} measures; "
        f"{VERSIONS} slices dumped in {1000 * best(fed.dump):.1f} ms, "
        f"loaded in {1000 * best(lambda: Monitor.load(state, print)):.1f} ms"
    )


def run(monitor: Monitor, kept: list[FindingBatch]) -> Monitor:
    for batch in kept:
        monitor.process(batch)
    return monitor


def with_reports(items: list[ScoredInteraction]) -> Iterator[FindingBatch]:
    """The events at `RATE` a second, and each second a report of how far the raw topic is done."""
    second = 0
    for batch in batches(items, BATCH):
        times = [START + item.raw_offset * 1_000_000 // RATE for item in batch.items]
        dated = (replace(item, time=time, raw_time=time) for item, time in zip(batch.items, times, strict=True))
        yield replace(batch, items=tuple(dated))
        if times[-1] // 1_000_000 > second:
            second = times[-1] // 1_000_000
            yield report(times[-1])
    yield report(2 * START)


def report(time: int) -> FindingBatch:
    return FindingBatch(app="", environment="", items=(), progress=(RawProgress(0, time, 1),))


def run_in_order(messages: list[bytes]) -> None:
    partition = FindingsPartition({}, print, print)
    for message in messages:
        held = partition.take(message, 2 * START, max_decoded_bytes=MAX_DECODED_BYTES)
        if not held.held:  # a report
            partition.look(max_held_bytes=MAX_HELD_BYTES)


def adwin_alone(values: list[list[tuple[str, float]]]) -> None:
    detectors: dict[str, ADWIN] = {}
    for event in values:
        for name, value in event:
            if name not in detectors:
                detectors[name] = ADWIN()
            detectors[name].update(value)


def best(function: Callable[[], object]) -> float:
    """CPU seconds of the fastest of a few runs: the machine may be shared."""
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        function()
        times.append(time.process_time() - started)
    return min(times)


def rate(share: float) -> Draw:
    return lambda rng: float(rng.random() < share)


def score(share: float) -> Draw:
    return lambda rng: rng.betavariate(6, 2) if rng.random() < share else rng.betavariate(1.2, 8)


def amount(median: float) -> Draw:
    return lambda rng: median * math.exp(rng.gauss(0, 0.5))


# Name, values before, values after, whether they are bounded.
SAME = {
    "rate .15": (rate(0.15), rate(0.15), True),
    "rate .05": (rate(0.05), rate(0.05), True),
    "rate .01": (rate(0.01), rate(0.01), True),
    "score": (score(0.1), score(0.1), True),
    "latency": (amount(2), amount(2), False),
}
DIFFERENT = {
    "rate .15 to .40": (rate(0.15), rate(0.40), True),
    "rate .05 to .15": (rate(0.05), rate(0.15), True),
    "score, mean .19 to .38": (score(0.1), score(0.4), True),
    "latency + 30 %": (amount(2), amount(2.6), False),
    "latency doubled": (amount(2), amount(4), False),
}


def simulations() -> None:
    """Seeds 0, 1, 2, ...; a stream is one measure of one slice."""
    with ProcessPoolExecutor(2) as pool:
        for name in SAME:
            for before in (50, 200):
                found = list(pool.map(partial(at_version, name, before, 600), range(5_000), chunksize=250))
                alarms = sum(delay is not None for delay in found)
                print(f"no change, {name}, {before} before, 600 after: {alarms} false of 5,000 (allowed {ALPHA:.1%})")
        for name in DIFFERENT:
            found = list(pool.map(partial(at_version, name, 200, 200), range(2_000), chunksize=100))
            print(f"new version, {name}, 200 events each: {summary(found)}")
        for name in SAME:
            drifts = list(pool.map(partial(drift, name, 2_000, 0), range(500), chunksize=25))
            print(f"no change, {name}, 2,000 events: {sum(bool(found) for found in drifts)} of 500 streams with drift")
        for name in DIFFERENT:
            for before, after in ((250, 250), (1_000, 500)):
                drifts = list(pool.map(partial(drift, name, before, after), range(300), chunksize=25))
                print(f"drift, {name}, {before} then {after} events: {summary([next(iter(d), None) for d in drifts])}")
        whole = list(pool.map(equal_versions, range(200), chunksize=10))
        print(f"whole monitor, 15 measures, two equal versions of 250 events: {sum(whole)} signals in 200 runs")


def at_version(name: str, before: int, after: int, seed: int) -> int | None:
    """Events of the new version until its change is seen."""
    first, second, bounded = (SAME | DIFFERENT)[name]
    rng, baseline = random.Random(seed), Stream(bounded=bounded)
    for number in range(before):
        baseline.update(first(rng), number)
    comparison = Comparison(baseline.baseline(), since=0)
    return next((number + 1 for number in range(after) if comparison.update(second(rng))), None)


def drift(name: str, before: int, after: int, seed: int) -> list[int]:
    """Events from the change until each drift that is seen."""
    first, second, bounded = (SAME | DIFFERENT)[name]
    rng, stream = random.Random(seed), Stream(bounded=bounded)
    draws: Iterator[float] = ((first if n < before else second)(rng) for n in range(before + after))
    return [number + 1 - before for number, value in enumerate(draws) if stream.update(value, number)]


def equal_versions(seed: int) -> int:
    rng, monitor = random.Random(seed), Monitor()
    items = (scored(rng, n, version=str(n // 250)) for n in range(500))
    return sum(len(monitor.process(batch)) for batch in batches(items))


def summary(delays: list[int | None]) -> str:
    seen = sorted(delay for delay in delays if delay is not None)
    if not seen:
        return "never seen"
    return (
        f"seen in {len(seen) / len(delays):.1%}, after {seen[len(seen) // 2]} events (median), "
        f"{seen[int(0.95 * len(seen))]} (95 %)"
    )


if __name__ == "__main__":
    main()
