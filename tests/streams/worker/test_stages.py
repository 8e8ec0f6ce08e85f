from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detectors.grounding.answers import NO_CLAIM
from tests.faults.noop_worker import NoOp
from tests.schemas.samples import INTERACTION, TIME
from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.pii.entities import Entity
from watchline.detectors.pii.redactor import Redactor
from watchline.detectors.runtime.text import unreadable
from watchline.detectors.scorer import Scored, Scorer
from watchline.schemas import codec, records
from watchline.schemas.codec import encode
from watchline.schemas.errors import Kind, PoisonError
from watchline.schemas.pseudonyms import pseudonym
from watchline.schemas.records import Interaction, InteractionBatch
from watchline.schemas.records import Message as RecordMessage
from watchline.schemas.texts import RedactedInteraction, is_prose, texts
from watchline.schemas.validation import DAY
from watchline.streams.app_budget import AppBudget, AppBudgets
from watchline.streams.clickhouse.sink import Rejected, Table
from watchline.streams.dead_letters import WHOLE_MESSAGE, table
from watchline.streams.kafka.topics import MAX_RECORD_BYTES
from watchline.streams.messages import Message, ScoredEvent, kafka_time
from watchline.streams.worker.batch import end_of_batch
from watchline.streams.worker.prices import Prices
from watchline.streams.worker.scoring.part import Part, ScoredPart, letters, result, together
from watchline.streams.worker.stages import decode, publish, redact, score, store
from watchline.streams.worker.stages.decode import Decode
from watchline.streams.worker.stages.enrich import Enrich
from watchline.streams.worker.stages.redact import Redact
from watchline.streams.worker.stages.score import Score
from watchline.streams.worker.stages.shed import Shed

PRODUCER = "01935c3e-7a00-7000-8000-0000000000ff"
BAD = dataclasses.replace(INTERACTION, event_id="42")


def message(*events: Interaction, offset: int = 0, value: bytes | None = None) -> Message:
    batch = InteractionBatch(producer_id=PRODUCER, first_sequence=40, dropped=2, interactions=events)
    return Message("raw", "id", 0, offset, TIME, encode(batch) if value is None else value)


def test_one_bad_event_costs_itself() -> None:
    unpacked = decode.unpack(message(INTERACTION, BAD, INTERACTION))
    assert [event.index for event in unpacked.events] == [0, 2]
    assert unpacked.apps == dict.fromkeys(range(3), INTERACTION.app)
    (letter,) = unpacked.dead
    assert (letter.index, letter.event_id, letter.offset, letter.app) == (1, "", 0, INTERACTION.app)
    assert (letter.kind, letter.field) == ("invalid", "event_id")
    alone = codec.decode(letter.value, InteractionBatch)
    assert (alone.producer_id, alone.first_sequence, alone.dropped) == (PRODUCER, 41, 2)
    assert [event.event_id for event in alone.interactions] == [BAD.event_id]


@pytest.mark.parametrize("timestamp_s", [-0.001, 0.0, 1.5, 1e12, float("inf")])
def test_a_time_that_the_sender_made_up_can_be_stored(timestamp_s: float) -> None:
    """Topics of ours bear the broker's time. A letter with a time that no datetime can hold would stop the worker."""
    came = dataclasses.replace(message(value=b"junk"), time=kafka_time(timestamp_s))
    (row,) = table(decode.unpack(came).dead).rows
    assert 1970 <= row.values[0].year <= 2100
    assert kafka_time(1.5) == 1_500_000


def test_a_wrong_clock_costs_no_event_and_the_same_message_is_the_same_row_again() -> None:
    """Also one that is sent back, later and twice: its time is Kafka's of the message that died."""
    ahead = dataclasses.replace(INTERACTION, time=TIME + 10 * DAY, cost=-1.0)
    came = message(ahead)
    (event,) = decode.unpack(came).events
    assert (event.interaction.time, event.interaction.cost) == (TIME, None)
    assert (event.origin.sent_time, event.origin.invalid_fields) == (ahead.time, ("time", "cost"))
    letter = event.dead_letter(PoisonError(Kind.REDACTION, "redaction failed"))
    assert codec.decode(letter.value, InteractionBatch).interactions == (ahead,)
    for later in (TIME + DAY, TIME + 2 * DAY):
        sent_back = dataclasses.replace(came, offset=9, time=later, value=letter.value, replay_of=letter)
        assert [again.interaction for again in decode.unpack(sent_back).events] == [event.interaction]
    forged = dataclasses.replace(letter, time=TIME + 100 * DAY)
    (again,) = decode.unpack(dataclasses.replace(came, replay_of=forged)).events
    assert again.interaction.time == TIME
    part = scored_part(came)
    assert part.invalid_fields == {(INTERACTION.app, "time"): 1, (INTERACTION.app, "cost"): 1}
    row = dict(zip(part.interactions.columns, part.interactions.rows[0].values, strict=True))
    assert (row["time"], row["sent_time"], row["invalid_fields"]) == (TIME, ahead.time, ("time", "cost"))


