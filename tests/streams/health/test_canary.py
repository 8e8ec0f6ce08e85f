from __future__ import annotations

import dataclasses

import numpy as np

from tests.schemas.samples import TIME
from tests.streams.worker.test_stages import message
from watchline.detectors.scorer import Scored
from watchline.schemas.records import Message
from watchline.schemas.texts import RedactedInteraction
from watchline.streams.health import canary
from watchline.streams.messages import ScoredEvent
from watchline.streams.worker.brake import Brake
from watchline.streams.worker.stages import decode

CANARY = canary.interaction(TIME)


def test_only_the_workers_own_is_one() -> None:
    assert canary.is_canary(CANARY)
    assert not canary.is_canary(dataclasses.replace(CANARY, app="bot"))
    assert not canary.is_canary(dataclasses.replace(CANARY, operation="chat"))


def test_its_row_holds_no_text_whoever_sent_it() -> None:
    forged = dataclasses.replace(
        CANARY, input_messages=(Message("user", "jane@example.com"),), attributes={"worker": "jane@example.com"}
    )
    (event,) = decode.unpack(message(forged)).events
    table = canary.table(
        [ScoredEvent(event.origin, Scored(RedactedInteraction(forged), (), {}, {}, np.empty(0, np.float32)))], "w1"
    )
    assert "jane" not in str(table)
    assert table.name == "canaries"


def test_it_does_not_hide_from_the_brake_that_everything_else_is_dead() -> None:
    brake = Brake(3, 1.0)
    for outcomes in (decode.unpack(message(value=b"junk")), decode.unpack(message(CANARY))):
        brake.count("raw", 0, outcomes.outcomes)
    assert brake._consecutive == {("raw", 0): 1}
