"""The one table of columns: what ClickHouse holds of each record, and which of its strings hold words of people.

A new field takes a line in `avro/`, a line here, and `make generate`; a new column also the migration that
`python -m watchline.schemas.generate --migration NAME` writes. A test holds this table against a migrated database.
Every table has also `stored_at`, which the server sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["prose", "value", "id", "identifier", "version", "word", "hexadecimal", "pseudonym", "reason", "uuid"]


@dataclass(frozen=True, slots=True)
class Text:
    """The one rule for a string: what of it may be stored.

    kind: prose, sentences: personal data in it is searched for and replaced. value: likewise, but a capitalised word
    in it is no person. identifier, version (1.2.0.4 is no address), word (no blank), pseudonym: never searched, so that
    two different ones stay two; kept as they are where `schemas.identifiers` says so, else `schemas.pseudonyms`
    replaces them. id: an identifier of one call or conversation, replaced also where it holds personal data that was
    found in the event's texts. reason: one that the producer has, else `other`. hexadecimal: `schemas.validation`
    leaves out what is none. uuid: it refuses the record.
    name: what spans and `truncated` call it; the field's own name where it is empty.
    digits: of a hexadecimal. instead: what takes the place of one that is dropped.
    """

    kind: Kind
    name: str = ""
    digits: int = 0
    instead: str = ""

    @property
    def may_quote(self) -> bool:
        """Whether it may hold what stands in the event's texts, such as a name."""
        return self.kind == "id"


@dataclass(frozen=True, slots=True)
class Column:
    """A column as `DESCRIBE TABLE` gives it, of the record's field of its name.

    text: what its strings are, or those of the records in it, by field; of a map, what its values are (its keys are
    identifiers) or, where these are numbers, its keys. Needed where apps fill the record; the generator refuses a
    field without.
    """

    name: str
    type: str
    comment: str = ""
    codec: str = ""
    text: Text | Mapping[str, Text] | None = None


_NAME = "LowCardinality(String)"
_MICROS = "DateTime64(6, 'UTC')"
_MILLIS = "DateTime64(3, 'UTC')"
_LONG, _HEX = "ZSTD(3)", "ZSTD(1)"
_MESSAGES = "Array(Tuple(role String, content String))"
_PARTS = "Array(Tuple(message UInt32, type LowCardinality(String), content String, name String, id String))"
_SOURCE = "Enum8('production' = 1, 'experiment' = 2, 'replay' = 3, 'canary' = 4)"
# OpenTelemetry's value for one that is not of a vocabulary.
OTHER = "_OTHER"
_ID, _IDENTIFIER, _VERSION, _UUID = Text("id"), Text("identifier"), Text("version"), Text("uuid")

