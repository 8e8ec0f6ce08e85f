"""LangChain and LangGraph, watched: a call of a model is an event, and what one chain or graph calls is one trace."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from tests.streams.integrations.model_api import ModelApi
from tests.streams.producer.published import envelopes, make_topics
from watchline import Interaction, Producer

pytest.importorskip("langchain_core", reason="langchain-core is not installed")
pytest.importorskip("langgraph", reason="langgraph is not installed")
openai = pytest.importorskip("openai", reason="openai is not installed")

import httpx  # noqa: E402
from langchain_core.caches import InMemoryCache  # noqa: E402
from langchain_core.documents import Document  # noqa: E402
from langchain_core.language_models import (  # noqa: E402
    BaseChatModel,
    FakeListLLM,
    GenericFakeChatModel,
)
from langchain_core.messages import (  # noqa: E402
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    convert_to_openai_messages,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, GenerationChunk  # noqa: E402
from langchain_core.prompts import ChatPromptTemplate  # noqa: E402
from langchain_core.retrievers import BaseRetriever  # noqa: E402
from langchain_core.runnables import RunnableLambda, RunnablePassthrough  # noqa: E402
from langchain_core.tools import tool  # noqa: E402
from langchain_core.utils.function_calling import convert_to_openai_tool  # noqa: E402
from langgraph.checkpoint.memory import InMemorySaver  # noqa: E402
from langgraph.graph import START, MessagesState, StateGraph  # noqa: E402
from langgraph.prebuilt import ToolNode, tools_condition  # noqa: E402
from langgraph.types import Command, interrupt  # noqa: E402

from watchline.langchain import MAX_RUNS, WatchlineCallbackHandler  # noqa: E402

pytestmark = pytest.mark.slow

SAID = "The total is 12."
ASKED = [SystemMessage("Be short."), HumanMessage("How much?")]
Arrived = Callable[..., list[Interaction]]


class ChatApi(BaseChatModel):
    """A chat model as `langchain-openai` has one: OpenAI's library, over HTTP."""

    url: str
    model_name: str = "gpt-4o"
    temperature: float = 0.5
    retries: int = 0
    transport: Any = None

    @property
    def _llm_type(self) -> str:
        return "openai-chat"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name, "temperature": self.temperature, "base_url": self.url}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return {**super()._get_ls_params(stop=stop, **kwargs), "ls_provider": "openai"}

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        kwargs.pop("tool_choice", None)
        return self.bind(tools=[convert_to_openai_tool(each) for each in tools], **kwargs)

    def _asked(self, messages: list[BaseMessage], given: dict[str, Any]) -> dict[str, Any]:
        more = {name: given[name] for name in ("tools",) if name in given}
        return {"model": self.model_name, "messages": convert_to_openai_messages(messages), **more}

    def _client(self, kind: Any, http: Any) -> Any:
        client = http(transport=self.transport) if self.transport else None
        return kind(base_url=self.url, api_key="none", max_retries=self.retries, http_client=client)

    def _generate(self, messages: list[BaseMessage], *_: Any, **given: Any) -> ChatResult:
        client = self._client(openai.OpenAI, httpx.Client)
        return _result(client.chat.completions.create(**self._asked(messages, given)))

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **given: Any) -> ChatResult:
        client = self._client(openai.AsyncOpenAI, httpx.AsyncClient)
        return _result(await client.chat.completions.create(**self._asked(messages, given)))

    def _stream(self, messages: list[BaseMessage], *_: Any, **given: Any) -> Iterator[ChatGenerationChunk]:
        client = self._client(openai.OpenAI, httpx.Client)
        for piece in client.chat.completions.create(**self._asked(messages, given), stream=True):
            yield _chunk(piece)

    async def _astream(self, messages: list[BaseMessage], *_: Any, **given: Any) -> AsyncIterator[ChatGenerationChunk]:
        client = self._client(openai.AsyncOpenAI, httpx.AsyncClient)
        async for piece in await client.chat.completions.create(**self._asked(messages, given), stream=True):
            yield _chunk(piece)


