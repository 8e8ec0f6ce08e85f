# ruff: noqa: RUF001

from __future__ import annotations

import dataclasses
import itertools
import random
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.pii.entities import Entity, resolve
from watchline.detectors.pii.redaction import Redacted, by_patterns, in_linear_time, redact, redact_text
from watchline.schemas.pseudonyms import Pseudonyms, pseudonym
from watchline.schemas.records import Document, Interaction, Message, ToolCall
from watchline.schemas.texts import texts

MAIL = "jane.doe@example.com"


def interaction(**fields: object) -> Interaction:
    return Interaction(event_id="0193b6c5-0000-7000-8000-000000000000", time=1, app="test", **fields)  # type: ignore[arg-type]


def redacted(event: Interaction, **found: tuple[str, str]) -> Redacted:
    """Redacts with, for each field (written with `__` for `:`), one entity given by its text and type."""
    event, _ = Pseudonyms().apply(event)  # as the redactor does
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
    assert result.interaction.prompt_variables == {"_OTHER": "[EMAIL_ADDRESS_1]"}
    assert result.counts == {"EMAIL_ADDRESS": 9}
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
    documents = (Document("", id=elsewhere),)
    event = interaction(input_messages=(Message("user", f"It's {surface}."),), documents=documents)
    result = redacted(event, input__0=(surface, type_))
    assert f"[{type_}_1]" in (result.interaction.documents[0].id or "")
    assert result.counts == {type_: 2}
    identified = interaction(input_messages=event.input_messages, conversation_id=elsewhere, response_id="r-1")
    kept = redacted(identified, input__0=(surface, type_)).interaction
    assert (kept.conversation_id, kept.response_id) == (None, "r-1")


def test_an_id_with_a_value_in_it_is_replaced_as_a_whole() -> None:
    """So two conversations stay two; the names of versions and of customers never depend on what a model finds."""
    event = interaction(
        input_messages=(Message("user", "I am Jane Doe."),),
        conversation_id="chat_jane.doe-7",
        response_id="r-1",
        tool_calls=(ToolCall("ask", id="call-7"), ToolCall("ask", id="call-jane-doe")),
        attributes={"Jane Doe": "x", "region": "eu"},
        tenant="Jane Doe Ltd",
        prompt_name="jane doe",
        request_model="jane-doe-7b",
    )
    entities = {"input:0": [Entity(5, 13, "PERSON", 0.9)]}
    result = redact(event, entities, Pseudonyms("a key"))
    other = redact(dataclasses.replace(event, conversation_id="chat_jane.doe-8"), entities, Pseudonyms("a key"))
    assert result.interaction.conversation_id == pseudonym("chat_jane.doe-7", "a key")
    assert other.interaction.conversation_id == pseudonym("chat_jane.doe-8", "a key")
    assert [call.id for call in result.interaction.tool_calls] == ["call-7", pseudonym("call-jane-doe", "a key")]
    assert result.interaction.attributes == {pseudonym("Jane Doe", "a key"): "x", "region": "eu"}
    assert (result.interaction.response_id, result.interaction.tenant) == ("r-1", "Jane Doe Ltd")
    assert (result.interaction.prompt_name, result.interaction.model) == ("jane doe", "jane-doe-7b")
    assert result.replaced == {
        ("conversation_id", "pseudonym"): 1,
        ("tool_call_id", "pseudonym"): 1,
        ("attribute_key", "pseudonym"): 1,
    }
    dropped = redact(event, entities).interaction
    assert (dropped.conversation_id, dropped.attributes) == (None, {"_OTHER": "x", "region": "eu"})


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
        assert times[1] < 10 * max(times[0], 0.05), (name, times)


def test_any_number_of_values_is_replaced_wherever_else_they_stand() -> None:
    addresses = [f"user{number}@example.com" for number in range(5_000)]
    names = [f"{first} {last}" for first in FIRST for last in LAST]
    phones = [f"+44 20 7946 {number:04}" for number in range(1_000, 2_000)]
    found_in = "\n".join([*addresses, *names, *phones])
    types = ["EMAIL_ADDRESS"] * len(addresses) + ["PERSON"] * len(names) + ["PHONE_NUMBER"] * len(phones)
    ends = [*itertools.accumulate(len(line) + 1 for line in found_in.split("\n"))]
    starts = [0, *ends[:-1]]
    entities = [Entity(start, end - 1, type_, 0.9) for start, end, type_ in zip(starts, ends, types, strict=True)]
    elsewhere = "mailto:USER4999@example.com?x chat_maria.lopez-7 and Lopez, (44)2079461999"
    event = interaction(
        input_messages=(Message("user", found_in),),
        documents=(Document("", id=elsewhere),),
        conversation_id="chat_maria.lopez-7",
        response_id="r-7",
    )
    redacted = redact(event, {"input:0": entities})
    assert (redacted.interaction.conversation_id, redacted.interaction.response_id) == (None, "r-7")
    assert redacted.interaction.documents[0].id == (
        "mailto:[EMAIL_ADDRESS_5000]?x chat_[PERSON_1]-7 and [PERSON_1], ([PHONE_NUMBER_1000]"
    )
    assert redacted.counts == {"EMAIL_ADDRESS": 5_001, "PERSON": len(names) + 2, "PHONE_NUMBER": 1_001}
    left = redacted.interaction.input
    assert "@" not in left and "Maria" not in left and "7946" not in left


