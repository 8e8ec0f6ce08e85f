"""Stored events as records of the findings topic, for the monitors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from watchline.schemas.codec import Registry, encode
from watchline.schemas.records import FindingBatch, ScoredInteraction
from watchline.streams.messages import ScoredEvent


def finding_batches(scored: Sequence[ScoredEvent]) -> list[FindingBatch]:
    """What the monitors get: one batch for each app, environment and prompt name, items in the raw topic's order."""
    groups: dict[tuple[str, str, str | None], list[ScoredInteraction]] = {}
    for item in scored:
        interaction = item.scored.interaction
        key = (interaction.app, interaction.environment, interaction.prompt_name)
        groups.setdefault(key, []).append(_scored_interaction(item))
    return [
        FindingBatch(app=app, environment=environment, prompt_name=prompt_name, items=tuple(items))
        for (app, environment, prompt_name), items in groups.items()
    ]


def encode_within(batch: FindingBatch, max_bytes: int, registry: Registry | None = None) -> Iterator[bytes]:
    """The batch as Kafka takes it: halved until each part fits. An item that is too large by itself stays whole."""
    data = encode(batch, registry)
    if len(data) <= max_bytes or len(batch.items) == 1:
        yield data
        return
    middle = len(batch.items) // 2
    for items in (batch.items[:middle], batch.items[middle:]):
        yield from encode_within(replace(batch, items=items), max_bytes, registry)


def _scored_interaction(item: ScoredEvent) -> ScoredInteraction:
    interaction, origin = item.scored.interaction, item.origin
    return ScoredInteraction(
        event_id=interaction.event_id,
        time=interaction.time,
        prompt_version=interaction.prompt_version,
        prompt_hash=interaction.prompt_hash,
        model=interaction.model,
        tenant=interaction.tenant,
        latency_s=interaction.latency_s,
        time_to_first_chunk_s=interaction.time_to_first_chunk_s,
        cost=interaction.cost,
        input_tokens=interaction.input_tokens,
        output_tokens=interaction.output_tokens,
        input_length=len(interaction.input),
        output_length=len(interaction.output),
        error=interaction.error_type is not None,
        prompt_embedding=tuple(map(float, item.scored.prompt_embedding)),
        findings=item.scored.findings,
        raw_topic_id=origin.topic_id,
        raw_partition=origin.partition,
        raw_offset=origin.offset,
        raw_index=origin.index,
    )