def _usage(usage: Any) -> Any:
    total = usage.prompt_tokens + usage.completion_tokens
    return {"input_tokens": usage.prompt_tokens, "output_tokens": usage.completion_tokens, "total_tokens": total}


def _result(whole: Any) -> ChatResult:
    (choice,) = whole.choices
    calls = [
        {"name": each.function.name, "args": json.loads(each.function.arguments), "id": each.id}
        for each in choice.message.tool_calls or ()
    ]
    about = {"model_name": whole.model, "finish_reason": choice.finish_reason, "id": whole.id}
    message = AIMessage(
        choice.message.content or "", tool_calls=calls, response_metadata=about, usage_metadata=_usage(whole.usage)
    )
    return ChatResult(generations=[ChatGeneration(message=message)], llm_output={"model_name": whole.model})


def _chunk(piece: Any) -> ChatGenerationChunk:
    if not piece.choices:
        return ChatGenerationChunk(message=AIMessageChunk("", usage_metadata=_usage(piece.usage)))
    (choice,) = piece.choices
    calls: Any = [
        {"name": each.function.name, "args": each.function.arguments, "id": each.id, "index": each.index}
        for each in choice.delta.tool_calls or ()
    ]
    about = {"finish_reason": choice.finish_reason, "model_name": piece.model, "id": piece.id}
    return ChatGenerationChunk(
        message=AIMessageChunk(choice.delta.content or "", tool_call_chunks=calls),
        generation_info=about if choice.finish_reason else {},
    )


class Notes(BaseRetriever):
    """Finds the same two notes for any question."""

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [
            Document(f"Invoice 7: the total is 12. ({query})", metadata={"source": "invoice-7", "score": 0.9}),
            Document("Invoice 8 is unpaid.", id="invoice-8"),
        ]


class Best(BaseRetriever):
    """Of what another one finds, the first."""

    inner: BaseRetriever

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return self.inner.invoke(query, config={"callbacks": run_manager.get_child()})[:1]


@tool
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@pytest.fixture
def model(api: ModelApi) -> ChatApi:
    return ChatApi(url=api.url)


@pytest.fixture
def handler(producer: Producer) -> WatchlineCallbackHandler:
    return WatchlineCallbackHandler(producer, prompt="answer@7", attributes={"region": "eu"})


@pytest.fixture
def config(handler: WatchlineCallbackHandler) -> Any:
    return {"callbacks": [handler]}


@pytest.fixture
def arrived(producer: Producer, arrive: Callable[[int], list[Interaction]]) -> Arrived:
    def events(count: int = 1) -> list[Interaction]:
        found = arrive(count)
        assert len(found) == count == producer.stats.emitted
        return found

    return events


def fake(*answers: Any) -> GenericFakeChatModel:
    return GenericFakeChatModel(messages=iter(answers))


def check(event: Interaction) -> None:
    said = (event.input, event.output, event.request_model, event.response_model, event.provider, event.prompt_name)
    assert said == ("How much?", SAID, "gpt-4o", "gpt-4o-2024-08-06", "openai", "answer")
    assert (event.input_tokens, event.output_tokens) == (9, 4)
    assert (event.response_id, event.finish_reasons, event.operation) == ("chatcmpl-1", ("stop",), "chat")
    assert (event.error_type, event.cancelled, event.unreadable, event.output_parts) == (None, False, {}, ())
    assert event.input_messages[0].role == "system" and event.request_parameters == {"temperature": "0.5"}
    assert (event.latency_s or 0) > 0


def test_an_answer_over_http(model: ChatApi, config: Any, arrived: Arrived) -> None:
    answer = model.invoke(ASKED, config=config)
    assert type(answer) is AIMessage and answer.content == SAID
    (event,) = arrived()
    check(event)
    assert answer.id and event.event_id in answer.id  # the id for feedback
    assert (event.trace_id, event.span_id) == (UUID(event.event_id).hex, UUID(event.event_id).hex[16:])
    assert event.time_to_first_chunk_s is None


