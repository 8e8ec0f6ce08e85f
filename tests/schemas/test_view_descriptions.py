"""The views are described as they are: every column, its type, and what it means; each row that is a moment has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import watchline.schemas
from watchline.schemas.views import views

ROOM = Path(watchline.schemas.__path__[0])


@pytest.fixture(scope="module")
def client(clickhouse: Callable[..., Any]) -> Any:
    return clickhouse("views")


def test_every_view_is_described_and_no_other() -> None:
    text = (ROOM / "clickhouse" / "views.sql").read_text(encoding="utf-8")
    assert set(views()) == set(re.findall(r"CREATE OR REPLACE VIEW (\w+)", text))


@pytest.mark.parametrize("name", views())
def test_columns_are_described_as_they_are(name: str, client: Any) -> None:
    described = client.query(f"DESCRIBE {client.test_database}.{name}").result_rows
    engine = {row[0]: re.sub(r"\n\s*", " ", row[1]).replace("( ", "(") for row in described}
    assert {column.name: column.type for column in views()[name].columns} == engine
    assert len(views()[name].columns) == len(engine)
    assert not [column.name for column in views()[name].columns if not column.comment]


@pytest.mark.parametrize("name", views())
def test_every_view_has_a_time(name: str) -> None:
    assert "time" in {column.name for column in views()[name].columns if "DateTime" in column.type}


def test_the_readme_says_the_same() -> None:
    readme = (ROOM / "README.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| `(v_\w+)` \| (.+) \|$", readme, re.M)) == {
        name: view.one_row_for for name, view in views().items()
    }
