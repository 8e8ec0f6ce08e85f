"""Operating points from labels: each is what its rule asks for, and the file takes it in without losing anything."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, precision_score

from watchline.detectors.evaluation.operating_points import Rule, between, calibrate, choose, figures
from watchline.detectors.thresholds import SHIPPED, OperatingPoint, Thresholds, with_point
from watchline.schemas.errors import ConfigurationError

pytestmark = pytest.mark.slow

DICE = np.random.default_rng(7)
TRUTH = DICE.random(150) < 0.4
SCORES = np.clip(DICE.normal(np.where(TRUTH, 0.6, 0.4), 0.2), 0.01, 0.99).round(2)
# Ten positives each at .9 and .7; of twenty negatives one at .8, four at .6, the others at .1.
BY_HAND = np.repeat([True, True, False, False, False], [10, 10, 1, 4, 15])
BY_HAND_SCORES = np.repeat([0.9, 0.7, 0.8, 0.6, 0.1], [10, 10, 1, 4, 15])
POINT = OperatingPoint(0.5, 0.8, "high")


def alone(count: int) -> list[str]:
    return [str(row) for row in range(count)]


def chosen(rule: Rule) -> OperatingPoint:
    point = choose(TRUTH, SCORES, rule)
    assert point is not None
    return point


def test_one_threshold_stands_for_each_way_to_part_the_scores() -> None:
    scores = np.append(DICE.random(300), [0.5, np.nextafter(0.5, 1), 1.0])
    points = between(scores)
    counts = [int((scores >= point).sum()) for point in points]
    assert counts == sorted(set(counts), reverse=True)
    assert counts[0] == len(scores)
    assert len(points) == len(np.unique(scores))  # 1.0 is among them: nothing is above it
    assert (points > 0).all() and (points <= 1).all()


def test_the_best_balanced_accuracy_is_found() -> None:
    best = max(balanced_accuracy_score(TRUTH, point <= SCORES) for point in np.linspace(0.005, 0.995, 100))
    assert balanced_accuracy_score(TRUTH, chosen(Rule()).threshold <= SCORES) == best


def test_the_lowest_threshold_of_a_precision_is_found() -> None:
    point = chosen(Rule(precision=0.75)).threshold
    assert precision_score(TRUTH, point <= SCORES) >= 0.75
    assert all(precision_score(TRUTH, lower <= SCORES) < 0.75 for lower in between(SCORES) if lower < point)


def test_a_score_at_a_threshold_reaches_it() -> None:
    assert choose(BY_HAND, BY_HAND_SCORES, Rule(), points=np.array([0.5, 0.7])) == OperatingPoint(0.7)


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_the_lowest_threshold_that_so_many_negatives_reach_is_found(share: float) -> None:
    for point in (
        chosen(Rule(flagged=share)).threshold,
        chosen(Rule(precision=0.01, false_alarms=share)).alert_threshold,
    ):
        assert point is not None
        assert (SCORES[~TRUTH] >= point).mean() <= share
        assert all((SCORES[~TRUTH] >= lower).mean() > share for lower in between(SCORES) if lower < point)


def test_the_alert_threshold_is_never_below_the_threshold() -> None:
    point = chosen(Rule(flagged=0.01, false_alarms=0.5))
    assert point.alert_threshold == point.threshold


def test_precision_is_reckoned_for_the_prevalence_in_production() -> None:
    # From .35 on all positives and 5 of 20 negatives are flagged: of the rows 20 / 25. Where one event in ten is
    # positive, .1 / (.1 + .9 * .25) = .31. From .65 on it is .1 / (.1 + .9 * .05) = .69.
    assert choose(BY_HAND, BY_HAND_SCORES, Rule(precision=0.8)) == OperatingPoint(0.35)
    assert choose(BY_HAND, BY_HAND_SCORES, Rule(precision=0.5, prevalence=0.1)) == OperatingPoint(0.65)
    flagged, alerted = BY_HAND_SCORES >= 0.65, BY_HAND_SCORES >= 0.75
    of_rows, of_traffic = (figures(BY_HAND, flagged, alerted, prevalence) for prevalence in (None, 0.1))
    assert of_rows["precision"] == pytest.approx(20 / 21)
    assert of_rows["flagged"] == pytest.approx(21 / 40)
    assert of_traffic["precision"] == pytest.approx(0.1 / 0.145)
    assert of_traffic["flagged"] == pytest.approx(0.145)
    assert of_traffic["precision_at_alert"] == pytest.approx(0.05 / 0.095)
    assert of_rows["precision 0.05"] == of_traffic["precision 0.05"] == pytest.approx(0.05 / (0.05 + 0.95 * 0.05))


def test_what_is_measured_after_is_of_the_chosen_point_and_the_severity_stays() -> None:
    found = calibrate(TRUTH, SCORES, alone(150), POINT, Rule(flagged=0.1, false_alarms=0.02))
    assert (found.before, found.after.severity, found.unreached) == (POINT, "high", 0)
    for column, point in (("before", POINT), ("after", found.after)):
        flagged, alerted = point.threshold <= SCORES, (point.alert_threshold or 2) <= SCORES
        assert found.measured[column].figures == figures(TRUTH, flagged, alerted, None)
    for name, (low, high) in found.measured["after"].intervals.items():
        value = found.measured["after"].figures[name]
        assert value is not None and low <= value <= high, name
    low, high = found.intervals["threshold"]
    assert low <= found.after.threshold <= high


def test_no_row_is_cross_validated_at_a_point_that_its_group_chose() -> None:
    # No negative may be flagged. Twenty of one group stand above everything, so that with them the point does too;
    # without them it is .3, and they are flagged, all of them.
    truth = np.repeat([True, False, False], [30, 60, 20])
    scores = np.repeat([0.5, 0.1, 0.9], [30, 60, 20])
    found = calibrate(truth, scores, [*alone(90), *["odd"] * 20], POINT, Rule(flagged=1e-9))
    assert found.after.threshold == 0.95
    assert found.measured["after"].figures["false_positive_rate"] == 0
    assert found.measured["cross-validated"].figures["false_positive_rate"] == 20 / 80


def test_without_a_false_alarm_up_to_three_of_n_groups_may_raise_one() -> None:
    truth, scores = np.repeat([True, False], [30, 60]), np.repeat([0.9, 0.1], [30, 60])
    measured = calibrate(truth, scores, [*alone(30), *alone(30), *alone(30)], POINT, Rule()).measured["after"]
    assert measured.figures["precision"] == 1
    assert measured.intervals["false_positive_rate"] == (0, 3 / 30)
    assert measured.intervals["precision"] == (pytest.approx(1 / 3 / (1 / 3 + 2 / 3 * 0.1)), 1)
    assert measured.intervals["precision 0.01"] == (pytest.approx(0.01 / (0.01 + 0.99 * 0.1)), 1)


def test_folds_in_which_nothing_fulfils_the_rule_are_counted() -> None:
    # Only the five best show a precision of .9, and their groups are not in every four folds of five.
    truth, scores = np.repeat([True, True, False], [5, 15, 20]), np.repeat([0.9, 0.2, 0.2], [5, 15, 20])
    groups = [*["best"] * 5, *alone(35)]
    found = calibrate(truth, scores, groups, POINT, Rule(precision=0.9))
    assert (found.unreached, found.after.threshold) == (1, 0.55)
    assert found.measured["cross-validated"].figures["recall"] == 0


@pytest.mark.parametrize(
    ("positives", "groups", "message"),
    [
        (19, 40, "19 positive in 19 groups; at least 20 in 5"),
        (21, 40, "19 negative"),
        (20, 4, "20 positive in 4 groups"),
    ],
)
def test_too_few_labels_are_refused(positives: int, groups: int, message: str) -> None:
    truth = np.arange(40) < positives
    with pytest.raises(ConfigurationError, match=message):
        calibrate(truth, DICE.random(40), [str(row % groups) for row in range(40)], POINT, Rule())


def test_a_rule_that_nothing_fulfils_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"no threshold .*: lowest of at least 90 % precision where 1 % are pos"
    ):
        calibrate(BY_HAND, np.full(40, 0.5), alone(40), POINT, Rule(precision=0.9, prevalence=0.01))


OWN = """# Ours.
version = "7"

