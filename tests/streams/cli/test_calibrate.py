"""`watchline calibrate`: points that a worker then judges by, in a file that lost nothing; clear errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from watchline.detectors import registry
from watchline.detectors.base import Detector, Embeddings, Evaluation, NotApplicable
from watchline.detectors.declarations import Declaration
from watchline.detectors.thresholds import OperatingPoint, Thresholds
from watchline.schemas.records import Interaction
from watchline.streams.cli.main import main
from watchline.streams.settings import load

pytestmark = pytest.mark.slow

OWN = '[pii.default]\nthreshold = 0.6  # ours\n\n[stated.first]\nthreshold = 0.5\nseverity = "high"\n'


class Stated(Detector[str]):
    """Says what the answer says: the probability of its one label."""

    name = "stated"
    labels: tuple[str, ...] = ("first",)
    VERSION = "1"
    uses_encoder = False
    on_device = False

    def prepare(self, interaction: Interaction) -> str | NotApplicable:
        return interaction.output or NotApplicable("no output")

    def evaluate(self, batch: Sequence[str], embeddings: Embeddings) -> Sequence[Evaluation]:
        return [Evaluation(dict(zip(self.labels, map(float, text.split()), strict=True))) for text in batch]


class StatedTwice(Stated):
    """The same for two labels."""

    labels = ("first", "second")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Operating points in force; those of the detector `stated` are among them."""
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    monkeypatch.setenv("WATCHLINE_THRESHOLDS", str(path))
    declare(monkeypatch, Stated)
    return path


def declare(monkeypatch: pytest.MonkeyPatch, detector: type[Stated]) -> None:
    declared = Declaration("stated", f"{__name__}:{detector.__name__}", detector.labels)
    monkeypatch.setitem(registry.DETECTORS, "stated", declared)


