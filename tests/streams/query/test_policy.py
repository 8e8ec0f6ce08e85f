"""What analysts ask passes the SQL policy and runs; what the policy doesn't know is refused, with what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from watchline.streams.query import run as query

ANALYSTS = Path(__file__).with_name("analysts.sql").read_text(encoding="utf-8").split(";\n")[:-1]


@pytest.mark.parametrize("sql", ANALYSTS)
def test_what_analysts_ask_runs(sql: str, reader: Any) -> None:
    assert query.run(reader, sql, database=reader.test_database).columns
