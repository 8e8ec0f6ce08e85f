"""What analysts ask passes the SQL policy and runs; what the policy doesn't know is refused, with what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from watchline.streams.query import run as query
from watchline.streams.query.functions import FUNCTIONS
from watchline.streams.query.policy import QueryError, check

ANALYSTS = Path(__file__).with_name("analysts.sql").read_text(encoding="utf-8").split(";\n")[:-1]


@pytest.mark.parametrize("sql", ANALYSTS)
def test_what_analysts_ask_runs(sql: str, reader: Any) -> None:
    assert query.run(reader, sql, database=reader.test_database).columns


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT * FROM v_coverage FINAL", "FINAL isn't allowed here, and not needed"),
        ("SELECT * FROM v_coverage SAMPLE 0.1", "SAMPLE isn't allowed here: leave it out"),
        ("WITH (x -> x) AS f SELECT 1", "a lambda can only be an argument of a function"),
        ("WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a", "RECURSIVE isn't allowed here: leave it out"),
        ("SELECT * FROM (v_coverage JOIN v_findings USING detector)", "only a view or a subquery can be read here"),
        ("SELECT * FROM v_coverage AS v PIVOT (max(missing) FOR detector IN ('a'))", "isn't allowed here"),
        ("SELECT map(1)", "its parser fails at it"),
        ("SELECT * FROM LATERAL (SELECT 1) AS a", "isn't allowed here"),
        ("SELECT 1 IN v_coverage, detector AS v_coverage FROM v_findings", "give one of them another name"),
    ],
)
def test_what_is_not_known_is_refused_with_what_to_do(sql: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        check(sql)


# What the engine files under these and is pure nonetheless.
OTHER = set(
    """bar countDigits formatReadableDecimalSize formatReadableQuantity formatReadableSize formatReadableTimeDelta
    identity ignore materialize minSampleSizeContinuous minSampleSizeConversion normalizedQueryHash
    normalizedQueryHashKeepNames toColumnTypeName toTypeName
    transform variantElement variantType _CAST caseWithExpression""".split()  # noqa: SIM905
)
OUTSIDE = ("AI", "Dictionary", "Embedded Dictionary", "Introspection", "Machine Learning", "Time Series")


def test_allowed_functions_are_of_families_that_touch_their_arguments_only(reader: Any) -> None:
    """Of this engine: a later one may file a new function under a name that is allowed."""
    rows = reader.query(
        "SELECT name, categories FROM system.functions WHERE NOT is_aggregate AND alias_to = ''"
    ).result_rows
    allowed = {name: family for name, family in rows if FUNCTIONS.fullmatch(name.lower())}
    assert len(allowed) > 800
    assert {name for name, family in allowed.items() if family in ("Other", "Internal", "")} == OTHER
    assert not {name for name, family in allowed.items() if family in OUTSIDE}


def test_every_allowed_function_is_known_to_the_parser(reader: Any) -> None:
    """Of this parser: a later one may make a new class of a function."""
    names = [row[0] for row in reader.query("SELECT name FROM system.functions").result_rows]
    arguments = ("", "1", "1, 'UInt8'", "1, 2, 3", "x -> x, [1]", "'day', 1, 2")
    for name in (name for name in names if FUNCTIONS.fullmatch(name.lower())):
        assert any(_accepted(f"SELECT {name}({values})") for values in arguments), name


def _accepted(sql: str) -> bool:
    try:
        check(sql)
    except QueryError:
        return False
    return True
