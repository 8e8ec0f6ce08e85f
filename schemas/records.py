"""Python types of the Avro records in `avro/`: same names, same fields, same words.

Made from them by `make generate`: change the schema, never this file.
Times are integer microseconds since 1970-01-01 UTC, as on the wire: a time that `datetime` cannot hold
is for validation to refuse, not for the decoder to die of. Sequences are tuples, so that a record can be shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from watchline.schemas.properties import InteractionBatchProperties, InteractionProperties

Decision = Literal["evaluated", "not_applicable", "not_sampled", "shed", "failed"]
"""What became of a planned evaluation."""

Severity = Literal["none", "low", "medium", "high"]
"""How bad a finding is."""

Source = Literal["production", "experiment", "replay", "canary"]
"""Where a call came from. Rates, monitors and alert rules look at production alone."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document given to the model as context (gen_ai.retrieval.documents)."""

    content: str
    """Its text."""
    id: str | None = None
    """The app's id of it."""
    score: float | None = None
    """Retrieval score."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The passage that a span was held against."""

    span: int
    """Index into the finding's spans."""
    field: str
    """document:INDEX or input:INDEX."""
    start: int
    """First code point."""
    end: int
    """One past the last code point."""
    score: float
    """How well it supports the span, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What a user said of an answer (watchline.feedback)."""

    feedback_id: str
    """Identity of the feedback."""
    event_id: str
    """The interaction that it is about."""
    time: int
    """When it was given."""
    app: str
    """service.name"""
    environment: str = "default"
    """deployment.environment.name"""
    tenant: str | None = None
    """As in Interaction."""
    subject: str | None = None
    """As in Interaction."""
    rating: int | None = None
    """-1 bad, 0 neutral, 1 good; or the app's own scale."""
    comment: str | None = None
    """The user's words; redacted before they are stored."""
    score: float | None = None
    """Where the rating is on its scale, 0 the worst to 1 the best."""
    scale: str | None = None
    """thumbs, or the least and the most that the rating can be, as 1..5."""
    category: str | None = None
    """What the feedback is about, by the app's own word."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """As in Interaction."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the stored (redacted) text of an interaction, in code points."""

    field: str
    """Where: output:INDEX, input:INDEX, document:INDEX and the other names of schemas/texts.py."""
    start: int
    """First code point."""
    end: int
    """One past the last code point."""
    label: str
    """What was found there."""
    score: float
    """Calibrated probability of the label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one detector decided about one interaction."""

    event_id: str
    """The interaction."""
    detector: str
    """Name of the detector."""
    detector_version: str
    """Hash of its code and weights."""
    decision: Decision
    """What became of the evaluation."""
    reason: str | None = None
    """Why it was not evaluated; never text of the event."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Label to calibrated probability."""
    score: float | None = None
    """Calibrated probability that any label holds; null unless evaluated."""
    threshold: float | None = None
    """Balanced operating point of the label with the highest margin."""
    alert_threshold: float | None = None
    """Operating point with a stated false-alarm rate."""
    flagged: bool = False
    """A label is at or above its threshold."""
    alert: bool = False
    """A label is at or above its alert threshold."""
    calibration_version: str = ""
    """Version of calibration and thresholds."""
    severity: Severity = "none"
    """From label and score."""
    spans: tuple[Span, ...] = ()
    """Where, in the stored text."""
    evidence: tuple[Evidence, ...] = ()
    """What the spans were held against."""
    scored_fraction: float = 1.0
    """Part of the text that was read, 0 to 1."""
    duration_us: int = 0
    """Microseconds of the batch's time that this event took, by its share."""
    batch_size: int = 1
    """Events that were scored together."""
    device: str = "cpu"
    """cpu or cuda."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredInteraction:
    """An interaction as the monitors see it: measures and findings, no text."""

    event_id: str
    """The interaction."""
    time: int
    """Its time."""
    prompt_version: str | None = None
    """gen_ai.prompt.version"""
    prompt_hash: str | None = None
    """As in Interaction."""
    model: str | None = None
    """response_model, else request_model."""
    tenant: str | None = None
    """As in Interaction."""
    system_fingerprint: str | None = None
    """As in Interaction."""
    document_set: str | None = None
    """As in Interaction."""
    language: str | None = None
    """Of its text, where the detectors can't read that: ISO 639-1."""
    latency_s: float | None = None
    """As in Interaction."""
    time_to_first_chunk_s: float | None = None
    """As in Interaction."""
    cost: float | None = None
    """As in Interaction."""
    input_tokens: int | None = None
    """As in Interaction."""
    output_tokens: int | None = None
    """As in Interaction."""
    input_length: int
    """Code points of the stored input."""
    output_length: int
    """Code points of the stored output."""
    error: bool
    """The call failed."""
    prompt_embedding: tuple[float, ...] = ()
    """Sentence embedding of the stored input; empty where there is none."""
    findings: tuple[Finding, ...] = ()
    """One for each planned detector."""
    raw_topic_id: str
    """Kafka's id of the raw topic, or its name where the broker has no ids."""
    raw_partition: int
    """Partition in the raw topic."""
    raw_offset: int
    """Offset in it."""
    raw_index: int
    """Index in the envelope."""
    raw_time: int = 0
    """Kafka's time of that message: LogAppendTime; 0: not known, in messages from before this field."""
    source: Source = "production"
    """Of the event; the monitors look at production alone."""
    is_step: bool | None = None
    """The model called a tool instead of answering; this and the next two are null in messages from before them."""
    cancelled: bool | None = None
    """As in Interaction."""
    refused: bool | None = None
    """The answer says that there is none, or the provider withheld it; null also for a step and where the call failed.
    """


