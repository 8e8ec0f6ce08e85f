import random

import pytest

from watchline.detectors.grounding import tables
from watchline.detectors.grounding.verifier import CONTRADICTION, ENTAILMENT, NEUTRAL
from watchline.detectors.training.grounding.table_statements import statements

pytestmark = pytest.mark.slow

FOUND = list(statements(random.Random(3), 2000))


def test_of_each_class_there_are_enough() -> None:
    labels = [each.label for _, each in FOUND]
    for label in (ENTAILMENT, NEUTRAL, CONTRADICTION):
        assert labels.count(label) > len(labels) / 5


def test_rows_read_as_the_detector_reads_those_of_a_table() -> None:
    [unit] = tables.prose_units("document:0", "| Plan | Price | Users |\n|---|---|---|\n| Team | $29 | 10 |")
    assert unit.embedded == "Plan: Team; Price: $29; Users: 10"
    for rows, each in FOUND:
        for row in rows:
            cells = dict(cell.split(": ", 1) for cell in row.split("; "))
            assert len(cells) >= 2
        assert list(rows[0].split(": ", 1))[1].split("; ")[0] in each.text  # its own row comes first


def test_spans_hold_what_is_wrong() -> None:
    for rows, each in FOUND:
        assert bool(each.spans) == (each.label != ENTAILMENT)
        for start, end in each.spans:
            assert 0 <= start < end <= len(each.text)
            if each.label == CONTRADICTION:
                assert f": {each.text[start:end]};" not in f"{rows[0]};"


def test_the_same_seed_makes_the_same_statements() -> None:
    again = list(statements(random.Random(3), 200))
    assert len(again) >= 200 and again == FOUND[: len(again)]
