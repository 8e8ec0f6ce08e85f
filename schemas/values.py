"""The values of a record's columns, in the order of `columns.py`.

Made from it and from the schemas in `avro/` by `make generate`: change these, never this file.
An empty string stands for null: a NULL costs a column and says no more.
"""

from __future__ import annotations

from typing import Any

from watchline.schemas.records import Feedback, Finding, Interaction, Signal


def interaction(record: Interaction) -> list[Any]:
    """Of `Interaction`."""
    return [
        record.event_id,
        record.time,
        record.app,
        record.environment,
        record.operation,
        record.trace_id or "",
        record.span_id or "",
        record.subject or "",
        record.prompt_hash or "",
        record.system_instructions or "",
        record.error_message or "",
        [(message.role, message.content) for message in record.input_messages],
        [(message.role, message.content) for message in record.output_messages],
        [(document.content, document.id or "", document.score) for document in record.documents],
        [(call.name, call.arguments, call.result or "", call.id or "") for call in record.tool_calls],
        record.finish_reasons,
        record.prompt_variables,
        record.request_parameters,
        record.variant,
        record.attributes,
        [(part.message, part.type, part.content, part.name or "", part.id or "") for part in record.input_parts],
        [(part.message, part.type, part.content, part.name or "", part.id or "") for part in record.output_parts],
        record.conversation_id or "",
        record.error_type or "",
        record.prompt_name or "",
        record.prompt_version or "",
        record.provider or "",
        record.request_model or "",
        record.response_id or "",
        record.response_model or "",
        record.system_fingerprint or "",
        record.tenant or "",
        record.input_tokens,
        record.output_tokens,
        record.cache_read_input_tokens,
        record.cache_write_input_tokens,
        record.reasoning_output_tokens,
        record.input_audio_tokens,
        record.output_audio_tokens,
        record.cost,
        record.latency_s,
        record.time_to_first_chunk_s,
        record.truncated,
        record.unreadable,
        record.cancelled,
        record.source,
        record.document_set or "",
    ]


def finding(record: Finding) -> list[Any]:
    """Of `Finding`."""
    return [
        record.event_id,
        record.detector,
        record.detector_version,
        record.decision,
        record.reason or "",
        record.scores,
        record.score,
        record.threshold,
        record.alert_threshold,
        record.flagged,
        record.alert,
        record.calibration_version,
        record.severity,
        [(span.field, span.start, span.end, span.label, span.score) for span in record.spans],
        [(evidence.span, evidence.field, evidence.start, evidence.end, evidence.score) for evidence in record.evidence],
        record.scored_fraction,
        record.duration_us,
        record.batch_size,
        record.device,
    ]


def feedback(record: Feedback) -> list[Any]:
    """Of `Feedback`."""
    return [
        record.feedback_id,
        record.event_id,
        record.time,
        record.app,
        record.environment,
        record.tenant or "",
        record.subject or "",
        record.rating,
        record.comment or "",
        record.score,
        record.scale or "",
        record.category or "",
        record.unreadable,
    ]


def signal(record: Signal) -> list[Any]:
    """Of `Signal`."""
    return [
        record.signal_id,
        record.time,
        record.kind,
        record.app,
        record.environment,
        record.prompt_name or "",
        record.measure,
        record.slice,
        record.baseline,
        record.before,
        record.after,
        record.since,
        record.events_before,
        record.events_after,
        record.method,
        record.statistic,
        record.p_value,
        record.attribution,
        record.event_id,
        record.since_from,
        record.since_to,
        record.cause,
        record.cause_value,
        record.cause_kind,
        record.ruled_out,
        record.moved_with,
        record.examples_before,
        record.examples_after,
        record.page,
    ]
