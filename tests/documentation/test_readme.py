"""Every command in the READMEs runs, the producer example too."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo_run import DemoRun
from tests.documentation import readmes
from tests.streams.producer.published import make_topics

WATCHLINE = [sys.executable, "-m", "watchline.streams.cli.main"]
COMMAND_LINES = [
    line for block in readmes.blocks(readmes.everything(), "sh") for line in block.splitlines() if line.strip()
]
# One after the other: `test_commands_of_the_trail` in tests/end_to_end/test_governance.py.
TRAIL = [line for line in COMMAND_LINES if re.match(r"watchline (governance|audit (verify|export))|    --detail", line)]
# Likewise: `test_commands_of_the_readme` in tests/streams/cli/test_prompts.py.
PROMPTS = [line for line in COMMAND_LINES if line.startswith("watchline prompts ")]
# Likewise `test_commands_of_retention` there.
KEEPS = [line for line in COMMAND_LINES if line.startswith("watchline retention")]
# Likewise: `test_commands_of_the_readme` in tests/streams/cli/test_export.py.
EXPORTS = [line for line in COMMAND_LINES if line.startswith("watchline export ")]
# Likewise `test_the_command_...` in tests/end_to_end/test_drill.py, with one attack: each has a test of its own there.
DRILL = [line for line in COMMAND_LINES if line.startswith("watchline audit drill")]
READS = [
    line
    for line in COMMAND_LINES
    if re.match(r"watchline (sql|audit|config|worst|schema)", line) and line not in TRAIL + DRILL
]
MAKES = [line for line in COMMAND_LINES if line.startswith("make ")]
SERVERS = [line for line in COMMAND_LINES if line.startswith("WATCHLINE_KAFKA_URL=")]
DOCKER = [line for line in COMMAND_LINES if line.startswith("docker ")]  # see tests/dashboards/test_compose.py


def test_the_front_page_is_short() -> None:
    assert len(readmes.text(readmes.FRONT).splitlines()) <= 160


def test_no_command_is_left_out() -> None:
    assert sorted(COMMAND_LINES) == sorted(READS + TRAIL + DRILL + PROMPTS + EXPORTS + KEEPS + MAKES + SERVERS + DOCKER)
    assert all((READS, TRAIL, DRILL, PROMPTS, EXPORTS, KEEPS, MAKES, SERVERS, DOCKER))


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
        [*shlex.split(line), "-n", f"VENV={tmp_path / 'venv'}"],
        cwd=readmes.ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert ".ci/install " in steps
    assert {"make demo": "watchline demo", "make quick": "-m pytest"}[line] in steps


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make ([a-z]+)", readmes.everything()))))
def test_every_make_target_named_is_there(target: str) -> None:
    assert subprocess.run(["make", "-n", target], cwd=readmes.ROOT, capture_output=True, check=False).returncode == 0


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
    (example,) = readmes.blocks(readmes.text(readmes.FRONT), "python")
    example = example.replace('"localhost:9092", ', f'"{broker}", topic_prefix="{topic_prefix}", ')
    values: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), values)
    assert getattr(values["producer"], "stats").dropped == 0  # noqa: B009
    assert isinstance(values["event_id"], str)
