"""The arguments of emit, read: what is taken in which form, and what a bad value is called."""

from __future__ import annotations

import enum
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy
import pytest

from watchline.schemas.codec import decode, encode
from watchline.schemas.pseudonyms import pseudonym
from watchline.schemas.records import Document, Interaction, Message, ToolCall
from watchline.schemas.texts import strings
from watchline.streams.ids import uuid7
from watchline.streams.producer import arguments as event
from watchline.streams.producer.snapshot import Snapshot
from watchline.streams.producer.truncation import EVENT_LIMIT, FIELD_LIMIT, truncate


def read(**arguments: Any) -> Interaction:
    return Interaction(**{"event_id": uuid7(), "time": 1, "app": "test", **event.fields(Snapshot(arguments).arguments)})


def test_texts_become_messages() -> None:
    interaction = read(input="question", output="answer", model="m")
    assert (interaction.input, interaction.output, interaction.model) == ("question", "answer", "m")
    assert interaction.input_messages == (Message("user", "question"),)
    assert interaction.output_messages == (Message("assistant", "answer"),)


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


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("secret")


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("input", None),
        ("model", ["m"]),
        ("prompt", ["name"]),
        ("prompt_variables", "text"),
        ("usage", 12),
        ("cost", -0.1),
        ("cost", float("nan")),
        ("latency_s", "soon"),
        ("latency_s", True),
        ("time_to_first_chunk_s", float("inf")),
        ("time", "yesterday"),
        ("time", 1e300),
        ("time", [2026, 1, 1]),
        ("event_id", ["e"]),
        ("rating", "splendid"),
        ("rating", 1e300),
        ("scale", "a lot"),
        ("source", "staging"),
        ("source", 1),
        ("attributes", {"key": Hostile()}),
        ("attributes", "text"),
    ],
)
def test_what_cannot_be_read_costs_itself_alone(argument: str, value: Any) -> None:
    others: dict[str, Any] = {"output": "kept", "tenant": "acme", argument: value}
    found = event.fields(others)
    assert found.pop("unreadable") in ({argument: type(value).__name__}, {argument: "RuntimeError"})
    assert found == event.fields({name: item for name, item in others.items() if name != argument})
    with pytest.raises(event.ArgumentError, match=f"^{argument}: ") as caught:
        event.fields(others, strict=True)
    assert caught.value.argument == argument and "secret" not in str(caught.value)


def test_a_name_that_no_argument_has_is_an_attribute() -> None:
    found = event.fields({"input": "q", "release": 7, "attributes": {"region": "eu"}, "metadata": {"plan": "a"}})
    assert found["attributes"] == {"release": "7", "region": "eu", "plan": "a"}
    assert found["unreadable"] == {"release": event.UNKNOWN}
    with pytest.raises(event.ArgumentError, match="release"):
        event.fields({"input": "q", "release": 7}, strict=True)


def test_where_a_call_came_from() -> None:
    assert event.fields({"source": " Replay ", "document_set": "handbook-7"}) == {
        "source": "replay",
        "document_set": "handbook-7",
    }
    assert (read(input="q").source, read(input="q", source="canary").source) == ("production", "canary")


def test_names_that_others_have() -> None:
    interaction = read(input="q", model="m", session_id="s-1", user_id=7, tags=["a", "b"], metadata={"x": 1})
    assert (interaction.conversation_id, interaction.subject) == ("s-1", "7")
    assert interaction.attributes == {"tags": '["a", "b"]', "x": "1"}


@pytest.mark.parametrize(
    ("argument", "value", "read_as"),
    [
        ("cost", "0.5", 0.5),
        ("cost", Decimal("0.25"), 0.25),
        ("latency_s", timedelta(seconds=1.5), 1.5),
        ("latency_s", numpy.float32(0.5), 0.5),
        ("model", Path("/models/small"), "/models/small"),
        ("model", 1.5, "1.5"),
    ],
)
def test_values_whose_meaning_is_clear(argument: str, value: Any, read_as: Any) -> None:
    (found,) = event.fields({argument: value}).values()
    assert found == read_as


@pytest.mark.parametrize(
    "value",
    [
        1_795_773_600,
        1_795_773_600.0,
        "1795773600",
        1_795_773_600_000,
        1_795_773_600_000_000,
        1_795_773_600_000_000_000,
        "2026-11-27T10:00:00Z",
        "2026-11-27T11:00:00+01:00",
        datetime(2026, 11, 27, 10, tzinfo=UTC),
        datetime.fromtimestamp(1_795_773_600),  # noqa: DTZ006 - without a zone: local
    ],
)
def test_times_in_any_form(value: Any) -> None:
    assert event.fields({"time": value}) == {"time": 1_795_773_600_000_000}


@pytest.mark.parametrize("value", [0, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)])
def test_a_time_that_cannot_be_is_left_to_the_worker(value: Any) -> None:
    sent = read(input="x", model="m", time=value)
    assert decode(encode(sent), Interaction) == sent