@dataclass(frozen=True, slots=True)
class RawProgress:
    """How far a partition of the raw topic is done: all that Kafka got before a time is stored, and its findings are
    published.
    """

    raw_partition: int
    """Partition in the raw topic."""
    time: int
    """By Kafka's clock: LogAppendTime."""
    partitions: int
    """How many partitions the raw topic has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingBatch:
    """The value of a message on watchline.findings: what was found in interactions of one prompt, keyed by app,
    environment and prompt name; or, in every partition, how far the raw topic is done.
    """

    app: str
    """As in Interaction; empty in a message about progress."""
    environment: str
    """As in Interaction; empty in a message about progress."""
    prompt_name: str | None = None
    """As in Interaction."""
    items: tuple[ScoredInteraction, ...]
    """In the order of the raw topic."""
    progress: tuple[RawProgress, ...] = ()
    """How far partitions of the raw topic are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GovernanceEvent:
    """An act of governance (watchline.governance): what people decided, signed."""

    governance_id: str
    """Identity of the act: of two with the same, the first counts."""
    time: int
    """When, as who did it says; the order of the log is what counts."""
    actor: str
    """Who: the holder that a key is registered for, by an id that says nothing of a person."""
    action: str
    """What was done, as `governance.acts` has it."""
    target: str
    """What it is about: an app, a key, a detector."""
    version: str | None = None
    """Version of the target."""
    content_hash: str | None = None
    """SHA-256 of the content."""
    details: Mapping[str, str] = field(default_factory=dict)
    """What else is signed of it; `sha256:NAME` is the hash of the text NAME."""
    signatures: Mapping[str, bytes] = field(default_factory=dict)
    """Key id to Ed25519 signature over the act's canonical JSON, for one log."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation (gen_ai.input.messages, gen_ai.output.messages)."""

    role: str
    """system, user, assistant or tool."""
    content: str
    """The text parts joined by a newline; a part that is no text is given as JSON without its bytes."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool by the model."""

    name: str
    """gen_ai.tool.name"""
    arguments: str = ""
    """gen_ai.tool.call.arguments, as JSON or as the app wrote it."""
    result: str | None = None
    """gen_ai.tool.call.result"""
    id: str | None = None
    """gen_ai.tool.call.id"""


