"""The declared detectors, loaded by name. A module is imported only when its detector is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchline.detectors.declarations import DETECTORS
from watchline.detectors.huggingface.settings import ModelSettings
from watchline.detectors.thresholds import Thresholds
from watchline.schemas.errors import ConfigurationError
from watchline.schemas.extras import how_to_install

if TYPE_CHECKING:  # loads numpy
    from watchline.detectors.base import Detector


def load(
    names: Sequence[str],
    models: Mapping[str, ModelSettings] | None = None,
    *,
    device: str | None = None,
    thresholds: Path | str | None = None,
) -> list[Detector[Any]]:
    """The detectors of these names, each with its shipped weights, or judged by the model given for it.

    Parameters
    ----------
    names
        Of `declarations.DETECTORS`, each once.
    models
        By detector, the Hugging Face models that take the shipped ones' place; see `huggingface.replacement`.
    device
        Of those models: `cpu`, `cuda`, `cuda:N`; by default CUDA where there is one.
    thresholds
        A file whose sections replace shipped operating points, for the spans of those models.

    Returns
    -------
    list of Detector
        In the order of the names.

    Raises
    ------
    ConfigurationError
        A name is unknown, or named twice, or what the detector needs is not installed, or a model can't be loaded.

    Examples
    --------
    >>> (detector,) = load(["pii"])
    >>> detector.name, detector.labels[:2]
    ('pii', ('EMAIL_ADDRESS', 'PHONE_NUMBER'))
    """
    if len(set(names)) != len(names):
        raise ConfigurationError(f"detectors: a name stands twice in {', '.join(names)}")
    shipped = [_load(name) for name in names]
    if not models:
        return shipped
    from watchline.detectors.huggingface.replacement import (
        replace,  # loads transformers, which some detectors do without
    )

    points = Thresholds(thresholds)
    return [
        replace(detector, models[detector.name], device=device, thresholds=points)
        if detector.name in models
        else detector
        for detector in shipped
    ]


def _load(name: str) -> Detector[Any]:
    if name not in DETECTORS:
        raise ConfigurationError(f"detectors: no detector {name!r}; there are {', '.join(DETECTORS)}")
    module, _, attribute = DETECTORS[name].implementation.partition(":")
    try:
        detector: Detector[Any] = getattr(import_module(module), attribute)()
    except (ImportError, FileNotFoundError) as error:
        raise ConfigurationError(
            f"detectors: {name} cannot be loaded: {error}; what it needs comes with the extra `worker`, "
            f"{how_to_install('worker')}"
        ) from error
    if detector.name != name:
        raise ConfigurationError(f"detectors: {DETECTORS[name].implementation} is {detector.name!r}, not {name!r}")
    return detector
