"""What can be read: each view, what a row of it stands for, and its columns with their types and meanings.

Columns that a view takes from a table have the table's type and meaning (`columns.py`, or the record's field in
`avro/`). A test holds this against a migrated database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from watchline.schemas.columns import RECORDS, TABLES, Column

_AVRO = Path(__file__).parent / "avro"
_NAME, _COUNT, _RATE = "LowCardinality(String)", "UInt64", "Nullable(Float64)"
_HOUR, _MILLIS, _MICROS = "DateTime('UTC')", "DateTime64(3, 'UTC')", "DateTime64(6, 'UTC')"
_STORED_AT = Column("stored_at", _MILLIS, "When it was stored, by the server's clock.")
_FIRST_TIME = Column("first_time", _MICROS, "Of the first event in the hour.")
_LAST_TIME = Column("last_time", _MICROS, "Of the last event in the hour.")
_REFRESHED_AT = Column("refreshed_at", _MILLIS, "When the rollup was counted.")
_AGE_S = Column("age_s", "Int64", "Seconds since then.")
_DETECTOR = Column("detector", "String", "Name of the detector.")

# Where the table says nothing, and the record no more than OpenTelemetry's name of it.
_MEANINGS = {
    "app": "Whose it is (service.name).",
    "environment": "Where it ran (deployment.environment.name).",
    "conversation_id": "The conversation that it is part of (gen_ai.conversation.id).",
    "response_id": "The provider's id of the answer (gen_ai.response.id).",
    "operation": "What was asked of the model: chat and the like (gen_ai.operation.name).",
    "provider": "Who runs the model (gen_ai.provider.name).",
    "request_model": "The model that was asked for (gen_ai.request.model).",
    "response_model": "The model that answered, as it says (gen_ai.response.model).",
    "model": "The model that answered, else the one that was asked for.",
    "system_fingerprint": "The provider's name of the model's build (openai.response.system_fingerprint).",
    "prompt_name": "Name of the prompt (gen_ai.prompt.name).",
    "prompt_version": "Version of the prompt (gen_ai.prompt.version).",
    "prompt_variables": "What was filled into the prompt, by name (gen_ai.prompt.variable.KEY).",
    "system_instructions": "What the system prompt says (gen_ai.system_instructions).",
    "input_messages": "All that went in, the conversation so far included (gen_ai.input.messages).",
    "output_messages": "What the model answered (gen_ai.output.messages).",
    "documents": "What the answer was to rest on (gen_ai.retrieval.documents).",
    "topic": "Kafka topic.",
    "topic_id": "Kafka's id of the topic.",
    "partition": "Of the topic.",
    "offset": "In the partition.",
    "reason": "Why, in words.",
    "size_bytes": "Of the message or event.",
    "sha256": "Of its bytes.",
    "last_offset": "Likewise, the last one.",
    "events": "How many were stored.",
    "producer_id": "The instance of the producer that sent it.",
    "producer_sequence": "Its number at that producer.",
    "raw_topic_id": "Kafka's id of the topic that it came through.",
    "raw_partition": "Of that topic.",
    "raw_offset": "Of the message in the partition.",
    "raw_index": "Of the event in the message.",
    "first_missing": "The first offset that is gone.",
    "next_offset": "The one after the last that is gone.",
    "action": "What was done: `watchline governance acts` lists what there is.",
    "target": "What it is about: an app, a key, a detector.",
    "target_version": "Version of the target.",
    "content_hash": "SHA-256 of the content.",
    "details": "What else is signed of it; `sha256:NAME` is the hash of the text NAME.",
}


@dataclass(frozen=True, slots=True)
class View:
    """One view: what it has one row for, the whole sentence to come after "one row for", and its columns."""

    one_row_for: str
    columns: tuple[Column, ...]


def _of(table: str, *names: str) -> tuple[Column, ...]:
    """Columns of a table, by default all, with their meanings."""
    docs = _docs()
    record = next((name for name, own in RECORDS.items() if all(column in TABLES[table] for column in own)), "")
    columns = {
        column.name: replace(
            column, comment=_MEANINGS.get(column.name) or docs.get((record, column.name)) or column.comment
        )
        for column in (*TABLES[table], _STORED_AT)
    }
    # The events' columns that findings repeat are described with the events.
    events = {name: doc for (of, name), doc in docs.items() if of == "Interaction"}
    named = (columns[name] for name in names) if names else columns.values()
    return tuple(each if each.comment else replace(each, comment=events.get(each.name, "")) for each in named)


@cache
def _docs() -> Mapping[tuple[str, str], str]:
    """What the fields of records mean, by record and field."""
    schemas = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(_AVRO.glob("*.avsc"))]
    return {(schema["name"], field["name"]): field["doc"] for schema in schemas for field in schema.get("fields", ())}


@cache
def views() -> Mapping[str, View]:
    """Every view by name, those that are asked first."""
    prompt = _of("findings", "app", "environment", "prompt_name", "prompt_version")
    event = _of(
        "findings", "time", "app", "environment", "tenant", "prompt_name", "prompt_version", "model", "event_id"
    )
    decisions = (
        Column("evaluated", _COUNT, "Events that the detector has evaluated."),
        Column("not_applicable", _COUNT, "Those that it has nothing to say of, such as an answer without documents."),
        Column("failed", _COUNT, "Those at which it failed."),
        Column("missing", _COUNT, "Those of which no finding came."),
        Column("not_sampled", _COUNT, "Those that were not sampled."),
        Column("shed", _COUNT, "Those stored unscored, to catch up or over the app's budget."),
    )
    flagged = (
        Column("flagged_events", _COUNT, "Those of the evaluated that it flagged."),
        Column("alert_events", _COUNT, "Those of the evaluated above its alert threshold."),
    )
    calls = (
        Column("prompt_hashes", "Array(String)", "Of the prompt's templates: ten at most."),
        _FIRST_TIME,
        _LAST_TIME,
        Column("events", _COUNT, "How many."),
        Column("errors", _COUNT, "Those that ended in an error."),
        Column("cancelled", _COUNT, "Those whose end nobody waited for."),
        Column(
            "latency_p50_s",
            _RATE,
            "Seconds within which half of the calls ended; failed and cancelled ones aside. Rows can't be averaged.",
        ),
        Column("latency_p95_s", _RATE, "Seconds within which 95 % of these ended."),
        Column("input_tokens", f"Nullable({_COUNT})", "All together; NULL where they are known of none."),
        Column("output_tokens", f"Nullable({_COUNT})", "Likewise."),
        Column("cost", _RATE, "All together, in US dollars; NULL where it is known of none."),
        Column("without_cost", _COUNT, "Events whose cost is not known."),
    )
    hour = Column("hour", _HOUR, "The hour of the events, by its beginning.")
    of_app = Column("app", "String", "Whose it is.")
    hour_as_time = Column("time", _HOUR, "The same as `hour`.")
    stored_as_time = Column("time", _MILLIS, "The same as `stored_at`.")
    gone = (
        Column("day", "Date", "Of the event."),
        Column("event_id", "UUID", "The event."),
        Column("app", "String", "Whose it is."),
        replace(hour, comment="Of the event."),
        Column("detectors", "Array(String)", "Those whose findings are missing."),
        Column("topic_id", "String", "Kafka's id of the topic that it came through."),
        Column("partition", "UInt32", "Of that topic."),
        Column("first_offset", "UInt64", "It lies between this offset and the last."),
        Column("last_offset", "UInt64", "Likewise."),
        _STORED_AT,
        Column("lost", "UInt8", "`watchline repair` has not found it in Kafka either."),
        hour_as_time,
    )
    later = (
        Column("event_id", "UUID", "The event."),
        hour,
        *_of("findings", "tenant", "app", "detector", "detector_version"),
        Column("decision", _NAME, "What this content says became of the evaluation."),
        Column("first_decision", _NAME, "What was stored first, and is shown."),
        replace(_STORED_AT, comment="When it came first."),
        Column("score", "Nullable(Float32)", "What this content says."),
        Column("first_score", "Nullable(Float32)", "What was stored first, and is shown."),
        stored_as_time,
    )
    return {
        "v_interactions": View(
            "each event, with `input` and `output` as text; `is_step` where the model called a tool",
            (
                *_of("interactions"),
                Column("input", "String", "What the user said last; else the last message that isn't a tool's."),
                Column("output", "String", "What the model answered: its messages, a line each."),
                Column("is_step", "UInt8", "The model called a tool instead of answering."),
            ),
        ),
        "v_findings": View(
            "each event and detector: decision, score, whether flagged. Shown once the event is stored", _of("findings")
        ),
        "v_spans": View(
            "each span of a finding, with its text and the texts it was held against",
            (
                *event,
                *_of("findings", "detector", "detector_version", "score", "flagged", "alert"),
                Column("number", _COUNT, "Of the span in the finding, from 0."),
                Column("field", "String", "Where it stands: output:INDEX and the like."),
                Column("label", "String", "What it is flagged as."),
                Column("span_score", "Float32", "Calibrated probability of the label."),
                Column("text", "String", "The passage."),
                Column("evidence_texts", "Array(String)", "The passages that it was held against."),
                Column("evidence_fields", "Array(String)", "Where these stand: document:INDEX and the like."),
                Column("input", "String", "What the user said last."),
            ),
        ),
        "v_coverage": View(
            "each hour, app, environment and detector: how many events were planned, evaluated, not applicable, "
            "failed, missing, lost, shed",
            (
                hour,
                Column("app", "String", "Whose it is (service.name)."),
                Column("environment", "String", "Where it ran; empty for events that are missing."),
                _DETECTOR,
                Column("events", _COUNT, "All events of this hour, app and environment."),
                Column("planned", _COUNT, "Those that it was to look at: the sum of the numbers that follow."),
                *(replace(column, type="Int64") if column.name == "missing" else column for column in decisions),
                Column("lost", _COUNT, "Those that are gone for good."),
                hour_as_time,
            ),
        ),
        "v_decisions": View(
            "each event that is there and detector planned for it, and what became of it: the rows behind `v_coverage`",
            (
                *(column for column in event if column.name != "model"),
                _DETECTOR,
                Column("decision", "String", "What became of the evaluation; missing: no finding came."),
                *_of("findings", "reason"),
            ),
        ),
        "v_quality": View(
            "each hour, prompt version, model and detector in production: what became of the events, and the share of "
            "flagged answers with its 95 % interval",
            (
                hour,
                *prompt,
                *_of("findings", "model"),
                _DETECTOR,
                Column("planned", _COUNT, "Events that the detector was to look at."),
                *decisions,
                *flagged,
                Column("rate", _RATE, "Share of the flagged among the evaluated."),
                Column("rate_low", _RATE, "Lower end of its 95 % interval (Wilson)."),
                Column("rate_high", _RATE, "Upper end."),
                hour_as_time,
            ),
        ),
        "v_prompt_versions": View(
            "each hour, prompt version and model in production: events, errors, latency, tokens, cost",
            (hour, *prompt, *_of("findings", "model"), *calls, hour_as_time),
        ),
        "v_quality_hourly": View(
            "each hour, prompt version and detector; counted every ten minutes, `age_s` says how old",
            (
                hour,
                *prompt,
                *_of("findings", "model", "detector"),
                Column("planned", _COUNT, "Events that the detector was to look at."),
                *decisions,
                *flagged,
                _REFRESHED_AT,
                _AGE_S,
                hour_as_time,
            ),
        ),
        "v_usage_hourly": View(
            "each hour and prompt version: events, errors, tokens, cost; counted every ten minutes",
            (
                hour,
                *prompt,
                *_of("findings", "model"),
                *calls,
                _REFRESHED_AT,
                _AGE_S,
                hour_as_time,
            ),
        ),
        "v_cost_hourly": View(
            "each hour, tenant and model: what calls cost, and what each good answer does",
            (
                hour,
                *_of("findings", "app", "environment", "tenant", "model", "source"),
                Column("events", _COUNT, "How many calls."),
                Column("without_cost", _COUNT, "Those whose cost is not known: they count as nothing."),
                Column("cost", _RATE, "All together, in US dollars."),
                Column("good_answers", _COUNT, "Answers that nothing flags and that nobody rates below the middle."),
                Column("cost_per_good_answer", _RATE, "The cost of all calls, shared by these."),
                hour_as_time,
            ),
        ),
        "v_refreshes": View(
            "each rollup, and each list of what came after the first: when it was counted last, and what went wrong "
            "since",
            (
                Column("database", "String", "Where it is."),
                Column("rollup", "String", "Its name."),
                Column("status", "String", "What it does now."),
                Column("refreshed_at", "Nullable(DateTime)", "When its last good refresh began."),
                Column("age_s", "Nullable(Int64)", "Seconds since then."),
                Column("duration_s", _RATE, "Seconds that it took."),
                Column("next_refresh_time", "Nullable(DateTime)", "When the next one begins."),
                Column("exception", "String", "What went wrong since; empty where nothing did."),
                Column("time", "Nullable(DateTime)", "The same as `refreshed_at`."),
            ),
        ),
        "v_conflicts": View(
            "each content that came again and says otherwise than the same version of the detector had said first",
            later,
        ),
        "v_rescored": View(
            "each finding by another version of the detector than the first",
            (
                *later,
                Column("flagged", "Bool", "What this content says."),
                Column("first_version", _NAME, "Version of the detector in what was stored first."),
            ),
        ),
        "v_superseded": View(
            "each hour, tenant and app that an id came under after its first, and that views leave out",
            (
                Column("event_id", "UUID", "The id."),
                replace(hour, comment="Of the time that is left out."),
                *_of("findings", "tenant", "app"),
                Column("kept_hour", _HOUR, "Of the time that is shown: what was stored first."),
                Column("kept_tenant", _NAME, "Likewise."),
                Column("kept_app", _NAME, "Likewise."),
                replace(_STORED_AT, comment="When it came under this key."),
                stored_as_time,
            ),
        ),
        "v_signals": View("each change that the monitor saw", _of("signals")),
        "v_feedback": View("each feedback, its comment redacted", _of("feedback")),
        "v_unreadable": View(
            "each hour, app and argument: how many events came without it, because the producer could not read it, or "
            "with it as an attribute, because no argument has its name",
            (
                hour,
                *_of("interactions", "app", "environment"),
                Column("records", "String", "interactions or feedback."),
                Column("argument", "String", "Of `emit` or `feedback`."),
                Column("type", "String", "That the value had; unknown: no argument has this name."),
                Column("events", _COUNT, "How many."),
                hour_as_time,
            ),
        ),
        "v_producer_gaps": View(
            "each hour and producer: events stored, events it numbered that are missing, what it dropped and why",
            (
                Column("producer_id", "UUID", "One instance of a producer in an app's process."),
                hour,
                Column("app", "String", "Whose it is."),
                Column("environment", "String", "Where it ran."),
                _FIRST_TIME,
                _LAST_TIME,
                Column("stored", _COUNT, "Events of it that are there."),
                Column("erased", _COUNT, "Events of it that were erased, or came after they were."),
                Column("missing", "Int64", "Events that it numbered and that never were stored."),
                Column("dropped", _COUNT, "Events that it says it dropped."),
                Column("dropped_by", "Map(String, UInt64)", "Reason to events."),
                Column("feedback_dropped", _COUNT, "Feedback that it says it dropped."),
                Column("time", _MICROS, "The same as `last_time`."),
            ),
        ),
        "v_dead_letters": View(
            "each dead letter: where it came from, why it died, whether it was replayed and is stored since",
            (
                *_of("dead_letters"),
                Column("replayed_at", f"Nullable({_MILLIS})", "When it was last sent back to its topic; NULL: never."),
                Column("resolved", "UInt8", "All of it is stored since."),
            ),
        ),
        "v_erased": View(
            "each event that was erased, or came after it was: counted, and nothing of it is kept",
            (
                *_of("erased", "event_id"),
                Column("day", "Date", "Of the event."),
                *_of("erased", "app", "environment", "tenant", "producer_id"),
                Column("sequence", "UInt64", "Its number at that producer."),
                Column("certificate", _NAME, "Id of the erasure, and of its certificate: `watchline erase status ID`."),
                Column("hidden_at", _MILLIS, "Since when no view shows it."),
                *_of("erased", "time"),
            ),
        ),
        "v_governance": View("each entry of the audit trail, whether or not the rules allow it", _of("governance")),
        "v_governance_texts": View(
            "each text that a person wrote about an act", (*_of("governance_texts"), stored_as_time)
        ),
        "v_reads": View(
            "each shape of statement that somebody read by within a minute, or board that refreshed within an hour",
            (
                Column("time", _MICROS, "When the first began."),
                Column("until", _MICROS, "When the last had ended."),
                Column("who", "String", "An id, or the name that a token was made for."),
                Column("proven", "String", "uid, by the kernel; named, by a token of theirs; claimed, by nothing."),
                Column("door", "String", "cli, page or port."),
                Column("shape", "String", "The statement: literals and names that are no view's or column's are ?."),
                Column("views", "Array(String)", "Those in it."),
                Column("reads", "UInt64", "How often."),
                Column("row_count", "Nullable(Int64)", "Rows in all; NULL where they weren't counted."),
                Column("how", "String", "ok, refused or failed."),
                Column("why", "String", "Why it was refused."),
                *_of("governance", "governance_id", "position"),
            ),
        ),
        "v_emergencies": View(
            "each version that one person promoted in an emergency, and whether another has reviewed it",
            (
                *_of("governance", "position", "time"),
                of_app,
                Column("environment", "String", "Where apps got it."),
                *_of("governance", "target", "target_version", "actor"),
                Column("why", "String", "The reason that was given."),
                Column("reviewed_at", f"Nullable({_MICROS})", "When another person has reviewed it; NULL for not yet."),
                Column("reviewed_by", _NAME, "Who has."),
                Column("overdue", "UInt8", "Nobody has, for 48 hours."),
            ),
        ),
        "v_prompt_names": View(
            "each name of a prompt or model that was renamed",
            (
                Column("kind", "String", "prompt or model."),
                of_app,
                Column("name", "String", "A name that it has or had."),
                Column("first_name", "String", "The one that it had first: the same for all of one."),
                Column("time", _MICROS, "Of the renaming."),
            ),
        ),
        "v_unapproved_prompts": View(
            "each hour, app and prompt in production that nobody has promoted for it",
            (
                hour,
                *_of("interactions", "app", "environment", "prompt_name", "prompt_version", "prompt_hash"),
                Column("events", _COUNT, "How many."),
                Column("why", "String", "What is wrong with it."),
                hour_as_time,
            ),
        ),
        "v_registered_models": View(
            "each model that an app may use",
            (
                of_app,
                Column("model", "String", "As events have it."),
                Column("action", "String", "Why it may: its use case, or the model was deployed or promoted."),
                Column("time", _MICROS, "Since when, by the last such act."),
            ),
        ),
        "v_unregistered": View(
            "each hour, app and model in production that is not registered",
            (
                hour,
                *_of("interactions", "app", "environment"),
                Column("what", "String", "What is not: app or model."),
                *_of("findings", "model"),
                Column("events", _COUNT, "How many."),
                hour_as_time,
            ),
        ),
        "v_retention": View(
            "each class of data, and each app with days of its own: for how long rows are kept, as it is in force",
            (
                Column("class", _NAME, "Text, rows or metrics."),
                Column("app", _NAME, "Empty: every app that has no row of its own."),
                Column("days", "UInt16", "Whole days before today."),
                Column("since", _MILLIS, "When it was put in force."),
                Column("gone_before", _MILLIS, "What is earlier may be gone by it, or by what was in force before."),
                Column("time", _MILLIS, "The same as `since`."),
            ),
        ),
        "v_offset_gaps": View("each range of offsets that was gone before a worker read it", _of("offset_gaps")),
        "v_missing_events": View(
            "each event that was stored, by the ledger, and is not there: `lost` once it is gone for good", gone
        ),
        "v_missing_findings": View("each event that is there and lacks findings of some detectors", gone),
        "v_ledger": View(
            "each stored batch, by raw partition, app and hour: its offsets, how many events and findings",
            (*(column for column in _of("ledger") if column.name != "event_ids"), stored_as_time),
        ),
        "v_ledger_gaps": View(
            "each range of offsets that the ledger lacks",
            (
                *_of("offset_gaps", "topic_id", "partition", "first_missing", "next_offset"),
                Column("time", _MILLIS, "When what comes after it was stored."),
            ),
        ),
        "v_ledger_events": View(
            "each event of the ledger and batch that held it, without its content",
            (
                *_of("ledger", "hour"),
                Column("event_id", "UUID", "Id of the event."),
                *_of("ledger", "app", "topic_id", "partition", "first_offset", "last_offset", "lost", "stored_at"),
                hour_as_time,
            ),
        ),
        "v_stored_events": View(
            "each event that is there, without its content: what `watchline prove` holds against the ledger",
            (
                *_of("interactions", "time", "event_id", "app", "environment"),
                Column("detectors", "Array(String)", "The detectors planned for it."),
                *_of("interactions", "producer_id", "producer_sequence"),
                *_of("ledger", "topic_id", "partition"),
                Column("offset", "UInt64", "Of the message in this partition."),
                Column("event_index", "UInt16", "Of the event in the message."),
                _STORED_AT,
                Column("since_ledger", "UInt8", "Whether there was a ledger when it was stored."),
            ),
        ),
        "v_stored_findings": View(
            "each finding that is there, without its content, whether or not its event is",
            (*_of("findings", "time", "event_id", "app", "detector", "decision", "stored_at"),),
        ),
        "v_producer_numbers": View(
            "each hour and producer: the numbers that it gave to events which were stored and are gone",
            (
                hour,
                Column("producer_id", "UUID", "One instance of a producer in an app's process."),
                Column("app", "String", "Whose it is."),
                Column("environment", "String", "Where it ran."),
                Column("stored", _COUNT, "Numbers of events that were stored."),
                Column("events", _COUNT, "Events that are there."),
                Column("gone", "Array(UInt64)", "Numbers of events that were stored and are not there."),
                Column("unknown", "Array(UInt64)", "Numbers of events that are there, and not written down."),
                Column("given_again", "Int64", "Events that are there with the number of another."),
                hour_as_time,
            ),
        ),
        "v_number_gaps": View(
            "each range of numbers that a producer gave and that never came",
            (
                Column("producer_id", "UUID", "One instance of a producer in an app's process."),
                Column("app", "String", "Whose it is."),
                Column("environment", "String", "Where it ran."),
                Column("first_missing", _COUNT, "The first number that is missing."),
                Column("next_number", _COUNT, "The one after the last that is missing."),
                Column("dropped", _COUNT, "Events that the producer says it dropped, in all."),
                Column("since", _HOUR, "The hour of what came before; 1970: nothing did."),
                hour,
                hour_as_time,
            ),
        ),
        "v_detached_parts": View(
            "each part of a table that ClickHouse has set aside, and why",
            (
                Column("database", "String", "Of the table."),
                Column("table", "String", "Its name."),
                Column("name", "String", "Of the part."),
                Column("reason", "Nullable(String)", "Why it was set aside."),
                Column("path", "String", "Where it lies now."),
                Column("bytes_on_disk", _COUNT, "That it takes."),
                Column("detached_at", "DateTime", "When its folder was changed last."),
                Column("time", "DateTime", "The same as `detached_at`."),
            ),
        ),
        "v_watermarks": View(
            "each partition of the findings: up to when the monitors have looked at all events", _of("watermarks")
        ),
        "v_canaries": View(
            "each canary that was read back",
            (*_of("dead_letters", "topic", "partition"), *_of("canaries", "time", "stored_at")),
        ),
        "v_canary": View(
            "each partition of the raw topic: when the last canary arrived, and how long it took",
            (
                *_of("dead_letters", "topic", "partition"),
                Column("last_sent", _MICROS, "When a worker sent it."),
                Column("last_arrived", _MILLIS, "When it was stored."),
                Column("delay_s", "Float64", "Seconds between the two."),
                Column("age_s", "Int64", "Seconds since it was stored."),
                Column("worker", "String", "The one that stored it."),
                Column("time", _MILLIS, "The same as `last_arrived`."),
            ),
        ),
    }
