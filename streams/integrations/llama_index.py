"""LlamaIndex, with the calls of its models watched: chats and completions, in queries, chat engines and agents.

    from watchline import Producer
    from watchline.llama_index import watch

    watch(Producer(app="support-bot"))

The calls of one query, or of one run of an agent, share a trace. What was retrieved for a call, or given to the
synthesizer, are its documents. What LlamaIndex doesn't know goes by its own tags, under the names of `Producer.emit`:
`with instrument_tags({"session_id": "c-7", "prompt": "answer@7"})`; other tags become attributes.
"""

from __future__ import annotations

import inspect
import sys
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.events.exception import ExceptionEvent
from llama_index.core.instrumentation.events.llm import (
    LLMChatEndEvent,
    LLMChatInProgressEvent,
    LLMChatStartEvent,
    LLMCompletionEndEvent,
    LLMCompletionInProgressEvent,
    LLMCompletionStartEvent,
)
from llama_index.core.instrumentation.events.retrieval import RetrievalEndEvent
from llama_index.core.instrumentation.span import BaseSpan
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from llama_index_instrumentation import get_dispatcher
from pydantic import Field, PrivateAttr

from watchline.streams.producer import messages
from watchline.streams.producer.arguments import ARGUMENTS, current_span
from watchline.streams.producer.observe import Call
from watchline.streams.producer.producer import Producer

_MAX_SPANS = 10_000  # of which it is known which trace they belong to, and calls under way
_PARAMETERS = ("temperature", "max_tokens", "top_p", "num_output")  # fields that LlamaIndex's classes of models have
_NO_PARAMETERS = frozenset(("tools", "functions", "stream", "formatted", "messages", "prompt", "extra_headers"))
# What the names of LlamaIndex's classes begin with, by OpenTelemetry's names of providers.
_PROVIDERS = {
    "anthropic": "anthropic",
    "azureopenai": "azure.ai.openai",
    "azureaicompletions": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "gemini": "gcp.gemini",
    "googlegenai": "gcp.gemini",
    "groq": "groq",
    "mistralai": "mistral_ai",
    "ollama": "ollama",
    "openai": "openai",
    "perplexity": "perplexity",
    "vertex": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
}


def watch(producer: Producer, **about: Any) -> Callable[[], None]:
    """Has the calls of all models watched, from now on and in all threads.

    Parameters
    ----------
    producer : Producer
    **about
        Arguments of `Producer.emit` that hold for all calls, such as `prompt`.

    Returns
    -------
    callable
        Ends it.

    Examples
    --------
    >>> from llama_index.core.llms import MockLLM
    >>> with Producer(app="support-bot") as producer:
    ...     stop = watch(producer, prompt="answer@7")
    ...     str(MockLLM(max_tokens=2).complete("How much is it?"))
    ...     stop()
    'text text'
    """
    root = get_dispatcher()
    spans = _Spans()
    events = _Events(producer, spans, about)
    root.add_span_handler(spans)
    root.add_event_handler(events)

    def stop() -> None:
        root.span_handlers = [handler for handler in root.span_handlers if handler is not spans]
        root.event_handlers = [handler for handler in root.event_handlers if handler is not events]

    return stop


class _Span(BaseSpan):
    parent: _Span | None = None
    root: str
    instance: Any = None
    documents: dict[str, Any] | None = None
    is_call: bool = False

    def upwards(self) -> Iterator[_Span]:
        span: _Span | None = self
        while span is not None:
            yield span
            span = span.parent