@pytest.mark.parametrize("version", ["chunks", "events"])
def test_a_stream_over_http(model: ChatApi, config: Any, arrived: Arrived, version: str) -> None:
    if version == "chunks":
        pieces = list(model.stream(ASKED, config=config))
        assert {type(piece) for piece in pieces} == {AIMessageChunk}
        assert "".join(piece.text for piece in pieces) == SAID
    else:
        if not hasattr(model, "stream_events"):
            pytest.skip("this release of langchain-core has no stream of events")
        stream = model.stream_events(ASKED, config=config, version="v3")
        assert "".join(stream.text) == SAID
    (event,) = arrived()
    check(event)
    assert 0 < (event.time_to_first_chunk_s or 0) <= (event.latency_s or 0)


@pytest.mark.parametrize("kind", ["invoke", "stream", "ainvoke", "astream"])
def test_a_call_of_a_tool_is_a_step(model: ChatApi, config: Any, arrived: Arrived, kind: str) -> None:
    bound = model.bind_tools([add])

    async def later() -> None:
        if kind == "ainvoke":
            await bound.ainvoke(ASKED, config=config)
        else:
            assert len([piece async for piece in bound.astream(ASKED, config=config)]) >= 4

    if kind == "invoke":
        bound.invoke(ASKED, config=config)
    elif kind == "stream":
        assert len(list(bound.stream(ASKED, config=config))) >= 4
    else:
        asyncio.run(later())
    (event,) = arrived()
    (call,) = event.tool_calls
    assert event.is_step and (call.name, json.loads(call.arguments), call.id) == ("add", {"a": 2, "b": 3}, "c1")
    assert (event.finish_reasons, event.output, [part.type for part in event.output_parts]) == (
        ("tool_calls",),
        "",
        ["tool_call"],
    )


def test_arguments_that_are_asked_for_as_a_form_are_the_answer(model: ChatApi, config: Any, arrived: Arrived) -> None:
    form = {"title": "add", "description": "", "type": "object", "properties": {"a": {"type": "integer"}}}
    assert model.with_structured_output(form).invoke(ASKED, config=config) == {"a": 2, "b": 3}
    (event,) = arrived()
    assert (event.output, event.is_step, event.tool_calls) == ('{"a": 2, "b": 3}', False, ())
    assert (event.output_tokens, event.response_model) == (4, "gpt-4o-2024-08-06")


def test_an_error_reaches_the_app_and_the_event(api: ModelApi, config: Any, arrived: Arrived) -> None:
    chain = ChatPromptTemplate.from_messages([("human", "{question}")]) | ChatApi(url=api.url, model_name="broken")
    with pytest.raises(openai.InternalServerError):
        chain.invoke({"question": "How much?"}, config=config)
    with pytest.raises(openai.InternalServerError):
        list(chain.stream({"question": "How much?"}, config=config))
    for event in arrived(2):
        assert event.error_type == "openai.InternalServerError" and not event.cancelled
        assert event.input == "How much?" and not event.output_messages and event.request_model == "broken"


@pytest.mark.parametrize("whose", ["LangChain's", "OpenAI's"])
def test_a_call_that_is_made_again(api: ModelApi, config: Any, arrived: Arrived, whose: str) -> None:
    class Busy(httpx.HTTPTransport):
        """Too busy for the first request."""

        calls = 0

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            self.calls += 1
            busy = httpx.Response(429, json={"error": {"message": "busy"}}, headers={"retry-after-ms": "1"})
            return busy if self.calls == 1 else super().handle_request(request)

    model: Any = ChatApi(url=api.url, transport=Busy(), retries=whose == "OpenAI's")
    if whose == "LangChain's":
        model = model.with_retry(wait_exponential_jitter=False)
    assert model.invoke(ASKED, config=config).content == SAID
    *before, last = arrived(2 if whose == "LangChain's" else 1)
    check(last)
    assert [event.error_type for event in before] == ["openai.RateLimitError"] * len(before)
    assert {event.trace_id for event in before} <= {last.trace_id}  # both attempts are one trace


