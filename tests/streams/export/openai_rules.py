"""OpenAI's rules for a line of a fine-tuning file, written down from its documentation and its API's messages.

A stand-in: neither its service nor TRL nor Axolotl can be asked here. TRL and Axolotl read the same messages.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

KEYS = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls"},
    "tool": {"role", "content", "tool_call_id"},
}


def faults(line: dict[str, Any]) -> list[str]:
    """What is wrong with a line; nothing where it would be taken."""
    if line.keys() != {"messages"} or not line["messages"]:
        return ["a line is one key, messages, and they are not empty"]
    found, messages = [], line["messages"]
    waiting: list[str] = []
    for place, message in enumerate(messages):
        role = message.get("role")
        if role not in KEYS or not message.keys() <= KEYS[role]:
            return [f"{place}: unrecognised role or key"]
        if not isinstance(message.get("content"), str):
            found.append(f"{place}: content is no text")
        if not message["content"] and not message.get("tool_calls"):
            found.append(f"{place}: empty")
        if role == "tool":
            if message["tool_call_id"] not in waiting:
                found.append(f"{place}: a tool message that follows no call")
            else:
                waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            found.append(f"{place}: a call without a response")
        waiting = []
        for call in message.get("tool_calls", ()):
            if call.keys() != {"id", "type", "function"} or call["type"] != "function" or not call["id"]:
                found.append(f"{place}: no call")
            if call["function"].keys() != {"name", "arguments"} or not isinstance(call["function"]["arguments"], str):
                found.append(f"{place}: no function")
            if not re.fullmatch("[A-Za-z0-9_-]{1,64}", call["function"]["name"]):
                found.append(f"{place}: the name of a function")
            json.loads(call["function"]["arguments"])
            waiting.append(call["id"])
    roles = [message["role"] for message in messages]
    if any(one == other and one != "tool" for one, other in itertools.pairwise(roles)):
        found.append("two turns of one role in a row")  # as Azure's validator has it, and templates that alternate
    if roles[-1] != "assistant":
        found.append("the last message is not the assistant's")
    return found