def test_a_report_by_a_wrong_clock_is_stored_with_kafkas_time() -> None:
    batch = InteractionBatch(
        producer_id=PRODUCER, first_sequence=9, dropped=2, time=TIME + 2 * DAY, app="bot", interactions=()
    )
    part = scored_part(message(value=encode(batch)))
    assert [row.values[1] for row in part.reports.rows] == [TIME]
    assert part.invalid_fields == {("bot", "time"): 1}


def test_undecodable_bytes_are_kept_as_they_are() -> None:
    unpacked = decode.unpack(message(value=b"junk"))
    assert (unpacked.events, unpacked.apps) == ([], {WHOLE_MESSAGE: ""})
    assert unpacked.dead[0].value == b"junk" and unpacked.dead[0].app == ""
    assert (unpacked.dead[0].index, unpacked.dead[0].kind) == (-1, "undecodable")


def test_an_envelope_without_events_or_with_a_bad_producer_is_kept_as_it_is() -> None:
    """Its events would be refused one by one by ClickHouse's client, which logs the value that it refuses."""
    value = encode(InteractionBatch(producer_id="jane@example.com", first_sequence=0, interactions=(INTERACTION,)))
    reasons = "interactions: there are none", "producer_id: not a UUID"
    for came, reason in zip((message(), message(value=value)), reasons, strict=True):
        unpacked = decode.unpack(came)
        assert (unpacked.events, unpacked.apps) == ([], {WHOLE_MESSAGE: ""})
        (letter,) = unpacked.dead
        assert (letter.index, letter.reason, letter.value) == (-1, reason, came.value)


def test_a_sequence_number_at_its_end_costs_the_message_and_not_the_worker() -> None:
    """The second event's own number would be no long: writing its dead letter raised, at every start again."""
    batch = InteractionBatch(producer_id=PRODUCER, first_sequence=(1 << 63) - 1, interactions=(INTERACTION, BAD))
    unpacked = decode.unpack(message(value=encode(batch)))
    assert [letter.index for letter in unpacked.dead] == [-1]


def test_a_report_of_drops_is_no_event() -> None:
    batch = InteractionBatch(producer_id=PRODUCER, first_sequence=9, dropped=2, time=TIME, interactions=())
    unpacked = decode.unpack(message(value=encode(batch)))
    assert (unpacked.events, unpacked.dead, unpacked.apps, unpacked.report) == ([], [], {}, batch)
    assert decode.unpack(message(INTERACTION)).report is None


def test_a_report_is_stored_without_what_only_an_app_can_have_written() -> None:
    reasons = {"buffer full": 1, "joe@example.org": 2, "my name is margaret thornbury": 3, "bad value: joe": 4}
    batch = InteractionBatch(
        producer_id=PRODUCER, first_sequence=9, app="joe@example.org", environment="eu", time=TIME, dropped_by=reasons,
        interactions=(),
    )  # fmt: skip
    part = Decode().run(Part([message(value=encode(batch))]))
    part = Redact(Redactor(pseudonym_key="a key")).run(part)
    (row,) = result(part, [], worker="w", stages={}, lookups={}).reports.rows
    assert {"buffer full": 1, "other": 9} in row.values and pseudonym("joe@example.org", "a key") in row.values
    assert "margaret" not in repr(row) and "joe" not in repr(row)
    assert (part.dead_letters, part.replaced) == ([], {("app", "pseudonym"): 1})


def test_a_report_that_clickhouse_refuses_is_a_dead_letter() -> None:
    batch = InteractionBatch(producer_id=PRODUCER, first_sequence=9, dropped=2, time=TIME, interactions=())
    scored = scored_part(message(INTERACTION), message(value=encode(batch), offset=7))
    refused = store.store(
        scored, lambda table: [Rejected(0, "code 53")] if table.name == "producer_reports" and table.rows else []
    )
    assert {place: (error.kind, str(error)) for place, error in refused.items()} == {
        (0, 7, WHOLE_MESSAGE): ("refused", "row refused: code 53")
    }


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 12))
def test_batches_hold_every_message_once_and_no_more_bytes_than_allowed(sizes: list[int], limit: int) -> None:
    messages = [message(value=b"x" * size, offset=offset) for offset, size in enumerate(sizes)]
    cut, start = [], 0
    while start < len(messages):
        end = end_of_batch(messages, start, limit)
        cut.append(messages[start:end])
        start = end
    assert [each for batch in cut for each in batch] == messages
    assert all(len(batch) == 1 or sum(len(each.value) for each in batch) <= limit for batch in cut)


