"""LangChain and LangGraph, watched: each call of a model is an event, and what one chain or graph calls is one trace.

    from watchline import Producer
    from watchline.langchain import WatchlineCallbackHandler

    handler = WatchlineCallbackHandler(Producer(app="support-bot"))
    chain.invoke(question, config={"callbacks": [handler]})

One handler is for all runs, synchronous and asynchronous, in any number of threads. An event has the id of the model's
run, for feedback: where the provider gives a message no id, it stands in `message.id`, after `lc_run--`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, BaseMessageChunk
from langchain_core.outputs import LLMResult

from watchline.streams.integrations import langchain_arguments
from watchline.streams.producer.arguments import current_span
from watchline.streams.producer.observe import Call
from watchline.streams.producer.producer import Producer

V = TypeVar("V")

MAX_RUNS = 10_000  # open at a time; the oldest beyond them counts as one that never ends
MAX_DOCUMENTS = 1_000  # of a trace: as many as an event can have


@dataclass(slots=True)
class _Trace:
    id: str
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)  # by their text


@dataclass(slots=True, eq=False)
class _Run:
    """What has begun and not ended: a call of a model, or what one is called from."""

    trace: _Trace
    parent: _Run | None
    is_retriever: bool = False
    prompt: str | None = None  # of LangChain's hub, that was last filled in within this run
    call: Call | None = None
    is_structured: bool = False
    pieces: list[str | BaseMessageChunk] = field(default_factory=list)
    leave_task: Callable[[], object] = lambda: None

    def ancestors(self) -> Iterator[_Run]:
        parent = self.parent
        while parent is not None:
            yield parent
            parent = parent.parent


class WatchlineCallbackHandler(BaseCallbackHandler):
    """Makes each call of a chat model or an LLM an event.

    What a retriever has found are the documents of the calls that follow in its trace. A config says more of its calls:
    `thread_id`, `session_id` or `conversation_id`, `user_id` (whose pseudonym alone leaves the app) and `tenant` in
    `metadata` or `configurable`; `prompt` (`answer@7`) and `variant` in `metadata`, whose other entries become
    attributes.

    Parameters
    ----------
    producer : Producer
    **about
        Arguments of `Producer.emit` that hold for all calls, such as `prompt`; those of a config win.

    Examples
    --------
    >>> from langchain_core.language_models import FakeListChatModel
    >>> with Producer(app="support-bot") as producer:
    ...     handler = WatchlineCallbackHandler(producer, prompt="answer@7")
    ...     model = FakeListChatModel(responses=["The total is 12."])
    ...     model.invoke("How much?", config={"callbacks": [handler]}).content
    'The total is 12.'
    """

    run_inline = True  # in the app's own task: what happens is told in its order

    def __init__(self, producer: Producer, **about: Any) -> None:
        self._producer = producer
        self._about = about
        self._runs: dict[UUID, _Run] = {}  # each use of it is one step: no lock

    # --- what models are called from

    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        run = self._begun(run_id, parent_run_id)
        if run.parent and metadata and (name := metadata.get("lc_hub_repo")):  # a prompt of the hub
            name = "/".join(filter(None, (metadata.get("lc_hub_owner"), name)))
            run.parent.prompt = "@".join(filter(None, (name, metadata.get("lc_hub_commit_hash"))))

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **_: Any) -> None:
        self._runs.pop(run_id, None)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        self._broken(run_id, error)

    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **_: Any,
    ) -> None:
        self._begun(run_id, parent_run_id)

    def on_tool_end(self, output: Any, *, run_id: UUID, **_: Any) -> None:
        self._runs.pop(run_id, None)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        self._broken(run_id, error)

    def on_retriever_start(
        self,
        serialized: dict[str, Any] | None,
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **_: Any,
    ) -> None:
        self._begun(run_id, parent_run_id).is_retriever = True

    def on_retriever_end(self, documents: Sequence[Document], *, run_id: UUID, **_: Any) -> None:
        run = self._runs.pop(run_id, None)
        if run is None or any(each.is_retriever for each in run.ancestors()):
            return  # a retriever around this one says which of them the model gets
        found = run.trace.documents
        for document in documents[:MAX_DOCUMENTS]:
            found[document.page_content] = langchain_arguments.document(document)
        while len(found) > MAX_DOCUMENTS:
            _drop_oldest(found)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        self._broken(run_id, error)

    # --- models

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[BaseMessage]], *, run_id: UUID, **given: Any
    ) -> None:
        self._called(run_id, given, input=[message for row in messages for message in row])

    def on_llm_start(self, serialized: dict[str, Any], prompts: list[str], *, run_id: UUID, **given: Any) -> None:
        self._called(run_id, given, input="\n".join(prompts), operation="text_completion")

    def on_llm_new_token(self, token: Any, *, chunk: Any = None, run_id: UUID, **_: Any) -> None:
        if (run := self._runs.get(run_id)) and run.call:
            run.call.chunk()
            piece = getattr(chunk, "message", token)
            if isinstance(piece, str | BaseMessageChunk):
                run.pieces.append(piece)

    def on_stream_event(self, event: Mapping[str, Any], *, run_id: UUID, **_: Any) -> None:
        if (run := self._runs.get(run_id)) and run.call:
            run.call.chunk()
            if (delta := event.get("delta")) and delta.get("type") == "text-delta":
                run.pieces.append(delta["text"])

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        run = self._runs.pop(run_id, None)
        if run and run.call:
            run.leave_task()
            given = langchain_arguments.answered(response, run.call.variant, is_structured=run.is_structured)
            for name, value in given.items():
                setattr(run.call, name, value)
            run.call.__exit__(None, None, None)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, response: LLMResult | None = None, **_: Any) -> None:
        if (run := self._runs.get(run_id)) and response and not run.pieces:  # of an LLM that has told of no token
            run.pieces = langchain_arguments.pieces(response)
        self._broken(run_id, error)

    # ---

    def _begun(self, run_id: UUID, parent_run_id: UUID | None) -> _Run:
        parent = self._runs.get(parent_run_id) if parent_run_id else None
        # A handler of a model's own isn't told of the chain around it, whose id makes its calls one trace all the same.
        trace = parent.trace if parent else _Trace(current_span().get("trace_id") or (parent_run_id or run_id).hex)
        run = self._runs[run_id] = _Run(trace, parent)
        while len(self._runs) > MAX_RUNS:
            if (oldest := _drop_oldest(self._runs)) and oldest.call:
                oldest.call.latency_s = None  # when it ended nobody knows
                _end(oldest, asyncio.CancelledError())
        return run

    def _called(self, run_id: UUID, given: Mapping[str, Any], **more: Any) -> None:
        run = self._begun(run_id, given.get("parent_run_id"))
        run.is_structured = "ls_structured_output_format" in (given.get("options") or ())
        prompt = next((each.prompt for each in run.ancestors() if each.prompt), None)
        about = {
            "documents": list(run.trace.documents.values()),
            "trace_id": run.trace.id,
            "span_id": run_id.hex[16:],
            "event_id": str(run_id),
            **self._about,
            **({"prompt": prompt} if prompt else {}),
            **langchain_arguments.asked(
                given.get("invocation_params") or {}, given.get("metadata") or {}, given.get("tags") or ()
            ),
        }
        run.call = self._producer.observe(**more, **about).__enter__()
        with suppress(RuntimeError):  # no loop runs
            if task := asyncio.current_task():
                # LangChain tells nobody of a call that is cancelled while it is awaited.
                left = partial(self._left, run_id)
                task.add_done_callback(left)
                run.leave_task = partial(task.remove_done_callback, left)

    def _left(self, run_id: UUID, task: asyncio.Task[Any]) -> None:
        """The task that has called a model is over: so is the call, but that of a stream may be read on in another."""
        run = self._runs.get(run_id)
        if run and (task.cancelled() or not run.pieces):
            self._broken(run_id, asyncio.CancelledError())

    def _broken(self, run_id: UUID, error: BaseException) -> None:
        if (run := self._runs.pop(run_id, None)) is None:
            return
        if run.call:
            _end(run, error)
        elif not isinstance(error, Exception):  # whoever waited is gone: nobody is told of the calls within either
            for each_id, each in list(self._runs.items()):
                if each.call and run in each.ancestors():
                    self._broken(each_id, error)


def _end(run: _Run, error: BaseException) -> None:
    """Emits a call without an answer, with what of it has come."""
    call = run.call
    if call is None:
        return
    run.leave_task()
    if run.pieces:
        call.keep(langchain_arguments.whole(run.pieces))
    if any(kind.__name__ == "GraphBubbleUp" for kind in type(error).__mro__):  # how LangGraph pauses: no error
        call.__exit__(None, None, None)
    else:
        call.streams(True)  # so that one that is closed is cancelled
        call.__exit__(type(error), error, error.__traceback__)


def _drop_oldest(entries: dict[Any, V]) -> V | None:
    with suppress(RuntimeError, StopIteration, KeyError):  # another thread has changed them meanwhile
        return entries.pop(next(iter(entries)))
    return None
