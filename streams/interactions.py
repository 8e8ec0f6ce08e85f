"""Messages of the raw topic to rows, finding batches and dead letters: decode, check, redact, score."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from watchline.detectors.scorer import RedactionFailed, Scored
from watchline.schemas.codec import decode, encode
from watchline.schemas.errors import PoisonError
from watchline.schemas.records import (
    Finding,
    FindingBatch,
    Interaction,
    InteractionBatch,
    ScoredInteraction,
)
from watchline.schemas.validation import check
from watchline.streams.dead_letters import WHOLE_MESSAGE, DeadLetter
from watchline.streams.sink import Rejected, Table


class Scores(Protocol):
    """What the pipeline needs of a scorer."""

    @property
    def planned(self) -> Mapping[str, str]: ...

    def score(self, interactions: Sequence[Interaction]) -> Sequence[Scored | RedactionFailed]: ...


@dataclass(frozen=True, slots=True)
class Message:
    """A Kafka message; `time` is Kafka's, in microseconds."""

    topic: str
    topic_id: str
    partition: int
    offset: int
    time: int
    value: bytes

    def dead_letter(self, reason: str) -> DeadLetter:
        """The whole message, given up."""
        return DeadLetter(
            self.topic, self.topic_id, self.partition, self.offset, WHOLE_MESSAGE, self.time, self.value, reason
        )


@dataclass(frozen=True, slots=True)
class Event:
    """One interaction and where it came from."""

    interaction: Interaction
    message: Message
    batch: InteractionBatch
    index: int

    def dead_letter(self, reason: str) -> DeadLetter:
        """This event alone, encoded again in an envelope of its own."""
        alone = InteractionBatch(
            producer_id=self.batch.producer_id,
            first_sequence=self.batch.first_sequence + self.index,
            dropped=self.batch.dropped,
            interactions=(self.batch.interactions[self.index],),
        )
        m = self.message
        event_id = self.interaction.event_id if "event_id" not in reason else ""
        return DeadLetter(
            m.topic, m.topic_id, m.partition, m.offset, self.index, m.time, encode(alone), reason, event_id
        )


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What one message held: events to score, dead letters, and in its order whether each was dead."""

    message: Message
    events: list[Event]
    dead: list[DeadLetter]
    outcomes: list[bool]


@dataclass(frozen=True, slots=True)
class ScoredEvent:
    """An event after redaction and scoring."""

    event: Event
    scored: Scored


def unpack(message: Message) -> Unpacked:
    """Decodes and checks a message. Bytes that can't be decoded cost the message, an invalid event only itself."""
    try:
        batch = decode(message.value, InteractionBatch)
    except PoisonError as error:
        return Unpacked(message, [], [message.dead_letter(str(error))], [True])
    unpacked = Unpacked(message, [], [], [])
    for index, interaction in enumerate(batch.interactions):
        event = Event(interaction, message, batch, index)
        try:
            check(interaction, received=message.time)
        except PoisonError as error:
            unpacked.dead.append(event.dead_letter(str(error)))
            unpacked.outcomes.append(True)
        else:
            unpacked.events.append(event)
            unpacked.outcomes.append(False)
    return unpacked


def batches(
    messages: Sequence[Unpacked], *, max_events: Callable[[], int], max_bytes: int
) -> Iterator[Sequence[Unpacked]]:
    """Messages cut where a batch is full; one message is never cut. The limit is asked for anew for each batch."""
    start = 0
    while start < len(messages):
        limit, end, events, size_bytes = max_events(), start, 0, 0
        while end < len(messages):
            events += len(messages[end].events)
            size_bytes += len(messages[end].message.value)
            if end > start and (events > limit or size_bytes > max_bytes):
                break
            end += 1
        yield messages[start:end]
        start = end


def score(events: Sequence[Event], scorer: Scores) -> tuple[list[ScoredEvent], list[DeadLetter]]:
    """Redacts and scores events; where redaction failed nothing of the text goes on but as a dead letter."""
    results = scorer.score([event.interaction for event in events])
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
    findings, owner = findings_table(scored)
    refused = {owner[rejected.index]: rejected.reason for rejected in write(findings)}
    kept = [index for index in range(len(scored)) if index not in refused]
    for rejected in write(interactions_table([scored[index] for index in kept])):
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


