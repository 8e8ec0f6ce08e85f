"""The arguments of emit, read: what is taken in which form, and what a bad value is called."""

from __future__ import annotations

import enum
import sys
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from watchline.schemas.codec import decode, encode
from watchline.schemas.pseudonyms import pseudonym
from watchline.schemas.records import Document, Interaction, Message, ToolCall
from watchline.schemas.texts import strings
from watchline.streams.ids import uuid7
from watchline.streams.producer import arguments as event
from watchline.streams.producer.truncation import EVENT_LIMIT, FIELD_LIMIT, truncate


def read(**arguments: Any) -> Interaction:
    return Interaction(**{"event_id": uuid7(), "time": 1, "app": "test", **event.fields(arguments)})


def test_texts_become_messages() -> None:
    interaction = read(input="question", output="answer", model="m")
    assert (interaction.input, interaction.output, interaction.model) == ("question", "answer", "m")
    assert interaction.input_messages == (Message("user", "question"),)
    assert interaction.output_messages == (Message("assistant", "answer"),)


@pytest.mark.parametrize(
    ("given", "content"),
    [
        ({"role": "user", "content": "hi"}, "hi"),
        ({"role": "user", "parts": [{"type": "text", "content": "a"}, {"type": "text", "content": "b"}]}, "a\nb"),
        ({"role": "user", "content": [{"type": "text", "text": "chat form"}]}, "chat form"),
        ({"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}, '[{"id": "1"}]'),
        (
            {"role": "user", "parts": [{"type": "blob", "mime_type": "image/png", "content": "AAAA"}]},
            '{"type": "blob", "mime_type": "image/png"}',
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
            '{"type": "image_url", "image_url": {"url": "data:image/png;base64"}}',
        ),
        (
            {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "AAAA"}}]},
            '{"type": "image", "source": {"type": "base64"}}',
        ),
        (
            {"role": "assistant", "parts": [{"type": "tool_call", "name": "f", "arguments": {"data": "kept"}}]},
            '{"type": "tool_call", "name": "f", "arguments": {"data": "kept"}}',
        ),
    ],
)
def test_messages_in_the_forms_that_apps_have(given: dict[str, Any], content: str) -> None:
    messages = read(input=[given], model="m").input_messages
    assert messages == (Message(given["role"], content),)


def test_every_argument_has_its_field() -> None:
    interaction = read(
        input="q",
        model="gpt-4o",
        response_model="gpt-4o-2024",
        provider="openai",
        system="be brief",
        documents=["one", {"id": 7, "content": "two", "score": Decimal("0.5")}],
        tool_calls=[
            {"name": "f", "arguments": {"x": 1}, "result": "r", "id": "c1"},
            {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
        ],
        prompt="team@answer@7",
        prompt_template="{question}",
        prompt_variables={"question": "q", "n": 3, "none": None},
        usage={"prompt_tokens": 5, "output_tokens": 6, "cache_creation_input_tokens": 2, "total_tokens": 11},
        cost=Decimal("0.01"),
        latency_s=2,
        finish_reasons="stop",
        error=TimeoutError("too slow"),
        tenant="acme",
        parameters={"temperature": 0.7, "stream": True, "stop": ["a"]},
        variant={"cache_hit": False},
        attributes={"release": "1.2"},
        time=datetime(2026, 1, 2, tzinfo=UTC),
        operation="text_completion",
        response_id="r1",
        system_fingerprint="fp",
    )
    assert interaction.documents == (Document("one"), Document("two", "7", 0.5))
    assert interaction.tool_calls == (ToolCall("f", '{"x": 1}', "r", "c1"), ToolCall("g", "{}", None, "c2"))
    assert (interaction.prompt_name, interaction.prompt_version) == ("team@answer", "7")
    assert interaction.prompt_hash and len(interaction.prompt_hash) == 64
    assert interaction.prompt_variables == {"question": "q", "n": "3"}
    assert (interaction.input_tokens, interaction.output_tokens, interaction.cache_write_input_tokens) == (5, 6, 2)
    assert (interaction.cost, interaction.latency_s, interaction.finish_reasons) == (0.01, 2.0, ("stop",))
    assert (interaction.error_type, interaction.error_message) == ("TimeoutError", "too slow")
    assert interaction.request_parameters == {"temperature": "0.7", "stream": "true", "stop": '["a"]'}
    assert interaction.time == 1_767_312_000_000_000
    assert decode(encode(interaction), Interaction) == interaction


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("input", None),
        ("input", 7),
        ("input", [7]),
        ("input", [{"role": "user", "content": 7}]),
        ("output", b"bytes"),
        ("model", 1.5),
        ("documents", 7),
        ("documents", [{"text": "no content"}]),
        ("documents", [{"content": "x", "score": float("nan")}]),
        ("tool_calls", [{"arguments": "no name"}]),
        ("prompt", ["name"]),
        ("prompt_variables", "text"),
        ("usage", {"input_tokens": -1}),
        ("usage", {"input_tokens": "12"}),
        ("usage", {"input_tokens": 1 << 63}),
        ("usage", 12),
        ("cost", -0.1),
        ("latency_s", float("nan")),
        ("latency_s", "1.9"),
        ("latency_s", True),
        ("time_to_first_chunk_s", float("inf")),
        ("time", datetime(2026, 1, 1)),  # noqa: DTZ001
        ("time", 0),
        ("time", 1e300),
        ("time", datetime(1, 1, 1, tzinfo=UTC)),
        ("time", datetime(9999, 12, 31, tzinfo=UTC)),
        ("event_id", "not-a-uuid"),
        ("rating", 1.5),
        ("rating", True),
        ("attributes", {"loop": (loop := [])}),  # made circular below
    ],
)
def test_a_bad_value_is_named_and_not_quoted(argument: str, value: Any) -> None:
    if argument == "attributes":
        loop.append(loop)
    with pytest.raises(event.ArgumentError, match=f"^{argument}: ") as caught:
        event.fields({argument: value})
    assert caught.value.argument == argument
    assert "no content" not in str(caught.value) and "not-a-uuid" not in str(caught.value)


