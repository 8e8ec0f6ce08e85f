"""The examples in docstrings run, and what apps import has one each."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

import watchline

ROOT = Path(__file__).parents[2]
ROOMS = ("schemas", "detectors", "streams", "dashboards")


def _with_examples() -> list[str]:
    found = []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if ">>> " in path.read_text(encoding="utf-8") and "training" not in path.parts:
                found.append(".".join(("watchline", *path.relative_to(ROOT).with_suffix("").parts)))
    return found


@pytest.mark.parametrize("name", _with_examples())
def test_examples_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_DISABLED", "1")  # no broker is needed to show how a producer is called
    failed, tried = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried and not failed


def test_what_apps_import_has_examples() -> None:
    lacking = []
    for name in sorted(set(watchline.__all__) - {"__version__", "Interaction"}):
        item = getattr(watchline, name)
        members = [item, *(member for key, member in vars(item).items() if _is_public_method(key, member))]
        lacking += [member.__qualname__ for member in members if ">>> " not in (inspect.getdoc(member) or "")]
    assert lacking == []


def _is_public_method(name: str, member: object) -> bool:
    return inspect.isfunction(member) and not name.startswith("_")
