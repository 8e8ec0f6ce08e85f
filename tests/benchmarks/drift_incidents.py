"""Planted incidents: whether the monitor tells of each, how soon, and whether it names the cause first.

    python -m tests.benchmarks.drift_incidents [--incidents 200]

An app with several tenants, topics, languages, document sets and fingerprints of its provider, all of other shares and
levels in each run. One thing goes wrong after 1,500 events, of seven kinds in turn, by another size each time. In a
third of the runs the mix of languages moves at the same time, which harms nothing. What counts is the first signal of
the measure that got worse, after the change. In `mix of topics` and `mix of tenants` nobody's answers get worse: what
was bad all along grows.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields, replace
from statistics import median
from typing import Any, NamedTuple

from tests.streams.monitor.finding_batches import batches, scored
from watchline.schemas.records import ScoredInteraction, Signal
from watchline.streams.monitor.monitor import Monitor

BEFORE = 1_500
AFTER = 1_500
BATCH = 32
MEASURE = "groundedness"  # gets worse
TOPICS = 5
DIMENSIONS = 32
SPREAD = 0.5  # of the embeddings around a topic's own, which has length 1
BYSTANDER = 1 / 3  # of the runs
DIMENSION_FIELDS = {each.name for each in fields(ScoredInteraction)}

Shares = dict[str, float]


@dataclass
class App:
    """What each event is drawn from.

    Parameters
    ----------
    shares : dict of str to dict of str to float
        By dimension, the share of each of its values.
    levels : dict of (str, str) to float
        By dimension and value, what is added to the share of unsupported answers.
    level : float
        The share of unsupported answers.
    """

    shares: dict[str, Shares]
    levels: dict[tuple[str, str], float]
    level: float

    def values(self, rng: random.Random) -> dict[str, str]:
        return {name: rng.choices([*shares], [*shares.values()])[0] for name, shares in self.shares.items()}

    def unsupported(self, values: Mapping[str, str]) -> float:
        return min(0.95, max(0.01, self.level + sum(self.levels.get(each, 0.0) for each in values.items())))


class Incident(NamedTuple):
    """A kind of incident: the cause and how it works, as `Signal` names them."""

    cause: str
    kind: str


INCIDENTS = {
    "new prompt version": Incident("prompt_version", "new value"),
    "new model": Incident("model", "new value"),
    "new fingerprint": Incident("system_fingerprint", "new value"),
    "new document set": Incident("document_set", "new value"),
    "one tenant's answers": Incident("tenant", "within"),
    "mix of topics": Incident("topic", "mix"),
    "mix of tenants": Incident("tenant", "mix"),
}


@dataclass
class Outcome:
    """What came of one incident.

    Parameters
    ----------
    name : str
        Of the kind of incident.
    false : int
        Signals before the change.
    delay : int, optional
        Events from the change to the signal.
    cause, value, kind : str
        As the signal says.
    expected : str
        The value that is to blame; empty where none has a name.
    measures : list of str
        Of all signals after the change, in order.
    """

    name: str
    false: int = 0
    delay: int | None = None
    cause: str = ""
    value: str = ""
    kind: str = ""
    expected: str = ""
    measures: list[str] = field(default_factory=list)


def app(rng: random.Random) -> App:
    """An app of its own."""
    shares = {
        "tenant": _shares(rng, [f"tenant-{n}" for n in range(rng.randint(4, 10))]),
        "prompt_version": {"1": 1.0},
        "model": {"small": 1.0},
        "system_fingerprint": _shares(rng, ["fp-1", "fp-2"][: rng.randint(1, 2)]),
        "language": _shares(rng, ["en", "de", "fr"]),
        "document_set": _shares(rng, ["docs-1", "docs-2", "docs-3"][: rng.randint(1, 3)]),
        "topic": _shares(rng, [f"topic-{n}" for n in range(TOPICS)]),
    }
    levels = {
        (name, value): rng.uniform(-0.03, 0.03)
        for name in ("tenant", "topic", "document_set")
        for value in shares[name]
    }
    return App(shares, levels, rng.uniform(0.05, 0.2))


def planted(name: str, rng: random.Random, before: App) -> tuple[App, App, str]:
    """The app before and after the incident, and the value that is to blame."""
    after = App({each: {**shares} for each, shares in before.shares.items()}, {**before.levels}, before.level)
    cause, kind = INCIDENTS[name]
    size = rng.uniform(0.15, 0.5)
    if kind == "new value":
        value = {"prompt_version": "2", "model": "large", "system_fingerprint": "fp-new", "document_set": "docs-new"}[
            cause
        ]
        part = 1.0 if cause in ("prompt_version", "model") else rng.choice([0.6, 1.0])
        after.shares[cause] = {other: (1 - part) * share for other, share in before.shares[cause].items()}
        after.shares[cause][value] = part
        after.levels[cause, value] = size
    elif kind == "within":
        value = _with_share(rng, before, after, cause, rng.uniform(0.2, 0.5))
        after.levels[cause, value] = before.levels.get((cause, value), 0.0) + size + 0.15
    else:
        value = _with_share(rng, before, after, cause, rng.uniform(0.05, 0.15))
        before.levels[cause, value] = after.levels[cause, value] = size + 0.25
        grown = rng.uniform(0.35, 0.7)
        rest = 1 - before.shares[cause][value]
        after.shares[cause] = {
            other: grown if other == value else share * (1 - grown) / rest
            for other, share in before.shares[cause].items()
        }
    if rng.random() < BYSTANDER:
        after.shares["language"] = _shares(rng, [*before.shares["language"]])
    return before, after, "" if cause == "topic" else value


def _with_share(rng: random.Random, before: App, after: App, dimension: str, share: float) -> str:
    """One of the dimension's values, given that share."""
    shares = before.shares[dimension]
    value = rng.choice([*shares])
    rest = 1 - shares[value]
    changed = {other: share if other == value else (1 - share) * part / rest for other, part in shares.items()}
    before.shares[dimension], after.shares[dimension] = changed, {**changed}
    return value


