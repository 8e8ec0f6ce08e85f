"""The markers keep `make quick` quick: what it collects imports no model's library."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import tomllib

import pytest

from tests.documentation import readmes
from tests.documentation.readmes import ROOT

HEAVY = ("torch", "transformers", "spacy", "sklearn")
COLLECT = f"""
import sys
import pytest

class Markers:
    def pytest_collection_finish(self, session):
        for item in session.items:
            print("collected:", item.nodeid, ",".join({{mark.name for mark in item.iter_markers()}}) or "none")

options = ["--collect-only", "-q", "-p", "no:cacheprovider", "--no-summary"]
assert pytest.main([*options, "-m", *sys.argv[1:]], [Markers()]) == 0
print("imported:", *sorted(set({HEAVY}) & set(sys.modules)))
"""


@functools.cache
def collected(expression: str, *folders: str) -> tuple[dict[str, set[str]], str]:
    """What pytest collects with an expression, each with its markers, and the heavy libraries that this imports."""
    command = [sys.executable, "-c", COLLECT, expression, *folders]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    lines = done.stdout.splitlines()
    items = [line.removeprefix("collected: ").rsplit(" ", 1) for line in lines if line.startswith("collected: ")]
    return {name: set(marks.split(",")) for name, marks in items}, lines[-1]


def quick() -> str:
    """The expression that `make quick` gives to pytest."""
    steps = subprocess.run(["make", "-n", "quick"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return steps.split('-m "')[1].split('"')[0]


@pytest.mark.slow
def test_quick_collects_without_a_model_s_library() -> None:
    tests, imported = collected(quick())
    assert imported == "imported:", f"{imported}; mark the module: pytestmark = pytest.mark.slow"
    shown = re.search(r"^(\d+) passed", readmes.text(readmes.FRONT), re.MULTILINE)
    assert shown is not None
    assert abs(int(shown[1]) / len(tests) - 1) < 0.25, f"{readmes.FRONT} shows {shown[1]}, not {len(tests)}"


def test_quick_leaves_out_every_marker() -> None:
    markers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["markers"]
    assert {name.split(":")[0] for name in markers} == set(quick().replace("not ", "").split(" and "))


@pytest.mark.slow
@pytest.mark.parametrize(("marker", "folder"), [("e2e", "tests/end_to_end/"), ("faults", "tests/faults/")])
def test_a_folder_has_its_marker(marker: str, folder: str) -> None:
    here, _ = collected("", folder)
    assert here and all(name.startswith(folder) for name in here)
    assert not [name for name, marks in here.items() if marker not in marks]
    quick_tests, _ = collected(quick())
    assert not here.keys() & quick_tests.keys()
