"""Evaluators of alerts that are killed and stopped, as processes, on a real broker: nobody is told twice, or never."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.dashboards.engine.receivers import Receiver, http_receiver, wait_until
from watchline.streams.kafka import admin
from watchline.streams.kafka.alert_journal import LEASE_S
from watchline.streams.settings import load


class Evaluator:
    def __init__(self, folder: Path, *args: str) -> None:
        folder.mkdir()
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.alert_process", *args, str(folder / "store")],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    @property
    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    @property
    def owns(self) -> bool:
        return bool(self.lines) and self.lines[-1].startswith("True")


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def start(broker: str, topic_prefix: str, hook: Receiver, tmp_path: Path) -> Iterator[Callable[[], Evaluator]]:
    admin.create(load(kafka_url=f"kafka://{broker}", topic_prefix=topic_prefix))
    started: list[Evaluator] = []

    def make() -> Evaluator:
        started.append(Evaluator(tmp_path / f"evaluator{len(started)}", broker, topic_prefix, hook.url))
        return started[-1]

    yield make
    for each in started:
        each.process.kill()
        each.process.wait()


def taken(hook: Receiver) -> set[str]:
    return {body["delivery"] for body in hook.bodies}


def test_killed_while_it_fires_it_goes_on_and_tells_nobody_again(
    start: Callable[[], Evaluator], hook: Receiver
) -> None:
    evaluator = start()
    wait_until(lambda: hook.bodies, 60)
    started = evaluator.lines[-1].split("'")[3]
    for _ in range(3):
        evaluator.send(signal.SIGKILL)
        evaluator = start()
        wait_until(lambda one=evaluator: one.owns, 60 + LEASE_S)
        assert f"('firing', '{started}')" in evaluator.lines[-1]
    time.sleep(3)
    assert len(taken(hook)) == 1  # who is killed before it knows that it was taken sends the same one again


def test_killed_before_its_first_try_the_next_tells_within_30_s(start: Callable[[], Evaluator], hook: Receiver) -> None:
    hook.answer = lambda path, body: (503, {}, b"")
    evaluator = start()
    wait_until(lambda: hook.bodies, 60)  # recorded, and not taken
    evaluator.send(signal.SIGKILL)
    killed = time.monotonic()
    refused = taken(hook)
    hook.bodies.clear()
    hook.answer = lambda path, body: (200, {}, b"")
    start()
    wait_until(lambda: hook.bodies, 60)
    assert time.monotonic() - killed < 30
    assert taken(hook) == refused  # the same delivery: who took it after all acts once


def test_stopped_with_a_message_ready_and_overtaken_it_sends_nothing(
    start: Callable[[], Evaluator], hook: Receiver
) -> None:
    accepted: list[str] = []
    hook.answer = lambda path, body: (503, {}, b"")
    first = start()
    wait_until(lambda: len(hook.bodies) > 1, 60)
    first.send(signal.SIGSTOP)
    hook.bodies.clear()
    hook.answer = lambda path, body: (accepted.append(json.loads(body)["delivery"]), (200, {}, b""))[1]
    second = start()
    wait_until(lambda: second.owns and accepted, 60 + LEASE_S)
    first.send(signal.SIGCONT)
    lines = len(first.lines)
    wait_until(lambda: len(first.lines) > lines + 5, 30)
    time.sleep(3)
    assert len(accepted) == 1 and second.owns and not first.owns
