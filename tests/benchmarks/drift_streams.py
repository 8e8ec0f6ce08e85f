"""Streams of events with a change at a known point, and of the same kinds without one: values, rates, questions.

A stream's first `REFERENCE` events are what a method may learn from. The change comes after `BEFORE` events.

Questions are CLINC's (Larson et al., EMNLP 2019): the 15 intents of its banking domain are the normal traffic, its
out-of-scope questions are the strangers. Reference and later questions are disjoint.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

REFERENCE = 500
BEFORE = 1_000  # the reference's among them
AFTER = 2_000
WATCHED = 5_000  # events of a stream without change, after the reference

BANKING = (
    "freeze_account", "routing", "pin_change", "bill_due", "pay_bill", "account_blocked", "interest_rate",
    "min_payment", "bill_balance", "transfer", "order_checks", "balance", "spending_history", "transactions",
    "report_fraud",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Events:
    """One stream.

    Parameters
    ----------
    kind : {"normal", "rate .05", "rate .15", "topics"}
        Streams of one kind are the same until they change.
    values : list of float
        Of topics the distance to the centre of the reference.
    rows : array of int, optional
        Of topics, the question of each event: its row in the bank of embeddings.
    """

    kind: str
    values: list[float]
    rows: NDArray[np.int64] | None = None

    @property
    def bounded(self) -> bool:
        return self.kind.startswith("rate")

    @cached_property
    def standardised(self) -> list[float]:
        """The values in standard deviations of the reference, from its mean."""
        reference = np.array(self.values[:REFERENCE])
        return ((np.array(self.values) - reference.mean()) / max(reference.std(), 1e-9)).tolist()  # type: ignore[no-any-return]


Draw = Callable[[np.random.Generator, int], Events]  # events after `BEFORE`, if any, are changed


class Bank:
    """The embeddings of the questions, each of length 1.

    Parameters
    ----------
    vectors : (questions, dimensions) array
    intents : sequence of str
        Of each row, `oos` for a question out of scope.
    early : sequence of bool
        Whether a row may be in a reference, and in no event after one.
    """

    def __init__(self, vectors: NDArray[np.float32], intents: Sequence[str], early: Sequence[bool]) -> None:
        self.vectors = vectors
        self._rows = {
            (intent, part): np.array(
                [n for n, (name, of) in enumerate(zip(intents, early, strict=True)) if name == intent and of is part]
            )
            for intent in set(intents)
            for part in (True, False)
        }

    def events(self, rng: np.random.Generator, after: int, *, strangers: float = 0.0, one: float = 0.0) -> Events:
        """A stream whose last `after` events have a share of strangers, or of one intent that is drawn."""
        count = BEFORE if after else REFERENCE + WATCHED
        intents = [BANKING[n] for n in rng.integers(len(BANKING), size=count)]
        chosen = BANKING[rng.integers(len(BANKING))]
        others = [intent for intent in BANKING if intent != chosen]
        for _ in range(after):
            if rng.random() < strangers:
                intents.append("oos")
            elif one:
                intents.append(chosen if rng.random() < one else others[rng.integers(len(others))])
            else:
                intents.append(BANKING[rng.integers(len(BANKING))])
        pools = [self._rows[intent, n < REFERENCE and intent != "oos"] for n, intent in enumerate(intents)]
        drawn = rng.random(len(pools)).tolist()
        rows = np.array([pool[int(share * len(pool))] for pool, share in zip(pools, drawn, strict=True)])
        centre = self.vectors[rows[:REFERENCE]].mean(axis=0)
        distances = 1 - self.vectors @ (centre / np.linalg.norm(centre))
        return Events("topics", distances[rows].tolist(), rows)


def normal(effect: float, over: int = 1) -> Draw:
    """Values of standard deviation 1, whose mean rises by `effect` within `over` events."""

    def draw(rng: np.random.Generator, after: int) -> Events:
        count = BEFORE if after else REFERENCE + WATCHED
        rise = effect * np.minimum(1, np.arange(1, after + 1) / over)
        return Events("normal", [*rng.standard_normal(count).tolist(), *(rng.standard_normal(after) + rise).tolist()])

    return draw


def rate(before: float, later: float) -> Draw:
    """0 or 1."""

    def draw(rng: np.random.Generator, after: int) -> Events:
        count = BEFORE if after else REFERENCE + WATCHED
        values = [*(rng.random(count) < before), *(rng.random(after) < later)]
        return Events(f"rate {before:.2f}".replace("0.", "."), [float(value) for value in values])

    return draw


class Column(NamedTuple):
    """A column of the table: its name, the kind of its streams before they change, and how they are drawn."""

    name: str
    kind: str
    draw: Draw


def columns(bank: Bank | None) -> list[Column]:
    """All columns; those of topics only where there is a bank."""
    found = [
        Column("+.2 sd", "normal", normal(0.2)),
        Column("+.5 sd", "normal", normal(0.5)),
        Column("+1 sd", "normal", normal(1.0)),
        Column("+.5 over 200", "normal", normal(0.5, over=200)),
        Column("5->10 %", "rate .05", rate(0.05, 0.10)),
        Column("15->40 %", "rate .15", rate(0.15, 0.40)),
    ]
    if bank is not None:
        found += [
            Column(f"strangers {share:.0%}", "topics", _topics(bank, strangers=share)) for share in (0.05, 0.1, 0.25)
        ]
        found += [Column(f"intent to {share:.0%}", "topics", _topics(bank, one=share)) for share in (0.25, 0.5)]
    return found


def _topics(bank: Bank, *, strangers: float = 0.0, one: float = 0.0) -> Draw:
    return lambda rng, after: bank.events(rng, after, strangers=strangers, one=one)


def bank_of(folder: Path, kept: Path) -> Bank:
    """The bank of `folder`/drift/clinc_oos.jsonl.gz, its embeddings kept in the folder `kept` from run to run."""
    with gzip.open(folder / "drift" / "clinc_oos.jsonl.gz", "rt", encoding="utf-8") as lines:
        records = [record for record in map(json.loads, lines) if record["intent"] in {*BANKING, "oos"}]
    texts = [str(record["text"]) for record in records]
    name = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
    path = kept / f"watchline-drift-{name}.npy"
    if not path.exists():
        vectors = _embedded(texts)
        part = path.with_suffix(f".{os.getpid()}.npy")
        np.save(part, vectors)
        part.replace(path)
    early = [record["split"] == "train" for record in records]
    # Strangers never stand in a reference.
    early = [of and record["intent"] != "oos" for of, record in zip(early, records, strict=True)]
    return Bank(np.load(path), [str(record["intent"]) for record in records], early)


def _embedded(texts: Sequence[str]) -> NDArray[np.float32]:
    from watchline.detectors.runtime.encoder import Encoder  # torch, which a run without topics doesn't need

    return Encoder().encode(texts)
