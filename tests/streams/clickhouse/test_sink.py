from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from watchline.schemas.errors import FatalError, TransientError
from watchline.schemas.validation import DAY
from watchline.streams.clickhouse.sink import MAX_PARTITIONS, Sink, deduplication_token
from watchline.streams.clickhouse.tables import Row, Table

Connect = Callable[..., Any]


MONTH = 31 * DAY


def table(numbers: list[Any], *, apart: int = 0) -> Table:
    """`apart`: microseconds between the times of rows whose numbers follow one another."""
    rows = [Row([n, f"v{n}"], str(n), n * apart if apart else 0) for n in numbers]
    return Table("t", ("id", "value"), rows)


@pytest.fixture
def client(clickhouse: Connect) -> Any:
    client = clickhouse("sink")
    client.command(
        "CREATE TABLE t (id UInt32, value String, CONSTRAINT small CHECK id < 1000) ENGINE = MergeTree ORDER BY id "
        "SETTINGS non_replicated_deduplication_window = 100"
    )
    return client


def sink(client: Any, timeout_s: float = 5) -> Sink:
    return Sink(lambda: client, timeout_s, pause=lambda seconds: None)


def stored(client: Any) -> list[int]:
    return [row[0] for row in client.query("SELECT id FROM t ORDER BY id").result_rows]


def test_rows_arrive(client: Any) -> None:
    assert sink(client).write(table([3, 1, 2])) == []
    assert stored(client) == [1, 2, 3]


def test_nothing_is_nothing(client: Any) -> None:
    assert sink(client).write(table([])) == []


class Text(str):
    """A string that can be watched."""


def test_what_was_written_is_let_go_of_without_the_garbage_collector(client: Any) -> None:
    """It looks seldom, and a batch may be megabytes."""
    texts = [Text("large") for _ in range(3)]
    watched = [weakref.ref(text) for text in texts]
    rows = Table("t", ("id", "value"), [Row([n, text], str(n), 0) for n, text in enumerate(texts)])
    gc.disable()
    try:
        sink(client).write(rows)
        del texts, rows
        assert [text() for text in watched] == [None, None, None]
    finally:
        gc.enable()


def test_the_same_rows_again_count_once_in_any_order(client: Any) -> None:
    for numbers in ([1, 2, 3], [1, 2, 3], [3, 2, 1]):
        sink(client).write(table(numbers))
    assert stored(client) == [1, 2, 3]


def test_other_rows_are_not_taken_for_the_same(client: Any) -> None:
    sink(client).write(table([1, 2]))
    sink(client).write(table([4, 5]))
    assert stored(client) == [1, 2, 4, 5]


@pytest.mark.parametrize("bad", [5000, "not a number", -1])
def test_a_row_that_cannot_be_stored_costs_only_itself(client: Any, bad: Any) -> None:
    """5000 is refused by the engine, the others by the client before any byte is sent."""
    rejected = sink(client).write(table([1, 2, bad, 4]))
    assert [each.index for each in rejected] == [2]
    assert str(bad) not in rejected[0].reason
    assert stored(client) == [1, 2, 4]


def test_all_rows_bad(client: Any) -> None:
    assert [each.index for each in sink(client).write(table([2000, 3000]))] == [0, 1]


class Flaky:
    """A mock: chDB has no network to fail. Raises what a lost connection raises, then does as the real client."""

    def __init__(self, client: Any, failures: int, *, after: bool = False) -> None:
        self.client, self.failures, self.after = client, failures, after

    def insert(self, **arguments: Any) -> Any:
        if self.failures and not self.after:
            self.failures -= 1
            raise ConnectionResetError
        answer = self.client.insert(**arguments)
        if self.failures:
            self.failures -= 1
            raise ConnectionResetError
        return answer

    def create_insert_context(self, *arguments: Any, **named: Any) -> Any:
        return self.client.create_insert_context(*arguments, **named)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("after", [False, True], ids=["before it is applied", "after it is applied"])
def test_a_lost_connection_is_tried_again(client: Any, after: bool) -> None:
    assert sink(Flaky(client, 3, after=after)).write(table([1, 2])) == []
    assert stored(client) == [1, 2]


def test_a_lasting_failure_ends_in_a_transient_error(client: Any) -> None:
    with pytest.raises(TransientError):
        sink(Flaky(client, 10**6), timeout_s=0.1).write(table([1]))
    assert stored(client) == []


def test_who_is_told_to_stop_tries_no_more(client: Any) -> None:
    sink_ = sink(Flaky(client, 10**6), timeout_s=3600)
    tries = iter((False, False, True))
    sink_.stopping = lambda: next(tries)
    with pytest.raises(TransientError):
        sink_.write(table([1]))


def test_a_missing_table_is_fatal(client: Any) -> None:
    with pytest.raises(FatalError, match="nothing_like_it"):
        sink(client).write(Table("nothing_like_it", ("id",), [Row([1], "1")]))


def test_a_missing_column_is_no_rows_fault(client: Any) -> None:
    with pytest.raises(FatalError, match=r"table t lacks columns of this version: run `watchline migrate`"):
        sink(client).write(Table("t", ("id", "of_a_later_version"), [Row([1, "v1"], "1"), Row([2, "v2"], "2")]))


def test_an_insert_over_many_months_is_split(clickhouse: Connect) -> None:
    """More than 100 partitions in one insert is an error that would come again for ever."""
    client = clickhouse("months")
    client.command("CREATE TABLE t (id UInt32, value String) ENGINE = MergeTree ORDER BY id PARTITION BY id")
    numbers = list(range(3 * MAX_PARTITIONS))
    assert sink(client).write(table(numbers, apart=MONTH)) == []
    assert stored(client) == numbers


def test_token_depends_on_table_and_rows_only() -> None:
    assert deduplication_token("t", ["a", "b"]) == deduplication_token("t", ["b", "a"])
    different = {
        deduplication_token(*each) for each in (("t", ["a", "b"]), ("u", ["a", "b"]), ("t", ["ab"]), ("t", ["a"]))
    }
    assert len(different) == 4
