"""What the demo shows people: figures, and under each the SQL that gives it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Protocol

from watchline.schemas.records import Signal
from watchline.streams.demo.recording import Recording
from watchline.streams.monitor.signals import sentence

DETECTOR_OF_PROMISE = "groundedness"


class Queries(Protocol):
    """Reads the views."""

    def query(self, sql: str) -> Any:
        """A result with `columns` and `rows`."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One part of the report: lines of text, or a table, and the SQL that it was made from."""

    title: str
    sql: str
    lines: Sequence[str] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def report(queries: Queries, recording: Recording, ids: Mapping[str, str]) -> list[Figure]:
    """Every figure of the demo, in the order in which people read them. `ids`: recorded event id to stored one."""
    makers: list[Callable[[], Figure]] = [
        lambda: coverage(queries),
        lambda: agreement(queries),
        lambda: redaction(queries, recording, ids),
        lambda: rates(queries),
        lambda: signals(queries),
        lambda: worst(queries),
        lambda: costs(queries),
    ]
    return [make() for make in makers]


def coverage(queries: Queries) -> Figure:
    """How many events each detector was planned for, and what became of them."""
    sql = """SELECT detector, sum(c.events) AS events, sum(c.planned) AS planned, sum(c.evaluated) AS evaluated,
    sum(c.not_applicable) AS not_applicable, sum(c.failed) AS failed, sum(c.missing) AS missing
FROM v_coverage AS c GROUP BY detector ORDER BY detector"""
    result = queries.query(sql)
    return Figure("Coverage: every event, every detector", sql, columns=result.columns, rows=_cells(result.rows))


def agreement(queries: Queries) -> Figure:
    """The groundedness detector beside the answers that a person labelled."""
    sql = """SELECT count() AS labelled,
    countIf(f.flagged = (i.attributes['human_label'] = 'unsupported')) AS agreed,
    countIf(f.flagged AND i.attributes['human_label'] = 'supported') AS false_alarms,
    countIf(NOT f.flagged AND i.attributes['human_label'] = 'unsupported') AS missed
FROM v_interactions AS i INNER JOIN v_findings AS f ON i.event_id = f.event_id
WHERE f.detector = 'groundedness' AND i.attributes['human_label'] != ''"""
    labelled, agreed, false_alarms, missed = _one(queries.query(sql), 4)
    line = f"labelled {labelled}: agreed {agreed}, false alarms {false_alarms}, missed {missed}"
    return Figure("Unsupported answers, beside labels made by hand", sql, [line])


def redaction(queries: Queries, recording: Recording, ids: Mapping[str, str]) -> Figure:
    """Made-up personal data that was planted in the recording: how much of it is nowhere in the stored events."""
    sql = """SELECT event_id, input, toJSONString(tuple(system_instructions, input_messages, output_messages, documents,
    tool_calls, prompt_variables, attributes)) AS everything
FROM v_interactions WHERE notEmpty(redactions)"""
    stored = {str(row[0]): (row[1], row[2]) for row in queries.query(sql).rows}
    comments = {str(row[0]): row[1] for row in queries.query("SELECT event_id, comment FROM v_feedback").rows}
    gone = 0
    example: list[str] = []
    by_id = {interaction.event_id: interaction for interaction in recording.interactions}
    for item in recording.planted:
        text, event_id = item.text, ids[item.event_id]
        question, everything = stored.get(event_id, ("", ""))
        in_comment = item.field == "comment"
        kept = comments.get(event_id, "") if in_comment else everything
        redacted = bool(kept) and text not in kept
        gone += redacted
        if redacted and not in_comment and not example and text in by_id[item.event_id].input:
            example = [f"before: {by_id[item.event_id].input}", f"after:  {question}"]
    lines = [f"planted {len(recording.planted)}, redacted {gone}", *example]
    return Figure("Personal data", sql, lines)


def rates(queries: Queries) -> Figure:
    """The share of flagged answers per prompt version, with the difference and its 95 % interval."""
    sql = """SELECT detector, prompt_version, sum(evaluated), sum(flagged_events)
FROM v_quality WHERE prompt_name = 'answer' GROUP BY ALL ORDER BY detector, prompt_version"""
    counts: dict[str, dict[str, tuple[int, int]]] = {}
    for detector, version, evaluated, flagged in queries.query(sql).rows:
        counts.setdefault(detector, {})[version] = (flagged, evaluated)
    rows = []
    for detector, by_version in counts.items():
        old, new = by_version.get("1", (0, 0)), by_version.get("2", (0, 0))
        rows.append([detector, _share(old), _share(new), _difference(old, new)])
    columns = ["detector", "flagged on v1", "flagged on v2", "difference (95 % interval)"]
    return Figure("Quality by prompt version", sql, columns=columns, rows=rows)