@pytest.mark.parametrize("how", ["closed", "forgotten", "asynchronous", "in a chain", "after its end"])
def test_a_stream_that_nobody_reads_on(model: ChatApi, config: Any, arrived: Arrived, how: str) -> None:
    async def later() -> None:
        stream: Any = model.astream(ASKED, config=config)
        async for piece in stream:
            if piece.content:
                break
        await stream.aclose()

    if how == "asynchronous":
        asyncio.run(later())
    else:
        chain: Any = RunnablePassthrough() | model if how == "in a chain" else model
        stream: Any = chain.stream(ASKED, config=config)
        next(piece for piece in stream if piece.response_metadata or (how != "after its end" and piece.content))
        if how == "forgotten":
            del stream
            gc.collect()
        else:
            stream.close()
    (event,) = arrived()
    is_over = how == "after its end"
    assert (event.cancelled, event.output, event.error_type) == (not is_over, SAID if is_over else "The total ", None)


class Slow(GenericFakeChatModel):
    """Never comes to its end; what it says before it says in pieces."""

    async def _agenerate(self, *_: Any, **__: Any) -> ChatResult:
        await asyncio.sleep(60)
        raise AssertionError

    async def _astream(self, *_: Any, **__: Any) -> AsyncIterator[ChatGenerationChunk]:
        yield ChatGenerationChunk(message=AIMessageChunk("The total "))
        await asyncio.sleep(60)


@pytest.mark.parametrize("where", ["a model", "a chain", "a chain in a task that goes on", "a stream", "a graph"])
def test_a_cancelled_task(config: Any, handler: Any, arrived: Arrived, where: str) -> None:
    slow = Slow(messages=iter(()))

    async def node(state: MessagesState) -> Any:
        return {"messages": [await slow.ainvoke(state["messages"])]}

    async def read() -> None:
        async for _ in slow.astream(ASKED, config=config):
            pass

    async def main() -> None:
        if where == "a chain in a task that goes on":
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await (RunnablePassthrough() | slow).ainvoke(ASKED, config=config)
            assert not handler._runs
            return
        graph = StateGraph(MessagesState).add_node("n", node).add_edge(START, "n").compile()
        running: dict[str, Callable[[], Any]] = {
            "a model": lambda: slow.ainvoke(ASKED, config=config),
            "a chain": lambda: (RunnablePassthrough() | slow).ainvoke(ASKED, config=config),
            "a stream": read,
            "a graph": lambda: graph.ainvoke({"messages": ASKED}, config=config),
        }
        task = asyncio.ensure_future(running[where]())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    (event,) = arrived()
    assert (event.cancelled, event.error_type, event.input) == (True, None, "How much?")
    assert event.output == ("The total " if where == "a stream" else "")
    assert not handler._runs


def test_a_stream_that_another_task_reads_on_goes_on(model: ChatApi, config: Any, arrived: Arrived) -> None:
    async def main() -> list[Any]:
        stream = model.astream(ASKED, config=config)
        first = await asyncio.create_task(anext(stream))  # type: ignore[arg-type]
        return [first, *[piece async for piece in stream]]

    assert "".join(piece.text for piece in asyncio.run(main())) == SAID
    check(*arrived())


def test_within_a_span_of_the_app_s_the_trace_is_its(model: ChatApi, config: Any, arrived: Arrived) -> None:
    tracing = pytest.importorskip("opentelemetry.sdk.trace", reason="OpenTelemetry's SDK is not installed")
    with tracing.TracerProvider().get_tracer("app").start_as_current_span("request") as span:
        model.invoke(ASKED, config=config)
    (event,) = arrived()
    assert event.trace_id == f"{span.get_span_context().trace_id:032x}"
    assert event.span_id == UUID(event.event_id).hex[16:]