# The order of the texts is that of the numbers in placeholders: a new field comes last of its kind.
INTERACTION = (
    Column("event_id", "UUID", text=_UUID),
    Column("time", _MICROS),
    Column("app", _NAME, text=_VERSION),
    Column("environment", _NAME, text=_IDENTIFIER),
    Column("operation", _NAME, text=Text("word", instead=OTHER)),
    Column("trace_id", "String", codec=_HEX, text=Text("hexadecimal", digits=32)),
    Column("span_id", "String", codec=_HEX, text=Text("hexadecimal", digits=16)),
    Column("subject", "String", "KEY_ID:HMAC-SHA256", text=Text("pseudonym")),
    Column("prompt_hash", _NAME, text=Text("hexadecimal", digits=64)),
    Column("system_instructions", "String", codec=_LONG, text=Text("prose", "system")),
    Column("error_message", "String", text=Text("prose")),
    Column(
        "input_messages",
        _MESSAGES,
        codec=_LONG,
        text={"role": Text("word", "input_role", instead=OTHER), "content": Text("prose", "input")},
    ),
    Column(
        "output_messages",
        _MESSAGES,
        codec=_LONG,
        text={"role": Text("word", "output_role", instead=OTHER), "content": Text("prose", "output")},
    ),
    Column(
        "documents",
        "Array(Tuple(content String, id String, score Nullable(Float64)))",
        codec=_LONG,
        text={"content": Text("prose", "document"), "id": Text("value", "document_id")},
    ),
    Column(
        "tool_calls",
        "Array(Tuple(name String, arguments String, result String, id String))",
        codec=_LONG,
        text={
            "name": Text("identifier", "tool_call_name"),
            "arguments": Text("prose", "tool_call"),
            "result": Text("prose", "tool_call_result"),
            "id": Text("id", "tool_call_id"),
        },
    ),
    Column("finish_reasons", f"Array({_NAME})", text=Text("identifier", "finish_reason", instead=OTHER)),
    Column("prompt_variables", "Map(String, String)", text=Text("prose", "prompt_variable")),
    Column("request_parameters", f"Map({_NAME}, String)", text=Text("value", "request_parameter")),
    Column("variant", f"Map({_NAME}, String)", text=_VERSION),
    Column("attributes", "Map(String, String)", text=Text("prose", "attribute")),
    *(
        Column(
            f"{side}_parts",
            _PARTS,
            codec=_LONG,
            text={
                "type": Text("word", f"{side}_part_type", instead=OTHER),
                "content": Text("prose", f"{side}_part"),
                "name": Text("identifier", f"{side}_part_name"),
                "id": Text("id", f"{side}_part_id"),
            },
        )
        for side in ("input", "output")
    ),
    Column("conversation_id", "String", codec=_HEX, text=_ID),
    Column("error_type", _NAME, text=Text("identifier", instead=OTHER)),
    Column("prompt_name", _NAME, text=_VERSION),
    Column("prompt_version", _NAME, text=_VERSION),
    Column("provider", _NAME, text=_IDENTIFIER),
    Column("request_model", _NAME, text=_VERSION),
    Column("response_id", "String", codec=_HEX, text=_ID),
    Column("response_model", _NAME, text=_VERSION),
    Column("system_fingerprint", _NAME, text=_VERSION),
    Column("tenant", _NAME, "empty: none", text=_IDENTIFIER),
    Column("input_tokens", "Nullable(UInt64)"),
    Column("output_tokens", "Nullable(UInt64)"),
    Column("cache_read_input_tokens", "Nullable(UInt64)"),
    Column("cache_write_input_tokens", "Nullable(UInt64)"),
    Column("reasoning_output_tokens", "Nullable(UInt64)"),
    Column("input_audio_tokens", "Nullable(UInt64)"),
    Column("output_audio_tokens", "Nullable(UInt64)"),
    Column("cost", "Nullable(Float64)", "US dollars"),
    Column("latency_s", "Nullable(Float64)"),
    Column("time_to_first_chunk_s", "Nullable(Float64)"),
    Column("truncated", f"Map({_NAME}, UInt64)", "field to its length in bytes before the cut", text=Text("word")),
    Column("unreadable", f"Map({_NAME}, String)", "argument to the type that it had", text=Text("word")),
    Column("cancelled", "Bool", "whoever asked did not wait for the end"),
    Column("source", _SOURCE, "rates, monitors and rules look at production alone"),
    Column("document_set", _NAME, "version of the knowledge base", text=_VERSION),
)

FINDING = (
    Column("event_id", "UUID"),
    Column("detector", _NAME),
    Column("detector_version", _NAME),
    Column("decision", "Enum8('evaluated' = 1, 'not_applicable' = 2, 'not_sampled' = 3, 'shed' = 4, 'failed' = 5)"),
    Column("reason", _NAME),
    Column("scores", f"Map({_NAME}, Float32)", "label to calibrated probability"),
    Column("score", "Nullable(Float32)", "probability that any label holds; NULL unless evaluated"),
    Column("threshold", "Nullable(Float32)"),
    Column("alert_threshold", "Nullable(Float32)"),
    Column("flagged", "Bool"),
    Column("alert", "Bool"),
    Column("calibration_version", _NAME),
    Column("severity", "Enum8('none' = 0, 'low' = 1, 'medium' = 2, 'high' = 3)"),
    Column(
        "spans",
        "Array(Tuple(field String, start UInt32, end UInt32, label String, score Float32))",
        "code points into the stored text",
    ),
    Column("evidence", "Array(Tuple(span UInt32, field String, start UInt32, end UInt32, score Float32))"),
    Column("scored_fraction", "Float32"),
    Column("duration_us", "UInt64"),
    Column("batch_size", "UInt32"),
    Column("device", _NAME),
)

FEEDBACK = (
    Column("feedback_id", "UUID", text=_UUID),
    Column("event_id", "UUID", text=_UUID),
    Column("time", _MICROS),
    Column("app", _NAME, text=_VERSION),
    Column("environment", _NAME, text=_IDENTIFIER),
    Column("tenant", _NAME, text=_IDENTIFIER),
    Column("subject", "String", text=Text("pseudonym")),
    Column("rating", "Nullable(Int32)"),
    Column("comment", "String", "redacted", text=Text("prose")),
    Column("score", "Nullable(Float64)", "where the rating is on its scale, 0 the worst to 1 the best"),
    Column("scale", _NAME, text=_IDENTIFIER),
    Column("category", _NAME, text=_IDENTIFIER),
    Column("unreadable", f"Map({_NAME}, String)", "argument to the type that it had", text=Text("word")),
)

