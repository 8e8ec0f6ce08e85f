"""The labelled set as a file, the metrics, and spans through redaction."""

from __future__ import annotations

import gzip
import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, precision_score, recall_score

from watchline.detectors.evaluation import baselines, metrics
from watchline.detectors.evaluation.labelled import LabelledAnswer, read
from watchline.detectors.evaluation.predictions import Prediction, _original
from watchline.detectors.evaluation.report import report
from watchline.detectors.thresholds import OperatingPoint
from watchline.schemas.errors import ConfigurationError

pytestmark = pytest.mark.slow

WHOLE = {
    "id": "a", "group": "g", "slices": {"task": "qa", "turn": 2}, "input": "How long?", "documents": ["30 days."],
    "output": "90 days.", "label": {"hate": 1}, "spans": [[0, 2, "hate"]],
}  # fmt: skip
DICE = np.random.default_rng(3)


def written(folder: Path, *rows: Any, zipped: bool = False) -> Path:
    path = folder / "rows.jsonl"
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
    return path


@pytest.mark.parametrize("zipped", [False, True])
def test_a_row_is_read_whole(zipped: bool, tmp_path: Path) -> None:
    path = written(tmp_path, WHOLE, "", {"output": "Yes.", "label": 0}, zipped=zipped)
    first, second = read(path, ["hate", "insult"])
    assert first == LabelledAnswer(
        "a", "g", "How long?", ("30 days.",), "90 days.", True, {"hate": True}, {"task": "qa", "turn": "2"},
        ((0, 2, "hate"),),
    )  # fmt: skip
    assert second == LabelledAnswer("3", "3", "", (), "Yes.", False)


def test_what_is_left_out_of_a_label_is_not_known(tmp_path: Path) -> None:
    some = [{"output": "x", "label": label} for label in ({"hate": 0}, {"hate": 0, "insult": 0}, {"insult": 1})]
    rows = read(written(tmp_path, *some), ["hate", "insult"])
    assert [row.label for row in rows] == [None, False, True]
    assert [row.holds("insult") for row in rows] == [None, False, True]


def test_where_no_label_holds_none_of_them_does_and_where_some_do_which_is_not_known(tmp_path: Path) -> None:
    none, some = read(written(tmp_path, {"output": "x", "label": 0}, {"output": "y", "label": 1}), ["hate", "insult"])
    assert (none.holds(None), none.holds("hate")) == (False, False)
    assert (some.holds(None), some.holds("hate")) == (True, None)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "Expecting"),
        ("[1]", "not a JSON object"),
        ("[" * 100_000, "recursion"),
        ({"label": 1}, "output: missing"),
        ({"output": 3, "label": 1}, "output: not a text"),
        ({"output": "x"}, "label"),
        ({"output": "x", "label": 2}, "label"),
        ({"output": "x", "label": 0.0}, "label"),
        ({"output": "x", "label": "1"}, "label"),
        ({"output": "x", "label": {}}, "label"),
        ({"output": "x", "label": {"nope": 1}}, "no 'nope'; it has hate, insult"),
        ({"output": "x", "label": {"hate": None}}, "hate is neither 0 nor 1"),
        ({"output": "x", "label": 1, "documents": "text"}, "documents"),
        ({"output": "x", "label": 1, "slices": {"task": []}}, "slices"),
        ({"output": "x", "label": 1, "spans": [[0, 2, "a"]]}, r"\[0, 2\] is no part of an output of 1 "),
        ({"output": "x", "label": 1, "spans": [[1, 0, "a"]]}, "spans"),
        ({"output": "x", "label": 1, "spans": [["0", 1, "a"]]}, "spans"),
        ({"output": "x", "label": 1, "id": "first"}, "'first' stands in an earlier line"),
    ],
)
def test_a_bad_line_is_named(line: Any, message: str, tmp_path: Path) -> None:
    path = written(tmp_path, {"output": "x", "label": 1, "id": "first"}, line)
    with pytest.raises(ConfigurationError, match=rf"rows.jsonl, line 2: .*{message}"):
        read(path, ["hate", "insult"])


