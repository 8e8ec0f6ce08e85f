"""What stands in a span's attributes and events as messages: the input of a model's call, and its output."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from watchline.streams.ingest.span import SpanEvent
from watchline.streams.producer.reading import as_text

# Where messages are looked for; the first that has some counts. `.N` stands for numbered attributes with a part of a
# message each.
INPUT = (
    *("gen_ai.input.messages", "llm.input_messages.N", "gen_ai.prompt.N", "gen_ai.prompt"),
    *("llm.prompts.N", "llm.prompts", "ai.prompt.messages", "input.value"),
)
OUTPUT = (
    *("gen_ai.output.messages", "llm.output_messages.N", "gen_ai.completion.N", "gen_ai.completion"),
    *("llm.choices.N", "llm.choices", "output.value"),
)
# Parts of one answer, of Vercel's AI SDK; read where nothing else has an output.
ANSWER = (
    *("ai.response.reasoning", "ai.response.text", "ai.response.object", "ai.response.files"),
    "ai.response.toolCalls",
)
# Events whose attributes are read as if the span had them.
CONTENT_EVENTS = ("gen_ai.client.inference.operation.details", "gen_ai.content.prompt", "gen_ai.content.completion")
# Events that are a message each, with its role; they count where no attribute has messages.
INPUT_EVENTS = {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")}
OUTPUT_EVENTS = {"gen_ai.choice": "assistant"}
MESSAGE_EVENTS = frozenset((*CONTENT_EVENTS, *INPUT_EVENTS, *OUTPUT_EVENTS))

# `message.tool_calls.0.tool_call.function.name` of OpenInference is `tool_calls.0.name` of OpenLLMetry.
_AROUND = re.compile(r"\b(?:message|message_content|tool_call|function|prompt|completion|document)\.")
_AROUND_EVENT = re.compile(r"^(?:gen_ai\.(?=prompt$|completion$)|message\.)")
_CONTENTS = ("content", "parts", "prompt", "completion", "text")
_NUMBERED = re.compile(r"([0-9]{1,6})(?:\.(.+))?", re.DOTALL)
_PARTS = frozenset(
    [
        *("", "role", "content", "contents", "text", "tool_calls", "tool_call_id", "finish_reason", "id", "score"),
        *("function_call_name", "function_call_arguments_json"),
    ]
)


def messages(
    attributes: Mapping[str, Any], sources: Iterable[str], events: Iterable[SpanEvent], roles: Mapping[str, str]
) -> str | list[Any]:
    """The messages of the first source that has some, else of the events; a text that is no message stays a text.

    Parameters
    ----------
    attributes : mapping
    sources : iterable of str
        `INPUT` or `OUTPUT`.
    events : iterable of SpanEvent
    roles : mapping of str to str
        `INPUT_EVENTS` or `OUTPUT_EVENTS`.

    Returns
    -------
    str or list
        As `Producer.emit` takes it; empty where there is none.

    Examples
    --------
    >>> messages({"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "Hi"}, INPUT, (), INPUT_EVENTS)
    [{'role': 'user', 'parts': [{'type': 'text', 'content': 'Hi'}]}]
    """
    for source in sources:
        name, numbered, _ = source.partition(".N")
        if numbered:
            found: str | list[Any] = [_message(part) for part in numbered_parts(attributes, name)]
        else:
            found = _of_value(attributes.get(name))
        if found:
            return found
    return [_of_event(event, roles[event.name]) for event in events if event.name in roles]


def answer(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The message whose parts are `ANSWER`; none where no attribute has any.

    Examples
    --------
    >>> calls = '[{"toolCallId": "c1", "toolName": "clock", "input": {}}]'
    >>> answer({"ai.response.text": "Let me look.", "ai.response.toolCalls": calls})[0]["parts"][0]
    {'type': 'text', 'content': 'Let me look.'}
    """
    reasoning, text, written, files, calls = (attributes.get(name) for name in ANSWER)
    parts = [
        {"type": kind, "content": as_text(value)}
        for kind, value in (("reasoning", reasoning), ("text", text), ("text", written))
        if value
    ]
    for kind, several in (("file", files), ("tool_call", calls)):
        read = of_json(several)
        items = read if isinstance(read, list) else [read]
        parts += [
            {**item, "type": kind} if isinstance(item, Mapping) else {"type": kind, "content": as_text(item)}
            for item in items
            if item
        ]
    return [{"role": "assistant", "parts": parts}] if parts else []


def numbered_parts(attributes: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    """The attributes `PREFIX.N.REST` as a map of REST for each N, in the order of N; `PREFIX.N` has an empty one.

    Examples
    --------
    >>> numbered_parts({"d.1.id": "b", "d.0.document.id": "a", "d.0.score": 0.5, "d.x.id": "c"}, "d")
    [{'id': 'a', 'score': 0.5}, {'id': 'b'}]
    """
    parts: dict[int, dict[str, Any]] = {}
    for name, value in attributes.items():
        if name.startswith(f"{prefix}.") and (match := _NUMBERED.fullmatch(name, len(prefix) + 1)):
            parts.setdefault(int(match[1]), {})[_AROUND.sub("", match[2] or "")] = value
    return [parts[number] for number in sorted(parts)]


def is_part(name: str, place: str) -> bool:
    """Whether an attribute is this place's, or a numbered part of what stands there, that is read.

    Examples
    --------
    >>> is_part("d.0.document.content", "d"), is_part("d.0.document.metadata", "d"), is_part("d", "d")
    (True, False, True)
    """
    if not name.startswith(f"{place}."):
        return name == place
    match = _NUMBERED.fullmatch(name, len(place) + 1)
    return match is not None and _AROUND.sub("", match[2] or "").partition(".")[0] in _PARTS


def of_json(value: Any) -> Any:
    """What a text says as JSON, where it is a list or a map; else the value itself."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):  # cut by a limit of the SDK, or no JSON at all
            return value
    return value


def _of_value(value: Any) -> str | list[Any]:
    """Messages in one value: a list of them, a request or an answer of a provider that has them, or a text."""
    read = of_json(value)
    if isinstance(read, Mapping):
        if isinstance(read.get("messages"), list):
            read = read["messages"]
        elif isinstance(read.get("choices"), list):
            read = [choice.get("message", choice) for choice in read["choices"] if isinstance(choice, Mapping)]
        elif not {"role", "content", "parts"} & read.keys():
            return as_text(value)
    if isinstance(read, Mapping):
        return [read]
    if isinstance(read, list):
        return [item if isinstance(item, Mapping | str) else as_text(item) for item in read if item is not None]
    return "" if read is None else as_text(read)


def _of_event(event: SpanEvent, role: str) -> dict[str, Any]:
    """A message whose parts are an event's attributes, or in the one attribute that Azure's SDK writes.

    An attribute of an event can't be a map, and so some write `message.content` for the content of `message`.
    """
    fields = {_AROUND_EVENT.sub("", name): value for name, value in event.attributes.items()}
    for holder in ("gen_ai.event.content", "message"):
        inner = of_json(fields.pop(holder, None))
        if isinstance(inner, Mapping):
            fields |= inner
        elif inner is not None:
            fields["content"] = inner
    if isinstance(inner := fields.get("message"), Mapping):
        fields |= inner
    content = next((fields[name] for name in _CONTENTS if fields.get(name) is not None), None)
    read: dict[str, Any] = {"role": fields.get("role") or role, "content": of_json(content)}
    if calls := of_json(fields.get("tool_calls")) or [_tool_call(it) for it in numbered_parts(fields, "tool_calls")]:
        read["tool_calls"] = calls
    if identity := fields.get("tool_call_id") or (fields.get("id") if role == "tool" else None):
        read = {"role": "tool", "tool_call_id": identity, "content": read["content"]}
    if reason := fields.get("finish_reason"):
        read["finish_reason"] = reason
    return read


def _message(part: Mapping[str, Any]) -> dict[str, Any]:
    """A message of numbered attributes, of OpenInference or of OpenLLMetry."""
    fields = {"content": part[""], **part} if "" in part else part  # `llm.prompts.0` itself
    identity = fields.get("tool_call_id")
    content = of_json(fields.get("content", fields.get("text")))
    role = str(fields.get("role") or "")
    if identity or role == "tool":
        return {"role": "tool", "tool_call_id": identity, "content": content}
    parts: list[Any] = []
    if content and isinstance(content, list) and all(isinstance(item, Mapping) and "type" in item for item in content):
        parts += content
    elif content is not None:
        parts.append({"type": "text", "content": as_text(fields.get("content", fields.get("text")))})
    parts += [_content(item) for item in numbered_parts(fields, "contents")]
    calls = [_tool_call(call) for call in numbered_parts(fields, "tool_calls")]
    if name := fields.get("function_call_name"):
        calls.append(_tool_call({"name": name, "arguments": fields.get("function_call_arguments_json")}))
    message: dict[str, Any] = {"role": role, "parts": parts + calls, "finish_reason": fields.get("finish_reason")}
    return {name: value for name, value in message.items() if value}


def _content(item: Mapping[str, Any]) -> dict[str, Any]:
    if item.get("type", "text") == "text":
        return {"type": "text", "content": as_text(item.get("text", ""))}
    return {"type": as_text(item["type"]), **{name: value for name, value in item.items() if name != "type"}}


def _tool_call(call: Mapping[str, Any]) -> dict[str, Any]:
    arguments = of_json(call.get("arguments"))
    return {"type": "tool_call", "id": call.get("id"), "name": call.get("name"), "arguments": arguments}
