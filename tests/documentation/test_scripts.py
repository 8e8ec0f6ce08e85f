"""What no test imports, such as the benchmarks, rots unseen when a name moves."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = [
    path.relative_to(ROOT).with_suffix("")
    for path in sorted((ROOT / "tests").rglob("*.py"))
    if not path.name.startswith(("test_", "conftest"))
]


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_each_name_that_a_script_imports_of_ours_is_there(script: Path) -> None:
    missing = []
    for node in ast.walk(ast.parse((ROOT / script.with_suffix(".py")).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("watchline.", "tests.")):
            module = importlib.import_module(node.module or "")
            missing += [
                f"{node.module}.{name.name}"
                for name in node.names
                if not hasattr(module, name.name) and not _is_module(f"{node.module}.{name.name}")
            ]
    assert missing == []


def _is_module(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return False
    return True
