"""`watchline evaluate`: how good a detector is on labels of one's own."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from watchline.schemas.errors import WatchlineError
from watchline.streams.cli.arguments import UsageError, command
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
FORMAT = """FILE has one JSON object a line, gzipped or not; all but output and label may be left out:
  {"id": "a1", "group": "source-7", "slices": {"task": "qa"}, "input": "How long?", "documents": ["30 days."],
   "output": "90 days.", "label": 1, "spans": [[0, 7, "unsupported"]]}
label may be an object, {"hate": 1, "insult": 0}, in which a label left out is unknown. Spans are code points into
output. Rows of one group (a source, a post) aren't taken for independent. Slices get figures of their own."""


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
    parser.add_argument("detector", metavar="DETECTOR", help="its name, as in WATCHLINE_DETECTORS")
    parser.add_argument("file", metavar="FILE", type=Path, help="the labelled set")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument("--predictions", metavar="OUT", type=Path, help="write each row's score and spans, a line each")
    parser.add_argument("--redact", action="store_true", help="replace personal data first, as a worker does")


def run(args: argparse.Namespace) -> int:
    """Prints the figures; 1 where no row has both a score and a label."""
    from watchline.detectors import registry
    from watchline.detectors.declarations import DETECTORS
    from watchline.streams.settings import load

    settings = load()
    if args.detector not in DETECTORS:
        raise UsageError(f"no detector {args.detector!r}; there are {', '.join(DETECTORS)}")
    if not args.file.is_file():
        raise UsageError(f"{args.file}: no such file")
    from watchline.detectors.evaluation import baselines, labelled
    from watchline.detectors.evaluation.predictions import predict
    from watchline.detectors.evaluation.report import report
    from watchline.detectors.pii.redactor import Redactor
    from watchline.detectors.scorer import Scorer

    (detector,) = registry.load(
        [args.detector], settings.models, device=settings.encoder_device, thresholds=settings.thresholds
    )
    rows = labelled.read(args.file, detector.labels)
    scorer = Scorer([detector], device=settings.encoder_device, thresholds=settings.thresholds)
    redactor = Redactor(enabled=args.redact, device=scorer.device)
    predictions, seconds = predict(
        scorer, rows, redactor=redactor, progress=lambda done: progress(done, len(rows), "scored")
    )
    if args.predictions:
        lines = (as_json(_prediction(row.id, prediction)) for row, prediction in zip(rows, predictions, strict=True))
        args.predictions.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    blind = None
    if shown := [row for row in rows if row.documents]:
        blind_predictions, _ = predict(
            scorer,
            shown,
            redactor=redactor,
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
        **report(rows, predictions, seconds, points, blind),
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
        f"{_number(figures['items_per_second'], 1)} a second")  # fmt: skip
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
        [title, _number(section[name]), _interval(section["intervals"].get(name)),
         *(_number(section["baselines"][baseline].get(name)) for baseline in beside)]
        for name, title in FIGURES.items()
        if section[name] is not None
    ]  # fmt: skip
    for point, title in (("threshold", "precision"), ("alert_threshold", "precision at alert")):
        rows += [
            [f"{title} where {float(share):.0%} are positive", _number(value), "", *("" for _ in beside)]
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
        out(f"pairs of the same {name}: AUROC {_number(section['auroc_within'][name])}")


def _slice(value: str, figures: Mapping[str, Any]) -> Sequence[str]:
    return [
        value or "(none)",
        str(figures["n"]),
        str(figures["positives"]),
        _number(figures["auroc"]),
        _interval(figures["intervals"].get("auroc")),
        *(_number(figures["baselines"][name]["auroc"]) for name in _RANKINGS if name in figures["baselines"]),
        *(_number(figures[name]) for name in ("f1", "balanced_accuracy", "span_f1", "ece")),
    ]


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _interval(bounds: tuple[float, float] | None) -> str:
    return f"{bounds[0]:.3f}-{bounds[1]:.3f}" if bounds else ""