@dataclass(frozen=True, slots=True)
class Part:
    """What a message has beside its text, after OpenTelemetry's parts. What a tool gave is a message of the role tool,
    and its part has no content; what the model called, in an output, stands in tool_calls.
    """

    message: int
    """Index of the message that it belongs to."""
    type: str
    """reasoning, tool_call, tool_call_response, media, or the app's or provider's own word."""
    content: str = ""
    """Its text or JSON; bytes are described by type, size and SHA-256."""
    name: str | None = None
    """Of a tool; the MIME type of media."""
    id: str | None = None
    """gen_ai.tool.call.id, or the provider's id of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction(InteractionProperties):
    """One call of a language model: what went in, what came out, what it cost. Field names follow the OpenTelemetry
    GenAI conventions; fields that these lack say so.
    """

    event_id: str
    """UUIDv7 made by the producer, or the id that the app gave. The identity of the event everywhere."""
    time: int
    """When the call ended, by the app's clock, in microseconds since 1970-01-01 UTC."""
    app: str
    """service.name"""
    environment: str = "default"
    """deployment.environment.name"""
    trace_id: str | None = None
    """32 lower-case hexadecimal digits; anything else is not stored."""
    span_id: str | None = None
    """16 lower-case hexadecimal digits; anything else is not stored."""
    conversation_id: str | None = None
    """gen_ai.conversation.id"""
    response_id: str | None = None
    """gen_ai.response.id"""
    tenant: str | None = None
    """Customer of the app that the call was made for. Not in the conventions."""
    subject: str | None = None
    """enduser.pseudo.id: KEY_ID:HMAC-SHA256 of the person's id, made in the app under WATCHLINE_SUBJECT_KEY; never the
    id itself.
    """
    operation: str = "chat"
    """gen_ai.operation.name"""
    provider: str | None = None
    """gen_ai.provider.name"""
    request_model: str | None = None
    """gen_ai.request.model"""
    response_model: str | None = None
    """gen_ai.response.model"""
    system_fingerprint: str | None = None
    """openai.response.system_fingerprint"""
    variant: Mapping[str, str] = field(default_factory=dict)
    """How the model was served: quantization, distillation, engine, cache_hit and the like. Not in the conventions."""
    prompt_name: str | None = None
    """gen_ai.prompt.name"""
    prompt_version: str | None = None
    """gen_ai.prompt.version"""
    prompt_hash: str | None = None
    """SHA-256 of the prompt template, 64 lower-case hexadecimal digits; anything else is not stored. Not in the
    conventions.
    """
    prompt_variables: Mapping[str, str] = field(default_factory=dict)
    """gen_ai.prompt.variable.KEY"""
    system_instructions: str | None = None
    """gen_ai.system_instructions"""
    input_messages: tuple[Message, ...] = ()
    """gen_ai.input.messages"""
    output_messages: tuple[Message, ...] = ()
    """gen_ai.output.messages"""
    tool_calls: tuple[ToolCall, ...] = ()
    """Calls of tools, in order."""
    documents: tuple[Document, ...] = ()
    """gen_ai.retrieval.documents"""
    request_parameters: Mapping[str, str] = field(default_factory=dict)
    """gen_ai.request.*: temperature, max_tokens and the like, each as text."""
    input_tokens: int | None = None
    """gen_ai.usage.input_tokens; includes the cached ones."""
    output_tokens: int | None = None
    """gen_ai.usage.output_tokens; includes the reasoning ones."""
    cache_read_input_tokens: int | None = None
    """gen_ai.usage.cache_read.input_tokens; a part of input_tokens."""
    cache_write_input_tokens: int | None = None
    """gen_ai.usage.cache_write.input_tokens; a part of input_tokens."""
    reasoning_output_tokens: int | None = None
    """gen_ai.usage.reasoning.output_tokens; a part of output_tokens."""
    cost: float | None = None
    """Cost of the call in US dollars. Not in the conventions."""
    latency_s: float | None = None
    """Seconds from request to last byte."""
    time_to_first_chunk_s: float | None = None
    """gen_ai.response.time_to_first_chunk: seconds from request to first byte of output."""
    finish_reasons: tuple[str, ...] = ()
    """gen_ai.response.finish_reasons"""
    error_type: str | None = None
    """error.type"""
    error_message: str | None = None
    """exception.message"""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Anything else the app wants to keep."""
    truncated: Mapping[str, int] = field(default_factory=dict)
    """Fields that the producer cut, with their length in bytes before the cut. Not in the conventions."""
    input_parts: tuple[Part, ...] = ()
    """What the input messages have beside text."""
    output_parts: tuple[Part, ...] = ()
    """What the output messages have beside text."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Arguments that the producer could not read, with the type that each had; the event is without them. Not in the
    conventions.
    """
    cancelled: bool = False
    """Whoever asked did not wait for the end; output is the text so far. Not in the conventions."""
    input_audio_tokens: int | None = None
    """A part of input_tokens. Not in the conventions."""
    output_audio_tokens: int | None = None
    """A part of output_tokens. Not in the conventions."""
    source: Source = "production"
    """production: of people; experiment: of a test or an evaluation; replay: of an earlier call that is made again;
    canary: of a probe. Not in the conventions.
    """
    document_set: str | None = None
    """Version of the knowledge base that the documents are from. Not in the conventions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionBatch(InteractionBatchProperties):
    """The value of a message on watchline.interactions: consecutive events of one producer instance, or a report of its
    drops.
    """

    producer_id: str
    """Made anew for each Producer object."""
    first_sequence: int
    """Sequence number of the first interaction within producer_id, from 0; the others follow without a gap. Of a
    report: the next one.
    """
    dropped: int = 0
    """Events that this producer has dropped so far, counted in the app."""
    app: str = ""
    """Of a report: as in Interaction. Otherwise empty, as are the next three."""
    environment: str = ""
    """Of a report: as in Interaction."""
    time: int = 0
    """Of a report: when it was made, by the app's clock. 0: this is no report."""
    dropped_by: Mapping[str, int] = field(default_factory=dict)
    """Of a report: `dropped` by reason, in the producer's words, which quote nothing of an event; others count as
    `other`.
    """
    feedback_dropped: int = 0
    """Of a report: feedback that this producer has dropped so far; not in `dropped`."""
    interactions: tuple[Interaction, ...]
    """1 to 64 interactions; none in a report."""


