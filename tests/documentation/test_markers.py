"""The markers keep `make quick` quick: what it collects imports no model's library."""

from __future__ import annotations

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
assert pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", "-m", sys.argv[1]]) == 0
print("imported:", *sorted(set({HEAVY}) & set(sys.modules)))
"""


def collected(expression: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", COLLECT, expression], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return done.stdout.splitlines()


def quick() -> str:
    """The expression that `make quick` gives to pytest."""
    steps = subprocess.run(["make", "-n", "quick"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return steps.split('-m "')[1].split('"')[0]


@pytest.mark.slow
def test_quick_collects_without_a_model_s_library() -> None:
    lines = collected(quick())
    assert lines[-1] == "imported:", f"{lines[-1]}; mark the module: pytestmark = pytest.mark.slow"
    collected_tests = sum("::" in line for line in lines)
    shown = re.search(r"^(\d+) passed", readmes.text(readmes.FRONT), re.MULTILINE)
    assert shown is not None
    assert abs(int(shown[1]) / collected_tests - 1) < 0.25, f"{readmes.FRONT} shows {shown[1]}, not {collected_tests}"


def test_quick_leaves_out_every_marker() -> None:
    markers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["markers"]
    assert {name.split(":")[0] for name in markers} == set(quick().replace("not ", "").split(" and "))


@pytest.mark.slow
@pytest.mark.parametrize(("marker", "folder"), [("e2e", "tests/end_to_end/"), ("faults", "tests/faults/")])
def test_a_folder_has_its_marker(marker: str, folder: str) -> None:
    marked = {line for line in collected(marker) if "::" in line}
    everything = {line for line in collected("slow or not slow") if line.startswith(folder)}
    assert everything <= marked
    assert not everything & {line for line in collected(quick()) if "::" in line}
