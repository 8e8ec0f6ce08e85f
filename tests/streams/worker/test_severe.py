"""Which findings are severe, what is published of them, and how they reach a webhook."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.schemas.samples import INTERACTION
from tests.streams.worker.test_stages import message as raw
from watchline.detectors.scorer import Scored
from watchline.detectors.thresholds import Thresholds
from watchline.schemas.errors import Kind, PoisonError, TransientError
from watchline.schemas.records import Finding, Interaction
from watchline.schemas.texts import RedactedInteraction
from watchline.streams.health.alert_metrics import AlertMetrics
from watchline.streams.health.outgoing import Failure
from watchline.streams.messages import Record, ScoredEvent
from watchline.streams.severe import MOST_CHARACTERS, Severe
from watchline.streams.worker.batch import Batch
from watchline.streams.worker.scoring.part import Part, result
from watchline.streams.worker.severe_delivery import GIVE_UP_S, LONGEST_PAUSE_S, MOST_LISTED, Delivery, message
from watchline.streams.worker.stages import decode
from watchline.streams.worker.stages.publish import Publish, severe_findings

TEXT = "a text of the event"


def scored(interaction: Interaction, scores: dict[str, float], detector: str = "toxicity") -> ScoredEvent:
    verdict = Thresholds().judge(detector, scores)
    finding = Finding(
        event_id=interaction.event_id,
        detector=detector,
        detector_version="v1",
        decision="evaluated",
        scores=scores,
        score=verdict.score,
        flagged=verdict.flagged,
        alert=verdict.alert,
        severity=verdict.severity,
        reason=TEXT,
    )
    (event,) = decode.unpack(raw(interaction)).events
    return ScoredEvent(
        event.origin, Scored(RedactedInteraction(interaction), (finding,), {}, {}, np.empty(0, np.float32))
    )


@pytest.mark.parametrize(
    ("scores", "severe"),
    [
        ({"violence": 0.61, "self_harm": 0.7}, ["violence", "self_harm"]),  # a label each
        ({"violence": 0.6, "hate": 0.99}, ["violence"]),  # hate's severity is medium
        ({"violence": 0.59, "hate": 0.99}, []),  # an alert, and not of a high label
        ({"violence": 0.2, "self_harm": 0.2}, []),
    ],
)
def test_a_label_at_its_alert_threshold_is_severe_where_it_is_of_high_severity(
    scores: dict[str, float], severe: list[str]
) -> None:
    found = severe_findings([scored(INTERACTION, scores)], Thresholds())
    assert [each.label for _, each in found] == severe


def test_only_production_is_told_of() -> None:
    experiment = dataclasses.replace(INTERACTION, source="experiment")
    assert severe_findings([scored(experiment, {"violence": 0.9})], Thresholds()) == []


def test_the_message_has_ids_and_names_cut_and_no_text(tmp_path: Path) -> None:
    odd = dataclasses.replace(INTERACTION, prompt_name="p" * 500_000)
    (_, severe), *others = severe_findings([scored(odd, {"violence": 0.9, "self_harm": 0.9})], Thresholds())
    said = json.loads(severe.encoded)
    assert set(said) == {
        *("id", "event_id", "app", "environment", "detector", "detector_version", "label", "score", "severity"),
        *("time", "prompt_name", "prompt_version", "model"),
    }
    assert (said["severity"], said["time"], len(said["prompt_name"])) == (
        "high",
        "2026-01-01T00:00:00.000000Z",
        MOST_CHARACTERS,
    )
    assert TEXT not in severe.encoded.decode()
    assert INTERACTION.tenant is not None and INTERACTION.tenant not in severe.encoded.decode()
    assert others[0][1].id != severe.id  # another label


def test_an_event_that_comes_again_gives_the_same_ids() -> None:
    first, again = (
        severe_findings([scored(INTERACTION, {"violence": score})], Thresholds())[0][1] for score in (0.9, 0.91)
    )
    assert first.id == again.id
    assert Severe.of(first.encoded) == first


@pytest.mark.parametrize("junk", [b"", b"[]", b"{", b'{"event_id": "1"}', b"\xff", b"[" * 10_000])
def test_what_is_no_finding_is_refused(junk: bytes) -> None:
    with pytest.raises(PoisonError):
        Severe.of(junk)


def test_they_are_published_first_and_without_events_that_were_refused() -> None:
    sent: list[tuple[str, int]] = []

    def to(name: str) -> Any:
        async def send(records: Sequence[Any]) -> None:
            sent.append((name, len(records)))

        return send

    async def write(table: Any) -> None:
        pass

    came = [
        scored(INTERACTION, {"violence": 0.9}),
        scored(dataclasses.replace(INTERACTION, event_id=INTERACTION.event_id[:-1] + "9"), {"violence": 0.9}),
    ]
    came[1] = dataclasses.replace(came[1], origin=dataclasses.replace(came[1].origin, index=1))
    severe = severe_findings(came, Thresholds())
    part = result(Part([]), [Record(b"")], worker="w", stages={}, lookups={}, severe=severe)
    refused = {severe[1][0]: PoisonError(Kind.REFUSED, "row refused")}
    stage = Publish(to("findings"), to("dead letters"), write, to("alerts"), lambda messages: None)
    part = dataclasses.replace(part, records=[])
    batch = Batch([], SimpleNamespace(), scored=part, refused=refused)  # type: ignore[arg-type]
    asyncio.run(stage.run(batch))
    assert sent == [("alerts", 1), ("dead letters", 0), ("findings", 0)]


class Incoming:
    """What was read of the topic together."""

    def __init__(self, *severe: Severe, junk: Sequence[bytes] = ()) -> None:
        values = [*(each.encoded for each in severe), *junk]
        self.messages = [SimpleNamespace(value=value, timestamp=1.0) for value in values]
        self.acknowledged = 0
        self.apart = 0

    async def acknowledge(self, count: int) -> None:
        self.acknowledged += count

    def set_aside(self) -> None:
        self.apart += 1


def severe(number: int, label: str = "violence") -> Severe:
    return Severe(
        event_id=f"0190{number}",
        app="<!channel|click>",
        environment="production",
        detector="toxicity",
        detector_version="v1",
        label=label,
        score=0.9,
        time="2026-01-01T00:00:00.000000Z",
    )


class Webhook:
    """Fails as it is told, then takes; keeps what came and how long was waited."""

    def __init__(self, *failures: Failure) -> None:
        self.failures = list(failures)
        self.bodies: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.pauses: list[float] = []
        self.metrics = AlertMetrics()
        self.delivery = Delivery(self.send, self.metrics, 3.0, pause=self.pause)
        self.seen: list[str | None] = []

    async def send(self, body: bytes, headers: dict[str, str]) -> Failure | None:
        self.bodies.append(json.loads(body))
        self.ids.append(headers["Idempotency-Key"])
        return self.failures.pop(0) if self.failures else None

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seen.append(self.delivery.failure)

    def deliver(self, *incoming: Incoming) -> None:
        async def all_of_them() -> None:
            for each in incoming:
                await self.delivery.deliver(each)

        asyncio.run(all_of_them())


AWAY = Failure("connection", 0, "no connection (ClientConnectorError)")


def test_a_webhook_that_is_away_for_ten_minutes_is_asked_seldom_and_gets_the_same_message() -> None:
    webhook, incoming = Webhook(*[AWAY] * 13), Incoming(severe(1), severe(2))
    webhook.deliver(incoming)
    tries = webhook.pauses[:13]
    assert sum(tries) > 480
    assert all(later > 1.5 * earlier for earlier, later in itertools.pairwise(tries[:5]))
    assert max(tries) <= 1.1 * LONGEST_PAUSE_S
    assert len(set(webhook.ids)) == 1
    assert incoming.apart == 13  # no rebalance and no stop waits for it
    assert incoming.acknowledged == 2
    assert set(webhook.seen[:13]) == {AWAY.text}
    assert webhook.delivery.failure == ""
    page = webhook.metrics.scrape()
    assert 'watchline_alert_webhook_failures_total{reason="connection"} 13.0' in page
    assert "watchline_alert_delivered_findings_total 2.0" in page
    assert "watchline_alert_webhook_messages_total 1.0" in page


def test_one_that_is_away_for_longer_ends_the_process_with_nothing_acknowledged() -> None:
    """Kafka's client leaves its group where nothing is read for long, and reads nothing ever after."""
    webhook, incoming = Webhook(*[AWAY] * 100), Incoming(severe(1))
    with pytest.raises(TransientError):
        webhook.deliver(incoming)
    assert incoming.acknowledged == 0
    assert 0.9 * GIVE_UP_S < sum(webhook.pauses) < 800  # each up to a tenth longer or shorter


