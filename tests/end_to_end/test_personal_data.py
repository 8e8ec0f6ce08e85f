"""Personal data of every label in every format and field, through a worker: what has a form of its own is nowhere."""

from __future__ import annotations

from collections.abc import Callable

from tests.end_to_end.workers import Worker
from tests.personal_data import traffic

EVENTS = 200
BY_FORM = {
    *("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "IP_ADDRESS", "MAC_ADDRESS", "URL"),
    "CRYPTO",
}


def test_what_is_planted_is_nowhere(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(detectors="pii")
    emitted = list(traffic.events(1, EVENTS))
    traffic.publish(worker, emitted)
    result = traffic.left(worker, emitted)
    assert not BY_FORM & result.left.keys(), result.examples
    assert result.left.total() < 0.2 * result.planted.total(), result.examples


def test_the_search_finds_what_is_stored(make_worker: Callable[..., Worker]) -> None:
    """With redaction off all of it is there: no reading of what is stored is missing."""
    worker = make_worker(detectors="", redaction="false")
    emitted = list(traffic.events(2, EVENTS))
    traffic.publish(worker, emitted)
    result = traffic.left(worker, emitted)
    assert result.left == result.planted
