"""A data folder of an earlier version opens, and its views say what they said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden import store


@pytest.mark.slow
def test_an_old_folder_opens_and_its_views_say_the_same(tmp_path: Path) -> None:
    before, after = store.recorded(), store.views(store.unpack(tmp_path))
    assert before.keys() <= after.keys()
    for name, view in before.items():
        assert set(view["columns"]) <= set(after[name]["columns"]), name
        places = [after[name]["columns"].index(column) for column in view["columns"]]
        rows = [[row[place] for place in places] for row in after[name]["rows"]]
        assert sorted(map(repr, rows)) == sorted(map(repr, view["rows"])), name
        assert rows or name in ("v_offset_gaps", "v_signals"), name
