"""Anthropic's own library, watched: each call is an event as it was, and the app gets what it would without."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest
from pydantic import BaseModel

from tests.streams.integrations.model_api import ModelApi
from watchline import Interaction, Producer

anthropic = pytest.importorskip("anthropic", reason="anthropic is not installed")

from watchline.anthropic import Anthropic, AsyncAnthropic, watch  # noqa: E402

pytestmark = pytest.mark.slow

ASKED: dict[str, Any] = {
    "model": "claude-sonnet-5",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "How much?"}],
}
TOOLS = [{"name": "add", "input_schema": {"type": "object", "properties": {}}}]
SAID = "The total is 12."
FORMS = ["whole", "stream", "helper"]


@pytest.fixture
def settings(api: ModelApi) -> dict[str, Any]:
    return {"base_url": api.root, "api_key": "none", "max_retries": 0}


@pytest.fixture
def client(producer: Producer, settings: Any) -> Any:
    return Anthropic(producer=producer, about={"prompt": "answer@7"}, **settings)


def call(messages: Any, form: str, **more: Any) -> Any:
    """The message that a call gives, in one of the library's forms."""
    if form == "whole":
        return messages.create(**ASKED, **more)
    if form == "stream":
        return list(messages.create(**ASKED, **more, stream=True))
    with messages.stream(**ASKED, **more) as stream:
        return stream.get_final_message()


def check(event: Interaction) -> None:
    said = (event.input, event.output, event.request_model, event.response_model, event.provider, event.prompt_name)
    assert said == ("How much?", SAID, "claude-sonnet-5", "claude-sonnet-5-20260801", "anthropic", "answer")
    counts = (event.input_tokens, event.cache_read_input_tokens, event.cache_write_input_tokens)
    assert counts == (114, 100, 5)
    assert (event.output_tokens, event.reasoning_output_tokens) == (4, 2)
    assert (event.error_type, event.cancelled, event.unreadable, event.output_parts) == (None, False, {}, ())
    assert event.finish_reasons == ("end_turn",) and event.response_id == "msg_1"
    assert (event.latency_s or 0) > 0


def test_a_message(client: Any, arrived: Any) -> None:
    answer = client.messages.create(
        **ASKED,
        system=[{"type": "text", "text": "Be short.", "cache_control": {"type": "ephemeral"}}],
        output_config={"effort": "low"},
        extra_body={"temperature": 0.5},
        watchline={"tenant": "acme"},
    )
    assert type(answer) is anthropic.types.Message and answer.content[0].text == SAID
    event = arrived()
    check(event)
    assert (event.tenant, event.system_instructions) == ("acme", "Be short.")
    assert event.request_parameters == {"max_tokens": "64", "temperature": "0.5", "effort": "low"}


def test_a_stream(client: Any, arrived: Any) -> None:
    pieces = client.messages.create(**{**ASKED, "model": "slow"}, system="Be short.", stream=True)
    assert isinstance(pieces, anthropic.Stream)
    assert [event.type for event in pieces][-1] == "message_stop"
    event = arrived()
    assert (event.output, event.request_model, event.system_instructions) == (SAID, "slow", "Be short.")
    # Not until what only announces the answer: `message_start` and a ping, of 0.05 s each.
    assert 0.1 <= (event.time_to_first_chunk_s or 0) < (event.latency_s or 0) - 0.1


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("beta", [False, True])
def test_every_form_is_the_same_event(client: Any, arrived: Any, form: str, beta: bool) -> None:
    call(client.beta.messages if beta else client.messages, form)
    check(arrived())


def test_the_helper_s_own_events(client: Any, arrived: Any) -> None:
    manager = client.messages.stream(**ASKED, watchline={"tenant": "acme"})
    assert isinstance(manager, anthropic.MessageStreamManager)
    with manager as stream:
        assert type(stream) is anthropic.MessageStream
        assert "".join(event.text for event in stream if event.type == "text") == SAID
    event = arrived()
    check(event)
    assert event.tenant == "acme"


def test_the_helper_s_texts(client: Any, arrived: Any) -> None:
    with client.messages.stream(**ASKED) as stream:
        assert "".join(stream.text_stream) == SAID
    check(arrived())