def test_a_file_that_is_empty_or_broken_off_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no rows"):
        read(written(tmp_path), ["hate"])
    path = written(tmp_path, WHOLE, WHOLE | {"id": "b"}, zipped=True)
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(ConfigurationError, match="broken off"):
        read(path, ["hate"])


def test_decisions_are_what_scikit_learn_says() -> None:
    truth, flagged = DICE.random(200) < 0.3, DICE.random(200) < 0.4
    assert metrics.decisions(truth, flagged) == pytest.approx(
        {
            "f1": f1_score(truth, flagged),
            "macro_f1": f1_score(truth, flagged, average="macro"),
            "accuracy": accuracy_score(truth, flagged),
            "balanced_accuracy": balanced_accuracy_score(truth, flagged),
            "precision": precision_score(truth, flagged),
            "recall": recall_score(truth, flagged),
            "false_positive_rate": 1 - recall_score(~truth, ~flagged),
        }
    )


def test_spans_of_all_rows_and_row_by_row() -> None:
    # In both, found, true: half right; nothing where there is nothing; missed; not known.
    counts = np.array([[2, 4, 4], [0, 0, 0], [0, 0, 8], [np.nan, np.nan, np.nan]])
    assert metrics.span_f1(counts) == 2 * 2 / (4 + 12)
    assert metrics.mean_span_f1(counts) == pytest.approx((0.5 + 1 + 0) / 3)


def test_what_cannot_be_computed_is_none() -> None:
    truth = np.ones(3, dtype=bool)
    assert metrics.auroc(truth, np.arange(3.0)) is None
    assert metrics.decisions(truth, truth)["false_positive_rate"] is None
    assert metrics.brier_skill(truth, np.ones(3)) is None
    assert metrics.span_f1(np.zeros((3, 3))) is None
    assert metrics.mean_span_f1(np.full((2, 3), np.nan)) is None
    assert metrics.auroc_within(truth, np.arange(3.0), ["a", "b", "c"]) is None


def test_auroc_within_parts_counts_pairs_of_the_same_part() -> None:
    truth, scores = DICE.random(60) < 0.4, DICE.integers(0, 9, 60).astype(float)
    parts = [str(part) for part in DICE.integers(0, 4, 60)]
    pairs = [
        (scores[a] > scores[b]) + 0.5 * (scores[a] == scores[b])
        for a, b in product(np.flatnonzero(truth), np.flatnonzero(~truth))
        if parts[a] == parts[b]
    ]
    assert metrics.auroc_within(truth, scores, parts) == pytest.approx(np.mean(pairs))


def test_precision_at_a_prevalence() -> None:
    # Of 10,000 events, 100 are positive, of which 80 are flagged; so are 99 of the others.
    assert metrics.precision_at(0.01, 0.8, 0.01) == pytest.approx(80 / 179)


def test_calibration() -> None:
    truth = np.array([True, False, True, False])
    assert metrics.expected_calibration_error(truth, np.array([0.85, 0.85, 0.15, 0.15])) == pytest.approx(0.35)
    assert metrics.brier_skill(truth, np.full(4, 0.5)) == 0
    assert metrics.brier_skill(truth, truth.astype(float)) == 1


