"""Verdicts on two versions: of equal ones hardly ever better or worse, however often one looks."""

from __future__ import annotations

import pytest

from tests.benchmarks import prompt_impact as benchmark
from watchline.streams.comparison.impact import ALPHA, Compared, Measure, answers_needed, compare, verdict
from watchline.streams.comparison.intervals import Sample

FLAGGED, LATENCY, RATED = Measure("flagged"), Measure("latency", bounded=False), Measure("rated", more_is_better=True)


def shares(size: float, share: float) -> Sample:
    return Sample(size, size * share, size * share)


def amounts(size: float, mean: float, deviation: float = 1.0) -> Sample:
    return Sample(size, size * mean, size * (mean**2 + deviation**2))


def compared(measure: Measure, before: Sample, after: Sample) -> Compared:
    (found,) = compare([measure], {measure.name: {"1": before}}, {measure.name: {"1": after}}, margin=0.05)
    return found


@pytest.mark.parametrize(
    ("measure", "before", "after", "says"),
    [
        (FLAGGED, shares(1000, 0.1), shares(1000, 0.3), "worse"),
        (FLAGGED, shares(1000, 0.3), shares(1000, 0.1), "better"),
        (RATED, shares(1000, 0.1), shares(1000, 0.3), "better"),
        (RATED, shares(1000, 0.3), shares(1000, 0.1), "worse"),
        (FLAGGED, shares(20_000, 0.1), shares(20_000, 0.1), "same"),
        (FLAGGED, shares(200_000, 0.1), shares(200_000, 0.11), "same"),  # less than the margin, though surely there
        (FLAGGED, shares(100, 0.1), shares(100, 0.1), "open"),
        (FLAGGED, shares(5000, 0.0), shares(5000, 0.004), "same"),  # few are flagged: the exact one
        (FLAGGED, shares(100, 0.0), shares(100, 0.02), "open"),
        (FLAGGED, shares(100, 0.0), shares(100, 0.3), "worse"),
        (LATENCY, amounts(1000, 2.0), amounts(1000, 3.0), "worse"),
        (LATENCY, amounts(1000, 2.0), amounts(1000, 1.0), "better"),
        (LATENCY, amounts(100_000, 2.0), amounts(100_000, 2.0), "same"),
        (LATENCY, amounts(49, 2.0), amounts(10_000, 30.0), "open"),  # too few for the normal approximation
        (Measure("cost", bounded=False), amounts(100, 0.0, 0.0), amounts(100, 0.0, 0.0), "same"),
    ],
)
def test_what_a_measure_says(measure: Measure, before: Sample, after: Sample, says: str) -> None:
    assert compared(measure, before, after).says == says


def test_how_much_more_is_needed_is_what_then_decides() -> None:
    for measure, before, after in (
        (FLAGGED, shares(100, 0.1), shares(100, 0.1)),
        (FLAGGED, shares(1000, 0.1), shares(100, 0.15)),
        (LATENCY, amounts(100, 2.0), amounts(60, 2.1)),
    ):
        found = compared(measure, before, after)
        assert found.says == "open" and found.factor > 1
        more = compared(measure, before.scaled(found.factor * 1.01), after.scaled(found.factor * 1.01))
        less = compared(measure, before.scaled(found.factor * 0.9), after.scaled(found.factor * 0.9))
        assert (more.says, less.says) != ("open", "open") and more.says != "open" and less.says == "open"


def test_the_error_is_shared_out_among_all_measures_that_were_looked_at() -> None:
    one = {"flagged": {"1": shares(100, 0.1)}}
    (alone,), (among,) = (compare(each, one, one, margin=0.05) for each in ([FLAGGED], [FLAGGED, LATENCY, RATED]))
    assert alone.alpha == ALPHA and among.alpha == ALPHA / 3
    assert among.interval.high > alone.interval.high


def test_a_canary_whose_share_grew_is_not_blamed_for_the_day() -> None:
    """Monday all answers are good and the canary gets a tenth, Tuesday half are flagged and it gets half."""
    before = {"flagged": {"monday": shares(9000, 0.0), "tuesday": shares(5000, 0.5), "wednesday": shares(9000, 0.9)}}
    after = {"flagged": {"monday": shares(1000, 0.0), "tuesday": shares(5000, 0.5)}}
    (found,) = compare([FLAGGED], before, after, margin=0.05)
    assert found.before.mean == pytest.approx(found.after.mean) == pytest.approx(2500 / 6000)
    assert found.before.size < 14_000 and found.after.size == 6000  # weights cost some of the old version's
    assert found.says in ("same", "open")
    steady = {"flagged": {"1": shares(900, 0.1), "2": shares(1800, 0.2)}}
    (found,) = compare([FLAGGED], steady, {"flagged": {"1": shares(100, 0), "2": shares(200, 0)}}, margin=0.05)
    assert found.before == pytest.approx(Sample(2700, 450, 450))  # and nothing where it stayed


def test_sentences() -> None:
    worse = compared(FLAGGED, shares(1000, 0.1), shares(1000, 0.3))
    faster = compared(LATENCY, amounts(1000, 2.0), amounts(1000, 1.0))
    waiting = compared(RATED, shares(100, 0.5), shares(100, 0.5))
    same = compared(FLAGGED, shares(20_000, 0.1), shares(20_000, 0.1))

    def said(*measures: Compared) -> tuple[str, str]:
        return verdict(measures, old="6", new="7", margin=0.05, answers=1000)

    assert said(worse) == ("worse", "version 7 is worse in flagged than version 6")
    assert said(faster, same) == ("better", "version 7 is better in latency than version 6")
    assert said(worse, faster) == ("mixed", "version 7 is better in latency and worse in flagged than version 6")
    assert said(same) == ("same", "no difference larger than 0.05 between versions 6 and 7")
    word, sentence = said(same, waiting)
    assert word == "open" and sentence.startswith("not enough yet: about ") and sentence.endswith(" more answers")
    word, sentence = said(worse, waiting)
    assert word == "worse" and "; of rated not enough yet: about " in sentence
    assert said() == ("open", "not enough yet: nothing was measured of both versions")
    assert answers_needed(1.0001, 100) == "about 1 more answers"


@pytest.mark.slow
def test_equal_versions_asked_each_hour() -> None:
    """A smaller form of the benchmark: at 5 % more than 3 of 10 runs would come in one of 970 cases."""
    wrong, plain, measures = benchmark.equal(10, seed=5)
    assert wrong <= 3, measures
    assert plain > 5  # the traffic is such that looking often finds something, where one lets it


@pytest.mark.slow
def test_a_version_that_is_much_worse_is_told() -> None:
    answers, _ = benchmark.unequal(3, worse=0.2)
    assert len(answers) == 3