@pytest.mark.parametrize("form", FORMS)
def test_reasoning_is_no_answer(client: Any, arrived: Any, form: str) -> None:
    call(client.messages, form, thinking={"type": "enabled", "budget_tokens": 1024})
    event = arrived()
    assert event.output == SAID
    # What is encrypted is a part without text.
    assert [(part.type, part.content) for part in event.output_parts] == [
        ("reasoning", "Seven and five."),
        ("reasoning", ""),
    ]


@pytest.mark.parametrize("form", FORMS)
def test_a_call_of_a_tool_is_a_step(client: Any, arrived: Any, form: str) -> None:
    call(client.messages, form, tools=TOOLS)
    event = arrived()
    (called,) = event.tool_calls
    assert event.is_step and (called.name, called.arguments, called.id) == ("add", '{"a": 2, "b": 3}', "toolu_1")
    assert event.finish_reasons == ("tool_use",)


def test_what_a_tool_gave_is_evidence(client: Any, arrive: Any) -> None:
    called = client.messages.create(**ASKED, tools=TOOLS).content
    result = {"type": "tool_result", "tool_use_id": called[0].id, "content": [{"type": "text", "text": "5"}]}
    messages = [*ASKED["messages"], {"role": "assistant", "content": called}, {"role": "user", "content": [result]}]
    client.messages.create(**{**ASKED, "messages": messages})
    _, event = arrive(2)
    check(event)
    assert [(message.role, message.content) for message in event.input_messages][-1] == ("tool", "5")


class Total(BaseModel):
    total: int


def test_a_structured_answer(client: Any, arrived: Any) -> None:
    answer = client.messages.parse(**ASKED, output_format=Total)
    assert answer.parsed_output == Total(total=12)
    event = arrived()
    assert (event.output, event.output_parts, event.input_tokens) == ('{"total": 12}', (), 114)


@pytest.mark.parametrize("how", ["closed", "left in a block", "forgotten", "left in the helper's block"])
def test_a_stream_that_nobody_reads_on(client: Any, arrived: Any, how: str) -> None:
    if how == "left in the helper's block":
        with client.messages.stream(**ASKED) as stream:
            next(text for text in stream.text_stream if text == "is ")
    else:
        stream = client.messages.create(**ASKED, stream=True)
        pieces = (event for event in stream if event.type == "content_block_delta")
        if how == "left in a block":
            with stream:
                next(pieces), next(pieces)
        else:
            next(pieces), next(pieces)
            if how == "closed":
                stream.close()
                assert stream.response.is_closed
        del pieces
    del stream
    gc.collect()
    event = arrived()
    assert (event.cancelled, event.output, event.error_type) == (True, "The total is ", None)
    assert (event.input_tokens, event.response_id) == (114, "msg_1")


def test_an_error_of_the_app_s_in_the_helper_s_block(client: Any, arrived: Any) -> None:
    with pytest.raises(KeyError), client.messages.stream(**ASKED) as stream:
        next(stream)
        raise KeyError
    assert arrived().error_type == "KeyError"


@pytest.mark.parametrize("form", FORMS)
def test_an_error_reaches_the_app_and_the_event(client: Any, arrived: Any, form: str) -> None:
    with pytest.raises(anthropic.InternalServerError):
        asked = {**ASKED, "model": "broken"}
        if form == "helper":
            with client.messages.stream(**asked):
                pass
        else:
            client.messages.create(**asked, stream=form == "stream")
    event = arrived()
    assert event.error_type == "anthropic.InternalServerError" and event.input == "How much?" and not event.output


def test_an_error_half_way(client: Any, arrived: Any) -> None:
    with pytest.raises(anthropic.APIStatusError):
        list(client.messages.create(**{**ASKED, "model": "overloaded half way"}, stream=True))
    event = arrived()
    assert (event.output, event.cancelled) == (SAID, False) and event.error_type.startswith("anthropic.")


def test_what_the_library_tries_again_is_one_call(client: Any, arrived: Any) -> None:
    answer = client.with_options(max_retries=2).messages.create(**{**ASKED, "model": "busy"})
    assert answer.content[0].text == SAID
    event = arrived()
    assert (event.output, event.error_type, event.prompt_name) == (SAID, None, "answer")


