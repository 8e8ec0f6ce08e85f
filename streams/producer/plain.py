"""Objects of any library as maps, lists and texts, by what they can do: nothing is imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

_DEEPEST = 32
# pydantic's, then those of its first version, LlamaIndex, proto-plus and others; of named tuples.
_DUMPS = ("model_dump", "to_dict", "dict", "_asdict")
_SCALARS = (str, bytes, bytearray, memoryview, int, float, complex, type(None))


def plain(value: Any, depth: int = 0) -> Any:
    """A value without objects of classes that hold fields; what has none (a UUID, a Decimal, a path) stays as it is.

    Keys of maps become text. What lies deeper than 32 lists and maps is left out: the name of its class stands for it.

    Parameters
    ----------
    value
        Anything: pydantic models, dataclasses, enums, named tuples, arrays, protocol buffers, attribute objects.

    Raises
    ------
    Exception
        What the object's own code raises.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> plain(SimpleNamespace(prompt_tokens=13, details=SimpleNamespace(cached_tokens=4)))
    {'prompt_tokens': 13, 'details': {'cached_tokens': 4}}
    """
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, _SCALARS):
        return value
    if depth > _DEEPEST:  # or without end
        return type(value).__name__
    if isinstance(value, Mapping):
        return {_key(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | set | frozenset) or (isinstance(value, tuple) and not hasattr(value, "_asdict")):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, type):
        return value
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name), depth + 1) for field in fields(value)}
    for name in _DUMPS:
        dump = getattr(type(value), name, None)
        if callable(dump) and isinstance(dumped := dump(value), Mapping):
            return plain(dict(dumped), depth + 1)
    tolist = getattr(type(value), "tolist", None)  # of arrays and their numbers
    if callable(tolist):
        return plain(tolist(value), depth + 1)
    named = {name: item for name, item in getattr(value, "__dict__", {}).items() if not name.startswith("_")}
    if named and not isinstance(value, BaseException):
        return {name: plain(item, depth + 1) for name, item in named.items()}
    return [plain(item, depth + 1) for item in value] if isinstance(value, Sequence) else value


def has_fields(kind: type) -> bool:
    """Whether objects of a class hold fields, though they may be iterated over, as pydantic's can.

    Examples
    --------
    >>> has_fields(type("Model", (), {"model_dump": dict, "__iter__": None})), has_fields(list)
    (True, False)
    """
    return any(callable(getattr(kind, name, None)) for name in _DUMPS)


def _key(key: Any) -> str:
    return str(key.value if isinstance(key, Enum) else key)
