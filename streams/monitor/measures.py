"""The measures of an interaction that the monitor watches: scores, amounts, lengths, errors, embedding distance."""

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
CENTRE = 50  # embeddings whose mean is the centre from which the distances of later ones are taken


class Measure(NamedTuple):
    """One value of an interaction.

    Parameters
    ----------
    name : str
        Of the measure: a detector's name, or the name of a field. A unit is in the name (`latency_s`); lengths are in
        code points, costs as the app gives them.
    value : float
    bounded : bool
        Whether all values of the measure lie in [0, 1].
    producer : str
        Version of the detector that gave it; empty where no detector did.
    scores : mapping of str to float
        The detector's labels with their probabilities.
    """

    name: str
    value: float
    bounded: bool
    producer: str = ""
    scores: Mapping[str, float] = {}


class Centre:
    """The mean of a prompt's first `CENTRE` embeddings, from which the distances of later ones are taken.

    All versions of the prompt have the same centre, so that their distances can be compared.

    Parameters
    ----------
    total : sequence of float
        The sum of the embeddings so far, from a stored state.
    count : int
        How many they are. Raises ValueError where it or the sum isn't valid.

    Examples
    --------
    >>> centre = Centre()
    >>> for _ in range(CENTRE):
    ...     centre.distance([1.0, 0.0])
    >>> centre.distance([0.0, 2.0])
    1.0
    """

    __slots__ = ("_norm", "count", "total")

    def __init__(self, total: Sequence[float] = (), count: int = 0) -> None:
        check(0 <= count <= CENTRE and all(abs(number) <= CENTRE * MAX_VALUE for number in total), "centre")
        self.total = array("d", total)
        self.count = count
        self._norm = math.hypot(*total)

    def distance(self, embedding: Sequence[float]) -> float | None:
        """The cosine distance of an embedding from the centre.

        Parameters
        ----------
        embedding : sequence of float
            Of any length other than zero; one of another dimension than before makes the centre be learned anew.

        Returns
        -------
        float or None
            One minus the cosine, 0 to 2. None while the centre is being learned, or without a valid embedding.
        """
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
    """The measures of one interaction; values that are missing or impossible are left out.

    Parameters
    ----------
    item : ScoredInteraction
    centre : Centre
        Of the prompt; it learns from the interaction's embedding.

    Yields
    ------
    Measure

    Examples
    --------
    >>> item = ScoredInteraction(
    ...     event_id="e-1",
    ...     time=1_700_000_000_000_000,
    ...     latency_s=0.8,
    ...     input_length=120,
    ...     output_length=40,
    ...     error=False,
    ...     raw_topic_id="Kf3q",
    ...     raw_partition=0,
    ...     raw_offset=41,
    ...     raw_index=0,
    ... )
    >>> {measure.name: measure.value for measure in measures(item, Centre())}
    {'error': 0.0, 'latency_s': 0.8, 'input_length': 120.0, 'output_length': 40.0}
    """
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