def test_nothing_is_acknowledged_before_it_is_taken() -> None:
    incoming = Incoming(severe(1))
    webhook = Webhook(AWAY)

    async def pause(seconds: float) -> None:
        assert incoming.acknowledged == 0 or seconds == 3.0

    webhook.delivery._pause = pause
    webhook.deliver(incoming)
    assert incoming.acknowledged == 1


def test_a_burst_is_one_message_with_a_count() -> None:
    webhook = Webhook()
    webhook.deliver(Incoming(*map(severe, range(500))))
    (body,) = webhook.bodies
    assert (body["count"], len(body["findings"]), body["left_out"]) == (500, MOST_LISTED, 500 - MOST_LISTED)
    assert webhook.pauses == [3.0]  # and the next not before


def test_what_comes_again_is_not_sent_again_and_junk_stops_nothing() -> None:
    webhook = Webhook()
    again = Incoming(severe(1), severe(1), junk=[b"junk"])
    webhook.deliver(Incoming(severe(1)), again)
    assert [body["count"] for body in webhook.bodies] == [1]
    assert again.acknowledged == 3
    assert "watchline_alert_repeated_findings_total 2.0" in webhook.metrics.scrape()
    assert "watchline_alert_unreadable_messages_total 1.0" in webhook.metrics.scrape()


def test_a_receiver_that_refuses_the_form_gets_the_text_alone() -> None:
    webhook = Webhook(Failure("status", 400, "answered 400"))
    webhook.deliver(Incoming(severe(1)))
    assert len(webhook.bodies[0]) > 1
    assert webhook.bodies[1] == {"text": "Watchline: 1 severe finding: toxicity, violence: 1"}


def test_names_that_apps_choose_are_never_in_the_text() -> None:
    body, headers = message([severe(1)])
    said = json.loads(body)
    assert "click" not in said["text"]
    assert said["id"] == headers["Idempotency-Key"] == severe(1).id == said["findings"][0]["id"]
