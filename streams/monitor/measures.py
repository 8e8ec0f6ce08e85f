"""The measures of an interaction that the monitor watches: scores, amounts, lengths, rates, topics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from watchline.detectors.declarations import NOT_SUPPORTED
from watchline.schemas.records import Finding, ScoredInteraction
from watchline.streams.monitor.season import Season
from watchline.streams.monitor.state import HIGHEST, LOWEST, MAX_VALUE
from watchline.streams.monitor.topics import Topics

AMOUNTS = (
    "latency_s",
    "time_to_first_chunk_s",
    "cost",
    "input_tokens",
    "output_tokens",
    "input_length",
    "output_length",
)
RATES = ("error", "is_step", "cancelled", "refused")
LESS_IS_BETTER = {"latency_s", "time_to_first_chunk_s", "cost", "error", "cancelled", "refused", "not_evaluated"}
NO_VERDICT = ("failed", "shed", "not_sampled")  # decisions; what isn't applicable was looked at


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

    @property
    def less_is_better(self) -> bool:
        """Whether a fall is good news: of what detectors find, failures, waiting and cost."""
        return bool(self.producer) or self.name in LESS_IS_BETTER

    def without(self, season: Season, time: int) -> Measure:
        """The same without what is the hour's and the weekday's, of which `season` learns from it."""
        value = season.without(self.value, time, bounded=self.bounded)
        if value == self.value:
            return self
        if self.bounded:
            value = min(max(value, LOWEST), HIGHEST)
        return Measure(self.name, value, self.bounded, self.producer, self.scores)


def measures(item: ScoredInteraction, topics: Topics) -> Iterator[Measure]:
    """The measures of one interaction; values that are missing or impossible are left out.

    Parameters
    ----------
    item : ScoredInteraction
    topics : Topics
        Of the prompt; they learn from the interaction's embedding.

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
    >>> {measure.name: measure.value for measure in measures(item, Topics())}
    {'error': 0.0, 'latency_s': 0.8, 'input_length': 120.0, 'output_length': 40.0}
    """
    for finding in item.findings:
        if finding.score is not None and 0 <= finding.score <= 1:
            producer = f"{finding.detector_version}/{finding.calibration_version}"
            yield Measure(finding.detector, finding.score, True, producer, finding.scores)
    yield from _of_evaluation(item.findings)
    for name in RATES:
        happened = getattr(item, name)
        if happened is not None:
            yield Measure(name, float(happened), True)
    for name in AMOUNTS:
        amount = getattr(item, name)
        if amount is not None and abs(amount) <= MAX_VALUE:
            yield Measure(name, float(amount), False)
    looked = topics.look(item.prompt_embedding)
    if looked.distance is not None:
        yield Measure("prompt_embedding", looked.distance, False)
    if looked.is_new is not None:
        yield Measure("new_question", float(looked.is_new), True)
    for number, along in enumerate(looked.directions, start=1):
        yield Measure(f"question_direction_{number}", along, False)


def _of_evaluation(findings: Sequence[Finding]) -> Iterator[Measure]:
    """How much of what was planned gave no verdict, and whether the text was in a language that can't be read."""
    if not findings:
        return
    missing = sum(finding.decision in NO_VERDICT for finding in findings)
    yield Measure("not_evaluated", missing / len(findings), True)
    if missing < len(findings):
        other = any((finding.reason or "").startswith(NOT_SUPPORTED) for finding in findings)
        yield Measure("other_language", float(other), True)
