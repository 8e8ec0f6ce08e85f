"""An event as messages that trainers take: those of OpenAI's API, which TRL and Axolotl read too.

What one trainer takes another refuses, without a line number: so what isn't taken by all is left out, with the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from watchline.schemas.properties import TOOL_CALL
from watchline.streams.producer.parts import ROLES

Message = dict[str, Any]
COLUMNS = (
    *("system_instructions", "input_messages", "input_parts", "output_messages", "output_parts", "tool_calls"),
    *("error_type", "cancelled", "truncated"),
)
DEVELOPER = "a developer message became the system message"
JOINED = "several system messages became one, a blank line between them"
REASONING = "reasoning was left out: no format has it"
_RESULT = "tool_call_response"
_NAME = re.compile("[A-Za-z0-9_-]{1,64}")


class SkippedError(Exception):
    """Why an event is not in an export."""


def messages(row: Mapping[str, Any], *, openai: bool = False) -> tuple[list[Message], set[str]]:
    """The messages of an event, and what was changed on the way.

    Raises SkippedError where a trainer would refuse them.

    Parameters
    ----------
    row : mapping
        Of `v_interactions`, with `COLUMNS`.
    openai : bool
        Whether OpenAI's own rule for names of tools counts.

    Examples
    --------
    >>> asked, answered = {"role": "user", "content": "Open?"}, {"role": "assistant", "content": "Until 6."}
    >>> row = dict.fromkeys(("input_parts", "output_parts", "tool_calls", "truncated"), ())
    >>> row |= {"system_instructions": "Be brief.", "error_type": "", "cancelled": False}
    >>> said, changed = messages({**row, "input_messages": [asked], "output_messages": [answered]})
    >>> [message["role"] for message in said], changed
    (['system', 'user', 'assistant'], set())
    """
    if row["error_type"]:
        raise SkippedError("the call failed")
    if row["cancelled"]:
        raise SkippedError("the answer was cancelled")
    if row["truncated"]:
        raise SkippedError("the producer has cut it")
    changed: set[str] = set()
    instructions = [row["system_instructions"]] if row["system_instructions"].strip() else []
    read = [*_input(row, changed)]
    while read and read[0]["role"] == "system":
        instructions.append(read.pop(0)["content"])
    instructions = [*dict.fromkeys(instructions)]
    if len(instructions) > 1:
        changed.add(JOINED)
    said = [{"role": "system", "content": "\n\n".join(instructions)}] if instructions else []
    said += [*read, *_output(row, changed)]
    _check(said, openai=openai)
    return said, changed


def _input(row: Mapping[str, Any], changed: set[str]) -> Iterator[Message]:
    parts = _by_message(row["input_parts"], changed)
    open_calls: list[Message] = []
    for place, message in enumerate(row["input_messages"]):
        role = _role(message["role"], changed)
        calls = [part for part in parts.get(place, ()) if part["type"] == TOOL_CALL]
        results = [part for part in parts.get(place, ()) if part["type"] == _RESULT]
        if role == "tool":
            name, identity = (results[0]["name"], results[0]["id"]) if results else ("", "")
            yield {"role": role, "tool_call_id": _answered(open_calls, identity, name), "content": message["content"]}
            continue
        made = {"role": role, "content": message["content"]}
        if calls:
            made["tool_calls"] = [
                _call(part["name"], part["content"], part["id"] or f"call_{place}_{number}")
                for number, part in enumerate(calls)
            ]
            open_calls = [*made["tool_calls"]]
        yield made


def _output(row: Mapping[str, Any], changed: set[str]) -> Iterator[Message]:
    said, calls = row["output_messages"], row["tool_calls"]
    placed = [
        place
        for place, parts in sorted(_by_message(row["output_parts"], changed).items())
        for part in parts
        if part["type"] == TOOL_CALL
    ]
    if roles := {_role(message["role"], changed) for message in said} - {"assistant"}:
        raise SkippedError(f"a message of the role {min(roles)} in the answer")
    made = [_call(each["name"], each["arguments"], each["id"] or f"call_{n}") for n, each in enumerate(calls)]
    given = [each["result"] for each in calls]
    if any(given) and not all(given):
        raise SkippedError("a call of a tool without its result")
    texts = [message["content"] for message in said]
    if len(placed) != len(calls):
        if len(texts) > 1:
            raise SkippedError("several answers")
        # Given apart from the answer: with what the tools gave, the answer came after it.
        texts = ["", *texts] if any(given) else texts or [""]
        placed = [0] * len(calls)
    for place, text in enumerate(texts):
        own = [number for number, of in enumerate(placed) if of == place]
        yield {"role": "assistant", "content": text, **({"tool_calls": [made[n] for n in own]} if own else {})}
        for number in own:
            if given[number]:
                yield {"role": "tool", "tool_call_id": made[number]["id"], "content": given[number]}


def _by_message(parts: Sequence[Mapping[str, Any]], changed: set[str]) -> dict[int, list[Mapping[str, Any]]]:
    """The parts that messages can have, by their message."""
    found: dict[int, list[Mapping[str, Any]]] = {}
    for part in parts:
        if part["type"] == "reasoning":
            changed.add(REASONING)
        elif part["type"] in (TOOL_CALL, _RESULT):
            found.setdefault(part["message"], []).append(part)
        else:
            raise SkippedError(f"a part of the type {part['type'][:40]}: text, calls of tools and results are taken")
    return found


def _role(role: str, changed: set[str]) -> str:
    if role.lower() == "developer":
        changed.add(DEVELOPER)
    known = ROLES.get(role.lower())
    if known is None:
        raise SkippedError("a role that no trainer knows")
    return known


def _call(name: str, arguments: str, identity: str) -> Message:
    try:
        read = json.loads(arguments or "{}")
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise SkippedError("arguments of a tool that are no JSON object")
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments or "{}"}}


def _answered(calls: list[Message], identity: str, name: str) -> str:
    """The id of the call that a result is of, which is open no more."""
    for call in calls:
        if identity == call["id"] or (not identity and name in ("", call["function"]["name"])):
            calls.remove(call)
            return str(call["id"])
    raise SkippedError("a tool's result without its call")


def _check(said: Sequence[Message], *, openai: bool) -> None:
    """What every trainer asks for: turns that alternate, calls that are answered, no empty message, an answer last."""
    before, waiting = "", set[str]()
    for message in said:
        role = message["role"]
        calls = message.get("tool_calls", ())
        if not message["content"].strip() and not calls:
            raise SkippedError(f"an empty message of the role {role}")
        if role == "system" and before:
            raise SkippedError("a system message after the first turn")
        if waiting and role != "tool":
            raise SkippedError("a call of a tool without its result")
        if role == before and role != "tool":
            raise SkippedError(f"two turns of the role {role} in a row")
        if role == "assistant" and before in ("", "system"):
            raise SkippedError("the first turn is the assistant's")
        if role == "user" and before == "tool":
            raise SkippedError("a tool's result that no turn of the assistant follows")
        waiting.discard(message.get("tool_call_id", ""))
        waiting |= {call["id"] for call in calls}
        if len(waiting) < len(calls):
            raise SkippedError("two calls of tools with one id")
        if any(not call["function"]["name"] for call in calls):
            raise SkippedError("a call of a tool without its name")
        if openai and not all(_NAME.fullmatch(call["function"]["name"]) for call in calls):
            raise SkippedError("a tool's name that OpenAI doesn't take")
        before = role
    if before != "assistant":
        raise SkippedError("the last turn is not the assistant's")
