"""The texts of an interaction by name: the one list of places where words of people and models can stand.

Detection of personal data reads them all, redaction replaces them all, spans name them. Places of a list or map are
numbered, never named by a key: a key can itself be personal data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NewType

from watchline.schemas.records import Interaction

# An interaction without its personal data. It is what may be judged, stored and published; where it is wanted, mypy
# refuses an Interaction. Only `detectors.pii` may make one, which a test sees to.
RedactedInteraction = NewType("RedactedInteraction", Interaction)

# Meant for identifiers, but the app fills them, and people put e-mail addresses there.
_IDENTIFIERS = (
    "conversation_id",
    "error_type",
    "prompt_name",
    "prompt_version",
    "provider",
    "request_model",
    "response_id",
    "response_model",
    "system_fingerprint",
    "tenant",
)
_MAPS = {
    "prompt_variable": "prompt_variables",
    "request_parameter": "request_parameters",
    "variant": "variant",
    "attribute": "attributes",
}
_PROSE = (
    "system",
    "input",
    "output",
    "document",
    "tool_call",
    "tool_call_result",
    "prompt_variable",
    "attribute",
    "error_message",
)


def is_prose(field: str) -> bool:
    """Whether a field holds sentences; the others hold identifiers, in which a capitalised word is no person."""
    return field.partition(":")[0] in _PROSE


def texts(interaction: Interaction) -> Iterator[tuple[str, str]]:
    """Every (field, text) of an interaction, empty ones left out.

    Fields: `system`, `error_message`; `input:N`, `output:N`, `document:N`, `document_id:N`, `tool_call:N` (its
    arguments), `tool_call_result:N`, `tool_call_name:N`, `tool_call_id:N`, `finish_reason:N`; for entry N of a map
    `attribute:N` and `attribute_key:N`, and so `prompt_variable`, `request_parameter`, `variant`; and `tenant`,
    `conversation_id` and the other identifiers by their own name.
    """
    yield from ((field, text) for field, text in _all_texts(interaction) if text)


def replace_texts(interaction: Interaction, changed: Mapping[str, str]) -> Interaction:
    """The interaction with the texts of the named fields replaced; names as `texts` gives them.

    Where two keys of a map become the same, as with placeholders, the later one gets its number: no entry is lost.
    """
    if not changed:
        return interaction

    def new(field: str, text: str) -> str:
        return changed.get(field, text)

    def new_or_none(field: str, text: str | None) -> str | None:
        return None if text is None else changed.get(field, text)

    def new_map(field: str, values: Mapping[str, str]) -> dict[str, str]:
        result: dict[str, str] = {}
        for index, (key, text) in enumerate(values.items()):
            key = new(f"{field}_key:{index}", key)
            while key in result:
                key = f"{key}~{index}"
            result[key] = new(f"{field}:{index}", text)
        return result

    changes: dict[str, Any] = {
        **{attribute: new_map(field, getattr(interaction, attribute)) for field, attribute in _MAPS.items()},
        **{name: new_or_none(name, getattr(interaction, name)) for name in _IDENTIFIERS},
    }
    return replace(
        interaction,
        system_instructions=new_or_none("system", interaction.system_instructions),
        error_message=new_or_none("error_message", interaction.error_message),
        input_messages=tuple(
            replace(message, content=new(f"input:{index}", message.content))
            for index, message in enumerate(interaction.input_messages)
        ),
        output_messages=tuple(
            replace(message, content=new(f"output:{index}", message.content))
            for index, message in enumerate(interaction.output_messages)
        ),
        documents=tuple(
            replace(
                document,
                content=new(f"document:{index}", document.content),
                id=new_or_none(f"document_id:{index}", document.id),
            )
            for index, document in enumerate(interaction.documents)
        ),
        tool_calls=tuple(
            replace(
                call,
                name=new(f"tool_call_name:{index}", call.name),
                arguments=new(f"tool_call:{index}", call.arguments),
                result=new_or_none(f"tool_call_result:{index}", call.result),
                id=new_or_none(f"tool_call_id:{index}", call.id),
            )
            for index, call in enumerate(interaction.tool_calls)
        ),
        finish_reasons=tuple(
            new(f"finish_reason:{index}", reason) for index, reason in enumerate(interaction.finish_reasons)
        ),
        **changes,
    )


def _all_texts(interaction: Interaction) -> Iterator[tuple[str, str | None]]:
    yield "system", interaction.system_instructions
    yield "error_message", interaction.error_message
    for index, message in enumerate(interaction.input_messages):
        yield f"input:{index}", message.content
    for index, message in enumerate(interaction.output_messages):
        yield f"output:{index}", message.content
    for index, document in enumerate(interaction.documents):
        yield f"document:{index}", document.content
        yield f"document_id:{index}", document.id
    for index, call in enumerate(interaction.tool_calls):
        yield f"tool_call_name:{index}", call.name
        yield f"tool_call:{index}", call.arguments
        yield f"tool_call_result:{index}", call.result
        yield f"tool_call_id:{index}", call.id
    for index, reason in enumerate(interaction.finish_reasons):
        yield f"finish_reason:{index}", reason
    for field, attribute in _MAPS.items():
        for index, (key, text) in enumerate(getattr(interaction, attribute).items()):
            yield f"{field}_key:{index}", key
            yield f"{field}:{index}", text
    for name in _IDENTIFIERS:
        yield name, getattr(interaction, name)
