"""A detector's scores move only with its version: who compares findings of one version compares like with like."""

from __future__ import annotations

import json

import pytest

from tests.golden import scores

pytestmark = pytest.mark.slow


def test_scores_move_with_the_version_alone() -> None:
    before, after = scores.recorded(), scores.judged()
    changed = {name for name in before["versions"] if before["versions"][name] != after["versions"].get(name)}
    moved = [each for each in scores.moved(before, after) if each[0] not in changed]
    assert not moved, (
        f"{len(moved)} findings moved, the first: {json.dumps(moved[0])}. Where that is meant, raise the detector's "
        "VERSION and record anew: python -m tests.golden.scores"
    )
    assert before["versions"] == after["versions"], (
        f"of another version than recorded: {', '.join(sorted(changed))}; record anew: python -m tests.golden.scores"
    )
