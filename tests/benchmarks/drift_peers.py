"""Detectors of drift behind one interface: Watchline's, and those of river, frouros, alibi-detect and Evidently.

What isn't installed is left out, and said so. The project doesn't depend on any but river:

    pip install frouros==0.9.0 alibi-detect[torch]==0.13.0 evidently==0.7.23

Their pins of numpy and pandas exclude each other and river's. One environment for all: `pip install --no-deps` of the
three, then what their imports ask for, with pandas < 3 and plotly < 6.
"""

from __future__ import annotations

import importlib
import math
import pickle
import warnings
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import numpy as np
from river.drift import ADWIN, PageHinkley

from tests.benchmarks.drift_streams import REFERENCE, Bank, Events
from watchline.schemas.codec import encode
from watchline.schemas.records import FindingBatch, MonitorState, ScoredInteraction
from watchline.streams.monitor import drift
from watchline.streams.monitor import measures as of_measures
from watchline.streams.monitor.drift import Stream
from watchline.streams.monitor.measures import Measure, measures
from watchline.streams.monitor.monitor import Monitor
from watchline.streams.monitor.series import Series
from watchline.streams.monitor.slice import Slice
from watchline.streams.monitor.state import VERSION

# What a prompt's questions are compared with: `Centre` until there are `Topics`.
Learned: Any = getattr(of_measures, "Topics", None) or of_measures.Centre

ALL = ("normal", "rate .05", "rate .15", "topics")
VALUES = ALL[:3]
DIRECTIONS = 8
KEPT = 2_000  # events after which a state is measured
WINDOW = 100  # events that Evidently compares with the reference at once; MMD's test window
WINDOWS = [20, 50, 100, 200]  # of alibi-detect's tests of one variable

Watch = Callable[[Events, float], Iterator[float]]


@dataclass(frozen=True)
class Method:
    """A row of the table.

    Parameters
    ----------
    name : str
    watch : callable
        Given a stream and a parameter, yields a level for each event after the reference.
    kinds : tuple of str
        Of the streams that it can watch.
    parameters : (float, float), optional
        Between which the parameter is bisected, where a higher one gives more alarms; an alarm is a level of 1. Without
        them an alarm is a level at or above a threshold, and the parameter isn't used.
    fixed : float, optional
        The parameter as shipped: nothing is calibrated.
    state : callable, optional
        Bytes that it keeps, after `KEPT` events of the stream that is given.
    slow : bool
        Whether it gets fewer streams.
    note : str
    """

    name: str
    watch: Watch
    kinds: tuple[str, ...] = ALL
    parameters: tuple[float, float] | None = None
    fixed: float | None = None
    state: Callable[[Events], int] | None = None
    slow: bool = False
    note: str = ""


def methods(bank: Bank | None) -> list[Method]:
    """All that are installed."""
    shipped = Watchline(bank)
    found = [
        Method("Watchline as shipped", shipped.watch, fixed=drift.DELTA, state=shipped.state),
        Method("Watchline, calibrated", shipped.watch, parameters=(1e-7, 1.0), state=shipped.state),
    ]
    for module, make in (("river", _river), ("frouros", _frouros), ("alibi_detect", _alibi), ("evidently", _evidently)):
        try:
            importlib.import_module(module)
            found += make(bank)
        except ImportError as error:
            print(f"{module}: not installed ({error})")
    return found


class Watchline:
    """The monitor's streams: one for a value; for a question, one for each measure that its embedding gives."""

    def __init__(self, bank: Bank | None) -> None:
        self._bank = bank
        self._measured: WeakKeyDictionary[Events, list[tuple[int, bool, array[float]]]] = WeakKeyDictionary()

    def watch(self, events: Events, parameter: float) -> Iterator[float]:
        drift.DELTA = parameter
        if events.rows is None:
            stream = Stream(bounded=events.bounded)
            for number, value in enumerate(events.values[:REFERENCE]):
                stream.update(value, number * 1_000_000)
            for number, value in enumerate(events.values[REFERENCE:]):
                yield float(stream.update(value, (REFERENCE + number) * 1_000_000) is not None)
            return
        kept = self.measured(events)
        streams = [Stream(bounded=bounded) for _, bounded, _ in kept]
        for number in range(len(events.rows)):
            told = False
            for stream, (since, _, values) in zip(streams, kept, strict=True):
                if number >= since:
                    told = stream.update(values[number - since], number * 1_000_000) is not None or told
            if number >= REFERENCE:
                yield float(told)

    def measured(self, events: Events) -> list[tuple[int, bool, array[float]]]:
        """The measures that come of the questions' embeddings: each from which event on, whether bounded, its values.

        They are kept as long as the stream is, since it is watched again at each step of bisecting.
        """
        if events in self._measured:
            return self._measured[events]
        assert self._bank is not None and events.rows is not None
        learned, items = Learned(), _interactions(self._bank)
        others = {measure.name for measure in measures(_interaction(()), Learned())}
        found: dict[str, tuple[int, bool, array[float]]] = {}
        for number, row in enumerate(events.rows.tolist()):
            for measure in measures(items[row], learned):
                if measure.name not in others:
                    found.setdefault(measure.name, (number, measure.bounded, array("f")))[2].append(measure.value)
        self._measured[events] = [*found.values()]
        return self._measured[events]

    def state(self, events: Events) -> int:
        if events.rows is not None and self._bank is not None:
            items = _interactions(self._bank)
            of_questions = [items[row] for row in events.rows[:KEPT].tolist()]
            return _monitored(of_questions) - _monitored([_interaction(())] * KEPT)
        part = Slice(("1", "small"), 0)
        measure = Measure("value", 0.0, events.bounded)
        stream = part.series.setdefault(measure.name, Series()).take(measure).stream
        for number, value in enumerate(events.values[:KEPT]):
            stream.update(value, number * 1_000_000)
        return len(encode(MonitorState(version=VERSION, positions=(), slices=(part.state(),))))


