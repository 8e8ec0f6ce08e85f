"""The gate: worse, no worse, open, and no verdict where what is missing could be why."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

import pytest

from watchline.streams.comparison import gate
from watchline.streams.comparison.endpoint import Reply
from watchline.streams.comparison.gate import Side
from watchline.streams.comparison.junit import Case, written


def side(flags: Sequence[bool | None]) -> Side:
    """Answers that one detector has flagged or not; None: the call failed."""
    replies = [Reply("failed", reason="answered 500") if each is None else Reply("answered", "text") for each in flags]
    return Side(replies, [{} if each is None else {"groundedness": each} for each in flags])


def verdict(old: Sequence[bool | None], new: Sequence[bool | None], margin: float = 0.05) -> tuple[str, str]:
    sides = side(old), side(new)
    judged = gate.judge(*sides, [str(number) for number in range(len(old))], margin=margin)
    return gate.verdict(*sides, judged, margin=margin)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ([False] * 100, [True] * 30 + [False] * 70, "worse"),
        ([True] * 30 + [False] * 70, [False] * 100, "no worse"),
        ([False] * 200, [False] * 200, "no worse"),
        ([True] * 200, [True] * 200, "no worse"),
        ([False] * 20, [False] * 20, "open"),  # too few to be sure
        ([True] * 20 + [False] * 80, [False] * 80 + [True] * 20, "open"),
        ([False] * 400, [True] * 16 + [False] * 384, "open"),  # surely worse, by less than the margin as far as seen
        ([None] * 30 + [False] * 170, [False] * 200, "no verdict"),
        ([False] * 200, [True] * 170 + [None] * 30, "no verdict"),
        ([None] * 20 + [False] * 180, [False] * 200, "no worse"),  # just within the limit
        ([None] * 200, [None] * 200, "no verdict"),
    ],
)
def test_verdicts(old: list[bool | None], new: list[bool | None], word: str) -> None:
    assert verdict(old, new)[0] == word


def test_a_call_that_failed_is_left_out_on_both_sides() -> None:
    sides = side([None, True, True, False]), side([True, None, False, True])
    (judged,) = gate.judge(*sides, ["a", "b", "c", "d"], margin=0.05)
    assert (judged.pairs, judged.old, judged.new, judged.only_old, judged.only_new) == (2, 1, 1, 1, 1)
    assert judged.events == ("d",) and sides[0].count("failed") == 1 and sides[0].lost == 1


def test_a_detector_that_applies_to_one_side_only_has_no_pairs() -> None:
    sides = Side([Reply("answered", "a")], [{"bias": True}]), Side([Reply("answered", "a")], [{"toxicity": True}])
    assert gate.judge(*sides, ["a"], margin=0.05) == []
    assert gate.verdict(*sides, [], margin=0.05)[0] == "no verdict"


def test_how_many_inputs_would_tell() -> None:
    word, sentence = verdict([True] * 10 + [False] * 90, [False] * 10 + [True] * 10 + [False] * 80)
    assert word == "open" and "about 310 inputs would tell of equal versions" in sentence, sentence


def test_junit_is_well_formed_whatever_the_texts() -> None:
    hostile = "a<b>&\"'\x00\x1b]]>\ud800\ufffe\U0001f600\r\n"
    content = written(hostile, [Case(hostile, kind, hostile, hostile) for kind in ("passed", "failure", "error")], 1.5)
    suite = ElementTree.fromstring(content).find("testsuite")
    assert suite is not None
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3", "failures": "1", "errors": "1", "skipped": "0"
    }  # fmt: skip
    assert [each.tag for case in suite for each in case] == ["system-out", "failure", "error"]
