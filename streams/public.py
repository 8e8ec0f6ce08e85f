"""What apps import from `watchline` itself; each name is loaded when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchline.schemas.records import Interaction
    from watchline.streams.producer.arguments import ArgumentError
    from watchline.streams.producer.buffer import Stats
    from watchline.streams.producer.producer import Producer
    from watchline.streams.producer.prompt import Prompt, PromptError

    __version__: str

__all__ = ["ArgumentError", "Interaction", "Producer", "Prompt", "PromptError", "Stats", "__version__"]

_HOMES = {
    "ArgumentError": "watchline.streams.producer.arguments",
    "Interaction": "watchline.schemas.records",
    "Producer": "watchline.streams.producer.producer",
    "Prompt": "watchline.streams.producer.prompt",
    "PromptError": "watchline.streams.producer.prompt",
    "Stats": "watchline.streams.producer.buffer",
}


if not TYPE_CHECKING:  # for a type checker, a module with `__getattr__` has every name

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version

            return version("watchline")
        if name not in _HOMES:
            raise AttributeError(f"module 'watchline' has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
