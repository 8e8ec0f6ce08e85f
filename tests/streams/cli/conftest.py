"""One stored event with everything a reader can meet in it, behind the commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from watchline.streams.query.reader import restrict
from watchline.streams.query.run import Queries

EVENT_ID = "0190b5a4-7c1e-7000-8000-000000000001"
HOSTILE_TEXT = "\x1b[31mred\x1b]0;title\x07 \u202eback\u2069 \x9b2J bell\x07 line\r\nnext"
TIME = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ANSWER = "Refunds take 30 days 🙂. All of them are free."


@pytest.fixture(scope="session")
def stored(clickhouse: Callable[..., Any]) -> Any:
    """A client on a database with one event, two findings and a feedback."""
    client = clickhouse("cli")
    event = {"event_id": UUID(EVENT_ID), "time": TIME, "app": "support-bot", "environment": "test", "tenant": "acme"}
    prompt = {"prompt_name": "answer", "prompt_version": "7", "model": "gpt-4o-2024"}
    _insert(
        client,
        "interactions",
        **event,
        **prompt,
        request_model="gpt-4o",
        prompt_hash="sha256:feed",
        conversation_id="talk-1",
        prompt_variables={"language": "en"},
        system_instructions="Be kind.",
        input_messages=[("user", HOSTILE_TEXT)],
        output_messages=[("assistant", ANSWER)],
        tool_calls=[("lookup", '{"id": 1}', "found", "call-1")],
        documents=[("Refunds take 14 days.", "refunds.md", 0.9), ("Other.", "", None)],
        input_tokens=812,
        output_tokens=64,
        cost=0.0125,
        latency_s=1.9,
        attributes={HOSTILE_TEXT: HOSTILE_TEXT},
        redactions={"EMAIL_ADDRESS": 2},
        planned={"groundedness": "g1", "bias": "b1"},
        producer_id=UUID(int=7),
        producer_sequence=41,
        raw_topic_id="topic-id",
        raw_partition=3,
        raw_offset=99,
        raw_index=5,
    )
    _insert(
        client,
        "findings",
        **event,
        **prompt,
        detector="groundedness",
        detector_version="g1",
        decision="evaluated",
        scores={"unsupported": 0.9},
        score=0.9,
        threshold=0.5,
        alert_threshold=0.8,
        flagged=True,
        alert=True,
        severity="high",
        spans=[("output:0", 0, 22, "unsupported", 0.9), ("output:0", 24, 45, "unsupported:name", 0.6)],
        evidence=[(0, "document:0", 0, 21, 0.7), (1, "document:1", 0, 5, 0.7)],
        scored_fraction=1.0,
        device="cpu",
    )
    _insert(
        client, "findings", **event, **prompt, detector="bias", detector_version="b1", decision="not_applicable",
        reason=f"language: {HOSTILE_TEXT}",
    )  # fmt: skip
    del event["event_id"]
    _insert(client, "feedback", **event, event_id=UUID(EVENT_ID), feedback_id=UUID(int=1), rating=-1, comment="wrong")
    return client


@pytest.fixture
def reading(stored: Any, clickhouse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands read that database: chDB opens one folder a process, so not through settings."""

    @contextmanager
    def open_queries(settings: Any) -> Iterator[Queries]:
        client = clickhouse(migrated=False)
        client.command(f"USE {stored.test_database}")
        restrict(client)
        yield Queries(client, stored.test_database)

    monkeypatch.setattr("watchline.streams.query.open.open_queries", open_queries)


def _insert(client: Any, table: str, **values: Any) -> None:
    client.insert(table, [list(values.values())], column_names=list(values), database=client.test_database)
