"""How often what `grounding.comparison` names is what is wrong, in the pairs of sentences that people wrote.

    python -m tests.benchmarks.differences [0 or 1]

Of each kind of fault every second pair from the first (0) or the second (1, by default) on: the former were read when
the rules were written. Each claim is held against the passage that groundedness finds nearest. A difference is there
where it overlaps the words in which the wrong and the right answer differ.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from tests.detectors.grounding.answers import interaction
from watchline.detectors.base import Evaluation, NotApplicable
from watchline.detectors.grounding.comparison import Difference, compare
from watchline.detectors.grounding.groundedness import Groundedness
from watchline.detectors.runtime.encoder import Embedded, Encoder

SENTENCES = Path(__file__).parents[1] / "detectors" / "grounding" / "sentences"
_WORD = re.compile(r"[\w.,']*\w|[^\w\s]")
_BATCH = 32

Judged = tuple[Mapping[str, Any], list[Difference], Evaluation]


def pairs(path: Path, half: int) -> list[tuple[Any, Any]]:
    """The right and the wrong answer of every second pair."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    groups: dict[str, list[Any]] = {}
    for row in rows:
        if "group" in row:
            groups.setdefault(row["group"], []).append(row)
    chosen = [sorted(group, key=lambda row: row["label"]) for group in list(groups.values())[half::2]]
    return [(right, wrong) for right, wrong in chosen]


def judged(detector: Groundedness, encoder: Encoder, rows: Sequence[Any]) -> Iterator[Judged]:
    """Each answer with what differs in it, in characters of it, and what groundedness says."""
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        prepared = [
            detector.prepare(interaction(row["output"], *row["documents"], asked=row["input"])) for row in batch
        ]
        known = [(row, each) for row, each in zip(batch, prepared, strict=True) if not isinstance(each, NotApplicable)]
        embedded = Embedded(encoder, [text for _, each in known for text in detector.texts(each)])
        readings, _ = detector.verdicts([each for _, each in known], embedded)
        evaluations = detector.evaluate([each for _, each in known], embedded)
        for (row, each), reading, evaluation in zip(known, readings, evaluations, strict=True):
            found = []
            for claim, (field, first, last, _) in zip(each.claims, reading.nearest, strict=True):
                units = [unit for unit in each.documents if unit.field == field and first <= unit.start < last]
                if all(each.texts[field][unit.start : unit.end] == unit.embedded for unit in units):
                    found += [
                        replace(item, start=claim.start + item.start, end=claim.start + item.end)
                        for item in compare(claim.text, each.texts[field][first:last])
                    ]
            yield row, found, evaluation


def differing(text: str, other: str) -> set[int]:
    """The places of the words that another text doesn't have there."""
    words = list(_WORD.finditer(text))
    theirs = [match[0].lower() for match in _WORD.finditer(other)]
    same = SequenceMatcher(None, [match[0].lower() for match in words], theirs, autojunk=False).get_opcodes()
    return {
        place
        for change, first, last, _, _ in same
        if change != "equal"
        for match in words[first:last]
        for place in range(*match.span())
    }


def main() -> None:
    half = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    detector, encoder = Groundedness(), Encoder("cpu")
    named: Counter[str] = Counter()
    print("| pairs of | pairs | wrong: so named | otherwise | right: named |\n|---|---|---|---|---|")
    for path in sorted(SENTENCES.glob("*.jsonl")):
        chosen = pairs(path, half) if path.stem not in ("documents", "out_of_context") else []
        wrong_places = {wrong["id"]: differing(wrong["output"], right["output"]) for right, wrong in chosen}
        wanted = "number" if path.stem == "unit" else path.stem
        so_named = otherwise = in_right = 0
        for row, found, evaluation in judged(detector, encoder, [row for pair in chosen for row in pair]):
            whole = "wrong" if row["label"] else "right"
            places = wrong_places.get(row["id"], set())
            verdicts = {(item.kind, not places.isdisjoint(range(item.start, item.end))) for item in found}
            so_named += (wanted, True) in verdicts
            otherwise += bool(row["label"]) and any(verdict != (wanted, True) for verdict in verdicts)
            in_right += not row["label"] and bool(found)
            named.update(f"{kind} in {whole} answers, {'there' if there else 'elsewhere'}" for kind, there in verdicts)
            for span in evaluation.spans:
                there = not places.isdisjoint(range(span.start, span.end))
                how = f"with its kind, {'there' if there else 'elsewhere'}" if ":" in span.label else "without a kind"
                named[f"spans in {whole} answers, {how}"] += 1
        if chosen:
            print(f"| {path.stem} | {len(chosen)} | {so_named} | {otherwise} | {in_right} |", flush=True)
    print(*(f"{what}: {count}" for what, count in sorted(named.items())), sep="\n")


if __name__ == "__main__":
    main()