class Failing(PersonalData):
    """Fails at what one app says."""

    def find(self, texts: Sequence[str], prose: Sequence[bool]) -> list[tuple[Entity, ...]]:
        if "unreadable" in texts:
            raise RuntimeError
        return super().find(texts, prose)


def test_what_could_not_be_redacted_is_a_dead_letter_and_goes_no_further() -> None:
    unreadable = dataclasses.replace(INTERACTION, error_message="unreadable")
    redacted, dead = redact.redact(decode.unpack(message(INTERACTION, unreadable)).events, Redactor(Failing()))
    assert [event.origin.index for event in redacted] == [0]
    assert [(letter.index, letter.kind, letter.reason) for letter in dead] == [(1, "redaction", "redaction failed")]
    (alone,) = codec.decode(dead[0].value, InteractionBatch).interactions
    assert alone == unreadable


def test_nothing_of_the_text_that_came_is_left_after_redaction() -> None:
    mail = "jane.doe@example.com"
    came = dataclasses.replace(INTERACTION, tenant=mail, output_messages=(records.Message("assistant", mail),))
    redacted, _ = redact.redact(decode.unpack(message(came)).events, Redactor())
    assert mail not in repr(redacted) and mail not in repr(score.score(redacted, Scorer()))


def test_what_has_waited_too_long_in_kafka_is_shed() -> None:
    old, new = message(INTERACTION), dataclasses.replace(message(INTERACTION), time=TIME + 5)
    events = [event for each in (old, new, old) for event in decode.unpack(each).events]
    redacted, _ = redact.redact(events, Redactor(enabled=False))
    for shed_before, shed in ((0.0, []), (TIME, []), (TIME + 1, [0, 2]), (TIME + 6, [0, 1, 2])):
        scored = score.score(redacted, Scorer([NoOp()]), shed_before=shed_before)
        decisions = [item.scored.findings[0].decision for item in scored]
        assert decisions == ["shed" if index in shed else "evaluated" for index in range(3)]


def test_a_cost_is_looked_up_where_the_app_does_not_say_it() -> None:
    said = dataclasses.replace(INTERACTION, cost=0.25)
    looked_up = dataclasses.replace(INTERACTION, cost=None, input_audio_tokens=None, output_audio_tokens=None)
    unknown = dataclasses.replace(looked_up, request_model="mine", response_model=None)
    part = Decode().run(Part([message(said, looked_up, unknown)]))
    part = Enrich(Prices()).run(Redact(Redactor(enabled=False)).run(part))
    costs = [(event.redacted.interaction.cost, event.origin.price_version) for event in part.redacted]
    assert costs[0] == (0.25, "") and costs[2] == (None, "")
    assert costs[1][0] == pytest.approx(702 * 2.5e-6 + 100 * 1.25e-6 + 10 * 2.5e-6 + 64 * 10e-6)
    assert costs[1][1] == Prices().version


def answered(text: str, *finish_reasons: str, **event: object) -> Interaction:
    changes = {"finish_reasons": finish_reasons, "tool_calls": (), "error_type": None, "cancelled": False, **event}
    return dataclasses.replace(INTERACTION, output_messages=(RecordMessage("assistant", text),), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("interaction", "expected"),
    [
        (answered("The total is 12 euros.", "stop"), False),
        (answered("I'm sorry, but I can't help with that.", "stop"), True),
        (answered("The documents don't mention a fee. Please contact our support."), True),
        (answered("The documents don't mention a fee. Returns are free within 30 days."), False),
        (answered("The total", "content_filter"), True),
        (answered("", "content-filter"), True),
        (answered("", "SAFETY"), True),
        (answered("", "guardrail_intervened", error_type="blocked"), True),
        (answered("I can't help with that.", "tool_calls"), None),
        (answered("I can't help with that.", error_type="timeout"), None),
        (answered(" ", "stop"), None),
        (answered("I can't help with that. " * 1_000), False),  # no refusal is so long
    ],
)
def test_the_monitors_are_told_what_is_refused(interaction: Interaction, expected: bool | None) -> None:
    (record,) = scored_part(message(interaction)).records
    assert record.value is not None
    (item,) = codec.decode(record.value, records.FindingBatch).items
    assert item.refused is expected


