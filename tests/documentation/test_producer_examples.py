"""The examples of the producer in the room's README, run against a broker; the model's client is a stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from tests.documentation import readmes
from tests.streams.producer.prompts import KEY, release
from tests.streams.producer.published import envelopes, make_topics, opinions
from watchline import Producer
from watchline.streams.governance.prompt_topic import publish
from watchline.streams.kafka import admin
from watchline.streams.settings import load


class Client:
    """As OpenAI's: asks for a tool first, then answers with what it gave."""

    def __init__(self) -> None:
        self.chat = SimpleNamespace(completions=self)

    def create(self, *, messages: list[Any], stream: bool = False, **_: Any) -> Any:
        if stream:
            return self._pieces()
        given = [message["content"] for message in messages if isinstance(message, dict) and message["role"] == "tool"]
        called = SimpleNamespace(id="c1", type="function", function=SimpleNamespace(name="add", arguments="[2, 3]"))
        said = (
            {"content": f"It is {given[0]}.", "tool_calls": None}
            if given
            else {"content": None, "tool_calls": [called]}
        )
        message = SimpleNamespace(role="assistant", **said)
        return SimpleNamespace(
            choices=[SimpleNamespace(index=0, message=message, finish_reason="stop" if given else "tool_calls")]
        )

    @staticmethod
    def _pieces() -> Iterator[Any]:
        for text in ("The total ", "is ", "12."):
            yield SimpleNamespace(choices=[SimpleNamespace(delta=SimpleNamespace(content=text), finish_reason=None)])


@pytest.fixture
def examples(
    broker: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    make_topics(broker, topic_prefix)
    monkeypatch.setenv("WATCHLINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WATCHLINE_PROMPT_KEYS", KEY.public)
    monkeypatch.setenv("WATCHLINE_SUBJECT_KEY", "k1:" + "ab" * 32)
    monkeypatch.setattr("prometheus_client.REGISTRY", CollectorRegistry())  # the examples register a collector in it
    with Producer(broker, app="shop", topic_prefix=topic_prefix, strict=True) as producer:
        values: dict[str, Any] = {
            "producer": producer,
            "client": Client(),
            "TOOLS": [],
            "run": lambda function: str(sum(map(int, function.arguments.strip("[]").split(",")))),
            "event_id": "0192f0c0-0000-7000-8000-000000000001",
        }
        for example in readmes.blocks(readmes.text(readmes.ROOT / "streams" / "README.md"), "python"):
            assert len(example.splitlines()) <= 10
            exec(compile(example, "README.md", "exec"), values)
        yield values


def test_an_agent_s_step_and_answer(examples: dict[str, Any], broker: str, topic_prefix: str) -> None:
    event_id, said = examples["answer"]([{"role": "user", "content": "Add 2 and 3."}], "talk-1")
    assert said == "It is 5."
    step, last = [event for envelope in envelopes(broker, topic_prefix, 2) for event in envelope.interactions]
    assert step.is_step and step.tool_calls[0].name == "add" and not last.is_step
    assert (last.event_id, last.input, last.output) == (event_id, "Add 2 and 3.", "It is 5.")
    assert [message.content for message in last.input_messages if message.role == "tool"] == ["5"]
    assert {step.conversation_id, last.conversation_id} == {"talk-1"}


def test_a_stream_read_and_left(examples: dict[str, Any], broker: str, topic_prefix: str) -> None:
    assert "".join(examples["pieces"]("How much?", "person-1")) == "The total is 12."
    left = examples["pieces"]("How much?", "person-1")
    next(left)
    left.close()
    events = [event for envelope in envelopes(broker, topic_prefix, 2) for event in envelope.interactions]
    assert [(event.output, event.cancelled) for event in events] == [("The total is 12.", False), ("The total ", True)]
    assert all(event.subject and "person-1" not in event.subject for event in events)


def test_a_prompt_that_was_promoted(examples: dict[str, Any], broker: str, topic_prefix: str) -> None:
    settings = load(kafka_url=f"kafka://{broker}", topic_prefix=topic_prefix)
    admin.create(settings)
    publish(settings, [release(7, content="Answer in {{language}}.", variables=("language",))], KEY)
    examples["reply"]("How much?", "talk-1")
    (event,) = (event for envelope in envelopes(broker, topic_prefix, 1) for event in envelope.interactions)
    assert (event.prompt_name, event.prompt_version, event.system_instructions) == ("answer", "7", "Answer in English.")
    assert not event.attributes


def test_feedback_on_a_scale(examples: dict[str, Any], broker: str, topic_prefix: str) -> None:
    (said,) = opinions(broker, topic_prefix, 1)
    assert (said.rating, said.score, said.category) == (4, 0.75, "tone")
