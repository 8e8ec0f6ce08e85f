"""The detectors by name. A module is imported only when its detector is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from watchline.detectors.base import Detector
from watchline.schemas.errors import ConfigurationError

DETECTORS = {
    "pii": "watchline.detectors.personal_data:PersonalData",
    "groundedness": "watchline.detectors.groundedness:Groundedness",
    "relevance": "watchline.detectors.relevance:Relevance",
    "toxicity": "watchline.detectors.toxicity:Toxicity",
    "bias": "watchline.detectors.bias:Bias",
    "injection": "watchline.detectors.injection:Injection",
}


def load(names: Sequence[str]) -> list[Detector[Any]]:
    """The detectors of these names, each with its shipped weights.

    Raises ConfigurationError where a name is unknown, or named twice, or what the detector needs is not installed.
    """
    if len(set(names)) != len(names):
        raise ConfigurationError(f"detectors: a name stands twice in {', '.join(names)}")
    return [_load(name) for name in names]


def _load(name: str) -> Detector[Any]:
    if name not in DETECTORS:
        raise ConfigurationError(f"detectors: no detector {name!r}; there are {', '.join(DETECTORS)}")
    module, _, attribute = DETECTORS[name].partition(":")
    try:
        detector: Detector[Any] = getattr(import_module(module), attribute)()
    except (ImportError, FileNotFoundError) as error:
        raise ConfigurationError(
            f"detectors: {name} cannot be loaded: {error}; it comes with pip install 'watchline[worker]'"
        ) from error
    return detector