def test_the_monitors_are_told_what_an_event_can_be_told_apart_by() -> None:
    (event,) = decode.unpack(message(dataclasses.replace(INTERACTION, document_set="kb-7"))).events
    reasons = {"toxicity": unreadable("Wo ist denn hier der Bahnhof?"), "bias": "mentions no group"}
    findings = tuple(
        records.Finding(
            event_id=PRODUCER, detector=name, detector_version="a", decision="not_applicable", reason=reason
        )
        for name, reason in reasons.items()
    )
    for found, language in ((findings, "de"), (findings[1:], None), ((), None)):
        scored = dataclasses.replace(scored_as_it_is(event.interaction), findings=found)
        (batch,) = publish.finding_batches([ScoredEvent(event.origin, scored)])
        (item,) = batch.items
        assert (item.system_fingerprint, item.document_set, item.language) == ("fp_1", "kb-7", language)


@pytest.mark.parametrize("answer", NO_CLAIM["refusal"])
def test_a_refusal_in_any_words_is_one(answer: str) -> None:
    (record,) = scored_part(message(answered(answer))).records
    assert record.value is not None
    (item,) = codec.decode(record.value, records.FindingBatch).items
    assert item.refused or answer in ("No answer found.", "Unanswerable.", "N/A")  # which name no one who can't


def test_the_monitors_are_told_of_steps_and_of_what_nobody_waited_for() -> None:
    step, gone = answered("", "tool_calls"), answered("The total", cancelled=True)
    (record,) = scored_part(message(step, gone, answered("It is 12."))).records
    assert record.value is not None
    items = codec.decode(record.value, records.FindingBatch).items
    assert [(item.is_step, item.cancelled) for item in items] == [(True, False), (False, True), (False, False)]


def test_what_is_over_budget_keeps_its_numbers_and_loses_its_texts_before_redaction() -> None:
    budgets = AppBudgets(AppBudget(events_per_s=0.1), {})
    other = dataclasses.replace(INTERACTION, app="other")
    part = Part([message(INTERACTION, INTERACTION, other)])
    for stage in (Decode(), Shed(budgets), Redact(Redactor()), Score(Scorer([NoOp()]), batch_size=2)):
        part = stage.run(part)
    assert [event.origin.over_budget for event in part.scored] == [False, True, False]
    kept, shed, _ = part.scored
    assert [(each.scored.findings[0].decision, each.scored.findings[0].reason) for each in (kept, shed)] == [
        ("evaluated", None),
        ("shed", "budget"),
    ]
    left = shed.scored.interaction
    assert not any(is_prose(name) for name, _ in texts(left)) and (left.input, left.output) == ("", "")
    for name in ("event_id", "time", "app", "tenant", "request_model", "latency_s", "cost", "input_tokens", "subject"):
        assert getattr(left, name) == getattr(kept.scored.interaction, name)
    assert result(part, [], worker="w", stages={}, lookups={}).over_budget == {INTERACTION.app: 1}


def test_a_report_of_personal_data_is_no_verdict_on_what_is_over_budget() -> None:
    """The redactor reports what it found in the few identifiers that are left."""
    (event,) = decode.unpack(message(INTERACTION)).events
    redacted, _ = redact.redact([dataclasses.replace(event, over_budget=True), event], Redactor())
    assert [bool(each.redacted.reports) for each in redacted] == [False, True]


def test_what_clickhouse_refuses_is_named_by_where_it_came_from() -> None:
    came = message(INTERACTION, INTERACTION, INTERACTION, offset=7)
    scored = scored_part(came)
    written: dict[str, int] = {}

    def write(table: Table) -> list[Rejected]:
        written[table.name] = len(table.rows)
        return {"findings": [Rejected(2, "code 6")], "interactions": [Rejected(1, "code 53")]}.get(table.name, [])

    refused = store.store(scored, write)
    assert written == {"findings": 3, "interactions": 2, "producer_reports": 0}
    assert {place: str(error) for place, error in refused.items()} == {
        (0, 7, 1): "row refused: code 53",
        (0, 7, 2): "row refused: code 6",
    }
    (record,) = publish.without(scored.records, refused)
    assert record.value is not None and record.key == scored.records[0].key
    assert [item.raw_index for item in codec.decode(record.value, records.FindingBatch).items] == [0]
    assert publish.without(scored.records, {(0, 7, index) for index in range(3)}) == []
    (letter,) = letters(Decode().run(Part([came], range(1, 2))), refused[0, 7, 1]).dead_letters
    assert (letter.kind, letter.reason, letter.offset, letter.index) == ("refused", "row refused: code 53", 7, 1)
    assert codec.decode(letter.value, InteractionBatch).first_sequence == 41


