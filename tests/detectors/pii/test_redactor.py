"""The stage: one outcome for each interaction, its report, and that it fails closed and alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.detectors.redacted import redacted
from watchline.detectors.base import Evaluation, NotApplicable
from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.pii.redaction import Redacted
from watchline.detectors.pii.redactor import Redactor
from watchline.schemas.errors import Kind, PoisonError
from watchline.schemas.records import Interaction, Message
from watchline.schemas.texts import texts

pytestmark = pytest.mark.slow

MAIL = "jane.doe@example.com"


def event(text: str, **fields: Any) -> Interaction:
    return Interaction(
        event_id="0193b6c5-0000-7000-8000-000000000000",
        time=1,
        app="test",
        input_messages=(Message("user", text),) if text else (),
        **fields,
    )


class Failing(PersonalData):
    """Fails where a text says so, and quotes it."""

    def find(self, texts: Sequence[str], prose: Sequence[bool]) -> Any:
        if any("secret words" in text for text in texts):
            raise RuntimeError(f"cannot read {texts}")
        return super().find(texts, prose)


@pytest.fixture(scope="module")
def finder() -> PersonalData:
    return PersonalData()


@pytest.mark.parametrize("text", ["Mail {}.", "Schreiben Sie mir an {}.", "Напишите на {} завтра.", "请发到 {}。"])
def test_redaction_asks_for_no_language(finder: PersonalData, text: str) -> None:
    [found] = redacted([event(text.format(f"{MAIL}, 4111 1111 1111 1111"))], Redactor(finder))
    assert found.interaction.input == text.format("[EMAIL_ADDRESS_1], [CREDIT_CARD_1]")


def test_the_report_is_about_the_placeholders_in_the_text_that_goes_on(finder: PersonalData) -> None:
    found, nothing, empty = redacted([event(f"I am {MAIL}."), event("What is it?"), event("")], Redactor(finder))
    report = found.reports["pii"]
    assert isinstance(report, Evaluation) and report.scores["EMAIL_ADDRESS"] > 0.9
    fields = dict(texts(found.interaction))
    assert [fields[span.field][span.start : span.end] for span in report.spans] == ["[EMAIL_ADDRESS_1]"]
    assert found.counts == {"EMAIL_ADDRESS": 1} and found.seconds > 0
    assert nothing.reports["pii"] == PersonalData.evaluation(nothing.interaction, {}, ())
    assert empty.reports["pii"] == NotApplicable("no text")


def test_where_redaction_fails_only_that_event_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        first, second, third = Redactor(Failing()).redact([event(MAIL), event("my secret words"), event("fine")])
    assert isinstance(first, Redacted) and first.interaction.input == "[EMAIL_ADDRESS_1]"
    assert isinstance(third, Redacted) and third.interaction.input == "fine"
    assert isinstance(second, PoisonError)
    assert (second.kind, str(second)) == (Kind.REDACTION, "redaction failed")
    assert "secret words" not in caplog.text and "RuntimeError" in caplog.text


def test_a_comment_is_redacted_as_one_text(finder: PersonalData) -> None:
    assert Redactor(finder).redact_text(f"ask {MAIL}") == "ask [EMAIL_ADDRESS_1]"
    assert Redactor(finder).redact_text("") == ""
    with pytest.raises(PoisonError, match=r"^redaction failed$") as error:
        Redactor(Failing()).redact_text("my secret words")
    assert error.value.kind is Kind.REDACTION


def test_switched_off_it_passes_everything_on_and_reports_nothing() -> None:
    redactor = Redactor(enabled=False)
    (found,) = redacted([event(MAIL)], redactor)
    assert (found.interaction, dict(found.reports), found.counts) == (event(MAIL), {}, {})
    assert redactor.redact_text(MAIL) == MAIL


def test_the_interaction_of_the_caller_is_left_alone(finder: PersonalData) -> None:
    given = event(MAIL, attributes={"mail": MAIL})
    before = replace(given, attributes=dict(given.attributes))
    redacted([given], Redactor(finder))
    assert given == before


def test_no_interactions(finder: PersonalData) -> None:
    assert Redactor(finder).redact([]) == []
