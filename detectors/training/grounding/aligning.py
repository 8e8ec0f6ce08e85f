"""Training an `alignment` on pairs of texts: what the encoder's lower layers make of each text is computed once and
kept."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from watchline.detectors.grounding.alignment import LOWER_LAYERS, Aligner, PairOutputs
from watchline.detectors.runtime.encoder import Encoder, LowerStates
from watchline.detectors.runtime.packing import Packer

M = TypeVar("M", bound=nn.Module)
B = TypeVar("B")

_BUDGET = 8192  # tokens of a step, padding included
_MARKS_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Item:
    """A text, what it is held against (the most important first), and what is known of it.

    Attributes
    ----------
    label : int
        Its class.
    spans : sequence of (start, end), or None
        What is marked in the text; None where that is not known.
    weight : float
        In the loss.
    """

    text: str
    against: tuple[str, ...]
    label: int
    spans: Sequence[tuple[int, int]] | None = None
    weight: float = 1.0


class States:
    """What the lower layers make of texts, in half precision: some 23 kB for a sentence of 30 tokens."""

    def __init__(self, encoder: Encoder, texts: Iterable[str], layers: int = LOWER_LAYERS) -> None:
        distinct = list(dict.fromkeys(texts))
        self.device = encoder.device
        self._place = {text: place for place, text in enumerate(distinct)}
        self._states: list[Tensor] = []
        self._offsets: list[tuple[tuple[int, int], ...]] = []
        for start in range(0, len(distinct), 4096):
            for lower in encoder.lower(distinct[start : start + 4096], layers):
                self._states.append(lower.states.to("cpu", torch.float16))
                self._offsets.append(lower.offsets)
            print(f"\rlower layers {len(self._states)}/{len(distinct)}", end="", flush=True)
        print()

    def __getitem__(self, text: str) -> LowerStates:
        place = self._place[text]
        return LowerStates(self._states[place].to(self.device, torch.float32), self._offsets[place])

    def tokens(self, text: str) -> int:
        """How many the text has."""
        return len(self._offsets[self._place[text]])

    def length(self, item: Item) -> int:
        """Tokens of an item."""
        return sum(map(self.tokens, (item.text, *item.against)))


def fit_aligner(
    model: Aligner, items: Sequence[Item], states: States, *, epochs: int, rate: float, seed: int
) -> Aligner:
    """Trains in place: cross-entropy of the classes, and of the marked tokens where they are known.

    AdamW (Loshchilov and Hutter 2019); the rate as `descend` has it.
    """
    torch.manual_seed(seed)
    dice = random.Random(seed)  # noqa: S311 - a draw, not a secret
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    plan = [batch for _ in range(epochs) for batch in _batches(items, states, dice)]
    return descend(model, optimizer, plan, lambda batch: _loss(model, batch, states))


def descend(
    model: M, optimizer: torch.optim.Optimizer, plan: Sequence[Sequence[B]], loss_of: Callable[[Sequence[B]], Tensor]
) -> M:
    """Trains in place, a step for each batch of the plan: linear warm-up over 6 % of them, then linear decay; gradients
    clipped at 1."""
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / (0.06 * len(plan))) * max(0.0, 1 - step / len(plan))
    )
    model.train()
    start, total = time.monotonic(), 0.0
    for step, batch in enumerate(plan, 1):
        loss = loss_of(batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += float(loss.detach())
        if step % 20 == 0 or step == len(plan):
            left = (time.monotonic() - start) / step * (len(plan) - step)
            print(f"\rstep {step}/{len(plan)}, loss {total / step:.3f}, {left / 60:.0f} min left ", end="", flush=True)
    print()
    return model.eval()


def _loss(model: Aligner, batch: Sequence[Item], states: States) -> Tensor:
    logits, marks = model([(states[item.text], [states[text] for text in item.against]) for item in batch])
    labels = torch.tensor([item.label for item in batch], device=logits.device)
    weights = torch.tensor([item.weight for item in batch], device=logits.device)
    loss = (nn.functional.cross_entropy(logits, labels, reduction="none") * weights).mean()
    mark_losses: list[Tensor] = []
    for row, item in enumerate(batch):
        if item.spans is not None:
            offsets = states[item.text].offsets[1:-1]
            marked = [float(any(a < end and start < b for start, end in item.spans)) for a, b in offsets]
            target = torch.tensor(marked, device=marks.device)
            mark_losses.append(
                nn.functional.binary_cross_entropy_with_logits(
                    marks[row, 1 : 1 + len(offsets)], target, reduction="none"
                )
            )
    return loss + _MARKS_WEIGHT * torch.cat(mark_losses).mean() if mark_losses else loss


def _batches(items: Sequence[Item], states: States, dice: random.Random) -> list[list[Item]]:
    return shuffled_packs([[item] for item in items], states.length, _BUDGET, dice)


def shuffled_packs(
    units: Sequence[Sequence[B]], length: Callable[[B], int], budget: int, dice: random.Random
) -> list[list[B]]:
    """Packs of like length under a budget of tokens, padding included, in an order drawn anew; units stay whole."""
    drawn = dice.sample(units, len(units))
    packs: list[list[B]] = []
    for start in range(0, len(drawn), 2048):
        pack: list[B] = []
        some = [(max(map(length, unit)), unit) for unit in drawn[start : start + 2048]]
        for longest, unit in sorted(some, key=lambda sized: sized[0]):
            if pack and (len(pack) + len(unit)) * longest > budget:
                packs.append(pack)
                pack = []
            pack += unit
        packs.append(pack)
    dice.shuffle(packs)
    return packs


def judged(model: Aligner, items: Sequence[Item], states: States) -> list[PairOutputs]:
    """What the model makes of each item."""
    packer, out = Packer(states.device), []
    for start in range(0, len(items), 1024):  # states come in half precision and are widened piece by piece
        some = items[start : start + 1024]
        out += model.judge([(states[item.text], [states[text] for text in item.against]) for item in some], packer)
    return out


def accuracy(predicted: Sequence[PairOutputs], items: Sequence[Item]) -> float:
    """Share of items whose likeliest class is theirs."""
    return float(
        np.mean([int(np.argmax(outputs.logits)) == item.label for outputs, item in zip(predicted, items, strict=True)])
    )
