"""Scored events as rows of `interactions` and `findings`."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from watchline.schemas.records import Finding
from watchline.schemas.texts import RedactedInteraction
from watchline.streams.clickhouse.sink import Table, month
from watchline.streams.messages import ScoredEvent

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

_plain, _empty_for_none = attrgetter(*_PLAIN), attrgetter(*_EMPTY_FOR_NONE)


def interactions_table(scored: Sequence[ScoredEvent]) -> Table:
    """The rows of `interactions`."""
    rows: list[list[Any]] = []
    keys: list[str] = []
    for item in scored:
        interaction, origin = item.scored.interaction, item.origin
        rows.append(
            [
                *_plain(interaction),
                *(text or "" for text in _empty_for_none(interaction)),
                [(each.role, each.content) for each in interaction.input_messages],
                [(each.role, each.content) for each in interaction.output_messages],
                [(call.name, call.arguments, call.result or "", call.id or "") for call in interaction.tool_calls],
                [(document.content, document.id or "", document.score) for document in interaction.documents],
                item.scored.redactions,
                item.scored.planned,
                origin.producer_id,
                origin.producer_sequence,
                origin.producer_dropped,
                origin.topic_id,
                origin.partition,
                origin.offset,
                origin.index,
            ]
        )
        keys.append(f"{_row_key(interaction)}/{sorted(item.scored.planned.items())}")
    months = [month(item.scored.interaction.time) for item in scored]
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
            months.append(month(interaction.time))
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

_finding = attrgetter(*_FINDING[:-3])


def _finding_values(finding: Finding) -> list[Any]:
    return [
        *_finding(finding),
        finding.reason or "",
        [(span.field, span.start, span.end, span.label, span.score) for span in finding.spans],
        [(each.span, each.field, each.start, each.end, each.score) for each in finding.evidence],
    ]


def _row_key(interaction: RedactedInteraction) -> str:
    return f"{interaction.time}/{interaction.tenant or ''}/{interaction.app}/{interaction.event_id}"
