"""The demo prints what the front page shows: the same lines in the same order, numbers of the same size."""

from __future__ import annotations

import re

import pytest

from tests.demo_run import DemoRun
from tests.documentation import readmes

BLOCK = next(block for block in readmes.blocks(readmes.text(readmes.FRONT), "text") if "Coverage:" in block)
PROGRESS, SAMPLE = BLOCK.split("\n\n", 1)  # the bar goes to the standard error, and is no line among the others
# Each run's own: clock times, ids, intervals.
OWN = re.compile(r"\d+:\d\d:\d\d|[0-9a-f]{8}-[0-9a-f-]{27}|\([+-]?[\d.]+% to [^)]*\)")
NUMBER = re.compile(r"(?<![\w.])[+-]?\d+(?:\.\d+)?%?(?![\w.]*\w)")
# Each machine's and each run's own: speed, and which answers are the worst. Only their beginnings are compared.
BEGINNINGS = re.compile(r"scoring |v\d, P\(|Done in |  question: |  says: |  nearest: ")
SHARE_POINTS = 15


def fits(shown: str, printed: str) -> bool:
    """Whether a line shown is the one printed: its words the same, shares within 15 points, counts of the same size."""
    if beginning := BEGINNINGS.match(shown):
        return BEGINNINGS.match(printed) is not None and printed[:3] == beginning[0][:3]
    if shown.endswith(" ..."):
        shown, printed = shown[:-4], printed[: len(shown) - 4]
    (words, numbers), (printed_words, printed_numbers) = _read(shown), _read(printed)
    return words == printed_words and all(map(_same_size, numbers, printed_numbers))


def stale_lines(sample: str, output: str) -> list[str]:
    """The lines of a shortened sample that were not printed, in this order."""
    printed = output.splitlines()
    stale = []
    for line in sample.splitlines():
        if line in ("", "..."):
            continue
        found = next((number for number, each in enumerate(printed) if fits(line, each)), None)
        if found is None:
            stale.append(line)
        else:
            printed = printed[found + 1 :]
    return stale


def _read(line: str) -> tuple[str, list[str]]:
    """A line without its numbers, and these; columns are as wide as their numbers."""
    line = OWN.sub("", line)
    return " ".join(NUMBER.sub("N", line).split()), NUMBER.findall(line)


def _same_size(shown: str, printed: str) -> bool:
    before, now = float(shown.rstrip("%")), float(printed.rstrip("%"))
    allowed = SHARE_POINTS if shown.endswith("%") else max(8, max(before, now) / 2)
    return abs(before - now) <= allowed and shown.endswith("%") == printed.endswith("%")


@pytest.mark.e2e
def test_the_demo_prints_what_is_shown(demo: DemoRun) -> None:
    assert [line for line in demo.output.splitlines() if fits(PROGRESS, line)], PROGRESS
    assert stale_lines(SAMPLE, demo.output) == [], "stale: run make demo, and shorten anew what it prints"


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("groundedness  27.4% (57 of 208)", "groundedness  7.2% (15 of 208)"),
        ("agreed 37", "agreed 12"),
        ("Quality by prompt version", "Quality by version"),
        ("not_applicable  failed", "failed"),
        ("planted 35, redacted 35", "planted 35, redacted 9"),
    ],
)
def test_a_stale_sample_is_seen(shown: str, printed: str) -> None:
    assert shown in SAMPLE
    assert stale_lines(SAMPLE, SAMPLE) == []
    assert stale_lines(SAMPLE, SAMPLE.replace(shown, printed))
