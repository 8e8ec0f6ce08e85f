"""Calls that are timed in a block."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from watchline.streams import Producer
from watchline.streams.producer.arguments import ArgumentError

# The mock broker has no other way to a topic.
MOCK = {"test.mock.num.brokers": 1, "allow.auto.create.topics": True}


class Recorder(Producer):
    """A producer that keeps what was emitted."""

    def __init__(self, *, strict: bool = False) -> None:
        super().__init__("localhost:1", app="test", strict=strict, kafka=MOCK)
        self.seen: list[dict[str, Any]] = []

    def _publish(self, record_type: Any, arguments: dict[str, Any], own: dict[str, str]) -> None:
        self.seen.append(dict(arguments))
        super()._publish(record_type, arguments, own)


def test_times_the_block_and_the_first_chunk() -> None:
    with Recorder() as producer:
        with producer.observe(input="q", model="m", tenant="t") as call:
            time.sleep(0.02)
            call.chunk()
            time.sleep(0.02)
            call.chunk()
            call.output = "answer"
            call.usage = {"output_tokens": 2}
            assert call.output == "answer" and call.cost is None
        seen = producer.seen[0]
        assert 0.02 <= seen["time_to_first_chunk_s"] < seen["latency_s"] and seen["latency_s"] >= 0.04
        assert (seen["output"], seen["tenant"], seen["event_id"]) == ("answer", "t", call.event_id)
        assert producer.flush(10) and producer.stats.delivered == 1


def test_an_exception_is_recorded_and_raised_again() -> None:
    with Recorder(strict=True) as producer:
        with pytest.raises(KeyError, match="mine"), producer.observe(input="q", model="m"):
            raise KeyError("mine")
        assert isinstance(producer.seen[0]["error"], KeyError)
        # A bad value must not hide the app's own error, not even from a strict producer.
        with pytest.raises(KeyError, match="mine"), producer.observe(input=None, model="m"):
            raise KeyError("mine")
        with pytest.raises(ArgumentError, match="input"), producer.observe(model="m"):
            pass


def test_in_asyncio_a_cancelled_call_is_recorded() -> None:
    async def main(producer: Producer) -> None:
        async with producer.observe(input="q", model="m") as call:
            await asyncio.sleep(0.01)
            call.output = "a"

        async def slow() -> None:
            async with producer.observe(input="q2", model="m"):
                await asyncio.sleep(60)

        task = asyncio.create_task(slow())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with Recorder() as producer:
        asyncio.run(main(producer))
        first, second = producer.seen
        assert first["latency_s"] >= 0.01 and first["error"] is None
        assert isinstance(second["error"], asyncio.CancelledError)


def test_only_a_name_that_emit_does_not_know_raises() -> None:
    with Recorder() as producer:
        with pytest.raises(TypeError, match="outptu"):
            producer.observe(input="q", model="m", outptu="x")
        with producer.observe() as call:
            with pytest.raises(AttributeError, match="outptu"):
                call.outptu = "x"
            with pytest.raises(AttributeError, match="outptu"):
                _ = call.outptu
        assert producer.stats.dropped_by == {"bad value: input": 1}