class _Pending:
    """A call under way, with what its stream gave last."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.last: Any = None
        self.raws: deque[Any] = deque(maxlen=3)  # the last pieces of a provider's, which say how it ended and the usage

    def end(self, error: BaseException | None, response: Any = None) -> None:
        said = self.last if response is None else response
        if self.raws and said is not None:
            key = "message" if hasattr(said, "message") else "text"
            said = {key: getattr(said, key), "raw": [raw for raw in self.raws if raw is not None]}
        self.call.output = said
        if isinstance(error, GeneratorExit):
            with suppress(Exception):  # of a provider's objects
                if messages.read(list(self.raws), "assistant").finish_reasons:
                    self.call.streams(False)
        else:
            self.call.streams(False)
        self.call.__exit__(type(error) if error else None, error, None)


class _Spans(BaseSpanHandler[_Span]):
    """Which span is in which, and in which trace; how calls end that give no event."""

    _roots: dict[str, str] = PrivateAttr(default_factory=dict)
    _lazy: weakref.WeakKeyDictionary[Any, _Span] = PrivateAttr(default_factory=weakref.WeakKeyDictionary)
    calls: dict[str, _Pending] = Field(default_factory=dict)

    def new_span(
        self,
        id_: str,
        bound_args: Any,
        instance: Any = None,
        parent_span_id: str | None = None,
        tags: dict[str, Any] | None = None,
        **_: Any,
    ) -> _Span:
        parent = self.open_spans.get(parent_span_id or "") or self.reading()
        root = parent.root if parent else self._roots.get(parent_span_id or "", parent_span_id or id_)
        self._roots[id_] = root
        for kept in (self._roots, self.open_spans, self.calls):
            if len(kept) > _MAX_SPANS:
                kept.pop(next(iter(kept)), None)
        span = _Span.model_construct(id_=id_, parent_id=parent_span_id, parent=parent, root=root, instance=instance)
        nodes = bound_args.arguments.get("nodes")
        if nodes and id_.partition("-")[0].endswith("synthesize"):
            span.documents = _by_id(nodes)
        return span

    def prepare_to_exit_span(
        self, id_: str, bound_args: Any, instance: Any = None, result: Any = None, **_: Any
    ) -> _Span | None:
        if (pending := self.calls.get(id_)) is not None:  # a stream, which is read from now on
            pending.call.streams(True)
            with suppress(TypeError):  # what can't be watched from outside
                weakref.finalize(result, self.left, id_).atexit = False
        span = self.open_spans.get(id_)
        if span is not None and not span.is_call and (inspect.isgenerator(result) or inspect.isasyncgen(result)):
            with self.lock:
                self._lazy[result] = span
        return span

    def prepare_to_drop_span(
        self, id_: str, bound_args: Any, instance: Any = None, err: BaseException | None = None, **_: Any
    ) -> _Span | None:
        if (pending := self.calls.pop(id_, None)) is not None:
            pending.end(err)
        return self.open_spans.get(id_)

    def reading(self) -> _Span | None:
        """The span whose result is being read: engines that stream ask their model then, outside all spans."""
        if not self._lazy:
            return None
        with self.lock:
            lazy = list(self._lazy.items())
        spans = {id(getattr(each, "gi_frame", None) or getattr(each, "ag_frame", None)): span for each, span in lazy}
        frame = sys._getframe()  # noqa: SLF001
        while frame is not None and id(frame) not in spans:
            frame = frame.f_back  # type: ignore[assignment]
        return spans[id(frame)] if frame else None

    def left(self, id_: str) -> None:
        """A stream that was never begun: one that was tells by itself that it is closed."""
        if (pending := self.calls.pop(id_, None)) is not None:
            pending.end(GeneratorExit())


class _Events(BaseEventHandler):
    _producer: Producer = PrivateAttr()
    _spans: _Spans = PrivateAttr()
    _about: Mapping[str, Any] = PrivateAttr()

    def __init__(self, producer: Producer, spans: _Spans, about: Mapping[str, Any]) -> None:
        super().__init__()
        self._producer, self._spans, self._about = producer, spans, about

    @classmethod
    def class_name(cls) -> str:
        """As LlamaIndex names it."""
        return "Watchline"

    def handle(self, event: BaseEvent, **_: Any) -> None:
        """Takes what LlamaIndex tells, in the app's thread; LlamaIndex keeps what is raised here from the app."""
        if isinstance(event, LLMChatStartEvent | LLMCompletionStartEvent):
            self._begin(event)
        elif isinstance(event, LLMChatInProgressEvent | LLMCompletionInProgressEvent):
            if (pending := self._spans.calls.get(event.span_id or "")) is not None:
                pending.call.chunk()
                pending.last = event.response
                pending.raws.append(event.response.raw)
        elif isinstance(event, LLMChatEndEvent | LLMCompletionEndEvent):
            if (pending := self._spans.calls.pop(event.span_id or "", None)) is not None:
                pending.end(None, event.response)
        elif isinstance(event, ExceptionEvent):
            if (pending := self._spans.calls.pop(event.span_id or "", None)) is not None:
                pending.end(event.exception)
        elif isinstance(event, RetrievalEndEvent) and (span := self._spans.open_spans.get(event.span_id or "")):
            for each in span.upwards():
                each.documents = {**(each.documents or {}), **_by_id(event.nodes)}

    def _begin(self, event: LLMChatStartEvent | LLMCompletionStartEvent) -> None:
        span = self._spans.open_spans.get(event.span_id or "")
        if span is None:
            return
        for outer in span.upwards():
            if outer.is_call and outer is not span:
                if outer.instance is span.instance:  # a chat of a model that only completes, an `achat` that is a chat
                    return
                self._spans.calls.pop(outer.id_, None)  # a wrapper: the model that it wraps is the one that answers
                outer.is_call = False
        span.is_call = True
        self._spans.calls[span.id_] = _Pending(self._producer.observe(**self._arguments(event, span)).__enter__())

    def _arguments(self, event: LLMChatStartEvent | LLMCompletionStartEvent, span: _Span) -> dict[str, Any]:
        about = event.model_dict
        kind = type(span.instance).__name__
        around = [span, self._spans.reading()]
        spans = [each for one in around if one is not None for each in one.upwards()]
        documents = next((each.documents for each in spans if each.documents), {})
        parameters = {name: value for name in _PARAMETERS if (value := getattr(span.instance, name, None)) is not None}
        given = {name: value for name, value in event.additional_kwargs.items() if name not in _NO_PARAMETERS}
        model = about.get("model") or about.get("model_name") or _model_name(span.instance)
        tags = {name: value for name, value in event.tags.items() if name in ARGUMENTS}
        return {
            "input": event.messages if isinstance(event, LLMChatStartEvent) else event.prompt,
            "model": None if model == "unknown" else model,
            "provider": next((name for begin, name in _PROVIDERS.items() if kind.lower().startswith(begin)), None),
            "operation": "chat" if isinstance(event, LLMChatStartEvent) else "text_completion",
            "parameters": {name: value for name, value in {**parameters, **given}.items() if value is not None},
            "documents": list(documents.values()),
            "metadata": {name: value for name, value in event.tags.items() if name not in ARGUMENTS},
            **(current_span() or {"trace_id": _uuid(span.root), "span_id": _uuid(span.id_)[:16]}),
            **self._about,
            **tags,
        }


def _by_id(nodes: Sequence[Any]) -> dict[str, Any]:
    """By their ids, so that a passage that is found twice stands there once."""
    return {str(getattr(node, "node_id", index)): node for index, node in enumerate(nodes)}


def _model_name(model: Any) -> str | None:
    """What a model says of itself; earlier releases say it nowhere else."""
    with suppress(Exception):  # of a provider's class
        return str(model.metadata.model_name)
    return None


def _uuid(span: str) -> str:
    """Its 32 digits at the end of a span's id, as `MockLLM.chat-4f3c...`."""
    return span[-36:].replace("-", "").lower()
