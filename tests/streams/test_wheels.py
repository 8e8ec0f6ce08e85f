"""What ships: both wheels, built from the tree as it is and installed where nothing of the tree can be imported."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.streams.producer.published import envelopes, make_topics
from watchline.detectors.declarations import DETECTORS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ROOMS = ("schemas", "detectors", "streams", "dashboards")
LEFTOVERS = ("__pycache__", "*.egg-info", "build", ".*")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
MAIN_BYTES, MODELS_BYTES = 1_800_000, 40_000_000

# Of the rooms' files, those that stay in the checkout.
NOT_SHIPPED = (
    "detectors/training/",  # trains the weights, on data that isn't here
    "detectors/weights/",  # the other wheel
    "schemas/avro/samples/",  # of the tests
    "schemas/generate/",  # writes files of the tree
    "schemas/README.md",
    "schemas/REFERENCE.md",
    "detectors/README.md",
    "streams/README.md",
    "streams/integrations/README.md",
    "streams/ingest/README.md",
    "dashboards/README.md",
    "dashboards/audit/README.md",
    "dashboards/provisioning/",  # what docker-compose.yml mounts
    "streams/Dockerfile",
    "dashboards/Dockerfile",
)
WEIGHTS_NOT_SHIPPED = ("pyproject.toml", "README.md", "LICENSE")  # these are its metadata

APP = """
import json, sys
from importlib.metadata import distributions
import schemas, streams
from watchline import ArgumentError, Interaction, Producer, Stats, __version__
from watchline import *
from watchline.streams import Producer as of_streams
from watchline.streams.producer.producer import Producer as of_its_file

assert schemas.MINE and streams.MINE
assert Producer is of_streams is of_its_file
with Producer(sys.argv[1], app="base", topic_prefix=sys.argv[2]) as producer:
    event_id = producer.emit(input="question", output="answer", model="m")
    producer.feedback(event_id, rating=1)
    sent = producer.flush(20)
assert isinstance(producer.stats, Stats)
print(json.dumps({
    "event_id": event_id,
    "sent": sent,
    "stats": producer.stats.delivered,
    "version": __version__,
    "modules": sorted({name.partition(".")[0] for name in sys.modules}),
    "installed": sorted(found.name.lower().replace("_", "-") for found in distributions()),
}))
"""

TYPED = """
from watchline import Interaction, Producer, __version__

def before(event: Interaction) -> Interaction | None:
    return event

producer = Producer(app="typed", before_send=before)
length: int = __version__  # wrong
"""

MISSING = """
import sys
from pathlib import Path
import watchline_models
from watchline.detectors.registry import load
from watchline.schemas.errors import ConfigurationError

{breaking}
try:
    load(["pii"])
except ConfigurationError as error:
    print(error)
"""

SCORE = """
import json, watchline, watchline_models
from watchline.detectors.registry import DETECTORS, load
from watchline.detectors.pii.redactor import Redactor
from watchline.detectors.scorer import Scorer
from watchline.schemas.records import Document, Interaction, Message

