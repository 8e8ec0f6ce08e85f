"""Prompts from the keeper to an app over a real broker, and the app without it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest

from tests.streams.producer.apps import run_app
from tests.streams.producer.prompts import KEY, OTHER, message, release
from tests.streams.producer.published import envelopes
from watchline.schemas.errors import ConfigurationError
from watchline.streams.embedded.broker import Broker
from watchline.streams.governance.prompt_topic import publish
from watchline.streams.kafka import admin, log_reader, topics
from watchline.streams.producer import Producer, prompt_reader
from watchline.streams.producer.prompt import PromptError
from watchline.streams.settings import Settings, load

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(broker: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of a broker with all topics; an app finds its folder."""
    monkeypatch.setenv("WATCHLINE_DATA_DIR", str(tmp_path))
    made = load(kafka_url=f"kafka://{broker}", topic_prefix=topic_prefix)
    admin.create(made)
    return made


@pytest.fixture
def app(settings: Settings) -> Iterator[Producer]:
    with producer(settings) as made:
        yield made


def producer(settings: Settings, **changed: Any) -> Producer:
    return Producer(
        settings.bootstrap_servers,
        **{"app": "shop", "topic_prefix": settings.topic_prefix, "prompt_keys": KEY.public, **changed},
    )


def until(true: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def version(app: Producer) -> str:
    try:
        return app.prompt("answer").version
    except PromptError as error:
        return str(error).rpartition(": ")[2]


def write(settings: Settings, *messages: tuple[bytes, bytes]) -> None:
    """As whoever can write to the topic."""
    client = confluent_kafka.Producer(settings.kafka_client)
    for key, value in messages:
        client.produce(topics.prompts(settings.topic_prefix), value, key)
    assert client.flush(10) == 0


def stored(settings: Settings) -> list[bytes]:
    read = log_reader.read_to_end(settings, topics.prompts(settings.topic_prefix), [0])
    return [each.value() for each in read]


def test_promotions_withdrawals_and_rollbacks_arrive_and_forgeries_do_not(settings: Settings, app: Producer) -> None:
    assert version(app) == "none is promoted"
    for made, told in (
        (release(7), "7"),
        (release(8), "8"),
        (release(9, version="7", content="version 7"), "7"),  # a rollback
        (release(10, status="withdrawn", content=""), "it was withdrawn"),
        (release(11), "11"),
    ):
        assert publish(settings, [made], KEY) == 1
        until(lambda told=told: version(app) == told)  # type: ignore[misc]
    write(settings, message(release(7)), message(release(99), OTHER), (message(release(99))[0], b"junk"))
    write(settings, (message(release())[0], b""))
    until(lambda: app.stats.prompts_refused == 2)
    assert version(app) == "11" and app.prompt("answer").age_s < 30
    with producer(settings, environment="test") as elsewhere:
        assert version(elsewhere) == "none is promoted"


def test_the_topic_is_made_to_say_what_the_log_says_and_only_once(settings: Settings) -> None:
    made = [release(7), release(8, name="other")]
    assert [publish(settings, made, KEY) for _ in range(3)] == [2, 0, 0]
    key = message(release(7))[0]
    for forged in (b"", b"junk", message(release(99), OTHER)[1], message(release(3))[1]):
        write(settings, (key, forged))
        assert [publish(settings, made, KEY) for _ in range(2)] == [1, 0]
        assert stored(settings)[-1] == message(release(7))[1]
    assert publish(settings, [release(9)], KEY) == 1
    assert publish(settings, made, KEY) == 0  # of a keeper that is behind
    with pytest.raises(ConfigurationError, match="watchline migrate"):
        publish(load(kafka_url=settings.kafka_url, topic_prefix="none."), made, KEY)


def test_the_first_prompt_of_a_new_process_is_the_newest_whatever_the_topic_still_holds(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(settings, *[message(release(position)) for position in range(1, 40)])
    monkeypatch.setattr(prompt_reader, "AT_ONCE", 0)  # they come one by one
    for number in range(3):
        monkeypatch.setenv("WATCHLINE_DATA_DIR", str(tmp_path / str(number)))  # nothing is on disk
        with producer(settings) as app:
            assert version(app) == "39"


def test_restarts_never_go_back_and_a_topic_that_is_made_anew_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An embedded broker forgets all; a keeper that is behind then writes what was in force before."""
    monkeypatch.setenv("WATCHLINE_DATA_DIR", str(tmp_path))
    for name in ("REREAD_S", "CHECK_S", "PAUSE_S"):
        monkeypatch.setattr(prompt_reader, name, 0.3)
    with Broker(tmp_path / "broker.log") as broker:
        settings = load(kafka_url=broker.url)
        admin.create(settings)
        publish(settings, [release(8)], KEY)
        with producer(settings) as app:
            assert version(app) == "8"
    for _ in range(20):
        with producer(settings) as app:
            assert version(app) == "8"
    with producer(settings) as app, Broker(tmp_path / "broker.log", broker.port):
        assert version(app) == "8" and app.prompt("answer").age_s > 0.1
        admin.create(settings)
        publish(settings, [release(7)], KEY)
        until(lambda: app.prompt("answer").age_s < 0.2)
        assert version(app) == "8"
        publish(settings, [release(9)], KEY)
        until(lambda: version(app) == "9", 20)


GREEN = """
from gevent import monkey; monkey.patch_all()
import faulthandler, sys, time
from gevent import spawn
faulthandler.dump_traceback_later(40, exit=True)  # a frozen app ends with 1
from watchline import Producer
turns = []
def turn():
    while True:
        time.sleep(0.01)
        turns.append(1)
spawn(turn)
away = Producer("127.0.0.1:1", app="away", prompt_keys=sys.argv[3])
away.prompt("answer", default="mine", timeout_s=0.5)
assert len(turns) > 10, len(turns)
producer = Producer(sys.argv[1], app="shop", topic_prefix=sys.argv[2], prompt_keys=sys.argv[3])
print(producer.prompt("answer", timeout_s=20).content, "cryptography" in sys.modules)
producer.close(); away.close()
"""


def test_an_app_of_greenlets_goes_on_while_it_waits(settings: Settings) -> None:
    publish(settings, [release(7)], KEY)
    said, _ = run_app(GREEN, settings.bootstrap_servers, settings.topic_prefix, KEY.public)
    assert said == "version 7 False\n"


def test_an_event_names_the_prompt(settings: Settings, app: Producer) -> None:
    publish(settings, [release(7)], KEY)
    until(lambda: version(app) == "7")
    with app.observe(input="q", model="m", prompt=dataclasses.replace(app.prompt("answer"), stale=True)) as call:
        call.output = "a"
    app.emit(input="q", model="m", prompt=app.prompt("answer"))
    assert app.flush(20)
    (first, second) = [
        each
        for envelope in envelopes(settings.bootstrap_servers, settings.topic_prefix, 2)
        for each in envelope.interactions
    ]
    assert {(each.prompt_name, each.prompt_version) for each in (first, second)} == {("answer", "7")}
    assert first.prompt_hash == second.prompt_hash == release(7).content_hash
    assert set(first.attributes) == {"watchline.prompt.age_s"} and not second.attributes
