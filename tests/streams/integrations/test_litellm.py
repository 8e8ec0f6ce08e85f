"""LiteLLM's own functions and router, watched: each call is an event, and the app gets what it would without."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from tests.streams.integrations import model_api
from tests.streams.producer.published import envelopes, make_topics
from watchline import Interaction, Producer

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or it fetches its prices when it is imported
litellm = pytest.importorskip("litellm", reason="litellm is not installed")

from watchline.litellm import Watchline  # noqa: E402

pytestmark = pytest.mark.slow

ASKED: dict[str, Any] = {
    "model": "openai/gpt-4o",
    "messages": [{"role": "user", "content": "How much?"}],
    "api_key": "none",
    "max_retries": 0,
}
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}]
SAID = "The total is 12."
OWN = "watchline"
COUNTED = {"stream_options": {"include_usage": True}}


class _Handler(model_api._Handler):
    """The stand-in, that refuses as many calls as `refuses` says and waits before each answer."""

    refuses, wait_s = 0, 0.0

    def do_POST(self) -> None:  # noqa: N802
        time.sleep(_Handler.wait_s)
        if _Handler.refuses:
            _Handler.refuses -= 1
            self.rfile.read(int(self.headers["Content-Length"]))
            self._send(429, "application/json", b'{"error": {"message": "slow down", "type": "rate_limit"}}')
        else:
            super().do_POST()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture
def asked(url: str) -> Iterator[dict[str, Any]]:
    litellm.suppress_debug_info = True
    yield {**ASKED, "api_base": url}
    _Handler.refuses, _Handler.wait_s = 0, 0.0


@pytest.fixture
def producer(broker: str, topic_prefix: str) -> Iterator[Producer]:
    make_topics(broker, topic_prefix)
    with Producer(broker, app="shop", topic_prefix=topic_prefix) as producer:
        litellm.logging_callback_manager._reset_all_callbacks()  # it keeps the first of a class, whoever has set it
        litellm.callbacks = [Watchline(producer, prompt="answer@7")]
        yield producer
        litellm.logging_callback_manager._reset_all_callbacks()
        litellm.cache, litellm.num_retries = None, None


@pytest.fixture
def arrived(producer: Producer, arrive: Callable[[int], list[Interaction]]) -> Callable[..., list[Interaction]]:
    """So many events, in the order of their ends; and no more than these."""

    def all_of(count: int = 1) -> list[Interaction]:
        deadline = time.monotonic() + 20
        while producer.stats.emitted < count and time.monotonic() < deadline:
            time.sleep(0.1)
            gc.collect()  # as an app's would now and then: LiteLLM's threads may have held a stream until now
        time.sleep(0.2)
        events = arrive(count)
        assert len(events) == count and producer.stats.emitted == count
        assert all(event.unreadable == {} for event in events)
        return sorted(events, key=lambda event: event.time)

    return all_of


def check(event: Interaction) -> None:
    said = (event.input, event.output, event.request_model, event.provider, event.prompt_name, event.operation)
    assert said == ("How much?", SAID, "gpt-4o", "openai", "answer", "chat")
    assert (event.input_tokens, event.output_tokens) == (9, 4)
    assert (event.error_type, event.cancelled, event.output_parts) == (None, False, ())
    assert (event.latency_s or 0) > 0 and len(event.trace_id or "") == 32
    assert abs(datetime.now(UTC).timestamp() - event.time / 1e6) < 60


def test_a_completion(asked: Any, arrived: Any) -> None:
    about = {"session_id": "c-7", "tags": ["paid"], "release": 12, OWN: {"tenant": "acme", "documents": ["12 euros."]}}
    answer = litellm.completion(**asked, temperature=0.5, metadata=about)
    assert type(answer).__name__ == "ModelResponse" and answer.choices[0].message.content == SAID
    (event,) = arrived()
    check(event)
    assert event.finish_reasons == ("stop",) and event.response_id == "chatcmpl-1"
    assert (event.response_model, event.system_fingerprint) == ("gpt-4o-2024-08-06", "fp_1")
    assert (event.tenant, event.request_parameters) == ("acme", {"temperature": "0.5"})
    assert (event.conversation_id, event.attributes) == ("c-7", {"tags": '["paid"]', "release": "12"})
    assert [document.content for document in event.documents] == ["12 euros."]
    assert event.cost == pytest.approx(9 * 2.5e-6 + 4 * 1e-5)
    assert event.time_to_first_chunk_s is None


def test_the_calls_of_one_trace(asked: Any, arrived: Any) -> None:
    for _ in range(2):
        litellm.completion(**asked, metadata={"trace_id": "order 7"})
    litellm.completion(**asked, metadata={"trace_id": "0af7651916cd43dd8448eb211c80319c"})
    first, second, third = arrived(3)
    assert first.trace_id == second.trace_id and first.attributes == {"trace_id": "order 7"}
    assert third.trace_id == "0af7651916cd43dd8448eb211c80319c"


def test_a_stream(asked: Any, arrived: Any) -> None:
    pieces = litellm.completion(**asked, stream=True, **COUNTED)
    assert type(pieces) is litellm.CustomStreamWrapper
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == SAID
    (event,) = arrived()
    check(event)
    assert event.finish_reasons == ("stop",)
    assert 0 < (event.time_to_first_chunk_s or 0) <= (event.latency_s or 0)


def test_a_stream_that_nobody_reads_on(asked: Any, arrived: Any) -> None:
    stream = litellm.completion(**asked, stream=True)
    next(stream), next(stream)
    del stream
    gc.collect()
    (event,) = arrived()
    assert (event.cancelled, event.output, event.error_type, event.input) == (True, "The total is ", None, "How much?")
    assert event.latency_s and event.time_to_first_chunk_s


def test_a_stream_that_is_left_after_its_last_piece(asked: Any, arrived: Any) -> None:
    for piece in litellm.completion(**asked, stream=True):
        if piece.choices[0].finish_reason:
            break
    del piece
    gc.collect()
    (event,) = arrived()
    assert (event.cancelled, event.output, event.finish_reasons) == (False, SAID, ("stop",))


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_of_a_tool_is_a_step(asked: Any, arrived: Any, stream: bool) -> None:
    answer = litellm.completion(**asked, tools=TOOLS, stream=stream)
    if stream:
        assert len(list(answer)) == 4
    (event,) = arrived()
    (call,) = event.tool_calls
    assert event.is_step and (call.name, call.arguments, call.id) == ("add", '{"a": 2, "b": 3}', "c1")
    assert event.finish_reasons == ("tool_calls",)


def test_an_error_reaches_the_app_and_the_event(asked: Any, arrived: Any) -> None:
    with pytest.raises(litellm.InternalServerError):
        litellm.completion(**{**asked, "model": "openai/broken"})
    (event,) = arrived()
    assert event.error_type == "litellm.exceptions.InternalServerError" and event.input == "How much?"
    assert not event.output and event.cost is None and not event.cancelled


def test_attempts_are_events(asked: Any, arrived: Any) -> None:
    _Handler.refuses = 2  # the first of LiteLLM's attempts has OpenAI's library try again by itself
    answer = litellm.completion(**asked, num_retries=1)
    assert answer.choices[0].message.content == SAID
    refused, answered = arrived(2)
    check(answered)
    assert refused.error_type == "_OTHER" and "slow down" in (refused.error_message or "")
    assert refused.trace_id == answered.trace_id and refused.event_id != answered.event_id


def test_a_router_s_fallback(asked: Any, url: str, arrived: Any) -> None:
    models = [
        {"model_name": name, "litellm_params": {"model": model, "api_base": url, "api_key": "none", "max_retries": 0}}
        for name, model in (("main", "openai/broken"), ("spare", "openai/gpt-4o"))
    ]
    router = litellm.Router(model_list=models, fallbacks=[{"main": ["spare"]}], num_retries=0)
    answer = router.completion(model="main", messages=asked["messages"], metadata={"session_id": "c-7"})
    assert answer.choices[0].message.content == SAID
    failed, answered = arrived(2)
    check(answered)
    assert failed.error_type == "litellm.exceptions.InternalServerError" and failed.request_model == "broken"
    assert failed.trace_id == answered.trace_id and {failed.conversation_id, answered.conversation_id} == {"c-7"}
    assert answered.attributes == {"model_group": "spare"}


def test_an_answer_of_the_cache_is_marked(asked: Any, arrived: Any) -> None:
    litellm.cache = litellm.Cache()
    asked = {**asked, "messages": [{"role": "user", "content": "How much?"}], "seed": 7}
    for _ in range(2):
        litellm.completion(**asked)
        time.sleep(0.3)
    first, cached = arrived(2)
    assert (first.variant, first.output) == ({}, SAID)
    assert (cached.variant, cached.output, cached.cost) == ({"cache_hit": "true"}, SAID, 0.0)


@pytest.mark.parametrize("stream", [False, True])
def test_responses(asked: Any, arrived: Any, stream: bool) -> None:
    about = {name: asked[name] for name in ("model", "api_base", "api_key")}
    answer = litellm.responses(**about, input="How much?", instructions="Be short.", stream=stream)
    if stream:
        assert [event.type for event in answer][-1] == "response.completed"
    else:
        assert answer.output[0].content[0].text == SAID
    (event,) = arrived()
    check(event)
    assert event.system_instructions == "Be short."


def test_what_is_no_call_of_a_model_is_no_event(asked: Any, arrived: Any) -> None:
    litellm.embedding(model="openai/e", input=["How much?"], api_key="none", mock_response=[0.5])
    litellm.completion(**asked)
    check(arrived()[0])


def test_what_litellm_redacts_stays_redacted(asked: Any, arrived: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm, "turn_off_message_logging", True)
    litellm.completion(**asked)
    stream = litellm.completion(**asked, stream=True)
    next(stream)
    del stream
    gc.collect()
    for event in arrived(2):
        assert (event.input, event.output) == ("redacted-by-litellm",) * 2


def test_asynchronous(asked: Any, arrived: Any) -> None:
    async def main() -> None:
        whole = await litellm.acompletion(**asked)
        assert whole.choices[0].message.content == SAID
        stream = await litellm.acompletion(**asked, stream=True, **COUNTED)
        assert "".join([piece.choices[0].delta.content or "" async for piece in stream]) == SAID
        del stream
        left = await litellm.acompletion(**asked, stream=True)
        await left.__anext__()
        await left.aclose()
        del left
        await asyncio.sleep(0.5)

    asyncio.run(main())
    first, second, left = arrived(3)
    check(first)
    check(second)
    assert (left.cancelled, left.output) == (True, "The total ")


def test_a_task_that_is_cancelled_while_it_waits(asked: Any, arrived: Any) -> None:
    async def main() -> None:
        _Handler.wait_s = 1.0
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(litellm.acompletion(**asked), 0.3)
        _Handler.wait_s = 0.0
        check_ = await litellm.acompletion(**asked)
        assert check_.choices[0].message.content == SAID
        await asyncio.sleep(0.3)

    asyncio.run(main())
    gc.collect()
    events = arrived(2)
    assert sorted(event.cancelled for event in events) == [False, True]


def test_fifty_streams_at_once(asked: Any, arrived: Any) -> None:
    async def one() -> str:
        stream = await litellm.acompletion(**asked, stream=True, **COUNTED)
        return "".join([piece.choices[0].delta.content or "" async for piece in stream])

    async def main() -> None:
        assert await asyncio.gather(*(one() for _ in range(50))) == [SAID] * 50
        await asyncio.sleep(1)

    asyncio.run(main())
    events = arrived(50)
    for event in events:
        check(event)
    assert len({event.trace_id for event in events}) == 50


def test_an_app_that_ends_at_once_loses_nothing(broker: str, topic_prefix: str, url: str) -> None:
    make_topics(broker, topic_prefix)
    app = f"""
