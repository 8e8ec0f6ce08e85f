"""Where the shipped weights lie."""

from __future__ import annotations

from pathlib import Path

from watchline.schemas.errors import ConfigurationError


def weights_folder(name: str) -> Path:
    """Where the shipped weights of a detector lie, with their model card (`card.md`).

    Raises
    ------
    ConfigurationError
        `watchline_models` isn't installed.
    """
    try:
        from watchline_models import FOLDER
    except ModuleNotFoundError:
        raise ConfigurationError(
            "the detectors' weights aren't installed: they are a distribution of their own, watchline-models, which is "
            "on no package index; in a checkout of Watchline: pip install ./detectors/weights"
        ) from None
    return FOLDER / name