def signals(queries: Queries) -> Figure:
    """When the new version went live, when the monitor said so, and what it said of the old one."""
    sql = "SELECT * FROM v_signals ORDER BY time"
    live_sql = "SELECT prompt_version, min(time) FROM v_interactions GROUP BY prompt_version ORDER BY prompt_version"
    live = {row[0]: row[1] for row in queries.query(live_sql).rows}
    result = queries.query(sql)
    found = [_signal(dict(zip(result.columns, row, strict=True))) for row in result.rows]
    on_new = [signal for signal in found if signal.slice.get("prompt_version") == "2"]
    on_old = [signal for signal in found if signal.slice.get("prompt_version") == "1"]
    quality = [signal for signal in on_new if signal.measure.startswith(DETECTOR_OF_PROMISE)]
    lines = []
    if "2" in live:
        when = f"v2 live {_clock(live['2'])}"
        if quality:
            first = quality[0]
            lines.append(
                f"{when}, signal {_clock(_datetime(first.time))} after {first.events_after} "
                f"events; signals on v1: {len(on_old)}"
            )
        else:
            lines.append(f"{when}, no signal on {DETECTOR_OF_PROMISE}; signals on v1: {len(on_old)}")
    for signal in found:
        lines.append(f"  {_clock(_datetime(signal.time))}  {sentence(signal)} ({signal.method})")
    return Figure("Online monitor", sql, lines)


def worst(queries: Queries) -> Figure:
    """The three unsupported answers of which the detector is surest, with the sentence and what it was held against."""
    sql = """SELECT event_id, any(prompt_version), max(span_score) AS worst, any(input) AS question,
    argMax(text, span_score) AS span, argMax(evidence_texts, span_score) AS evidence
FROM v_spans WHERE detector = 'groundedness' AND flagged
GROUP BY event_id ORDER BY worst DESC, event_id LIMIT 3"""
    lines = []
    for event_id, version, score, question, span, evidence in queries.query(sql).rows:
        nearest = evidence[0] if evidence else "(nothing near it)"
        lines += [
            f"v{version}, P(unsupported) {score:.2f}, watchline show {event_id}",
            f"  question: {_short(question, 160)}",
            f"  says:     {_short(span, 200)}",
            f"  nearest:  {_short(nearest, 200)}",
        ]
    return Figure("The three worst answers", sql, lines)


def costs(queries: Queries) -> Figure:
    """Latency, tokens and cost per prompt version."""
    sql = """SELECT prompt_version, count() AS events,
    quantileExact(0.5)(latency_s) AS p50, quantileExact(0.95)(latency_s) AS p95,
    sum(i.input_tokens) AS input_tokens, sum(i.output_tokens) AS output_tokens, sum(i.cost) AS cost
FROM v_interactions AS i GROUP BY prompt_version ORDER BY prompt_version"""
    result = queries.query(sql)
    rows = [
        [str(row[0]), str(row[1]), f"{row[2]:.2f}", f"{row[3]:.2f}", str(row[4]), str(row[5]), _cost(row[6])]
        for row in result.rows
    ]
    columns = ["version", "events", "latency p50 s", "p95 s", "input tokens", "output tokens", "cost $"]
    return Figure("Latency, tokens, cost", sql, columns=columns, rows=rows)


def difference_interval(old: tuple[int, int], new: tuple[int, int]) -> tuple[float, float]:
    """The 95 % interval of the difference of two shares, each (hits, of how many): Newcombe's method 10.

    Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17
    (1998). Two empty samples give (-1, 1).
    """
    (low_1, high_1), (low_2, high_2) = _wilson(*old), _wilson(*new)
    share_1, share_2 = (hits / count if count else 0.5 for hits, count in (old, new))
    difference = share_2 - share_1
    down = math.hypot(share_2 - low_2, high_1 - share_1)
    up = math.hypot(high_2 - share_2, share_1 - low_1)
    return max(-1.0, difference - down), min(1.0, difference + up)


def _wilson(hits: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    if not count:
        return 0.0, 1.0
    share = hits / count
    middle = share + z * z / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return (middle - half) / scale, (middle + half) / scale


def _share(counted: tuple[int, int]) -> str:
    hits, count = counted
    return f"{hits / count:.1%} ({hits} of {count})" if count else "-"


def _difference(old: tuple[int, int], new: tuple[int, int]) -> str:
    if not (old[1] and new[1]):
        return "-"
    low, high = difference_interval(old, new)
    if low <= 0 <= high:
        return f"no difference shown ({low:+.1%} to {high:+.1%})"
    return f"{new[0] / new[1] - old[0] / old[1]:+.1%} ({low:+.1%} to {high:+.1%})"


def _cells(rows: Sequence[Sequence[Any]]) -> list[list[str]]:
    return [[str(value) for value in row] for row in rows]


def _one(result: Any, width: int) -> Sequence[Any]:
    return result.rows[0] if result.rows else [0] * width


def _clock(time: datetime | str) -> str:
    return f"{_moment(time):%H:%M:%S}"


def _signal(row: Mapping[str, Any]) -> Signal:
    """The record of a row."""
    values = {field.name: row[field.name] for field in fields(Signal)}
    for name in ("time", "since", "since_from", "since_to"):
        if values[name] is not None:
            values[name] = round(_moment(values[name]).timestamp() * 1e6)
    return Signal(**values)


def _datetime(time: int) -> datetime:
    return datetime.fromtimestamp(time / 1e6, UTC)


def _moment(time: datetime | str) -> datetime:
    moment = datetime.fromisoformat(time) if isinstance(time, str) else time
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _cost(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def _short(text: str, length: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"
