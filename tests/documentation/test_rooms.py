"""The tables in the rooms' READMEs are those of the code: what there is has a line, and what has a line is there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.documentation import metrics_table, readmes, settings_table, spans_table, topics_table
from watchline.dashboards.alert_rules import all_rules
from watchline.dashboards.grafana import contacts
from watchline.detectors import registry
from watchline.detectors.harm.toxicity import Toxicity
from watchline.schemas import records
from watchline.streams.cli.main import COMMANDS
from watchline.streams.settings import DETECTORS, Settings, load

SCHEMAS = readmes.ROOT / "schemas"
DETECTOR_ROW = re.compile(r"^\| `(\w+)` \| [^|]*\| ([^|]*) \|", re.MULTILINE)


def test_the_table_of_settings_is_that_of_the_code() -> None:
    assert settings_table.table() in readmes.room("streams"), "run: make docs"


def test_the_table_of_metrics_is_that_of_the_code() -> None:
    assert metrics_table.table() in readmes.room("streams"), "run: make docs"


def test_every_command_has_a_line() -> None:
    assert {
        name.removeprefix("watchline ") for name in readmes.first_column(readmes.room("streams"), "Commands")
    } == set(COMMANDS)


def test_every_detector_has_a_line() -> None:
    assert readmes.first_column(readmes.room("detectors"), "What each one finds") == set(registry.DETECTORS)
    assert set(DETECTORS) == set(registry.DETECTORS)


@pytest.mark.slow
def test_every_label_is_named() -> None:
    labels = dict(DETECTOR_ROW.findall(readmes.room("detectors")))
    for detector in registry.load([name for name in registry.DETECTORS if name != "pii"]):  # its names are presidio's
        assert [label for label in detector.labels if f"`{label}`" not in labels[detector.name]] == [], detector.name


def test_every_view_has_a_line() -> None:
    views = re.findall(
        r"^CREATE OR REPLACE VIEW (\w+)", (SCHEMAS / "clickhouse" / "views.sql").read_text(), re.MULTILINE
    )
    assert readmes.first_column(readmes.room("schemas"), "Views") == set(views)


def test_every_table_has_a_line() -> None:
    made = "\n".join(path.read_text() for path in sorted((SCHEMAS / "clickhouse").glob("0*.sql")))
    tables = {*re.findall(r"^CREATE TABLE IF NOT EXISTS (?!\w+_next\b)(\w+)", made, re.MULTILINE), "migrations"}
    assert readmes.first_column(readmes.room("schemas"), "Tables") == tables


def test_the_table_of_topics_is_that_of_the_code() -> None:
    assert topics_table.table() in readmes.room("schemas"), "run: make docs"


@pytest.mark.parametrize("table", spans_table.TABLES.values(), ids=lambda table: table.__name__)
def test_the_tables_of_spans_are_those_of_the_code(table: Callable[[], str]) -> None:
    assert table() in readmes.text(spans_table.README), "run: make docs"


def test_every_record_has_a_line() -> None:
    named = {path.name.split(".")[-2] for path in (SCHEMAS / "avro").glob("watchline.v1.*.avsc")}
    assert readmes.first_column(readmes.room("schemas"), "Records") == named
    assert [name for name in named if not hasattr(records, name)] == []


def test_every_audit_alert_and_user_has_a_line() -> None:
    dashboards = readmes.ROOT / "dashboards"
    assert readmes.first_column(readmes.room("dashboards"), "Audits") == {
        path.stem for path in (dashboards / "audit").glob("*.sql")
    }
    users = (dashboards / "provisioning" / "clickhouse" / "users.sql").read_text()
    assert readmes.first_column(readmes.room("dashboards"), "Users") == set(
        re.findall(r"^CREATE USER IF NOT EXISTS (\w+)", users, re.MULTILINE)
    )
    for rule in all_rules():
        assert f"](runbooks/{rule.runbook})" in readmes.room("dashboards"), rule.uid


@pytest.mark.parametrize("room", readmes.ROOMS)
def test_every_part_of_a_room_named_is_there(room: str) -> None:
    section = readmes.room(room).split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("|")]
    named = [name for row in rows for name in re.findall("`([^`]+)`", row)]
    assert len(named) >= 4
    assert [name for name in named if not (readmes.ROOT / room / name).exists()] == []


def test_every_marker_of_the_tests_has_a_line() -> None:
    pytest_settings = tomllib.loads((readmes.ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    for marker in pytest_settings["markers"]:
        assert f"`pytest -m {marker.split(':')[0]}`" in readmes.room("tests")


def test_every_setting_named_anywhere_exists() -> None:
    known = {f"WATCHLINE_{name.upper()}" for name in Settings.model_fields}
    known |= {
        f"WATCHLINE_{name}"
        for name in ("CONFIG", "SUBJECT_KEY", "DISABLED", "ENVIRONMENT", "SOURCE", "PROMPT_KEYS", "ENDPOINT_KEY")
    }
    secrets = [name for name, field in Settings.model_fields.items() if field.annotation is SecretStr]
    known |= {f"WATCHLINE_{name.upper()}_FILE" for name in (*secrets, "SUBJECT_KEY", "ENDPOINT_KEY")}
    known |= {"WATCHLINE_TEST_KAFKA_HOME", "WATCHLINE_TEST_FUZZ"}  # of the tests, not of the worker
    known |= set(contacts.VARIABLES.values())  # of Grafana
    assert set(re.findall(r"WATCHLINE_[A-Z_]*[A-Z]", readmes.everything())) <= known


def test_the_settings_file_shown_has_settings_that_exist() -> None:
    examples = readmes.blocks(readmes.everything(), "toml")
    assert len(examples) == 3
    for example in examples:
        assert set(tomllib.loads(example.replace("# kafka", "kafka"))) <= set(Settings.model_fields)


def test_the_models_shown_are_settings() -> None:
    (example,) = readmes.blocks(readmes.room("detectors"), "toml")
    models = load(**tomllib.loads(example)).models
    assert set(models["toxicity"].labels) | {"insult"} == set(Toxicity.labels)  # that one has the same name


PAGES = sorted({*readmes.ALL, *(readmes.ROOT / ".github").rglob("*.md"), *(readmes.ROOT / "streams").glob("*/*.md")})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(readmes.ROOT)))
def test_every_file_named_exists(page: Path) -> None:
    paths = re.findall(r"`((?:schemas|detectors|streams|dashboards|tests)/[\w./-]*)`", readmes.text(page))
    assert [path for path in paths if not (readmes.ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(readmes.ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", readmes.text(page)):
        if link.startswith("http"):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)", readmes.text(path), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}, link