def test_a_raw_response_stays_one(client: Any, arrived: Any) -> None:
    raw = client.messages.with_raw_response.create(**ASKED)
    assert type(raw) is anthropic.APIResponse and raw.status_code == 200 and raw.parse().content[0].text == SAID
    check(arrived())


def test_a_raw_response_of_a_stream(client: Any, arrived: Any) -> None:
    raw = client.messages.with_raw_response.create(**ASKED, stream=True)
    assert isinstance(raw, anthropic.APIResponse) and raw.parse() is raw.parse()
    stream = raw.parse()
    del raw
    assert len(list(stream)) == 8
    check(arrived())


@pytest.mark.parametrize("read", ["parse", "json", "text"])
def test_a_response_that_the_app_reads(client: Any, arrived: Any, read: str) -> None:
    with client.messages.with_streaming_response.create(**ASKED) as response:
        assert getattr(response, read)()
    check(arrived())


def test_a_response_that_the_app_reads_as_a_stream(client: Any, arrived: Any) -> None:
    with client.messages.with_streaming_response.create(**ASKED, stream=True) as response:
        assert len(list(response.parse())) == 8
    check(arrived())


def test_a_response_of_which_the_app_takes_the_bytes(client: Any, arrived: Any) -> None:
    with client.messages.with_streaming_response.create(**ASKED, stream=True) as response:
        assert SAID.split()[0] in b"".join(response.iter_bytes()).decode()
    event = arrived()
    assert (event.input, event.output, event.cancelled, event.error_type) == ("How much?", "", False, None)


def test_a_client_that_is_there_already_and_its_copies(settings: Any, producer: Producer, arrive: Any) -> None:
    client = anthropic.Anthropic(**settings)
    assert watch(client, producer, prompt="answer@7") is watch(client, producer) is client
    call(client.messages, "whole")
    call(client.with_options(timeout=5).copy(max_retries=1).messages, "whole")
    events = arrive(2)
    assert len(events) == 2
    for event in events:
        check(event)


def test_the_copies_of_a_watched_client(client: Any, producer: Producer, arrive: Any) -> None:
    copy = client.with_options(timeout=5)
    assert type(copy) is Anthropic and copy.timeout == 5
    call(copy.messages, "helper")
    check(*arrive(1))


def test_on_vertex(api: ModelApi, producer: Producer, arrive: Any) -> None:
    own = anthropic.AnthropicVertex(region="r", project_id="p", access_token="none", base_url=api.url)
    client = watch(own, producer)
    for form in FORMS:
        call(client.messages, form)
    for event in arrive(3):
        assert (event.provider, event.output, event.request_model) == ("gcp.vertex_ai", SAID, "claude-sonnet-5")


def test_on_bedrock(api: ModelApi, producer: Producer, arrived: Any) -> None:
    client = watch(anthropic.AnthropicBedrock(aws_region="r", api_key="none", base_url=api.root), producer)
    call(client.messages, "whole")
    event = arrived()
    assert (event.provider, event.output) == ("aws.bedrock", SAID)


def test_who_asked_is_hashed(
    api: ModelApi, broker: str, topic_prefix: str, settings: Any, monkeypatch: pytest.MonkeyPatch, arrive: Any
) -> None:
    monkeypatch.setenv("WATCHLINE_SUBJECT_KEY", "k" * 32)
    with Producer(broker, app="shop", topic_prefix=topic_prefix) as producer:
        call(Anthropic(producer=producer, **settings).messages, "whole", metadata={"user_id": "u-1"})
        producer.flush()
        (event,) = arrive(1)
    assert event.subject and "u-1" not in event.subject


