"""What `watchline prompts test` found, for people, programs and CI."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from watchline.streams.cli.output import as_json, colour, out, safe, write

if TYPE_CHECKING:
    from watchline.streams.comparison.gate import Judged, Side

WORSE, NO_VERDICT = 1, 3  # exit codes
KINDS = ("answered", "refused", "failed", "unasked")


def report(
    args: argparse.Namespace,
    sides: tuple[Side, Side],
    events: Sequence[str],
    left_out: Mapping[str, int],
    seconds: float,
) -> int:
    from watchline.streams.comparison import gate

    judged = gate.judge(*sides, events, margin=args.margin)
    word, sentence = gate.verdict(*sides, judged, margin=args.margin)
    counts = {name: _counts(side) for name, side in zip(("old", "new"), sides, strict=True)}
    if args.junit:
        _write_junit(args, word, sentence, judged, counts, seconds)
    if args.json:
        detectors = [
            {"detector": each.detector, "pairs": each.pairs, "old": each.old, "new": each.new, "says": each.says,
             "low": each.interval.low, "high": each.interval.high, "level": 1 - each.alpha, "worse": each.events}
            for each in judged
        ]  # fmt: skip
        out(as_json({"verdict": word, "sentence": sentence, "inputs": len(events), "left_out": dict(left_out),
                     "margin": args.margin, "calls": counts, "detectors": detectors}, indent=2))  # fmt: skip
    else:
        _print(word, sentence, judged, counts, len(events), left_out)
    failed = {"worse": WORSE, "no verdict": NO_VERDICT, "open": NO_VERDICT if args.strict else 0}
    return failed.get(word, 0)


def _counts(side: Side) -> dict[str, Any]:
    answered = [reply.latency_s for reply in side.replies if reply.kind == "answered"]
    return {
        **{kind: side.count(kind) for kind in KINDS},
        "mean_latency_s": sum(answered) / len(answered) if answered else None,
        "reasons": dict(Counter(reply.reason for reply in side.replies if reply.reason)),
    }


def _print(
    word: str,
    sentence: str,
    judged: Sequence[Judged],
    counts: Mapping[str, Any],
    inputs: int,
    left_out: Mapping[str, int],
) -> None:
    out(f"{inputs} inputs{said(left_out)}")
    for name, side in counts.items():
        calls = ", ".join(f"{side[kind]} {kind}" for kind in KINDS[:3])
        latency = f", {side['mean_latency_s']:.3g} s a call" if side["answered"] else ""
        out(safe(f"{name}: {calls}{latency}" + "".join(f"; {count} {why}" for why, count in side["reasons"].items())))
    rows = [
        [each.detector, each.pairs, f"{each.old / each.pairs:.1%}", f"{each.new / each.pairs:.1%}",
         f"{each.interval.low:+.1%} to {each.interval.high:+.1%}", each.says]
        for each in judged
    ]  # fmt: skip
    if rows:
        write(["detector", "pairs", "old flagged", "new flagged", "difference, 95 % for all", ""], rows, "table")
    out(colour(sentence, {"worse": "red", "no worse": "green"}.get(word, "yellow")))


def _write_junit(
    args: argparse.Namespace,
    word: str,
    sentence: str,
    judged: Sequence[Judged],
    counts: Mapping[str, Any],
    seconds: float,
) -> None:
    from watchline.streams.comparison.junit import Case, written

    no_verdict = word == "no verdict"
    cases = [Case("calls", "error" if no_verdict else "passed", sentence, json.dumps(counts))]
    for each in judged:
        low, high = each.interval
        said = (f"{each.says}: flagged {each.old} of {each.pairs} with the old version, {each.new} with the new; "
                f"difference {low:+.1%} to {high:+.1%}")  # fmt: skip
        ended: Any = "failure" if each.says == "worse" or (each.says == "open" and args.strict) else "passed"
        ended = "skipped" if no_verdict else ended
        cases.append(Case(each.detector, ended, said, "flagged with the new version alone:\n" + "\n".join(each.events)))
    content = written(f"watchline prompts test {args.name}", cases, seconds)
    partial = args.junit.with_name(f"{args.junit.name}.part")
    partial.write_bytes(content)
    partial.replace(args.junit)


def said(left_out: Mapping[str, int]) -> str:
    listed = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
    return f"; left out: {safe(listed)}" if listed else ""
