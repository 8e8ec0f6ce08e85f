"""What `emit` does in the caller's own thread: bounded work, whatever it is handed, and nothing is raised."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, UserDict
from collections.abc import Iterator
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from tests.streams.producer.apps import run_app
from tests.streams.producer.published import envelopes, make_topics
from watchline.schemas.records import Document, Interaction, Message
from watchline.streams import Producer
from watchline.streams.producer import arguments
from watchline.streams.producer.arguments import ArgumentError
from watchline.streams.producer.observe import _whole
from watchline.streams.producer.snapshot import MAX_ENTRIES, MAX_NESTED, Snapshot

AWAY = "localhost:1"


def read(**given: Any) -> Interaction:
    """As the producer's thread reads it."""
    snapshot = Snapshot(given)
    truncated: dict[str, Any] = {"truncated": snapshot.cut}
    return Interaction(event_id="e", time=1, app="test", **arguments.fields(snapshot.arguments), **truncated)


def nodes(value: Any) -> int:
    """How many entries the containers of a value have in all."""
    if isinstance(value, dict):
        return len(value) + sum(map(nodes, value.values()))
    return len(value) + sum(map(nodes, value)) if isinstance(value, list) else 0


def test_too_many_documents_are_cut_and_counted() -> None:
    interaction = read(input="q", documents=[f"document {number}" for number in range(100_000)])
    assert len(interaction.documents) == MAX_ENTRIES
    assert (interaction.documents[0], interaction.documents[-1]) == (Document("document 0"), Document("document 99999"))
    assert interaction.truncated == {"documents": 100_000}


def test_of_a_long_conversation_the_question_stays() -> None:
    interaction = read(input=[{"role": "user", "content": str(number)} for number in range(5_000)])
    assert (interaction.input_messages[0], interaction.input_messages[-1]) == (
        Message("user", "0"),
        Message("user", "4999"),
    )
    assert (len(interaction.input_messages), interaction.truncated) == (MAX_ENTRIES, {"input_messages": 5_000})


@pytest.mark.parametrize("kind", [dict, OrderedDict, UserDict, MappingProxyType])
def test_too_many_attributes_are_cut_and_counted(kind: Any) -> None:
    interaction = read(input="q", attributes=kind({str(number): number for number in range(100_000)}))
    assert (len(interaction.attributes), interaction.attributes["7"]) == (MAX_ENTRIES, "7")
    assert interaction.truncated == {"attributes": 100_000}


@pytest.mark.parametrize(
    "value",
    [
        {"rows": list(range(1_000_000))},
        {"map": {str(number): number for number in range(1_000_000)}},
        {"rows": [{"cells": list(range(1_000))} for _ in range(1_000)]},
        {"set": set(range(1_000_000))},
    ],
)
def test_what_is_inside_is_bounded_too(value: dict[str, Any]) -> None:
    snapshot = Snapshot({"input": "q", "attributes": value})
    assert (
        1_000
        < nodes(snapshot.arguments["attributes"]) + len(snapshot.arguments["attributes"].get("set", ()))
        <= MAX_NESTED
    )
    assert snapshot.cut == {"attributes": max(len(next(iter(value.values()))), 1_000)}


def test_endless_nesting_and_circles_cost_no_event() -> None:
    circle: list[Any] = []
    circle.extend([circle, circle])
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    interaction = read(input="q", attributes={"circle": circle, "deep": deep})
    assert set(interaction.attributes) == {"circle", "deep"}
    assert interaction.truncated["attributes"] >= 1


def test_documents_with_much_inside_each_lose_none_of_their_text() -> None:
    tree: Any = "leaf"
    for _ in range(10):
        tree = {str(number): tree for number in range(10)}
    documents = [{"metadata": tree, "content": f"text {number}", "id": number} for number in range(MAX_ENTRIES)]
    calls = [{"function": {"name": "f", "arguments": {"tree": tree}}} for _ in range(MAX_ENTRIES)]
    interaction = read(input="q", documents=documents, tool_calls=calls)
    assert [document.content for document in interaction.documents] == [f"text {n}" for n in range(MAX_ENTRIES)]
    assert [call.name for call in interaction.tool_calls] == ["f"] * MAX_ENTRIES


def test_an_endless_iterator_is_read_so_far() -> None:
    def endless() -> Iterator[str]:
        while True:
            yield "text"

    interaction = read(input="q", documents=endless())
    assert (len(interaction.documents), interaction.truncated) == (MAX_ENTRIES, {"documents": MAX_ENTRIES + 1})


def test_nothing_is_cut_of_what_apps_usually_have() -> None:
    embedding = [0.5] * 4_096
    assert Snapshot({"input": "q", "documents": ["x"] * 100, "attributes": {"embedding": embedding}}).cut == {}


def test_of_a_long_stream_no_piece_is_missing() -> None:
    pieces = [SimpleNamespace(text=str(number)) for number in range(15 * MAX_ENTRIES)]
    snapshot = Snapshot({"output": _whole(pieces)})
    assert snapshot.cut == {} and [piece for some in snapshot.arguments["output"] for piece in some] == pieces


