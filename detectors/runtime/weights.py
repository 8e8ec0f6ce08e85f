"""Where the shipped weights lie."""

from __future__ import annotations

from pathlib import Path


def weights_folder(name: str) -> Path:
    """Where the shipped weights of a detector lie, with their model card (`card.md`)."""
    return Path(__file__).parents[1] / "weights" / name
