from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from watchline.schemas.errors import Kind, PoisonError
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.dead_letters import WHOLE_MESSAGE, DeadLetter, sent_back, table
from watchline.streams.kafka import replay
from watchline.streams.messages import Message

TOPIC_ID = "Kf3qVx1sQ7mPz0aT5cYbRw"
LETTER = DeadLetter(
    "raw", TOPIC_ID, 2, 7, WHOLE_MESSAGE, 1_767_225_600_000_000, b"the text of a person", Kind.UNDECODABLE, "bad magic"
)


def test_the_table_never_holds_the_text(clickhouse: Callable[..., Any]) -> None:
    client = clickhouse("letters")
    sink = Sink(lambda: client, 5)
    for _ in range(2):  # a redelivery
        assert sink.write(table([LETTER])) == []
    rows = client.query("SELECT * EXCEPT stored_at FROM v_dead_letters").result_rows
    assert len(rows) == 1
    assert rows[0][1:12] == (
        "raw",
        TOPIC_ID,
        2,
        7,
        -1,
        "",
        "undecodable",
        "",
        "bad magic",
        20,
        LETTER.sha256,
    )
    assert "person" not in str(rows)


def test_headers_say_where_it_came_from() -> None:
    assert LETTER.headers["watchline-partition"] == b"2"
    assert LETTER.headers["watchline-offset"] == b"7"
    assert LETTER.headers["watchline-kind"] == b"undecodable"
    assert LETTER.headers["watchline-reason"] == b"bad magic"


@pytest.mark.parametrize("kind", [None, b"of a later version", b""])
def test_a_letter_of_another_version_is_one_without_a_kind(kind: bytes | None) -> None:
    """The first letters had neither header; nothing is made of the words of their reason."""
    named = ("watchline-kind", "watchline-field")
    headers = {name: value for name, value in LETTER.headers.items() if name not in named}
    if kind is not None:
        headers["watchline-kind"] = kind
    letter = DeadLetter.from_message({**headers, "watchline-reason": b"row refused: cost"}, LETTER.value)
    assert letter is not None
    assert (letter.kind, letter.field, letter.key) == (Kind.UNCLASSIFIED, "", LETTER.key)
    assert letter.reason == "row refused: cost"


def test_a_letter_stored_before_letters_had_a_kind_is_unclassified(clickhouse: Callable[..., Any]) -> None:
    client = clickhouse("letters_before")
    client.command("INSERT INTO dead_letters (reason) VALUES ('row refused: ClickHouse code 53')")
    assert client.query("SELECT kind, field FROM v_dead_letters").result_rows == [("unclassified", "")]


def test_a_letter_is_known_by_its_headers() -> None:
    assert DeadLetter.from_message(LETTER.headers, LETTER.value) == LETTER
    assert DeadLetter.from_message(list(LETTER.headers.items()), LETTER.value) == LETTER
    for topic_id in ("+" + TOPIC_ID[1:], "/" + TOPIC_ID[1:], "-" + TOPIC_ID[1:], "_" + TOPIC_ID[1:]):
        letter = dataclasses.replace(LETTER, topic_id=topic_id)
        assert DeadLetter.from_message(letter.headers, letter.value) == letter


@pytest.mark.parametrize(
    "forged",
    [
        {"watchline-sha256": b"0" * 64},
        {"watchline-offset": b"-1"},
        {"watchline-offset": b"9" * 30},
        {"watchline-partition": b"4294967296"},
        {"watchline-index": b"one"},
        {"watchline-time": b"9" * 25},
        {"watchline-topic-id": b"\xff"},
        {"watchline-topic-id": b"jane@example.com"},
        {"watchline-topic-id": b"margaret thornbury"},
        {"watchline-topic-id": b""},
        {"watchline-event-id": b"jane@example.com"},
        {"watchline-kind": b"\xff"},
        *({name: None} for name in LETTER.headers),
    ],
)
def test_headers_of_others_make_no_letter(forged: dict[str, bytes]) -> None:
    """An app writes the raw topic, headers too."""
    assert DeadLetter.from_message({**LETTER.headers, **forged}, LETTER.value) is None
    assert DeadLetter.from_message(None, LETTER.value) is None
    without_ids = {**LETTER.headers, "watchline-topic-id": b"raw"}  # as of a broker that gives topics none
    assert DeadLetter.from_message(without_ids, LETTER.value) == dataclasses.replace(LETTER, topic_id="raw")
    elsewhere = SimpleNamespace(headers=list(LETTER.headers.items()), value=LETTER.value, topic="another")
    assert sent_back(elsewhere) is None


@pytest.mark.parametrize(("app", "stored"), [("support-bot", "support-bot"), ("jane@example.com", "")])
def test_the_table_has_an_app_only_where_it_is_a_name(app: str, stored: str) -> None:
    (row,) = table([dataclasses.replace(LETTER, app=app)]).rows
    assert row.values[-1] == stored and "jane" not in repr(row)


def test_what_dies_again_is_the_same_letter() -> None:
    again = Message("raw", "id2", 0, 99, LETTER.time + 10**9, LETTER.value, LETTER)
    bad_cost = PoisonError(Kind.INVALID, "negative", "cost")
    assert again.dead_letter(bad_cost) == dataclasses.replace(
        LETTER, kind=Kind.INVALID, reason="cost: negative", field="cost"
    )
    event = dataclasses.replace(LETTER, index=3)
    alone = dataclasses.replace(again, replay_of=event)
    died = alone.letter(0, b"encoded anew", bad_cost)
    assert (died.key, died.kind, died.field) == (event.key, Kind.INVALID, "cost")
    # A message that could not be decoded before, of which one event is bad: a letter of its own, from the same place.
    part = again.letter(2, b"one event", bad_cost, "an id")
    assert (part.kind, part.field, part.event_id) == (Kind.INVALID, "cost", "an id")
    assert (part.offset, part.index, part.time, part.value) == (LETTER.offset, 2, LETTER.time, b"one event")


def test_how_a_replay_went(clickhouse: Callable[..., Any]) -> None:
    """The latest time counts; a message is resolved when none of its events died."""
    client = clickhouse("replays")
    sink = Sink(lambda: client, 5)
    sink.write(table([LETTER]))

    def replayed(offset: int, events: int, died: list[DeadLetter]) -> None:
        message = Message("raw", "id2", 0, offset, LETTER.time + offset * 10**6, LETTER.value, LETTER)
        plain = dataclasses.replace(message, replay_of=None)
        sink.write(replay.table([(message, events), (plain, 5)], died))

    def outcome() -> Any:
        return client.query("SELECT replayed_at IS NULL, resolved FROM v_dead_letters").result_rows

    assert outcome() == [(1, 0)]
    replayed(1, 1, [LETTER])
    assert outcome() == [(0, 0)]
    replayed(2, 8, [dataclasses.replace(LETTER, index=5, value=b"one event")])
    assert outcome() == [(0, 0)]
    replayed(3, 8, [])
    replayed(3, 8, [])  # a redelivery
    assert outcome() == [(0, 1)]
    rows = client.query("SELECT stored, dead FROM dead_letter_replays FINAL").result_rows
    assert rows == [(8, 0)]