scorer = Scorer(load(list(DETECTORS)), device="cpu")
(result,) = scorer.score(Redactor().redact([Interaction(
    event_id="01a20000-0000-7000-8000-000000000001",
    time=1_700_000_000_000_000,
    app="wheels",
    input_messages=(Message("user", "What do women pay at Anna Smith's shop? Write to anna@example.com."),),
    output_messages=(Message("assistant", "Women pay 20 euros at the shop."),),
    documents=(Document("The shop takes 12 euros from women and from men."),),
)]))
print(json.dumps({
    "from": [watchline.__file__, watchline_models.__file__],
    "decisions": {finding.detector: finding.decision for finding in result.findings},
    "scores": {finding.detector: dict(finding.scores) for finding in result.findings},
}))
"""


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Without PYTHONPATH, which may lead into the tree."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240)


def call(*command: str | Path, folder: Path) -> str:
    done = run(*command, folder=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree that is packed, without what earlier builds have left in it."""
    folder = tmp_path_factory.mktemp("source")
    for name in (*ROOMS, ".dev"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns(*LEFTOVERS))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def wheels(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel of Watchline and that of its weights."""
    folder = tmp_path_factory.mktemp("wheels")
    tree = shutil.copytree(source, folder / "tree", symlinks=True)  # a build leaves files beside the sources
    projects = (tree, tree / "detectors" / "weights")
    call(*PIP, "wheel", "--no-deps", "--wheel-dir", folder, *projects, folder=folder)
    (main,) = folder.glob("watchline-*.whl")
    (models,) = folder.glob("watchline_models-*.whl")
    return main, models


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def packed(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def environment(folder: Path, *install: str | Path) -> Path:
    """The Python of a fresh environment in which only that was installed."""
    call(sys.executable, "-m", "venv", "--without-pip", folder, folder=folder)
    call(*PIP, "--python", folder / "bin" / "python", "install", *install, folder=folder)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def base_python(wheels: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment with Watchline's wheel and what it requires."""
    return environment(tmp_path_factory.mktemp("base"), wheels[0])


@pytest.fixture(scope="module")
def scoring_python(wheels: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment with both wheels, and the other packages of this one: they are 2 GB."""
    python = environment(tmp_path_factory.mktemp("scoring"), "--no-deps", *wheels)
    (own,) = python.parents[1].glob("lib/*/site-packages")
    (own / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    return python


def test_the_main_wheel_is_small_and_has_all_that_is_read(source: Path, wheels: tuple[Path, Path]) -> None:
    """Every file of the rooms but those that are named above, so that a new folder or kind of data can't be missing."""
    rooms = {f"{room}/{name}" for room in ROOMS for name in files(source / room)}
    shipped = {f"watchline/{name}" for name in rooms if not name.startswith(NOT_SHIPPED)}
    integrations = ("anthropic", "langchain", "litellm", "llama_index", "openai", "opentelemetry")
    of_apps = {"watchline/__init__.py", "watchline/py.typed", *(f"watchline/{name}.py" for name in integrations)}
    assert packed(wheels[0]) == of_apps | shipped
    assert wheels[0].stat().st_size <= MAIN_BYTES


def test_the_models_wheel_has_weights_and_cards(source: Path, wheels: tuple[Path, Path]) -> None:
    weights = files(source / "detectors" / "weights") - set(WEIGHTS_NOT_SHIPPED)
    assert packed(wheels[1]) == {f"watchline_models/{name}" for name in weights}
    folders = {name.split("/")[0] for name in weights if name.endswith(".safetensors")}
    assert set(DETECTORS) <= folders and {f"{folder}/card.md" for folder in folders} <= weights
    assert wheels[1].stat().st_size <= MODELS_BYTES


def test_both_are_of_one_version(wheels: tuple[Path, Path]) -> None:
    main, models = (wheel.name.split("-")[1] for wheel in wheels)
    assert main == models


def test_the_producer_works_and_brings_nothing_heavy(
    base_python: Path, wheels: tuple[Path, Path], broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    """In an app whose own packages have the names of our rooms."""
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
    assert result["version"] == wheels[0].name.split("-")[1]
    assert {"watchline", "confluent-kafka", "fastavro"} <= set(result["installed"])
    assert len(result["installed"]) <= 5, result["installed"]
    assert not {"torch", "faust", "spacy", "numpy", "pydantic", "transformers"} & set(result["modules"])


def test_an_apps_type_checker_reads_our_types(base_python: Path, tmp_path: Path) -> None:
    (tmp_path / "typed.py").write_text(TYPED)
    mypy = (sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", tmp_path / "cache")
    done = run(*mypy, "--python-executable", base_python, "typed.py", folder=tmp_path)
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert len(errors) == 1 and "[assignment]" in errors[0], done.stdout + done.stderr


@pytest.mark.parametrize(("command", "extra"), [("worker", "worker"), ("up", "embedded"), ("demo", "embedded")])
def test_the_command_line_works_and_names_the_missing_extra(
    command: str, extra: str, base_python: Path, wheels: tuple[Path, Path], tmp_path: Path
) -> None:
    watchline = base_python.parent / "watchline"
    assert call(watchline, "--version", folder=tmp_path) == f"watchline {wheels[0].name.split('-')[1]}\n"
    assert "watchline emit" in call(watchline, "emit", "--help", folder=tmp_path)
    done = run(watchline, command, folder=tmp_path)
    assert done.returncode == 1
    assert f"in a checkout of Watchline: pip install '.[{extra}]' ./detectors/weights" in done.stderr


def test_missing_weights_are_named_with_what_to_do(base_python: Path, tmp_path: Path) -> None:
    code = "from watchline.detectors.runtime.weights import weights_folder; weights_folder('pii')"
    done = run(base_python, "-c", code, folder=tmp_path)
    assert "watchline.schemas.errors.ConfigurationError: the detectors' weights aren't installed" in done.stderr
    assert done.stderr.endswith("in a checkout of Watchline: pip install ./detectors/weights\n")


@pytest.mark.parametrize(
    ("breaking", "cure"),
    [
        ("sys.modules['watchline_models'] = None", "pip install ./detectors/weights"),
        ("watchline_models.FOLDER = Path('an older one')", "pip install '.[worker]' ./detectors/weights"),
        ("sys.modules['safetensors.numpy'] = None", "pip install '.[worker]' ./detectors/weights"),
    ],
)
def test_a_detector_says_what_is_missing(breaking: str, cure: str, scoring_python: Path, tmp_path: Path) -> None:
    said = call(scoring_python, "-c", MISSING.format(breaking=breaking), folder=tmp_path)
    assert said.endswith(f"in a checkout of Watchline: {cure}\n")


def test_with_both_wheels_all_detectors_score(scoring_python: Path, tmp_path: Path) -> None:
    result = json.loads(call(scoring_python, "-c", SCORE, folder=tmp_path))
    assert all(Path(file).is_relative_to(scoring_python.parents[1]) for file in result["from"])
    assert result["decisions"] == dict.fromkeys(DETECTORS, "evaluated")
    assert all(result["scores"].values())