def scored_part(*messages: Message, indices: range | None = None) -> ScoredPart:
    """What the stages of the scoring process make of messages."""
    part = Part(messages, indices)
    for stage in (Decode(), Redact(Redactor(enabled=False)), Score(Scorer([NoOp()]), batch_size=2)):
        part = stage.run(part)
    return result(part, publish.finding_records(part.scored), worker="w", stages={"score": 1.0}, lookups={})


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.data())
def test_parts_together_are_what_the_whole_gives(sizes: list[int], data: st.DataObject) -> None:
    late = dataclasses.replace(INTERACTION, time=0)
    messages = [message(*[INTERACTION, BAD, late, BAD, INTERACTION][:size], offset=7 * offset)
                for offset, size in enumerate(sizes)]  # fmt: skip
    cut = data.draw(st.integers(0, len(messages) - 1))
    inside = data.draw(st.integers(0, sizes[cut]))
    parts = [scored_part(*messages[:cut])] if cut else []
    parts += [
        scored_part(messages[cut], indices=range(inside)),
        scored_part(messages[cut], indices=range(inside, sizes[cut])),
    ]
    parts += [scored_part(*messages[cut + 1 :])] if messages[cut + 1 :] else []
    whole, again = scored_part(*messages), together(parts)
    for name in ("places", "owners", "apps", "events", "canaries_sent", "failed", "flagged", "severe"):
        assert getattr(again, name) == getattr(whole, name), name
    for name in ("invalid_fields", "shed_events"):
        assert getattr(again, name) == getattr(whole, name), name
    for name in ("interactions", "reports", "canaries"):
        assert getattr(again, name) == getattr(whole, name), name
    assert [row.key for row in again.findings.rows] == [row.key for row in whole.findings.rows]
    assert [letter.key for letter in again.dead_letters] == [letter.key for letter in whole.dead_letters]
    items = [
        [item.raw_index for record in of.records for item in codec.decode(record.value, records.FindingBatch).items]
        for of in (whole, again)
    ]
    assert items[0] == items[1]


def scored_as_it_is(interaction: Interaction) -> Scored:
    return Scored(RedactedInteraction(interaction), (), {}, {}, np.empty(0, np.float32))


@pytest.mark.parametrize("prompt_name", ["answer", None])
def test_finding_batches_are_keyed_and_in_order(prompt_name: str | None) -> None:
    changed = dataclasses.replace(INTERACTION, prompt_name=prompt_name)
    other = dataclasses.replace(INTERACTION, app="other", prompt_name=prompt_name)
    unpacked = decode.unpack(message(changed, other, changed, offset=7))
    scored = [ScoredEvent(event.origin, scored_as_it_is(event.interaction)) for event in unpacked.events]
    first, second = publish.finding_batches(scored)
    assert (first.app, first.prompt_name, [item.raw_index for item in first.items]) == (
        "support-bot",
        prompt_name,
        [0, 2],
    )
    assert (second.app, [item.raw_offset for item in second.items]) == ("other", [7])
    assert codec.decode(encode(first), type(first)) == first


def test_a_batch_that_is_too_large_for_kafka_is_split_in_order() -> None:
    unpacked = decode.unpack(message(*[INTERACTION] * 9))
    scored = [ScoredEvent(event.origin, scored_as_it_is(event.interaction)) for event in unpacked.events]
    (batch,) = publish.finding_batches(scored)
    whole = len(encode(batch))
    assert list(publish.encode_within(batch, whole)) == [encode(batch)]
    parts = list(publish.encode_within(batch, whole // 3))
    assert len(parts) > 2
    assert all(len(part) <= whole // 3 for part in parts)
    assert [item.raw_index for part in parts for item in codec.decode(part, type(batch)).items] == list(range(9))
    assert list(publish.encode_within(batch, 1)) == []


def test_findings_that_kafka_would_refuse_are_left_out_of_their_topic_and_nothing_else_is() -> None:
    """By a name that is no name: it stands in the key too. The worker ended, at every start again."""
    odd = dataclasses.replace(INTERACTION, prompt_name="p" * 500_000)
    part = scored_part(message(odd, dataclasses.replace(INTERACTION, event_id=PRODUCER)))
    assert len(part.interactions.rows) == 2
    (record,) = part.records
    assert record.value is not None and len(record.value) + len(record.key or b"") < MAX_RECORD_BYTES
    assert [item.event_id for item in codec.decode(record.value, records.FindingBatch).items] == [PRODUCER]
