"""One event whole: its texts with what detectors marked in them, every finding, where it came from.

A long text is given by its head and its size, the rest in parts when it is asked for: one message can be 5 MB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from watchline.dashboards.page.protocols import Queries

HEAD = 6_000  # code points that are shown at once
PART = 100_000  # and when more is asked for
PASSAGE = 600  # of a span or its evidence, beside the text
_PLAIN = (
    "time", "stored_at", "app", "environment", "tenant", "source", "operation", "model", "request_model",
    "response_model", "provider", "system_fingerprint", "prompt_name", "prompt_version", "prompt_hash", "document_set",
    "conversation_id", "trace_id", "span_id", "response_id", "subject", "latency_s", "time_to_first_chunk_s",
    "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_write_input_tokens", "reasoning_output_tokens",
    "cost", "finish_reasons", "error_type", "cancelled", "is_step", "request_parameters", "variant", "redactions",
    "truncated", "unreadable", "invalid_fields", "planned", "raw_topic_id", "raw_partition", "raw_offset", "raw_index",
    "producer_id", "producer_sequence", "producer_dropped",
)  # fmt: skip


class Text(NamedTuple):
    """A text of an event: `field` as `schemas.texts` names it."""

    group: str
    title: str
    field: str
    content: str


class Mark(NamedTuple):
    """From where to where something is marked, in code points; `number` counts the event's spans from 1."""

    start: int
    end: int
    number: int
    evidence: bool


def whole(queries: Queries, event_id: str) -> dict[str, Any] | None:
    """The event as the page shows it; None where there is none of that id."""
    event = _event(queries, event_id)
    if event is None:
        return None
    findings = _of(queries, "v_findings", event_id, "detector")
    texts = list(_texts(event))
    marks, by_field = _marks(findings), {text.field: text.content for text in texts}
    number = 0
    shown = []
    for finding in findings:
        spans = []
        for place, span in enumerate(finding["spans"]):
            number += 1
            evidence = [item for item in finding["evidence"] if item["span"] == place]
            spans.append(
                {
                    **span,
                    "number": number,
                    "text": _passage(span, by_field),
                    "evidence": [{**item, "text": _passage(item, by_field)} for item in evidence],
                }
            )
        shown.append({**{name: value for name, value in finding.items() if name != "evidence"}, "spans": spans})
    return {
        "event_id": event_id,
        "facts": {name: event.get(name) for name in _PLAIN},
        "texts": [
            {
                "group": text.group,
                "title": text.title,
                "field": text.field,
                **_part(text.content, marks.get(text.field, []), 0, HEAD),
            }
            for text in texts
        ],
        "findings": shown,
        "feedback": _of(queries, "v_feedback", event_id, "time"),
    }


def part(queries: Queries, event_id: str, field: str, start: int) -> dict[str, Any] | None:
    """More of a text, from a code point on; None where there is no such text."""
    event = _event(queries, event_id)
    text = next((each for each in _texts(event) if each.field == field), None) if event else None
    if text is None:
        return None
    return _part(text.content, _marks(_of(queries, "v_findings", event_id, "detector")).get(field, []), start, PART)


def segments(text: str, marks: Sequence[Mark], start: int, end: int) -> list[list[Any]]:
    """The text from `start` to `end` in pieces, each with the numbers of what is marked in it; evidence is negative.

    >>> segments("It costs 99.", [Mark(9, 11, 1, False)], 0, 12)
    [['It costs ', []], ['99', [1]], ['.', []]]
    """
    edges = sorted({start, end, *(edge for mark in marks for edge in mark[:2] if start < edge < end)})
    return [
        [text[a:b], [-m.number if m.evidence else m.number for m in marks if m.start <= a and b <= m.end]]
        for a, b in pairwise(edges)
    ]


def _part(text: str, marks: Sequence[Mark], start: int, size: int) -> dict[str, Any]:
    end = min(start + size, len(text))
    return {
        "segments": segments(text, marks, start, end),
        "characters": len(text),
        "bytes": len(text.encode("utf-8", "surrogatepass")),
        "next": end if end < len(text) else None,
    }


def _event(queries: Queries, event_id: str) -> Mapping[str, Any] | None:
    found = _of(queries, "v_interactions", event_id, "time")
    return found[0] if found else None


def _of(queries: Queries, view: str, event_id: str, order: str) -> list[dict[str, Any]]:
    sql = f"SELECT * FROM {view} WHERE event_id = {{id:UUID}} ORDER BY {order}"  # noqa: S608
    result = queries.query(sql, {"id": event_id})
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def _texts(event: Mapping[str, Any]) -> Iterator[Text]:
    if event["system_instructions"]:
        yield Text("conversation", "system", "system", event["system_instructions"])
    for side in ("input", "output"):
        for number, message in enumerate(event[f"{side}_messages"]):
            yield Text("conversation", message["role"] or side, f"{side}:{number}", message["content"])
            for place, piece in enumerate(event[f"{side}_parts"]):
                if piece["message"] == number:
                    title = " ".join(filter(None, (piece["type"], piece["name"], piece["id"])))
                    yield Text("conversation", title, f"{side}_part:{place}", piece["content"])
    if event["error_message"]:
        yield Text("conversation", f"error {event['error_type']}".strip(), "error_message", event["error_message"])
    for number, document in enumerate(event["documents"]):
        score = "" if document["score"] is None else f", score {document['score']:.3g}"
        title = f"document {number + 1} {document['id']}".rstrip() + score
        yield Text("documents", title, f"document:{number}", document["content"])
    for number, call in enumerate(event["tool_calls"]):
        yield Text("tool calls", f"{call['name'] or 'tool'}: asked for", f"tool_call:{number}", call["arguments"])
        yield Text("tool calls", f"{call['name'] or 'tool'}: gave", f"tool_call_result:{number}", call["result"])
    for name, title in (("prompt_variable", "variables"), ("attribute", "attributes")):
        for number, (key, value) in enumerate(event[f"{name}s"].items()):
            yield Text(title, key, f"{name}:{number}", value)


def _marks(findings: Sequence[Mapping[str, Any]]) -> dict[str, list[Mark]]:
    marks: dict[str, list[Mark]] = {}
    number = 0
    for finding in findings:
        for place, span in enumerate(finding["spans"]):
            marks.setdefault(span["field"], []).append(Mark(span["start"], span["end"], number + place + 1, False))
        for item in finding["evidence"]:
            mark = Mark(item["start"], item["end"], number + item["span"] + 1, True)
            marks.setdefault(item["field"], []).append(mark)
        number += len(finding["spans"])
    return marks


def _passage(place: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    passage = texts.get(place["field"], "")[place["start"] : place["end"]]
    return passage if len(passage) <= PASSAGE else passage[:PASSAGE] + "…"