@dataclass(frozen=True, slots=True)
class MonitorBlock:
    """Values of a stream, summed up."""

    count: int
    """How many."""
    total: float
    """Their sum."""
    scaled: float
    """Sum of them as standard scores where they are not bounded."""
    squares: float
    """Sum of the squares of these."""
    since: int | None = None
    """Time of the first one's event; null in sums of earlier builds."""


@dataclass(frozen=True, slots=True)
class MonitorScale:
    """What turns values of an unbounded measure into standard scores."""

    mean: float
    """Of values seen before."""
    deviation: float
    """Their standard deviation, zero where they were all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorComparison:
    """A new slice's values against the baseline's, both as standard scores where they are not bounded."""

    since: int
    """Time of the new slice's first event."""
    reference: tuple[float, ...] = ()
    """Sorted values among which others were ranked by builds that had no scale."""
    before: float
    """Mean of the baseline, in the measure's own unit."""
    after: float
    """Mean since, in the measure's own unit."""
    count_before: int
    """Values of the baseline."""
    mean_before: float
    """Their mean."""
    squares_before: float
    """Sum of their squared deviations from it."""
    count_after: int
    """Values since."""
    mean_after: float
    """Their mean."""
    squares_after: float
    """Sum of their squared deviations from it."""
    p_value: float
    """The smallest so far."""
    scale: MonitorScale | None = None
    """Of the baseline; null where the values are bounded."""
    farthest: float = 0.0
    """How far a value was from mean_before at most, as they are compared."""
    dependence: float = 1.0
    """By how much the variance of a mean is larger than that of independent values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A change that the online monitor saw (watchline.signals)."""

    signal_id: str
    """UUIDv5 of slice, measure and position: the same after a replay."""
    time: int
    """Time of the event that gave the signal."""
    kind: str
    """prompt_version, model or system_fingerprint: a known change point; drift: one that was found."""
    app: str
    """As in Interaction."""
    environment: str
    """As in Interaction."""
    prompt_name: str | None = None
    """As in Interaction."""
    measure: str
    """What moved, for instance groundedness or latency_s."""
    slice: Mapping[str, str] = field(default_factory=dict)
    """Which part of the traffic: prompt_version, model, and of the kind system_fingerprint that."""
    baseline: Mapping[str, str] = field(default_factory=dict)
    """The part it was held against."""
    before: float | None = None
    """Mean of the measure before."""
    after: float | None = None
    """Mean of the measure after."""
    since: int
    """Time of the first event after the change."""
    events_before: int
    """Events behind before."""
    events_after: int
    """Events behind after."""
    method: str
    """Statistical test or change detector."""
    statistic: float | None = None
    """Its test statistic."""
    p_value: float | None = None
    """Always-valid p-value, where the method has one."""
    attribution: Mapping[str, float] = field(default_factory=dict)
    """Where the change lies: a detector's label, or dimension=value, to its share."""
    event_id: str
    """The interaction that gave the signal."""
    since_from: int | None = None
    """The change is this late or later, with 95 % confidence; null: not known."""
    since_to: int | None = None
    """Likewise, this early or earlier."""
    cause: str = ""
    """The dimension that explains the change: prompt_version, model, system_fingerprint, document_set, tenant, language
    or topic; empty: none does, all moved.
    """
    cause_value: str = ""
    """Its value that moved, came or grew, or went."""
    cause_kind: str = ""
    """new value: it came and what was there before did not move; within: it moved and the others did not; mix: its
    share changed, no value moved.
    """
    ruled_out: tuple[str, ...] = ()
    """Dimensions that stayed, or whose mix explains less than a tenth of the change."""
    moved_with: tuple[str, ...] = ()
    """Measures of the slice of which a change was told that overlaps in time."""
    examples_before: tuple[str, ...] = ()
    """Up to three interactions before the change: typical of the values that it left behind."""
    examples_after: tuple[str, ...] = ()
    """Up to three after it: typical of the values that it brought, of the cause where there is one."""
    page: bool = True
    """It may wake somebody, within the budget of false pages."""


