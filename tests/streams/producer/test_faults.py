"""The producer while Kafka is away, dies, stands still, is slow or refuses: the app never waits, all is accounted for.

The broker is one of its own, because it is killed: Apache Kafka, else Tansu, which forgets its topics when it dies.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests import brokers
from tests.streams.producer.apps import run_app
from tests.streams.producer.published import envelopes, make_topics, reports, sequences
from watchline.streams import Producer
from watchline.streams.embedded.broker import Broker
from watchline.streams.producer.producer import EXIT_S

pytestmark = pytest.mark.slow

EMIT_BUDGET_S = 0.05  # the longest that one call may wait; the usual cost of a call is for the benchmark to say
AWAY = "localhost:1"
PASSWORD = "hunter2"
# Noticed sooner that Kafka is back, and little room in the client, so that a buffer is full soon.
KAFKA = {"reconnect.backoff.max.ms": 500, "queue.buffering.max.messages": 5}


class FaultyBroker:
    """A broker that can be away, die and stand still."""

    def __init__(self, folder: Path) -> None:
        self.home = os.environ.get("WATCHLINE_TEST_KAFKA_HOME")
        self.port = brokers.two_free_ports()
        self.address = f"127.0.0.1:{self.port}"
        self.sasl_address = f"127.0.0.1:{brokers.two_free_ports()}"
        plain = f"org.apache.kafka.common.security.plain.PlainLoginModule required user_app='{PASSWORD}';"
        names = f"PLAINTEXT://{self.address},SASL_PLAINTEXT://{self.sasl_address}"
        settings = {
            "listeners": f"{names},CONTROLLER://127.0.0.1:{self.port + 1}",
            "advertised.listeners": names,
            "listener.name.sasl_plaintext.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config": plain,
        }
        self._broker: Any = (
            brokers.ApacheKafka(Path(self.home), folder, port=self.port, settings=settings)
            if self.home
            else Broker(folder / "broker.log", self.port)
        )

    def start(self) -> None:
        """Starts it where it isn't there."""
        if self._broker._process is None:
            self._broker.start()

    def start_with_topics(self, prefix: str, **config: str) -> None:
        """The same, and makes the topics."""
        self.start()
        make_topics(self.address, prefix, **config)

    def kill(self) -> None:
        """SIGKILL, of either broker."""
        (self._broker.kill if self.home else self._broker.stop)()

    def signal(self, sign: int) -> None:
        """SIGSTOP, SIGCONT."""
        os.killpg(self._broker._process.pid, sign)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyBroker]:
    """Not started yet."""
    broker = FaultyBroker(tmp_path_factory.mktemp("faulty"))
    yield broker
    broker.kill()


class Stopwatch:
    """Times calls, without the time in which the thread could run but the machine was busy with others."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._started = self._waited = 0.0

    @staticmethod
    def _waited_for_a_processor_s() -> float:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9

    def __enter__(self) -> None:
        self._waited, self._started = self._waited_for_a_processor_s(), time.perf_counter()

    def __exit__(self, *_: object) -> None:
        taken = time.perf_counter() - self._started
        self.longest_s = max(self.longest_s, taken - (self._waited_for_a_processor_s() - self._waited))


class App:
    """An app with a producer: the ids of what it emitted, and the longest that a call took it."""

    def __init__(self, address: str, prefix: str, **options: Any) -> None:
        self.producer = Producer(
            address, app="shop", topic_prefix=prefix, **{"max_events": 200, "kafka": KAFKA, **options}
        )
        self.prefix = prefix
        self.stopwatch = Stopwatch()
        self.ids: list[str] = []

    def emit(self, count: int, *, output: str = "answer", pause_s: float = 0.001) -> None:
        for _ in range(count):
            with self.stopwatch:
                self.ids.append(self.producer.emit(input="question", output=output, model="m"))
            time.sleep(pause_s)

    def end(self, address: str, forgotten: int = 0) -> None:
        """Closes the producer, and holds what Kafka has against what was emitted and what is said to be dropped."""
        assert self.producer.close(30)
        stats = self.producer.stats
        assert stats.emitted == len(self.ids) == stats.delivered + stats.dropped
        found = envelopes(address, self.prefix, stats.delivered - forgotten)
        arrived = {item.event_id for envelope in found for item in envelope.interactions}
        assert len(arrived) == len(sequences(found)) == stats.delivered - forgotten and arrived <= set(self.ids)
        if stats.dropped:
            told = reports(address, self.prefix, stats.dropped)
            assert (told[-1].dropped, told[-1].dropped_by) == (stats.dropped, stats.dropped_by)
            # All are numbered, so that what is missing shows.
            numbered = max(batch.first_sequence + len(batch.interactions) for batch in (told[-1], *found))
            assert numbered == stats.emitted
            assert len(told) <= 4  # and not one for each drop
        assert self.stopwatch.longest_s < EMIT_BUDGET_S


def test_kafka_is_away_at_the_start_and_comes(broker: FaultyBroker, topic_prefix: str) -> None:
    broker.kill()
    app = App(broker.address, topic_prefix, max_events=10_000)
    app.emit(500)
    assert app.producer.stats.buffered == 500
    broker.start_with_topics(topic_prefix)
    assert app.producer.flush(30)
    assert app.producer.stats.dropped == 0
    app.end(broker.address)


def test_kafka_is_killed_and_comes_back(broker: FaultyBroker, topic_prefix: str) -> None:
    """What the buffer held is delivered, and what it couldn't hold is reported before the app emits anything more."""
    broker.start_with_topics(topic_prefix)
    app = App(broker.address, topic_prefix)
    app.emit(100)
    assert app.producer.flush(30)
    broker.kill()
    app.emit(1_500)
    buffered = app.producer.stats.buffered
    assert 200 <= buffered < 1_000
    if broker.home:
        broker.start()
    else:
        broker.start_with_topics(topic_prefix)
    assert app.producer.flush(30)
    assert app.producer.stats.delivered == 100 + buffered
    assert reports(broker.address, topic_prefix, 1_500 - buffered)
    app.end(broker.address, forgotten=0 if broker.home else 100)


