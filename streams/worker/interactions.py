"""Messages of the raw topic to stored events, finding batches and dead letters: decode, check, redact, score, store."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from watchline.detectors.scorer import RedactionFailed, Scored
from watchline.schemas.codec import Registry, decode, encode
from watchline.schemas.errors import PoisonError
from watchline.schemas.records import FindingBatch, Interaction, InteractionBatch, ScoredInteraction
from watchline.schemas.validation import check, check_envelope
from watchline.streams.clickhouse import rows
from watchline.streams.clickhouse.sink import Rejected, Table
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.health.canary import is_canary
from watchline.streams.kafka.topics import MAX_RECORD_BYTES
from watchline.streams.messages import Event, Message, ScoredEvent, Unpacked


class Scores(Protocol):
    """What the pipeline needs of a scorer."""

    @property
    def planned(self) -> Mapping[str, str]: ...

    def score(
        self, interactions: Sequence[Interaction], *, shed: Container[int] = ()
    ) -> Sequence[Scored | RedactionFailed]: ...


def unpack(message: Message, registry: Registry | None = None) -> Unpacked:
    """Decodes and checks a message. Bytes or an envelope that can't be read cost the message, an event only itself."""
    try:
        batch = decode(message.value, InteractionBatch, registry)
        check_envelope(batch, received=message.time)
    except PoisonError as error:
        return Unpacked(message, [], [message.dead_letter(str(error))], [True])
    unpacked = Unpacked(message, [], [], [], batch if batch.is_report else None)
    for index, interaction in enumerate(batch.interactions):
        event = Event(interaction, message, batch, index, registry)
        try:
            check(interaction, received=message.time)
            # More than Kafka takes uncompressed: nobody but who means harm packs that, and scoring it takes minutes.
            if len(message.value) > MAX_RECORD_BYTES and len(encode(interaction)) > MAX_RECORD_BYTES:
                raise PoisonError(f"event: larger than {MAX_RECORD_BYTES:,} bytes")
        except PoisonError as error:
            unpacked.dead.append(event.dead_letter(str(error)))
            unpacked.outcomes.append(True)
        else:
            unpacked.events.append(event)
            if not is_canary(interaction):  # which says nothing of the apps' events
                unpacked.outcomes.append(False)
    return unpacked


def within_bytes(messages: Sequence[Message], max_bytes: int) -> Iterator[Sequence[Message]]:
    """Messages cut so that each part holds at most so many bytes; one that is larger stands alone."""
    start = size_bytes = 0
    for end, message in enumerate(messages):
        size_bytes += len(message.value)
        if size_bytes > max_bytes and end > start:
            yield messages[start:end]
            start, size_bytes = end, len(message.value)
    if start < len(messages):
        yield messages[start:]


def batches(messages: Sequence[Unpacked], limits: Callable[[], tuple[int, int]]) -> Iterator[Sequence[Unpacked]]:
    """Messages cut where a batch has enough events or bytes; one message is never cut. Limits are asked for anew."""
    start = 0
    while start < len(messages):
        (max_events, max_bytes), end, events, size_bytes = limits(), start, 0, 0
        while end < len(messages):
            events += len(messages[end].events)
            size_bytes += len(messages[end].message.value)
            if end > start and (events > max_events or size_bytes > max_bytes):
                break
            end += 1
        yield messages[start:end]
        start = end


def score(
    events: Sequence[Event], scorer: Scores, *, shed_before: float = 0.0
) -> tuple[list[ScoredEvent], list[DeadLetter]]:
    """Redacts and scores events; where redaction failed nothing of the text goes on but as a dead letter.

    Events that came to Kafka before `shed_before` (microseconds) are redacted and not scored.
    """
    shed = {index for index, event in enumerate(events) if event.message.time < shed_before}
    results = scorer.score([event.interaction for event in events], shed=shed)
    scored: list[ScoredEvent] = []
    dead: list[DeadLetter] = []
    for event, result in zip(events, results, strict=True):
        if isinstance(result, RedactionFailed):
            dead.append(event.dead_letter("redaction failed"))
        else:
            scored.append(ScoredEvent(event, result))
    return scored, dead


def store(
    scored: Sequence[ScoredEvent], write: Callable[[Table], list[Rejected]]
) -> tuple[list[ScoredEvent], list[DeadLetter]]:
    """Writes findings, then interactions: whoever sees an interaction sees its findings.

    Returns the events that are stored, and as dead letters those of which ClickHouse will never take a row.
    """
    findings, owner = rows.findings_table(scored)
    refused = {owner[rejected.index]: rejected.reason for rejected in write(findings)}
    kept = [index for index in range(len(scored)) if index not in refused]
    for rejected in write(rows.interactions_table([scored[index] for index in kept])):
        refused[kept[rejected.index]] = rejected.reason
    stored = [item for index, item in enumerate(scored) if index not in refused]
    dead = [scored[index].event.dead_letter(f"row refused: {reason}") for index, reason in sorted(refused.items())]
    return stored, dead


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
    interaction, message = item.scored.interaction, item.event.message
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
        raw_topic_id=message.topic_id,
        raw_partition=message.partition,
        raw_offset=message.offset,
        raw_index=item.event.index,
    )