def _shares(rng: random.Random, values: Sequence[str]) -> Shares:
    weights = [rng.uniform(0.3, 1.0) / (1 + n) for n in range(len(values))]
    return {value: weight / sum(weights) for value, weight in zip(values, weights, strict=True)}


def interaction(rng: random.Random, number: int, of: App, topics: Mapping[str, Sequence[float]]) -> ScoredInteraction:
    """One event of an app; what `ScoredInteraction` has no field for is left out."""
    values = of.values(rng)
    item = scored(rng, number, unsupported=of.unsupported(values))
    embedding = [value + rng.gauss(0, SPREAD / math.sqrt(DIMENSIONS)) for value in topics[values["topic"]]]
    length = math.hypot(*embedding)
    known: dict[str, Any] = {name: value for name, value in values.items() if name in DIMENSION_FIELDS}
    return replace(item, prompt_embedding=tuple(value / length for value in embedding), **known)


def incident(seed: int) -> Outcome:
    """Plants one, and reads what the monitor says."""
    rng = random.Random(seed)
    name = [*INCIDENTS][seed % len(INCIDENTS)]
    before, after, expected = planted(name, rng, app(rng))
    topics = {value: _direction(rng) for value in before.shares["topic"]}
    items = [interaction(rng, n, before if n < BEFORE else after, topics) for n in range(BEFORE + AFTER)]
    places = {item.event_id: number for number, item in enumerate(items)}
    monitor, outcome = Monitor(), Outcome(name, expected=expected)
    for batch in batches(items, BATCH):
        for signal in monitor.process(batch):
            delay = places[signal.event_id] + 1 - BEFORE
            if delay <= 0:
                outcome.false += 1
                continue
            outcome.measures.append(signal.measure)
            if signal.measure == MEASURE and outcome.delay is None:
                outcome.delay = delay
                outcome.cause, outcome.value, outcome.kind = _cause(signal)
    return outcome


def _direction(rng: random.Random) -> list[float]:
    """Of a topic: a vector of length 1, half of which all topics of the app share."""
    own = [rng.gauss(0, 1) for _ in range(DIMENSIONS)]
    length = math.hypot(*own)
    return [(value / length + (number == 0)) / math.sqrt(2) for number, value in enumerate(own)]


def _cause(signal: Signal) -> tuple[str, str, str]:
    """The cause, its value and its kind. Before `Signal` had them, what a comparison is of is all that was named."""
    cause = getattr(signal, "cause", None)
    if cause is None:
        return (signal.kind, signal.slice[signal.kind], "new value") if signal.kind in signal.slice else ("", "", "")
    return cause, getattr(signal, "cause_value", ""), getattr(signal, "cause_kind", "")


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """Lines by kind of incident."""
    heads = ["told", "median delay", "cause", "and value", "and kind"]
    lines = [f"{'':24}{'runs':>6}" + "".join(f"{head:>14}" for head in heads)]
    for name in [*INCIDENTS, "all"]:
        of = [each for each in outcomes if name in (each.name, "all")]
        told = [each for each in of if each.delay is not None]
        right = [each for each in of if each.cause == INCIDENTS[each.name].cause]
        valued = [each for each in right if each.expected in ("", each.value)]
        cells = [
            _share(told, of),
            f"{median(each.delay for each in told if each.delay is not None):.0f}" if told else "-",
            _share(right, of),
            _share(valued, of),
            _share([each for each in valued if each.kind == INCIDENTS[each.name].kind], of),
        ]
        lines.append(f"{name:24}{len(of):6}" + "".join(f"{each:>14}" for each in cells))
    lines.append(
        f"runs with a signal before the change: {sum(each.false > 0 for each in outcomes)} of {len(outcomes)}; "
        f"with one of another measure after it: {sum(any(m != MEASURE for m in each.measures) for each in outcomes)}"
    )
    wrong = Counter(
        f"{each.name}: named {' '.join(filter(None, (each.cause, each.kind))) or 'nothing'}"
        for each in outcomes
        if each.delay is not None and each.cause != INCIDENTS[each.name].cause
    )
    lines += [f"  {number} {text}" for text, number in sorted(wrong.items())]
    return lines


def _share(part: Sequence[Outcome], whole: Sequence[Outcome]) -> str:
    return f"{len(part) / len(whole):.0%}" if whole else "-"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.drift_incidents",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--incidents", type=int, default=200)
    options = parser.parse_args(arguments)
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(2) as pool:
        for outcome in pool.map(incident, range(options.incidents), chunksize=5):
            outcomes.append(outcome)
            if len(outcomes) % 20 == 0:
                sys.stderr.write(f"{len(outcomes)} of {options.incidents}\n")
    print("\n".join(table(outcomes)))


if __name__ == "__main__":
    main()
