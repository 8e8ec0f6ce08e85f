"""`watchline show`: one event whole."""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from watchline.schemas.errors import WatchlineError
from watchline.streams.cli.arguments import UsageError, command
from watchline.streams.cli.marks import Mark, marked
from watchline.streams.cli.output import as_json, colour, cut, fault, out, safe

Row = Mapping[str, Any]
_ALL_OF = "SELECT * FROM {} WHERE event_id = {{id:UUID}} ORDER BY {}"


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "show",
        run,
        help="show one event whole: its texts with marks, every finding, where it came from",
        description="Shows one event: times, prompt served, texts with the detectors' spans marked [1:so:1] and the "
        "evidence of span 1 marked [e1:so:e1], every finding, redactions, feedback, Kafka coordinates. Where a number, "
        "a date or a name isn't the document's, a span says what the document has instead. Texts are as stored: after "
        "redaction.",
        example="  watchline show 0190b5a4-7c1e-7000-8000-000000000001\n"
        "  watchline show 0190b5a4-7c1e-7000-8000-000000000001 --json",
    )
    parser.add_argument("event_id", metavar="EVENT_ID", help="what Producer.emit returned")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(args: argparse.Namespace) -> int:
    """Prints the event; 1 when there is none of that id."""
    from watchline.streams.cli.recorded import open_queries
    from watchline.streams.settings import load

    try:
        event_id = str(uuid.UUID(args.event_id))
    except ValueError:
        raise UsageError(f"{args.event_id!r} is no event id: want a UUID, as Producer.emit returns it") from None
    with open_queries(load()) as queries:
        interactions, findings, feedback = (
            queries.query(_ALL_OF.format(view, order), {"id": event_id}).by_column
            for view, order in (("v_interactions", "time"), ("v_findings", "detector"), ("v_feedback", "time"))
        )
    if not interactions:
        raise WatchlineError(f"no event {event_id}: not stored yet, a dead letter (v_dead_letters), or never sent")
    if args.json:
        out(as_json({"interaction": interactions[0], "findings": findings, "feedback": feedback}, indent=2))
    else:
        _print(interactions[0], findings, feedback)
    return 0


def _print(event: Row, findings: Sequence[Row], feedback: Sequence[Row]) -> None:
    _heading(f"Event {event['event_id']}")
    _pairs(
        ("time", f"{event['time']}  (stored {event['stored_at']})"),
        ("app", _joined(event["app"], event["environment"], event["tenant"])),
        ("model", event["model"]),
        ("asked for", event["request_model"] if event["request_model"] != event["model"] else ""),
        ("provider", event["provider"]),
        ("operation", event["operation"]),
        *((name, event[name]) for name in ("trace_id", "span_id", "conversation_id", "response_id", "subject")),
        ("variant", _entries(event["variant"])),
        ("parameters", _entries(event["request_parameters"])),
        ("latency", _joined(_unit(event["latency_s"], "s"), _unit(event["time_to_first_chunk_s"], "s to first chunk"))),
        ("tokens", _joined(_unit(event["input_tokens"], "in"), _unit(event["output_tokens"], "out"))),
        ("cost", event["cost"] and f"${event['cost']:.6g}"),
        ("finished", _joined(*event["finish_reasons"])),
        ("error", _joined(event["error_type"], event["error_message"])),
        ("attributes", _entries(event["attributes"])),
        ("cut", _entries(event["truncated"])),
    )
    marks = _marks(findings)
    texts = _texts(event)
    _heading("Prompt served")
    name = f"{event['prompt_name']}@{event['prompt_version']}" if event["prompt_name"] else ""
    _pairs(("prompt", name), ("hash", event["prompt_hash"]), ("variables", _entries(event["prompt_variables"])))
    for title, field, text in texts:
        _heading(title)
        out(marked(text, marks.get(field, [])) or "(empty)")
    _heading("Findings")
    number = 0
    for finding in findings:
        number = _print_finding(finding, number, {field: text for _, field, text in texts})
    _heading("Where it came from")
    _pairs(
        ("redactions", _entries(event["redactions"]) or "none"),
        ("Kafka", f"topic {event['raw_topic_id']}, partition {event['raw_partition']}, offset {event['raw_offset']}, "
         f"event {event['raw_index']} of the message"),
        ("producer", f"{event['producer_id']}, event {event['producer_sequence']} of it; it had dropped "
         f"{event['producer_dropped']}"),
    )  # fmt: skip
    for item in feedback:
        _heading("Feedback")
        _pairs(("time", item["time"]), ("rating", item["rating"]), ("comment", item["comment"]))


