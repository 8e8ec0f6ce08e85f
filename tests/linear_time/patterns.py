"""All regular expressions of the packed modules, found in their source: where each stands, and how it is used."""

from __future__ import annotations

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import watchline.schemas

ROOT = Path(watchline.schemas.__file__).parents[1]
_NOT_PACKED = (
    "detectors.training",
    "schemas.generate",
)  # as in pyproject.toml: nothing of them reads what an app sends
_FUNCTIONS = frozenset(["compile", "match", "fullmatch", "search", "finditer", "findall", "split", "sub", "subn"])
_ALL = frozenset(["finditer"])


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression of the package.

    Attributes
    ----------
    where : str
        Module and name, or line.
    pattern : re.Pattern
    methods : frozenset of str
        What it is used with; `finditer`, which costs most, where that can't be told.
    """

    where: str
    pattern: re.Pattern[Any]
    methods: frozenset[str]


def modules() -> Iterator[tuple[str, Path]]:
    """Names and files of the packed modules that use `re`."""
    for room in ("dashboards", "detectors", "schemas", "streams"):
        for path in sorted((ROOT / room).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if not name.startswith(_NOT_PACKED) and re.search(r"^import re$", path.read_text("utf-8"), re.MULTILINE):
                yield f"watchline.{name}", path


def find() -> tuple[list[Regex], set[str]]:
    """The regular expressions, and where they can't be told without running the function that makes them."""
    trees = {name: ast.parse(path.read_text("utf-8")) for name, path in modules()}
    used: defaultdict[str, set[str]] = defaultdict(set)
    for name, tree in trees.items():
        for key, methods in _used(name, tree).items():
            used[key] |= methods
    found: list[Regex] = []
    made: set[str] = set()
    for name, tree in trees.items():
        namespace = vars(importlib.import_module(name))
        aliases = _aliases(name, tree)
        for call, target, function in _calls(tree, None, None):
            assert isinstance(call.func, ast.Attribute)
            flags = next((word.value for word in call.keywords if word.arg == "flags"), None)
            if call.func.attr == "compile" and len(call.args) > 1:
                flags = call.args[1]
            try:
                pattern = re.compile(_value(call.args[0], namespace), _value(flags, namespace) if flags else 0)
            except NameError:
                made.add(f"{name}.{function}")
                continue
            methods = {call.func.attr}
            if call.func.attr == "compile":
                keys = [_key(name, str(target)), f".{target}", *aliases.get(str(target), ())]
                methods = {method for key in keys for method in used.get(key, ())} if target else set()
            found.append(Regex(f"{name}:{target or call.lineno}", pattern, frozenset(methods) or _ALL))
    return found, made


def _value(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    return eval(compile(ast.Expression(node), "", "eval"), dict(namespace))


def _calls(
    node: ast.AST, target: str | None, function: str | None
) -> Iterator[tuple[ast.Call, str | None, str | None]]:
    """Calls into `re`, with the name that the value gets and the function around it."""
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _FUNCTIONS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
    ):
        yield node, target, function
    for child in ast.iter_child_nodes(node):
        name, inner = None, function
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and child is node.value:
            name = node.targets[0].id
        elif isinstance(node, ast.keyword):
            name = node.arg
        if isinstance(child, ast.FunctionDef):
            inner = child.name
        yield from _calls(child, name, inner)


def _used(module: str, tree: ast.AST) -> Mapping[str, set[str]]:
    """The methods called on each name and each attribute (".name")."""
    used: defaultdict[str, set[str]] = defaultdict(set)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in _FUNCTIONS:
            if isinstance(node.value, ast.Name):
                used[_key(module, node.value.id)].add(node.attr)
            elif isinstance(node.value, ast.Attribute):
                used[f".{node.value.attr}"].add(node.attr)
    return used


def _key(module: str, name: str) -> str:
    """A name with an underscore is used in its own module only."""
    return f"{module}.{name}" if name.startswith("_") else name


def _aliases(module: str, tree: ast.AST) -> Mapping[str, list[str]]:
    """Under which attributes names of the module are handed on: `refusal=_REFUSAL`."""
    aliases: defaultdict[str, list[str]] = defaultdict(list)
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and isinstance(node.value, ast.Name):
            aliases[node.value.id].append(f".{node.arg}")
    return aliases
