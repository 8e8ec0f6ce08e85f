"""What the settings say of a model that judges in a shipped detector's place. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from watchline.detectors.declarations import Task


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """A table `[models.DETECTOR]`: a Hugging Face model with a classifier's head, and how its output is read.

    Attributes
    ----------
    model : str
        Its id, or a folder. Weights are read from safetensors only, and code that comes with a model is never run.
    revision : str or None
        Branch, tag or commit of an id.
    task : str or None
        `sequence` (one text), `pair` (a passage, and what is held against it), `token` (documents, question and answer,
        token by token); by default what the model's architecture says.
    labels : mapping of str to str or list of str
        To each of the detector's labels the names of the model's whose probabilities are added up; `not NAME` counts
        one minus its probability, an empty list is a label that the model can't tell. By default worked out.
    activation : str or None
        `sigmoid` or `softmax`; by default what the model's `problem_type` and its number of labels say.
    max_tokens : int or None
        Longer text is read in windows; by default what the model can take, at most 4096.
    """

    model: str
    revision: str | None = None
    task: Task | None = None
    labels: Mapping[str, str | list[str]] = field(default_factory=dict)
    activation: Literal["sigmoid", "softmax"] | None = None
    max_tokens: int | None = None

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 (pydantic's name and form)