def test_asynchronous(producer: Producer, settings: Any, arrive: Any) -> None:
    async def main() -> None:
        client = AsyncAnthropic(producer=producer, about={"prompt": "answer@7"}, **settings)
        whole = await client.messages.create(**ASKED)
        assert whole.content[0].text == SAID
        async with await client.with_options(timeout=5).messages.create(**ASKED, stream=True) as stream:
            assert isinstance(stream, anthropic.AsyncStream)
            assert len([event async for event in stream]) == 8
        async with client.messages.stream(**ASKED) as helper:
            assert [text async for text in helper.text_stream] == ["The total ", "is ", "12."]
        raw = await client.messages.with_raw_response.create(**ASKED)
        assert (await raw.parse()).content[0].text == SAID
        async with client.messages.with_streaming_response.create(**ASKED) as response:
            assert (await response.parse()).content[0].text == SAID
        raw = await client.messages.with_raw_response.create(**ASKED, stream=True)
        assert len([event async for event in await raw.parse()]) == 8
        left = await client.messages.create(**ASKED, stream=True)
        await anext(left)
        await left.close()
        async with client.messages.stream(**ASKED) as helper:
            await anext(helper)
        await client.close()

    asyncio.run(main())
    events = arrive(8)
    assert len(events) == 8
    for event in events[:6]:
        check(event)
    assert [(event.cancelled, event.output) for event in events[6:]] == [(True, "")] * 2


@pytest.mark.parametrize("form", FORMS)
def test_a_task_that_is_cancelled(producer: Producer, settings: Any, arrived: Any, form: str) -> None:
    asked = {**ASKED, "model": "slow"}

    async def read(client: Any) -> None:
        if form == "helper":
            async with client.messages.stream(**asked) as stream:
                await stream.until_done()
        elif form == "stream":
            async for _ in await client.messages.create(**asked, stream=True):
                pass
        else:
            await client.messages.create(**{**ASKED, "model": "late"})

    async def main() -> None:
        async with AsyncAnthropic(producer=producer, **settings) as client:
            task = asyncio.create_task(read(client))
            await asyncio.sleep(0.3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    event = arrived()
    assert (event.cancelled, event.error_type, event.finish_reasons) == (True, None, ())


def test_many_at_once(producer: Producer, settings: Any, client: Any, arrive: Any) -> None:
    async def main() -> None:
        async with AsyncAnthropic(producer=producer, about={"prompt": "answer@7"}, **settings) as client:

            async def one(number: int) -> str:
                asked = {**ASKED, "messages": [{"role": "user", "content": f"How much is {number}?"}]}
                async with client.messages.stream(**asked) as stream:
                    return str(await stream.get_final_text())

            assert set(await asyncio.gather(*map(one, range(50)))) == {SAID}

    threads = [threading.Thread(target=call, args=(client.messages, form)) for form in FORMS * 7]
    for thread in threads:
        thread.start()
    asyncio.run(main())
    for thread in threads:
        thread.join()
    events = arrive(71)
    assert len(events) == 71 and {event.output for event in events} == {SAID}
    asked = {event.input for event in events}
    assert asked == {"How much?", *(f"How much is {number}?" for number in range(50))}


def test_messages_that_can_be_read_once_are_the_library_s(client: Any, arrived: Any) -> None:
    assert client.messages.create(**{**ASKED, "messages": iter(ASKED["messages"])}).content[0].text == SAID
    event = arrived()
    assert (event.input, event.output) == ("", SAID)


def test_an_answer_that_the_app_adds_while_it_comes_was_not_asked(client: Any, arrived: Any) -> None:
    messages = [*ASKED["messages"]]
    for _ in client.messages.create(**{**ASKED, "messages": messages}, stream=True):
        messages.append({"role": "assistant", "content": "..."})
    event = arrived()
    check(event)
    assert len(event.input_messages) == 1


def test_the_app_is_as_it_was_where_kafka_is_away(settings: Any) -> None:
    with Producer("localhost:1", app="shop") as away:
        client = watch(anthropic.Anthropic(**settings), away)
        for form in FORMS * 5:
            assert call(client.messages, form)
        assert away.stats.emitted == 15
        away.close(0)


def test_what_watchline_can_t_read_is_no_error_of_the_app_s(settings: Any) -> None:
    with Producer("localhost:1", app="shop") as lenient:  # not strict, as in production
        client = watch(anthropic.Anthropic(**settings), lenient)
        assert call(client.messages, "whole", watchline=7).content[0].text == SAID
        with pytest.raises(TypeError, match="max_tokens"):  # the library's own
            client.messages.create(model="m", messages=[])
        with pytest.raises(TypeError):
            client.messages.create(7)
        assert lenient.stats.emitted == 3
        lenient.close(0)
