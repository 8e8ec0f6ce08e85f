"""The detectors: each is declared here once, for settings, command line, documentation and its own class.

Nothing heavy is imported: a module only when its detector is asked for. Beside its declaration a detector has its
module, a section of `thresholds.toml` and a folder of weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchline.detectors.huggingface.settings import ModelSettings, Task
from watchline.detectors.thresholds import Thresholds
from watchline.schemas.errors import ConfigurationError
from watchline.schemas.extras import how_to_install

if TYPE_CHECKING:  # loads numpy
    from watchline.detectors.base import Detector


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is known of a detector before its module is imported.

    Attributes
    ----------
    name : str
        In settings and findings, and of its folder of weights.
    implementation : str
        Its class, as `module:class`.
    labels : tuple of str
        What it gives a score for; the weights were fitted on them in this order.
    tasks : tuple of str
        What a Hugging Face model in its place can be for; none: it can't be replaced.
    """

    name: str
    implementation: str
    labels: tuple[str, ...]
    tasks: tuple[Task, ...] = ()


PII = Declaration(
    "pii",
    "watchline.detectors.pii.detector:PersonalData",
    (
        "EMAIL_ADDRESS",
        "PHONE_NUMBER",
        "CREDIT_CARD",
        "IBAN_CODE",
        "US_SSN",
        "US_PASSPORT",
        "US_DRIVER_LICENSE",
        "US_BANK_NUMBER",
        "IP_ADDRESS",
        "MAC_ADDRESS",
        "URL",
        "CRYPTO",
        "SECRET",
        "DATE_OF_BIRTH",
        "ADDRESS",
        "PERSON",
        "ORGANIZATION",
        "MEDICAL_RECORD_NUMBER",
    ),
    tasks=(),  # redaction needs its patterns and checksums
)
GROUNDEDNESS = Declaration(
    "groundedness",
    "watchline.detectors.grounding.groundedness:Groundedness",
    ("unsupported",),
    tasks=("pair", "token"),
)
RELEVANCE = Declaration(
    "relevance",
    "watchline.detectors.grounding.relevance:Relevance",
    ("answer_irrelevant", "context_irrelevant"),
    tasks=("pair",),
)
TOXICITY = Declaration(
    "toxicity",
    "watchline.detectors.harm.toxicity:Toxicity",
    ("hate", "violence", "sexual", "self_harm", "insult", "sexism"),
    tasks=("sequence",),
)
BIAS = Declaration("bias", "watchline.detectors.harm.bias:Bias", ("stereotype",), tasks=("sequence",))
INJECTION = Declaration(
    "injection",
    "watchline.detectors.harm.injection:Injection",
    ("injection", "indirect_injection"),
    tasks=("sequence",),
)

DETECTORS = {each.name: each for each in (PII, GROUNDEDNESS, RELEVANCE, TOXICITY, BIAS, INJECTION)}


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
    models
        By detector; see `detectors.replacement`. `device` and `thresholds`, as the scorer takes them, are for these.

    Raises ConfigurationError where a name is unknown, or named twice, or what the detector needs is not installed, or a
    model can't be loaded.
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