FIRST = ("Maria", "Jane", "Ahmed", "Olga", "Kofi")
LAST = ("Lopez", "Novak", "Okafor", "Ivanova")
_SIGN = st.sampled_from(["", " ", "-", "_", " - ", "@", "x", "7"])
_VALUES = {
    "EMAIL_ADDRESS": ["a@b.co", "aa@b.co", "a@b.com", "xa@b.co"],
    "PERSON": ["jane doe", "jane", "doe smith", "jane doe smith", "strasse"],
    "PHONE_NUMBER": ["5550199", "50199", "0199", "15550199"],
    "IBAN_CODE": ["de5550199", "5550199"],
    "ADDRESS": ["abab", "bab"],
}
_PIECE = st.sampled_from([
    "a@b.co", "A@B.com", "Jane", "Doe", "smith", "555", "0199", "DE", "ab", "abab", "1", "Straße", "\u0130", "jane doe",
])  # fmt: skip
_TEXTS = st.lists(st.tuples(_PIECE, _SIGN), max_size=14)
_KEYS = st.sets(st.sampled_from([(type_, plain) for type_, values in _VALUES.items() for plain in values]), max_size=8)


@given(_TEXTS, _KEYS)
def test_many_values_are_found_wherever_a_pattern_for_each_finds_one(
    pieces: list[tuple[str, str]], values: set[tuple[str, str]]
) -> None:
    text = "".join(piece + sign for piece, sign in pieces)
    scores = dict.fromkeys(sorted(values), 0.9)
    one, other = ({*find(scores)(text)} for find in (by_patterns, in_linear_time))

    def covered(entities: set[Entity], type_: str) -> set[int]:
        return {place for each in entities if each.type == type_ for place in range(each.start, each.end)}

    for type_ in _VALUES:
        assert covered(one, type_) <= covered(other, type_)  # more only where a value overlaps with itself
    for entity in other - one:
        alone = {key: 0.9 for key in scores if key[0] == entity.type}
        assert any(
            (found.start, found.end) == (0, entity.end - entity.start)
            for found in by_patterns(alone)(text[entity.start : entity.end])
        )


@given(_TEXTS, _KEYS)
def test_only_values_that_stand_in_known_parts_alone_are_passed_over(
    pieces: list[tuple[str, str]], values: set[tuple[str, str]]
) -> None:
    text = "".join(piece + sign for piece, sign in pieces)
    find = by_patterns(dict.fromkeys(sorted(values), 0.9))
    everything = resolve(text, find(text))
    known = everything[::2]
    known_text = "\0".join(text[each.start : each.end] for each in known)
    covered = {place for each in known for place in range(each.start, each.end)}
    for passed_over in {*find(text)} - {*find(text, known_text)}:
        places = range(passed_over.start, passed_over.end)
        assert all(place in covered or not text[place].isalnum() for place in places)


def test_a_name_whose_pieces_are_known_alone_is_replaced_as_a_whole() -> None:
    """May is a word as well: it is no name where it stands alone."""
    event = interaction(
        input_messages=(Message("user", "I am Zora May."),),
        output_messages=(Message("assistant", "Thank you, Zora May!"),),
    )
    result = redacted(event, input__0=("Zora May", "PERSON"), output__0=("Zora", "PERSON"))
    assert "May" not in result.interaction.output


@pytest.mark.slow
def test_many_values_take_no_quadratic_time() -> None:
    """Four times as many, less than ten times the processor's time (sixteen were quadratic); nested ones too."""
    units: dict[str, tuple[str, Callable[[int], str]]] = {
        "different": ("EMAIL_ADDRESS", lambda number: f"u{number}@b.co"),
        "nested": ("EMAIL_ADDRESS", lambda number: "a" * (number % 500) + "@b.co"),
        "numbers": ("PHONE_NUMBER", lambda number: f"{10**9 + number}"),
        "names": ("PERSON", lambda number: f"Qx{number} Zy{number}"),
    }
    for name, (type_, make) in units.items():
        times = []
        for size in (5_000, 20_000):
            values = [make(number) for number in range(size)]
            starts = [0, *itertools.accumulate(len(each) + 1 for each in values)]
            found = [Entity(start, start + len(each), type_, 0.9) for start, each in zip(starts, values, strict=False)]
            enough = 10 * max(times[0], 0.05) if times else 0.0
            runs: list[float] = []
            while len(runs) < 3 and not (runs and min(runs) < enough):
                started = time.process_time()
                redact_text(" ".join(values), found)
                runs.append(time.process_time() - started)
            times.append(min(runs))
        assert times[1] < enough, (name, times)


def test_one_text() -> None:
    assert redact_text(f"mail {MAIL}", [Entity(5, 25, "EMAIL_ADDRESS", 0.9)]) == "mail [EMAIL_ADDRESS_1]"