[pii.default]
threshold = 0.6  # lower finds house numbers

[toxicity.hate]
# an earlier one
threshold = 0.2
alert_threshold = 0.3

# agreed with on-call
[toxicity.insult]
threshold = 0.7
"""


@pytest.mark.parametrize("text", ["", OWN, OWN.rstrip(), SHIPPED.read_text(encoding="utf-8")])
@pytest.mark.parametrize("label", ["hate", "insult", "sexism"])
def test_a_point_takes_the_place_of_the_one_before_and_all_else_stays(text: str, label: str, tmp_path: Path) -> None:
    new = with_point(text, "toxicity", label, OperatingPoint(0.35, 0.61, "low"), ["anew"])
    assert with_point(new, "toxicity", label, OperatingPoint(0.35, 0.61, "low"), ["anew"]) == new
    expected = tomllib.loads(text)
    expected.setdefault("toxicity", {})[label] = {"threshold": 0.35, "alert_threshold": 0.61, "severity": "low"}
    assert tomllib.loads(new) == expected
    kept = {line for line in text.splitlines() if "#" in line and line != "# an earlier one"}
    assert (kept - set(new.splitlines()) == set()) or "weights/toxicity/card.md" in text
    (tmp_path / "own.toml").write_text(new)
    assert Thresholds(tmp_path / "own.toml").of("toxicity", label) == OperatingPoint(0.35, 0.61, "low")


def test_a_point_in_an_inline_table_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"write \[toxicity.hate\] as a section of its own"):
        with_point("[toxicity]\nhate = {threshold = 0.3}\n", "toxicity", "hate", POINT)
