"""What apps import from `watchline` itself."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import watchline
import watchline.streams.public
from watchline.schemas.records import Interaction
from watchline.streams import Producer as ProducerOfStreams
from watchline.streams.producer import Producer as ProducerOfProducer
from watchline.streams.producer.arguments import ArgumentError
from watchline.streams.producer.buffer import Stats
from watchline.streams.producer.producer import Producer

ROOT = Path(__file__).parents[2]


def test_all_is_what_is_there() -> None:
    assert dir(watchline) == sorted(watchline.__all__)
    for name in watchline.__all__:
        assert getattr(watchline, name) is not None


def test_type_checkers_see_all_and_nothing_else() -> None:
    """The names that are declared for them, from the places that they are loaded from."""
    block, *_ = [node for node in ast.parse((ROOT / "streams/public.py").read_text()).body if isinstance(node, ast.If)]
    homes = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert homes == watchline.streams.public._HOMES
    declared = [ast.unparse(node.target) for node in block.body if isinstance(node, ast.AnnAssign)]
    assert sorted([*homes, *declared]) == sorted(watchline.__all__)


def test_every_path_leads_to_the_same_things() -> None:
    assert watchline.Producer is Producer is ProducerOfStreams is ProducerOfProducer
    assert watchline.Interaction is Interaction
    assert watchline.ArgumentError is ArgumentError
    assert watchline.Stats is Stats


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'watchline' has no attribute 'Consumer'"):
        getattr(watchline, "Consumer")  # noqa: B009


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert watchline.__version__ == project["version"]


def test_importing_it_loads_neither_kafka_nor_numpy() -> None:
    code = "import sys, watchline; watchline.__version__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"confluent_kafka", "fastavro", "numpy", "watchline.streams"} & set(done.stdout.split())
