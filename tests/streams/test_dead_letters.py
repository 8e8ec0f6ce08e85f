from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from watchline.schemas.errors import FatalError
from watchline.streams.dead_letters import MIN_EVENTS_FOR_RATIO, WHOLE_MESSAGE, Brake, DeadLetter, table
from watchline.streams.sink import Sink

LETTER = DeadLetter("raw", "id1", 2, 7, WHOLE_MESSAGE, 1_767_225_600_000_000, b"the text of a person", "bad magic")


def test_the_table_never_holds_the_text(clickhouse: Callable[..., Any]) -> None:
    client = clickhouse("letters")
    sink = Sink(lambda: client, 5)
    for _ in range(2):  # a redelivery
        assert sink.write(table([LETTER])) == []
    rows = client.query("SELECT * EXCEPT stored_at FROM v_dead_letters").result_rows
    assert len(rows) == 1
    assert rows[0][1:] == ("raw", "id1", 2, 7, -1, "", "bad magic", 20, LETTER.sha256)
    assert "person" not in str(rows)


def test_headers_say_where_it_came_from() -> None:
    assert LETTER.headers["watchline-partition"] == b"2"
    assert LETTER.headers["watchline-offset"] == b"7"
    assert LETTER.headers["watchline-reason"] == b"bad magic"


def test_brake_stops_at_poison_in_a_row() -> None:
    brake = Brake(max_consecutive=3, max_ratio=1.0)
    brake.count("raw", 0, [True, True, False, True, True])
    brake.count("raw", 1, [True])  # another partition counts for itself
    with pytest.raises(FatalError, match=r"3 dead letters in a row in raw\[0\].*MAX_CONSECUTIVE"):
        brake.count("raw", 0, [True])


def test_brake_stops_at_a_high_share() -> None:
    brake = Brake(max_consecutive=10**6, max_ratio=0.25)
    brake.count("raw", 0, [False, False, True, False] * (MIN_EVENTS_FOR_RATIO // 4))
    with pytest.raises(FatalError, match="MAX_RATIO"):
        brake.count("raw", 0, [True] * 10)


def test_a_few_bad_ones_at_the_start_do_not() -> None:
    Brake(max_consecutive=1000, max_ratio=0.01).count("raw", 0, [True] * 100)