def test_kafka_stands_still_and_is_slow(broker: FaultyBroker, topic_prefix: str) -> None:
    broker.start_with_topics(topic_prefix)
    app = App(broker.address, topic_prefix)
    app.emit(100)
    broker.signal(signal.SIGSTOP)
    try:
        app.emit(1_000)
    finally:
        broker.signal(signal.SIGCONT)
    assert app.producer.flush(30) and app.producer.stats.dropped > 0
    for _ in range(8):  # a tenth of its speed
        broker.signal(signal.SIGSTOP)
        app.emit(100)
        broker.signal(signal.SIGCONT)
        app.emit(10)
    app.end(broker.address)


def test_a_wrong_password(broker: FaultyBroker, topic_prefix: str, caplog: pytest.LogCaptureFixture) -> None:
    if not broker.home:
        pytest.skip("Tansu has no SASL")
    broker.start_with_topics(topic_prefix)

    def login(password: str) -> dict[str, Any]:
        secured = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"}
        return {**KAFKA, **secured, "sasl.username": "app", "sasl.password": password}

    app = App(broker.sasl_address, topic_prefix, kafka=login("wrong" + PASSWORD))
    app.emit(1_000)
    assert not app.producer.close(0.1)
    stats = app.producer.stats
    assert (stats.delivered, stats.dropped) == (0, 1_000)
    assert app.stopwatch.longest_s < EMIT_BUDGET_S
    assert "Authentication failed" in caplog.text and PASSWORD not in caplog.text
    app = App(broker.sasl_address, topic_prefix, kafka=login(PASSWORD))
    app.emit(10)
    app.end(broker.address)


