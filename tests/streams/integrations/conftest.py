"""What the integrations' tests share: a stand-in for the models' HTTP APIs, a producer, and what has arrived of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.streams.integrations.model_api import ModelApi
from tests.streams.producer.published import envelopes, make_topics
from watchline import Interaction, Producer


@pytest.fixture(scope="module")
def api() -> Iterator[ModelApi]:
    with ModelApi() as api:
        yield api


@pytest.fixture
def producer(broker: str, topic_prefix: str) -> Iterator[Producer]:
    make_topics(broker, topic_prefix)
    with Producer(broker, app="shop", topic_prefix=topic_prefix, strict=True) as producer:
        yield producer


@pytest.fixture
def arrive(producer: Producer, broker: str, topic_prefix: str) -> Callable[[int], list[Interaction]]:
    def some(count: int) -> list[Interaction]:
        producer.flush()
        return [event for envelope in envelopes(broker, topic_prefix, count) for event in envelope.interactions]

    return some


@pytest.fixture
def arrived(arrive: Callable[[int], list[Interaction]]) -> Callable[[], Interaction]:
    def one() -> Interaction:
        (event,) = arrive(1)
        return event

    return one
