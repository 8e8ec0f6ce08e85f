"""A detector is declared once: what else stands of it, in files that code can't make, says the same."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.detectors.redacted import redacted
from watchline.detectors import registry
from watchline.detectors.base import Detector, Embeddings, Evaluation
from watchline.detectors.declarations import Declaration
from watchline.detectors.pii.redactor import Redactor
from watchline.detectors.runtime.weights import weights_folder
from watchline.detectors.scorer import Scored, Scorer
from watchline.detectors.thresholds import SHIPPED
from watchline.schemas.errors import ConfigurationError
from watchline.schemas.records import Interaction, Message

pytestmark = pytest.mark.slow

README = Path(__file__).parents[2] / "detectors" / "README.md"


class Politeness(Detector[str]):
    """Finds the word "please" missing."""

    name = "politeness"
    labels = ("rude",)
    VERSION = "3"
    uses_encoder = False
    on_device = False

    def prepare(self, interaction: Interaction) -> str:
        return interaction.input

    def evaluate(self, batch: Sequence[str], embeddings: Embeddings) -> Sequence[Evaluation]:
        return [Evaluation({"rude": float("please" not in text)}) for text in batch]


def test_operating_points_are_those_of_declared_labels() -> None:
    sections = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))
    del sections["version"]
    assert sections.keys() == registry.DETECTORS.keys()
    for name, declared in registry.DETECTORS.items():
        assert set(sections[name]) <= {*declared.labels, "default"}
        assert set(declared.labels) <= set(sections[name]) or "default" in sections[name]


def test_folders_of_weights_are_those_of_declared_detectors() -> None:
    detectors = registry.load(list(registry.DETECTORS))
    read = {name for detector in detectors for name in (detector.name, *detector.shared_weights)}
    folders = {path.parent for path in weights_folder("pii").parent.glob("*/*.safetensors")}
    assert {folder.name for folder in folders} == read
    assert all((folder / "card.md").is_file() for folder in folders)


def test_the_table_in_the_readme_is_of_declared_detectors_and_labels() -> None:
    (table,) = re.findall(
        r"^\| detector \|.*\n\|[-|]+\n((?:\|.*\n)+)", README.read_text(encoding="utf-8"), re.MULTILINE
    )
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()]
    assert [row[0].strip("`") for row in rows] == list(registry.DETECTORS)
    for name, _, labels, *_ in rows:
        declared = registry.DETECTORS[name.strip("`")].labels
        said = re.findall(r"`(\w+)`", labels)
        assert said == [label for label in declared if label in said]
        assert len(said) == len(declared) or "presidio's entity names" in labels


def test_module_declaration_and_operating_point_make_a_detector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = Declaration("politeness", f"{__name__}:Politeness", Politeness.labels)
    monkeypatch.setitem(registry.DETECTORS, "politeness", declared)
    points = tmp_path / "points.toml"
    points.write_text("[politeness.rude]\nthreshold = 0.5\n")
    scorer = Scorer(registry.load(["politeness"]), device="cpu", thresholds=points)
    assert scorer.planned["politeness"].startswith("3-")
    interaction = Interaction(event_id="1", time=1, app="test", input_messages=(Message("user", "Tell me now."),))
    (scored,) = scorer.score(redacted([interaction], Redactor()))
    assert isinstance(scored, Scored)
    assert [(finding.detector, finding.flagged) for finding in scored.findings] == [("politeness", True)]


def test_a_class_of_another_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = Declaration("rudeness", f"{__name__}:Politeness", Politeness.labels)
    monkeypatch.setitem(registry.DETECTORS, "rudeness", declared)
    with pytest.raises(ConfigurationError, match="Politeness is 'politeness', not 'rudeness'"):
        registry.load(["rudeness"])
