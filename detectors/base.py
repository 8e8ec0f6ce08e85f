"""The contract of a detector.

A detector sees interactions after redaction, one batch at a time, in two steps, so that the scorer can embed the texts
of all detectors in one pass: `prepare` reads one interaction and says which texts it needs embedded, `evaluate`
judges a batch with their embeddings at hand.
`tests/detectors/test_contract.py` runs the same checks over every registered one.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from watchline.detectors.runtime.plan import Passes
from watchline.detectors.runtime.weights import weights_folder
from watchline.schemas.records import Evidence, Interaction, Span

if TYPE_CHECKING:  # loads torch
    from watchline.detectors.runtime.encoder import Lower

Vectors = NDArray[np.float32]


class Embeddings(Protocol):
    """The sentence embeddings of a batch's texts."""

    def __getitem__(self, texts: Sequence[str]) -> Vectors:
        """The embeddings of texts that `prepare` asked for: (len(texts), 384), rows of length 1."""

    def lower(self, texts: Sequence[str], layers: int) -> Sequence[Lower]:
        """What so many of the encoder's lower layers make of any texts: where an `alignment` or a `tower` begins."""


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """The detector has nothing to say about the interaction; `reason` is a fixed phrase, never text of the event."""

    reason: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a detector says of one interaction: calibrated probabilities by label, where, against what."""

    scores: Mapping[str, float]
    spans: tuple[Span, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    scored_fraction: float = field(default=1.0)


W = TypeVar("W")


class Detector(ABC, Generic[W]):
    """One judge of interactions. Deterministic; neither the order of a batch nor its size changes a result.

    Attributes
    ----------
    name : str
        Its name in findings and settings.
    labels : tuple of str
        The keys of every `Evaluation.scores` that it gives, all of them each time.
    shared_weights : tuple of str
        Folders of weights beside its own that it reads: see `weights_folder`.
    embeds : bool
        Whether it asks for embeddings. One that doesn't runs on the CPU, and alone without the encoder.
    """

    name: str
    labels: tuple[str, ...]
    shared_weights: ClassVar[tuple[str, ...]] = ()
    embeds: ClassVar[bool] = True

    @property
    def version(self) -> str:
        """Hash of its code and its weights, 12 hexadecimal digits: two findings of one version are comparable."""
        return _version(type(self))

    @property
    def passes(self) -> Mapping[str, Passes]:
        """What has gone through models of its own, by their names; detectors that share one give it the same name."""
        return {}

    @abstractmethod
    def prepare(self, interaction: Interaction) -> W | NotApplicable:
        """Reads one interaction; must not depend on any other. Never blocks."""

    def texts(self, work: W) -> Sequence[str]:
        """The texts whose embeddings `evaluate` will ask for. Passages of documents are kept across batches."""
        return ()

    @abstractmethod
    def evaluate(self, batch: Sequence[W], embeddings: Embeddings) -> Sequence[Evaluation]:
        """Judges what `prepare` gave, one evaluation for each, in order. An empty batch gives an empty list."""


_versions: dict[type, str] = {}


def _version(detector: type) -> str:
    if detector not in _versions:
        folders = [detector.name, *detector.shared_weights]  # type: ignore[attr-defined]
        weights = [path for name in folders for path in sorted(weights_folder(name).glob("*"))]
        _versions[detector] = digest([*sources(detector), *weights])
    return _versions[detector]


def digest(files: Iterable[Path], *more: str) -> str:
    """12 hexadecimal digits that change with a file's name or content, or with one of the strings."""
    total = hashlib.sha256()
    for path in files:
        total.update(path.name.encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
    for text in more:
        total.update(text.encode())
    return total.hexdigest()[:12]


def sources(detector: type) -> list[Path]:
    """The code of a detector: its module and all that this imports from this package."""
    return sorted(_sources(Path(inspect.getfile(detector)), set()))


def _sources(path: Path, seen: set[Path]) -> set[Path]:
    """The file and what it imports from this package, followed all the way."""
    if path not in seen and path.is_file():
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("watchline.detectors"):
                names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
                for name in names:
                    _sources(Path(__file__).parent.joinpath(*name.split(".")[2:]).with_suffix(".py"), seen)
    return seen
