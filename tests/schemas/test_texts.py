from __future__ import annotations

import dataclasses
import json

import pytest

from tests.schemas.samples import INTERACTION
from watchline.schemas.columns import Column, Text
from watchline.schemas.records import Interaction
from watchline.schemas.texts import _rules, is_prose, replace_texts, strings, texts


def test_every_string_of_an_interaction_is_named() -> None:
    """One that is forgotten would be stored as it came."""
    named = [text for _, text, _ in strings(INTERACTION)]
    plain = dataclasses.asdict(INTERACTION)
    del plain["source"]  # one of its schema's four
    assert sorted(named) == sorted(text for value in plain.values() for text in _strings(value))


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        # Keys of dataclasses are field names; of maps they are the app's.
        own = {"role", "content", "name", "arguments", "result", "id", "score", "message", "type"}
        return [text for key, item in value.items() for text in ([] if key in own else [key]) + _strings(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _strings(item)]
    return []


def test_every_named_string_can_be_replaced() -> None:
    changed = {field: f"new {number}" for number, (field, _, _) in enumerate(strings(INTERACTION))}
    assert {field: text for field, text, _ in strings(replace_texts(INTERACTION, changed))} == changed


def test_what_is_empty_is_null_where_it_may_be() -> None:
    changed = replace_texts(INTERACTION, {"tenant": "", "app": "", "conversation_id": ""})
    assert (changed.tenant, changed.conversation_id, changed.app) == (None, None, "")


def test_a_version_in_a_map_is_not_searched() -> None:
    attributes = {"app.version": "1.2.0.4", "client": "1.2.0.4", "tool_version": "that of jane@example.com"}
    event = dataclasses.replace(INTERACTION, attributes=attributes)
    assert [text for field, text in texts(event) if field.startswith("attribute:")] == [*attributes.values()][1:]


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
        *("prompt_variable", "attribute", "input_part", "output_part"),
    }


def test_the_names_are_safe_to_store() -> None:
    person = dataclasses.replace(INTERACTION, attributes={"mail of jane@example.com": "x"})
    assert "jane" not in json.dumps([field for field, _, _ in strings(person)])


@pytest.mark.parametrize("kind", ["String", "LowCardinality(String)", "Map(String, String)", "Array(String)"])
def test_a_string_of_which_nothing_is_said_is_prose(kind: str) -> None:
    """Then it is redacted, if for nothing."""
    assert _rules(Column("new", kind)) == (("new", "new", Text("prose", "new")),)
    assert _rules(Column("new", "Nullable(UInt64)")) == ()
