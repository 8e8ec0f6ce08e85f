"""What the monitor measures of an interaction: scores, amounts, lengths, errors, where its prompt lies."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from operator import mul
from typing import NamedTuple

from watchline.schemas.records import ScoredInteraction
from watchline.streams.monitor.state import MAX_VALUE, check

AMOUNTS = (
    "latency_s",
    "time_to_first_chunk_s",
    "cost",
    "input_tokens",
    "output_tokens",
    "input_length",
    "output_length",
)
CENTRE = 50  # embeddings whose mean is the point that later ones are measured from


class Measure(NamedTuple):
    """One value of an interaction; `producer` is the version of the detector behind it, whose labels are `scores`."""

    name: str
    value: float
    bounded: bool
    producer: str = ""
    scores: Mapping[str, float] = {}


class Centre:
    """The mean of a prompt's first embeddings. Later ones have a distance from it, whatever the version they belong to:
    so the distances of two versions can be compared.
    """

    __slots__ = ("_norm", "count", "total")

    def __init__(self, total: Sequence[float] = (), count: int = 0) -> None:
        check(0 <= count <= CENTRE and all(abs(number) <= CENTRE * MAX_VALUE for number in total), "centre")
        self.total = array("d", total)
        self.count = count
        self._norm = math.hypot(*total)

    def distance(self, embedding: Sequence[float]) -> float | None:
        """One minus the cosine, 0 to 2; None while the centre is being learned, or where there is no embedding."""
        length = math.hypot(*embedding)
        if not embedding or not math.isfinite(length):
            return None
        if len(embedding) != len(self.total):  # the first one, or another encoder
            self.total = array("d", bytes(8 * len(embedding)))
            self.count = 0
        if self.count < CENTRE:
            for index, value in enumerate(embedding):
                self.total[index] += value
            self.count += 1
            self._norm = math.hypot(*self.total)
            return None
        norm = self._norm * length
        return 1 - sum(map(mul, embedding, self.total)) / norm if norm else None


def measures(item: ScoredInteraction, centre: Centre) -> Iterator[Measure]:
    """The measures of one interaction. What is missing, or can be no such value, is left out."""
    for finding in item.findings:
        if finding.score is not None and 0 <= finding.score <= 1:
            producer = f"{finding.detector_version}/{finding.calibration_version}"
            yield Measure(finding.detector, finding.score, True, producer, finding.scores)
    yield Measure("error", float(item.error), True)
    for name in AMOUNTS:
        amount = getattr(item, name)
        if amount is not None and abs(amount) <= MAX_VALUE:
            yield Measure(name, float(amount), False)
    distance = centre.distance(item.prompt_embedding)
    if distance is not None and math.isfinite(distance):
        yield Measure("prompt_embedding", distance, False)