def test_a_chain_is_one_trace_with_its_documents(config: Any, arrived: Arrived) -> None:
    prompt = ChatPromptTemplate.from_messages([("system", "{notes}"), ("human", "{question}")])
    prompt.metadata = {"lc_hub_owner": "acme", "lc_hub_repo": "qa", "lc_hub_commit_hash": "1f2e"}
    rewrite = RunnableLambda(lambda question: [HumanMessage(question)]) | fake("total") | (lambda said: said.text)
    chain = {"notes": rewrite | Best(inner=Notes()), "question": RunnablePassthrough()} | prompt | fake(SAID)
    about = {"user_id": "u7", "session_id": "s1", "tenant": "acme", "release": 3, "langgraph_triggers": ("x",)}
    chain.invoke("How much?", config={**config, "metadata": about, "tags": ["beta"]})
    first, second = sorted(arrived(2), key=lambda event: event.time)
    assert first.trace_id == second.trace_id and first.span_id != second.span_id
    assert first.documents == () and first.prompt_name == "answer"
    (found,) = second.documents  # what the outer retriever chose
    assert (found.content, found.id, found.score) == ("Invoice 7: the total is 12. (total)", "invoice-7", 0.9)
    assert (second.prompt_name, second.prompt_version) == ("acme/qa", "1f2e")
    for event in (first, second):
        assert (event.conversation_id, event.tenant, event.subject) == ("s1", "acme", None)  # there is no key
        assert event.attributes == {"region": "eu", "release": "3", "tags": '["beta"]'} and event.unreadable == {}


def test_a_user_is_a_pseudonym(monkeypatch: Any, broker: str, topic_prefix: str) -> None:
    monkeypatch.setenv("WATCHLINE_SUBJECT_KEY", "k" * 32)
    make_topics(broker, topic_prefix)
    with Producer(broker, app="shop", topic_prefix=topic_prefix) as producer:
        chain = RunnablePassthrough() | fake(SAID)
        of_it = {"callbacks": [WatchlineCallbackHandler(producer)], "configurable": {"user_id": "u7", "api_key": "s"}}
        chain.invoke("How much?", config=of_it)
    ((event,),) = [envelope.interactions for envelope in envelopes(broker, topic_prefix, 1)]
    assert event.subject and "u7" not in event.subject and event.attributes == {}


