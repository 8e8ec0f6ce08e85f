"""Any text as SQL: allowed or refused by QueryError, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.streams.query.test_run import HOSTILE
from watchline.streams.query.policy import QueryError, check, views

_WORDS = st.sampled_from(
    """SELECT FROM WHERE WITH AS UNION ALL GROUP BY ORDER LIMIT SETTINGS FORMAT INTO OUTFILE ARRAY JOIN FINAL SAMPLE
    PREWHERE IN NOT BETWEEN CASE WHEN THEN ELSE END INTERVAL DISTINCT ON USING EXCEPT WINDOW OVER PARTITION ROWS
    INSERT DROP USE SHOW EXPLAIN ALTER CREATE arrayMap count lower file url toDate map tuple x -> :: . , ; ( ) (( )) [ ]
    { } ? : := = == <> < > + - * / % || && ! ~ @ @@ # -- /* */ $$ $a$ ' " ` '' \\' 0x 1e 1e9 1.5.5 NULL NaN inf true
    x'ff' v_interactions v_findings v_coverage system.one {p:String} {file} e'\\' b'2'""".split()  # noqa: SIM905
)
_soup = st.lists(_WORDS | st.text(max_size=4), max_size=25).map(" ".join)


def refused(sql: str) -> bool:
    """Whether it is; any error but QueryError fails the test."""
    try:
        assert check(sql) == sql
    except QueryError as error:
        assert str(error)
        return True
    return False


@given(st.text(max_size=60))
def test_any_text(sql: str) -> None:
    refused(sql)


@given(_soup, st.sampled_from(["", "SELECT ", "SELECT * FROM v_coverage WHERE ", "WITH x AS (SELECT 1) SELECT "]))
@example("(" * 3_000, "SELECT ")
@example("[" * 3_000, "SELECT ")
@example("- " * 3_000 + "1", "SELECT ")
@example("NOT " * 3_000 + "1", "SELECT ")
@example("1" + " + 1" * 3_000, "SELECT ")
@example("CASE WHEN " * 1_000, "SELECT ")
@example("\0", "SELECT ")
@example("'\ud800'", "SELECT ")
def test_words_in_any_order(sql: str, before: str) -> None:
    refused(before + sql)


@given(st.sampled_from(HOSTILE), st.data())
def test_what_is_hostile_stays_refused_with_spaces_and_comments(statement: str, data: st.DataObject) -> None:
    """Where it says the same with other white space between its words, or in other letters' case."""
    space = data.draw(st.sampled_from([" ", "\n", "\t", "  ", " \r\n", " /**/ "]))
    sql = statement.replace("{file}", "/etc/hostname").replace(" ", space)
    assert refused(sql)


def test_a_view_can_be_read() -> None:
    assert not any(refused(f"SELECT * FROM {view} LIMIT 1") for view in views())


@pytest.mark.slow
def test_no_accepted_statement_reads_outside_the_views() -> None:
    """The engine judges, in a process whose user may read the views only: see tests/fuzz/policy.py."""
    pytest.importorskip("chdb")
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.policy", "400", "--seed", "2"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "statements=400 " in done.stdout and "read_outside=0" in done.stdout
