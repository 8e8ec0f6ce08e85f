"""What another user of the machine could see or take: command lines, files that all know the names of, core files."""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchline.streams.cli.main import _parser
from watchline.streams.settings import Settings

ROOT = Path(__file__).parents[3]
SOURCES = [
    path
    for room in ("schemas", "detectors", "streams", "dashboards")
    for path in (ROOT / room).rglob("*.py")
    if "training" not in path.parts
]
SECRET = re.compile(r"passw|secret|token|credential|api.?key|login", re.I)
KNOWN_TO_ALL = re.compile(r"^(/tmp|/var/tmp|/dev/shm)(/|$)")
UNSAFE_CALLS = {"mktemp", "gettempdir", "gettempprefix"}


def options(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, str]]:
    """Each option and argument with a value, of a command and of those below it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub, below in action.choices.items():
                yield from options(below, f"{name} {sub}")
        elif action.nargs != 0:
            yield name, " ".join([*action.option_strings, action.dest, str(action.metavar), action.help or ""])


def test_no_command_takes_a_secret_as_an_argument() -> None:
    """Every user reads the command lines of all."""
    found = [*options(_parser(), "watchline")]
    assert {"watchline emit", "watchline backup", "watchline dead-letters list"} <= {name for name, _ in found}
    assert not [option for option in found if SECRET.search(option[1])]


def test_no_child_is_given_a_secret_on_its_command_line() -> None:
    secrets = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]
    assert secrets
    for path, node in calls():
        if isinstance(node.func, ast.Attribute | ast.Name) and called(node) in ("Popen", "run", "Child", "call"):
            words = {word.attr for word in ast.walk(node) if isinstance(word, ast.Attribute)}
            assert not words & {*secrets, "get_secret_value", "password"}, f"{path}:{node.lineno}"


def calls() -> Iterator[tuple[Path, ast.Call]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield path, node


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def test_nothing_is_written_where_all_may_and_know_the_name() -> None:
    """Another user could have put a link there. `TemporaryFile` has no name, `TemporaryDirectory` a secret one."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not KNOWN_TO_ALL.match(node.value), f"{path}:{node.lineno}"
    assert not [(path, node.lineno) for path, node in calls() if called(node) in UNSAFE_CALLS]


@pytest.mark.skipif(sys.platform == "win32", reason="no core files there")
def test_no_command_leaves_a_core_file() -> None:
    """It would hold passwords and texts as they came; children inherit the limit."""
    code = (
        "import resource, subprocess, sys\n"
        "hard = resource.getrlimit(resource.RLIMIT_CORE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))\n"
        "from watchline.streams.cli.main import main\n"
        "main(['config'])\n"
        "child = 'import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])'\n"
        "print('limits', hard, subprocess.check_output([sys.executable, '-c', child], text=True))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, timeout=60)
    *_, limits = re.findall(r"^limits (-?\d+) (\d+)$", done.stdout, re.M)
    if limits[0] == "0":
        pytest.skip("the system allows no core files to begin with")
    assert limits[1] == "0", done.stderr
