"""Puts a Hugging Face model in a shipped detector's place."""

from __future__ import annotations

import logging
from typing import Any

from watchline.detectors.base import Detector
from watchline.detectors.huggingface.classifier import Classifier
from watchline.detectors.huggingface.groundedness import Entailment, Tokens
from watchline.detectors.huggingface.pretrained import Pretrained, Relevance, Windows
from watchline.detectors.huggingface.settings import ModelSettings
from watchline.detectors.thresholds import Thresholds

log = logging.getLogger(__name__)


def replace(
    shipped: Detector[Any], settings: ModelSettings, *, device: str | None = None, thresholds: Thresholds | None = None
) -> Detector[Any]:
    """A detector that judges what the shipped one reads by the model that the settings name.

    Parameters
    ----------
    shipped
        The detector, which goes on to say what is read.
    settings
        The model, and how its output is read.
    device
        `cpu`, `cuda`, `cuda:N`; by default CUDA where there is one.
    thresholds
        The operating points in force: from a label's threshold on a stretch of text becomes a span.

    Raises
    ------
    ConfigurationError
        The model can't be loaded or doesn't go with the detector.
    """
    classifier = Classifier(shipped.name, shipped.labels, settings, device)
    kinds: dict[tuple[str, str], type[Pretrained[Any]]] = {
        ("groundedness", "pair"): Entailment,
        ("groundedness", "token"): Tokens,
        ("relevance", "pair"): Relevance,
    }
    in_force, measured = thresholds or Thresholds(), Thresholds()
    detector = kinds.get((shipped.name, classifier.task), Windows)(shipped, classifier, in_force)
    name = shipped.name
    log.info("%s is judged by %s (%s)", name, settings.model, classifier.task)
    if same := [label for label in shipped.labels if in_force.of(name, label) == measured.of(name, label)]:
        log.warning(
            "%s (%s): the operating points in force were measured on the shipped weights, not on %s; choose your own "
            "with `watchline calibrate %s FILE`, which writes the file that WATCHLINE_THRESHOLDS names",
            name, ", ".join(same), settings.model, name,
        )  # fmt: skip
    return detector