@dataclass(frozen=True, slots=True)
class MonitorConfirmation:
    """A change that was told and may yet wake somebody."""

    signal: Signal
    """What told of it."""
    comparison: MonitorComparison
    """The values since with those before."""
    effect: float
    """Standard deviations that it must be at least to wake somebody."""


@dataclass(frozen=True, slots=True)
class MonitorDimension:
    """What kept events have of one dimension."""

    name: str
    """tenant, system_fingerprint and the like."""
    values: tuple[str, ...] = ()
    """Different ones, in the order in which they came."""
    codes: bytes = b""
    """A byte an event: the place of its value, from 1 on; 0: none; 255: one beyond these."""


@dataclass(frozen=True, slots=True)
class MonitorEvents:
    """The last events of a slice."""

    ids: bytes = b""
    """Of the interactions, 16 bytes each."""
    times: tuple[int, ...] = ()
    """Of the events, microseconds since 1970-01-01 UTC."""
    dimensions: tuple[MonitorDimension, ...] = ()
    """What they are told apart by."""


@dataclass(frozen=True, slots=True)
class MonitorFingerprintMeasure:
    """One measure of the events of a fingerprint."""

    measure: str
    """Its name."""
    producer: str
    """As in MonitorSource."""
    comparison: MonitorComparison | None = None
    """With the slice before; null: it is over, or the slice had too few values."""


@dataclass(frozen=True, slots=True)
class MonitorFingerprint:
    """A build of the model at its provider that is new to a slice."""

    name: str
    """system_fingerprint"""
    since: int
    """Time of its first event."""
    events: int
    """How many there were of it."""
    last: int
    """How many events the slice had when the last one came."""
    measures: tuple[MonitorFingerprintMeasure, ...] = ()
    """What is compared."""


