"""Scored interactions made up for the monitor's tests and its benchmark."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from uuid import UUID, uuid5

from watchline.schemas.records import Finding, FindingBatch, ScoredInteraction, Signal

DETECTORS = ("groundedness", "toxicity", "bias", "pii", "relevance", "injection")
CENTRE = [1.0] + [0.0] * 15


def scored(
    rng: random.Random,
    offset: int,
    *,
    version: str | None = "1",
    model: str | None = "small",
    unsupported: float = 0.15,
    latency_s: float = 2.0,
    detector_version: str = "a",
    partition: int = 0,
    dimensions: int = 16,
) -> ScoredInteraction:
    """One interaction: the groundedness detector finds a share `unsupported` of them unsupported, others little."""
    event_id = str(UUID(int=rng.getrandbits(128)))

    def finding(detector: str, share: float) -> Finding:
        score = rng.betavariate(6, 2) if rng.random() < share else rng.betavariate(1.2, 12)
        scores = {"unsupported": score, "contradicted": score / 10} if detector == "groundedness" else {detector: score}
        return Finding(
            event_id=event_id,
            detector=detector,
            detector_version=detector_version,
            decision="evaluated",
            scores=scores,
            score=score,
        )

    embedding = [rng.gauss(0, 1 / math.sqrt(dimensions)) for _ in range(dimensions)]
    embedding[0] += 1
    length = math.hypot(*embedding)
    return ScoredInteraction(
        event_id=event_id,
        time=1_700_000_000_000_000 + offset * 1_000_000,
        prompt_version=version,
        model=model,
        latency_s=latency_s * math.exp(rng.gauss(0, 0.5)),
        time_to_first_chunk_s=0.3 * math.exp(rng.gauss(0, 0.3)),
        cost=rng.expovariate(100),
        input_tokens=rng.randrange(200, 900),
        output_tokens=rng.randrange(20, 200),
        input_length=rng.randrange(800, 3_600),
        output_length=rng.randrange(80, 800),
        error=rng.random() < 0.01,
        prompt_embedding=tuple(value / length for value in embedding),
        findings=tuple(finding(name, unsupported if name == "groundedness" else 0.02) for name in DETECTORS),
        raw_topic_id="topic",
        raw_partition=partition,
        raw_offset=offset,
        raw_index=0,
        raw_time=1_700_000_000_002_000 + offset * 1_000_000,
    )


def first_ones(signals: Iterable[Signal]) -> list[Signal]:
    """Signals without those that say of an earlier one that it may wake somebody."""
    found = list(signals)
    pages = {str(uuid5(UUID(signal.signal_id), "page")) for signal in found}
    return [signal for signal in found if signal.signal_id not in pages]


def batches(items: Iterable[ScoredInteraction], size: int = 16, prompt_name: str = "answer") -> Iterator[FindingBatch]:
    """Finding batches of one prompt."""
    kept = list(items)
    for start in range(0, len(kept), size):
        yield FindingBatch(
            app="bot", environment="production", prompt_name=prompt_name, items=tuple(kept[start : start + size])
        )
