from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable

import numpy as np
import pytest

from tests.schemas.samples import TIME
from tests.streams.worker.test_stages import message
from watchline.detectors.scorer import Scored
from watchline.schemas.records import Message
from watchline.schemas.texts import RedactedInteraction
from watchline.streams.health import canary
from watchline.streams.messages import Record, ScoredEvent
from watchline.streams.settings import load
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
    assert decode.unpack(message(CANARY)).apps == {}


@dataclasses.dataclass
class FailingMember:
    """Has a partition that takes canaries and one that refuses them, and fails as a whole at first."""

    rounds: int = 0
    sent: list[int | None] = dataclasses.field(default_factory=list)

    @property
    def stopping(self) -> bool:
        return self.rounds == 3

    def assignment(self) -> set[tuple[str, int]]:
        self.rounds += 1
        if self.rounds == 1:
            raise AttributeError("no consumer")
        return {("watchline.interactions", 0), ("watchline.interactions", 1)}

    async def publish(self, topic: str, records: Iterable[Record]) -> None:
        (record,) = records
        if record.partition == 0:
            raise ConnectionError("refused")
        self.sent.append(record.partition)


def test_canaries_that_cannot_be_sent_are_logged_and_end_nothing(caplog: pytest.LogCaptureFixture) -> None:
    member = FailingMember()
    asyncio.run(canary.send(member, load(canary_interval_s=0.01)))
    assert member.sent == [1, 1]
    assert [record.getMessage() for record in caplog.records] == [
        "a canary was not sent: AttributeError",
        "a canary was not sent: ConnectionError",
        "a canary was not sent: ConnectionError",
    ]
