"""The parts of messages by what they are, whichever provider's names they have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from watchline.schemas.properties import TOOL_CALL
from watchline.schemas.records import Document, ToolCall
from watchline.streams.producer.reading import written

ROLES = {
    **dict.fromkeys(("user", "human", "humanmessage", "humanmessagechunk", "customer"), "user"),
    **dict.fromkeys(("assistant", "ai", "aimessage", "aimessagechunk", "model", "bot", "chatbot"), "assistant"),
    **dict.fromkeys(("system", "systemmessage", "developer"), "system"),
    **dict.fromkeys(("tool", "toolmessage", "function", "functionmessage", "tool_result", "ipython"), "tool"),
    # LangChain's classes, as `kind_of` writes them.
    **dict.fromkeys(("human_message", "human_message_chunk"), "user"),
    "aimessage_chunk": "assistant",
    "system_message": "system",
    **dict.fromkeys(("tool_message", "function_message"), "tool"),
}
TEXT = frozenset(("text", "input_text", "output_text", "summary_text", "refusal", "guard_content", "text_delta"))
REASONING = frozenset(
    ("reasoning", "thinking", "redacted_thinking", "reasoning_text", "reasoning_content", "thought", "tool_plan")
)
# The first are the app's to answer, the others the provider's own.
ASKED = frozenset(
    (TOOL_CALL, "tool_use", "function_call", "function", "custom_tool_call", "computer_call", "local_shell_call")
)
CALL = ASKED | {"server_tool_use", "mcp_tool_use", "executable_code"}
RESULT = frozenset(("tool_call_response", "tool_result", "function_response", "code_execution_result"))
MEDIA = frozenset(
    (
        *("image", "image_url", "input_image", "output_image", "audio", "input_audio", "output_audio", "video"),
        *("file", "input_file", "blob", "uri", "media", "inline_data", "file_data", "document_url", "video_url"),
    )
)
# Of a part without a type: the key that says what it is. Gemini's and Bedrock's forms.
_BY_KEY = {
    **dict.fromkeys(("function_call", "tool_use", "executable_code"), TOOL_CALL),
    **dict.fromkeys(("function_response", "tool_result", "code_execution_result"), "tool_result"),
    **dict.fromkeys(("inline_data", "file_data", "image", "video", "audio", "image_url"), "media"),
    "reasoning_content": "reasoning",
    "guard_content": "text",
    "document": "document",
    "text": "text",
    "refusal": "text",
    "thinking": "reasoning",
    "content": "text",
    "transcript": "text",
}
_WORDS = ("text", "content", "value", "refusal", "transcript", "thinking", "summary", "reasoning_text", "reasoning")
NAMES, IDS = ("name", "tool_name", "tool"), ("tool_call_id", "tool_use_id", "call_id", "id")
_ARGUMENTS = (
    "arguments",
    "args",
    "input",
    "tool_input",
    "parameters",
    "tool_kwargs",
    "code",
    "action",
    "query",
    "queries",
)
RESULTS = ("response", "result", "output", "content", "outputs", "results")
FINISH = ("finish_reason", "stop_reason", "done_reason")
SEALED = frozenset(("signature", "thought_signature", "thinking_signature", "encrypted_content", "encrypted_index"))
BOOKKEEPING = frozenset(
    (
        *("id", "object", "created", "created_at", "model", "model_version", "model_name", "usage", "usage_metadata"),
        *("system_fingerprint", "service_tier", "response_id", "response_metadata", "additional_kwargs", "metadata"),
        *("index", "status", "logprobs", "cache_control", "cache_point", "type", "block_type", "metrics", "ls_type"),
        *("stop_sequence", "safety_ratings", "avg_logprobs", "raw", "llm_output", "run", "stream", "temperature"),
        *("max_tokens", "max_output_tokens", "top_p", "tools", "tool_choice", "done", "eval_count", "example"),
        *("total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_duration", "phase"),
        *("response_meta", "generation_id", "provider_metadata", "provider_options", "warnings", "is_error", "state"),
        *("obfuscation", "tool_call_chunks", "chunk_position"),
    )
)
# What a response of OpenAI's repeats of its request.
SETTINGS = frozenset(
    (
        *("text", "reasoning", "truncation", "parallel_tool_calls", "instructions", "prompt", "store", "background"),
        *("safety_identifier", "prompt_cache_key", "previous_response_id", "top_logprobs", "user", "conversation"),
        *("max_tool_calls", "include", "verbosity", "prompt_cache_retention", "billing", "access_programs"),
    )
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PREFIX = re.compile(r"^(?:message(?:_content)?|tool_call)\.")  # of OpenInference's attributes


def kind_of(value: Mapping[str, Any]) -> str:
    given = value.get("type") or value.get("block_type")
    if isinstance(given, str) and given:
        return _CAMEL.sub("_", given).lower().replace("-", "_")
    return next((kind for key, kind in _BY_KEY.items() if value.get(key) is not None), "")


def is_part(value: Mapping[str, Any], kind: str) -> bool:
    """Whether a map is a part of a message, rather than an answer in a form of the app's own."""
    if "type" in value or "block_type" in value:
        known = kind in TEXT | REASONING | CALL | RESULT | MEDIA or kind in ("document", "search_result")
        return known or kind.endswith(("_call", "_call_output", "_tool_result")) or "id" in value
    return (bool(kind) and kind != "text") or (
        kind == "text" and value.keys() <= {"text", "content", "thought", "refusal"} and "text" in value
    )


