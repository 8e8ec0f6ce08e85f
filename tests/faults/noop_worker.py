"""A worker whose one detector does nothing but give a finding, so that the tests are about delivery.

`python -m tests.faults.noop_worker worker` is `watchline worker` with that detector under the name `pii`; run it with
WATCHLINE_REDACTION=false. What the environment may ask for, each as WATCHLINE_TEST_...:

- FAIL: the scorer raises at the event of that id (a mock of a mistake in the code).
- SLOW_S: the scorer waits so long at each batch.
- LOOK_S: the pause between two looks at topics and store.
- REQUEST_S: what one request to ClickHouse may take.
- FETCH_FAILS: the Kafka client's reading fails after so many fetches, as it does at an answer with a flipped bit in a
  topic's name.
- CLOCK: a file with the seconds by which Python's clock is wrong (a stand-in for a system's clock that jumps: code in C
  sees the right one).
- KILL=`publish after 3`: the worker is killed, as kill -9 does, when the third batch has left a stage (`before`: when
  it comes to it): store, publish or acknowledge.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiokafka.consumer.fetcher import Fetcher

from watchline.detectors import registry
from watchline.detectors.base import Detector, Embeddings, Evaluation
from watchline.detectors.declarations import Declaration
from watchline.detectors.pii.redaction import Redacted
from watchline.detectors.scorer import Scorer
from watchline.schemas.records import Interaction
from watchline.streams.cli.main import main
from watchline.streams.clickhouse import connect as store
from watchline.streams.worker import store_watch, topic_watch
from watchline.streams.worker.stages.acknowledge import Acknowledge
from watchline.streams.worker.stages.publish import Publish
from watchline.streams.worker.stages.store import Store

DETECTOR = "pii"
SETTINGS = {"detectors": DETECTOR, "redaction": "false"}


class NoOp(Detector[None]):
    """Finds nothing, in everything."""

    name = DETECTOR
    labels = ("SECRET",)
    VERSION = "1"
    uses_encoder = False
    on_device = False

    def prepare(self, interaction: Interaction) -> None:
        return None

    def evaluate(self, batch: Sequence[None], embeddings: Embeddings) -> Sequence[Evaluation]:
        return [Evaluation({"SECRET": 0.0})] * len(batch)


_scored = Scorer.score


def _score(self: Scorer, redacted: Sequence[Redacted], **options: Any) -> Any:
    if os.environ.get("WATCHLINE_TEST_FAIL") in [each.interaction.event_id for each in redacted]:
        raise ArithmeticError("a mistake that the test asked for")
    time.sleep(float(os.environ.get("WATCHLINE_TEST_SLOW_S", 0)))
    return _scored(self, redacted, **options)


if __name__ in ("__main__", "__mp_main__"):  # the latter in the scoring process
    registry.DETECTORS[DETECTOR] = Declaration(DETECTOR, "tests.faults.noop_worker:NoOp", NoOp.labels)
    Scorer.score = _score  # type: ignore[method-assign]
    if "WATCHLINE_TEST_LOOK_S" in os.environ:
        topic_watch.LOOK_S = store_watch.LOOK_S = float(os.environ["WATCHLINE_TEST_LOOK_S"])
    store.REQUEST_TIMEOUT_S = float(os.environ.get("WATCHLINE_TEST_REQUEST_S", store.REQUEST_TIMEOUT_S))


def _wrong_clock(file: Path) -> None:
    """`time.time` is wrong by what the file says at the moment."""
    right, right_ns = time.time, time.time_ns
    time.time = lambda: right() + float(file.read_text())
    time.time_ns = lambda: right_ns() + int(float(file.read_text()) * 1e9)


if clock := os.environ.get("WATCHLINE_TEST_CLOCK"):  # in the scoring process too
    _wrong_clock(Path(clock))


def _fail_fetching(fetches: int) -> None:
    """The client looks for what to fetch; then that raises."""
    look, numbers = Fetcher._get_actions_per_node, itertools.count(1)

    def failing(self: Any, assignment: Any) -> Any:
        if next(numbers) > fetches:
            raise KeyError("a topic that nobody asked for")
        return look(self, assignment)

    Fetcher._get_actions_per_node = failing


if fetches := os.environ.get("WATCHLINE_TEST_FETCH_FAILS"):
    _fail_fetching(int(fetches))


def _kill(order: str) -> None:
    """The worker is killed at a stage, before or after so many batches."""
    name, when, at = order.split()
    stage: Any = {"store": Store, "publish": Publish, "acknowledge": Acknowledge}[name]
    run, numbers = stage.run, itertools.count(1)

    def at_the_stage(moment: str, number: int) -> None:
        if (when, int(at)) == (moment, number):
            os.kill(os.getpid(), signal.SIGKILL)

    def blocking(self: Any, batch: Any) -> Any:
        number = next(numbers)
        at_the_stage("before", number)
        done = run(self, batch)
        at_the_stage("after", number)
        return done

    async def in_loop(self: Any, batch: Any) -> Any:
        number = next(numbers)
        at_the_stage("before", number)
        done = await run(self, batch)
        at_the_stage("after", number)
        return done

    stage.run = blocking if stage is Store else in_loop


if __name__ == "__main__":
    if order := os.environ.get("WATCHLINE_TEST_KILL"):
        _kill(order)
    sys.exit(main())
