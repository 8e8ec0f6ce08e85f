"""The contract of a detector.

A detector sees interactions after redaction, one batch at a time, in two steps, so that the scorer can embed the texts
of all detectors in one pass: `prepare` reads one interaction and says which texts it needs embedded, `evaluate`
judges a batch with their embeddings at hand.
`tests/detectors/test_contract.py` runs the same checks over every registered one.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from watchline.detectors.runtime.plan import Passes
from watchline.detectors.runtime.weights import weights_folder
from watchline.schemas.records import Evidence, Interaction, Span

if TYPE_CHECKING:  # loads torch
    from watchline.detectors.runtime.encoder import LowerStates

Vectors = NDArray[np.float32]


class Embeddings(Protocol):
    """The sentence embeddings of a batch's texts."""

    def __getitem__(self, texts: Sequence[str]) -> Vectors:
        """The embeddings of texts that `prepare` asked for: (len(texts), 384), rows of length 1."""

    def lower(self, texts: Sequence[str], layers: int) -> Sequence[LowerStates]:
        """The hidden states of any texts after the encoder's first `layers` layers."""


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """The detector has nothing to say about the interaction; `reason` is a fixed phrase, never text of the event."""

    reason: str


TOOL_CALL = NotApplicable("tool call")  # for what judges answers: the output is a step on the way to one


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a detector says of one interaction.

    Attributes
    ----------
    scores : mapping of str to float
        A calibrated probability, 0 to 1, for each label of the detector.
    spans : tuple of Span
        Where in the texts of the interaction, in code points.
    evidence : tuple of Evidence
        What a span was held against.
    scored_fraction : float
        The share of the text that was read, 0 to 1.
    """

    scores: Mapping[str, float]
    spans: tuple[Span, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    scored_fraction: float = field(default=1.0)


Prepared = TypeVar("Prepared")


class Detector(ABC, Generic[Prepared]):
    """Judges interactions. Deterministic; neither the order of a batch nor its size changes a result.

    Attributes
    ----------
    name : str
        Its name in findings and settings.
    labels : tuple of str
        The keys of every `Evaluation.scores` that it gives, all of them each time.
    VERSION : str
        Raised by hand when a change to the code, its own or what it calls, moves its scores on purpose;
        `tests/golden/test_scores.py` fails where they move without it.
    shared_weights : tuple of str
        Folders of weights beside its own that it reads: see `weights_folder`.
    uses_encoder : bool
        Whether its scores come from the shared encoder: whether it reads the embeddings that it is given.
    on_device : bool
        Whether it runs where the encoder runs. Where no planned detector does, the encoder isn't loaded, and prompts
        get no embedding.

    Examples
    --------
    One that reads the answer alone, and needs no model:

    >>> class Shouting(Detector[str]):
    ...     name, labels, VERSION = "shouting", ("shouting",), "1"
    ...     uses_encoder = on_device = False
    ...
    ...     def prepare(self, interaction):
    ...         return interaction.output or NotApplicable("no output")
    ...
    ...     def evaluate(self, batch, embeddings):
    ...         return [Evaluation({"shouting": sum(map(str.isupper, text)) / len(text)}) for text in batch]
    >>> Shouting().evaluate(["STOP now"], None)
    [Evaluation(scores={'shouting': 0.5}, spans=(), evidence=(), scored_fraction=1.0)]
    """

    name: str
    labels: tuple[str, ...]
    VERSION: ClassVar[str]
    shared_weights: ClassVar[tuple[str, ...]] = ()
    uses_encoder: ClassVar[bool] = True
    on_device: ClassVar[bool] = True

    @property
    def version(self) -> str:
        """`VERSION` and a hash of all weights behind its scores, `1-0a1b2c3d4e5f`: findings of one are comparable.

        Of its code it has `VERSION` alone: a comment, another name or another place leave it as it is.
        """
        folders = [weights_folder(name) for name in (self.name, *self.shared_weights)]
        files = [path for folder in folders for path in folder.glob("*.safetensors")]
        if self.uses_encoder:
            from watchline.detectors.runtime.encoder import model_files, model_folder

            files += model_files(model_folder())
        return f"{self.VERSION}-{digest(files, *self.other_models)}"

    @property
    def other_models(self) -> tuple[str, ...]:
        """The identities of models behind its scores that are neither shipped weights nor the encoder."""
        return ()

    @property
    def passes(self) -> Mapping[str, Passes]:
        """What has gone through models of its own, by their names; detectors that share one give it the same name."""
        return {}

    @abstractmethod
    def prepare(self, interaction: Interaction) -> Prepared | NotApplicable:
        """Reads one interaction; must not depend on any other. Never blocks.

        Returns
        -------
        Prepared or NotApplicable
            What `texts` and `evaluate` need, or why there is nothing to judge.
        """

    def texts(self, prepared: Prepared) -> Sequence[str]:
        """The texts whose embeddings `evaluate` will ask for. Passages of documents are kept across batches."""
        return ()

    @abstractmethod
    def evaluate(self, batch: Sequence[Prepared], embeddings: Embeddings) -> Sequence[Evaluation]:
        """Judges what `prepare` gave.

        Parameters
        ----------
        batch
            Of any size; an empty one gives an empty list.
        embeddings
            Those of all that `texts` asked for.

        Returns
        -------
        sequence of Evaluation
            One for each, in order.
        """


def digest(files: Iterable[Path], *more: str) -> str:
    """12 hexadecimal digits that change with the content of a file, or with one of the strings.

    Where a file lies and what it is called makes no difference. A file is read once, until it changes.
    """
    contents = sorted(_content(path, path.stat().st_mtime_ns, path.stat().st_size) for path in files)
    return hashlib.sha256(json.dumps([contents, more]).encode()).hexdigest()[:12]


@cache
def _content(path: Path, modified_ns: int, size: int) -> str:
    """Hash of what is in a file; when it was modified and its size tell whether it is still the same."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