def snaked(value: Mapping[str, Any]) -> dict[str, Any]:
    """With keys as `tool_call_id`, whether they come as `toolCallId` or as `message.tool_call_id`."""
    return {_CAMEL.sub("_", _PREFIX.sub("", key)).lower(): item for key, item in value.items()}


def flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from flat(item)
    elif value is not None:
        yield value


def first_of(value: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    return next((written(value[key]) for key in keys if value.get(key) not in (None, "")), None)


def role_of(item: Any) -> str:
    if isinstance(item, list) and item and isinstance(item[0], str):
        return ROLES.get(item[0].lower(), "")
    if not isinstance(item, Mapping):
        return ""
    fields = snaked(item)
    if isinstance(fields.get("kwargs"), Mapping):
        return ROLES.get(str((fields.get("id") or [""])[-1]).lower(), "")
    if kind_of(fields) in RESULT or any(
        isinstance(part, Mapping) and kind_of(snaked(part)) in RESULT for part in flat(fields.get("content"))
    ):
        return "tool"
    return ROLES.get(str(fields.get("role") or fields.get("type") or "").lower(), "")


def words_of(value: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The text in a part, and what else the part has."""
    said: list[str] = []
    left: dict[str, Any] = {}
    for key, item in value.items():
        if key in _WORDS or key in ("guard_content", "reasoning_content"):
            inner = item if isinstance(item, list) else [item]
            for each in inner:
                if isinstance(each, Mapping):
                    words, more = words_of(snaked(each))
                    said.append(words)
                    left |= {name: thing for name, thing in more.items() if name not in ("type", *SEALED)}
                elif each is not None:
                    said.append(written(each))
        elif key == "thought" and isinstance(item, str):
            said.append(item)
        else:
            left[key] = item
    return "\n".join(filter(None, said)), left


def call_of(value: Mapping[str, Any]) -> tuple[ToolCall, dict[str, Any]]:
    """A call of a tool, and what else stands beside it."""
    fields = dict(value)
    for key in ("function", "function_call", "tool_use", "executable_code", TOOL_CALL):
        if isinstance(fields.get(key), Mapping):
            fields |= snaked(fields.pop(key))
    fields = {key.removeprefix("function."): item for key, item in fields.items()}
    arguments = next((key for key in _ARGUMENTS if fields.get(key) not in (None, "")), None)
    result = next((key for key in RESULTS if fields.get(key) is not None and key != arguments), None)
    call = ToolCall(
        name=first_of(fields, NAMES) or "",
        arguments=written(fields[arguments]) if arguments else "",
        result=text_of_result(fields[result]) if result else None,
        id=first_of(fields, IDS),
    )
    known = {*NAMES, *IDS, arguments, result}
    return call, {key: item for key, item in fields.items() if key not in known}


def text_of_result(value: Any) -> str:
    """What a tool gave, as text: the texts of a list of parts, anything else as it is or as JSON."""
    parts = value if isinstance(value, list) else [value]
    said = [words_of(snaked(part)) for part in parts if isinstance(part, Mapping) and kind_of(snaked(part)) in TEXT]
    if parts and len(said) == len(parts) and all(set(left) <= {"type", "annotations"} for _, left in said):
        return "\n".join(words for words, _ in said)
    if isinstance(value, Mapping) and value.keys() == {"type", "value"}:  # Vercel's
        return written(value["value"])
    return written(value)


def document_of(value: Mapping[str, Any]) -> Document | None:
    """A document that stands in a message with its text; None where it has bytes or an address only."""
    source = value.get("source")
    fields = snaked(source) if isinstance(source, Mapping) else {}
    content = fields.get("data") if fields.get("type") == "text" else fields.get("content", value.get("content"))
    said = content if isinstance(content, str) else text_of_result(content) if content else ""
    about = [written(value[key]) for key in ("title", "context") if value.get(key)]
    if not said:
        return None
    rest = [written(source)] if isinstance(source, str) else []
    return Document("\n".join([*about, said]), next(iter(rest), None))


def mime_type_of(value: Mapping[str, Any]) -> str:
    for item in (value, *(snaked(inner) for inner in value.values() if isinstance(inner, Mapping))):
        for key in ("mime_type", "media_type", "mime"):
            if isinstance(item.get(key), str):
                return str(item[key])
    return ""
