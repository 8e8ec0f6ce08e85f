"""Figures of a model card, and where the operating points come from."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from safetensors.numpy import save_file
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from watchline.detectors.evaluation.metrics import Labels, expected_calibration_error
from watchline.detectors.runtime.weights import weights_folder
from watchline.detectors.training.harm.blending import LEAST_FLAGGED, OutOfFold, Tensors, by_source
from watchline.detectors.training.harm.corpora import ORDINARY, Example

_GRID = np.linspace(0.05, 0.95, 91)
_FLAGGED, _ALERTED = 0.01, 0.0005  # of benign windows at most
_MOST_FLAGGED = 0.5  # few positives may seem best told by a point that hardly flags any
_LEAST_ALERTED = 0.6


def operating_point(judged: OutOfFold, ordinary: Labels) -> tuple[float, float]:
    """(threshold, alert threshold), in hundredths.

    The first has the best macro-F1 among those up to 0.5 that flag at most 1 % of the ordinary windows, or is the
    lowest that does; the second lets through at most 0.05 % of them: a response has several windows and labels. Neither
    is below 0.3 and 0.6.
    """
    known = ~np.isnan(judged.truth)
    benign = judged.probability[ordinary]
    allowed = [point for point in _GRID if point >= LEAST_FLAGGED and (benign >= point).mean() <= _FLAGGED] or [
        _GRID[-1]
    ]
    truth, probability = judged.truth[known] == 1, judged.probability[known]
    balanced = [point for point in allowed if point <= _MOST_FLAGGED] or allowed[:1]
    threshold = max(balanced, key=lambda point: f1_score(truth, probability >= point, average="macro"))
    alert = max(threshold, _LEAST_ALERTED, float(np.quantile(benign, 1 - _ALERTED)))
    return round(float(threshold), 2), min(0.99, float(np.ceil(round(alert * 100, 6)) / 100))


def table(
    examples: Sequence[Example], judged: Mapping[str, OutOfFold], points: Mapping[str, tuple[float, float]]
) -> str:
    """A Markdown table, a row for each label and source that has both answers."""
    lines = [
        "| label | source | n | positive | AUROC | n-grams alone | multitask model alone "
        "| average precision | macro-F1 | recall | recall at alert | ECE |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    sources = np.array([example.source for example in examples])
    for label, of_label in judged.items():
        for source, (truth, probability) in by_source(examples, of_label).items():
            if not 0 < truth.sum() < len(truth):
                continue
            rows = (sources == source) & ~np.isnan(of_label.truth)
            threshold, alert = points[label]
            figures = [
                roc_auc_score(truth, probability),
                roc_auc_score(truth, of_label.ngram_score[rows]),
                roc_auc_score(truth, of_label.multitask_score[rows]),
                average_precision_score(truth, probability),
                f1_score(truth, probability >= threshold, average="macro"),
                (probability[truth] >= threshold).mean(),
                (probability[truth] >= alert).mean(),
                expected_calibration_error(truth, probability),
            ]
            lines.append(
                f"| {label} | {source} | {len(truth)} | {int(truth.sum())} | "
                + " | ".join(f"{figure:.3f}" for figure in figures)
                + " |"
            )
    return "\n".join(lines)


def skipped(examples: Sequence[Example], judged: Mapping[str, OutOfFold]) -> str:
    """What the n-grams spare the multitask model, in words."""
    clear = next(iter(judged.values())).clear
    sources = np.array([example.source for example in examples[: len(clear)]])
    shares = {source: clear[sources == source].mean() for source in ORDINARY if (sources == source).any()}
    total = clear[np.isin(sources, ORDINARY)].mean()
    said = (
        f"The multitask model reads what the n-grams don't find clearly harmless. They clear {total:.0%} of "
        "ordinary texts ("
        f"{', '.join(f'{source} {share:.0%}' for source, share in shares.items())}), and one in a thousand "
        "of those that might be flagged. The figures below are with that."
    )
    return textwrap.fill(said, 120)


def points_table(points: Mapping[str, tuple[float, float]]) -> str:
    """A Markdown table of the operating points."""
    rows = "\n".join(f"| {label} | {threshold:.2f} | {alert:.2f} |" for label, (threshold, alert) in points.items())
    return f"| label | threshold | alert_threshold |\n|---|---|---|\n{rows}"


def save(name: str, tensors: Tensors) -> None:
    """The shipped weights of a detector, replaced."""
    folder = weights_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors")


def with_hand_written(old: str, new: str) -> str:
    """A new card with those sections of the old one that it lacks, each before the one that followed it.

    Examples
    --------
    >>> print(with_hand_written("# A\\n\\n## B\\n\\nby hand\\n\\n## C\\n\\n1\\n", "# A\\n\\n## C\\n\\n2\\n"), end="")
    # A
    <BLANKLINE>
    ## B
    <BLANKLINE>
    by hand
    <BLANKLINE>
    ## C
    <BLANKLINE>
    2
    """
    head, *sections = _sections(new)
    for section in reversed(_sections(old)[1:]):
        titles = [_title(each) for each in sections]
        if _title(section) not in titles:
            place = titles.index(follower) if (follower := _follower(old, section)) in titles else len(sections)
            sections.insert(place, section)
    return "\n\n".join(part.strip() for part in (head, *sections)) + "\n"


def _sections(card: str) -> list[str]:
    return re.split(r"^(?=## )", card, flags=re.MULTILINE)


def _title(section: str) -> str:
    return section.partition("\n")[0].strip()


def _follower(card: str, section: str) -> str | None:
    titles = [_title(each) for each in _sections(card)] + [None]
    return titles[titles.index(_title(section)) + 1]


def read(name: str) -> str:
    """The model card beside the weights."""
    return (weights_folder(name) / "card.md").read_text("utf-8")


def write(name: str, card: str) -> None:
    """The model card beside the weights."""
    (weights_folder(name) / "card.md").write_text(card, encoding="utf-8")
    print(card)
