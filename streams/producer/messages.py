"""What an app hands over as input or output to messages and their parts, in any provider's or framework's form.

Nothing says which form it is: keys and types do. Text becomes the content of a `Message`, what a tool gave a message of
the role `tool`, and what is neither a `Part`: reasoning, calls of tools, media (described, without their bytes), and
what isn't known, as JSON. No text that goes in is left out but what only the provider can read (`SEALED`) and its
bookkeeping (`BOOKKEEPING`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from watchline.schemas.properties import TOOL_CALL, is_tool_call
from watchline.schemas.records import Document, Message, Part, ToolCall
from watchline.streams.producer import parts
from watchline.streams.producer.plain import plain
from watchline.streams.producer.reading import written
from watchline.streams.producer.stream_events import StreamedMessage

Content = Any  # text, a message, a list of them, a request, a response: plain or an object of any library

_LONGEST_ROLE = 64  # characters
_CALLS = ("tool_calls", "invalid_tool_calls", "function_call")  # LangChain's invalid ones have no JSON as arguments
_LOOKS_LIKE_MESSAGES = re.compile(r'\s*\[\s*\{\s*"(?:role|parts|content)"')


@dataclass
class Conversation:
    """What was read.

    Attributes
    ----------
    messages, parts
        Parts say by number which message they belong to.
    tool_calls
        Of an output: what the model called; what each gave, where that stands there too.
    documents
        Of an input: those that stand in its messages as documents of their own.
    finish_reasons
        The provider's, and `tool_call` where the output ends with a call that nothing has answered.
    response
        Of a provider's whole response: `model`, `id`, `usage`, `system_fingerprint`.
    """

    messages: list[Message] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    finish_reasons: list[str] = field(default_factory=list)
    response: dict[str, Any] = field(default_factory=dict)


def read(value: Content, role: str) -> Conversation:
    """The messages and parts in a value; what names no role is of `role`, `user` or `assistant`.

    Raises
    ------
    Exception
        What the app's own objects raise.

    Examples
    --------
    >>> blocks = [{"type": "text", "text": "Let me look."}, {"type": "tool_use", "name": "find", "input": {"id": 7}}]
    >>> conversation = read(blocks, "assistant")
    >>> conversation.messages, conversation.finish_reasons
    ([Message(role='assistant', content='Let me look.')], ['tool_call'])
    >>> conversation.tool_calls
    [ToolCall(name='find', arguments='{"id": 7}', result=None, id=None)]
    """
    reader = _Reader(role)
    if isinstance(value, str) and _LOOKS_LIKE_MESSAGES.match(value):
        value = _messages_in(str.__str__(value))
    reader.value(plain(value))
    return reader.done()


def text(value: Content, role: str = "system") -> str:
    """All that was said in a value, as one text; what isn't text as JSON."""
    conversation = read(value, role)
    contents = [message.content for message in conversation.messages]
    contents += [part.content for part in conversation.parts] + [each.content for each in conversation.documents]
    return "\n".join(filter(None, contents))


def tool_call(value: Any) -> ToolCall:
    """One call of a tool, in any provider's form; its result where that is known."""
    value = plain(value)
    if not isinstance(value, Mapping):
        return ToolCall(written(value))
    call, left = parts.call_of(parts.snaked(value))
    if not call.name and not call.arguments:
        return ToolCall("", written(value))
    return call if not left or call.arguments else replace(call, arguments=written(left))


