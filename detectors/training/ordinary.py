"""How often a whole detector raises a false alarm on ordinary traffic that it wasn't trained on.

What people asked and models answered in RAGTruth and HaluEval, CLINC's requests, Wikipedia (BOLD) and Python's
reference documentation as answers: the groups that `corpora.held_back` names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from watchline.detectors.base import NotApplicable
from watchline.detectors.harm.windowed import WindowedDetector
from watchline.detectors.runtime.encoder import Embedded, Encoder
from watchline.detectors.training.harm.corpora import benign, held_back, read
from watchline.schemas.records import Document, Interaction, Message

Points = Mapping[str, tuple[float, float]]  # label to threshold, alert threshold
_MOST = 200  # interactions of a source


def table(detector: WindowedDetector, data: Path, points: Points) -> str:
    """Rows of a Markdown table: source, interactions, judged, flagged, alerts, both as a share of all."""
    encoder = Encoder()
    lines = []
    for source, interactions in _interactions(data).items():
        scores = score(detector, interactions, encoder)
        judged = int((~np.isnan(scores)).any(axis=1).sum())
        flagged, alerts = (
            float((scores >= np.array([points[label][which] for label in detector.labels])).any(axis=1).mean())
            for which in (0, 1)
        )
        lines.append(f"| {source} | {len(interactions)} | {judged} | {flagged:.2%} | {alerts:.2%} |")
    return "\n".join(lines)


def score(detector: WindowedDetector, interactions: Sequence[Interaction], encoder: Encoder) -> NDArray[np.float64]:
    """(interactions, labels) scores; NaN where the detector doesn't apply."""
    all_prepared = [detector.prepare(interaction) for interaction in interactions]
    scores = np.full((len(all_prepared), len(detector.labels)), np.nan)
    for index, prepared in enumerate(all_prepared):
        if not isinstance(prepared, NotApplicable):
            [evaluation] = detector.evaluate([prepared], Embedded(encoder, detector.texts(prepared)))
            scores[index] = [evaluation.scores[label] for label in detector.labels]
    return scores


def _interactions(data: Path) -> Mapping[str, list[Interaction]]:
    by_source: dict[str, list[Interaction]] = defaultdict(list)
    for source, question, answer, document in _traffic(data):
        if len(by_source[source]) < _MOST:
            by_source[source].append(
                Interaction(
                    event_id=f"{source}-{len(by_source[source])}",
                    time=0,
                    app="training",
                    input_messages=(Message("user", question),) if question else (),
                    output_messages=(Message("assistant", answer),) if answer else (),
                    documents=(Document(document),) if document else (),
                )
            )
    return by_source


def _traffic(data: Path) -> Iterator[tuple[str, str, str, str]]:
    """(source, question, answer, document) of what is held back."""
    for item in read(data, "groundedness/ragtruth"):
        if held_back(f"ragtruth-{item['source_id']}"):
            yield "RAGTruth", item["question"] or "", item["response"], item["context"]
    for item in read(data, "groundedness/halueval_general"):
        if held_back(f"halueval-{item['ID']}"):
            yield "HaluEval", item["user_query"], item["chatgpt_response"], ""
    for example in benign(data):
        if held_back(example.group):
            if example.source == "clinc":
                yield "CLINC", example.text, "", ""
            elif example.source in ("bold", "pydoc"):
                yield (
                    {"bold": "Wikipedia (BOLD)", "pydoc": "Python documentation"}[example.source],
                    "",
                    example.text,
                    example.text,
                )
