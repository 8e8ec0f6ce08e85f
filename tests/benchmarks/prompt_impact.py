"""How often `prompts impact` says better or worse of two equal versions, asked each hour, and how soon of unequal ones.

    python -m tests.benchmarks.prompt_impact [--runs 500]

A week of a made-up canary: 60 conversations an hour of one to eight answers, of which the new version gets 10 %, from
the third day on 30 %, from the fifth on 50 %. Answers in one conversation are alike; days differ, in quality too;
latency and cost are log-normal. Beside it, what a plain 95 % interval for each measure would have said, asked as often.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from tests.benchmarks.producer import machine
from watchline.streams.comparison.impact import Compared, Measure, compare
from watchline.streams.comparison.intervals import Sample

FLAGGED = {"groundedness": 0.25, "relevance": 0.10, "toxicity": 0.01, "bias": 0.005, "pii": 0.03, "injection": 0.02}
SHARES = [*map(Measure, FLAGGED), Measure("errors")]
AMOUNTS = [Measure("latency", bounded=False), Measure("cost", bounded=False)]
MEASURES = [*SHARES, *AMOUNTS, Measure("satisfaction", more_is_better=True)]
CANARY = (0.1, 0.1, 0.3, 0.3, 0.5, 0.5, 0.5)  # by day
AN_HOUR, MOST_TURNS, RATED = 60, 8, 0.2
MARGIN = 0.05


@dataclass
class Traffic:
    """What came so far: sums by measure and day, of the old and of the new version."""

    days: Mapping[str, Mapping[str, dict[str, Sample]]] = field(
        default_factory=lambda: {side: defaultdict(dict) for side in ("old", "new")}
    )
    answers: int = 0

    def add(self, side: str, measure: str, day: int, values: np.ndarray) -> None:
        """More conversations."""
        if len(values):
            before = self.days[side][measure].get(str(day), Sample(0, 0, 0))
            more = (len(values), float(values.sum()), float((values**2).sum()))
            self.days[side][measure][str(day)] = Sample(*(a + b for a, b in zip(before, more, strict=True)))

    def compared(self) -> list[Compared]:
        """As the command compares it."""
        return compare(MEASURES, self.days["old"], self.days["new"], margin=MARGIN)


def hours(random: np.random.Generator, *, worse: float = 0.0) -> Iterator[Traffic]:
    """The traffic after each hour of the week; `worse`: by how much more the new version is flagged as ungrounded."""
    traffic = Traffic()
    moods = random.normal(0, 0.3, len(CANARY))  # of the day
    for hour in range(24 * len(CANARY)):
        day = hour // 24
        is_new = random.random(random.poisson(AN_HOUR)) < CANARY[day]
        for side, count in (("old", int((~is_new).sum())), ("new", int(is_new.sum()))):
            turns = random.integers(1, MOST_TURNS + 1, count)
            traffic.answers += int(turns.sum())
            for name, share in {**FLAGGED, "errors": 0.01}.items():
                share += worse if (name, side) == ("groundedness", "new") else 0.0
                odds = math.log(share / (1 - share)) + moods[day] + random.normal(0, 1, count)
                traffic.add(side, name, day, random.binomial(turns, 1 / (1 + np.exp(-odds))) / turns)
            for name, width in (("latency", 0.8), ("cost", 1.2)):
                own = np.exp(random.normal(moods[day], 0.5, count))
                noise = [np.exp(random.normal(0, width, each)).mean() for each in turns]
                traffic.add(side, name, day, own * np.array(noise))
            rated = random.random(count) < RATED
            traffic.add(side, "satisfaction", day, (random.random(int(rated.sum())) < 0.8).astype(float))
        yield traffic


def told(traffic: Traffic) -> set[str]:
    """Which measures are said to be better or worse."""
    return {each.measure.name for each in traffic.compared() if each.says in ("better", "worse")}


def naive(traffic: Traffic) -> bool:
    """Whether a plain 95 % interval of a measure leaves out zero."""
    for each in traffic.compared():
        a, b = each.before, each.after
        if min(a.size, b.size) >= 50:
            error = math.sqrt(a.variance / a.size + b.variance / b.size)
            if error and abs(b.mean - a.mean) > 1.96 * error:
                return True
    return False


def equal(runs: int, seed: int = 1) -> tuple[int, int, dict[str, int]]:
    """Of so many runs of equal versions: how many said otherwise, by a plain interval too, and of which measures."""
    wrong, plain, measures = 0, 0, dict[str, int]()
    for run in range(runs):
        said, naively = set[str](), False
        for traffic in hours(np.random.default_rng([seed, run])):
            naively = naively or naive(traffic)
            if not said and (said := told(traffic)):
                for name in said:
                    measures[name] = measures.get(name, 0) + 1
        wrong, plain = wrong + bool(said), plain + naively
        print(f"\r{run + 1} of {runs}", end="", file=sys.stderr)
    return wrong, plain, measures


def unequal(runs: int, worse: float) -> tuple[list[int], list[float]]:
    """After how many answers a worse version was told, and what it said after a day would be needed, as a ratio."""
    answers, ratios = [], []
    for run in range(runs):
        predicted = 0.0
        for hour, traffic in enumerate(hours(np.random.default_rng([2, run]), worse=worse), 1):
            found = next(each for each in traffic.compared() if each.measure.name == "groundedness")
            if found.says == "worse":
                answers.append(traffic.answers)
                ratios += [predicted / traffic.answers] if predicted else []
            if found.says != "open":
                break
            if hour == 72:
                predicted = found.factor * traffic.answers
    return answers, ratios


def main() -> None:
    """Runs it and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    options = parser.parse_args()
    wrong, plain, measures = equal(options.runs)
    print(machine())
    print(f"equal versions, asked each hour of a week, {len(MEASURES)} measures, {options.runs} runs:")
    print(f"  said better or worse at any time: {wrong} ({wrong / options.runs:.1%}) {measures or ''}")
    print(f"  plain 95 % intervals would have: {plain} ({plain / options.runs:.1%})")
    for worse in (0.05, 0.10, 0.20):
        some = max(1, options.runs // 10)
        answers, ratios = unequal(some, worse)
        after = f"after {median(answers):,.0f} answers (median)" if answers else "-"
        said = (
            f"; the number said on the third day was {median(ratios):.2f} of it ({len(ratios)} runs)" if ratios else ""
        )
        print(
            f"25 % flagged, and {worse:.0%} more with the new version: told in {len(answers)} of {some} {after}{said}"
        )


if __name__ == "__main__":
    main()
