"""`watchline calibrate`: a detector's operating points, chosen by labels of one's own."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.cli.arguments import UsageError, command, share
from watchline.streams.cli.labelled_set import FORMAT, Scored, add_arguments, interval, number, scored
from watchline.streams.cli.output import out, safe, write

if TYPE_CHECKING:
    from watchline.detectors.evaluation.metrics import Labels
    from watchline.detectors.evaluation.operating_points import Calibration, Rule
    from watchline.detectors.runtime.calibration import Numbers

_FALSE_ALARMS = 0.005  # as the shipped points of groundedness and relevance
_FEW = 100  # of so many rows a share is known to a tenth (95 %)
FIGURES = {
    "threshold": "threshold",
    "balanced_accuracy": "balanced accuracy",
    "precision": "precision",
    "precision 0.01": "precision where 1% are positive",
    "precision 0.05": "precision where 5% are positive",
    "precision 0.2": "precision where 20% are positive",
    "recall": "recall",
    "false_positive_rate": "false positive rate",
    "flagged": "flagged",
    "alert_threshold": "alert_threshold",
    "precision_at_alert": "precision at alert",
    "precision_at_alert 0.01": "precision at alert where 1% are positive",
    "precision_at_alert 0.05": "precision at alert where 5% are positive",
    "precision_at_alert 0.2": "precision at alert where 20% are positive",
    "recall_at_alert": "recall at alert",
    "false_alarms_at_alert": "false alarms at alert",
}


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "calibrate",
        run,
        help="operating points chosen by a labelled set of your own",
        description="Scores a labelled set as a worker would, chooses the detector's operating points by it, label by "
        "label, and writes the file that WATCHLINE_THRESHOLDS reads: the one in force with these points in it. "
        "threshold has the best balanced accuracy, or what --precision or --flagged ask for. alert_threshold is the "
        "lowest that at most --false-alarms of the negatives reach; a label that never alerts goes on so, unless "
        "--false-alarms is given. Positive is a row whose label holds. At least 20 positives and 20 negatives are "
        "needed, each in 5 groups; a label with fewer stays as it is.\n\n"
        "Prints figures before and after with 95 % intervals, and cross-validated: each row judged at a point that was "
        "chosen without its group. Those after are of the rows that chose the point, so likely too good.\n\n" + FORMAT,
        example="  watchline calibrate groundedness answers.jsonl.gz --out thresholds.toml\n"
        "  watchline calibrate toxicity posts.jsonl --out new.toml --precision 0.8 --prevalence 0.03",
    )
    add_arguments(parser)
    parser.add_argument("--out", metavar="TOML", type=Path, required=True, help="the file to write")
    parser.add_argument("--force", action="store_true", help="replace the file where there is one")
    rule = parser.add_mutually_exclusive_group()
    rule.add_argument("--precision", metavar="SHARE", type=share, help="lowest threshold of at least this precision")
    rule.add_argument(
        "--flagged", metavar="SHARE", type=share, help="lowest threshold that at most this share of negatives reaches"
    )
    parser.add_argument(
        "--false-alarms",
        metavar="SHARE",
        type=share,
        help=f"the share of negatives that may reach alert_threshold (default: {_FALSE_ALARMS:g})",
    )
    parser.add_argument(
        "--prevalence",
        metavar="SHARE",
        type=share,
        help="share of positives in production, where the labelled set has more: precision and the share flagged are "
        "reckoned for it",
    )


def run(args: argparse.Namespace) -> int:
    """Prints the figures and writes the file."""
    if args.out.exists() and not args.force:
        raise UsageError(f"{args.out} is there already: --force replaces it")
    if not args.out.absolute().parent.is_dir():
        raise UsageError(f"{args.out.parent}: no such folder")
    set_ = scored(args)
    from watchline.detectors.evaluation.operating_points import Rule, calibrate
    from watchline.detectors.thresholds import with_point
    from watchline.streams.settings import load

    detector = set_.detector
    only = len(detector.labels) == 1
    labels = [label for label in detector.labels if only or any(label in row.labels for row in set_.rows)]
    if not labels:
        raise ConfigurationError(f'{args.file}: no row says which label: {{"label": {{"{detector.labels[0]}": 1}}}}')
    in_force = load().thresholds
    text = in_force.read_text(encoding="utf-8") if in_force else ""
    out(f"{detector.name} {detector.version} on {set_.scorer.device}: {len(set_.rows):,} rows")
    for reason, count in Counter(each.reason for each in set_.predictions if each.score is None).most_common():
        out(f"not scored: {count:,} ({reason})")
    moved = False
    for label in labels:
        truth, scores, groups = _judged(set_, label, only)
        size = f"{len(truth):,} with score and label, {truth.sum():,} positive, {len(set(groups)):,} groups"
        out(f"\nlabel {label}: {size}")
        before = set_.scorer.thresholds.of(detector.name, label)
        alarms = args.false_alarms or (None if before.alert_threshold is None else _FALSE_ALARMS)
        rule = Rule(args.precision, args.flagged, alarms, args.prevalence)
        try:
            found = calibrate(truth, scores, groups, before, rule)
        except ConfigurationError as error:
            out(f"stays as it is: {error}")
            continue
        moved = True
        _print(found, rule, rule.prevalence or float(truth.mean()))
        _warn(found, rule, truth)
        comment = [
            f"watchline calibrate, {datetime.now(UTC):%Y-%m-%d}, version {detector.version}: {size}",
            "threshold: {}; alert_threshold: {}".format(*rule.words),
        ]
        text = with_point(text, detector.name, label, found.after, comment)
    if not moved:
        raise ConfigurationError(f"{args.file}: no operating point could be chosen; nothing is written")
    _write(text, args.out)
    out(f"\nwritten; use it by WATCHLINE_THRESHOLDS={safe(str(args.out))}")
    return 0


def _judged(set_: Scored, label: str, only: bool) -> tuple[Labels, Numbers, list[str]]:
    """Whether the label holds, its score and the group, of the rows that have both; `only`: there is no other label."""
    import numpy as np

    judged = [
        (truth, prediction.scores[label], row.group)
        for row, prediction in zip(set_.rows, set_.predictions, strict=True)
        if prediction.score is not None and (truth := row.holds(None if only else label)) is not None
    ]
    truths, scores, groups = zip(*judged, strict=True) if judged else ((), (), ())
    return np.array(truths, dtype=bool), np.array(scores, dtype=np.float64), list(groups)


def _print(found: Calibration, rule: Rule, positive: float) -> None:
    out("threshold: {}; alert_threshold: {}".format(*rule.words))
    points = {"before": found.before, "after": found.after}
    rows = []
    for name, title in FIGURES.items():
        cells = []
        for column, measured in found.measured.items():
            if name in ("threshold", "alert_threshold"):
                value = getattr(points.get(column), name, None)
                bounds = found.intervals.get(name) if column == "after" and value is not None else None
                cells += ["-" if value is None else f"{value:g}", interval(bounds)]
            else:
                cells += [number(measured.figures.get(name)), interval(measured.intervals.get(name))]
        if set(cells) - {"", "-"}:
            rows.append([title, *cells])
    write(["", *(cell for column in found.measured for cell in (column, "95 %"))], rows, "plain")
    out("after is of the rows that chose the point, so likely too good; cross-validated: other groups chose it")
    source = "--prevalence says" if rule.prevalence else "of these rows; --prevalence says how many are in production"
    out(f"precision and flagged are those where {100 * positive:.3g} % are positive, as {source}")


def _warn(found: Calibration, rule: Rule, truth: Labels) -> None:
    """What the figures can't tell."""
    negatives = int((~truth).sum())
    if min(negatives, len(truth) - negatives) < _FEW:
        out(f"few labels: with fewer than {_FEW} positives or negatives no share is known to a tenth")
    if found.unreached:
        out(f"in {found.unreached} folds no threshold fulfils the rule: cross-validated, their rows are not flagged")
    if rule.false_alarms is None:
        return
    if found.after.alert_threshold is None:
        out("the label never alerts: too many negatives have a score of 1")
    elif negatives * rule.false_alarms < 1:
        out(f"too few negatives to tell {100 * rule.false_alarms:g} % of them: {negatives:,}, of the "
            f"{1 / rule.false_alarms:,.0f} that it takes; alert_threshold is above them all")  # fmt: skip


def _write(text: str, path: Path) -> None:
    """The whole file or nothing, read back before it is in place."""
    from watchline.detectors.thresholds import Thresholds

    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_text(text, encoding="utf-8")
        Thresholds(new)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
