"""Fuzzed payloads through a worker's agent: each is stored or a dead letter; and the check of that can fail."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.payloads import Payloads
from tests.fuzz.pipeline import FuzzedWorker
from watchline.streams.messages import DecodedMessage
from watchline.streams.worker.stages import decode

PAYLOADS = 6_000
LAST_LINE = re.compile(r"payloads=(\d+) crashes=0 stored=(\d+) dead_letters=(\d+) unaccounted=0")


@pytest.mark.slow
def test_every_payload_is_stored_or_a_dead_letter(tmp_path: Path) -> None:
    """The program itself, bounded; a round of it with redaction and monitors."""
    command = [sys.executable, "-m", "tests.fuzz.run", str(PAYLOADS), "--processes", "1"]
    command += ["--seed", "watchline", "--failures", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    found = LAST_LINE.fullmatch(done.stdout.splitlines()[-1])
    assert found and done.returncode == 0, (
        done.stdout + done.stderr + "".join(map(Path.read_text, tmp_path.glob("*.txt")))
    )
    payloads, stored, dead = map(int, found.groups())
    assert payloads == PAYLOADS
    assert stored > PAYLOADS / 10 and dead > PAYLOADS / 10


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[FuzzedWorker]:
    worker = FuzzedWorker(tmp_path, thorough=False)
    yield worker
    worker.close()


def lose_an_event(unpacked: DecodedMessage) -> DecodedMessage:
    return replace(unpacked, events=unpacked.events[1:])


def lose_a_dead_letter(unpacked: DecodedMessage) -> DecodedMessage:
    return replace(unpacked, dead=unpacked.dead[1:])


def change_a_text(unpacked: DecodedMessage) -> DecodedMessage:
    return replace(
        unpacked,
        events=[replace(event, interaction=replace(event.interaction, finish_reasons=())) for event in unpacked.events],
    )


def raise_on_some(unpacked: DecodedMessage) -> DecodedMessage:
    if unpacked.message.offset % 50 == 7:
        raise OverflowError
    return unpacked


@pytest.mark.parametrize(
    ("fault", "crashes", "said"),
    [
        (lose_an_event, 0, r"of \d events stored: \[.*\], dead: \[.*\]"),
        (lose_a_dead_letter, 0, r"not readable, yet no dead letter as a whole|of \d events stored"),
        (change_a_text, 0, "is stored with another finish_reasons"),
        (raise_on_some, 3, "OverflowError"),
    ],
)
@pytest.mark.slow
def test_a_fault_is_seen(
    worker: FuzzedWorker, monkeypatch: pytest.MonkeyPatch, fault: Any, crashes: int, said: str
) -> None:
    unpack = decode.unpack
    payloads = Payloads("watchline", bases=10).take(120)
    assert worker.run(payloads, 0).failures == {}

    def faulty(*arguments: Any, **options: Any) -> DecodedMessage:
        return fault(unpack(*arguments, **options))

    monkeypatch.setattr(decode, "unpack", faulty)
    outcome = worker.run(payloads, 0)
    assert outcome.crashes == crashes and len(outcome.failures) >= 3
    assert all(re.search(said, why) for why in outcome.failures.values())
