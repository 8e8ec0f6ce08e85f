from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.schemas.samples import INTERACTION, SAMPLES, TIME
from watchline.schemas.errors import Kind, PoisonError
from watchline.schemas.records import Document, Feedback, Interaction, InteractionBatch
from watchline.schemas.validation import DAY, YEAR_2000, check, check_envelope

NOW = TIME + 1_000_000


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event_id": "42"}, "event_id: not a UUID"),
        ({"time": -62_135_596_800_000_000}, "time: before 2000"),
        ({"time": YEAR_2000 - 1}, "time: before 2000"),
        ({"time": NOW + DAY + 1}, "more than a day after"),
        ({"time": 253_402_300_799_000_000}, "more than a day after"),
        ({"latency_s": float("nan")}, "latency_s: not a number"),
        ({"latency_s": -0.1}, "latency_s"),
        ({"time_to_first_chunk_s": float("inf")}, "time_to_first_chunk_s"),
        ({"cost": -1.0}, "cost"),
        ({"input_tokens": -1}, "input_tokens: negative"),
        ({"documents": (Document("x", score=float("nan")),)}, "documents: the score of document 0"),
        ({"trace_id": "xyz"}, "trace_id: not 32"),
        ({"truncated": {"input:0": -1}}, "truncated: negative"),
        # Forms that Python's UUID() takes: ClickHouse's client refuses some and reads others as another event's id.
        ({"event_id": "{01935c3e-7a00-7000-8000-000000000001}"}, "event_id: not a UUID"),
        ({"event_id": "0_935c3e7a0070008000000000000001"}, "event_id: not a UUID"),
        ({"event_id": "+1935c3e7a0070008000000000000001"}, "event_id: not a UUID"),
        ({"event_id": "\u0660" * 32}, "event_id: not a UUID"),
    ],
)
def test_what_cannot_be_stored_is_poison(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(PoisonError, match=reason) as error:
        check(dataclasses.replace(INTERACTION, **change), received=NOW)
    assert (error.value.kind, error.value.field) == (Kind.INVALID, *change)


def test_what_can_is_not() -> None:
    check(INTERACTION, received=NOW)
    check(Interaction(event_id=INTERACTION.event_id, time=TIME, app=""), received=NOW)
    check(dataclasses.replace(INTERACTION, time=YEAR_2000), received=NOW)


def test_feedback() -> None:
    feedback = next(sample for sample in SAMPLES if isinstance(sample, Feedback))
    check(feedback, received=NOW)
    with pytest.raises(PoisonError, match="feedback_id"):
        check(dataclasses.replace(feedback, feedback_id=""), received=NOW)
    with pytest.raises(PoisonError, match="rating: not a 32-bit number"):
        check(dataclasses.replace(feedback, rating=1 << 31), received=NOW)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"producer_id": "jane@example.com"}, "producer_id: not a UUID"),
        ({"first_sequence": -1}, "first_sequence: negative or too large"),
        ({"first_sequence": (1 << 63) - 1}, "first_sequence: negative or too large"),
        ({"dropped": -1}, "dropped: negative"),
        ({"interactions": (), "time": 0}, "interactions: there are none"),
        ({"time": NOW + DAY + 1}, "time: before 2000 or more than a day after it was received"),
        ({"feedback_dropped": -1}, "feedback_dropped: negative"),
        ({"dropped_by": {"buffer full": -1}}, "dropped_by: negative"),
        ({"dropped_by": {"Call 0171 555": 1}}, "dropped_by: a reason is .*"),
        ({"dropped_by": {"x" * 61: 1}}, "dropped_by: a reason is .*"),
    ],
)
def test_an_envelope_that_cannot_be_stored_is_poison(change: dict[str, Any], reason: str) -> None:
    batch = next(sample for sample in SAMPLES if isinstance(sample, InteractionBatch))
    check_envelope(batch, received=NOW)
    check_envelope(dataclasses.replace(batch, interactions=()), received=NOW)
    with pytest.raises(PoisonError, match=f"^{reason}$") as error:
        check_envelope(dataclasses.replace(batch, **change), received=NOW)
    assert (error.value.kind, error.value.field) == (Kind.INVALID, next(iter(change)))