def test_objects_of_the_app_that_fail_are_a_bad_value() -> None:
    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError("secret")

    with pytest.raises(event.ArgumentError, match=r"attributes: .*RuntimeError") as caught:
        event.fields({"attributes": {"key": Hostile()}})
    assert "secret" not in str(caught.value)


def test_what_the_app_changes_later_stays_as_it_was() -> None:
    conversation = [{"role": "user", "content": "first"}]
    variables = {"a": "1"}
    interaction = read(input=conversation, prompt_variables=variables, model="m")
    conversation[0]["content"] = "changed"
    conversation.append({"role": "user", "content": "second"})
    variables["a"] = "2"
    assert interaction.input_messages == (Message("user", "first"),)
    assert interaction.prompt_variables == {"a": "1"}


def test_no_model_and_empty_texts_are_taken() -> None:
    assert not read(input="", output="", model="").model
    assert read(input="", model=None).input_messages == (Message("user", ""),)
    assert read(input="x", model=None, error="").error_type is None


def test_an_enum_of_texts_counts_as_its_value() -> None:
    class Model(enum.StrEnum):
        SMALL = "small"

    class Old(str, enum.Enum):  # noqa: UP042
        LARGE = "large"

    assert (read(input="x", model=Model.SMALL).model, read(input="x", model=Old.LARGE).model) == ("small", "large")


def test_the_span_of_a_loaded_opentelemetry_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert event.current_span() == {}
    context = SimpleNamespace(is_valid=True, trace_id=0xABC, span_id=0xDEF)
    span = SimpleNamespace(get_span_context=lambda: context)
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", SimpleNamespace(get_current_span=lambda: span))  # type: ignore[arg-type]
    assert event.current_span() == {"trace_id": f"{0xABC:032x}", "span_id": f"{0xDEF:016x}"}
    context.is_valid = False
    assert event.current_span() == {}


def test_ids_are_unique_ordered_and_of_version_7() -> None:
    ids = [uuid7() for _ in range(10_000)]
    assert len(set(ids)) == len(ids) and ids == sorted(ids)
    assert {UUID(text).version for text in ids[:100]} == {7}
    assert {UUID(text).variant for text in ids[:100]} == {"specified in RFC 4122"}


def test_a_pseudonym_needs_its_key() -> None:
    assert pseudonym("person", "key") == pseudonym("person", "key")
    key_id, _, digest = pseudonym("person", "key").partition(":")
    other_id, _, other = pseudonym("person", "other key").partition(":")
    assert key_id != other_id and digest != other and len(digest) == 64


def test_long_texts_are_cut_and_their_length_kept() -> None:
    interaction = truncate(read(input="é" * FIELD_LIMIT, output="short", model="m"))
    assert len(interaction.input.encode()) == FIELD_LIMIT and interaction.output == "short"
    assert interaction.truncated == {"input:0": 2 * FIELD_LIMIT}


def test_an_event_of_many_texts_is_cut_at_its_longest() -> None:
    interaction = truncate(read(input="q" * 1000, documents=["d" * FIELD_LIMIT] * 5, model="m"))
    own = (interaction.event_id, *interaction.truncated)
    total = sum(len(text) for _, text, _ in strings(interaction) if text not in own)
    assert EVENT_LIMIT - 10 <= total <= EVENT_LIMIT
    assert interaction.input == "q" * 1000
    assert interaction.truncated == {f"document:{index}": FIELD_LIMIT for index in range(5)}


def test_half_a_character_becomes_a_question_mark() -> None:
    interaction = truncate(read(input="a\ud800b", output="fine?", model="m", attributes={"k\udfff": "v"}))
    assert (interaction.input, interaction.output, interaction.attributes) == ("a?b", "fine?", {"k?": "v"})
    assert decode(encode(interaction), Interaction) == interaction


def test_nothing_to_cut_changes_nothing() -> None:
    interaction = read(input="größe?", model="m")
    assert truncate(interaction) is interaction


def test_every_string_can_be_written() -> None:
    odd = truncate(read(input=[{"role": "user\ud800", "content": "x"}], model="m", operation="chat\ud800"))
    assert (odd.operation, odd.input_messages[0].role) == ("chat?", "user?")
    assert decode(encode(odd), Interaction) == odd
