"""The files for Prometheus and Alertmanager, by their own tools; rules name metrics that a worker has."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.documentation.metrics_table import table

FOLDER = Path(__file__).parents[2] / "dashboards" / "provisioning" / "prometheus"
TESTS = Path(__file__).with_name("prometheus_rules_test.yml")
RULES = FOLDER / "watchline.rules.yml"


def check(tool: str, *arguments: str | Path, folder: Path = FOLDER) -> str:
    """What a tool says of a file that it finds right; skips where the tool isn't installed."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed (Debian: prometheus, prometheus-alertmanager)")
    done = subprocess.run([tool, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_takes_configuration_and_rules() -> None:
    assert "WARNING" not in check("promtool", "check", "config", "prometheus.yml")
    assert "SUCCESS" in check("promtool", "check", "rules", "--lint-fatal", RULES)


def test_amtool_takes_the_configuration() -> None:
    check("amtool", "check-config", "alertmanager.yml")


def test_rules_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    for file in (RULES, TESTS):
        shutil.copy(file, tmp_path)
    assert "SUCCESS" in check("promtool", "test", "rules", TESTS.name, folder=tmp_path)


def test_a_broken_copy_is_found(tmp_path: Path) -> None:
    (tmp_path / RULES.name).write_text(RULES.read_text().replace("> 120", "> > 120"))
    with pytest.raises(AssertionError, match="parse error"):
        check("promtool", "check", "rules", RULES.name, folder=tmp_path)


def test_rules_ask_for_metrics_that_are_there() -> None:
    there = set(re.findall(r"^\| `(\w+)`", table(), re.MULTILINE))
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    asked = {name for rule in rules for name in re.findall(r"\bwatchline_\w+", rule["expr"])}
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked} <= there
    assert all(rule["labels"]["severity"] in ("info", "warning", "critical") for rule in rules)


def test_runbooks_that_rules_name_are_there() -> None:
    named = set(re.findall(r"\.runbooks \}\}/([\w.-]+)", RULES.read_text()))
    assert named
    assert all((FOLDER.parents[1] / "runbooks" / name).is_file() for name in named)