SIGNAL = (
    Column("signal_id", "UUID"),
    Column("time", _MICROS),
    Column("kind", _NAME),
    Column("app", _NAME),
    Column("environment", _NAME),
    Column("prompt_name", _NAME),
    Column("measure", _NAME),
    Column("slice", f"Map({_NAME}, String)"),
    Column("baseline", f"Map({_NAME}, String)"),
    Column("before", "Nullable(Float64)"),
    Column("after", "Nullable(Float64)"),
    Column("since", _MICROS),
    Column("events_before", "UInt64"),
    Column("events_after", "UInt64"),
    Column("method", _NAME),
    Column("statistic", "Nullable(Float64)"),
    Column("p_value", "Nullable(Float64)"),
    Column("attribution", f"Map({_NAME}, Float64)"),
    Column("event_id", "UUID"),
    Column("since_from", f"Nullable({_MICROS})"),
    Column("since_to", f"Nullable({_MICROS})"),
    Column("cause", _NAME),
    Column("cause_value", "String"),
    Column("cause_kind", _NAME),
    Column("ruled_out", f"Array({_NAME})"),
    Column("moved_with", f"Array({_NAME})"),
    Column("examples_before", "Array(UUID)"),
    Column("examples_after", "Array(UUID)"),
    Column("page", "Bool"),
)

# Of rows that apps send: what `validation.repair` has changed. An integer, since a clock can be wrong by any measure.
_REPAIRED = (
    Column(
        "sent_time",
        "Nullable(Int64)",
        "microseconds since 1970, where what was sent can not be right and time is that of Kafka",
    ),
    Column("invalid_fields", f"Array({_NAME})", "fields that came with a value that can not be stored, time included"),
)

# Records of Avro that become rows, each by a function of `values.py`.
RECORDS: Mapping[str, tuple[Column, ...]] = {
    "Interaction": INTERACTION,
    "Finding": FINDING,
    "Feedback": FEEDBACK,
    "Signal": SIGNAL,
}
FROM_APPS = ("Interaction", "Feedback")  # whose strings need a Text, as do those of a report in `producer_reports`

