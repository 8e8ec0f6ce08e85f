"""What takes the place of personal data is as the app's policy says, and what is judged of an event stays the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchline.detectors.base import Evaluation
from watchline.detectors.pii.detector import PLACEHOLDER
from watchline.detectors.pii.entities import Entity
from watchline.detectors.pii.policy import FIELDS, Policy, Treatment, actions
from watchline.detectors.pii.redaction import Redacted, redact, redact_text
from watchline.schemas.errors import ConfigurationError
from watchline.schemas.records import Interaction, Message

ASKED, ANSWERED = "I am Jane Doe, jane@example.com.", "Jane, ask Max Moe at jane@example.com."
EVENT = Interaction(
    event_id="1",
    time=0,
    app="shop",
    input_messages=(Message("user", ASKED),),
    output_messages=(Message("assistant", ANSWERED),),
)
FOUND = {
    "input:0": [Entity(5, 13, "PERSON", 0.9), Entity(15, 31, "EMAIL_ADDRESS", 0.9)],
    "output:0": [Entity(10, 17, "PERSON", 0.8)],
}


def redacted(**of: str) -> Redacted:
    return redact(EVENT, FOUND, treatment=Treatment(actions(json.dumps(of)) if of else {}, "a key"))


def texts(outcome: Redacted) -> tuple[str, str]:
    event = outcome.interaction
    return event.input_messages[0].content, event.output_messages[0].content


def report(outcome: Redacted) -> Evaluation:
    evaluation = outcome.reports["pii"]
    assert isinstance(evaluation, Evaluation)
    return evaluation


def test_a_pseudonym_is_the_same_wherever_the_value_comes_and_says_nothing_of_it() -> None:
    asked, answered = texts(redacted(**{"*": "pseudonym"}))
    email = PLACEHOLDER.findall(asked) and asked[asked.index("[EMAIL") : -1]
    assert email and answered.endswith(f"{email}.")
    jane = asked[len("I am ") : asked.index(", ")]
    assert answered.startswith(f"{jane}, ask [PERSON:")  # a word of the name is the person
    other = redact_text(
        "JANE@example.com",
        [Entity(0, 16, "EMAIL_ADDRESS", 0.9)],
        None,
        Treatment({"text": "pseudonym"}, "a key"),
        "text",
    )
    assert other == email
    assert texts(redact(EVENT, FOUND, treatment=Treatment({"*": "pseudonym"}, "another key")))[0] != asked
    assert not any(word in asked + answered for word in ("Jane", "Doe", "jane", "Max"))


def test_a_field_has_its_own_and_the_others_are_numbered() -> None:
    asked, answered = texts(redacted(input="pseudonym"))
    assert answered == "[PERSON_1], ask [PERSON_2] at [EMAIL_ADDRESS_1]." and "[PERSON:" in asked


def test_what_is_dropped_is_gone_and_counted() -> None:
    outcome = redacted(input="drop")
    assert texts(outcome) == ("", "[PERSON_1], ask [PERSON_2] at [EMAIL_ADDRESS_1].")
    assert outcome.counts == {"PERSON": 2, "EMAIL_ADDRESS": 1, "DROPPED": 1}
    assert texts(redacted(**{"*": "drop", "output": "mask"})) == texts(outcome)


@pytest.mark.parametrize(
    "of", [{}, {"*": "pseudonym"}, {"input": "pseudonym"}, {"output": "pseudonym"}, {"input": "drop"}]
)
def test_what_is_judged_does_not_depend_on_the_policy(of: dict[str, str]) -> None:
    """An echo stays an echo where question and answer are treated otherwise; places are those of what is stored."""
    plain, outcome = redacted(), redacted(**of)
    assert report(outcome).scores == report(plain).scores
    fields = dict(zip(("input:0", "output:0"), texts(outcome), strict=True))
    assert report(outcome).spans == outcome.spans
    for span in outcome.spans:
        match = PLACEHOLDER.fullmatch(fields[span.field][span.start : span.end])
        assert match is not None and match[1] == span.label
    for each in report(outcome).evidence:
        assert outcome.spans[each.span].field == "output:0" and each.field == "input:0"
        assert PLACEHOLDER.fullmatch(fields[each.field][each.start : each.end])
    assert len(report(outcome).evidence) == (0 if of == {"input": "drop"} else 2)


def test_an_environment_goes_before_its_app() -> None:
    policy = Policy({"shop": {"input": "pseudonym", "output": "drop"}, "shop/test": {"input": "mask"}}, "a key")
    assert [policy.treatment("shop", "live").of(field) for field in ("input:0", "output:1", "system")] == [
        "pseudonym",
        "drop",
        "mask",
    ]
    assert [policy.treatment("shop", "test").of(field) for field in ("input:0", "output:1")] == ["mask", "drop"]
    assert policy.treatment("other", "live").of("input:0") == "mask"


@pytest.mark.parametrize(
    "text", ["", "{}", '{"apps": []}', '{"apps": {"shop": {}}}', '{"apps": {"shop": {"input": "no"}}}']
)
def test_a_policy_that_can_not_be_read_is_not_guessed_at(text: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    with pytest.raises(ConfigurationError, match="cannot read the redaction policy"):
        Policy.read(file, "a key")
    file.write_text(text)
    with pytest.raises(ConfigurationError, match="is no redaction policy"):
        Policy.read(file, "a key")


def test_pseudonyms_without_a_key_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="WATCHLINE_PSEUDONYM_KEY is not set"):
        Policy({"shop": {"input": "pseudonym"}})


def test_the_fields_are_those_that_are_searched() -> None:
    assert {"input", "output", "system", "document", "tool_call", "attribute", "comment"} <= {*FIELDS}
