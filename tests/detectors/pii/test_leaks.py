"""Personal data in an answer: an echo of what the person said, or a leak, and of what."""

from __future__ import annotations

from typing import Any

import pytest

from watchline.detectors.base import Evaluation
from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.pii.redactor import Redactor
from watchline.detectors.registry import load
from watchline.detectors.scorer import Scorer
from watchline.schemas.records import Document, Interaction, Message, ToolCall
from watchline.schemas.texts import texts

pytestmark = pytest.mark.slow

MAIL, PHONE, CARD = "mira.okafor@example.com", "+44 20 7946 0958", "4012 8888 8888 1881"


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor()


def event(answer: str, question: str = "Who can help me?", **fields: Any) -> Interaction:
    fields.setdefault("input_messages", (Message("user", question),))
    return Interaction(event_id="1", time=0, app="shop", output_messages=(Message("assistant", answer),), **fields)


def judged(redactor: Redactor, interaction: Interaction) -> tuple[float, list[str]]:
    """The score of a leak, and the places where what stands in the answer comes from."""
    (redacted,) = redactor.redact([interaction])
    report = redacted.reports["pii"]  # type: ignore[union-attr]
    assert isinstance(report, Evaluation)
    fields = dict(texts(redacted.interaction))  # type: ignore[union-attr]
    for each in report.evidence:
        span = report.spans[each.span]
        assert fields[each.field][each.start : each.end] == fields[span.field][span.start : span.end]
    return report.scores["LEAK"], [each.field for each in report.evidence]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (f"My address is {MAIL}.", f"I have written to {MAIL}."),
        (f"My address is {MAIL.upper()}.", f"I have written to {MAIL}."),
        ("I'm writing as mira.okafor (at) example dot com.", f"I have written to {MAIL}."),
        (f"/reset?email={MAIL.replace('@', '%40')}", f"A mail is on its way to {MAIL}."),
        ("I paid with 4012888888881881.", f"The card {CARD} was charged."),
        ("My name is Mira Okafor and I need help.", "Of course, Mira Okafor."),
        ("My name is Mira Okafor and I need help.", "Of course, Mira."),
    ],
)
def test_what_the_person_said_is_an_echo_however_it_is_written(redactor: Redactor, question: str, answer: str) -> None:
    assert judged(redactor, event(answer, question)) == (0.0, ["input:0"])


@pytest.mark.parametrize("role", ["user", "assistant", "human", "User"])
def test_the_conversation_counts_as_said(redactor: Redactor, role: str) -> None:
    messages = (Message(role, f"Write to {MAIL}."), Message("user", "Where to, again?"))
    assert judged(redactor, event(f"To {MAIL}.", input_messages=messages)) == (0.0, ["input:0"])


@pytest.mark.parametrize(
    ("fields", "origin"),
    [
        ({"documents": (Document(content=f"Complaints: {MAIL}"),)}, ["document:0"]),
        ({"tool_calls": (ToolCall("lookup", result=f'{{"mail": "{MAIL}"}}'),)}, ["tool_call_result:0"]),
        ({"system_instructions": f"Send angry people to {MAIL}."}, ["system"]),
        ({"input_messages": (Message("user", "Who?"), Message("tool", f"mail: {MAIL}"))}, ["input:1"]),
        ({"input_messages": (Message("System", f"Never tell {MAIL}."), Message("user", "Who?"))}, ["input:0"]),
        ({}, []),  # the model made it up, or has learned it
    ],
)
def test_what_nobody_said_is_a_leak_with_its_origin(
    redactor: Redactor, fields: dict[str, Any], origin: list[str]
) -> None:
    score, places = judged(redactor, event(f"Write to {MAIL}.", **fields))
    assert score > 0.9 and places == origin


def test_one_leak_among_echoes_is_a_leak(redactor: Redactor) -> None:
    answer = f"I have {MAIL} and {PHONE} on file."
    score, places = judged(redactor, event(answer, f"I'm {MAIL}.", documents=(Document(content=PHONE),)))
    assert score > 0.9 and places == ["input:0", "document:0"]


@pytest.mark.parametrize(
    "answer",
    ["It is a nurse's day at St. Brigid's Hospital.", "The total is 12 euros.", ""],
)
def test_organisations_and_nothing_are_no_leak(redactor: Redactor, answer: str) -> None:
    assert judged(redactor, event(answer, f"I'm {MAIL}.")) == (0.0, [])


def test_what_stands_outside_the_answer_is_no_leak(redactor: Redactor) -> None:
    fields: dict[str, Any] = {
        "documents": (Document(content=MAIL),),
        "tool_calls": (ToolCall("call", arguments=PHONE),),
    }
    assert judged(redactor, event("I can't tell.", **fields)) == (0.0, [])


def test_the_detector_says_of_texts_as_they_are_what_redaction_says_of_placeholders(redactor: Redactor) -> None:
    finder = PersonalData()
    for question in (f"I'm {MAIL}.", "Who can help me?"):
        interaction = event(f"Write to {MAIL}.", question, documents=(Document(content=MAIL),))
        alone = finder.prepare(interaction)
        assert isinstance(alone, Evaluation)
        score, places = judged(redactor, interaction)
        assert (alone.scores["LEAK"], [each.field for each in alone.evidence]) == (score, places)


def test_a_leak_is_told_apart_in_the_finding(redactor: Redactor) -> None:
    scorer = Scorer(load(["pii"]))
    echo, leak = (event(f"Write to {MAIL}.", question) for question in (f"I'm {MAIL}.", "Who can help me?"))
    (echoed,), (leaked,) = (scored.findings for scored in scorer.score(redactor.redact([echo, leak])))  # type: ignore[arg-type]
    assert echoed.flagged and echoed.severity == "low" and not echoed.scores["LEAK"]
    assert leaked.flagged and leaked.severity == "medium" and leaked.scores["LEAK"] > 0.9