@dataclass(frozen=True, slots=True)
class MonitorPosition:
    """An event, by where it stands in the raw topic."""

    topic_id: str
    """As in ScoredInteraction."""
    partition: int
    """As in ScoredInteraction."""
    offset: int
    """Of the event's message."""
    index: int
    """Of the event in its message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorSeason:
    """What of one measure of a prompt is the hour's and the weekday's, in UTC."""

    measure: str
    """As in MonitorSeries."""
    days: int = 0
    """How many are learnt."""
    day: int = -1
    """That is being counted, since 1970-01-01."""
    counts: tuple[float, ...] = ()
    """Its values, by hour."""
    totals: tuple[float, ...] = ()
    """Their sums."""
    weights: tuple[float, ...] = ()
    """Values of a day, by hour, of weekdays, then of weekends."""
    hours_seen: tuple[float, ...] = ()
    """Of how many days each hour's effect is."""
    hours: tuple[float, ...] = ()
    """These effects."""
    hours_error: float = 0.0
    """Mean squared error of an effect as a forecast of the next day's."""
    hours_errors: float = 0.0
    """Of how many days that is."""
    weekdays_seen: tuple[float, ...] = ()
    """Of how many weeks each weekday's effect is."""
    weekdays: tuple[float, ...] = ()
    """These effects, Monday's first."""
    weekdays_error: float = 0.0
    """Mean squared error of an effect as a forecast of the next week's."""
    weekdays_errors: float = 0.0
    """Of how many weeks that is."""
    levels: tuple[float, ...] = ()
    """Of the last seven days."""
    first: tuple[float, ...] = ()
    """The first values, until their scale is known."""
    scale: MonitorScale | None = None
    """Of the values, by which those far out are drawn in; null until it is known, and of a measure between 0 and 1."""
    squares: float = 0.0
    """The sum of the squares of the values that are being counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorStream:
    """Values watched for drift. ADWIN is built from them."""

    bounded: bool
    """The values lie in [0, 1]; others are watched as standard scores."""
    count: int = 0
    """How many values there were."""
    watched: bool = False
    """The warm-up is over."""
    values: tuple[float, ...] = ()
    """The last ones, none from before the last change; of states of earlier builds."""
    times: tuple[int, ...] = ()
    """Of these values' events, microseconds since 1970-01-01 UTC; of states of earlier builds."""
    reference: tuple[float, ...] = ()
    """Sorted values among which others were ranked by builds that had no scale."""
    older: tuple[MonitorBlock, ...] = ()
    """The values since the last change that are no longer kept, in order."""
    scale: MonitorScale | None = None
    """Of the warm-up; null before its end and where the values are bounded."""
    packed_values: bytes | None = None
    """The last values, none from before the last change, as little-endian floats of 32 bits: the first byte of each,
    then the second of each, and so on; null in states of earlier builds.
    """
    packed_times: bytes | None = None
    """Of these values' events, microseconds since 1970-01-01 UTC: the first one, then by how much each is later than
    the one before, as little-endian whole numbers of 64 bits, laid out likewise; null in states of earlier builds.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorSource:
    """The values of one measure that one version of a detector gave."""

    producer: str
    """Versions of the detector and its calibration; empty where no detector gives the measure."""
    share: float
    """Of the last hundred or so values of the measure."""
    labels: Mapping[str, float] = field(default_factory=dict)
    """Sum of the scores of each of the detector's labels."""
    stream: MonitorStream
    """What is watched for drift."""
    comparison: MonitorComparison | None = None
    """That with the baseline, while it runs."""
    confirmations: tuple[MonitorConfirmation, ...] = ()
    """Of its last signals, while they run, one of a kind."""


@dataclass(frozen=True, slots=True)
class MonitorSeries:
    """One measure of a slice."""

    measure: str
    """Its name, for instance groundedness or latency_s."""
    live: str
    """The producer whose drift is told."""
    compared: bool = False
    """The comparison with the baseline is over."""
    sources: tuple[MonitorSource, ...] = ()
    """Its values, by what gave them."""


@dataclass(frozen=True, slots=True)
class MonitorTold:
    """A change of a slice that a signal told of."""

    measure: str
    """As in Signal."""
    since: int
    """As in Signal."""
    time: int
    """As in Signal."""
    fingerprint: str = ""
    """The one that was its cause; empty where none was."""


