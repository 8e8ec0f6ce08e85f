"""A labelled set on the command line: its arguments, and its rows scored as a worker would."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchline.streams.cli.arguments import UsageError
from watchline.streams.cli.output import progress

if TYPE_CHECKING:
    from watchline.detectors.base import Detector
    from watchline.detectors.evaluation.labelled import LabelledAnswer
    from watchline.detectors.evaluation.predictions import Prediction
    from watchline.detectors.pii.redactor import Redactor
    from watchline.detectors.scorer import Scorer

FORMAT = """FILE has one JSON object a line, gzipped or not; all but output and label may be left out:
  {"id": "a1", "group": "source-7", "slices": {"task": "qa"}, "input": "How long?", "documents": ["30 days."],
   "output": "90 days.", "label": 1, "spans": [[0, 7, "unsupported"]]}
label may be an object, {"hate": 1, "insult": 0}, in which a label left out is unknown; 0 alone says that none holds.
Spans are code points into output. Rows of one group (a source, a post) aren't taken for independent. Slices get figures
of their own."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A labelled set and what the detector says of it, a prediction for each row."""

    detector: Detector[Any]
    scorer: Scorer
    redactor: Redactor
    rows: list[LabelledAnswer]
    predictions: list[Prediction]
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds DETECTOR, FILE and `--redact`."""
    parser.add_argument("detector", metavar="DETECTOR", help="its name, as in WATCHLINE_DETECTORS")
    parser.add_argument("file", metavar="FILE", type=Path, help="the labelled set")
    parser.add_argument("--redact", action="store_true", help="replace personal data first, as a worker does")


def scored(args: argparse.Namespace) -> Scored:
    """Scores the rows by the model in force.

    Raises
    ------
    UsageError
        There is no such detector or file.
    ConfigurationError
        A line isn't in the format; or the settings are wrong.
    """
    from watchline.detectors import registry
    from watchline.detectors.declarations import DETECTORS
    from watchline.streams.settings import load

    settings = load()
    if args.detector not in DETECTORS:
        raise UsageError(f"no detector {args.detector!r}; there are {', '.join(DETECTORS)}")
    if not args.file.is_file():
        raise UsageError(f"{args.file}: no such file")
    from watchline.detectors.evaluation import labelled
    from watchline.detectors.evaluation.predictions import predict
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
    return Scored(detector, scorer, redactor, rows, predictions, seconds)


def number(value: float | None, digits: int = 3) -> str:
    """A figure in a table; "-" where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def interval(bounds: tuple[float, float] | None) -> str:
    """An interval in a table; empty where there is none."""
    return f"{bounds[0]:.3f}-{bounds[1]:.3f}" if bounds else ""
