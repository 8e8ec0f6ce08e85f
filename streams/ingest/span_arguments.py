"""What a model's call is, of its span: the arguments of an event, as the producer reads them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from watchline.streams.ids import of_span
from watchline.streams.ingest.span import KINDS, RESULT_EVENT, Span
from watchline.streams.ingest.span_messages import (
    ANSWER,
    CONTENT_EVENTS,
    INPUT,
    INPUT_EVENTS,
    OUTPUT,
    OUTPUT_EVENTS,
    answer,
    is_part,
    messages,
    numbered_parts,
    of_json,
)
from watchline.streams.producer.reading import as_text

# By argument the attributes that say it; the first that is there counts, and another that says otherwise is kept.
MAPPED: Mapping[str, tuple[str, ...]] = {
    "operation": ("gen_ai.operation.name", "llm.request.type"),
    "provider": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider"),
    "model": ("gen_ai.request.model", "llm.request.model_name", "llm.request.model", "llm.model_name", "ai.model.id"),
    "response_model": (
        *("gen_ai.response.model", "llm.response.model_name", "llm.response.model", "ai.response.model"),
    ),
    "response_id": ("gen_ai.response.id", "ai.response.id"),
    "system_fingerprint": (
        *("openai.response.system_fingerprint", "gen_ai.openai.response.system_fingerprint"),
        *("gen_ai.openai.system_fingerprint", "gen_ai.response.system_fingerprint"),
    ),
    "system": ("gen_ai.system_instructions",),
    "conversation_id": (
        *("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id"),
        "ai.telemetry.metadata.sessionId",
    ),
    "subject": (
        *("enduser.pseudo.id", "user.id", "enduser.id", "traceloop.association.properties.user_id"),
        *("gen_ai.user", "llm.user", "ai.telemetry.metadata.userId"),
    ),
    "cost": ("llm.cost.total", "gen_ai.usage.cost"),
    "time_to_first_chunk_s": ("gen_ai.response.time_to_first_chunk",),
    "finish_reasons": (
        *("gen_ai.response.finish_reasons", "gen_ai.response.finish_reason", "llm.response.finish_reason"),
        *("llm.finish_reason", "gen_ai.response.stop_reason", "llm.response.stop_reason"),
        "ai.response.finishReason",
    ),
    "prompt_name": ("gen_ai.prompt.name", "traceloop.prompt.key"),
    "prompt_version": ("gen_ai.prompt.version", "traceloop.prompt.version", "llm.prompt_template.version"),
    "prompt_template": ("llm.prompt_template.template", "traceloop.prompt.template"),
    "error_type": ("error.type",),
}
FIRST_CHUNK_MS = "ai.response.msToFirstChunk"
_NO_NAMES = ("cost", "time_to_first_chunk_s", "system", "finish_reasons")
OF_RESOURCE: Mapping[str, tuple[str, ...]] = {
    "app": ("service.name",),
    "environment": ("deployment.environment.name", "deployment.environment"),
}
USAGE = (
    *("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
    *("gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens"),
    *("gen_ai.usage.total_tokens", "llm.usage.total_tokens"),
    *("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
    *("gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens"),
    *("gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.reasoning.output_tokens"),
    *("gen_ai.usage.reasoning_tokens", "llm.usage.reasoning_tokens"),
    *("llm.token_count.prompt", "llm.token_count.completion", "llm.token_count.total"),
    *("llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_write"),
    "llm.token_count.completion_details.reasoning",
    *("ai.usage.inputTokens", "ai.usage.outputTokens", "ai.usage.promptTokens", "ai.usage.completionTokens"),
    *("ai.usage.totalTokens", "ai.usage.cachedInputTokens", "ai.usage.reasoningTokens"),
    *("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.inputTokenDetails.cacheWriteTokens"),
    "ai.usage.outputTokenDetails.reasoningTokens",
)
# What follows these is the name of a parameter or of a variable; a map in JSON holds several.
PARAMETERS = ("gen_ai.request.", "openai.request.", "gen_ai.openai.request.", "llm.watsonx.", "ai.settings.")
MORE_PARAMETERS = (
    *("gen_ai.output.type", "gen_ai.is_streaming", "llm.is_streaming", "llm.top_k", "llm.frequency_penalty"),
    *("llm.presence_penalty", "llm.chat.stop_sequences", "llm.request.repetition_penalty"),
    *("llm.request.reasoning_effort", "ai.prompt.toolChoice"),
)
PARAMETERS_IN_JSON = ("llm.invocation_parameters",)
VARIABLES = ("gen_ai.prompt.variable.",)
VARIABLES_IN_JSON = ("llm.prompt_template.variables", "traceloop.prompt.template_variables")
DOCUMENTS = ("retrieval.documents.N", "reranker.output_documents.N", "gen_ai.retrieval.documents")
# Ends of the types of errors with which somebody stops what they no longer wait for.
CANCELS = ("CancelledError", "Cancelled", "GeneratorExit", "GreenletExit", "KeyboardInterrupt", "AbortError")

# Never kept, and why.
LEFT_OUT: Mapping[str, str] = {
    **dict.fromkeys(KINDS, "says what the span is about, or is mapped"),
    **dict.fromkeys(("input.mime_type", "output.mime_type"), "says how `input.value` and `output.value` are written"),
    **dict.fromkeys(
        ("gen_ai.headers", "llm.headers", "ai.request.headers.*"), "headers of the request, which may hold keys"
    ),
}
_LEFT_OUT_BELOW = tuple(name.removesuffix("*") for name in LEFT_OUT if name.endswith(".*"))
# Other places of the same texts, and of documents: read, whether or not they count.
_CONTENT = tuple(source.partition(".N")[0] for source in (*INPUT, *OUTPUT, *ANSWER, *DOCUMENTS))


def arguments(span: Span) -> dict[str, Any]:
    """The arguments of the event that a model's call becomes. Pure: it knows this span and nothing else.

    Parameters
    ----------
    span : Span
        Of a model's call.

    Returns
    -------
    dict
        Those of `Producer.emit` and names of an Interaction's fields (`trace_id`, `error_type`), without those that the
        span doesn't say. `attributes` has every attribute that is neither mapped nor in `LEFT_OUT`.

    Examples
    --------
    >>> said = {"gen_ai.request.model": "gpt-4o", "gen_ai.completion.0.content": "12 euros.", "team": "billing"}
    >>> found = arguments(Span(trace_id="0af7" * 8, span_id="b7ad" * 4, attributes=said))
    >>> found["model"], found["output"], found["attributes"]
    ('gpt-4o', [{'parts': [{'type': 'text', 'content': '12 euros.'}]}], {'team': 'billing'})
    """
    given = {**_of_events(span), **span.attributes}
    kept = {
        name: value
        for name, value in given.items()
        if value is not None and name not in LEFT_OUT and not name.startswith(_LEFT_OUT_BELOW)
    }
    found: dict[str, Any] = {
        "event_id": of_span(span.trace_id, span.span_id),
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        **_times(span),
        "input": messages(given, INPUT, span.events, INPUT_EVENTS),
        "output": messages(given, OUTPUT, span.events, OUTPUT_EVENTS) or answer(given),
        "documents": documents(span),
        "usage": {name.replace("write.input", "write_input"): kept.pop(name) for name in USAGE if name in kept},
        "parameters": _taken(kept, PARAMETERS_IN_JSON, PARAMETERS, MORE_PARAMETERS),
        "prompt_variables": _taken(kept, VARIABLES_IN_JSON, VARIABLES),
    }
    for argument, names in MAPPED.items():
        found[argument] = _first(given, names)
        for name in names:
            if name in kept and found[argument] in (kept[name], [kept[name]]):
                del kept[name]
        if argument not in _NO_NAMES and found[argument] is not None:
            found[argument] = as_text(found[argument])
    if isinstance(ms := kept.get(FIRST_CHUNK_MS), int | float):
        del kept[FIRST_CHUNK_MS]
        found["time_to_first_chunk_s"] = found["time_to_first_chunk_s"] or ms / 1000
    if found["model"] == given.get("llm.model_name") and (asked := found["parameters"].pop("model", None)):
        found["model"], found["response_model"] = asked, found["model"]  # OpenInference has the model that answered
    found |= {argument: _first(span.resource, names) for argument, names in OF_RESOURCE.items()}
    if str(found["app"] or "").startswith("unknown_service"):  # what an SDK says where nobody has named it
        found["app"] = None
    found["system"] = of_json(found["system"])
    found["output"], found["finish_reasons"] = _finished(found["output"], found["finish_reasons"])
    found |= _error(span, found["error_type"])
    found["attributes"] = {
        **{
            name: value
            for name, value in span.resource.items()
            if name.startswith("service.") and name != "service.name"
        },
        **({"otel.scope.name": span.scope} if span.scope else {}),
        **{name: as_text(value) for name, value in kept.items() if not any(is_part(name, place) for place in _CONTENT)},
    }
    return {name: value for name, value in found.items() if value not in (None, "", [], {}) or name == "input"}


def documents(span: Span) -> list[dict[str, Any]]:
    """The documents of a retriever's, a reranker's or a model's span, those without text left out.

    Examples
    --------
    >>> said = {"retrieval.documents.0.document.content": "Invoice 7", "retrieval.documents.0.document.score": 0.8}
    >>> documents(Span(trace_id="0af7" * 8, span_id="b7ad" * 4, attributes=said))
    [{'content': 'Invoice 7', 'id': None, 'score': 0.8}]
    """
    return [
        {"content": as_text(content), "id": _text(fields.get("id")), "score": _score(fields.get("score"))}
        for fields in _documents(span)
        if (content := next((fields[name] for name in ("content", "document", "text") if fields.get(name)), None))
    ]


def tool_call(span: Span) -> dict[str, Any] | None:
    """What a tool's span says of the call and its result; None where it names no tool.

    Examples
    --------
    >>> said = {"gen_ai.tool.name": "clock", "gen_ai.tool.call.result": "12:00"}
    >>> tool_call(Span(trace_id="0af7" * 8, span_id="b7ad" * 4, attributes=said))
    {'name': 'clock', 'arguments': '', 'result': '12:00', 'id': None}
    """
    found = {field: _first(span.attributes, names) for field, names in TOOL.items()}
    name = found["name"] or span.name.removeprefix("execute_tool ")
    return {**found, "name": name, "arguments": found["arguments"] or "", "id": _text(found["id"])} if name else None


TOOL: Mapping[str, tuple[str, ...]] = {
    "name": ("gen_ai.tool.name", "tool.name", "traceloop.entity.name", "ai.toolCall.name"),
    "arguments": (
        *("gen_ai.tool.call.arguments", "tool.parameters", "input.value", "traceloop.entity.input"),
        "ai.toolCall.args",
    ),
    "result": ("gen_ai.tool.call.result", "output.value", "traceloop.entity.output", "ai.toolCall.result"),
    "id": ("gen_ai.tool.call.id", "tool_call.id", "tool.id", "ai.toolCall.id"),
}


def _of_events(span: Span) -> dict[str, Any]:
    """The attributes of events that hold what the span itself may have."""
    found: dict[str, Any] = {}
    for name, value in chain.from_iterable(e.attributes.items() for e in span.events if e.name in CONTENT_EVENTS):
        found.setdefault(name, value)
    return found


def _first(given: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((given[name] for name in names if given.get(name) not in (None, "", [], {})), None)


def _text(value: Any) -> str | None:
    return None if value is None else as_text(value)


def _score(value: Any) -> float | None:
    """A number that can be stored: one that can't would cost the document."""
    return value if isinstance(value, int | float) and abs(value) < math.inf else None


