from __future__ import annotations

import dataclasses
import json

import pytest

from tests.schemas.samples import INTERACTION
from watchline.schemas.columns import Column, Text
from watchline.schemas.records import Interaction
from watchline.schemas.texts import _marks, is_prose, replace_texts, texts

# Constants of the deployment, checked formats, or made by Watchline itself.
NOT_TEXT = {"event_id", "app", "environment", "trace_id", "span_id", "subject", "operation", "prompt_hash", "truncated"}


def test_every_text_of_an_interaction_is_named() -> None:
    """A field added to the record and forgotten here would be stored unredacted."""
    everywhere = "".join(text for _, text in texts(INTERACTION))
    plain = dataclasses.asdict(INTERACTION)
    for name, value in plain.items():
        if name in NOT_TEXT:
            continue
        for text in _strings(value):
            assert text in everywhere, name


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        # Keys of dataclasses are field names; of maps they are the app's.
        own = {"role", "content", "name", "arguments", "result", "id", "score"}
        return [
            text
            for key, item in value.items()
            for text in ([] if key in own else [key]) + _strings(item)
            if key != "role"
        ]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _strings(item)]
    return []


def test_every_named_text_can_be_replaced() -> None:
    changed = {field: f"new {number}" for number, (field, _) in enumerate(texts(INTERACTION))}
    assert dict(texts(replace_texts(INTERACTION, changed))) == changed


def test_nothing_else_changes() -> None:
    same = replace_texts(INTERACTION, {"output:0": "changed"})
    assert dataclasses.replace(same, output_messages=INTERACTION.output_messages) == INTERACTION


def test_absent_texts_stay_absent() -> None:
    bare = Interaction(event_id="x", time=0, app="a")
    assert list(texts(bare)) == []
    assert replace_texts(bare, {"system": "x", "tenant": "x", "output:0": "x"}) == bare


def test_keys_that_become_the_same_stay_apart() -> None:
    """As two writings of one address do; an entry less would also give those after it another's name."""
    people = dataclasses.replace(INTERACTION, attributes={"j@x.io": "1", "J@x.io": "2", "other": "3"})
    changed = replace_texts(people, {"attribute_key:0": "[EMAIL_ADDRESS_1]", "attribute_key:1": "[EMAIL_ADDRESS_1]"})
    assert changed.attributes == {"[EMAIL_ADDRESS_1]": "1", "[EMAIL_ADDRESS_1]~1": "2", "other": "3"}


def test_identifiers_are_no_prose() -> None:
    prose = {field.partition(":")[0] for field, _ in texts(INTERACTION) if is_prose(field)}
    assert prose == {
        *("system", "error_message", "input", "output", "document", "tool_call", "tool_call_result"),
        *("prompt_variable", "attribute"),
    }


def test_the_names_are_safe_to_store() -> None:
    person = dataclasses.replace(INTERACTION, attributes={"mail of jane@example.com": "x"})
    assert "jane" not in json.dumps([field for field, _ in texts(person)])


@pytest.mark.parametrize("kind", ["String", "LowCardinality(String)", "Map(String, String)", "Array(String)"])
def test_a_string_of_which_nothing_is_said_is_prose(kind: str) -> None:
    """Then it is redacted, if for nothing."""
    assert _marks(Column("new", kind)) == {"new": Text("prose", "new")}
    assert _marks(Column("new", "Nullable(UInt64)")) == {}
