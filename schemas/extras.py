"""What to do where an extra isn't installed."""

from __future__ import annotations

# What scores needs the detectors' weights as well.
_WITH_WEIGHTS = ("worker", "embedded")


def how_to_install(extra: str) -> str:
    """The command that brings an extra, for an error's text.

    Neither Watchline nor its weights are on the package index, so both are named by where they lie.

    >>> how_to_install("registry")
    "in a checkout of Watchline: pip install '.[registry]'"
    >>> how_to_install("worker")
    "in a checkout of Watchline: pip install '.[worker]' ./detectors/weights"
    """
    weights = " ./detectors/weights" if extra in _WITH_WEIGHTS else ""
    return f"in a checkout of Watchline: pip install '.[{extra}]'{weights}"