def _documents(span: Span) -> Iterator[Mapping[str, Any]]:
    for source in DOCUMENTS:
        name, numbered, _ = source.partition(".N")
        if numbered:
            yield from numbered_parts(span.attributes, name)
        elif isinstance(found := of_json(span.attributes.get(name)), list):
            yield from (item if isinstance(item, Mapping) else {"content": item} for item in found)
    for event in span.events:
        if event.name == RESULT_EVENT:
            yield {name.removeprefix(f"{RESULT_EVENT}."): value for name, value in event.attributes.items()}


def _times(span: Span) -> dict[str, float]:
    """When it ended, in seconds since 1970, and how long it took."""
    times = {"time": span.end_ns / 1e9} if span.end_ns else {}
    if 0 < span.start_ns <= span.end_ns:
        times["latency_s"] = (span.end_ns - span.start_ns) / 1e9
    return times


def _taken(
    kept: dict[str, Any], in_json: tuple[str, ...], prefixes: tuple[str, ...], more: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What the maps in JSON hold and what is named after a prefix, taken out of what is kept."""
    found: dict[str, Any] = {}
    for name in in_json:
        if isinstance(several := of_json(kept.get(name)), Mapping):
            found |= several
            del kept[name]
    for name in [name for name in kept if name.startswith(prefixes) or name in more]:
        if name not in MAPPED["model"]:
            prefix = next((prefix for prefix in prefixes if name.startswith(prefix)), name.rpartition(".")[0] + ".")
            found[name.removeprefix(prefix)] = kept.pop(name)
    return found


def _finished(output: Any, reasons: Any) -> tuple[Any, list[Any]]:
    """The output with a reason in each message, where it is read, and the reasons that are left."""
    listed = reasons if isinstance(reasons, list) else [] if reasons is None else [reasons]
    if not isinstance(output, list) or not all(isinstance(message, Mapping) for message in output):
        return output, listed
    finished = [{"finish_reason": reason, **message} for message, reason in zip(output, listed, strict=False)]
    return [*finished, *output[len(finished) :]], listed[len(output) :]


def _error(span: Span, kind: Any) -> dict[str, Any]:
    """Of a call that failed: the exception that the span has, else its status. One that was handled is no error."""
    if not span.failed and kind is None:
        return {}
    raised = next((event.attributes for event in reversed(span.events) if event.name == "exception"), {})
    kind = kind or raised.get("exception.type") or "_OTHER"  # as OpenTelemetry has it where it isn't known
    if str(kind).rpartition(".")[2] in CANCELS:
        return {"error_type": None, "cancelled": True}
    return {"error_type": kind, "error_message": raised.get("exception.message") or span.status_message}
