"""The strings of a record by name: the only list of the places where words of people and models can stand.

Redaction searches and replaces those that are texts; `identifiers.py` keeps or replaces the others. Which a string is
stands in `columns.py`, whose order is that of the texts. Places of a list or map are numbered, never named by a key: a
key can itself be personal data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, Literal, NewType, TypeVar

from watchline.schemas.columns import FEEDBACK, INTERACTION, OTHER, TABLES, Column, Text
from watchline.schemas.identifiers import is_identifier
from watchline.schemas.records import Feedback, Interaction, InteractionBatch

# An interaction without its personal data. It is what may be judged, stored and published; where it is wanted, mypy
# refuses an Interaction. Only `detectors.pii` may make one, which a test sees to.
RedactedInteraction = NewType("RedactedInteraction", Interaction)

LONGEST_IDENTIFIER = 256  # characters that `without_texts` leaves
CUT = "\n...[truncated]\n"  # where the producer left out the middle of a long text

R = TypeVar("R", Interaction, Feedback, InteractionBatch)
_KEY = Text("id", instead=OTHER)


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
    """Every text of an interaction that isn't empty: what redaction searches, and what detectors read.

    Parameters
    ----------
    interaction : Interaction

    Yields
    ------
    field, text : str

    Notes
    -----
    The fields are `system`, `error_message`; `input:N`, `output:N`, `document:N`, `document_id:N`, `tool_call:N` (its
    arguments), `tool_call_result:N`; and for entry N of a map `attribute:N`, `prompt_variable:N`,
    `request_parameter:N`.

    Examples
    --------
    >>> from watchline.schemas.records import Message
    >>> interaction = Interaction(
    ...     event_id="e-1", time=0, app="shop", tenant="north", input_messages=(Message("user", "Hello?"),)
    ... )
    >>> dict(texts(interaction))
    {'input:0': 'Hello?'}
    """
    for field, text, rule in strings(interaction):
        if rule.kind in SEARCHED:
            yield field, text


def strings(record: Interaction | Feedback | InteractionBatch) -> Iterator[tuple[str, str, Text]]:
    """Every string of a record that isn't empty, with the rule for it; of a batch, those of a report.

    Beside the fields of `texts` these are identifiers: `tool_call_name:N`, `input_role:N`, the keys of maps as
    `attribute_key:N` and so on, and `tenant` and the like by their own name.
    """
    for place in _PLACES[type(record)]:
        value = getattr(record, place.attribute)
        if not value:
            continue
        rule = place.rules[0][2]
        if place.shape == "scalar":
            yield rule.name, value, rule
        elif place.shape == "map":
            for index, (key, text) in enumerate(value.items()):
                if key:
                    yield f"{rule.name}_key:{index}", key, _KEY
                if text:
                    yield f"{rule.name}:{index}", text, _version(rule.name) if _is_version(key, text) else rule
        elif place.shape == "keys":
            for index, key in enumerate(value):
                if key:
                    yield f"{rule.name}_key:{index}", key, rule
        elif place.shape == "list":
            for index, text in enumerate(value):
                if text:
                    yield f"{rule.name}:{index}", text, rule
        else:
            for index, inner in enumerate(value):
                for field, name, rule in place.rules:
                    if text := getattr(inner, field):
                        yield f"{name}:{index}", text, rule


def replace_texts(record: R, changed: Mapping[str, str]) -> R:
    """Replaces strings of a record.

    Parameters
    ----------
    record : Interaction, Feedback or InteractionBatch
    changed : mapping of str to str
        The new text of each field, named as in `strings`. An empty one is none where the field may be null.

    Returns
    -------
    as record
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
        return record
    changes: dict[str, Any] = {}
    for place in _PLACES[type(record)]:
        value = getattr(record, place.attribute)
        if not value:
            continue
        name = place.rules[0][1]
        if place.shape == "scalar":
            new: Any = changed.get(name, value) or place.none
        elif place.shape in ("map", "keys"):
            new = _new_map(name, value, changed)
        elif place.shape == "list":
            new = tuple(changed.get(f"{name}:{index}", text) for index, text in enumerate(value))
        else:
            new = tuple(_new_record(inner, place.rules, index, changed) for index, inner in enumerate(value))
        changes[place.attribute] = new
    return replace(record, **changes)


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
    for place in _PLACES[Interaction]:
        value = getattr(interaction, place.attribute)
        if value and place.shape != "scalar":
            changes[place.attribute] = type(value)()
        elif value and (place.rules[0][2].kind == "prose" or len(value) > LONGEST_IDENTIFIER):
            changes[place.attribute] = place.none
    return replace(interaction, **changes)


def _is_version(key: str, text: str) -> bool:
    """Whether an entry of a map says which version of something ran: 1.2.0.4 is no address then."""
    return key.lower().endswith("version") and is_identifier(text, version=True)


@cache
def _version(name: str) -> Text:
    return Text("version", name)


def _new_map(name: str, values: Mapping[str, Any], changed: Mapping[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for index, (key, value) in enumerate(values.items()):
        key = changed.get(f"{name}_key:{index}", key)
        while key in result:
            key = f"{key}~{index}"
        result[key] = changed.get(f"{name}:{index}", value)
    return result


def _new_record(inner: Any, rules: tuple[tuple[str, str, Text], ...], index: int, changed: Mapping[str, str]) -> Any:
    replaced = {}
    for field, name, _ in rules:
        text = getattr(inner, field)
        if text and (new := changed.get(f"{name}:{index}", text)) is not text:
            replaced[field] = new
    return replace(inner, **replaced) if replaced else inner


SEARCHED = ("prose", "value")


@dataclass(frozen=True, slots=True)
class _Place:
    """A field with strings: for records in a list, their fields with the names and rules of these."""

    attribute: str
    shape: Literal["scalar", "map", "keys", "list", "records"]
    rules: tuple[tuple[str, str, Text], ...]
    none: str | None  # what an empty scalar becomes


def _rules(column: Column) -> tuple[tuple[str, str, Text], ...]:
    """The strings that a column holds, by its own name or, for records in a list, by their fields."""
    # A string without a declared kind counts as prose: better redacted than stored. The generator refuses such a field.
    text = column.text or (Text("prose") if "String" in column.type else {})
    marks = text if isinstance(text, Mapping) else {column.name: text}
    named = {field: replace(mark, name=mark.name or field) for field, mark in marks.items()}
    return tuple((field, mark.name, mark) for field, mark in named.items())


def _place(record: type, column: Column) -> _Place:
    optional = {field.name for field in fields(record) if field.default is None}
    shape: Literal["scalar", "map", "keys", "list", "records"] = "scalar"
    if column.type.startswith("Map("):
        shape = "map" if column.type.endswith("String)") else "keys"
    elif isinstance(column.text, Mapping):
        shape = "records"
    elif column.type.startswith("Array("):
        shape = "list"
    return _Place(column.name, shape, _rules(column), None if column.name in optional else "")


_PLACES: Mapping[type, tuple[_Place, ...]] = {
    record: tuple(_place(record, column) for column in columns if _rules(column))
    for record, columns in (
        (Interaction, INTERACTION),
        (Feedback, FEEDBACK),
        (InteractionBatch, TABLES["producer_reports"]),
    )
}
_PROSE = frozenset(name for place in _PLACES[Interaction] for _, name, rule in place.rules if rule.kind == "prose")
