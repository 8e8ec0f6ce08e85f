"""A span of OpenTelemetry as plain values, whatever brought it: OTLP, or the SDK in an app's own process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MODEL, RETRIEVER, RERANKER, TOOL = "model call", "retriever", "reranker", "tool"
OTHER = "other"


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened during a span."""

    name: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One span, with what is read of it.

    Parameters
    ----------
    trace_id, span_id : str
        32 and 16 lower-case hexadecimal digits.
    name : str
    start_ns, end_ns : int
        Nanoseconds since 1970; 0 where it isn't known.
    attributes : mapping
        Values are texts, numbers, booleans, lists and maps.
    events : tuple of SpanEvent
    resource : mapping
        The attributes of what made it: `service.name` and the like.
    scope : str
        The instrumentation that made it.
    failed : bool
        Whether its status is an error.
    status_message : str

    Examples
    --------
    >>> Span(trace_id="0af7" * 8, span_id="b7ad" * 4, attributes={"openinference.span.kind": "RETRIEVER"}).kind
    'retriever'
    """

    trace_id: str
    span_id: str
    name: str = ""
    start_ns: int = 0
    end_ns: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[SpanEvent, ...] = ()
    resource: Mapping[str, Any] = field(default_factory=dict)
    scope: str = ""
    failed: bool = False
    status_message: str = ""

    @property
    def kind(self) -> str:
        """What it is about: `MODEL`, `RETRIEVER`, `RERANKER`, `TOOL`, or a word for what becomes no event."""
        for name, kinds in KINDS.items():
            said = str(self.attributes.get(name, ""))
            if kind := kinds.get(said) or kinds.get(said.lower()):
                return kind
        if any(event.name == RESULT_EVENT for event in self.events):
            return RETRIEVER
        return MODEL if any(name.startswith(OF_MODELS) for name in self.attributes) else OTHER


# By attribute, in this order; a value that isn't here says nothing.
KINDS: Mapping[str, Mapping[str, str]] = {
    "ai.operationId": {  # of Vercel's AI SDK, whose outer spans repeat what the calls inside them say
        **dict.fromkeys(("ai.generateText.doGenerate", "ai.streamText.doStream"), MODEL),
        **dict.fromkeys(("ai.generateObject.doGenerate", "ai.streamObject.doStream"), MODEL),
        **dict.fromkeys(("ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject"), "chain"),
        "ai.toolCall": TOOL,
        **dict.fromkeys(("ai.embed", "ai.embed.doEmbed", "ai.embedMany", "ai.embedMany.doEmbed"), "embedding"),
    },
    "openinference.span.kind": {
        "llm": MODEL,
        "retriever": RETRIEVER,
        "reranker": RERANKER,
        "tool": TOOL,
        **{kind: kind for kind in ("chain", "agent", "embedding", "guardrail", "evaluator", "prompt", "decision")},
    },
    "gen_ai.operation.name": {
        **dict.fromkeys(("chat", "generate_content", "text_completion"), MODEL),
        "retrieval": RETRIEVER,
        "execute_tool": TOOL,
        "embeddings": "embedding",
        **dict.fromkeys(("create_agent", "invoke_agent", "plan"), "agent"),
        "invoke_workflow": "chain",
    },
    "llm.request.type": {
        **dict.fromkeys(("chat", "completion"), MODEL),
        "embedding": "embedding",
        "rerank": RERANKER,
    },
    "traceloop.span.kind": {"tool": TOOL, "agent": "agent", **dict.fromkeys(("workflow", "task"), "chain")},
}
RESULT_EVENT = "db.query.result"  # what OpenLLMetry writes of each document that a vector database gives
# A span without any of these words for its kind is a model's call where it names a model or has messages.
OF_MODELS = (
    *("gen_ai.request.model", "gen_ai.response.model", "gen_ai.input.messages", "gen_ai.output.messages"),
    *("gen_ai.prompt.0.", "gen_ai.completion.0.", "llm.model_name", "llm.input_messages.", "llm.output_messages."),
)
