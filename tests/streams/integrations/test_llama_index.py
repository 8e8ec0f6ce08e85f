"""LlamaIndex's own engines, agents and models, watched: each call is an event, the app gets what it would without."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import openai
import pytest

from tests.streams.integrations.model_api import ModelApi
from watchline import Interaction, Producer

pytest.importorskip("llama_index.core", reason="llama-index-core is not installed")

from llama_index.core import Document, MockEmbedding, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    LLMMetadata,
    ToolCallBlock,
)
from llama_index.core.instrumentation.dispatcher import instrument_tags
from llama_index.core.llms import CustomLLM, MockLLM
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.mock import MockFunctionCallingLLM

from watchline.llama_index import watch

pytestmark = pytest.mark.slow

ASKED = [ChatMessage(role="user", content="How much?")]
SAID = "The total is 12."
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}]


class OpenAILike(FunctionCallingLLM):
    """A model that OpenAI's library calls, as LlamaIndex's own package for it does."""

    url: str
    name: str = "gpt-4o"
    temperature: float = 0.5
    retries: int = 0

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name=self.name, is_chat_model=True, is_function_calling_model=True)

    def _asked(self, messages: Sequence[ChatMessage], given: Any) -> dict[str, Any]:
        said = [{"role": message.role.value, "content": message.content} for message in messages]
        return {"model": self.name, "messages": said, **given}

    def _settings(self) -> dict[str, Any]:
        return {"base_url": self.url, "api_key": "none", "max_retries": self.retries}

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **given: Any) -> ChatResponse:
        answer = openai.OpenAI(**self._settings()).chat.completions.create(**self._asked(messages, given))
        return self._whole(answer)

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **given: Any) -> ChatResponse:
        async with openai.AsyncOpenAI(**self._settings()) as client:
            return self._whole(await client.chat.completions.create(**self._asked(messages, given)))

    def _whole(self, answer: Any) -> ChatResponse:
        message = answer.choices[0].message
        blocks = [
            ToolCallBlock(tool_call_id=call.id, tool_name=call.function.name, tool_kwargs=call.function.arguments)
            for call in message.tool_calls or ()
        ]
        said = ChatMessage(role="assistant", content=message.content)
        said.blocks.extend(blocks)
        return ChatResponse(message=said, raw=answer)

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **given: Any) -> Iterator[ChatResponse]:
        pieces = openai.OpenAI(**self._settings()).chat.completions.create(
            **self._asked(messages, given), stream=True, stream_options={"include_usage": True}
        )

        def read() -> Iterator[ChatResponse]:
            said = ""
            for piece in pieces:
                delta = (piece.choices[0].delta.content if piece.choices else None) or ""
                said += delta
                yield ChatResponse(message=ChatMessage(role="assistant", content=said), delta=delta, raw=piece)

        return read()

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **given: Any) -> AsyncIterator[ChatResponse]:
        client = openai.AsyncOpenAI(**self._settings())
        pieces = await client.chat.completions.create(
            **self._asked(messages, given), stream=True, stream_options={"include_usage": True}
        )

        async def read() -> AsyncIterator[ChatResponse]:
            said = ""
            async for piece in pieces:
                delta = (piece.choices[0].delta.content if piece.choices else None) or ""
                said += delta
                yield ChatResponse(message=ChatMessage(role="assistant", content=said), delta=delta, raw=piece)
            await client.close()

        return read()

    def complete(self, prompt: str, formatted: bool = False, **given: Any) -> CompletionResponse:
        raise NotImplementedError

    stream_complete = acomplete = astream_complete = complete

    def _prepare_chat_with_tools(self, tools: Any, user_msg: Any = None, **_: Any) -> dict[str, Any]:
        return {"messages": [ChatMessage(role="user", content=user_msg)], "tools": TOOLS}


class Slow(CustomLLM):
    """A model that only completes, and takes its time."""

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="slow")

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **given: Any) -> CompletionResponse:
        return CompletionResponse(text="Late.")

    @llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **given: Any) -> CompletionResponse:
        await asyncio.sleep(10)
        return CompletionResponse(text="Late.")

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **given: Any) -> Iterator[CompletionResponse]:
        def read() -> Iterator[CompletionResponse]:
            for said in ("La", "Late."):
                yield CompletionResponse(text=said, delta=said)

        return read()


@pytest.fixture
def producer(producer: Producer) -> Iterator[Producer]:
    stop = watch(producer, prompt="answer@7")
    yield producer
    stop()


@pytest.fixture
def model(api: ModelApi, producer: Producer) -> OpenAILike:
    return OpenAILike(url=api.url)


@pytest.fixture
def arrived(producer: Producer, arrive: Callable[[int], list[Interaction]]) -> Callable[..., list[Interaction]]:
    def all_of(count: int = 1) -> list[Interaction]:
        deadline = time.monotonic() + 5
        while producer.stats.emitted < count and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        assert producer.stats.emitted == count
        events = arrive(count)
        assert all(event.unreadable == {} for event in events)
        return sorted(events, key=lambda event: event.time)

    return all_of


def check(event: Interaction) -> None:
    said = (event.input, event.output, event.request_model, event.response_model, event.provider, event.prompt_name)
    assert said == ("How much?", SAID, "gpt-4o", "gpt-4o-2024-08-06", "openai", "answer")
    assert (event.input_tokens, event.output_tokens, event.response_id) == (9, 4, "chatcmpl-1")
    assert (event.error_type, event.cancelled, event.output_parts) == (None, False, ())
    assert event.finish_reasons == ("stop",) and (event.latency_s or 0) > 0
    assert len(event.trace_id or "") == 32 and len(event.span_id or "") == 16


def test_a_chat(model: Any, arrived: Any) -> None:
    with instrument_tags({"session_id": "c-7", "tenant": "acme", "release": 12}):
        answer = model.chat(ASKED, seed=7)
    assert type(answer) is ChatResponse and answer.message.content == SAID
    (event,) = arrived()
    check(event)
    assert (event.conversation_id, event.tenant, event.attributes) == ("c-7", "acme", {"release": "12"})
    assert event.request_parameters == {"temperature": "0.5", "seed": "7"} and event.operation == "chat"


def test_a_stream(model: Any, arrived: Any) -> None:
    assert "".join(piece.delta for piece in model.stream_chat(ASKED)) == SAID
    (event,) = arrived()
    check(event)
    assert 0 < (event.time_to_first_chunk_s or 0) <= (event.latency_s or 0)


@pytest.mark.parametrize("how", ["closed", "forgotten", "never begun"])
def test_a_stream_that_nobody_reads_on(model: Any, arrived: Any, how: str) -> None:
    stream = model.stream_chat(ASKED)
    if how != "never begun":
        next(stream), next(stream)
    if how == "closed":
        stream.close()
    del stream
    gc.collect()
    (event,) = arrived()
    said = "" if how == "never begun" else "The total "
    assert (event.cancelled, event.output, event.error_type) == (True, said, None)


def test_a_stream_that_is_left_after_its_last_piece(model: Any, arrived: Any) -> None:
    stream = model.stream_chat(ASKED)
    for piece in stream:
        if piece.raw.choices[0].finish_reason:
            break
    stream.close()
    (event,) = arrived()
    assert (event.cancelled, event.output) == (False, SAID)


def test_a_call_of_a_tool_is_a_step(model: Any, arrived: Any) -> None:
    model.chat(ASKED, tools=TOOLS)
    (event,) = arrived()
    (call,) = event.tool_calls
    assert event.is_step and (call.name, call.arguments, call.id) == ("add", '{"a": 2, "b": 3}', "c1")
    assert event.finish_reasons == ("tool_calls",)


@pytest.mark.parametrize("is_async", [False, True])
def test_an_error_reaches_the_app_and_the_event(model: Any, arrived: Any, is_async: bool) -> None:
    model.name = "broken"
    with pytest.raises(openai.InternalServerError):
        asyncio.run(model.achat(ASKED)) if is_async else model.chat(ASKED)
    (event,) = arrived()
    assert event.error_type == "openai.InternalServerError" and event.input == "How much?" and not event.output
    assert event.request_model == "broken"


def test_asynchronous(model: Any, arrived: Any) -> None:
    async def main() -> None:
        assert (await model.achat(ASKED)).message.content == SAID
        assert "".join([piece.delta async for piece in await model.astream_chat(ASKED)]) == SAID
        left = await model.astream_chat(ASKED)
        await left.__anext__(), await left.__anext__()
        await left.aclose()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Slow().acomplete("How much?"), 0.05)

    asyncio.run(main())
    first, second, left, slow = arrived(4)
    check(first)
    check(second)
    assert (left.cancelled, left.output) == (True, "The total ")
    assert (slow.cancelled, slow.request_model, slow.operation) == (True, "slow", "text_completion")


@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_of_a_model_that_completes_is_one_event(arrived: Any, stream: bool) -> None:
    if stream:
        assert [piece.delta for piece in Slow().stream_chat(ASKED)] == ["La", "Late."]
    else:
        assert Slow().chat(ASKED).message.content == "Late."
    (event,) = arrived()
    assert (event.input, event.output, event.request_model) == ("How much?", "Late.", "slow")


DOCUMENTS = ["Invoice 7: the total is 12 euros.", "Invoice 8: the total is 9 euros."]


@pytest.mark.parametrize("how", ["query", "stream", "asynchronous", "chat", "chat's stream"])
def test_a_query_is_one_trace_with_its_documents(model: Any, arrived: Any, how: str) -> None:
    documents = [Document(text=text, id_=f"d{number}") for number, text in enumerate(DOCUMENTS)]
    index = VectorStoreIndex.from_documents(documents, embed_model=MockEmbedding(embed_dim=4))
    if how.startswith("chat"):
        engine = index.as_chat_engine(chat_mode="context", llm=model)
        said = engine.chat("How much?") if how == "chat" else "".join(engine.stream_chat("How much?").response_gen)
        assert str(said) == SAID
    else:
        query = index.as_query_engine(llm=model, streaming=how == "stream", similarity_top_k=2, response_mode="refine")
        answer = asyncio.run(query.aquery("How much?")) if how == "asynchronous" else query.query("How much?")
        assert str(answer) == SAID
    events = arrived(1 if how.startswith("chat") else 2)  # `refine` asks once for each document
    assert len({event.trace_id for event in events}) == 1
    for event in events:
        assert event.output == SAID and event.response_id == "chatcmpl-1"
        assert {document.content for document in event.documents} == set(DOCUMENTS)
        assert all(document.id and document.score is not None for document in event.documents)


def test_an_agent_is_one_trace(producer: Producer, arrived: Any) -> None:
    def total(invoice: int = 7) -> str:
        """The total of an invoice."""
        return "12 euros"

    agent = FunctionAgent(tools=[total], llm=MockFunctionCallingLLM(is_chat_model=True))

    async def main() -> str:
        return str(await agent.run("How much?"))

    assert asyncio.run(main()) == "Tool calls complete."
    step, answer = arrived(2)
    assert step.is_step and [call.name for call in step.tool_calls] == ["total"]
    assert answer.output == "Tool calls complete." and step.trace_id == answer.trace_id
    assert [message.content for message in answer.input_messages if message.role == "tool"] == ["12 euros"]


def test_fifty_streams_at_once(model: Any, arrived: Any) -> None:
    model.retries = 5  # the stand-in lets few wait for a connection

    async def one() -> str:
        return "".join([piece.delta async for piece in await model.astream_chat(ASKED)])

    async def main() -> None:
        assert await asyncio.gather(*(one() for _ in range(50))) == [SAID] * 50

    asyncio.run(main())
    events = arrived(50)
    for event in events:
        check(event)
    assert len({event.trace_id for event in events}) == 50


def test_the_app_is_as_it_was_where_kafka_is_away(api: ModelApi) -> None:
    with Producer("localhost:1", app="shop") as away:
        stop = watch(away)
        for _ in range(20):
            assert OpenAILike(url=api.url).chat(ASKED).message.content == SAID
        stop()
        MockLLM().complete("How much?")
        assert away.stats.emitted == 20
        away.close(0)
