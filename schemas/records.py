"""Python types of the Avro records in `avro/`: same names, same fields.

Times are integer microseconds since 1970-01-01 UTC, as on the wire: a time that `datetime` cannot hold
is for validation to refuse, not for the decoder to die of. Sequences are tuples, so that a record can be shared.
What a field means stands in its `doc` in the `.avsc`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Decision = Literal["evaluated", "not_applicable", "not_sampled", "shed", "failed"]
Severity = Literal["none", "low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Message:
    role: str
    content: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    arguments: str = ""
    result: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    content: str
    id: str | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    event_id: str
    time: int
    app: str
    environment: str = "default"
    trace_id: str | None = None
    span_id: str | None = None
    conversation_id: str | None = None
    response_id: str | None = None
    tenant: str | None = None
    subject: str | None = None
    operation: str = "chat"
    provider: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    system_fingerprint: str | None = None
    variant: Mapping[str, str] = field(default_factory=dict)
    prompt_name: str | None = None
    prompt_version: str | None = None
    prompt_hash: str | None = None
    prompt_variables: Mapping[str, str] = field(default_factory=dict)
    system_instructions: str | None = None
    input_messages: tuple[Message, ...] = ()
    output_messages: tuple[Message, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    documents: tuple[Document, ...] = ()
    request_parameters: Mapping[str, str] = field(default_factory=dict)
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    reasoning_output_tokens: int | None = None
    cost: float | None = None
    latency_s: float | None = None
    time_to_first_chunk_s: float | None = None
    finish_reasons: tuple[str, ...] = ()
    error_type: str | None = None
    error_message: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    truncated: Mapping[str, int] = field(default_factory=dict)

    @property
    def model(self) -> str | None:
        """The model that answered, else the one that was asked for."""
        return self.response_model or self.request_model

    @property
    def input(self) -> str:
        """What the user asked: the last message of the user, or the last one where none is the user's."""
        for message in reversed(self.input_messages):
            if message.role == "user":
                return message.content
        return self.input_messages[-1].content if self.input_messages else ""

    @property
    def output(self) -> str:
        """What the model answered: the contents of its messages, joined by newlines."""
        return "\n".join(message.content for message in self.output_messages)


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionBatch:
    producer_id: str
    first_sequence: int
    dropped: int = 0
    app: str = ""
    environment: str = ""
    time: int = 0
    dropped_by: Mapping[str, int] = field(default_factory=dict)
    feedback_dropped: int = 0
    interactions: tuple[Interaction, ...]

    @property
    def is_report(self) -> bool:
        """Whether it reports what the producer has dropped so far."""
        return self.time != 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    feedback_id: str
    event_id: str
    time: int
    app: str
    environment: str = "default"
    tenant: str | None = None
    subject: str | None = None
    rating: int | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """`field` names a text of the interaction (see `schemas.texts`); offsets are code points into the stored text."""

    field: str
    start: int
    end: int
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """The passage that `spans[span]` was held against, or the words in it that name the group which it is about."""

    span: int
    field: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    event_id: str
    detector: str
    detector_version: str
    decision: Decision
    reason: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    score: float | None = None
    threshold: float | None = None
    alert_threshold: float | None = None
    flagged: bool = False
    alert: bool = False
    calibration_version: str = ""
    severity: Severity = "none"
    spans: tuple[Span, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    scored_fraction: float = 1.0
    duration_us: int = 0
    batch_size: int = 1
    device: str = "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredInteraction:
    event_id: str
    time: int
    prompt_version: str | None = None
    prompt_hash: str | None = None
    model: str | None = None
    tenant: str | None = None
    latency_s: float | None = None
    time_to_first_chunk_s: float | None = None
    cost: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_length: int
    output_length: int
    error: bool
    prompt_embedding: tuple[float, ...] = ()
    findings: tuple[Finding, ...] = ()
    raw_topic_id: str
    raw_partition: int
    raw_offset: int
    raw_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingBatch:
    app: str
    environment: str
    prompt_name: str | None = None
    items: tuple[ScoredInteraction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    signal_id: str
    time: int
    kind: str
    app: str
    environment: str
    prompt_name: str | None = None
    measure: str
    slice: Mapping[str, str] = field(default_factory=dict)
    baseline: Mapping[str, str] = field(default_factory=dict)
    before: float | None = None
    after: float | None = None
    since: int
    events_before: int
    events_after: int
    method: str
    statistic: float | None = None
    p_value: float | None = None
    attribution: Mapping[str, float] = field(default_factory=dict)
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GovernanceEvent:
    governance_id: str
    time: int
    actor: str
    action: str
    target: str
    version: str | None = None
    content_hash: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
