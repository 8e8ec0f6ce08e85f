"""Made-up values of one measure for the tests of both detectors of changes."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from watchline.streams.monitor.change import Change
from watchline.streams.monitor.drift import Stream

Draw = Callable[[random.Random], float]


def rate(share: float) -> Draw:
    return lambda rng: float(rng.random() < share)


def latency(median: float) -> Draw:
    return lambda rng: median * math.exp(rng.gauss(0, 0.5))


def normal(mean: float) -> Draw:
    return lambda rng: rng.gauss(mean, 1)


def feed(stream: Stream, draw: Draw, rng: random.Random, count: int, start: int = 0) -> list[Change]:
    changes = (stream.update(draw(rng), start + number) for number in range(count))
    return [change for change in changes if change is not None]
