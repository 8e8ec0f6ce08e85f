"""The base install, in an app whose own packages have the names of our rooms."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.streams.producer.published import envelopes, make_topics

ROOT = Path(__file__).parents[2]
ROOMS = ("schemas", "detectors", "streams", "dashboards")
LARGE = ("*.safetensors", "*.avro", "*.jsonl", "__pycache__")  # not what is tried here

APP = """
import json, sys
from importlib.metadata import distributions
import schemas, streams
from watchline.streams import Producer

assert schemas.MINE and streams.MINE
with Producer(sys.argv[1], app="base", topic_prefix=sys.argv[2]) as producer:
    event_id = producer.emit(input="question", output="answer", model="m")
    producer.feedback(event_id, rating=1)
    sent = producer.flush(20)
print(json.dumps({
    "event_id": event_id,
    "sent": sent,
    "stats": producer.stats.delivered,
    "modules": sorted({name.partition(".")[0] for name in sys.modules}),
    "installed": sorted(found.name.lower().replace("_", "-") for found in distributions()),
}))
"""


def call(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def base_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment in which only a wheel of this project was installed."""
    folder = tmp_path_factory.mktemp("base")
    source = folder / "source"
    for room in ROOMS:
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns(*LARGE))
    shutil.copytree(ROOT / ".dev", source / ".dev", symlinks=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    python = folder / "venv" / "bin" / "python"
    call(sys.executable, "-m", "venv", "--without-pip", folder / "venv", folder=folder)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    call(*pip, "wheel", "--no-deps", "--wheel-dir", folder, source, folder=folder)
    (wheel,) = folder.glob("watchline-*.whl")
    call(*pip, "--python", python, "install", wheel, folder=folder)
    return python


def test_the_producer_works_and_brings_nothing_heavy(
    base_python: Path, broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    make_topics(broker, topic_prefix)
    for name in ("schemas", "streams"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("MINE = True\n")
    (tmp_path / "app.py").write_text(APP)
    result: dict[str, Any] = json.loads(call(base_python, "app.py", broker, topic_prefix, folder=tmp_path))
    assert result["sent"] and result["stats"] == 2
    assert [item.event_id for batch in envelopes(broker, topic_prefix, 1) for item in batch.interactions] == [
        result["event_id"]
    ]
    assert {"watchline", "confluent-kafka", "fastavro"} <= set(result["installed"])
    assert len(result["installed"]) <= 5, result["installed"]
    assert not {"torch", "faust", "spacy", "numpy", "pydantic", "transformers"} & set(result["modules"])


def test_the_command_line_works_and_names_the_missing_extra(base_python: Path, tmp_path: Path) -> None:
    command = base_python.parent / "watchline"
    assert "watchline emit" in call(command, "emit", "--help", folder=tmp_path)
    done = subprocess.run([command, "worker"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "pip install '.[worker]' ./detectors/weights" in done.stderr
