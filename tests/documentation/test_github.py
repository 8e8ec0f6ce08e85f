"""What `.github/` says is so: versions that are tested, forms that GitHub reads, decisions that are complete."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
import yaml

from tests.documentation import readmes

GITHUB = readmes.ROOT / ".github"
CLASSIFIER = "Programming Language :: Python :: "
DECISIONS = sorted((GITHUB / "decisions").glob("*.md"))


def test_the_versions_claimed_are_those_tested() -> None:
    workflow: dict[str, Any] = yaml.safe_load((GITHUB / "workflows" / "ci.yml").read_text())
    tested = workflow["jobs"]["quick"]["strategy"]["matrix"]["python"]
    project = tomllib.loads((readmes.ROOT / "pyproject.toml").read_text())["project"]
    claimed = [name.removeprefix(CLASSIFIER) for name in project["classifiers"] if name.startswith(CLASSIFIER)]
    assert claimed == tested
    assert project["requires-python"] == f">={tested[0]}"


def test_every_step_runs_a_target_of_the_makefile() -> None:
    workflow: dict[str, Any] = yaml.safe_load((GITHUB / "workflows" / "ci.yml").read_text())
    runs = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    targets = set(re.findall(r"^([a-z]+):", (readmes.ROOT / "Makefile").read_text(), re.MULTILINE))
    assert runs
    assert [run for run in runs if not run.startswith("make ") or run.split()[1] not in targets] == []


@pytest.mark.parametrize("name", ["bug", "feature"])
def test_an_issue_form_has_what_github_asks_for(name: str) -> None:
    form: dict[str, Any] = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / f"{name}.yml").read_text())
    assert {"name", "description", "body"} <= set(form)
    for field in form["body"]:
        assert field["type"] in {"markdown", "textarea", "input"}
        assert "value" in field["attributes"] if field["type"] == "markdown" else field["attributes"]["label"]


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_complete_and_a_page(path: Any) -> None:
    text = readmes.text(path)
    assert re.findall("^## (.*)", text, re.MULTILINE) == ["Context", "Decision", "Consequences", "What would change it"]
    assert text.startswith(f"# {int(path.name[:4])}. ")
    assert len(text.splitlines()) <= 60


def test_twelve_changes_have_a_place() -> None:
    section = (
        readmes.text(GITHUB / "CONTRIBUTING.md").split("## Where twelve typical changes go\n")[1].split("\n## ")[0]
    )
    assert section.count("\n| **") == 12
