"""A data folder of an earlier version opens, and its views say what they said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.golden import store

# Each model has a row of its own now, and what no price is known of is no longer said to cost nothing.
CHANGED = {"v_prompt_versions.models", "v_usage_hourly.cost"}


def by_detector(rows: list[list[Any]]) -> list[list[Any]]:
    """The counts of all apps and hours, as they were before these had rows of their own."""
    sums: dict[str, list[int]] = {}
    for detector, *counts in rows:
        sums[detector] = [sum(pair) for pair in zip(counts, sums.get(detector, [0] * len(counts)), strict=True)]
    return [[detector, *counts] for detector, counts in sums.items()]


@pytest.mark.slow
def test_an_old_folder_opens_and_its_views_say_the_same(tmp_path: Path) -> None:
    before, after = store.recorded(), store.views(store.unpack(tmp_path))
    assert before.keys() <= after.keys()
    for name, view in before.items():
        kept = [column for column in view["columns"] if f"{name}.{column}" not in CHANGED]
        assert set(kept) <= set(after[name]["columns"]), name
        recorded, rows = (
            [[row[each["columns"].index(column)] for column in kept] for row in each["rows"]]
            for each in (view, after[name])
        )
        if name == "v_coverage":
            rows = by_detector(rows)
        assert sorted(map(repr, rows)) == sorted(map(repr, recorded)), name
        assert rows or name in ("v_offset_gaps", "v_signals"), name
