# ruff: noqa: RUF001

from __future__ import annotations

import random
import re
import time
from itertools import pairwise

import pytest

from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.pii.entities import Entity, resolve
from watchline.detectors.pii.redaction import MAX_VALUES, Redacted, TooMuchError, redact, redact_text
from watchline.schemas.records import Document, Interaction, Message, ToolCall
from watchline.schemas.texts import texts

MAIL = "jane.doe@example.com"


def interaction(**fields: object) -> Interaction:
    return Interaction(event_id="0193b6c5-0000-7000-8000-000000000000", time=1, app="test", **fields)  # type: ignore[arg-type]


def redacted(event: Interaction, **found: tuple[str, str]) -> Redacted:
    """Redacts with, for each field (written with `__` for `:`), one entity given by its text and type."""
    entities = {}
    fields = dict(texts(event))
    for name, (surface, type_) in found.items():
        field = name.replace("__", ":")
        start = fields[field].index(surface)
        entities[field] = [Entity(start, start + len(surface), type_, 0.9)]
    return redact(event, entities)


def test_the_same_value_gets_the_same_placeholder_in_every_field() -> None:
    event = interaction(
        tenant=f"acme/{MAIL}",
        input_messages=(Message("user", f"I am {MAIL}."),),
        output_messages=(Message("assistant", f"Hello {MAIL.upper()}, not john@example.com"),),
        documents=(Document(f"see {MAIL}", id=MAIL),),
        tool_calls=(ToolCall("mail", arguments=f'{{"to": "{MAIL}"}}', result=f"sent to {MAIL}", id=f"call-{MAIL}"),),
        prompt_variables={MAIL: MAIL},
        attributes={"user": MAIL},
        finish_reasons=(MAIL,),
    )
    result = redacted(event, input__0=(MAIL, "EMAIL_ADDRESS"), output__0=("john@example.com", "EMAIL_ADDRESS"))
    assert MAIL not in repr(result.interaction).lower()
    assert result.interaction.output == "Hello [EMAIL_ADDRESS_1], not [EMAIL_ADDRESS_2]"
    assert result.interaction.prompt_variables == {"[EMAIL_ADDRESS_1]": "[EMAIL_ADDRESS_1]"}
    assert result.counts == {"EMAIL_ADDRESS": 13}
    fields = dict(texts(result.interaction))
    for span in result.spans:
        assert fields[span.field][span.start : span.end] in ("[EMAIL_ADDRESS_1]", "[EMAIL_ADDRESS_2]")


@pytest.mark.parametrize(
    ("type_", "surface", "elsewhere"),
    [
        ("PERSON", "Jane Doe", "chat_jane.doe-7"),
        ("PERSON", "Jane Doe", "JANE  DOE"),
        ("PHONE_NUMBER", "(415) 555-0123", "tel 4155550123"),
        ("CREDIT_CARD", "4111 1111 1111 1111", "card=4111-1111-1111-1111"),
        ("EMAIL_ADDRESS", MAIL, "Ｊane.doe＠example.com"),
        ("SECRET", "sk-abc123", "key sk-abc123"),
    ],
)
def test_what_the_finder_missed_elsewhere_is_replaced_too(type_: str, surface: str, elsewhere: str) -> None:
    event = interaction(input_messages=(Message("user", f"It's {surface}."),), conversation_id=elsewhere)
    result = redacted(event, input__0=(surface, type_))
    assert f"[{type_}_1]" in (result.interaction.conversation_id or "")
    assert result.counts == {type_: 2}


def test_a_short_value_is_not_looked_for_elsewhere() -> None:
    event = interaction(
        input_messages=(Message("user", "I am Al."),), output_messages=(Message("assistant", "Al. also."),)
    )
    assert redacted(event, input__0=("Al", "PERSON")).interaction.output == "Al. also."


def test_a_part_of_a_name_is_the_same_person() -> None:
    event = interaction(
        input_messages=(Message("user", "I am Jane Doe, of Will Python."),),
        output_messages=(Message("assistant", "Hi Jane! Will Mrs. Doe use Python? Doesn't she?"),),
    )
    result = redacted(event, input__0=("Jane Doe", "PERSON"))
    assert result.interaction.output == "Hi [PERSON_1]! Will Mrs. [PERSON_1] use Python? Doesn't she?"


