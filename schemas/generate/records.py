"""The source of `schemas/records.py`: a dataclass for each Avro record, a Literal for each enum."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from watchline.schemas import properties
from watchline.schemas.codec import NAMESPACE

Declared = Mapping[str, Any]

_SCALARS = {
    "string": "str",
    "bytes": "bytes",
    "boolean": "bool",
    "int": "int",
    "long": "int",
    "float": "float",
    "double": "float",
}
_MOST_POSITIONAL = 5  # fields; a record of more takes them by keyword alone
_WIDTH = 120
_HEAD = '''"""Python types of the Avro records in `avro/`: same names, same fields, same words.

Made from them by `make generate`: change the schema, never this file.
Times are integer microseconds since 1970-01-01 UTC, as on the wire: a time that `datetime` cannot hold
is for validation to refuse, not for the decoder to die of. Sequences are tuples, so that a record can be shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
'''


def source(declared: Mapping[str, Declared]) -> str:
    """The module for these schemas, by name; what a record refers to stands before it.

    Raises ValueError for a type or a default that no record has had yet.
    """
    known = [name for name in vars(properties) if name.removesuffix("Properties") in declared]
    parts = [_HEAD]
    if known:
        parts[0] += f"\nfrom watchline.schemas.properties import {', '.join(sorted(known))}\n"
    names = _in_order(declared)
    parts += ["\n".join(_enum(declared[name])) for name in names if declared[name]["type"] == "enum"]
    parts += [
        "\n" + "\n".join(_record(declared[name], f"{name}Properties" if f"{name}Properties" in known else ""))
        for name in names
        if declared[name]["type"] == "record"
    ]
    return "\n".join(f"{part.rstrip()}\n" for part in parts)


def references(node: Any) -> Iterator[str]:
    """The names of the records and enums that a type refers to."""
    if isinstance(node, str) and node.startswith(f"{NAMESPACE}."):
        yield node.removeprefix(f"{NAMESPACE}.")
    elif isinstance(node, list):
        for option in node:
            yield from references(option)
    elif isinstance(node, dict):
        for key in ("type", "items", "values"):
            yield from references(node.get(key))


def python_type(node: Any) -> str:
    """A type of Avro as an annotation.

    >>> python_type(["null", "string"]), python_type({"type": "array", "items": "watchline.v1.Span"})
    ('str | None', 'tuple[Span, ...]')
    """
    if isinstance(node, list):
        options = [python_type(option) for option in node if option != "null"]
        return " | ".join([*options, "None"] if "null" in node else options)
    kind = node["type"] if isinstance(node, dict) else node
    if kind == "array":
        return f"tuple[{python_type(node['items'])}, ...]"
    if kind == "map":
        return f"Mapping[str, {python_type(node['values'])}]"
    if kind in _SCALARS:
        return _SCALARS[kind]
    if isinstance(node, str) and node.startswith(f"{NAMESPACE}."):
        return node.removeprefix(f"{NAMESPACE}.")
    raise ValueError(f"Avro type {node!r} has no Python type yet: give it one in {__name__}")


def _in_order(declared: Mapping[str, Declared]) -> list[str]:
    """Names by alphabet, but for what another refers to, which comes before it."""
    ordered: dict[str, None] = {}

    def visit(name: str) -> None:
        for item in declared[name].get("fields", ()):
            for other in references(item["type"]):
                visit(other)
        ordered.setdefault(name)

    for name in sorted(declared):
        visit(name)
    return list(ordered)


def _enum(declared: Declared) -> Iterator[str]:
    symbols = [f'"{symbol}"' for symbol in declared["symbols"]]
    line = f"{declared['name']} = Literal[{', '.join(symbols)}]"
    if len(line) <= _WIDTH:
        yield line
    else:
        yield f"{declared['name']} = Literal["
        yield from (f"    {symbol}," for symbol in symbols)
        yield "]"
    yield from _docstring(declared["doc"], "")


def _record(declared: Declared, base: str) -> Iterator[str]:
    fields = declared["fields"]
    first_default = next((place for place, item in enumerate(fields) if "default" in item), len(fields))
    keywords = len(fields) > _MOST_POSITIONAL or any("default" not in item for item in fields[first_default:])
    yield f"@dataclass(frozen=True, slots=True{', kw_only=True' if keywords else ''})"
    yield f"class {declared['name']}{f'({base})' if base else ''}:"
    yield from _docstring(declared["doc"])
    yield ""
    for item in fields:
        yield f"    {item['name']}: {python_type(item['type'])}{_default(item)}"
        yield from _docstring(item["doc"])


def _default(item: Declared) -> str:
    if "default" not in item:
        return ""
    value = item["default"]
    if value == {}:
        return " = field(default_factory=dict)"
    if value == []:
        return " = ()"
    if isinstance(value, dict | list):
        raise ValueError(f"default of {item['name']}: an empty map or array, or a scalar, not {value!r}")
    if item["type"] == "bytes" and not value:
        return ' = b""'
    if isinstance(value, str):
        return f' = "{value}"'
    return f" = {value!r}"


def _docstring(text: str, indent: str = "    ") -> Iterator[str]:
    """In one line where it fits, else wrapped."""
    if len(indent) + len(text) + 6 <= _WIDTH:
        yield f'{indent}"""{text}"""'
    else:
        lines = textwrap.wrap(text, _WIDTH, initial_indent=f'{indent}"""', subsequent_indent=indent)
        yield from lines
        yield f'{indent}"""'
