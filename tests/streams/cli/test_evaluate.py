"""`watchline evaluate`: figures that its own predictions bear out, a table, clear errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from tests.detectors.huggingface import tiny_models
from watchline.detectors import registry
from watchline.detectors.declarations import Declaration
from watchline.streams.cli.main import main

pytestmark = pytest.mark.slow

FACTS = {
    "Parcels": "Parcels leave the warehouse on Monday morning and arrive within three days.",
    "Returns": "Returns are accepted within 30 days and the refund is paid to the same card.",
    "Opening": "The shop opens at nine and closes at six, except on Sunday, when it stays closed.",
    "Warranty": "The warranty covers the motor for five years and the battery for two.",
}
INVENTED = "Our office in Lisbon has won an award for its blue elephants."


def labelled() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name, fact in FACTS.items():
        common: dict[str, Any] = {"group": name, "input": f"What about {name.lower()}?", "documents": [fact]}
        rows.append(
            {**common, "id": f"{name}-1", "output": fact, "label": 0, "spans": [], "slices": {"made": "copied"}}
        )
        output = f"{fact} {INVENTED}"
        marked = [[len(fact) + 1, len(output), "invented"]]
        rows.append({**common, "id": f"{name}-2", "output": output, "label": 1, "spans": marked})
    return [*rows, {"id": "alone", "output": "Nothing to hold it against.", "label": 1}]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in labelled()))
    return path


def test_the_figures_are_those_of_the_predictions(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "predictions.jsonl"
    assert main(["evaluate", "groundedness", str(file), "--json", "--predictions", str(out)]) == 0
    figures = json.loads(capsys.readouterr().out)
    predictions = {each["id"]: each for each in map(json.loads, out.read_text().splitlines())}
    assert list(predictions) == [row["id"] for row in labelled()]
    assert predictions["alone"] == {"id": "alone", "score": None, "reason": "not_applicable: no documents"}
    assert figures["not_scored"] == {"not_applicable: no documents": 1}
    rows = labelled()[:-1]
    truth, scores = [row["label"] for row in rows], [predictions[row["id"]]["score"] for row in rows]
    flagged = [score >= figures["threshold"] for score in scores]
    assert figures["n"] == len(rows)
    assert figures["auroc"] == pytest.approx(roc_auc_score(truth, scores))
    assert figures["auroc"] > 0.9
    assert figures["auprc"] == pytest.approx(average_precision_score(truth, scores))
    assert figures["f1"] == pytest.approx(f1_score(truth, flagged))
    both = found = true = 0
    for row in rows:
        ours = {place for start, end, *_ in predictions[row["id"]]["spans"] for place in range(start, end)}
        theirs = {place for start, end, _ in row["spans"] for place in range(start, end)}
        both, found, true = both + len(ours & theirs), found + len(ours), true + len(theirs)
    assert figures["span_f1"] == pytest.approx(2 * both / (found + true))
    assert figures["items_per_second"] > 0
    assert set(figures["baselines"]) == {"base_rate", "length", "word_overlap", "no_documents"}
    assert figures["slices"]["made"]["copied"]["positives"] == 0
    assert figures["slices"]["made"]["copied"]["auroc"] is None
    low, high = figures["intervals"]["auroc"]
    assert low <= figures["auroc"] <= high


def test_the_model_in_force_is_measured(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, settings = tiny_models.stand_in("groundedness by an NLI model", tmp_path / "model")
    (detector,) = registry.load([name], {name: settings})
    monkeypatch.setenv("WATCHLINE_MODELS", json.dumps({name: {"model": settings.model}}))
    assert main(["evaluate", name, str(file), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["version"], figures["n"]) == (detector.version, 8)
    assert figures["auroc"] == 0.5  # no document has the one word that this model knows


def test_a_detector_is_measured_from_its_declaration_on(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["evaluate", "politeness", str(file)]) == 2
    assert "no detector 'politeness'; there are pii, groundedness" in capsys.readouterr().err
    declared = Declaration("politeness", "tests.detectors.test_registry:Politeness", ("rude",))
    monkeypatch.setitem(registry.DETECTORS, "politeness", declared)
    points = tmp_path / "points.toml"
    points.write_text("[politeness.rude]\nthreshold = 0.5\n")
    monkeypatch.setenv("WATCHLINE_THRESHOLDS", str(points))
    assert main(["evaluate", "politeness", str(file), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["detector"], figures["version"][:2], figures["n"]) == ("politeness", "3-", 9)


def test_the_table(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "groundedness", str(file)]) == 0
    printed = capsys.readouterr().out
    for words in (
        "9 rows", "not scored: 1 (not_applicable: no documents)", "8 with score and label, 4 positive, 4 groups",
        "threshold 0.", "AUROC", "word overlap", "no documents", "precision where 5% are positive", "copied",
        "pairs of the same made",
    ):  # fmt: skip
        assert words in printed, words


def test_several_labels_and_redaction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"id": "1", "output": "Ask Jane Doe, you stupid worthless idiot.", "label": {"insult": 1}},
        {"id": "2", "output": "Ask Jane Doe about the parcel.", "label": {"insult": 0, "hate": 0}},
        {"id": "3", "output": "12345 67890", "label": 0},
    ]
    file, out = tmp_path / "rows.jsonl", tmp_path / "predictions.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    assert main(["evaluate", "toxicity", str(file), "--json", "--redact", "--predictions", str(out)]) == 0
    figures = json.loads(capsys.readouterr().out)
    first, *_ = map(json.loads, out.read_text().splitlines())
    assert set(first["score"]) == {"hate", "violence", "sexual", "self_harm", "insult", "sexism"}
    assert set(figures["labels"]) == {"hate", "insult"}
    assert figures["labels"]["insult"]["auroc"] == 1
    assert figures["labels"]["hate"]["auroc"] is None
    assert all(0 <= start < end <= len(rows[0]["output"]) for start, end, *_ in first["spans"])


def test_a_bad_line_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"output": "x", "label": 1}\n{"output": "x"}\n')
    assert main(["evaluate", "groundedness", str(file)]) == 1
    assert f"{file}, line 2: label" in capsys.readouterr().err


def test_no_such_file_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "groundedness", str(tmp_path / "none")]) == 2
    assert "no such file" in capsys.readouterr().err


def test_an_unknown_detector_is_a_usage_error(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "nope", str(file)]) == 2
    assert "there are pii, groundedness" in capsys.readouterr().err


def test_nothing_scored_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"output": "No documents here.", "label": 1}\n')
    assert main(["evaluate", "groundedness", str(file)]) == 1
    assert "no row has both a score and a label" in capsys.readouterr().err
