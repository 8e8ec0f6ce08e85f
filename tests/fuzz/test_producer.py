"""The producer given anything: it never raises into the app, and what it takes can be sent and stored."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchline.schemas.codec import decode, encode
from watchline.schemas.records import Feedback, Interaction, InteractionBatch
from watchline.schemas.validation import repair
from watchline.streams import Producer
from watchline.streams.ids import uuid7
from watchline.streams.producer import arguments as event
from watchline.streams.producer.truncation import truncate

EMIT = [name for name in inspect.signature(Producer.emit).parameters if name != "self"]
FEEDBACK = [name for name in inspect.signature(Producer.feedback).parameters if name not in ("self", "event_id")]


class Hostile:
    """Raises at whatever is asked of it but its class and, for the report of a failed test, its name."""

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return Hostile
        raise RuntimeError(name)

    def __repr__(self) -> str:
        return "Hostile()"

    def _raise(self, *_: Any) -> Any:
        raise RuntimeError

    __str__ = __iter__ = __len__ = __index__ = __float__ = __bool__ = __eq__ = __hash__ = _raise  # type: ignore[assignment]


class HostileMapping(Mapping[str, Any]):
    """A dict that can't be read."""

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError

    def __iter__(self) -> Iterator[str]:
        yield "content"
        raise RuntimeError

    def __len__(self) -> int:
        return -1


class HostileText(str):
    """A text that can't be written."""

    def encode(self, *_: Any, **__: Any) -> bytes:
        raise RuntimeError

    __len__ = __str__ = __getitem__ = encode  # type: ignore[assignment]


SELF: list[Any] = []
SELF.append(SELF)
DEEP: Any = "x"
for _ in range(5_000):
    DEEP = [DEEP]

_keys = st.text(max_size=5) | st.sampled_from(
    ("content", "role", "parts", "type", "text", "id", "score", "name", "arguments", "function", "input_tokens", "data")
)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**62, 2**65)
    | st.floats()
    | st.text(max_size=8)
    | st.text("\ud800a\0\N{SNOWMAN}", max_size=4)  # half of a surrogate pair has no bytes in UTF-8
    | st.binary(max_size=4)
    | st.decimals()
    | st.datetimes(timezones=st.none() | st.just(UTC))
    | st.uuids()
    | st.builds(lambda: str(uuid7()))
    | st.builds(time.time)
    | st.complex_numbers()
    | st.integers(0, 7).map(
        lambda index: [Hostile(), HostileMapping(), HostileText("x"), SELF, DEEP, "\ud800", object, ValueError("x")][
            index
        ]
    )
)
anything = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def producer() -> Iterator[Producer]:
    """With a subject key, and no Kafka."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WATCHLINE_SUBJECT_KEY", "k1:" + "ab" * 32)
        made = Producer("localhost:1", app="fuzz", max_events=50)
    yield made
    made.close(0)


@given(input=anything, model=anything, others=st.dictionaries(st.sampled_from(EMIT), anything, max_size=4))
def test_emit_never_raises(producer: Producer, input: Any, model: Any, others: dict[str, Any]) -> None:
    producer.emit(**{"input": input, "model": model, **others})


@given(event_id=anything, others=st.dictionaries(st.sampled_from(FEEDBACK), anything, max_size=4))
def test_feedback_never_raises(producer: Producer, event_id: Any, others: dict[str, Any]) -> None:
    producer.feedback(event_id, **others)


def test_nothing_of_it_was_a_fault_of_ours(producer: Producer) -> None:
    """Counted by the argument that was bad, and not as `internal`; runs after the others."""
    assert not producer.stats.dropped_by.get("internal")


@given(arguments=st.dictionaries(st.sampled_from(EMIT), anything, min_size=1, max_size=4))
def test_what_emit_takes_can_be_stored(arguments: dict[str, Any]) -> None:
    found = event.fields(arguments)
    unreadable = found.get("unreadable", {})
    assert {name.partition(".")[0] for name in unreadable} <= arguments.keys()
    found.pop("subject", None)  # only its hash is sent
    record = Interaction(**{"event_id": uuid7(), "time": time.time_ns() // 1000, "app": "fuzz", **found})
    batch = InteractionBatch(producer_id=uuid7(), first_sequence=0, interactions=(truncate(record),))
    (sent,) = decode(encode(batch), InteractionBatch).interactions
    repaired = repair(sent, received=time.time_ns() // 1000)
    assert set(repaired.invalid_fields) <= {"time"}
    assert replace(repaired.record, time=sent.time) == sent


@given(arguments=st.dictionaries(st.sampled_from(FEEDBACK), anything, min_size=1, max_size=4))
def test_feedback_that_is_taken_can_be_stored(arguments: dict[str, Any]) -> None:
    found = event.scored(event.fields(arguments))
    found.pop("subject", None)
    record = Feedback(
        **{"feedback_id": uuid7(), "event_id": uuid7(), "time": time.time_ns() // 1000, "app": "fuzz", **found}
    )
    came = decode(encode(truncate(record)), Feedback)
    repaired = repair(came, received=time.time_ns() // 1000)
    assert set(repaired.invalid_fields) <= {"time"}
    assert replace(repaired.record, time=came.time) == came