def _monitored(items: Sequence[ScoredInteraction]) -> int:
    """Bytes of the state of a monitor that was given these, before they are compressed."""
    monitor = Monitor()
    for number, item in enumerate(items):
        event = replace(item, event_id=str(UUID(int=number)), time=number, raw_time=number, raw_offset=number)
        monitor.process(FindingBatch(app="bot", environment="production", items=(event,)))
    return len(zlib.decompress(monitor.dump()))


@cache
def _interactions(bank: Bank) -> list[ScoredInteraction]:
    return [_interaction(tuple(vector)) for vector in bank.vectors.tolist()]


def _interaction(embedding: tuple[float, ...]) -> ScoredInteraction:
    return ScoredInteraction(
        event_id="",
        time=0,
        input_length=0,
        output_length=0,
        error=False,
        prompt_embedding=embedding,
        raw_topic_id="",
        raw_partition=0,
        raw_offset=0,
        raw_index=0,
    )


def _river(bank: Bank | None) -> list[Method]:
    def adwin(events: Events, parameter: float) -> Iterator[float]:
        detector = ADWIN(delta=parameter)
        for value in events.values[:REFERENCE]:
            detector.update(value)
        for value in events.values[REFERENCE:]:
            detector.update(value)
            yield float(detector.drift_detected)

    def directions(events: Events, parameter: float) -> Iterator[float]:
        """ADWIN on the distance and on the principal directions of the reference's embeddings."""
        if bank is None or events.rows is None:
            return
        vectors = bank.vectors[events.rows]
        centred = vectors - vectors[:REFERENCE].mean(axis=0)
        _, _, principal = np.linalg.svd(centred[:REFERENCE], full_matrices=False)
        projected = (centred @ principal[:DIRECTIONS].T).tolist()
        detectors = [ADWIN(delta=parameter) for _ in range(DIRECTIONS + 1)]
        for number, (distance, row) in enumerate(zip(events.values, projected, strict=True)):
            told = False
            for detector, value in zip(detectors, (distance, *row), strict=True):
                detector.update(value)
                told = told or detector.drift_detected
            if number >= REFERENCE:
                yield float(told)

    def page_hinkley(events: Events, parameter: float) -> Iterator[float]:
        detector = PageHinkley(threshold=math.inf)
        for number, value in enumerate(events.standardised):
            detector.update(value)
            if number >= REFERENCE:
                yield max(
                    detector._sum_increase - detector._min_increase, detector._max_decrease - detector._sum_decrease
                )

    def fed(detector: Any) -> Callable[[Events], int]:
        def state(events: Events) -> int:
            for value in events.values[:KEPT]:
                detector.update(value)
            return len(pickle.dumps(detector))

        return state

    found = [
        Method("river ADWIN", adwin, parameters=(1e-9, 1.0), state=fed(ADWIN())),
        Method("river PageHinkley", page_hinkley, state=fed(PageHinkley(threshold=math.inf)), note="standardised"),
    ]
    if bank is not None:
        found.insert(1, Method("ADWIN, 8 directions", directions, ("topics",), parameters=(1e-9, 1.0)))
    return found


def _frouros(bank: Bank | None) -> list[Method]:
    from frouros.detectors.concept_drift import (
        CUSUM,
        CUSUMConfig,
        GeometricMovingAverage,
        GeometricMovingAverageConfig,
    )

    def made(name: str) -> Any:
        if name == "CUSUM":
            return CUSUM(config=CUSUMConfig(lambda_=1e12))
        return GeometricMovingAverage(config=GeometricMovingAverageConfig(lambda_=1e12, alpha=0.99))

    def watch(name: str) -> Watch:
        def levels(events: Events, parameter: float) -> Iterator[float]:
            detector = made(name)
            for number, value in enumerate(events.standardised):
                detector.update(value=value)
                if number >= REFERENCE:
                    yield float(detector.sum_)

        return levels

    def state(name: str) -> Callable[[Events], int]:
        def size(events: Events) -> int:
            detector = made(name)
            for value in events.values[:KEPT]:
                detector.update(value=value)
            return len(pickle.dumps({key: each for key, each in vars(detector).items() if "callback" not in key}))

        return size

    note = "standardised, upward only, which is easier"
    return [
        Method(f"frouros {name}", watch(name), state=state(name), note=note)
        for name in ("CUSUM", "GeometricMovingAverage")
    ]