def test_what_the_app_changes_after_the_call_stays_as_it_was() -> None:
    parts, arguments_of_call, nested = [{"type": "text", "text": "first"}], {"x": [1]}, {"a": {"b": [1]}}
    messages: list[dict[str, Any]] = [{"role": "user", "content": parts}]
    calls = [{"name": "f", "arguments": arguments_of_call}]
    snapshot = Snapshot({"input": messages, "tool_calls": calls, "attributes": nested})
    parts[0]["text"] = "changed"
    parts.append({"type": "text", "text": "second"})
    messages.append({"role": "user", "content": "third"})
    arguments_of_call["x"].append(2)
    nested["a"]["b"].append(2)
    by_field = arguments.fields(snapshot.arguments)
    assert by_field["input_messages"] == (Message("user", "first"),)
    assert by_field["tool_calls"][0].arguments == '{"x": [1]}'
    assert by_field["attributes"] == {"a": '{"b": [1]}'}


def test_text_of_the_app_s_objects_is_made_in_the_producer_s_thread() -> None:
    threads: list[int] = []

    class Slow:
        def __str__(self) -> str:
            threads.append(threading.get_ident())
            return "slow"

    class SlowError(ValueError):
        def __str__(self) -> str:
            threads.append(threading.get_ident())
            return "slow"

    producer = Producer(AWAY, app="shop", linger_s=0)
    for error in (None, SlowError("x")):
        producer.emit(
            input="q", model="m", attributes={"slow": Slow()}, prompt_variables={"slow": [Slow()]}, error=error
        )
    deadline = time.monotonic() + 10
    while len(threads) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(threads) == 5 and threading.get_ident() not in threads
    producer.close(0)


def test_an_error_waits_without_the_app_s_variables() -> None:
    class ShopError(OSError):
        def __init__(self, order: int) -> None:
            super().__init__(2, "no such order")
            self.order = order

        def __str__(self) -> str:
            return f"order {self.order}: {self.strerror}"

    try:
        raise ShopError(7)
    except ShopError as error:
        kept = Snapshot({"error": error}).arguments["error"]
        assert error.__traceback__ is not None
    assert (kept.__traceback__, type(kept)) == (None, ShopError)
    assert arguments.fields({"error": kept})["error_message"] == "order 7: no such order"


class Hostile(UserDict[str, Any]):
    """A mapping of the app's that raises when it is read."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def __len__(self) -> int:
        raise self.error

    __iter__ = __getitem__ = __len__  # type: ignore[assignment]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), GeneratorExit(), RuntimeError("secret")])
def test_whatever_an_object_raises_stays_inside(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    producer = Producer(AWAY, app="shop")
    producer.emit(input="q", model="m", attributes=Hostile(error))  # type: ignore[arg-type]
    producer.emit(input=[Hostile(error)], model="m")  # type: ignore[list-item]
    producer.flush(0.5)
    assert producer.stats.unreadable == {"attributes": 1, "input": 1} and producer.stats.dropped == 0
    assert "secret" not in caplog.text
    producer.close(0)
    strict = Producer(AWAY, app="shop", strict=True)
    with pytest.raises(ArgumentError, match="attributes"):
        strict.emit(input="q", model="m", attributes=Hostile(error))  # type: ignore[arg-type]
    strict.close(0)


def test_what_a_signal_raises_reaches_the_app() -> None:
    """Ctrl-C and a handler that exits, in the midst of calls, and of an object of the app's within them."""
    code = """
        import os, signal, sys, threading, time, typing
        from watchline.streams import Producer
        def handler(number, frame):
            sys.exit(7)
        signal.signal(signal.SIGTERM, handler)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        producer = Producer("localhost:1", app="shop", max_events=10)
        class Row(typing.NamedTuple):  # its constructor is in no module
            text: str
        class Slow:
            def __len__(self):
                while time.monotonic() < end:
                    Row("text")
                return 0
            __iter__ = __getitem__ = __len__
        documents, slow = ["text"] * 1_000, [Slow()]
        signals = (signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)
        for call in range(12):
            number, expected = signals[call % 2]
            timer = threading.Timer(0.1, os.kill, (os.getpid(), number))
            timer.start()
            end = time.monotonic() + 10
            try:
                while time.monotonic() < end:
                    producer.emit(input="q", model="m", documents=slow if call > 5 else documents)
            except expected:
                print("heard", expected.__name__)
        producer.close(0)
    """
    assert run_app(code)[0].splitlines() == ["heard KeyboardInterrupt", "heard SystemExit"] * 6


def test_what_was_cut_arrives_with_its_event(broker: str, topic_prefix: str) -> None:
    make_topics(broker, topic_prefix)
    with Producer(broker, app="shop", topic_prefix=topic_prefix) as producer:
        producer.emit(input="many", attributes={str(number): "" for number in range(150_000)}, model="m")
        assert producer.flush(20) and producer.stats.dropped == 0
    ((interaction,),) = [envelope.interactions for envelope in envelopes(broker, topic_prefix, 1)]
    assert (len(interaction.attributes), interaction.truncated) == (MAX_ENTRIES, {"attributes": 150_000})