def test_an_interval_draws_groups_whole_and_is_the_same_again() -> None:
    values = DICE.random(90)
    one_group = metrics.interval(lambda rows: {"mean": float(values[rows].mean())}, ["g"] * 90, seed=1)
    assert one_group["mean"] == pytest.approx((values.mean(), values.mean()))
    groups = [str(row // 3) for row in range(90)]

    def thirds(rows: Any) -> dict[str, float | None]:
        assert all(list(rows).count(row) == list(rows).count(row - row % 3) for row in rows)
        return {"mean": float(values[rows].mean()), "never": None}

    low, high = metrics.interval(thirds, groups, seed=1, draws=50)["mean"]
    assert low < values.mean() < high
    assert metrics.interval(thirds, groups, seed=1, draws=50) == {"mean": (low, high)}


def test_baselines() -> None:
    rows = [
        LabelledAnswer(
            "1", "1", "", ("Parcels leave the warehouse on Monday.",), "The parcels leave on Monday.", False
        ),
        LabelledAnswer("2", "2", "How tall is the tower?", (), "The tower is green.", True),
        LabelledAnswer("3", "3", "", (), "...", True),
    ]
    assert list(baselines.length(rows)) == [28, 19, 3]
    assert list(baselines.novelty(rows)) == [0, 0.5, 0]


@pytest.mark.parametrize(
    ("text", "redacted", "stretch", "expected"),
    [
        ("Nothing here.", "Nothing here.", "here", "here"),
        ("Jane Doe went home.", "[PERSON_1] went home.", "went home.", "went home."),
        ("Jane Doe went home.", "[PERSON_1] went home.", "SON_1] went", "Jane Doe went"),
        ("Ask Jane Doe.", "Ask [PERSON_1].", "Ask [PER", "Ask Jane Doe"),
        ("Ask Jane Doe at jane@doe.example now.", "Ask [PERSON_1] at [EMAIL_ADDRESS_1] now.", " at ", " at "),
        ("Ask Jane Doe at jane@doe.example now.", "Ask [PERSON_1] at [EMAIL_ADDRESS_1] now.", "now.", "now."),
        ("Jane Doe", "[PERSON_1]", "[PERSON_1]", "Jane Doe"),
    ],
)
def test_spans_into_redacted_text_are_those_of_the_text(text: str, redacted: str, stretch: str, expected: str) -> None:
    start = redacted.index(stretch)
    first, last = _original(text, redacted, start, start + len(stretch))
    assert text[first:last] == expected


def test_a_report_of_several_labels() -> None:
    rows = [
        LabelledAnswer(
            "1", "1", "", (), "a" * 10, True, {"hate": True}, {"from": "x"}, ((0, 4, "hate"), (8, 10, "insult"))
        ),
        LabelledAnswer("2", "2", "", (), "b" * 5, False, {"hate": False, "insult": False}, {"from": "x"}, ()),
        LabelledAnswer("3", "3", "", (), "c" * 7, True, {"insult": True}, {"from": "y"}),
        LabelledAnswer("4", "4", "", (), "d", True),
    ]

    def prediction(hate: float, insult: float, *spans: tuple[int, int, str, float]) -> Prediction:
        scores = {"hate": hate, "insult": insult}
        return Prediction(max(hate, insult), scores, hate >= 0.5 or insult >= 0.3, hate >= 0.9, spans)

    predictions = [
        prediction(0.95, 0.1, (0, 4, "hate", 0.95), (4, 8, "hate:kind", 0.95)),
        prediction(0.2, 0.35),
        prediction(0.1, 0.3),
        Prediction(None, reason="not_applicable: no text"),
    ]
    points = {"hate": OperatingPoint(0.5, 0.9), "insult": OperatingPoint(0.3)}
    found = report(rows, predictions, 2.0, points)
    assert (found["rows"], found["n"], found["positives"]) == (4, 3, 2)
    assert found["items_per_second"] == 2
    assert found["not_scored"] == {"not_applicable: no text": 1}
    assert found["threshold"] is None
    assert found["auroc"] == 0.5
    assert found["false_positive_rate"] == 1
    assert found["recall_at_alert"] == 0.5
    assert found["span_f1"] == 2 * 4 / (8 + 6)
    assert found["slices"]["from"]["x"]["n"] == 2
    assert found["auroc_within"] == {"from": 1.0}
    hate, insult = found["labels"]["hate"], found["labels"]["insult"]
    assert (hate["n"], hate["auroc"], hate["threshold"], hate["alert_threshold"]) == (2, 1.0, 0.5, 0.9)
    assert hate["f1"] == 1
    assert hate["span_f1"] == 2 * 4 / (8 + 4)
    assert 0 < hate["mean_span_f1"] <= 1
    assert (insult["n"], insult["auroc"], insult["alert_threshold"]) == (2, 0.0, None)
    assert insult["recall_at_alert"] is None