def test_numbers_go_on_after_placeholders_that_stand_there() -> None:
    event = interaction(input_messages=(Message("user", f"[EMAIL_ADDRESS_4] is not {MAIL}"),))
    assert (
        redacted(event, input__0=(MAIL, "EMAIL_ADDRESS")).interaction.input
        == "[EMAIL_ADDRESS_4] is not [EMAIL_ADDRESS_5]"
    )


def test_an_organisation_is_left_in_place_and_reported_where_it_then_stands() -> None:
    event = interaction(input_messages=(Message("user", f"{MAIL} works at Acme Ltd, {MAIL} said. Acme Ltd!"),))
    text = event.input
    start = text.index("Acme Ltd")
    found = [Entity(0, len(MAIL), "EMAIL_ADDRESS", 0.9), Entity(start, start + 8, "ORGANIZATION", 0.7)]
    result = redact(event, {"input:0": found})
    redacted = result.interaction.input
    assert redacted == "[EMAIL_ADDRESS_1] works at Acme Ltd, [EMAIL_ADDRESS_1] said. Acme Ltd!"
    assert result.counts == {"EMAIL_ADDRESS": 2}
    assert [redacted[s.start : s.end] for s in result.spans if s.label == "ORGANIZATION"] == ["Acme Ltd"]


def test_an_organisation_hides_no_name() -> None:
    event = interaction(input_messages=(Message("user", "I am Jane Doe, of the Jane Doe Foundation."),))
    start = event.input.index("Jane Doe Foundation")
    found = [Entity(5, 13, "PERSON", 0.8), Entity(start, start + 19, "ORGANIZATION", 0.99)]
    assert redact(event, {"input:0": found}).interaction.input == "I am [PERSON_1], of the [PERSON_1] Foundation."


def test_nothing_found_changes_nothing() -> None:
    event = interaction(input_messages=(Message("user", "What is a dict?"),))
    result = redact(event, {})
    assert (result.interaction, result.spans, result.counts) == (event, (), {})


def test_overlaps_keep_the_longest_and_cover_all() -> None:
    text = "Jane Doe Smith, 12 Oak Street"
    entities = [Entity(0, 8, "PERSON", 0.8), Entity(5, 29, "ADDRESS", 0.8), Entity(0, 4, "PERSON", 0.9)]
    assert resolve(text, entities) == [Entity(0, 4, "PERSON", 0.8), Entity(5, 29, "ADDRESS", 0.8)]


def test_entities_of_a_resolved_text_never_overlap() -> None:
    chance = random.Random(1)
    text = "".join(chance.choices("ab ,", k=40))
    for _ in range(500):
        starts = [chance.randrange(39) for _ in range(6)]
        entities = [Entity(start, min(40, start + chance.randint(1, 14)), "PERSON", 0.8) for start in starts]
        kept = resolve(text, entities)
        assert all(one.end <= other.start for one, other in pairwise(kept))
        assert max(entities, key=lambda entity: (entity.end - entity.start, -entity.start)) in kept


@pytest.mark.slow
def test_hostile_text_takes_no_quadratic_time() -> None:
    """Four times the text, less than eight times the processor's time."""
    finder = PersonalData()
    texts = {"digits": "12-3 4567 89-0 ", "entities": "Maria 4012888888881881 a@b.com ", "one word": "1-"}
    for name, unit in texts.items():
        times = []
        for size in (4_000, 16_000):
            text = (unit * size)[:size]
            started = time.process_time()
            (found,) = finder.find([text], [False])
            resolve(text, found)
            times.append(time.process_time() - started)
        assert times[1] < 8 * max(times[0], 0.05), (name, times)


def test_more_personal_data_than_can_be_replaced_is_no_redaction() -> None:
    text = " ".join(f"user{number}@example.com" for number in range(MAX_VALUES + 1))
    found = [Entity(match.start(), match.end(), "EMAIL_ADDRESS", 0.9) for match in re.finditer(r"\S+", text)]
    with pytest.raises(TooMuchError):
        redact_text(text, found)


def test_one_text() -> None:
    assert redact_text(f"mail {MAIL}", [Entity(5, 25, "EMAIL_ADDRESS", 0.9)]) == "mail [EMAIL_ADDRESS_1]"
