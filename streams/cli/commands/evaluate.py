"""`watchline evaluate`: how good a detector is on labels of one's own."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from watchline.schemas.errors import WatchlineError
from watchline.streams.cli.arguments import command
from watchline.streams.cli.labelled_set import FORMAT, add_arguments, interval, number, scored
from watchline.streams.cli.output import as_json, out, progress, write

FIGURES = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "f1": "F1",
    "macro_f1": "macro-F1",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "false_positive_rate": "false positive rate",
    "recall_at_alert": "recall at alert",
    "false_alarms_at_alert": "false alarms at alert",
    "span_f1": "span character F1",
    "mean_span_f1": "the same, mean of rows",
    "ece": "calibration error (ECE)",
    "brier_skill": "Brier skill",
}
BASELINES = {
    "base_rate": "base rate",
    "length": "length",
    "word_overlap": "word overlap",
    "no_documents": "no documents",
}
_RANKINGS = ("length", "word_overlap")


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "evaluate",
        run,
        help="how good a detector is on a labelled set of your own",
        description="Scores a labelled set as a worker would, and prints how good the scores are: at the operating "
        "points in force (WATCHLINE_THRESHOLDS), by the model in force (WATCHLINE_MODELS), with 95 % intervals, beside "
        "trivial baselines, for each slice.\n\n" + FORMAT,
        example="  watchline evaluate groundedness answers.jsonl.gz\n"
        "  watchline evaluate toxicity posts.jsonl --json --predictions scores.jsonl",
    )
    add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument("--predictions", metavar="OUT", type=Path, help="write each row's score and spans, a line each")


def run(args: argparse.Namespace) -> int:
    """Prints the figures; 1 where no row has both a score and a label."""
    set_ = scored(args)
    from watchline.detectors.evaluation import baselines
    from watchline.detectors.evaluation.predictions import predict
    from watchline.detectors.evaluation.report import report

    detector, scorer, rows, predictions = set_.detector, set_.scorer, set_.rows, set_.predictions
    if args.predictions:
        lines = (as_json(_prediction(row.id, prediction)) for row, prediction in zip(rows, predictions, strict=True))
        args.predictions.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    blind = None
    if shown := [row for row in rows if row.documents]:
        blind_predictions, _ = predict(
            scorer,
            shown,
            redactor=set_.redactor,
            documents=baselines.NO_DOCUMENT,
            progress=lambda done: progress(done, len(shown), "scored without documents"),
        )
        unseeing = iter(blind_predictions)
        blind = [
            next(unseeing) if row.documents else prediction for row, prediction in zip(rows, predictions, strict=True)
        ]
    points = {label: scorer.thresholds.of(detector.name, label) for label in detector.labels}
    figures = {
        "detector": detector.name,
        "version": detector.version,
        "device": scorer.device,
        **report(rows, predictions, set_.seconds, points, blind),
    }
    if args.json:
        out(as_json(figures, indent=2))
    else:
        _print(figures)
    if not figures["n"] and not any(section["n"] for section in figures.get("labels", {}).values()):
        raise WatchlineError(f"{args.file}: no row has both a score and a label: {figures['not_scored']}")
    return 0


def _prediction(id_: str, prediction: Any) -> Mapping[str, Any]:
    if prediction.score is None:
        return {"id": id_, "score": None, "reason": prediction.reason}
    several = len(prediction.scores) > 1
    return {
        "id": id_,
        "score": prediction.scores if several else prediction.score,
        "spans": prediction.spans,
    }


def _print(figures: Mapping[str, Any]) -> None:
    out(f"{figures['detector']} {figures['version']} on {figures['device']}: {figures['rows']:,} rows, "
        f"{number(figures['items_per_second'], 1)} a second")  # fmt: skip
    for reason, count in figures["not_scored"].items():
        out(f"not scored: {count:,} ({reason})")
    _print_section(figures)
    for name, section in figures.get("labels", {}).items():
        out(f"\nlabel {name}")
        _print_section(section)


def _print_section(section: Mapping[str, Any]) -> None:
    points = "".join(
        f", {name} {section[name]:g}" for name in ("threshold", "alert_threshold") if section[name] is not None
    )
    size = f"{section['n']:,} with score and label, {section['positives']:,} positive, {section['groups']:,} groups"
    out(size + points)
    if not section["n"]:
        return
    beside = [name for name in BASELINES if name in section["baselines"]]
    rows = [
        [title, number(section[name]), interval(section["intervals"].get(name)),
         *(number(section["baselines"][baseline].get(name)) for baseline in beside)]
        for name, title in FIGURES.items()
        if section[name] is not None
    ]  # fmt: skip
    for point, title in (("threshold", "precision"), ("alert_threshold", "precision at alert")):
        rows += [
            [f"{title} where {float(share):.0%} are positive", number(value), "", *("" for _ in beside)]
            for share, value in section["precision_at_prevalence"][point].items()
            if value is not None
        ]
    out()
    write(["", "value", "95 %", *(BASELINES[baseline] for baseline in beside)], rows, "plain")
    for name, values in section["slices"].items():
        out()
        rankings = (BASELINES[baseline] for baseline in beside if baseline in _RANKINGS)
        write([name, "n", "positive", "AUROC", "95 %", *rankings, "F1", "balanced accuracy", "span F1", "ECE"],
              [_slice(value, figures) for value, figures in values.items()], "plain")  # fmt: skip
        out(f"pairs of the same {name}: AUROC {number(section['auroc_within'][name])}")


def _slice(value: str, figures: Mapping[str, Any]) -> Sequence[str]:
    return [
        value or "(none)",
        str(figures["n"]),
        str(figures["positives"]),
        number(figures["auroc"]),
        interval(figures["intervals"].get("auroc")),
        *(number(figures["baselines"][name]["auroc"]) for name in _RANKINGS if name in figures["baselines"]),
        *(number(figures[name]) for name in ("f1", "balanced_accuracy", "span_f1", "ece")),
    ]
