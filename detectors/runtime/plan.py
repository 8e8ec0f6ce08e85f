"""How a batch is scored: which detectors have something to read, which texts they share, what each model reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class Passes:
    """What has gone through a model: items (texts, pairs), the packs they went in, tokens with and without padding."""

    items: int = 0
    packs: int = 0
    tokens: int = 0
    padded_tokens: int = 0

    def __sub__(self, before: Passes) -> Passes:
        return Passes(
            self.items - before.items,
            self.packs - before.packs,
            self.tokens - before.tokens,
            self.padded_tokens - before.padded_tokens,
        )


@dataclass(frozen=True, slots=True)
class Share:
    """A detector's part in a batch.

    Attributes
    ----------
    version : str
    evaluated : int
        Events that it has judged.
    not_applicable : mapping of str to int
        Events by the reason why it doesn't apply.
    failed : int
    texts, shared : int
        Distinct texts that it wants embedded, and those of them that another detector wants too.
    seconds : float
        What it took: its own work, and its share of embedding by the texts that it asked for.
    """

    version: str
    evaluated: int
    not_applicable: Mapping[str, int]
    failed: int
    texts: int
    shared: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A batch as it was scored.

    Attributes
    ----------
    events : int
    device : str
    detectors : mapping of str to Share
    models : mapping of str to Passes
        By the model's name; one for all detectors that share it.
    texts : int
        Distinct texts to embed, those of the prompts among them.
    known : int
        Those of them that were embedded before.
    """

    events: int
    device: str
    detectors: Mapping[str, Share]
    models: Mapping[str, Passes]
    texts: int
    known: int