def test_values_of_maps_are_what_was_given() -> None:
    given = {
        "customer": UUID(int=5),
        "when": datetime(2024, 1, 2, 3, 4, 5),  # noqa: DTZ001
        "price": Decimal("1.50"),
        "path": Path("/a/b"),
        "pair": {("a", "b"): 1},
        "flag": True,
    }
    assert read(input="x", model="m", attributes=given).attributes == {
        "customer": "00000000-0000-0000-0000-000000000005",
        "when": "2024-01-02 03:04:05",
        "price": "1.50",
        "path": "/a/b",
        "pair": """{"('a', 'b')": 1}""",
        "flag": "true",
    }


def test_what_goes_round_in_circles_is_cut() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert read(input="x", model="m", attributes={"loop": loop}).attributes["loop"].count("[") > 10


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"rating": True}, {"rating": 1, "score": 1.0}),
        ({"rating": False}, {"rating": -1, "score": 0.0}),
        ({"rating": "down"}, {"rating": -1, "score": 0.0}),
        ({"rating": 1.0}, {"rating": 1, "score": 1.0}),
        ({"rating": 0.5}, {"score": 0.5}),
        ({"rating": 4, "scale": "1..5"}, {"rating": 4, "scale": "1..5", "score": 0.75}),
        ({"rating": "4.5", "scale": (1, 5)}, {"scale": "1..5", "score": 0.875}),
        ({"rating": 7}, {"rating": 7}),  # of a scale that isn't said
        ({"rating": 9, "scale": "1..5"}, {"rating": 9, "scale": "1..5"}),
    ],
)
def test_ratings_in_any_scale(given: dict[str, Any], stored: dict[str, Any]) -> None:
    assert event.scored(event.fields(given)) == stored


def test_an_id_that_is_no_uuid_is_always_the_same_one() -> None:
    first = event.fields({"event_id": "order-7"})
    assert first == event.fields({"event_id": "order-7"}) != event.fields({"event_id": "order-8"})
    assert UUID(first["event_id"])


@pytest.mark.parametrize(
    ("given", "document"),
    [
        ({"content": "text", "id": 7, "score": 0.5}, Document("text", "7", 0.5)),
        ({"text": "text", "score": 0.8}, Document("text", None, 0.8)),
        (SimpleNamespace(page_content="text", metadata={"source": "a.pdf"}), Document("text")),
        ([SimpleNamespace(page_content="text"), 0.25], Document("text", None, 0.25)),
        ({"node": {"id_": "n1", "text": "text"}, "score": 0.5}, Document("text", "n1", 0.5)),
        ({"document.content": "text", "document.id": "d", "document.score": 1}, Document("text", "d", 1.0)),
        ({"content": [{"type": "text", "text": "text"}]}, Document("text")),
        ({"headline": "text"}, Document('{"headline": "text"}')),
        (b"text", Document("text")),
    ],
)
def test_documents_in_the_forms_that_apps_have(given: Any, document: Document) -> None:
    assert read(input="x", model="m", documents=[given]).documents == (document,)


@pytest.mark.parametrize("count", [-1, "a dozen", 1 << 63, float("nan"), [3]])
def test_a_count_that_is_none_costs_itself(count: Any) -> None:
    found = event.fields({"usage": {"prompt_tokens": count, "completion_tokens": 5, "total_tokens": 12}})
    assert found == {"output_tokens": 5, "unreadable": {"usage.prompt_tokens": type(count).__name__}}
    with pytest.raises(event.ArgumentError, match=r"^usage\.prompt_tokens: "):
        event.fields({"usage": {"prompt_tokens": count}}, strict=True)


def test_a_score_that_is_none_costs_itself() -> None:
    found = event.fields({"documents": [{"content": "text", "score": float("nan")}]})
    assert found == {"documents": (Document("text"),), "unreadable": {"documents.score": "float"}}


@pytest.mark.parametrize(
    "given",
    [
        {"name": "find", "arguments": '{"id": 7}', "id": "c1"},
        {"name": "find", "args": {"id": 7}, "id": "c1", "type": "tool_call"},
        {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"id": 7}'}},
        {"type": "tool_use", "id": "c1", "name": "find", "input": {"id": 7}},
        {"toolCallId": "c1", "toolName": "find", "input": {"id": 7}},
        {"functionCall": {"id": "c1", "name": "find", "args": {"id": 7}}},
    ],
)
def test_tool_calls_in_the_forms_that_apps_have(given: dict[str, Any]) -> None:
    assert read(input="x", model="m", tool_calls=[given]).tool_calls == (ToolCall("find", '{"id": 7}', None, "c1"),)


def test_a_call_with_its_result_is_taken_before_the_same_in_the_output() -> None:
    called = {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "find", "arguments": "{}"}}]}
    interaction = read(input="x", output=[called], model="m", tool_calls=[{"id": "c1", "name": "find", "result": "5"}])
    assert [(call.id, call.result) for call in interaction.tool_calls] == [("c1", "5")]


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