class Scripted(GenericFakeChatModel):
    """Says each message in one piece, with its calls of tools."""

    def _stream(self, *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        said = next(self.messages)
        assert isinstance(said, AIMessage)
        calls: Any = [{**call, "args": json.dumps(call["args"]), "index": 0} for call in said.tool_calls]
        about = said.response_metadata
        yield ChatGenerationChunk(message=AIMessageChunk(said.content, tool_call_chunks=calls), generation_info=about)


def agent(model: Any) -> Any:
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("tools", ToolNode([add]))
    graph.add_edge(START, "model").add_conditional_edges("model", tools_condition).add_edge("tools", "model")
    return graph.compile(checkpointer=InMemorySaver())


@pytest.mark.parametrize("kind", ["invoke", "stream", "astream messages"])
def test_a_graph_with_tools_and_a_conversation(config: Any, arrived: Arrived, kind: str) -> None:
    about = {"finish_reason": "tool_calls", "model_name": "m-1"}
    wanted = AIMessage("", tool_calls=[{"name": "add", "args": {"a": 2, "b": 3}, "id": "c1"}], response_metadata=about)
    said = AIMessage("It is 5.", response_metadata={**about, "finish_reason": "stop"})
    graph = agent(Scripted(messages=iter([wanted, said])))
    given, of_it = {"messages": [HumanMessage("2 and 3?")]}, {**config, "configurable": {"thread_id": "t1"}}
    if kind == "invoke":
        assert graph.invoke(given, config=of_it)["messages"][-1].content == "It is 5."
    elif kind == "stream":
        assert len(list(graph.stream(given, config=of_it))) == 3
    else:

        async def later() -> list[Any]:
            return [piece async for piece in graph.astream(given, config=of_it, stream_mode="messages")]

        assert asyncio.run(later())
    first, second = sorted(arrived(2), key=lambda event: event.time)
    assert first.is_step and [call.name for call in first.tool_calls] == ["add"]
    assert (second.input, second.output, second.is_step) == ("2 and 3?", "It is 5.", False)
    assert [(message.role, message.content) for message in second.input_messages][-1] == ("tool", "5")
    assert {event.conversation_id for event in (first, second)} == {"t1"} and first.trace_id == second.trace_id
    assert [event.attributes["langgraph_step"] for event in (first, second)] == ["1", "3"]
    assert second.attributes == {"region": "eu", "langgraph_node": "model", "langgraph_step": "3"}


def test_a_graph_that_asks_a_person_has_no_error(config: Any, arrived: Arrived) -> None:
    class Asks(GenericFakeChatModel):
        def _generate(self, messages: list[BaseMessage], *given: Any, **more: Any) -> ChatResult:
            if "no?" in messages[-1].text:
                interrupt("yes or no?")
            return super()._generate(messages, *given, **more)

    model = Asks(messages=iter([AIMessage("Yes."), AIMessage("So be it.")]))

    def node(state: MessagesState) -> Any:
        said = model.invoke("Sure?")
        interrupt(said.content)
        return {"messages": [model.invoke("yes or no?")]}

    graph = StateGraph(MessagesState).add_node("n", node).add_edge(START, "n").compile(checkpointer=InMemorySaver())
    of_it = {**config, "configurable": {"thread_id": "t1"}}
    assert "__interrupt__" in graph.invoke({"messages": ASKED}, config=of_it)
    assert "__interrupt__" in graph.invoke(Command(resume="ok"), config=of_it)
    events = arrived(3)
    assert sorted(event.output for event in events) == ["", "So be it.", "Yes."]
    assert not any(event.error_type or event.cancelled for event in events)
    assert {event.conversation_id for event in events} == {"t1"}


class Spelled(FakeListLLM):
    """Says its answer letter by letter, and as most but not all LLMs tells of each."""

    tells: bool = True

    def _stream(self, *_: Any, run_manager: Any = None, **__: Any) -> Iterator[GenerationChunk]:
        for letter in self.responses[0]:
            if self.tells:
                run_manager.on_llm_new_token(letter)
            yield GenerationChunk(text=letter)


def test_llms_that_are_no_chat_models(config: Any, arrived: Arrived) -> None:
    both = FakeListLLM(responses=["So.", "No."]).generate(["One?", "Two?"], callbacks=config["callbacks"])
    assert [row[0].text for row in both.generations] == ["So.", "No."]
    assert "".join(Spelled(responses=["Yes."]).stream("Three?", config=config)) == "Yes."
    for question, tells in (("Four?", True), ("Five?", False)):
        stream: Any = Spelled(responses=["Yes."], tells=tells).stream(question, config=config)
        next(stream), next(stream), stream.close()
    events = arrived(5)
    assert {(event.input, event.output, event.cancelled) for event in events} == {
        ("One?", "So.", False),
        ("Two?", "No.", False),
        ("Three?", "Yes.", False),
        ("Four?", "Ye", True),
        ("Five?", "Y", True),  # the last piece only an LLM that tells of it makes known
    }
    assert {event.operation for event in events} == {"text_completion"}


def test_several_messages_and_several_answers(config: Any, arrived: Arrived) -> None:
    class Two(GenericFakeChatModel):
        def _generate(self, *given: Any, **more: Any) -> ChatResult:
            answers = [ChatGeneration(message=AIMessage(f"{way}.")) for way in ("Yes", "No")]
            usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
            return ChatResult(generations=answers, llm_output={"token_usage": usage, "model_name": "m-1"})

    Two(messages=iter(())).generate([[HumanMessage("One?")], [HumanMessage("Two?")]], callbacks=config["callbacks"])
    events = arrived(2)
    assert {event.input for event in events} == {"One?", "Two?"}
    for event in events:
        assert [message.content for message in event.output_messages] == ["Yes.", "No."]
        assert (event.input_tokens, event.output_tokens, event.response_model) == (5, 2, "m-1")


def test_token_counts_in_detail_and_what_a_cache_gave(config: Any, arrived: Arrived) -> None:
    usage: Any = {
        "input_tokens": 20,
        "output_tokens": 9,
        "total_tokens": 29,
        "input_token_details": {"cache_read": 12, "cache_creation": 3, "audio": 1},
        "output_token_details": {"reasoning": 5, "audio": 2},
    }
    model = GenericFakeChatModel(messages=iter([AIMessage("Yes.", usage_metadata=usage)]), cache=InMemoryCache())
    for _ in range(2):
        assert model.invoke("One?", config={**config, "metadata": {"variant": {"engine": "v"}}}).content == "Yes."
    first, second = sorted(arrived(2), key=lambda event: event.time)
    for event in (first, second):
        assert (event.input_tokens, event.output_tokens, event.reasoning_output_tokens) == (20, 9, 5)
        assert (event.cache_read_input_tokens, event.cache_write_input_tokens) == (12, 3)
        assert (event.input_audio_tokens, event.output_audio_tokens) == (1, 2)
    assert (first.cost, first.variant) == (None, {"engine": "v"})
    assert (second.cost, second.variant) == (0.0, {"engine": "v", "cache_hit": "true"})


def test_a_handler_of_the_model_s_own(producer: Producer, arrived: Arrived, api: ModelApi) -> None:
    model = ChatApi(url=api.url, callbacks=[WatchlineCallbackHandler(producer, prompt="answer@7")])
    chain = model | (lambda _: ASKED) | model
    chain.invoke(ASKED)
    first, second = arrived(2)
    check(first), check(second)
    assert first.trace_id == second.trace_id and first.event_id != second.event_id


def test_a_model_within_a_tool_belongs_to_its_trace(config: Any, arrived: Arrived) -> None:
    inner = fake("4")

    @tool
    def ask(question: str) -> str:
        """Asks another model."""
        return inner.invoke(question).text

    chain = RunnableLambda(lambda question: ask.invoke({"question": question})) | fake("Four.")
    assert chain.invoke("2 and 2?", config=config).text == "Four."
    first, second = arrived(2)
    assert first.trace_id == second.trace_id


def test_many_at_once_in_tasks_and_threads(model: ChatApi, config: Any, handler: Any, arrived: Arrived) -> None:
    chain = RunnableLambda(lambda number: [HumanMessage(f"How much is {number}?")]) | model

    async def one(number: int) -> str:
        return "".join([piece.text async for piece in chain.astream(number, config=config)])

    async def main() -> list[str]:
        return await asyncio.gather(*map(one, range(50)))

    assert asyncio.run(main()) == [SAID] * 50
    with ThreadPoolExecutor(10) as threads:
        said = threads.map(lambda number: chain.invoke(number, config=config).text, range(50, 100))
        assert list(said) == [SAID] * 50
    events = arrived(100)
    assert {event.input for event in events} == {f"How much is {number}?" for number in range(100)}
    assert {event.output for event in events} == {SAID}
    assert len({event.trace_id for event in events}) == 100 and not handler._runs


def test_runs_that_never_end_are_bounded(handler: Any, arrived: Arrived) -> None:
    handler.on_chat_model_start({}, [ASKED], run_id=UUID(int=1))
    handler.on_chain_start({}, {}, run_id=UUID(int=2), parent_run_id=UUID(int=1))
    for number in range(3, MAX_RUNS + 2):
        handler.on_chain_start({}, {}, run_id=UUID(int=number))
    assert len(handler._runs) == MAX_RUNS
    handler.on_llm_end(None, run_id=UUID(int=1))
    (event,) = arrived()
    assert (event.cancelled, event.latency_s, event.input) == (True, None, "How much?")


def test_the_app_is_as_it_was_where_kafka_is_away(model: ChatApi) -> None:
    with Producer("localhost:1", app="shop") as away:
        of_it: Any = {"callbacks": [WatchlineCallbackHandler(away)]}
        for _ in range(20):
            assert model.invoke(ASKED, config=of_it).content == SAID
        assert away.stats.emitted == 20
        away.close(0)


def test_a_fault_of_watchline_s_is_not_the_app_s(model: ChatApi, config: Any, monkeypatch: Any) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr("watchline.streams.integrations.langchain_arguments.asked", broken)
    assert model.invoke(ASKED, config=config).content == SAID
    monkeypatch.undo()
    monkeypatch.setattr("watchline.streams.integrations.langchain_arguments.answered", broken)
    assert model.invoke(ASKED, config=config).content == SAID