@dataclass(frozen=True, slots=True)
class MonitorTallyDimension:
    """Sums of values by what their events have of a dimension."""

    name: str
    """As in MonitorDimension."""
    values: tuple[str, ...] = ()
    """What the events have of it; empty: nothing."""
    counts: tuple[int, ...] = ()
    """How many values."""
    totals: tuple[float, ...] = ()
    """Their sums."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorTally:
    """The values of a stream since its last change that are no longer kept."""

    measure: str
    """As in MonitorSeries."""
    producer: str
    """As in MonitorSource."""
    count: int
    """How many."""
    total: float
    """Their sum, as they are compared."""
    squares: float
    """Sum of their squares."""
    dimensions: tuple[MonitorTallyDimension, ...] = ()
    """The same by dimension."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorSlice:
    """One version of the prompt on one model."""

    prompt_version: str | None = None
    """As in ScoredInteraction."""
    model: str | None = None
    """As in ScoredInteraction."""
    since: int
    """Time of its first event."""
    kind: str = ""
    """What is new about it: prompt_version or model; empty where it is held against nothing."""
    baseline_prompt_version: str | None = None
    """Of the slice that it is held against."""
    baseline_model: str | None = None
    """Of the slice that it is held against."""
    events: int = 0
    """How many there were of it."""
    series: tuple[MonitorSeries, ...] = ()
    """Its measures."""
    recent: MonitorEvents | None = None
    """Its last events; null in a state from before them."""
    known_fingerprints: tuple[str, ...] = ()
    """Those that came, the one seen longest ago first."""
    fingerprints: tuple[MonitorFingerprint, ...] = ()
    """Those that are compared with what came before."""
    told: tuple[MonitorTold, ...] = ()
    """The last changes told."""
    tallies: tuple[MonitorTally, ...] = ()
    """What values that are no longer kept add up to."""


@dataclass(frozen=True, slots=True)
class MonitorTopics:
    """What a prompt's first question embeddings are about."""

    rows: bytes = b""
    """While there are too few to learn from, the embeddings so far, one behind the other: a byte a number, signed, the
    largest of each 127.
    """
    directions: tuple[float, ...] = ()
    """Those in which they differ most, one behind the other, each of length 1."""
    clusters: tuple[float, ...] = ()
    """Topics, the largest first, each by where it lies along the directions, seen from the centre."""
    fence: float = 0.0
    """Distance from every topic beyond which a question is new; 0 while there are too few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorState:
    """What the monitor of one prompt goes on from (watchline.prompt-monitors, compressed by zlib): numbers alone,
    nothing of a library's.
    """

    version: int
    """Of what the numbers mean; a monitor of another version begins anew."""
    positions: tuple[MonitorPosition, ...] = ()
    """The highest position of each partition of the raw topic that has been looked at."""
    centre_total: tuple[float, ...] = ()
    """Sum of the prompt's first embeddings."""
    centre_count: int = 0
    """How many these are."""
    slices: tuple[MonitorSlice, ...] = ()
    """The versions and models of the prompt, the most recently live one last."""
    last_time: int = 0
    """Time in event order of the last event that was looked at."""
    last: MonitorPosition | None = None
    """That event; null in a state from before event order."""
    topics: MonitorTopics | None = None
    """What the prompt's questions are about; null before its first embedding, and in a state from before this field."""
    seasons: tuple[MonitorSeason, ...] = ()
    """Of its measures, whatever the version and the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptVariant:
    """A version of a prompt that a share of the conversations gets."""

    version: str
    """Number of the version, as the log counts."""
    content_hash: str
    """SHA-256 of the content in UTF-8."""
    content: str
    """The text, with {{name}} where a variable goes."""
    variables: tuple[str, ...]
    """Names of its variables."""
    share: float
    """Percent of the conversations that get it."""
    salt: str
    """Is hashed with a conversation's id, which says whether it is one of them; the same as long as the share only
    grows.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRelease:
    """What apps may use of a prompt (watchline.prompts), signed over its bytes up to the signature."""

    environment: str
    """Environment that it is for."""
    app: str
    """App that it is for."""
    name: str
    """Name of the prompt."""
    position: int
    """Position in the governance log of the act that made it so: of two, the higher counts."""
    version: str
    """Number of the version, as the log counts."""
    content_hash: str
    """SHA-256 of the content in UTF-8."""
    content: str
    """The text, with {{name}} where a variable goes."""
    variables: tuple[str, ...]
    """Names of its variables."""
    status: str
    """live, or withdrawn: no app may use any version of it."""
    canary: PromptVariant | None = None
    """Another version, for a share of the conversations."""
    names: tuple[str, ...] = ()
    """Every name that it has had."""
    signed_by: str = ""
    """Id of the key that has signed it."""
    signature: bytes = b""
    """Ed25519, over the message up to here. The last field, whatever others come."""
