"""Calls that are timed in a block."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from watchline.schemas.records import Interaction
from watchline.streams import Producer
from watchline.streams.producer.arguments import ArgumentError, fields
from watchline.streams.producer.snapshot import Snapshot

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


def test_a_piece_that_only_announces_an_answer_is_not_its_first() -> None:
    with Recorder() as producer, producer.observe(input="q", model="m") as call:
        for kind in ("message_start", "response.created"):
            call.keep(SimpleNamespace(type=kind))
        assert call.time_to_first_chunk_s is None
        call.keep(SimpleNamespace(type="content_block_delta"))
        assert call.time_to_first_chunk_s > 0


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
        assert second["cancelled"] is True and second["error"] is None


def piece(text: str, finish_reason: str | None = None) -> Any:
    """As a provider's library gives it."""
    delta = SimpleNamespace(content=text)
    return SimpleNamespace(choices=[SimpleNamespace(index=0, delta=delta, finish_reason=finish_reason)])


FORMS = {
    "texts": (["The ", "total ", "is 12."], "The total is 12."),
    "objects": ([piece("The "), piece("total "), piece("is 12.", "stop")], "The total is 12."),
    "many": ([piece("x") for _ in range(2_500)], "x" * 2_500),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_s_text_is_collected(form: str) -> None:
    pieces, text = FORMS[form]

    async def later() -> AsyncIterator[Any]:
        for each in pieces:
            yield each

    async def main(producer: Producer) -> None:
        async with producer.observe(input="q", model="m") as call:
            assert [each async for each in call.stream(later())] == pieces

    with Recorder() as producer:
        with producer.observe(input="q", model="m") as call:
            assert list(call.stream(pieces)) == pieces
        asyncio.run(main(producer))
        for seen in producer.seen:
            interaction = Interaction(
                event_id="1", time=0, app="a", **fields({"output": Snapshot(seen).arguments["output"]})
            )
            assert interaction.output == text and not seen["cancelled"] and seen["time_to_first_chunk_s"] > 0


@pytest.mark.parametrize(
    ("form", "read", "cancelled", "output"),
    [
        ("texts", 2, True, "The total "),
        ("texts", 3, True, "The total is 12."),  # nothing says that this was all
        ("objects", 2, True, "The total "),
        ("objects", 3, False, "The total is 12."),  # the last one says why it ended
    ],
)
def test_a_stream_that_nobody_reads_on_is_cancelled(form: str, read: int, cancelled: bool, output: str) -> None:
    with Recorder() as producer:

        def answer() -> Iterator[Any]:
            with producer.observe(input="q", model="m") as call:
                yield from call.stream(FORMS[form][0])

        answering = answer()
        for _ in range(read):
            next(answering)
        answering.close()
        (seen,) = producer.seen
        assert (seen["cancelled"], seen["error"]) == (cancelled, None)
        assert Interaction(event_id="1", time=0, app="a", **fields({"output": seen["output"]})).output == output


def test_a_call_of_a_tool_that_nobody_reads_on_is_cancelled() -> None:
    piece = {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"name": "add", "arguments": '{"a"'}}]}}]}
    with Recorder() as producer:
        with producer.observe(input="q", model="m") as call:
            next(call.stream([piece, piece]))
        assert producer.seen[0]["cancelled"]


@pytest.mark.parametrize("error", [GeneratorExit(), SystemExit(0), SystemExit()])
def test_control_flow_is_no_error(error: BaseException) -> None:
    with Recorder() as producer:
        with pytest.raises(type(error)), producer.observe(input="q", model="m", output="So."):
            raise error
        assert producer.seen[0]["error"] is None and not producer.seen[0]["cancelled"]


def test_a_process_that_ends_badly_and_a_key_are_told_apart() -> None:
    with Recorder() as producer:
        for error in (SystemExit(3), KeyboardInterrupt(), gevent.GreenletExit()):
            with pytest.raises(type(error)), producer.observe(input="q", model="m"):
                raise error
        assert [bool(seen["error"]) for seen in producer.seen] == [True, False, False]
        assert [seen["cancelled"] for seen in producer.seen] == [False, True, True]


def test_no_name_raises_in_the_app() -> None:
    with Recorder() as producer:
        with producer.observe(input="q", model="m", release="7") as call:
            assert call.release == "7"
            with pytest.raises(AttributeError, match="outptu"):
                _ = call.outptu
            call.outptu, call.trace_id = "x", "0af7651916cd43dd8448eb211c80319c"
        assert (producer.seen[-1]["outptu"], producer.seen[-1]["release"]) == ("x", "7")
