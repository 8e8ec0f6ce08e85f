from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.schemas.samples import INTERACTION, SAMPLES, TIME
from watchline.schemas.errors import Kind, PoisonError
from watchline.schemas.records import Document, Feedback, Interaction, InteractionBatch
from watchline.schemas.validation import DAY, YEAR_2000, Repaired, repair, repair_envelope

NOW = TIME + 1_000_000


OPINION = next(sample for sample in SAMPLES if isinstance(sample, Feedback))
BATCH = next(sample for sample in SAMPLES if isinstance(sample, InteractionBatch))
REPORT = dataclasses.replace(BATCH, interactions=(), time=TIME)


@pytest.mark.parametrize(
    "event_id",
    [
        "42",
        # Forms that Python's UUID() takes: ClickHouse's client refuses some and reads others as another event's id.
        "{01935c3e-7a00-7000-8000-000000000001}",
        "0_935c3e7a0070008000000000000001",
        "+1935c3e7a0070008000000000000001",
        "\u0660" * 32,
    ],
)
@pytest.mark.parametrize("record", [INTERACTION, OPINION])
def test_only_an_id_that_names_no_row_is_poison(record: Any, event_id: str) -> None:
    with pytest.raises(PoisonError, match=r"^event_id: not a UUID$") as error:
        repair(dataclasses.replace(record, event_id=event_id), received=NOW)
    assert (error.value.kind, error.value.field) == (Kind.INVALID, "event_id")


@pytest.mark.parametrize("record", [INTERACTION, OPINION, REPORT])
@pytest.mark.parametrize(
    "time",
    [-(1 << 63), -62_135_596_800_000_000, -1, YEAR_2000 - 1, NOW + DAY + 1, 253_402_300_799_000_000, (1 << 63) - 1],
)
def test_a_time_that_cannot_be_right_is_kafkas_and_the_sent_one_is_kept(record: Any, time: int) -> None:
    change = repair_envelope if record is REPORT else repair
    repaired = change(dataclasses.replace(record, time=time), received=NOW)  # type: ignore[operator]
    assert (repaired.record.time, repaired.sent_time, repaired.invalid_fields) == (NOW, time, ("time",))
    assert dataclasses.replace(repaired.record, time=record.time) == record  # nothing else has changed


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"latency_s": float("nan")}, None),
        ({"latency_s": -0.1}, None),
        ({"time_to_first_chunk_s": float("inf")}, None),
        ({"cost": -1.0}, None),
        ({"cost": float("-inf")}, None),
        *(({name: -1}, None) for name in ("input_tokens", "output_tokens", "cache_read_input_tokens")),
        *(({name: -1}, None) for name in ("cache_write_input_tokens", "reasoning_output_tokens")),
        (
            {"documents": (Document("x", score=float("nan")), Document("y", score=0.5), Document("z"))},
            (Document("x"), Document("y", score=0.5), Document("z")),
        ),
        ({"trace_id": "jane@example.com"}, None),
        ({"span_id": "0123"}, None),
        ({"prompt_hash": "F" * 64}, None),
        ({"truncated": {"input:0": -1, "input:1": 7}}, {"input:1": 7}),
    ],
)
def test_a_value_that_cannot_be_stored_costs_itself(change: dict[str, Any], left: Any) -> None:
    ((name, _),) = change.items()
    repaired = repair(dataclasses.replace(INTERACTION, **change), received=NOW)
    assert repaired == Repaired(dataclasses.replace(INTERACTION, **{name: left}), (name,), None)


@pytest.mark.parametrize("rating", [1 << 31, -(1 << 31) - 1])
def test_a_rating_beyond_32_bits_costs_itself(rating: int) -> None:
    repaired = repair(dataclasses.replace(OPINION, rating=rating), received=NOW)
    assert repaired == Repaired(dataclasses.replace(OPINION, rating=None), ("rating",), None)


def test_what_can_be_stored_stays_as_it_is() -> None:
    for record in (
        INTERACTION,
        Interaction(event_id=INTERACTION.event_id, time=TIME, app=""),
        dataclasses.replace(INTERACTION, time=YEAR_2000),
        dataclasses.replace(INTERACTION, time=NOW + DAY),
        OPINION,
    ):
        assert repair(record, received=NOW) == Repaired(record)  # type: ignore[type-var]


def test_feedback_without_an_id_is_poison() -> None:
    with pytest.raises(PoisonError, match="feedback_id"):
        repair(dataclasses.replace(OPINION, feedback_id=""), received=NOW)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"producer_id": "jane@example.com"}, "producer_id: not a UUID"),
        ({"first_sequence": -1}, "first_sequence: negative or too large"),
        ({"first_sequence": (1 << 63) - 1}, "first_sequence: negative or too large"),
        ({"interactions": (), "time": 0}, "interactions: there are none"),
        ({"dropped": -1, "time": TIME, "interactions": ()}, "dropped: negative"),
        ({"feedback_dropped": -1}, "feedback_dropped: negative"),
        ({"dropped_by": {"buffer full": -1}}, "dropped_by: negative"),
    ],
)
def test_an_envelope_that_cannot_be_stored_is_poison(change: dict[str, Any], reason: str) -> None:
    batch = dataclasses.replace(BATCH, time=TIME)
    for fine in (batch, dataclasses.replace(batch, interactions=()), dataclasses.replace(batch, time=0)):
        assert repair_envelope(fine, received=NOW) == Repaired(fine)
    with pytest.raises(PoisonError, match=f"^{reason}$") as error:
        repair_envelope(dataclasses.replace(batch, **change), received=NOW)
    assert (error.value.kind, error.value.field) == (Kind.INVALID, next(iter(change)))


def test_an_envelope_with_a_bad_count_of_drops_costs_no_event() -> None:
    batch = dataclasses.replace(BATCH, time=0, dropped=-1)
    assert repair_envelope(batch, received=NOW) == Repaired(dataclasses.replace(batch, dropped=0), ("dropped",), None)