import asyncio, litellm
from watchline import Producer
from watchline.litellm import Watchline
litellm.callbacks = [Watchline(Producer({broker!r}, app="shop", topic_prefix={topic_prefix!r}))]
asked = dict({ASKED!r}, api_base={url!r})
async def one(stream):
    answer = await litellm.acompletion(**asked, stream=stream)
    if stream:
        async for piece in answer: pass
async def main():
    await asyncio.gather(*(one(number % 2 == 0) for number in range(10)))
asyncio.run(main())
litellm.completion(**asked)
"""
    subprocess.run([sys.executable, "-c", app], check=True, timeout=120)
    events = [event for envelope in envelopes(broker, topic_prefix, 11) for event in envelope.interactions]
    assert len(events) == 11 and not any(event.cancelled or event.error_type for event in events)


def test_the_app_is_as_it_was_where_kafka_is_away(asked: Any) -> None:
    with Producer("localhost:1", app="shop") as away:
        litellm.callbacks = [Watchline(away)]
        try:
            for _ in range(20):
                assert litellm.completion(**asked).choices[0].message.content == SAID
            deadline = time.monotonic() + 10
            while away.stats.emitted < 20 and time.monotonic() < deadline:
                time.sleep(0.02)
            assert away.stats.emitted == 20
        finally:
            litellm.logging_callback_manager._reset_all_callbacks()
        away.close(0)