_PLAIN = (
    "event_id",
    "time",
    "app",
    "environment",
    "operation",
    "variant",
    "prompt_variables",
    "request_parameters",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
    "reasoning_output_tokens",
    "cost",
    "latency_s",
    "time_to_first_chunk_s",
    "finish_reasons",
    "attributes",
    "truncated",
)
# NULL costs a column and says no more than the empty string here.
_EMPTY_FOR_NONE = (
    "tenant",
    "trace_id",
    "span_id",
    "conversation_id",
    "response_id",
    "subject",
    "provider",
    "request_model",
    "response_model",
    "model",
    "system_fingerprint",
    "prompt_name",
    "prompt_version",
    "prompt_hash",
    "system_instructions",
    "error_type",
    "error_message",
)
_DERIVED = (
    "input_messages",
    "output_messages",
    "tool_calls",
    "documents",
    "redactions",
    "planned",
    "producer_id",
    "producer_sequence",
    "producer_dropped",
    "raw_topic_id",
    "raw_partition",
    "raw_offset",
    "raw_index",
)


def interactions_table(scored: Sequence[ScoredEvent]) -> Table:
    """The rows of `interactions`."""
    rows: list[list[Any]] = []
    keys: list[str] = []
    for item in scored:
        interaction, event, message = item.scored.interaction, item.event, item.event.message
        rows.append(
            [getattr(interaction, name) for name in _PLAIN]
            + [getattr(interaction, name) or "" for name in _EMPTY_FOR_NONE]
            + [
                [(each.role, each.content) for each in interaction.input_messages],
                [(each.role, each.content) for each in interaction.output_messages],
                [(call.name, call.arguments, call.result or "", call.id or "") for call in interaction.tool_calls],
                [(document.content, document.id or "", document.score) for document in interaction.documents],
                item.scored.redactions,
                item.scored.planned,
                event.batch.producer_id,
                event.batch.first_sequence + event.index,
                event.batch.dropped,
                message.topic_id,
                message.partition,
                message.offset,
                event.index,
            ]
        )
        keys.append(f"{_row_key(interaction)}/{sorted(item.scored.planned.items())}")
    months = [_month(item.scored.interaction.time) for item in scored]
    return Table("interactions", (*_PLAIN, *_EMPTY_FOR_NONE, *_DERIVED), rows, keys, months)


def findings_table(scored: Sequence[ScoredEvent]) -> tuple[Table, list[int]]:
    """The rows of `findings`, and for each the index of its event."""
    rows: list[list[Any]] = []
    keys: list[str] = []
    months: list[str] = []
    owner: list[int] = []
    for index, item in enumerate(scored):
        interaction = item.scored.interaction
        shared = [
            interaction.event_id,
            interaction.time,
            interaction.app,
            interaction.environment,
            interaction.tenant or "",
            interaction.prompt_name or "",
            interaction.prompt_version or "",
            interaction.model or "",
        ]
        for finding in item.scored.findings:
            rows.append(shared + _finding_values(finding))
            keys.append(f"{_row_key(interaction)}/{finding.detector}/{finding.detector_version}")
            months.append(_month(interaction.time))
            owner.append(index)
    return Table("findings", (*_SHARED, *_FINDING), rows, keys, months), owner


_SHARED = ("event_id", "time", "app", "environment", "tenant", "prompt_name", "prompt_version", "model")
_FINDING = (
    "detector",
    "detector_version",
    "decision",
    "scores",
    "score",
    "threshold",
    "alert_threshold",
    "flagged",
    "alert",
    "calibration_version",
    "severity",
    "scored_fraction",
    "duration_us",
    "batch_size",
    "device",
    "reason",
    "spans",
    "evidence",
)


def _finding_values(finding: Finding) -> list[Any]:
    return [
        *(getattr(finding, name) for name in _FINDING[:-3]),
        finding.reason or "",
        [(span.field, span.start, span.end, span.label, span.score) for span in finding.spans],
        [(each.span, each.field, each.start, each.end, each.score) for each in finding.evidence],
    ]


def _row_key(interaction: Interaction) -> str:
    return f"{interaction.time}/{interaction.tenant or ''}/{interaction.app}/{interaction.event_id}"


def _month(time: int) -> str:
    return f"{datetime.fromtimestamp(time / 1e6, UTC):%Y%m}"
