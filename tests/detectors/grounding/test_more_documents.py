"""Documents that have nothing to do with an answer change nothing of what is said of it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.detectors.grounding.answers import RECORD, interaction
from watchline.detectors.base import Evaluation, NotApplicable
from watchline.detectors.grounding.groundedness import Groundedness
from watchline.detectors.runtime.calibration import Numbers
from watchline.detectors.runtime.encoder import Embedded, Encoder
from watchline.detectors.thresholds import Thresholds
from watchline.schemas.records import Interaction

pytestmark = pytest.mark.slow

SENTENCES = Path(__file__).parent / "sentences"
THRESHOLD = Thresholds().of("groundedness", "unsupported").threshold
ROOMS = "Rooms can be cancelled free of charge up to 72 hours before arrival. Breakfast is served from seven to ten."
PARKING = "The garage of the hotel has 40 spaces. Parking costs 18 euros a night, and charging an electric car 9 euros."


def rows(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


ALL = [document["text"] for document in rows(SENTENCES / "documents.jsonl")]


@pytest.fixture(scope="module")
def detector() -> Groundedness:
    return Groundedness()


def evaluate(detector: Groundedness, encoder: Encoder, some: Sequence[Interaction]) -> Iterator[Evaluation]:
    prepared = [each for one in some if not isinstance(each := detector.prepare(one), NotApplicable)]
    assert len(prepared) == len(some)
    for each in prepared:  # one by one: so many documents don't fit into memory at once
        yield from detector.evaluate([each], Embedded(encoder, detector.texts(each)))


def scores(detector: Groundedness, encoder: Encoder, some: Sequence[Interaction]) -> Numbers:
    return np.array([each.scores["unsupported"] for each in evaluate(detector, encoder, some)])


def test_the_score_stays_where_it_was(detector: Groundedness, encoder: Encoder) -> None:
    dice = random.Random(4)
    answers = [row for path in sorted(SENTENCES.glob("*.jsonl")) if path.stem != "documents" for row in rows(path)]
    chosen = dice.sample(answers, 60)
    counts = [dice.choice([1, 10, 50]) for _ in chosen]
    alone = [interaction(row["output"], *row["documents"], asked=row["input"]) for row in chosen]
    among = []
    for row, count in zip(chosen, counts, strict=True):
        documents = [*row["documents"], *dice.sample(ALL, count)]
        dice.shuffle(documents)
        among.append(interaction(row["output"], *documents, asked=row["input"]))
    before, after = scores(detector, encoder, alone), scores(detector, encoder, among)
    assert (np.abs(before - after) <= 0.02).mean() >= 0.98
    assert ((before >= THRESHOLD) != (after >= THRESHOLD)).mean() <= 0.02


def test_what_is_invented_stays_flagged_among_many(detector: Groundedness, encoder: Encoder) -> None:
    """Any word stands somewhere in a hundred documents."""
    invented = "The roof terrace was closed by the fire department last March after a complaint of the neighbours."
    assert (
        scores(detector, encoder, [interaction(invented, ROOMS), interaction(invented, *ALL, ROOMS)]).min() > THRESHOLD
    )


def test_the_document_that_bears_it_out_clears_it_wherever_it_stands(detector: Groundedness, encoder: Encoder) -> None:
    answer = "You can cancel your room free of charge up to 72 hours before arrival."
    orders = ([*ALL[:30], ROOMS], [ROOMS, *ALL[:30]], [*ALL[:15], ROOMS, *ALL[15:30]])
    without, *with_it = scores(
        detector, encoder, [interaction(answer, *documents) for documents in (ALL[40:70], *orders)]
    )
    assert without >= THRESHOLD
    assert max(with_it) < THRESHOLD


def test_an_answer_may_rest_on_several_documents(detector: Groundedness, encoder: Encoder) -> None:
    answer = "Rooms can be cancelled free of charge up to 72 hours before arrival. Parking costs 18 euros a night."
    wrong = answer.replace("Parking costs", "Every guest may bring two large dogs and a parrot, which costs")
    documents = [*ALL[:20], ROOMS, *ALL[20:40], PARKING]
    right, flagged = evaluate(detector, encoder, [interaction(answer, *documents), interaction(wrong, *documents)])
    assert right.scores["unsupported"] < THRESHOLD <= flagged.scores["unsupported"]


def test_an_answer_may_rest_on_several_records(detector: Groundedness, encoder: Encoder) -> None:
    cafes = [
        RECORD,
        *(RECORD.replace("Blue Spoon", name).replace("Leeds", "York") for name in ("Old Mill", "Red Fork")),
    ]
    closed = cafes[1].replace("8:0-16:0", "7:0-11:0").replace('"OutdoorSeating": false', '"OutdoorSeating": true')
    documents = [*ALL[:20], cafes[2], closed, *ALL[20:40], RECORD]
    right = "Old Mill has outdoor seating and opens on Monday at 7 AM. Blue Spoon opens on Monday at 8 AM."
    wrong = "Blue Spoon in Leeds has outdoor seating, and Blue Spoon is open on Monday from 8 AM to 9 PM."
    supported, denied = scores(detector, encoder, [interaction(each, *documents) for each in (right, wrong)])
    assert supported < denied
    assert denied >= THRESHOLD
