"""What recall is lost to spelling meant to get past a filter: leet, look-alike letters, invisible ones, gaps."""

# ruff: noqa: RUF001 (look-alike letters)

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from watchline.detectors.harm.toxicity import Toxicity
from watchline.detectors.scorer import Scorer
from watchline.detectors.training.harm.audit import flagged

_SEED = 17
_LEET = dict(zip("aeiost", "431057", strict=True))
_HOMOGLYPHS = dict(zip("aceopxyi", "асеорхуі", strict=True))  # Cyrillic
_ZERO_WIDTH = "\u200b"
_LONG = re.compile(r"\b[A-Za-z]{4,}\b")


def _letters(table: dict[str, str], share: float) -> Callable[[str, random.Random], str]:
    def changed(text: str, dice: random.Random) -> str:
        return "".join(table[char] if char in table and dice.random() < share else char for char in text)

    return changed


def _zero_width(text: str, dice: random.Random) -> str:
    return _LONG.sub(lambda word: word[0][:2] + _ZERO_WIDTH + word[0][2:], text)


def _spaced(text: str, dice: random.Random) -> str:
    return _LONG.sub(lambda word: "-".join(word[0]) if dice.random() < 0.5 else word[0], text)


DISGUISES: dict[str, Callable[[str, random.Random], str]] = {
    "leet, half of the letters": _letters(_LEET, 0.5),
    "leet, all letters": _letters(_LEET, 1.0),
    "look-alike letters, half": _letters(_HOMOGLYPHS, 0.5),
    "look-alike letters, all": _letters(_HOMOGLYPHS, 1.0),
    "zero-width space in each longer word": _zero_width,
    "half of the longer words l-i-k-e t-h-i-s": _spaced,
}


def table(detector: Toxicity, toxic: Sequence[str], points: dict[str, float]) -> str:
    """A Markdown table: the share of toxic texts that any label flags at these thresholds, plain and disguised."""
    scorer = Scorer([detector])
    plain = flagged(scorer, toxic, points).mean()
    lines = ["| disguise | recall | points lost |", "|---|---|---|", f"| none | {plain:.3f} | |"]
    for name, disguise in DISGUISES.items():
        dice = random.Random(_SEED)  # noqa: S311 - a draw, not a secret
        recall = flagged(scorer, [disguise(text, dice) for text in toxic], points).mean()
        lines.append(f"| {name} | {recall:.3f} | {100 * (plain - recall):.1f} |")
    return "\n".join(lines)
