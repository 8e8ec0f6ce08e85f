"""Code of the app's that runs in the producer's thread: whatever it raises costs its event, and a hang is said."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from tests.streams.producer.published import envelopes, make_topics
from watchline.schemas.records import Interaction
from watchline.streams import Producer
from watchline.streams.producer import sender
from watchline.streams.producer.buffer import Buffer

AWAY = "localhost:1"


def wait_until(holds: Callable[[], object], timeout_s: float = 60.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(holds())


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError, SystemExit, KeyboardInterrupt, GeneratorExit, lambda: gevent.Timeout(1)]
)
def test_a_hook_that_raises_anything_costs_only_its_event(
    error: Callable[[], BaseException], broker: str, topic_prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    make_topics(broker, topic_prefix)

    def hook(interaction: Interaction) -> Interaction:
        if interaction.input == "3":
            raise error()
        return interaction

    with Producer(broker, app="shop", topic_prefix=topic_prefix, before_send=hook) as producer:
        for number in range(500):
            producer.emit(input=str(number), model="m")
        assert producer.flush(20)
        stats = producer.stats
        assert (stats.delivered, stats.buffered, stats.dropped_by) == (499, 0, {"before_send": 1})
    assert "before_send raised" in caplog.text
    inputs = {item.input for envelope in envelopes(broker, topic_prefix, 499) for item in envelope.interactions}
    assert inputs == {str(number) for number in range(500)} - {"3"}


def test_text_of_an_object_that_raises_anything_costs_only_itself() -> None:
    class Hostile:
        def __str__(self) -> str:
            raise SystemExit("secret")

    producer = Producer(AWAY, app="shop")
    producer.emit(input="x", model="m", attributes={"key": Hostile()})
    assert wait_until(lambda: producer.stats.unreadable == {"attributes": 1})
    assert producer.stats.dropped == 0
    producer.close(0)


def test_a_hook_that_hangs_is_said_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sender, "HANGING_S", 0.2)
    monkeypatch.setattr(sender, "WATCH_S", 0.05)
    released = threading.Event()

    def hook(interaction: Interaction) -> None:
        released.wait(30)

    producer = Producer(AWAY, app="shop", before_send=hook, linger_s=0)
    producer.emit(input="secret", model="m")
    assert producer.stats.hanging_s == 0
    assert wait_until(lambda: producer.stats.hanging_s > 0.5)
    said = [record.message for record in caplog.records if "before_send" in record.message]
    assert len(said) == 1 and "nothing is sent" in said[0]
    released.set()
    assert producer.flush(10)
    stats = producer.stats
    assert (stats.hanging_s, stats.discarded, stats.buffered) == (0, 1, 0)
    producer.close()
    assert "secret" not in caplog.text


def test_a_log_handler_that_raises_ends_neither_the_thread_nor_a_call() -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise SystemExit

    log, broken = logging.getLogger("watchline.streams.producer"), Broken()
    log.addHandler(broken)
    try:
        producer = Producer(AWAY, app="shop", max_events=5, linger_s=60)
        for _ in range(20):
            producer.emit(input="x", model="m")
        producer.emit(input="x", model="m", cost=-1)
        assert producer.stats.dropped_by["buffer full"] >= 10
        assert not producer.close(0.5)
        assert producer.stats.buffered == 0
    finally:
        log.removeHandler(broken)


def test_an_unexpected_error_is_counted_and_leaves_nothing_buffered(
    broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_topics(broker, topic_prefix)

    def broken(*_: Any) -> bytes:
        raise GeneratorExit

    with Producer(broker, app="shop", topic_prefix=topic_prefix) as producer:
        with monkeypatch.context() as patch:
            patch.setattr(sender, "encode_envelope", broken)
            for _ in range(10):
                producer.emit(input="x", model="m")
            assert producer.flush(10)
        assert producer.stats.restarts == 1
        producer.emit(input="y", model="m")
        assert producer.flush(20)
        stats = producer.stats
        assert (stats.delivered, stats.buffered, stats.dropped_by) == (1, 0, {"internal": 10})
    assert "GeneratorExit" in caplog.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the one that ends it
def test_a_thread_that_has_ended_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "WATCH_S", 0.05)
    producer = Producer(AWAY, app="shop")
    with monkeypatch.context() as patch:

        def end(*_: Any) -> None:
            raise SystemExit

        patch.setattr(sender.Sender, "_recover", end)  # nothing is above it
        patch.setattr(Buffer, "wait_for_work", end)
        producer.emit(input="x", model="m")
        before = producer._sender._thread  # type: ignore[union-attr]
        assert wait_until(lambda: before.join(0))
    assert wait_until(lambda: producer.stats.restarts > 0)
    producer.emit(input="y", model="m", cost=-1)
    assert wait_until(lambda: producer.stats.unreadable == {"cost": 1})
    producer.close(0)
