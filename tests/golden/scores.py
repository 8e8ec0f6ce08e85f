"""What the shipped detectors say of some 300 texts, recorded: `python -m tests.golden.scores` records anew.

The texts are answers of the demo's recording, cases of the detectors' tests, and lines that were written for the
training: what moves a score of any detector is likely to move one here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.detectors.redacted import redacted
from watchline.detectors import registry
from watchline.detectors.pii.redactor import Redactor
from watchline.detectors.scorer import Scorer
from watchline.schemas.records import Document, Finding, Interaction, Message, ToolCall

HERE = Path(__file__).parent
RECORDED = HERE / "scores.json"
AT_ONCE = 64
TOLERANCE = 1e-4  # fp32, another order of the batch or another processor


def interactions() -> list[Interaction]:
    """The texts, in order."""
    lines = (HERE / "texts.jsonl").read_text(encoding="utf-8").splitlines()
    return [_interaction(json.loads(line)) for line in lines]


def judged() -> dict[str, Any]:
    """The detectors' versions, and for each text what each of them says of it."""
    scorer = Scorer(registry.load(list(registry.DETECTORS)), device="cpu")
    given = redacted(interactions(), Redactor())
    results: list[dict[str, Any]] = []
    for start in range(0, len(given), AT_ONCE):
        for result in scorer.score(given[start : start + AT_ONCE]):
            results.append({finding.detector: _said(finding) for finding in result.findings})
    return {"versions": dict(scorer.planned), "texts": results}


def recorded() -> dict[str, Any]:
    """What was recorded."""
    found: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return found


def moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, int, Any, Any]]:
    """Detector, number of the text, what was said of it and what is said now, wherever these differ."""
    for number, (old, new) in enumerate(zip(before["texts"], after["texts"], strict=True)):
        for detector in old:
            if not _same(old[detector], new[detector]):
                yield detector, number, old[detector], new[detector]


def _same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    if old.keys() != new.keys() or old.get("reason") != new.get("reason") or old.get("spans") != new.get("spans"):
        return False
    first, second = old.get("scores", {}), new.get("scores", {})
    return first.keys() == second.keys() and all(abs(first[name] - second[name]) <= TOLERANCE for name in first)


def _said(finding: Finding) -> dict[str, Any]:
    if finding.decision != "evaluated":
        return {"reason": f"{finding.decision}: {finding.reason}"}
    return {
        "scores": {label: round(score, 6) for label, score in finding.scores.items()},
        "spans": [[span.field, span.start, span.end, span.label] for span in finding.spans],
    }


def _interaction(line: Mapping[str, Any]) -> Interaction:
    question, answer = line.get("input", ""), line.get("output", "")
    return Interaction(
        event_id=f"01a20000-0000-7000-8000-{line['id']:012d}",
        time=1_700_000_000_000_000 + line["id"],
        app="golden",
        system_instructions=line.get("system"),
        input_messages=(Message("user", question),) if question else (),
        output_messages=(Message("assistant", answer),) if answer else (),
        tool_calls=tuple(ToolCall(*call) for call in line.get("tool_calls", ())),
        documents=tuple(Document(text) for text in line.get("documents", ())),
    )


def main() -> int:
    """Records; what hasn't moved stays as it was recorded, to the last digit."""
    found = judged()
    for old, new in zip(recorded()["texts"], found["texts"], strict=False):  # texts may have been added
        new |= {name: old[name] for name in new if name in old and _same(old[name], new[name])}
    texts = ",\n".join(json.dumps(each, ensure_ascii=False) for each in found["texts"])
    RECORDED.write_text(f'{{"versions": {json.dumps(found["versions"])},\n"texts": [\n{texts}\n]}}\n', encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