def test_kafka_takes_smaller_messages_than_ours(
    broker: FaultyBroker, topic_prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    if not broker.home:
        pytest.skip("Tansu takes messages of any size")
    broker.start_with_topics(topic_prefix, max_message_bytes="50000")
    app = App(broker.address, topic_prefix)
    for size in (10, 100_000, 10):
        app.emit(1, output=secrets.token_hex(size))
        assert app.producer.flush(20)
    assert app.producer.stats.dropped_by == {"too large for kafka": 1}
    assert "max.message.bytes" in caplog.text
    app.end(broker.address)


def test_an_asyncio_app_is_not_held_up_while_kafka_is_away() -> None:
    app = App(AWAY, "away.")
    loop_stopwatch = Stopwatch()

    async def work() -> None:
        for _ in range(250):
            async with app.producer.observe(input="question", model="m") as call:
                await asyncio.sleep(0.002)
                call.output = "answer" * 100

    async def main() -> None:
        tasks = [asyncio.create_task(work()) for _ in range(8)]
        while not all(task.done() for task in tasks):
            with loop_stopwatch:  # one turn of the loop
                await asyncio.sleep(0)
        await asyncio.gather(*tasks)

    asyncio.run(main())
    assert app.producer.stats.dropped_by["buffer full"] > 1_000
    app.producer.close(0)
    assert loop_stopwatch.longest_s < EMIT_BUDGET_S


def test_forks_under_load(broker: FaultyBroker, topic_prefix: str) -> None:
    """Each child goes on by itself, whatever its parent's threads held when it was made."""
    broker.start_with_topics(topic_prefix)
    output, _ = run_app(
        """
        import os, sys, threading
        from watchline.streams import Producer
        producer = Producer(sys.argv[1], app="forks", topic_prefix=sys.argv[2], linger_s=0.01)
        done = threading.Event()
        def work():
            while not done.is_set():
                producer.emit(input="parent", model="m")
                done.wait(0.0005)
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        children = []
        for _ in range(10):
            done.wait(0.02)
            pid = os.fork()
            if pid == 0:
                for _ in range(20):
                    producer.emit(input="child", model="m")
                os._exit(0 if producer.close(20) and producer.stats.delivered == 20 else 1)
            children.append(pid)
        assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 10
        done.set()
        for thread in threads:
            thread.join()
        assert producer.close(20) and producer.stats.dropped == 0
        print(producer.stats.delivered)
        """,
        broker.address,
        topic_prefix,
    )
    found = envelopes(broker.address, topic_prefix, int(output) + 200)
    inputs = [item.input for envelope in found for item in envelope.interactions]
    assert (inputs.count("parent"), inputs.count("child")) == (int(output), 200)
    assert len(sequences(found)) == len(inputs) and len({producer for producer, _ in sequences(found)}) == 11


def test_the_end_of_an_app_is_not_held_up() -> None:
    """Kafka refuses connections, or takes them and says nothing."""
    code = """
        import sys, time
        from watchline.streams import Producer
        producer = Producer(sys.argv[1], app="short")
        for n in range(20_000):
            producer.emit(input=str(n), model="m")
        print(time.time())
    """

    def end_s(address: str) -> float:
        output, _ = run_app(code, address)
        return time.time() - float(output)

    with socket.create_server(("127.0.0.1", 0)) as mute, ThreadPoolExecutor() as both:
        for taken_s in both.map(end_s, (AWAY, f"127.0.0.1:{mute.getsockname()[1]}")):
            assert taken_s < EXIT_S + 3  # a second for the thread's end, the rest is Python's


def test_memory_is_bounded_while_kafka_is_away() -> None:
    """80 MB of events into 8 MiB of buffer and 4 MiB of the client's queue."""
    output, _ = run_app(
        f"""
        import os, secrets
        from watchline.streams import Producer
        def resident():
            return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        producer = Producer("{AWAY}", app="away", max_bytes=2**23, kafka={{"queue.buffering.max.kbytes": 2**12}})
        producer.emit(input="x", model="m")
        before, most = resident(), 0
        for n in range(20_000):
            producer.emit(input=secrets.token_hex(2_000), model="m")
            if n % 100 == 0:
                most = max(most, resident())
        stats = producer.stats
        assert stats.dropped > 15_000 and set(stats.dropped_by) == {{"buffer full"}}, stats
        producer.close(0)
        print(most - before)
        """
    )
    assert int(output) < 2 * (2**23 + 2**12 * 1024)


NAME_S = 10  # that a question takes to fail
# The name server hears and never answers. In mounts of its own, so that only this app asks it.
SILENT_NAME_SERVER = """
import gc, socket, subprocess, sys, time
subprocess.run(["mount", "--bind", sys.argv[1], "/etc/resolv.conf"], check=True)
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.10", 53))
from watchline import Producer
def timed(call):
    started = time.monotonic()
    call()
    return time.monotonic() - started
producer = Producer(app="a", kafka_url="kafka://kafka.example:9092")
emits = [timed(lambda: producer.emit(model="m", input="q", output="a")) for _ in range(100)]
server.recv(1000)  # Kafka's client asks
close_s = timed(lambda: producer.close(0.2))
dropped = producer.stats.dropped
def let_go():
    global producer
    producer = None
    gc.collect()
print(max(emits), close_s, timed(let_go), dropped)
"""


def test_a_name_server_that_never_answers_holds_up_nothing(tmp_path: Path) -> None:
    config = tmp_path / "resolv.conf"
    config.write_text(f"nameserver 127.0.0.10\noptions timeout:{NAME_S} attempts:1\n")
    command = ["unshare", "--mount", sys.executable, "-c", SILENT_NAME_SERVER, str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if "unshare failed" in done.stderr:
        pytest.skip(f"only root may have a name server of its own: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    *waited_s, dropped = map(float, done.stdout.split())
    assert max(waited_s) < NAME_S / 2
    assert dropped == 100
