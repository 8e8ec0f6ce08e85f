"""Personal data is nowhere: no column of any table, not in `findings`, not in a log. With redaction off it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.end_to_end.workers import Worker
from tests.stored_rows import everything
from watchline.streams import Producer
from watchline.streams.kafka import topics

# Made up: reserved domains, test numbers of the card networks and banks, numbers never given out.
PLANTED = {
    "input": "jane.roe@example.com",
    "output": "4111 1111 1111 1111",
    "system": "DE89 3704 0044 0532 0130 00",
    "documents": "078-05-1120",
    "document_id": "john.doe@example.org",
    "tool_calls": "+1 202-555-0143",
    "tool_result": "carol@example.net",
    "prompt_variables": "5500 0000 0000 0004",
    "attributes": "81.2.69.77",
    "attribute_key": "dave@example.com",
    "error": "erin@example.com",
    "tenant": "frank@example.org",
    "conversation_id": "grace@example.com",
    "comment": "heidi@example.net",
    "app": "ivan@example.com",
    "environment": "judy@example.com",
    "role": "kim@example.com",
    "operation": "leo@example.com",
    "tool_name": "mia@example.com",
    "parameter_key": "nick@example.com",
    "variant_key": "olga@example.com",
    "prompt_version": "+1 202-555-0199",
    "finish_reason": "quinn@example.com",
    "name": "Margaret Thornbury",
}


def publish(worker: Worker) -> None:
    producer = Producer(
        worker.settings.bootstrap_servers,
        app=PLANTED["app"],
        environment=PLANTED["environment"],
        topic_prefix=worker.settings.topic_prefix,
        strict=True,
    )
    event_id = producer.emit(
        input=f"My name is {PLANTED['name']} and my address is {PLANTED['input']}. What do I owe?",
        output=[{"role": PLANTED["role"], "content": f"You paid with {PLANTED['output']}."}],
        model="m",
        system=f"Payments go to {PLANTED['system']}.",
        documents=[
            {"id": PLANTED["document_id"], "content": f"Their social security number is {PLANTED['documents']}."}
        ],
        tool_calls=[
            {
                "name": PLANTED["tool_name"],
                "arguments": f'{{"to": "{PLANTED["tool_calls"]}"}}',
                "result": PLANTED["tool_result"],
            }
        ],
        prompt=f"answer@{PLANTED['prompt_version']}",
        operation=PLANTED["operation"],
        parameters={PLANTED["parameter_key"]: "1"},
        variant={PLANTED["variant_key"]: "1"},
        finish_reasons=[PLANTED["finish_reason"]],
        prompt_variables={"card": PLANTED["prompt_variables"]},
        attributes={"client": PLANTED["attributes"], PLANTED["attribute_key"]: "yes"},
        error=f"no such user {PLANTED['error']}",
        tenant=PLANTED["tenant"],
        conversation_id=PLANTED["conversation_id"],
    )
    producer.feedback(event_id, rating=-1, comment=f"write to {PLANTED['comment']}")
    producer.close()


def leaks(worker: Worker) -> set[str]:
    """Which of the planted texts can be found anywhere but in the raw topic."""
    worker.wait(lambda: (worker.count("v_interactions"), worker.count("v_feedback")) == (1, 1))
    worker.wait(lambda: worker.health()["lag_messages"] == 0)
    published = b"".join(value for value, _ in worker.consume(topics.findings)).decode("utf-8", "replace")
    letters = str(worker.consume(topics.dead_letters))
    assert worker.stop() == 0
    everywhere = everything(worker.data_dir) + published + letters + worker.log.read_text()
    return {name for name, text in PLANTED.items() if text in everywhere}


@pytest.mark.parametrize(("redaction", "found"), [("true", set()), ("false", set(PLANTED))])
def test_planted_personal_data(make_worker: Callable[..., Worker], redaction: str, found: set[str]) -> None:
    worker = make_worker(detectors="pii", redaction=redaction)
    publish(worker)
    assert leaks(worker) == found
