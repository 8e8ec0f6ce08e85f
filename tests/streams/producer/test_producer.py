"""The producer against a broker, and against none: what arrives, what is dropped, and that the app goes on."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.streams.producer.apps import run_app
from tests.streams.producer.published import envelopes, make_topics, opinions, reports, sequences
from watchline.schemas.errors import ConfigurationError
from watchline.schemas.records import Interaction
from watchline.schemas.texts import texts
from watchline.streams import Producer
from watchline.streams.producer.arguments import ArgumentError
from watchline.streams.producer.producer import disabled
from watchline.streams.producer.truncation import FIELD_LIMIT
from watchline.streams.throttled_log import ThrottledLog

AWAY = "localhost:1"
IMPATIENT = {
    "message.timeout.ms": 400,
    "topic.metadata.propagation.max.ms": 100,
    "topic.metadata.refresh.interval.ms": 200,
}


@pytest.fixture
def topics(broker: str, topic_prefix: str) -> tuple[str, str]:
    make_topics(broker, topic_prefix)
    return broker, topic_prefix


def test_everything_emitted_arrives_once_and_numbered(topics: tuple[str, str]) -> None:
    broker, prefix = topics
    with Producer(f"kafka://{broker}", app="shop", environment="test", topic_prefix=prefix) as producer:
        ids = [producer.emit(input=f"question {n}", output="answer", model="m") for n in range(200)]
        opinion = producer.feedback(ids[0], rating=-1, comment="wrong total")
        assert producer.flush(20)
        assert (producer.stats.emitted, producer.stats.delivered, producer.stats.dropped) == (201, 201, 0)
    found = envelopes(broker, prefix, 200)
    arrived = [interaction for envelope in found for interaction in envelope.interactions]
    assert {interaction.event_id for interaction in arrived} == set(ids) and len(arrived) == 200
    assert {sequence for _, sequence in sequences(found)} == set(range(200))
    assert max(len(envelope.interactions) for envelope in found) == 64
    assert {(interaction.app, interaction.environment) for interaction in arrived} == {("shop", "test")}
    (feedback,) = opinions(broker, prefix, 1)
    assert (feedback.feedback_id, feedback.event_id) == (opinion, ids[0])
    assert (feedback.rating, feedback.comment, feedback.app) == (-1, "wrong total", "shop")


def test_the_source_is_the_producer_s_where_a_call_says_none(
    topics: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, prefix = topics
    monkeypatch.setenv("WATCHLINE_SOURCE", "experiment")
    with Producer(broker, app="shop", topic_prefix=prefix) as producer:
        for given in ({}, {"source": "replay"}, {"source": "mine"}):
            producer.emit(input=str(given), output="answer", model="m", **given)
        assert producer.flush(20)
    arrived = [event for envelope in envelopes(broker, prefix, 3) for event in envelope.interactions]
    assert [event.source for event in arrived] == ["experiment", "replay", "experiment"]
    assert [dict(event.unreadable) for event in arrived] == [{}, {}, {"source": "str"}]
    with pytest.raises(ConfigurationError, match="source, or WATCHLINE_SOURCE: one of production, experiment"):
        Producer(broker, app="shop", source="mine")


@pytest.mark.slow
def test_a_bad_value_costs_itself_and_is_named(topics: tuple[str, str], caplog: pytest.LogCaptureFixture) -> None:
    broker, prefix = topics
    own = str(uuid4())
    with Producer(broker, app="shop", topic_prefix=prefix) as producer:
        for _ in range(3):
            UUID(producer.emit(input="secret", model="m", latency_s=float("nan")))
        assert producer.emit(input="good", model=None, event_id=own, latency=1) == own
        assert producer.flush(20)
        assert producer.stats.unreadable == {"latency_s": 3, "latency": 1} and producer.stats.dropped == 0
    events = [event for envelope in envelopes(broker, prefix, 4) for event in envelope.interactions]
    assert [event.unreadable for event in events] == [{"latency_s": "float"}] * 3 + [{"latency": "unknown"}]
    assert (events[3].event_id, events[3].attributes) == (own, {"latency": "1"})
    assert len([record for record in caplog.records if "latency_s" in record.message]) == 1
    assert "secret" not in caplog.text


def test_feedback_for_no_event_is_dropped_and_reported(topics: tuple[str, str]) -> None:
    broker, prefix = topics
    with Producer(broker, app="shop", topic_prefix=prefix) as producer:
        producer.feedback(None, rating=1)  # type: ignore[arg-type]
        assert producer.flush(20)
        assert producer.stats.dropped_by == {"bad value": 1}
    assert reports(broker, prefix, 1)[-1].feedback_dropped == 1


def test_a_strict_producer_raises() -> None:
    with Producer(AWAY, app="shop", strict=True) as producer:
        with pytest.raises(ArgumentError, match="latency_s"):
            producer.emit(input="x", model="m", latency_s=-1)
        producer.close(0)


def test_before_send_changes_leaves_out_and_fails_closed(topics: tuple[str, str]) -> None:
    broker, prefix = topics

    def hook(interaction: Interaction) -> Interaction | None:
        if interaction.input == "leave out":
            return None
        if interaction.input == "fail":
            raise RuntimeError("in the hook")
        return replace(interaction, tenant="from the hook")

    with Producer(broker, app="shop", topic_prefix=prefix, before_send=hook) as producer:
        for text in ("leave out", "fail", "send"):
            producer.emit(input=text, model="m")
        assert producer.flush(20)
        stats = producer.stats
        assert (stats.delivered, stats.discarded, stats.dropped_by) == (1, 1, {"before_send": 1})
    (envelope,) = envelopes(broker, prefix, 1)
    # What the app left out is no gap, what the hook failed on is one.
    assert (envelope.first_sequence, envelope.dropped) == (1, 1)
    assert [(item.input, item.tenant) for item in envelope.interactions] == [("send", "from the hook")]


def test_large_events_share_no_envelope_and_huge_texts_are_cut(topics: tuple[str, str]) -> None:
    broker, prefix = topics

    def hook(interaction: Interaction) -> Interaction:
        many = {str(number): "" for number in range(150_000)}
        return replace(interaction, attributes=many) if interaction.input == "many" else interaction

    with Producer(broker, app="shop", topic_prefix=prefix, before_send=hook) as producer:
        producer.emit(input="x" * 5_000_000, model="m")
        for _ in range(8):
            producer.emit(input="y" * 200_000, output="z" * 200_000, model="m")
        producer.emit(input="half \ud83d a character", model="m")
        producer.emit(input="many", model="m")
        assert producer.flush(30)
        assert producer.stats.dropped_by == {"too large": 1}
    found = envelopes(broker, prefix, 10)
    arrived = {item.input[:5]: item for envelope in found for item in envelope.interactions}
    assert arrived["xxxxx"].truncated == {"input:0": 5_000_000} and len(arrived["xxxxx"].input) == FIELD_LIMIT
    assert arrived["half "].input == "half ? a character"
    for envelope in found:
        assert sum(len(text) for item in envelope.interactions for _, text in texts(item)) < 900_000
    assert {sequence for _, sequence in sequences(found)} < set(range(11)) and len(sequences(found)) == 10


def test_without_kafka_the_app_goes_on_and_the_oldest_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    started = time.perf_counter()
    producer = Producer(AWAY, app="shop", max_events=100, linger_s=5, kafka={"queue.buffering.max.messages": 1})
    for _ in range(5_000):
        producer.emit(input="x" * 100, model="m")
    assert time.perf_counter() - started < 30  # a call that waited for Kafka would take its timeouts
    stats = producer.stats
    assert stats.emitted == 5_000 == stats.dropped + stats.buffered
    assert 100 <= stats.buffered <= 100 + 2 * 64
    assert set(stats.dropped_by) == {"buffer full"}
    assert len([record for record in caplog.records if "buffer is full" in record.message]) == 1
    assert not producer.flush(0.1)
    assert not producer.close(0.1)
    producer.emit(input="late", model="m")
    stats = producer.stats
    assert (stats.dropped, stats.buffered) == (5_001, 0)


def test_the_buffer_is_bounded_in_bytes() -> None:
    producer = Producer(AWAY, app="shop", max_bytes=1_000_000, linger_s=60, kafka={"queue.buffering.max.messages": 1})
    for _ in range(50):
        producer.emit(input="x" * 100_000, model="m")
    assert producer.stats.buffered <= 9
    producer.emit(input="x" * 2_000_000, model="m")
    assert producer.stats.dropped_by["too large"] == 1
    producer.close(0)


def test_what_was_dropped_shows_as_a_gap_when_kafka_is_back(topics: tuple[str, str]) -> None:
    broker, prefix = topics
    with Producer(broker, app="shop", topic_prefix=prefix, max_events=10, linger_s=30) as producer:
        for number in range(50):
            producer.emit(input=str(number), model="m")
        assert producer.flush(20)
        assert producer.stats.dropped_by == {"buffer full": 40}
    (envelope,) = envelopes(broker, prefix, 10)
    assert (envelope.first_sequence, envelope.dropped) == (40, 40)
    assert [item.input for item in envelope.interactions] == [str(number) for number in range(40, 50)]


@pytest.mark.slow
def test_drops_are_reported_though_nothing_follows_them(
    topics: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, prefix = topics
    monkeypatch.setattr("watchline.streams.producer.sender.REPORT_S", 0.5)
    before = time.time_ns() // 1000
    fails = {"before_send": lambda interaction: 1 / 0}
    with Producer(broker, app="shop", environment="test", topic_prefix=prefix, **fails) as producer:  # type: ignore[arg-type]
        for wanted in (100, 200):
            for _ in range(100):
                producer.emit(input="x", model="m")
            found = reports(broker, prefix, wanted)
        assert producer.stats.buffered == 0
    report = found[-1]
    assert (report.app, report.environment, report.interactions) == ("shop", "test", ())
    assert (report.first_sequence, report.dropped, report.dropped_by) == (200, 200, {"before_send": 200})
    assert before <= report.time <= time.time_ns() // 1000
    assert len(found) < 20  # and not one for each drop


@pytest.mark.slow
def test_a_report_is_sent_again_until_kafka_has_it(topics: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    broker, prefix = topics
    monkeypatch.setattr("watchline.streams.producer.sender.REPORT_S", 0.1)
    missing = f"{prefix}away."
    with Producer(broker, app="shop", topic_prefix=missing, kafka=IMPATIENT) as producer:
        producer.emit(input="x", model="m", cost=-1)
        time.sleep(1.5)  # several reports have failed by now
        make_topics(broker, missing)
        assert reports(broker, missing, 1)[-1].dropped == 1


def test_what_the_end_drops_is_reported_where_kafka_is_there(topics: tuple[str, str]) -> None:
    broker, prefix = topics

    def slow(interaction: Interaction) -> Interaction:
        time.sleep(0.02)
        return interaction

    producer = Producer(broker, app="shop", topic_prefix=prefix, before_send=slow)
    producer.emit(input="x", model="m")
    assert producer.flush(20)
    for _ in range(200):
        producer.emit(input="x", model="m")
    assert not producer.close(0.2)
    stats = producer.stats
    assert stats.dropped_by == {"closed": 201 - stats.delivered} and stats.dropped > 100 and stats.buffered == 0
    assert reports(broker, prefix, stats.dropped)[-1].dropped_by == stats.dropped_by


def test_many_threads(topics: tuple[str, str]) -> None:
    broker, prefix = topics
    with Producer(broker, app="shop", topic_prefix=prefix) as producer:
        ids: list[str] = []

        def work() -> None:
            ids.extend([producer.emit(input="x", model="m") for _ in range(250)])

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert producer.flush(20)
    found = envelopes(broker, prefix, 1_000)
    assert {item.event_id for envelope in found for item in envelope.interactions} == set(ids)
    assert {sequence for _, sequence in sequences(found)} == set(range(1_000))


def test_subjects_leave_the_app_only_hashed(
    topics: tuple[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broker, prefix = topics
    with Producer(broker, app="shop", topic_prefix=prefix) as producer:
        for _ in range(2):
            producer.emit(input="x", model="m", subject="person-1")
    monkeypatch.setenv("WATCHLINE_SUBJECT_KEY", "key")
    with Producer(broker, app="shop", topic_prefix=prefix) as producer:
        producer.emit(input="x", model="m", subject="person-1")
    subjects = [item.subject for envelope in envelopes(broker, prefix, 3) for item in envelope.interactions]
    assert subjects.count(None) == 2
    (hashed,) = [subject for subject in subjects if subject]
    assert len(hashed) == 8 + 1 + 64 and "person-1" not in hashed
    assert len([record for record in caplog.records if "WATCHLINE_SUBJECT_KEY" in record.message]) == 1
    assert "person-1" not in caplog.text


def test_disabled_it_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_DISABLED", "1")
    threads = threading.active_count()
    with Producer("localhost:1", app="shop", kafka={"no.such.setting": 1}) as producer:
        UUID(producer.emit(input="x", model="m", latency_s=-1))
        with producer.observe(input="x", model="m") as call:
            call.chunk()
        assert producer.flush(0) and producer.stats.emitted == 0
    assert threading.active_count() == threads
    monkeypatch.setenv("WATCHLINE_DISABLED", "false")
    assert not disabled()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kafka_url": "http://localhost:9092"},
        {"kafka_url": "kafka://user:hunter2@localhost:9092"},
        {"app": ""},
        {"kafka": {"no.such.setting": 1}},
        {"kafka": {"security.protocol": "sasl_plaintext", "sasl.mechanism": "NONSENSE", "sasl.password": "hunter2"}},
    ],
)
def test_what_cannot_be_right_is_told_at_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Producer(**{"kafka_url": AWAY, "app": "shop", **wrong})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["a:9092", "kafka://a:9092", "kafka://a:9092,kafka://b:9092", "a:1;b:2", "[::1]:9092"])
def test_urls(url: str) -> None:
    Producer(url, app="shop").close(0)


def test_a_closed_producer_leaves_no_thread() -> None:
    before = threading.active_count()
    Producer(AWAY, app="shop").close()
    assert threading.active_count() == before


def test_what_was_emitted_is_sent_when_the_app_ends(topics: tuple[str, str]) -> None:
    broker, prefix = topics
    app = """
        import sys
        from watchline.streams import Producer
        def main():
            producer = Producer(sys.argv[1], app="short", topic_prefix=sys.argv[2], linger_s=60)
            for n in range(100):
                producer.emit(input=str(n), model="m")
        main()
    """
    run_app(app, broker, prefix)
    assert len(sequences(envelopes(broker, prefix, 100))) == 100


def test_a_forked_child_goes_on_by_itself(topics: tuple[str, str]) -> None:
    broker, prefix = topics
    app = """
        import multiprocessing, os, sys
        from watchline.streams import Producer
        producer = Producer(sys.argv[1], app="forks", topic_prefix=sys.argv[2], linger_s=1)
        def work():
            for n in range(10):
                producer.emit(input="child", model="m")
        for n in range(10):
            producer.emit(input="parent", model="m")
        pid = os.fork()
        if pid == 0:
            work()
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        process = multiprocessing.get_context("fork").Process(target=work)
        process.start()
        process.join(20)
        assert process.exitcode == 0
        assert producer.flush(20) and producer.stats.delivered == 10
    """
    run_app(app, broker, prefix)
    found = envelopes(broker, prefix, 30)
    by_producer: dict[str, set[int]] = {}
    for producer_id, sequence in sequences(found):
        by_producer.setdefault(producer_id, set()).add(sequence)
    assert list(by_producer.values()) == [set(range(10))] * 3
    inputs = [item.input for envelope in found for item in envelope.interactions]
    assert (inputs.count("parent"), inputs.count("child")) == (10, 20)


@pytest.mark.slow
def test_the_client_writes_nothing_to_the_app_s_terminal() -> None:
    app = f"""
        import logging, time
        logging.getLogger("watchline.streams.producer").addHandler(logging.NullHandler())
        from watchline.streams import Producer
        producer = Producer({AWAY!r}, app="quiet")
        producer.emit(input="x", model="m")
        time.sleep(1)
        producer.close(0)
    """
    assert run_app(app) == ("", "")


def test_importing_it_costs_little_and_brings_nothing_heavy() -> None:
    app = """
        import sys
        import watchline.streams
        print(sorted({name.partition(".")[0] for name in sys.modules} & {"confluent_kafka", "fastavro", "asyncio"}))
    """
    assert run_app(app) == ("[]\n", "")


def test_the_thread_survives_whatever_happens_in_it(
    topics: tuple[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broker, prefix = topics
    from watchline.streams.producer import sender

    def broken(*_: Any) -> bytes:
        raise MemoryError

    with Producer(broker, app="shop", topic_prefix=prefix) as producer, caplog.at_level(logging.WARNING):
        with monkeypatch.context() as patch:
            patch.setattr(sender, "encode_body", broken)
            producer.emit(input="x", model="m")
            assert producer.flush(10)
        producer.emit(input="y", model="m")
        assert producer.flush(20)
        assert (producer.stats.delivered, producer.stats.dropped_by) == (1, {"bad value": 1})
    assert "MemoryError" in caplog.text


def test_a_warning_comes_once_in_ten_seconds_with_how_many_there_were(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 100.0
    monkeypatch.setattr("watchline.streams.throttled_log.time.monotonic", lambda: now)
    throttled = ThrottledLog(logging.getLogger("test"))
    for _ in range(5):
        throttled.warn("one", "of %s", "this kind")
    throttled.warn("two", "another")
    now = 110.0
    throttled.warn("one", "of %s", "this kind")
    messages = [record.message for record in caplog.records if record.name == "test"]
    assert messages == ["of this kind", "another", "of this kind (4 more of this kind)"]
