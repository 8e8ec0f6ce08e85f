"""Where long texts are cut: of a value that stands across the cut nothing is left, and the end of the text stays."""

from __future__ import annotations

import json

import pytest

from watchline.detectors.grounding.truncation import is_cut
from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.pii.redaction import redact
from watchline.schemas.records import Document, Interaction, Message
from watchline.schemas.texts import CUT
from watchline.streams.producer import truncation
from watchline.streams.producer.truncation import truncate

LIMIT = 8_192  # in place of 256 KiB, so that every offset can be tried
VALUES = {
    "card": "4111111111111111",
    "card in groups": "4111 1111 1111 1111",
    "card with dashes": "4111-1111-1111-1111",
    "card on lines": "4111\n1111\n1111\n1111",
    "IBAN": "DE89370400440532013000",
    "IBAN in groups": "GB29 NWBK 6016 1331 9268 19",
    "small IBAN in groups": "gb29 nwbk 6016 1331 9268 19",
    "e-mail": "ann.smith+shop@mail.example-shop.com",
    "phone": "+49 (0)30 1234-5678",
    "MAC": "00:1b:ff:ee:aa:bb",
}
FILLERS = {
    "sentences": ("We looked at the order. ", " It was sent on Monday."),
    "words": ("order ", " order"),
    "short words": ("no it is so ", " no it is so"),
    "lines": ("a line of text\n", "\na line of text"),
    "other script": ("Größe über Straße. ", " Größe über Straße."),
    "JSON": ('{"name":"none","id":7},', ',{"id":7,"name":"none"}'),
    "CSV of numbers": ("17,18,19\n20,", ",17,18\n19,20"),
    "one run of letters": ("x", "x"),
}


def repeated(text: str, size: int) -> str:
    """A text over and over, of so many bytes."""
    return (text * (size // len(text) + 1)).encode()[:size].decode("utf-8", "replace").replace("\ufffd", "x")


def across(value: str, filler: tuple[str, str], offset: int, *, at_head: bool) -> str:
    """A text of three times the limit with a value across a cut: `offset` of its characters before it."""
    before, after = filler
    half = (LIMIT - len(CUT)) // 2
    if at_head:
        return repeated(before[::-1], half - offset)[::-1] + value + repeated(after, 3 * LIMIT)
    return repeated(before[::-1], 3 * LIMIT)[::-1] + value + repeated(after, half - (len(value) - offset))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(truncation, "FIELD_LIMIT", LIMIT)


def cut(text: str) -> str:
    interaction = Interaction(event_id="e", time=1, app="test", input_messages=(Message("user", text),))
    result = truncate(interaction)
    assert result.truncated == {"input:0": len(text.encode())}
    assert len(result.input.encode()) <= LIMIT and result.input.count(CUT) == 1
    return result.input


@pytest.mark.parametrize("filler", FILLERS)
@pytest.mark.parametrize("kind", VALUES)
def test_nothing_is_left_of_a_value_across_a_cut_at_every_offset(kind: str, filler: str) -> None:
    value = VALUES[kind]
    if filler == "one run of letters" and not value.replace(" ", "").isdecimal():
        return  # in the midst of letters nothing takes it for a value, cut or not
    for offset in range(1, len(value)):
        for at_head in (True, False):
            head, _, end = cut(across(value, FILLERS[filler], offset, at_head=at_head)).partition(CUT)
            for size in range(3, len(value)):
                assert not head.endswith(value[:size]), (at_head, offset, head[-60:])
                assert not end.startswith(value[-size:]), (at_head, offset, end[:60])


@pytest.mark.slow
@pytest.mark.parametrize("digits", [8, 12, 15])
def test_the_worker_stores_no_part_of_a_card_that_was_cut(digits: int) -> None:
    value = "4111 1111 1111 1111"
    offset = digits + (digits - 1) // 4  # with the blanks
    text = cut(across(value, FILLERS["sentences"], offset, at_head=True))
    interaction = Interaction(event_id="e", time=1, app="test", input_messages=(Message("user", text),))
    detector = PersonalData()
    (found,) = detector.find([text], [True])
    stored = redact(interaction, {"input:0": found}).interaction.input
    assert "4111" not in stored and "1111" not in stored


def test_the_question_at_the_end_of_a_long_prompt_stays() -> None:
    text = cut("Answer from the text. " + "Much of it is here. " * 2_000 + "What is the total?")
    assert text.startswith("Answer from the text. ") and text.endswith("What is the total?")


def test_little_is_lost_beside_what_has_to_be() -> None:
    text = cut("It was sent on Monday. " * 2_000)
    assert len(text) > LIMIT - 200
    head, _, end = text.partition(CUT)
    assert head.endswith("Monday.") and end.startswith("It was")


def test_detectors_know_a_text_without_its_middle() -> None:
    assert is_cut(cut("It was sent on Monday. " * 2_000))
    assert is_cut(cut(json.dumps([{"name": "none"}] * 2_000)))


def test_many_texts_that_have_to_be_short_are_cut_whole() -> None:
    documents = tuple(
        Document(f"Order 4111 1111 1111 1111 of customer {number} was sent. " * 20) for number in range(1_000)
    )
    result = truncate(Interaction(event_id="e", time=1, app="test", documents=documents))
    assert sum(len(document.content.encode()) for document in result.documents) <= truncation.EVENT_LIMIT
    for document in result.documents:
        head = document.content.partition(CUT)[0]
        assert not head.endswith(("4111", "1111 1111", "4111 1111"))
    assert len(result.truncated) == 1_000
