"""What LangChain says of one call of a model, as arguments of `Producer.emit`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, BaseMessageChunk
from langchain_core.outputs import ChatGeneration, Generation, GenerationChunk, LLMResult
from langchain_core.runnables.config import var_child_runnable_config

from watchline.schemas.properties import is_tool_call

# By LangChain's names; the others are OpenTelemetry's already.
_PROVIDERS = {
    "amazon_bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    **dict.fromkeys(("mistral", "mistralai"), "mistral_ai"),
    "xai": "x_ai",
}
_MODELS = ("model", "model_name", "model_id", "deployment_name")
# By name: a model's own fields hold its addresses and headers too.
_PARAMETERS = (
    *("temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "max_output_tokens", "n", "seed", "stop"),
    *("frequency_penalty", "presence_penalty", "reasoning_effort", "verbosity", "tool_choice", "service_tier"),
)
_FINISH = ("finish_reason", "stop_reason", "done_reason")
# Whose call it is, by the names that apps and LangGraph's server have for it: the first that is there.
_WHOSE = {
    "conversation_id": ("conversation_id", "thread_id", "session_id"),
    "subject": ("subject", "user_id", "langgraph_auth_user_id"),
    "tenant": ("tenant",),
}
_ITSELF = ("prompt", "variant")  # what metadata has under names that `emit` has
_READ = frozenset((*_ITSELF, *(name for names in _WHOSE.values() for name in names)))
# Of metadata and tags what both libraries keep there for themselves.
_INTERNAL = ("ls_", "lc_", "langgraph_", "checkpoint_", "__")
_KEPT = ("langgraph_node", "langgraph_step")
_INTERNAL_TAGS = ("seq:step", "map:key", "graph:step", "condition:", "branch:", "langsmith:")


def asked(parameters: Mapping[str, Any], metadata: Mapping[str, Any], tags: Iterable[str]) -> dict[str, Any]:
    """What is known when a call begins.

    Parameters
    ----------
    parameters
        The model's `invocation_params`.
    metadata, tags
        Of the run, as its config has them and LangChain adds to them.
    """
    provider = metadata.get("ls_provider")
    # Within a chain; only these, because secrets are handed over there too.
    configurable = (var_child_runnable_config.get() or {}).get("configurable") or {}
    whose = {
        argument: next((place[name] for place in (metadata, configurable) for name in names if place.get(name)), None)
        for argument, names in _WHOSE.items()
    }
    attributes = {
        name: value
        for name, value in metadata.items()
        if name in _KEPT or not (name in _READ or name.startswith(_INTERNAL))
    }
    found = {
        "model": metadata.get("ls_model_name") or next(filter(None, map(parameters.get, _MODELS)), None),
        "provider": _PROVIDERS.get(provider, provider) if isinstance(provider, str) else None,
        "parameters": {
            name: value
            for name in _PARAMETERS
            if (value := parameters.get(name, metadata.get(f"ls_{name}"))) not in (None, [])
        },
        **whose,
        **{name: metadata.get(name) for name in _ITSELF},
        "metadata": attributes or None,  # beside `attributes` that hold for all calls
        "tags": [tag for tag in tags if not tag.startswith(_INTERNAL_TAGS)] or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def answered(response: LLMResult, variant: Mapping[str, Any] | None, *, is_structured: bool) -> dict[str, Any]:
    """What a call gave.

    Parameters
    ----------
    response
    variant
        What is known of it so far.
    is_structured
        Whether the model was made to call a tool only for the form that its arguments have: they are the answer.
    """
    generations = [each for row in response.generations for each in row]
    messages = [each.message for each in generations if isinstance(each, ChatGeneration)]
    about = response.llm_output or {}
    if is_structured:
        messages = [_structured(message) for message in messages]
    found: dict[str, Any] = {"output": messages or [each.text for each in generations]}
    if not is_structured:
        found["finish_reasons"] = [reason for each in generations for reason in _finish_reasons(each)]
    usages = [getattr(message, "usage_metadata", None) or {} for message in messages]
    if not any(usages):
        found["usage"] = about.get("token_usage") or about.get("usage")
    if any(usage.get("total_cost") == 0 for usage in usages):  # as LangChain marks what its cache gave
        found |= {"cost": 0.0, "variant": {**(variant or {}), "cache_hit": "true"}}
    if isinstance(name := about.get("model_name"), str):
        found["response_model"] = name
    return {name: value for name, value in found.items() if value not in (None, [])}


def document(found: Document) -> dict[str, Any]:
    """A document that a retriever gave, with the id and the score that its metadata has where it has none itself."""
    metadata = found.metadata
    return {
        "content": found.page_content,
        "id": next(filter(None, (found.id, *map(metadata.get, ("id", "source", "url")))), None),
        "score": next((metadata[name] for name in ("relevance_score", "score") if name in metadata), None),
    }


def pieces(response: LLMResult) -> list[str | BaseMessageChunk]:
    """What of a stream that broke had come, without what LangChain adds of the error."""
    generations = [each for row in response.generations for each in row]
    return [each.text for each in generations if isinstance(each, GenerationChunk) and each.text]


def whole(pieces: Sequence[str | BaseMessageChunk]) -> Any:
    """The pieces of a stream as one message, or as one text."""
    messages = [piece for piece in pieces if isinstance(piece, BaseMessageChunk)]
    if not messages:
        return "".join(piece for piece in pieces if isinstance(piece, str))
    return messages[0] + messages[1:] if len(messages) > 1 else messages[0]


def _finish_reasons(generation: Generation) -> list[str]:
    about = generation.generation_info or {}
    return [about[name] for name in _FINISH if isinstance(about.get(name), str)]


def _structured(message: BaseMessage) -> BaseMessage:
    calls = getattr(message, "tool_calls", None)
    if not calls:
        return message
    said = "\n".join(json.dumps(call["args"], ensure_ascii=False, default=str) for call in calls)
    about = {
        name: value
        for name, value in message.response_metadata.items()
        if not (name in _FINISH and isinstance(value, str) and is_tool_call(value))
    }
    usage = getattr(message, "usage_metadata", None)
    return AIMessage(content=said, response_metadata=about, usage_metadata=usage)
