"""OpenAI's own library, watched: each call is an event as it was, and the app gets what it would without."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.streams.integrations.model_api import ModelApi
from tests.streams.producer.published import envelopes
from watchline import Interaction, Producer

openai = pytest.importorskip("openai", reason="openai is not installed")

from watchline.openai import AsyncOpenAI, OpenAI, watch  # noqa: E402

pytestmark = pytest.mark.slow

ASKED: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "How much?"}]}
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}]
SAID = "The total is 12."


@pytest.fixture
def client(api: ModelApi, producer: Producer) -> Any:
    return OpenAI(producer=producer, about={"prompt": "answer@7"}, base_url=api.url, api_key="none", max_retries=0)


def check(event: Interaction) -> None:
    said = (event.input, event.output, event.request_model, event.response_model, event.provider, event.prompt_name)
    assert said == ("How much?", SAID, "gpt-4o", "gpt-4o-2024-08-06", "openai", "answer")
    assert (event.input_tokens, event.output_tokens) == (9, 4)
    assert (event.error_type, event.cancelled, event.unreadable, event.output_parts) == (None, False, {}, ())
    assert (event.latency_s or 0) > 0


def test_a_completion(client: Any, arrived: Any) -> None:
    answer = client.chat.completions.create(**ASKED, temperature=0.5, watchline={"tenant": "acme"})
    assert type(answer).__name__ == "ChatCompletion" and answer.choices[0].message.content == SAID
    event = arrived()
    check(event)
    assert event.finish_reasons == ("stop",) and event.response_id == "chatcmpl-1"
    assert (event.tenant, event.request_parameters) == ("acme", {"temperature": "0.5"})


def test_a_stream(client: Any, arrived: Any) -> None:
    pieces = client.chat.completions.create(**ASKED, stream=True, stream_options={"include_usage": True})
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices) == SAID
    event = arrived()
    check(event)
    assert event.finish_reasons == ("stop",)
    assert 0 < (event.time_to_first_chunk_s or 0) <= (event.latency_s or 0)


def test_the_library_s_helper_for_streams(client: Any, arrived: Any) -> None:
    with client.chat.completions.stream(**ASKED, stream_options={"include_usage": True}) as stream:
        assert stream.get_final_completion().choices[0].message.content == SAID
    check(arrived())


@pytest.mark.parametrize("how", ["closed", "left in a block", "forgotten"])
def test_a_stream_that_nobody_reads_on(client: Any, arrived: Any, how: str) -> None:
    stream = client.chat.completions.create(**ASKED, stream=True)
    if how == "left in a block":
        with stream:
            next(stream), next(stream)
    else:
        next(stream), next(stream)
        if how == "closed":
            stream.close()
    del stream
    gc.collect()
    event = arrived()
    assert (event.cancelled, event.output, event.error_type) == (True, "The total ", None)


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_of_a_tool_is_a_step(client: Any, arrived: Any, stream: bool) -> None:
    answer = client.chat.completions.create(**ASKED, tools=TOOLS, stream=stream)
    if stream:
        assert len(list(answer)) == 5
    event = arrived()
    (call,) = event.tool_calls
    assert event.is_step and (call.name, call.arguments, call.id) == ("add", '{"a": 2, "b": 3}', "c1")
    assert event.finish_reasons == ("tool_calls",)


def test_an_error_reaches_the_app_and_the_event(client: Any, arrived: Any) -> None:
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(**{**ASKED, "model": "broken"})
    event = arrived()
    assert event.error_type == "openai.InternalServerError" and event.input == "How much?" and not event.output


def test_a_raw_response_stays_one(client: Any, arrived: Any) -> None:
    raw = client.chat.completions.with_raw_response.create(**ASKED)
    assert raw.status_code == 200 and raw.parse().choices[0].message.content == SAID
    check(arrived())


@pytest.mark.parametrize("stream", [False, True])
def test_responses(client: Any, arrived: Any, stream: bool) -> None:
    answer = client.responses.create(model="gpt-4o", input="How much?", instructions="Be short.", stream=stream)
    if stream:
        assert [event.type for event in answer][-1] == "response.completed"
    else:
        assert answer.output_text == SAID
    event = arrived()
    check(event)
    assert event.system_instructions == "Be short." and event.response_id == "resp_1"


def test_a_stream_of_responses_that_is_left_after_its_last_event(client: Any, arrived: Any) -> None:
    with client.responses.create(model="gpt-4o", input="How much?", stream=True) as stream:
        next(event for event in stream if event.type == "response.completed")
    check(arrived())


@pytest.mark.parametrize("own", [True, False])
def test_the_copies_of_a_client(client: Any, api: ModelApi, producer: Producer, arrived: Any, own: bool) -> None:
    if not own:
        client = watch(openai.OpenAI(base_url=api.url, api_key="none"), producer, prompt="answer@7")
    copy = client.with_options(timeout=5).copy(max_retries=0)
    assert type(copy) is type(client) and copy.timeout == 5
    copy.chat.completions.create(**ASKED)
    check(arrived())


def test_fifty_streams_at_once(client: Any, producer: Producer, broker: str, topic_prefix: str) -> None:
    def ask(number: int) -> str:
        asked = {**ASKED, "messages": [{"role": "user", "content": f"question {number}"}]}
        return "".join(
            piece.choices[0].delta.content or ""
            for piece in client.chat.completions.create(**asked, stream=True)
            if piece.choices
        )

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(ask, range(200))) == {SAID}
    producer.flush()
    events = [event for envelope in envelopes(broker, topic_prefix, 200) for event in envelope.interactions]
    assert sorted(event.input for event in events) == sorted(f"question {number}" for number in range(200))
    assert {(event.output, event.cancelled) for event in events} == {(SAID, False)}


def test_asynchronous(api: ModelApi, producer: Producer, broker: str, topic_prefix: str) -> None:
    async def main() -> None:
        client = AsyncOpenAI(producer=producer, about={"prompt": "answer@7"}, base_url=api.url, api_key="none")
        whole = await client.chat.completions.create(**ASKED)
        assert whole.choices[0].message.content == SAID
        stream = await client.chat.completions.create(**ASKED, stream=True, stream_options={"include_usage": True})
        async with stream:
            assert "".join([piece.choices[0].delta.content or "" async for piece in stream if piece.choices]) == SAID
        left = await client.chat.completions.create(**ASKED, stream=True)
        await left.__anext__()
        await left.close()
        await client.close()

    asyncio.run(main())
    producer.flush()
    events = [event for envelope in envelopes(broker, topic_prefix, 3) for event in envelope.interactions]
    for event in events[:2]:
        check(event)
    assert events[2].cancelled


def test_the_app_is_as_it_was_where_kafka_is_away(api: ModelApi) -> None:
    with Producer("localhost:1", app="shop") as away:
        client = watch(openai.OpenAI(base_url=api.url, api_key="none"), away)
        for _ in range(20):
            assert client.chat.completions.create(**ASKED).choices[0].message.content == SAID
        assert away.stats.emitted == 20
        away.close(0)
