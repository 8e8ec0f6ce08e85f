"""What stops the worker, and whose dead letters never do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tests.schemas.samples import TIME
from watchline.schemas.errors import FatalError, Kind
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import Progress
from watchline.streams.messages import Message
from watchline.streams.worker.batch import Batch
from watchline.streams.worker.brake import MIN_EVENTS_FOR_RATIO, MOST_APPS, RATIO_WINDOW, SEEN_WITHIN, Brake
from watchline.streams.worker.scoring.part import ScoredPart
from watchline.streams.worker.stages.acknowledge import Acknowledge


def dead(app: str, count: int = 1) -> list[tuple[str, bool]]:
    return [(app, True)] * count


def test_an_app_alone_never_stops_it() -> None:
    brake = Brake(max_consecutive=3, max_ratio=0.1)
    brake.count(TIME, dead("shop", 2 * RATIO_WINDOW))
    brake.count(TIME, [("bank", False)])
    brake.count(TIME + SEEN_WITHIN - 1, dead("shop", 2 * RATIO_WINDOW))


def test_it_stops_when_every_app_has_dead_letters_in_a_row() -> None:
    brake = Brake(max_consecutive=3, max_ratio=1.0)
    brake.count(TIME, dead("shop", 3))
    brake.count(TIME, [*dead("bank", 2), ("bank", False), *dead("bank", 2)])
    with pytest.raises(FatalError, match=r"in each of 2 apps.*MAX_CONSECUTIVE"):
        brake.count(TIME, dead("bank"))


def test_it_stops_when_every_app_has_a_high_share() -> None:
    brake = Brake(max_consecutive=10**6, max_ratio=0.25)
    quarter = [False, False, True, False]
    for app in ("shop", "bank"):
        brake.count(TIME, [(app, outcome) for outcome in quarter * (MIN_EVENTS_FOR_RATIO // 4)])
    brake.count(TIME, dead("shop", 10))
    with pytest.raises(FatalError, match="MAX_RATIO"):
        brake.count(TIME, dead("bank", 10))


def test_an_app_that_has_been_silent_for_an_hour_keeps_nothing_going() -> None:
    brake = Brake(max_consecutive=3, max_ratio=1.0)
    brake.count(TIME, [("quiet", False)])
    brake.count(TIME + SEEN_WITHIN - 1, [*dead("shop", 3), *dead("bank", 3)])
    with pytest.raises(FatalError):
        brake.count(TIME + SEEN_WITHIN, dead("bank"))


def test_a_few_bad_ones_at_the_start_do_not_stop_it() -> None:
    Brake(max_consecutive=1000, max_ratio=0.01).count(TIME, [*dead("shop", 100), *dead("bank", 100)])


def test_it_forgets_old_failures_and_remembers_no_more_apps_than_it_may() -> None:
    brake = Brake(max_consecutive=10**6, max_ratio=0.4)
    brake.count(TIME, [*dead("shop", RATIO_WINDOW - 1), *[("shop", False)] * 2 * RATIO_WINDOW, *dead("bank", 5000)])
    for number in range(2 * MOST_APPS):
        brake.count(TIME + 1 + number, [(f"app-{number}", False)])
    assert len(brake._apps) == MOST_APPS


LETTER_KINDS = [kind for kind in Kind if kind is not Kind.UNCLASSIFIED]


def acknowledge(brake: Brake, apps: Sequence[str], kind: Kind | None) -> None:
    """A message with an event of each app, all dead letters of a kind; None: of no event the app is known."""
    message = Message("raw", "id", 0, 7, TIME, b"")
    letters = [
        DeadLetter("raw", "id", 0, 7, index, TIME, b"", kind, "no reason", app=app)
        for index, app in enumerate(apps) if kind
    ]  # fmt: skip
    scored = ScoredPart(apps={(0, 7): dict(enumerate(apps))})

    class Incoming:
        messages: Sequence[object] = ()

        async def acknowledge(self, count: int) -> None:
            pass

        def set_aside(self) -> None:
            pass

    async def skip(partition: object, offset: int) -> None:
        raise AssertionError

    stage = Acknowledge(brake, skip, Progress(1.0), Metrics({}))
    asyncio.run(stage.run(Batch([message], Incoming(), scored=scored, dead_letters=letters)))


@pytest.mark.parametrize("kind", LETTER_KINDS)
def test_what_senders_can_bring_about_stops_nobody_and_what_only_we_can_does(kind: Kind) -> None:
    brake = Brake(max_consecutive=3, max_ratio=1.0)
    apps = ["shop"] * 3 + ["bank"] * 3
    if kind in (Kind.REDACTION, Kind.REFUSED):
        with pytest.raises(FatalError):
            acknowledge(brake, apps, kind)
        acknowledge(Brake(3, 1.0), ["shop"] * 10_000, kind)
    else:
        acknowledge(brake, apps * 2_000, kind)


def test_what_an_app_sends_wrongly_does_not_hide_that_all_else_dies() -> None:
    """Neither for nor against: events that were invalid were never redacted or stored."""
    brake = Brake(max_consecutive=4, max_ratio=1.0)
    acknowledge(brake, ["shop"] * 4 + ["bank"] * 3, Kind.REDACTION)
    acknowledge(brake, ["bank"] * 100, Kind.INVALID)
    with pytest.raises(FatalError):
        acknowledge(brake, ["bank"], Kind.REFUSED)
