"""The README says what is so: every command in it runs, every table is that of the code."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.demo_run import DemoRun
from tests.documentation import metrics_table
from tests.documentation.settings_table import README, table
from tests.streams.producer.published import make_topics
from watchline.detectors.harm.toxicity import Toxicity
from watchline.detectors.registry import DETECTORS
from watchline.streams.cli.main import COMMANDS
from watchline.streams.settings import Settings, load

ROOT = README.parent
TEXT = README.read_text(encoding="utf-8")
WATCHLINE = [sys.executable, "-m", "watchline.streams.cli.main"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


COMMAND_LINES = [line for block in blocks("sh") for line in block.splitlines() if line.strip()]


def test_the_table_of_settings_is_that_of_the_code() -> None:
    assert table() in TEXT, "run: python -m tests.documentation.settings_table"


def test_the_table_of_metrics_is_that_of_the_code() -> None:
    assert metrics_table.table() in TEXT, "run: python -m tests.documentation.metrics_table"


def test_every_setting_named_anywhere_exists() -> None:
    known = {f"WATCHLINE_{name.upper()}" for name in Settings.model_fields}
    known |= {f"WATCHLINE_{name}" for name in ("CONFIG", "SUBJECT_KEY", "DISABLED", "ENVIRONMENT")}
    known.add("WATCHLINE_TEST_KAFKA_HOME")  # of the tests, not of the worker
    assert set(re.findall(r"WATCHLINE_[A-Z_]*[A-Z]", TEXT)) <= known


def test_the_settings_file_shown_has_settings_that_exist() -> None:
    for example in blocks("toml"):
        assert set(tomllib.loads(example.replace("# kafka", "kafka"))) <= set(Settings.model_fields)


def test_the_models_shown_are_settings() -> None:
    (example,) = [block for block in blocks("toml") if "[models." in block]
    models = load(**tomllib.loads(example)).models
    assert set(models["toxicity"].labels) | {"insult"} == set(Toxicity.labels)  # that one has the same name


def test_every_command_and_detector_is_mentioned() -> None:
    assert [name for name in COMMANDS if f"watchline {name}" not in TEXT] == []
    assert [name for name in DETECTORS if f"`{name}`" not in TEXT] == []


def test_every_file_named_exists() -> None:
    paths = re.findall(r"`((?:schemas|detectors|streams|dashboards|tests)/[\w./-]*)`", TEXT)
    assert [path for path in paths if not (ROOT / path).exists()] == []


READS = [line for line in COMMAND_LINES if re.match(r"watchline (sql|audit|config)", line)]
MAKES = [line for line in COMMAND_LINES if line.startswith("make ")]
SERVERS = [line for line in COMMAND_LINES if line.startswith("WATCHLINE_KAFKA_URL=")]
DOCKER = [line for line in COMMAND_LINES if line.startswith("docker ")]  # see tests/dashboards/test_compose.py


def test_no_command_is_left_out() -> None:
    assert sorted(COMMAND_LINES) == sorted(READS + MAKES + SERVERS + DOCKER)


@pytest.mark.e2e
@pytest.mark.parametrize("line", READS)
def test_reading_commands(line: str, demo: DemoRun) -> None:
    done = subprocess.run(
        [*WATCHLINE, *shlex.split(line)[1:]], cwd=demo.folder, env=demo.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("line", MAKES)
def test_make_targets(line: str, tmp_path: Path) -> None:
    """What make would run; the installation itself is what brought the tests here."""
    steps = subprocess.run(
        [*shlex.split(line), "-n", f"VENV={tmp_path / 'venv'}"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "constraints.txt" in steps
    assert {"make demo": "watchline demo", "make test": "-m pytest"}[line] in steps


@pytest.mark.slow
@pytest.mark.parametrize("line", SERVERS)
def test_commands_for_servers_say_what_is_not_there(line: str, tmp_path: Path) -> None:
    """No such servers here: the commands are understood, and fail with a message that names the setting."""
    *settings, _, command = shlex.split(line)
    environment = {**os.environ, **dict(setting.split("=", 1) for setting in settings)}
    environment["WATCHLINE_KAFKA_URL"] = "kafka://127.0.0.1:1"
    done = subprocess.run([*WATCHLINE, command], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "WATCHLINE_KAFKA_URL" in done.stderr, done.stderr


def test_the_producer_example(broker: str, topic_prefix: str) -> None:
    make_topics(broker, topic_prefix)
    (example,) = blocks("python")
    example = example.replace('"localhost:9092", ', f'"{broker}", topic_prefix="{topic_prefix}", ')
    values: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), values)
    assert getattr(values["producer"], "stats").dropped == 0  # noqa: B009
    assert isinstance(values["event_id"], str)
