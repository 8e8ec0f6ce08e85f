"""The texts of an interaction by name: the only list of the places where words of people and models can stand.

Detection of personal data reads them all, redaction replaces them all, spans name them. What a string of the record is
stands in `columns.py`, whose order is that of the texts. Places of a list or map are numbered, never named by a key: a
key can itself be personal data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NewType

from watchline.schemas.columns import INTERACTION, Column, Text
from watchline.schemas.records import Interaction

# An interaction without its personal data. It is what may be judged, stored and published; where it is wanted, mypy
# refuses an Interaction. Only `detectors.pii` may make one, which a test sees to.
RedactedInteraction = NewType("RedactedInteraction", Interaction)

LONGEST_IDENTIFIER = 256  # characters that `without_texts` leaves
CUT = "\n...[truncated]\n"  # where the producer left out the middle of a long text


def is_prose(field: str) -> bool:
    """Whether a text, by its name in `texts`, is sentences rather than an identifier.

    In an identifier a capitalised word is not taken for a person's name.

    Examples
    --------
    >>> is_prose("input:0"), is_prose("document_id:3")
    (True, False)
    """
    return field.partition(":")[0] in _PROSE


def texts(interaction: Interaction) -> Iterator[tuple[str, str]]:
    """Every text of an interaction that isn't empty.

    Parameters
    ----------
    interaction : Interaction

    Yields
    ------
    field, text : str

    Notes
    -----
    The fields are `system`, `error_message`; `input:N`, `output:N`, `document:N`, `document_id:N`, `tool_call:N` (its
    arguments), `tool_call_result:N`, `tool_call_name:N`, `tool_call_id:N`, `finish_reason:N`; for entry N of a map
    `attribute:N` and `attribute_key:N`, and so `prompt_variable`, `request_parameter`, `variant`; and `tenant`,
    `conversation_id` and the other identifiers by their own name.

    Examples
    --------
    >>> from watchline.schemas.records import Message
    >>> interaction = Interaction(
    ...     event_id="e-1", time=0, app="shop", tenant="north", input_messages=(Message("user", "Hello?"),)
    ... )
    >>> dict(texts(interaction))
    {'input:0': 'Hello?', 'tenant': 'north'}
    """
    for attribute, name, shape, inside in _PLACES:
        value = getattr(interaction, attribute)
        if not value:
            continue
        if shape == "scalar":
            yield name, value
        elif shape == "map":
            for index, (key, text) in enumerate(value.items()):
                if key:
                    yield f"{name}_key:{index}", key
                if text:
                    yield f"{name}:{index}", text
        elif shape == "list":
            for index, text in enumerate(value):
                if text:
                    yield f"{name}:{index}", text
        else:
            for index, record in enumerate(value):
                for field, called in inside:
                    if text := getattr(record, field):
                        yield f"{called}:{index}", text


def replace_texts(interaction: Interaction, changed: Mapping[str, str]) -> Interaction:
    """Replaces texts of an interaction.

    Parameters
    ----------
    interaction : Interaction
    changed : mapping of str to str
        The new text of each field, named as in `texts`.

    Returns
    -------
    Interaction
        A copy. Where two keys of a map have become the same, as placeholders can, the later one gets its number as a
        suffix, so that no entry is lost.

    Examples
    --------
    >>> from watchline.schemas.records import Message
    >>> interaction = Interaction(event_id="e-1", time=0, app="shop", input_messages=(Message("user", "I am Ann."),))
    >>> replace_texts(interaction, {"input:0": "I am <PERSON_1>."}).input
    'I am <PERSON_1>.'
    """
    if not changed:
        return interaction
    changes: dict[str, Any] = {}
    for attribute, name, shape, inside in _PLACES:
        value = getattr(interaction, attribute)
        if not value:
            continue
        if shape == "scalar":
            new: Any = changed.get(name, value)
        elif shape == "map":
            new = _new_map(name, value, changed)
        elif shape == "list":
            new = tuple(changed.get(f"{name}:{index}", text) for index, text in enumerate(value))
        else:
            new = tuple(_new_record(record, inside, index, changed) for index, record in enumerate(value))
        changes[attribute] = new
    return replace(interaction, **changes)


def without_texts(interaction: Interaction) -> Interaction:
    """What is left of an interaction without its sentences: ids, times, numbers, and short identifiers of its own.

    Parameters
    ----------
    interaction : Interaction

    Returns
    -------
    Interaction
        A copy without prose, without lists and maps of texts, and without identifiers of over `LONGEST_IDENTIFIER`
        characters. In the others there can still be personal data.

    Examples
    --------
    >>> from watchline.schemas.records import Message
    >>> messages = (Message("user", "I am Ann."),)
    >>> event = Interaction(event_id="e-1", time=0, app="shop", tenant="north", cost=0.2, input_messages=messages)
    >>> left = without_texts(event)
    >>> left.input_messages, left.tenant, left.cost
    ((), 'north', 0.2)
    """
    changes: dict[str, Any] = {}
    for attribute, name, shape, _ in _PLACES:
        value = getattr(interaction, attribute)
        if value and shape != "scalar":
            changes[attribute] = type(value)()
        elif value and (is_prose(name) or len(value) > LONGEST_IDENTIFIER):
            changes[attribute] = None
    return replace(interaction, **changes)


def _new_map(name: str, values: Mapping[str, str], changed: Mapping[str, str]) -> dict[str, str]:
    result: dict[str, str] = {}
    for index, (key, text) in enumerate(values.items()):
        key = changed.get(f"{name}_key:{index}", key)
        while key in result:
            key = f"{key}~{index}"
        result[key] = changed.get(f"{name}:{index}", text)
    return result


def _new_record(record: Any, inside: tuple[tuple[str, str], ...], index: int, changed: Mapping[str, str]) -> Any:
    replaced = {}
    for field, name in inside:
        text = getattr(record, field)
        if text and (new := changed.get(f"{name}:{index}", text)) is not text:
            replaced[field] = new
    return replace(record, **replaced) if replaced else record


def _marks(column: Column) -> dict[str, Text]:
    """The texts that a column holds: by its own name or, for records in a list, by their fields."""
    # A string without a declared kind counts as prose: better redacted than stored. The generator refuses such a field.
    text = column.text or Text("prose" if "String" in column.type else "none")
    marks = text if isinstance(text, Mapping) else {column.name: text}
    return {field: Text(mark.kind, mark.name or field) for field, mark in marks.items() if mark.kind != "none"}


def _place(column: Column) -> tuple[str, str, str, tuple[tuple[str, str], ...]]:
    """Attribute, text's name and shape of a field; for records in a list, their fields with texts and names too."""
    inside = tuple((field, mark.name) for field, mark in _marks(column).items())
    shape = {"Map": "map", "Array": "list"}.get(column.type.partition("(")[0], "scalar")
    return column.name, inside[0][1], "records" if isinstance(column.text, Mapping) else shape, inside


_PLACES = tuple(_place(column) for column in INTERACTION if _marks(column))
_PROSE = frozenset(mark.name for column in INTERACTION for mark in _marks(column).values() if mark.kind == "prose")