def _texts(event: Row) -> list[tuple[str, str, str]]:
    """(title, field as `schemas.texts` names it, text) of all that has sentences."""
    texts = [("System instructions", "system", event["system_instructions"])] if event["system_instructions"] else []
    for kind, messages in (("input", event["input_messages"]), ("output", event["output_messages"])):
        texts += [(f"{kind.capitalize()} ({m['role']})", f"{kind}:{n}", m["content"]) for n, m in enumerate(messages)]
    for n, document in enumerate(event["documents"]):
        score = "" if document["score"] is None else f", score {document['score']:.3g}"
        texts.append((f"Document {n} {document['id']}".rstrip() + score, f"document:{n}", document["content"]))
    for n, call in enumerate(event["tool_calls"]):
        texts.append((f"Tool call {n} {call['name']}", f"tool_call:{n}", call["arguments"]))
        texts.append((f"Tool result {n}", f"tool_call_result:{n}", call["result"]))
    return texts


def _marks(findings: Sequence[Row]) -> dict[str, list[Mark]]:
    """Marks by field; spans are numbered over all findings."""
    marks: dict[str, list[Mark]] = {}
    number = 0
    for finding in findings:
        for index, span in enumerate(finding["spans"]):
            marks.setdefault(span["field"], []).append(Mark(span["start"], span["end"], str(number + index + 1), "red"))
        for item in finding["evidence"]:
            name = f"e{number + item['span'] + 1}"
            marks.setdefault(item["field"], []).append(Mark(item["start"], item["end"], name, "green"))
        number += len(finding["spans"])
    return marks


def _print_finding(finding: Row, number: int, texts: Mapping[str, str]) -> int:
    decision = str(finding["decision"])
    parts = [finding["detector"].ljust(13), decision.ljust(14)]
    if finding["score"] is not None:
        parts.append(f"score {finding['score']:.3f}")
        for name, title in (("threshold", "threshold"), ("alert_threshold", "alert from")):
            if finding[name] is not None:
                parts.append(f"{title} {finding[name]:.3f}")
    line = safe("  ".join(parts))
    if finding["alert"] or finding["flagged"]:
        line += colour("  ALERT" if finding["alert"] else "  FLAGGED", "red") + f"  severity {finding['severity']}"
    out(line + (f"  ({safe(finding['reason'])})" if finding["reason"] else ""))
    labels = sorted((item for item in finding["scores"].items() if item[1] >= 0.001), key=lambda item: -item[1])
    if labels:
        out(colour("    " + safe(", ".join(f"{label} {score:.3f}" for label, score in labels)), "dim"))
    for place, span in enumerate(finding["spans"]):
        number += 1
        held = [item for item in finding["evidence"] if item["span"] == place]
        what = fault(span["label"])
        if what != span["label"] and held:
            what += f': "{_passage(span, texts)}", the document says "{_passage(held[0], texts)}"'
        out(f"    [{number}] {safe(what)} in {safe(span['field'])}, score {span['score']:.3f}")
    text = f"    version {finding['detector_version']}, calibration {finding['calibration_version'] or 'none'}, "
    out(colour(safe(text + f"{finding['scored_fraction']:.0%} of the text, {finding['device']}"), "dim"))
    return number


def _passage(place: Row, texts: Mapping[str, str]) -> str:
    return cut(texts.get(place["field"], "")[place["start"] : place["end"]])


def _heading(text: str) -> None:
    out(("" if text.startswith("Event") else "\n") + colour(safe(text), "bold"))


def _pairs(*pairs: tuple[str, Any]) -> None:
    for name, value in pairs:
        if value not in (None, ""):
            out(f"  {name:<16}{safe(str(value))}")


def _entries(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in values.items())


def _joined(*values: Any) -> str:
    return ", ".join(str(value) for value in values if value not in (None, ""))


def _unit(value: Any, unit: str) -> str:
    return "" if value is None else f"{value:.6g} {unit}"