def written(folder: Path, *rows: Mapping[str, Any]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def rows() -> list[dict[str, Any]]:
    """Positives from .3 to .89, negatives from .01 to .4."""
    positives = [{"output": str(0.3 + place / 100), "label": 1} for place in range(60)]
    return [*positives, *({"output": str((place + 1) / 100), "label": 0} for place in range(40))]


def calibrate(*arguments: str | Path) -> int:
    return main(["calibrate", "stated", *map(str, arguments)])


def test_a_worker_judges_by_the_points_that_were_written(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, out = written(tmp_path, *rows()), tmp_path / "new.toml"
    assert calibrate(file, "--out", out, "--flagged", "0.05", "--false-alarms", "0.025") == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == f"written; use it by WATCHLINE_THRESHOLDS={out}"
    monkeypatch.setenv("WATCHLINE_THRESHOLDS", str(out))
    thresholds = Thresholds(load().thresholds)
    # Of 40 negatives one is at .39 and one at .40.
    assert thresholds.of("stated", "first") == OperatingPoint(0.385, 0.395, "high")
    assert thresholds.of("pii", "PERSON").threshold == 0.6
    assert thresholds.of("groundedness", "unsupported") == Thresholds().of("groundedness", "unsupported")
    text = out.read_text()
    assert "threshold = 0.6  # ours" in text
    assert re.search(
        r"\[stated.first\]\n# watchline calibrate, \d{4}-\d\d-\d\d, version 1-.*: 100 with .*, 60 pos", text
    )
    assert "# threshold: at most 5 % of negatives; alert_threshold: at most 2.5 % of negatives" in text
    assert main(["evaluate", "stated", str(file), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    shown = {cells[0]: cells[1:] for cells in (re.split(r"  +", line) for line in printed.splitlines())}
    for name, title in (("precision", "precision"), ("recall", "recall"), ("recall_at_alert", "recall at alert")):
        assert f"{figures[name]:.3f}" in shown[title]
    assert figures["false_positive_rate"] == pytest.approx(0.05)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_table_and_what_it_cannot_tell(own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--prevalence", "0.03", "--precision", "0.1", "--false-alarms", "0.005")
    file = written(tmp_path, *rows(), {"output": "", "label": 1})
    assert calibrate(file, "--out", tmp_path / "new.toml", *arguments) == 0
    printed = capsys.readouterr().out
    for words in (
        "101 rows", "not scored: 1 (not_applicable: no output)",
        "label first: 100 with score and label, 60 positive, 100 groups",
        "threshold: lowest of at least 10 % precision where 3 % are positive; alert_threshold: at most 0.5 % of neg",
        "before", "after", "cross-validated", "precision where 1% are positive", "precision at alert where 20% are pos",
        "after is of the rows that chose the point", "those where 3 % are positive, as --prevalence says",
        "few labels: with fewer than 100", "too few negatives to tell 0.5 % of them: 40, of the 200",
    ):  # fmt: skip
        assert words in printed, words


def test_a_label_that_never_alerts_goes_on_so(own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, *rows())
    assert calibrate(file, "--out", tmp_path / "new.toml") == 0
    assert "alert_threshold: never" in capsys.readouterr().out
    assert Thresholds(tmp_path / "new.toml").of("stated", "first").alert_threshold is None
    own.write_text(OWN + "alert_threshold = 0.7\n")
    assert calibrate(file, "--out", tmp_path / "other.toml") == 0
    # Of 40 negatives none may reach it: .005 of them is less than one.
    alert = Thresholds(tmp_path / "other.toml").of("stated", "first").alert_threshold
    assert alert is not None and 0.4 < alert < 0.41
    capsys.readouterr()
    certain = written(tmp_path, *rows(), *({"output": "1", "label": 0} for _ in range(3)))
    assert calibrate(certain, "--out", tmp_path / "never.toml") == 0
    assert "the label never alerts: too many negatives have a score of 1" in capsys.readouterr().out
    assert Thresholds(tmp_path / "never.toml").of("stated", "first").alert_threshold is None


def test_labels_with_too_few_rows_stay_as_they_are(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(monkeypatch, StatedTwice)
    own.write_text(OWN + "\n[stated.second]\nthreshold = 0.25\n")
    # Where no label holds, `first` doesn't; where it isn't known which does, nothing is known of it.
    some = [{"output": f"{0.5 + place / 100} 0.1", "label": {"first": 1}} for place in range(20)]
    some += [{"output": f"{place / 100} 0.1", "label": 0} for place in range(1, 21)]
    some += [{"output": "0.1 0.9", "label": 1}, {"output": "0.1 0.9", "label": {"second": 1}}]
    assert calibrate(written(tmp_path, *some), "--out", tmp_path / "new.toml") == 0
    printed = capsys.readouterr().out
    assert "label first: 40 with score and label, 20 positive" in printed
    assert "stays as it is: too few labels: 1 positive in 1 groups; at least 20 in 5 are needed" in printed
    thresholds = Thresholds(tmp_path / "new.toml")
    assert thresholds.of("stated", "first") == OperatingPoint(0.35, None, "high")
    assert thresholds.of("stated", "second") == OperatingPoint(0.25)


def test_rows_that_do_not_say_which_label_holds_are_refused(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(monkeypatch, StatedTwice)
    own.write_text("[stated.default]\nthreshold = 0.5\n")
    assert calibrate(written(tmp_path, {"output": "0.1 0.1", "label": 1}), "--out", tmp_path / "new.toml") == 1
    assert 'no row says which label: {"label": {"first": 1}}' in capsys.readouterr().err


def test_nothing_is_written_where_no_point_can_be_chosen(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(written(tmp_path, *rows()[:50]), "--out", tmp_path / "new.toml") == 1
    said = capsys.readouterr()
    assert "too few labels: 0 negative in 0 groups" in said.out
    assert "no operating point could be chosen; nothing is written" in said.err
    assert not (tmp_path / "new.toml").exists()


def test_a_file_that_is_there_is_replaced_with_force_alone(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, *rows())
    assert calibrate(file, "--out", own) == 2
    assert "is there already: --force replaces it" in capsys.readouterr().err
    assert own.read_text() == OWN
    assert calibrate(file, "--out", own, "--force") == 0
    assert Thresholds(own).of("stated", "first").threshold != 0.5
    assert Thresholds(own).of("pii", "PERSON").threshold == 0.6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--precision", "0.8", "--flagged", "0.02"], "not allowed with"),
        (["--precision", "80"], "'80' is not a number above 0 and below 1"),
        (["--prevalence", "few"], "'few' is not a number"),
        (["--false-alarms", "0"], "'0' is not a number"),
        (["--flagged", "nan"], "'nan' is not a number"),
    ],
)
def test_wrong_use_is_exit_code_2(
    arguments: Sequence[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(tmp_path / "rows.jsonl", "--out", tmp_path / "new.toml", *arguments) == 2
    assert message in capsys.readouterr().err


def test_a_folder_that_is_not_there_and_no_file_are_usage_errors(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(tmp_path / "none.jsonl", "--out", tmp_path / "none" / "new.toml") == 2
    assert "no such folder" in capsys.readouterr().err
    assert calibrate(tmp_path / "none.jsonl", "--out", tmp_path / "new.toml") == 2
    assert "none.jsonl: no such file" in capsys.readouterr().err