class _Reader:
    def __init__(self, role: str) -> None:
        self._role = role
        self._is_output = role == "assistant"
        self._read = Conversation()
        self._texts: list[list[str]] = []  # of each message
        self._roles: list[str] = []
        self._implicit = False  # whether the last message is of parts that stood in no message
        self._streamed: int | None = None  # the message that pieces of a stream go on with
        self._events: StreamedMessage | None = None  # the message that Anthropic's events go on with
        self._unanswered: list[int] = []  # calls, by their place in `tool_calls`
        self._calls: dict[Any, ToolCall] = {}  # of a stream, by their index
        self._moved: set[int] = set()  # messages that had what a tool gave, which is a message of its own now

    def done(self) -> Conversation:
        self._end_events()
        read = self._read
        for call in self._calls.values():
            self._part(
                {"type": TOOL_CALL, "name": call.name, "arguments": call.arguments, "id": call.id}, self._streamed or 0
            )
        kept = {part.message for part in read.parts} | {
            at for at, texts in enumerate(self._texts) if texts or at not in self._moved
        }
        places = {at: place for place, at in enumerate(sorted(kept))}
        read.messages = [Message(self._roles[at], "\n".join(self._texts[at])) for at in places if at < len(self._texts)]
        read.parts = [replace(part, message=places[part.message]) for part in read.parts]
        if self._unanswered and not any(map(is_tool_call, read.finish_reasons)):
            read.finish_reasons.append(TOOL_CALL)
        return read

    def value(self, value: Any) -> None:
        """Text, a message, a part, a request, a response, or a list of any of these."""
        if isinstance(value, str):
            self._begin(self._role)
            self._text(value)
        elif isinstance(value, list):
            if len(value) == 2 and all(isinstance(item, str) for item in value) and value[0].lower() in parts.ROLES:
                self._message({"role": value[0], "content": value[1]})  # as LangChain's tuples
                return
            for item in value:
                if item is not None:
                    self.value(item)
        elif isinstance(value, Mapping):
            self._map(value)
        elif value is not None:
            self._begin(self._role)
            self._text(written(value))

    def _map(self, given: Mapping[str, Any]) -> None:
        if given.keys() == {"role", "content"} and all(isinstance(item, str) for item in given.values()):
            role = parts.ROLES.get(given["role"].lower(), "tool")
            if role != "tool":  # as nearly all are
                self._begin(role)
                self._text(given["content"])
                return
        value = parts.snaked(given)
        if value.get("type") == "constructor" and isinstance(value.get("kwargs"), Mapping):  # LangChain's `dumpd`
            value = {"type": str((value.get("id") or [""])[-1]), **parts.snaked(value["kwargs"])}
        elif isinstance(value.get("data"), Mapping) and "content" in value["data"]:  # its `message_to_dict`
            value = {**parts.snaked(value["data"]), "type": value.get("type")}
        kind = parts.kind_of(value)
        if self._is_output and self._event(kind, value):
            return
        if "role" in value or "author" in value or kind == "message" or (kind in parts.ROLES and "content" in value):
            self._message(value)
            return
        for key, read in self._ENVELOPES.items():
            if key in value and read(self, value):
                return
        if parts.is_part(value, kind):
            self._lone_part(given, value, kind)
        elif "content" in value or "parts" in value:
            self._message(value)
        else:  # a structured answer
            self._begin(self._role)
            self._text(written(given))

    def _event(self, kind: str, value: dict[str, Any]) -> bool:
        """Whether a map is an event of a stream of Anthropic's; it is kept until the message is whole."""
        if kind == "message_start":
            self._end_events()
        events = self._events or StreamedMessage()
        if not events.takes(value):
            return False
        self._events = events
        if kind == "message_stop":
            self._end_events()
        return True

    def _end_events(self) -> None:
        if self._events is not None:
            self._message(parts.snaked(self._events.whole()))
            self._events = None

    # --- requests and responses, by a key that each has

    def _choices(self, value: dict[str, Any]) -> bool:
        choices = value.get("choices", value.get("candidates"))
        if not isinstance(choices, list):
            return False
        self._response(value)
        for item in choices:
            if not isinstance(item, Mapping):
                self.value(item)
                continue
            choice = parts.snaked(item)
            inner = next((choice[key] for key in ("message", "delta", "content", "text") if choice.get(key)), None)
            if choice.get("delta") is not None and not choice.get("message"):
                self._piece(choice)
            elif isinstance(inner, Mapping):
                self._message(parts.snaked(inner))
            else:
                self.value(inner)
            self._finished(choice)
            self._rest("choice", choice, ("message", "delta", "content", "text", *parts.FINISH))
        self._rest("response", value, ("choices", "candidates"))
        return True

    def _generations(self, value: dict[str, Any]) -> bool:
        for each in parts.flat(value["generations"]):
            generation = parts.snaked(each) if isinstance(each, Mapping) else {"text": each}
            self.value(generation.get("message") or generation.get("text"))
            self._finished(parts.snaked(generation.get("generation_info") or {}))
        self._rest("response", value, ("generations",))
        return True

    def _wrapped(self, value: dict[str, Any]) -> bool:
        if not isinstance(value["message"], Mapping):
            return False
        self._response(value)
        self._provider_s(value)
        self._message(parts.snaked(value["message"]))
        self._finished(value)
        self._rest("response", value, ("message", "delta", *parts.FINISH))
        return True

    def _piece(self, value: dict[str, Any]) -> bool:
        """A piece of a stream: its text goes on with the message before."""
        delta = value["delta"]
        if not isinstance(delta, Mapping):
            return False
        piece = parts.snaked(delta)
        content = piece.get("content", piece.get("text"))
        if self._streamed is None:
            self._begin(piece.get("role") or self._role)
            self._texts[-1].append("")
            self._streamed = len(self._texts) - 1
        if isinstance(content, str):
            self._texts[self._streamed][0] += content
            piece = {key: item for key, item in piece.items() if key not in ("content", "text")}
        for number, item in enumerate(parts.flat(piece.pop("tool_calls", None))):
            self._piece_of_call(item, number)
        self._inside(piece, self._streamed, "")
        return True

    def _piece_of_call(self, given: Any, number: int) -> None:
        """A piece of a call of a tool: its name and its arguments go on with those before."""
        if not isinstance(given, Mapping):
            return
        call, _ = parts.call_of(parts.snaked(given))
        place = given.get("index", number)
        if before := self._calls.get(place):
            name, arguments = before.name + call.name, before.arguments + call.arguments
            call = ToolCall(name, arguments, None, before.id or call.id)
        self._calls[place] = call

    def _messages(self, value: dict[str, Any]) -> bool:
        key = "messages" if "messages" in value else "contents"
        items = value[key]
        if not isinstance(items, list):
            return False
        for name in ("system", "system_instruction", "instructions"):
            if value.get(name):
                self._begin("system")
                self._inside({"content": value[name]}, len(self._texts) - 1, "system")
        if self._is_output:  # the whole conversation: the answer stands behind the person's last message
            asked = [place for place, item in enumerate(items) if parts.role_of(item) == "user"]
            items = items[asked[-1] + 1 :] if asked and asked[-1] + 1 < len(items) else items
        self.value(items)
        self._rest("request", value, (key, "system", "system_instruction", "instructions"))
        return True

    def _output(self, value: dict[str, Any]) -> bool:
        output = value["output"]
        if isinstance(output, Mapping) and "message" in output:  # Bedrock's
            self._message(parts.snaked(output["message"]))
        elif isinstance(output, list) and self._is_output:
            self.value(output)
        else:
            return False
        self._response(value)
        self._finished(value)
        self._rest("response", value, ("output", "output_text", *parts.FINISH, *parts.SETTINGS))
        return True

    def _generated(self, value: dict[str, Any]) -> bool:
        key = next(key for key in ("generated_text", "response", "output_text") if key in value)
        if not isinstance(value[key], str) or (key == "response" and "model" not in value):
            return False
        self._response(value)
        self.value(value[key])
        self._finished(value)
        self._rest("response", value, (key, *parts.FINISH))
        return True

    def _request(self, value: dict[str, Any]) -> bool:
        key = "input" if "input" in value else "prompt"
        if "model" not in value or self._is_output or "type" in value:
            return False
        if value.get("instructions"):
            self._begin("system")
            self._text(written(value["instructions"]))
        self.value(value[key])
        self._rest("request", value, (key, "instructions"))
        return True

    def _result(self, value: dict[str, Any]) -> bool:
        """A message that calls its content `text`: Vercel's result, Cohere's, a completion of LlamaIndex."""
        if not isinstance(value["text"], str) or not {*parts.FINISH, "tool_calls", "raw", "steps"} & value.keys():
            return False
        self._response(value)
        self._provider_s(value)
        self._message({key: item for key, item in value.items() if key not in ("steps", "delta")})
        return True

    _ENVELOPES: ClassVar[Mapping[str, Callable[[_Reader, dict[str, Any]], bool]]] = {
        "choices": _choices,
        "candidates": _choices,
        "generations": _generations,
        "message": _wrapped,
        "delta": _piece,
        "messages": _messages,
        "contents": _messages,
        "output": _output,
        "generated_text": _generated,
        "response": _generated,
        "output_text": _generated,
        "input": _request,
        "prompt": _request,
        "text": _result,
    }

    def _response(self, value: Mapping[str, Any]) -> None:
        """What a whole response says of itself."""
        found = {
            "model": value.get("model") or value.get("model_version"),
            "id": value.get("id") or value.get("response_id"),
            "usage": value.get("usage") or value.get("usage_metadata"),
            "system_fingerprint": value.get("system_fingerprint"),
        }
        self._read.response |= {name: item for name, item in found.items() if item}

    def _provider_s(self, value: Mapping[str, Any]) -> None:
        """What the provider's own response says of itself, where LlamaIndex has it beside its own."""
        if isinstance(value.get("raw"), Mapping | list):
            raw = read(value["raw"], "assistant")
            self._read.response = {**raw.response, **self._read.response}
            self._read.finish_reasons += raw.finish_reasons

    def _finished(self, value: Mapping[str, Any]) -> None:
        for key in parts.FINISH:
            if isinstance(value.get(key), str) and value[key] not in self._read.finish_reasons:
                self._read.finish_reasons.append(value[key])

    # --- messages and parts

    def _begin(self, role: Any) -> int:
        name = written(role or self._role)
        self._roles.append(
            parts.ROLES.get(name.lower(), name[:_LONGEST_ROLE].encode("utf-8", "replace").decode()) or self._role
        )
        self._texts.append([])
        self._implicit, self._streamed = False, None
        return len(self._texts) - 1

    def _message(self, value: dict[str, Any]) -> None:
        author = value.get("role") or value.get("author") or ""
        if isinstance(author, Mapping):
            author = author.get("role") or ""
        kind = parts.kind_of(value)
        at = self._begin(author or (kind if kind in parts.ROLES else self._role))
        if {"stop_reason", "usage", "usage_metadata"} & value.keys():  # Anthropic's response is a message
            self._response(value)
        if isinstance(about := value.get("response_metadata"), Mapping):  # LangChain's
            self._response_of(parts.snaked(about))
        self._inside(value, at, self._roles[at])
        if self._is_output and self._roles[at] == "tool" and (self._texts[at] or at not in self._moved):
            self._answered(value, at)

    def _response_of(self, about: dict[str, Any]) -> None:
        """What LangChain keeps of a provider's response; an id of its own making isn't the response's."""
        self._finished(about)
        if str(self._read.response.get("id", "")).startswith(("lc_run-", "run-")):
            del self._read.response["id"]
        about = {**about, "model": about.get("model_name") or about.get("model")}
        self._response({key: about.get(key) for key in ("model", "id", "system_fingerprint")})

    def _inside(self, value: dict[str, Any], at: int, role: str) -> None:
        """What a message has in its fields."""
        more = value.get("additional_kwargs")
        if isinstance(more, Mapping):  # LangChain's and LlamaIndex's, beside or instead of the message's own
            value = {**parts.snaked(more), **{key: item for key, item in value.items() if item}}
        content = next(
            (key for key in ("parts", "content", "contents", "blocks", "text", "message") if value.get(key)), ""
        )
        calls = [call for key in _CALLS for call in parts.flat(value.get(key)) if call]
        if content == "content" and isinstance(value["content"], Mapping) and "parts" in value["content"]:  # Gemini's
            self._parts(value["content"]["parts"], at, calls)
        elif content:
            self._parts(value[content], at, calls)
        known = {content, "role", "author", *_CALLS, *parts.FINISH}
        for key in ("refusal", "transcript", "audio"):
            item = value.get(key)
            if isinstance(item, Mapping) and item.get("transcript"):
                self._text(item["transcript"], at)
                known.add(key)
            elif isinstance(item, str) and item and key != "audio":
                self._text(item, at)
                known.add(key)
        for key in parts.REASONING:
            if value.get(key):
                self._part({"type": "reasoning", "content": value[key]}, at)
                known.add(key)
        if known & parts.REASONING:  # which LiteLLM repeats, with signatures
            known.add("thinking_blocks")
            more = value.get("provider_specific_fields")
            if isinstance(more, Mapping):
                kept = {key: item for key, item in more.items() if key not in known}
                value = {**value, "provider_specific_fields": kept}
        for call in calls:
            self._part({**call, "type": TOOL_CALL} if isinstance(call, Mapping) else call, at)
        if role == "tool" and at not in self._moved:
            name, identity = parts.first_of(value, parts.NAMES), parts.first_of(value, parts.IDS)
            self._read.parts.append(Part(at, "tool_call_response", "", name, identity))
            known |= {*parts.NAMES, *parts.IDS}
        self._finished(value)
        self._rest("message", value, known)

    def _parts(self, value: Any, at: int, calls: Sequence[Any] = ()) -> None:
        """The content of a message; a call that `calls` has too is left to these."""
        listed = {parts.first_of(parts.snaked(call), parts.IDS) for call in calls if isinstance(call, Mapping)} - {None}
        for part in value if isinstance(value, list) else [value]:
            fields = parts.snaked(part) if isinstance(part, Mapping) else {}
            if parts.kind_of(fields) not in parts.CALL or parts.first_of(fields, parts.IDS) not in listed:
                self._part(part, at)

    def _lone_part(self, given: Mapping[str, Any], value: dict[str, Any], kind: str) -> None:
        """A part that stands where messages do: those of one side are one message."""
        is_models = kind in parts.REASONING or kind in parts.CALL or kind.endswith("_call")
        role = "assistant" if is_models else self._role
        if not (self._implicit and self._roles[-1] == role):
            self._begin(role)
            self._implicit = True
        self._part(given, len(self._texts) - 1)

    def _part(self, given: Any, at: int) -> None:
        if given is None:
            return
        if isinstance(given, list):
            for item in given:
                self._part(item, at)
            return
        if not isinstance(given, Mapping):
            self._text(written(given), at)
            return
        value = parts.snaked(given)
        kind = parts.kind_of(value)
        if kind in parts.TEXT and not value.get("thought"):
            self._said(kind, value, at)
        elif kind in parts.REASONING or (kind in parts.TEXT and value.get("thought")):
            words, left = parts.words_of(value)
            self._read.parts.append(Part(at, "reasoning", words))
            self._rest("reasoning", left, ("thought", "data", *parts.SEALED), at)  # `data` is encrypted
        elif kind in parts.RESULT or kind.endswith(("_tool_result", "_call_output")):
            self._result_of(value, at)
        elif kind in parts.CALL or kind.endswith("_call") or (kind.startswith("tool_") and "state" in value):
            self._called(kind, value, at)
        elif kind in ("document", "search_result") and (found := parts.document_of(value)):
            self._read.documents.append(found)
        elif kind in parts.MEDIA or kind == "document":
            name, identity = parts.mime_type_of(value) or kind, parts.first_of(value, parts.IDS)
            self._read.parts.append(Part(at, "media", written(given), name, identity))
        else:
            self._read.parts.append(Part(at, kind or "unknown", written(given)))

    def _said(self, kind: str, value: dict[str, Any], at: int) -> None:
        words, left = parts.words_of(value)
        self._text(words, at)
        self._rest(kind, left, ("parsed_output",) if words else (), at)  # the same once more, as an object

    def _called(self, kind: str, value: dict[str, Any], at: int) -> None:
        call, left = parts.call_of(value)
        name = call.name or str(value.get("type") or kind).removeprefix("tool-")
        if self._is_output:
            self._read.parts.append(Part(at, TOOL_CALL, "", name, call.id))
            self._read.tool_calls.append(ToolCall(name, call.arguments, call.result, call.id))
            if call.result is None and (kind in parts.ASKED or kind.startswith("tool_")):
                self._unanswered.append(len(self._read.tool_calls) - 1)
        else:
            self._read.parts.append(Part(at, TOOL_CALL, call.arguments, name, call.id))
            if call.result is not None:
                self._given(call.result, name, call.id, at)
        self._rest(TOOL_CALL, left, parts.SEALED, at)

    def _result_of(self, value: dict[str, Any], at: int) -> None:
        inner = next(
            (
                value[key]
                for key in ("function_response", "tool_result", "code_execution_result")
                if isinstance(value.get(key), Mapping)
            ),
            None,
        )
        fields = parts.snaked(inner) if inner is not None else value
        name, identity = parts.first_of(fields, parts.NAMES), parts.first_of(fields, parts.IDS)
        key = next((key for key in parts.RESULTS if fields.get(key) is not None), None)
        result = parts.text_of_result(fields[key]) if key else written(fields)
        self._given(result, name, identity, at)
        left = {key_: item for key_, item in fields.items() if key_ not in (key, *parts.NAMES, *parts.IDS)}
        if key:
            self._rest("tool_call_response", left, (), at)

    def _given(self, result: str, name: str | None, identity: str | None, source: int) -> None:
        """What a tool gave: of an input a message of the role `tool`, of an output the result of its call."""
        calls = self._read.tool_calls
        self._moved.add(source)
        if self._is_output:
            for place in range(len(calls)):
                if calls[place].result is None and (identity or name) in (calls[place].id, calls[place].name):
                    calls[place] = replace(calls[place], result=result)
                    self._unanswered = [each for each in self._unanswered if each != place]
                    return
            calls.append(ToolCall(name or "", "", result, identity))
            return
        at = self._begin("tool")
        self._text(result, at)
        self._read.parts.append(Part(at, "tool_call_response", "", name, identity))

    def _answered(self, value: dict[str, Any], at: int) -> None:
        """A message of a tool within an output: the result of its call."""
        others = [part.content for part in self._read.parts if part.message == at and part.content]
        result = "\n".join([*self._texts[at], *others])
        self._texts[at] = []
        self._read.parts = [part for part in self._read.parts if part.message != at]
        self._given(result, parts.first_of(value, parts.NAMES), parts.first_of(value, parts.IDS), at)

    def _text(self, value: Any, at: int = -1) -> None:
        if said := written(value):
            self._texts[at].append(said)
            if self._is_output and said.strip():
                self._unanswered.clear()

    def _rest(self, kind: str, value: Mapping[str, Any], known: Any, at: int | None = None) -> None:
        """Keeps as JSON what else a part, a message or a response says."""
        left = {
            key: item
            for key, item in value.items()
            if key not in known and key not in parts.BOOKKEEPING and key not in parts.SEALED and not _is_empty(item)
        }
        if left:
            place = max(len(self._texts) - 1, 0) if at is None else at
            self._read.parts.append(Part(place, kind, written(left)))


def _is_empty(value: Any) -> bool:
    """Whether nothing is said, as in LiteLLM's `{"refusal": None}`."""
    if isinstance(value, Mapping):
        return all(map(_is_empty, value.values()))
    return value in (None, "", [], False)


def _messages_in(text: str) -> Any:
    """The messages that a text is the JSON of, as an attribute of OpenTelemetry's has them; else the text itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    is_message = all(isinstance(item, dict) and "role" in item and {"parts", "content"} & item.keys() for item in value)
    return value if value and is_message else text
