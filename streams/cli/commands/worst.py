"""`watchline worst`: the answers that detectors think worst of."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from watchline.streams.cli.arguments import command, moment, number
from watchline.streams.cli.output import as_json, colour, cut, fault, labelled, out, safe

OF_ANSWERS = ("groundedness", "relevance", "toxicity", "bias")
CANDIDATES = 500  # flagged events among which equal answers are counted as one

MOST = 100  # answers: their ids go into a request's address

Row = Mapping[str, Any]

_FLAGGED = """
SELECT event_id, argMax(detector, rank) AS detector, argMax(score, rank) AS score, argMax(alert, rank) AS alert,
    toString(argMax(severity, rank)) AS severity, max(rank) AS worst
FROM
(
    SELECT event_id, toString(detector) AS detector, score, alert, severity,
        (toInt8(severity), ifNull(score, 0)) AS rank
    FROM v_findings
    WHERE flagged AND source = 'production'
        AND time >= parseDateTime64BestEffort({since:String}, 6, 'UTC')
        AND has(splitByChar(',', {detectors:String}), detector)
        AND ({app:String} = '' OR app = {app:String})
)
GROUP BY event_id
ORDER BY worst DESC, event_id
LIMIT {candidates:UInt64}
"""
# The few that are flagged most severely are the right side, which is held in memory.
_ANSWERS = f"""
SELECT i.event_id AS event_id, i.time AS time, i.app AS app, i.prompt_name AS prompt_name,
    i.prompt_version AS prompt_version, i.model AS model, i.input AS input, i.output AS output,
    f.detector AS detector, f.score AS score, f.alert AS alert, f.severity AS severity
FROM v_interactions AS i
INNER JOIN ({_FLAGGED}) AS f ON i.event_id = f.event_id
WHERE i.time >= parseDateTime64BestEffort({{since:String}}, 6, 'UTC')
ORDER BY f.worst DESC, event_id
"""  # noqa: S608
_SPANS = """
SELECT event_id, detector, label, text, evidence_texts
FROM v_spans
WHERE time >= parseDateTime64BestEffort({since:String}, 6, 'UTC')
    AND has(splitByChar(',', {ids:String}), toString(event_id))
ORDER BY span_score DESC, number
"""


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "worst",
        run,
        help="show the worst answers: flagged most severely, with what was said and held against it",
        description="Shows the answers that were flagged most severely, and of those the highest scores first: the "
        "question, the answer, the passage that is flagged and the evidence nearest to it. Answers of the same words "
        "are shown once, with how often they came.",
        example="  watchline worst --since 1h\n  watchline worst --since 3d --app support-bot --detector groundedness",
    )
    parser.add_argument(
        "--since", type=moment, default="1d", metavar="TIME",
        help="by the events' time: ISO 8601 (UTC where it has no zone), or 30m, 2h, 3d (default: 1d)",
    )  # fmt: skip
    parser.add_argument("--app", default="", help="only answers of this app")
    parser.add_argument(
        "--detector", action="append", metavar="NAME",
        help=f"only what this one has flagged; may come more than once (default: {', '.join(OF_ANSWERS)})",
    )  # fmt: skip
    parser.add_argument(
        "--most", type=number(1, MOST), default=10, metavar="N", help=f"how many answers (default: 10, at most {MOST})"
    )
    parser.add_argument("--json", action="store_true", help="print them as JSON")


def run(args: argparse.Namespace) -> int:
    """Prints the answers."""
    from watchline.streams.cli.recorded import open_queries
    from watchline.streams.settings import load

    since = {"since": args.since.isoformat()}
    detectors = args.detector or OF_ANSWERS
    with open_queries(load()) as queries:
        candidates = {"detectors": ",".join(detectors), "app": args.app, "candidates": str(CANDIDATES)}
        answers = _different(queries.query(_ANSWERS, {**since, **candidates}).by_column)[: args.most]
        spans = queries.query(_SPANS, {**since, "ids": _ids(answers)}).by_column if answers else []
    for answer in answers:
        answer["spans"] = [span for span in spans if _key(span) == _key(answer)]
    if args.json:
        out(as_json(answers, indent=2))
        return 0
    for answer in answers:
        _print(answer)
    if not answers:
        out(f"nothing was flagged by {', '.join(detectors)} since {args.since:%Y-%m-%d %H:%M} UTC")
    return 0


def _ids(rows: Sequence[Row]) -> str:
    return ",".join(row["event_id"] for row in rows)


def _key(row: Row) -> tuple[Any, Any]:
    return row["event_id"], row["detector"]


def _different(flagged: Sequence[Row]) -> list[dict[str, Any]]:
    """The worst of each group of answers with the same words, with how many there are."""
    answers: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in flagged:
        words = (row["app"], row["detector"], " ".join(row["output"].split()))
        answers.setdefault(words, {**row, "times": 0})["times"] += 1
    return list(answers.values())


def _print(answer: Row) -> None:
    from watchline.streams.cli.events import clock, flag, prompt

    said = flag(answer["detector"], answer["score"], alert=answer["alert"])
    times = f"  {answer['times']:,} times" if answer["times"] > 1 else ""
    served = prompt(answer["prompt_name"], answer["prompt_version"])
    about = [clock(answer["time"]), answer["app"], served, answer["model"]]
    out(colour(safe(f"{said}, severity {answer['severity']}"), "red") + safe("  " + "  ".join(about) + times))
    labelled("question", cut(answer["input"]))
    labelled("answer", cut(answer["output"]))
    for span in answer["spans"][:1]:
        labelled(fault(span["label"])[:12], cut(span["text"]))
        labelled("nearest", cut(span["evidence_texts"][0]) if span["evidence_texts"] else "")
    labelled("more", f"watchline show {answer['event_id']}")
    out()
