"""The last inputs of a prompt in production, and what is asked when another version of it takes its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from watchline.schemas.records import Document, Message
from watchline.streams.comparison.traffic import NAMED
from watchline.streams.producer.prompt import Prompt, PromptError
from watchline.streams.query.run import Queries

Role = Literal["system", "user"]

_OF = f"""i.source = 'production' AND {NAMED} AND i.app = {{app:String}}
    AND ({{environment:String}} = '' OR i.environment = {{environment:String}})
    AND i.time >= parseDateTime64BestEffort({{since:String}}, 6, 'UTC')"""
# What was asked twice counts once: the same answer twice proves no more.
_LAST = f"""
SELECT toString(i.event_id) AS event_id, i.prompt_variables AS variables, i.input_messages AS messages,
    i.documents AS documents
FROM v_interactions AS i
WHERE {_OF} AND i.event_id IN (
    SELECT argMax(i.event_id, i.time)
    FROM v_interactions AS i
    WHERE {_OF}
    GROUP BY cityHash64(toString(i.prompt_variables), toString(i.input_messages))
    ORDER BY max(i.time) DESC
    LIMIT {{last:UInt64}})
ORDER BY i.time DESC, i.event_id DESC
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Input:
    """What one call in production was asked, redacted as it is stored."""

    event_id: str
    variables: Mapping[str, str]
    messages: tuple[Message, ...]
    documents: tuple[Document, ...]


class LeftOutError(ValueError):
    """An input that can't be asked again; says why, without its text."""


def read(queries: Queries, name: str, *, app: str, environment: str, since: datetime, last: int) -> list[Input]:
    """The newest inputs of a prompt, under all names that it has had; each once."""
    chosen = {"name": name, "app": app, "environment": environment, "since": since.isoformat(), "last": str(last)}
    return [_input(row) for row in queries.query(_LAST, chosen).by_column]


def conversation(prompt: Prompt, given: Input, role: Role) -> list[dict[str, str]]:
    """The messages that a model is given, with the prompt in its place.

    Parameters
    ----------
    prompt : Prompt
        Its variables are filled in with those of the call.
    given : Input
    role : str
        `system`: the prompt comes first, then the call's messages. `user`: it takes the place of the last message.

    Raises
    ------
    LeftOutError
        The call has no value for a variable, or isn't a plain conversation that ends with the user.

    Examples
    --------
    >>> given = Input("1", {"language": "French"}, (Message("user", "Hello"),), ())
    >>> conversation(Prompt.default("answer", "Answer in {{language}}."), given, "system")
    [{'role': 'system', 'content': 'Answer in French.'}, {'role': 'user', 'content': 'Hello'}]
    """
    try:
        filled = prompt.fill(**{name: given.variables[name] for name in prompt.variables if name in given.variables})
    except PromptError:
        missing = next(name for name in prompt.variables if name not in given.variables)
        raise LeftOutError(f"without the variable {missing}") from None
    said = [each for each in given.messages if each.role not in ("system", "developer")]
    if any(each.role not in ("user", "assistant") for each in said):
        raise LeftOutError("with messages of tools")
    if not said or said[-1].role != "user":
        raise LeftOutError("without a question at the end")
    messages = [{"role": each.role, "content": each.content} for each in said]
    if role == "user":
        return [*messages[:-1], {"role": "user", "content": filled}]
    return [{"role": "system", "content": filled}, *messages]


def _input(row: Mapping[str, Any]) -> Input:
    return Input(
        row["event_id"],
        row["variables"],
        tuple(Message(each["role"], each["content"]) for each in row["messages"]),
        tuple(Document(each["content"], each["id"] or None, each["score"]) for each in row["documents"]),
    )