# What writes a row gives its values in this order.
TABLES: Mapping[str, tuple[Column, ...]] = {
    "interactions": (
        *INTERACTION,
        Column("model", _NAME, "response_model, else request_model"),
        Column("redactions", f"Map({_NAME}, UInt32)", "entity type to how many were replaced"),
        Column("planned", f"Map({_NAME}, {_NAME})", "detector to version"),
        Column("producer_id", "UUID"),
        Column("producer_sequence", "UInt64"),
        Column("producer_dropped", "UInt64", "events that the producer had dropped by then"),
        Column("raw_topic_id", "String"),
        Column("raw_partition", "UInt32"),
        Column("raw_offset", "UInt64"),
        Column("raw_index", "UInt16"),
        *_REPAIRED,
        Column("price_version", _NAME, "of the table that cost is by; empty: the app said it, or it is unknown"),
    ),
    "findings": (
        Column("time", _MICROS),
        Column("app", _NAME),
        Column("environment", _NAME),
        Column("tenant", _NAME),
        Column("prompt_name", _NAME),
        Column("prompt_version", _NAME),
        Column("model", _NAME),
        Column("source", _SOURCE, "of the event"),
        *FINDING,
    ),
    "feedback": (*FEEDBACK, *_REPAIRED),
    "signals": SIGNAL,
    "dead_letters": (
        Column("time", _MILLIS, "Kafka time of the message"),
        Column("topic", _NAME),
        Column("topic_id", "String"),
        Column("partition", "UInt32"),
        Column("offset", "UInt64"),
        Column("event_index", "Int32", "of the event in the envelope; -1: the whole message"),
        Column("event_id", "String", "empty where it could not be read"),
        Column(
            "kind",
            _NAME,
            "undecodable, invalid, redaction, refused; unclassified: of a version whose letters had no kind",
        ),
        Column("field", _NAME, "the field of the record that is at fault; empty where it is none"),
        Column("reason", "String"),
        Column("size_bytes", "UInt64"),
        Column("sha256", "String"),
        Column("app", _NAME, "empty where it could not be read"),
    ),
    "dead_letter_replays": (
        Column("topic_id", "String"),
        Column("partition", "UInt32"),
        Column("offset", "UInt64"),
        Column("event_index", "Int32"),
        Column("sha256", "String"),
        Column("replayed_at", _MILLIS, "Kafka time of the message that brought it back"),
        Column("stored", "UInt32", "events of it that are stored now"),
        Column("dead", "UInt32", "events of it that died again"),
    ),
    "offset_gaps": (
        Column("time", _MILLIS, "Kafka time of the first message after the gap"),
        Column("topic", _NAME),
        Column("topic_id", "String"),
        Column("partition", "UInt32"),
        Column("first_missing", "UInt64"),
        Column("next_offset", "UInt64"),
    ),
    "ledger": (
        Column("topic_id", "String", "of the raw topic"),
        Column("partition", "UInt32"),
        Column("first_offset", "UInt64", "of the messages of the batch in this partition"),
        Column("last_offset", "UInt64"),
        Column("app", _NAME, "empty: no events"),
        Column(
            "hour",
            "DateTime('UTC')",
            "of the times of the events; without events, of Kafka's time of the first message",
        ),
        Column("events", "UInt32"),
        Column("findings", f"Map({_NAME}, UInt32)", "detector to findings"),
        Column("event_ids", "Array(UUID)"),
        Column("lost", "Bool", "written by `watchline repair`: these are in no table and not in Kafka any more"),
    ),
    "producer_reports": (
        Column("producer_id", "UUID", text=_UUID),
        Column("time", _MICROS, "when it was made, by the clock of the app"),
        Column("app", _NAME, text=_VERSION),
        Column("environment", _NAME, text=_IDENTIFIER),
        Column("next_sequence", "UInt64", "of the event after those sent and dropped"),
        Column("dropped", "UInt64", "events"),
        Column("dropped_by", f"Map({_NAME}, UInt64)", "reason to events", text=Text("reason")),
        Column("feedback_dropped", "UInt64"),
    ),
    "canaries": (
        Column("event_id", "UUID"),
        Column("time", _MICROS, "when a worker sent it"),
        Column("worker", _NAME, "the one that stored it"),
        Column("producer_id", "UUID", "of the worker that sent it, another one after each start"),
        Column("raw_topic", _NAME),
        Column("raw_topic_id", "String"),
        Column("raw_partition", "UInt32"),
        Column("raw_offset", "UInt64"),
    ),
    "governance": (
        Column("log", "String", "the id of the log: the hash of the root keys with which it began", codec=_HEX),
        Column("position", "UInt64", "of the entry in the log"),
        Column("time", _MICROS, "when it was taken into the log, by Kafka's clock"),
        Column("said_us", "Int64", "when it was done, in microseconds since 1970, as who did it says"),
        Column("governance_id", "String", "of the act; empty where the message could not be read"),
        Column("actor", _NAME, "who did it: the holder of the key that signed it"),
        Column("action", _NAME),
        Column("target", "String"),
        Column("target_version", "Nullable(String)"),
        Column("content_hash", "Nullable(String)"),
        Column("details", f"Map({_NAME}, String)"),
        Column("signatures", "Map(String, String)", "key id to signature, hexadecimal"),
        Column("sha256", "String", "of a message that could not be read"),
        Column("accepted", "Bool", "whether the rules allow it; what they don't changes nothing"),
        Column("reason", "String", "why they don't"),
        Column("previous", "String", "the hash of the entry before it"),
        Column("hash", "String", "SHA-256 over that and this entry"),
    ),
    "governance_texts": (
        Column("governance_id", "String", "of the act"),
        Column("name", _NAME, "of the text"),
        Column("text", "String", "a salt, a colon, and what a person wrote", codec=_LONG),
    ),
    "erased": (
        Column("records", _NAME, "interactions or feedback"),
        Column("event_id", "UUID", "of feedback its own id"),
        Column("time", _MICROS, "of the event"),
        Column("app", _NAME),
        Column("environment", _NAME),
        Column("tenant", _NAME, "empty: none, or it is what was erased"),
        Column("producer_id", "UUID"),
        Column("producer_sequence", "UInt64"),
        Column("erasure", _NAME, "id of the erasure, and of its certificate"),
    ),
    "watermarks": (
        Column("topic", _NAME, "with the findings"),
        Column("partition", "UInt32"),
        Column("time", _MICROS, "Kafka time before which all interactions were looked at"),
    ),
}