def _alibi(bank: Bank | None) -> list[Method]:
    warnings.filterwarnings("ignore", message=".*All-NaN.*")
    from alibi_detect.cd import CVMDriftOnline, FETDriftOnline
    from alibi_detect.cd.pytorch.mmd_online import MMDDriftOnlineTorch
    from alibi_detect.utils.pytorch.kernels import GaussianRBF

    def without_thresholds(cls: Any) -> Any:
        """The class without the bootstraps that its own thresholds cost: they aren't used."""
        return type(
            cls.__name__, (cls,), {"_configure_thresholds": lambda self: setattr(self, "thresholds", [math.inf])}
        )

    cvm, fet, two_samples = map(without_thresholds, (CVMDriftOnline, FETDriftOnline, MMDDriftOnlineTorch))

    def one_variable_of(events: Events) -> Any:
        values = np.array(events.values[:REFERENCE])
        made: dict[str, Any] = {"ert": 10_000, "window_sizes": WINDOWS, "verbose": False}
        return fet(values.astype(bool), alternative="greater", **made) if events.bounded else cvm(values, **made)

    def one_variable(events: Events, parameter: float) -> Iterator[float]:
        detector = one_variable_of(events)
        values = np.array(events.values)
        values = values.astype(bool) if events.bounded else values
        for value in values[REFERENCE:]:
            if events.bounded:
                statistics = detector.predict(np.array([value]))["data"]["test_stat"]
            else:
                statistics = detector.score(np.array([value]))
            known = statistics[~np.isnan(statistics)]
            yield float(known.max()) if known.size else -math.inf

    def mmd(events: Events, parameter: float) -> Iterator[float]:
        if bank is None or events.rows is None:
            return
        import torch

        torch.manual_seed(0)
        vectors = bank.vectors[events.rows]
        detector = two_samples(
            vectors[:REFERENCE], ert=10_000, window_size=WINDOW, kernel=GaussianRBF, device="cpu", verbose=False
        )
        for vector in vectors[REFERENCE:]:
            yield detector.score(vector)

    def state(events: Events) -> int:
        detector = one_variable_of(events)
        for value in events.values[REFERENCE:KEPT]:
            detector.score(np.array([value]))
        return len(pickle.dumps([getattr(detector, name) for name in ("x_ref", *detector.online_state_keys)]))

    found = [Method("alibi-detect CVM", one_variable, VALUES, state=state, slow=True, note="rates: FET, upward only")]
    if bank is not None:
        found.append(Method("alibi-detect MMD online", mmd, ("topics",), slow=True))
    return found


def _evidently(bank: Bank | None) -> list[Method]:
    warnings.filterwarnings("ignore")
    import pandas as pd
    from evidently.legacy.calculations.stattests import (
        ks_stat_test,
        psi_stat_test,
        wasserstein_stat_test,
        z_stat_test,
    )
    from evidently.legacy.core import ColumnType
    from evidently.legacy.metrics.data_drift.embedding_drift_methods import model

    def windows(events: Events, test: Callable[[int, int], float]) -> Iterator[float]:
        for start in range(REFERENCE, len(events.values) - WINDOW + 1, WINDOW):
            yield from [-math.inf] * (WINDOW - 1)
            yield test(start, start + WINDOW)

    def by(test: Any, of_rates: Any, *, p_value: bool) -> Watch:
        def watch(events: Events, parameter: float) -> Iterator[float]:
            values = pd.Series(events.values)
            reference = values[:REFERENCE]
            kind = ColumnType.Categorical if events.bounded else ColumnType.Numerical
            chosen = of_rates if events.bounded else test

            def level(start: int, end: int) -> float:
                score = float(chosen.func(reference, values[start:end].reset_index(drop=True), kind, 0.05)[0])
                return -math.log(max(score, 1e-300)) if p_value else score

            return windows(events, level)

        return watch

    def classifier(events: Events, parameter: float) -> Iterator[float]:
        if bank is None or events.rows is None:
            return
        vectors, method = bank.vectors[events.rows], model()

        def level(start: int, end: int) -> float:
            current, reference = pd.DataFrame(vectors[start:end]), pd.DataFrame(vectors[:REFERENCE])
            return float(method(current, reference)[0])

        yield from windows(events, level)

    def state(events: Events) -> int:
        return 8 * (REFERENCE + WINDOW)

    found = [
        Method("Evidently PSI", by(psi_stat_test, psi_stat_test, p_value=False), state=state, slow=True),
        Method("Evidently KS", by(ks_stat_test, z_stat_test, p_value=True), state=state, slow=True, note="rates: z"),
        Method(
            "Evidently Wasserstein",
            by(wasserstein_stat_test, wasserstein_stat_test, p_value=False),
            ("normal", "topics"),
            state=state,
            slow=True,
        ),
    ]
    if bank is not None:
        found.append(Method("Evidently embeddings", classifier, ("topics",), slow=True, note="classifier's ROC AUC"))
    return found
