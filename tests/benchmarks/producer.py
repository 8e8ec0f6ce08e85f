"""What the producer costs an app, beside a bare loop of fastavro and confluent-kafka with one event a message."""

from __future__ import annotations

import logging
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import confluent_kafka

from watchline.schemas.codec import encode
from watchline.schemas.records import Interaction, InteractionBatch
from watchline.streams import Producer
from watchline.streams.ids import uuid7
from watchline.streams.producer.arguments import fields
from watchline.streams.producer.sender import KAFKA_DEFAULTS

REPEATS = 5
PACED_EVENTS, PACE_S = 500, 0.005  # 200 calls a second, much for one process of an app
BURST_EVENTS = 500  # back to back, into a producer that was idle
RATE_EVENTS = 10_000

ARGUMENTS: dict[str, Any] = {
    "input": "What is the total of order 4711, and when will it arrive?",
    "output": "The order comes to 129.90 euros and arrives on Thursday. " * 15,
    "model": "gpt-4o",
    "documents": ["Order 4711: three items, paid by card, shipped on Monday by parcel service. " * 12] * 3,
    "prompt": "answer@7",
    "usage": {"input_tokens": 812, "output_tokens": 164},
    "latency_s": 1.9,
}
MAPPINGS: dict[str, Any] = {
    **ARGUMENTS,
    "input": [{"role": "system", "content": "You help."}, {"role": "user", "content": ARGUMENTS["input"]}],
    "documents": [{"id": "4711", "content": text, "score": 0.7, "page": 3} for text in ARGUMENTS["documents"]],
    "attributes": {"release": "1.2", "region": "north"},
}
MOCK = {"allow.auto.create.topics": True}  # the mock broker has no other way to a topic
# The mock broker of librdkafka, in a process of its own: what it costs must not count for the app.
BROKER = """
import confluent_kafka, sys
client = confluent_kafka.Producer({"bootstrap.servers": "localhost:1", "test.mock.num.brokers": 1, "log_level": 0})
(broker,) = client.list_topics(timeout=10).brokers.values()
print(f"{broker.host}:{broker.port}", flush=True)
sys.stdin.read()
"""
IMPORT = """
import time
started = time.perf_counter()
import {module}
print(time.perf_counter() - started)
"""
MEMORY = """
import os, sys
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
before = resident()
{code}
print(resident() - before)
"""
MEMORY_OF_OURS = """
from watchline.streams import Producer
producer = Producer(sys.argv[1], app="bench", kafka={"allow.auto.create.topics": True})
for _ in range(1000):
    producer.emit(input="question" * 100, output="answer" * 100, model="m")
producer.flush(10)
"""
MEMORY_OF_BARE = """
import confluent_kafka, fastavro
client = confluent_kafka.Producer({"bootstrap.servers": sys.argv[1], "log_level": 0})
for _ in range(1000):
    client.produce("bare", b"question" * 100 + b"answer" * 100)
client.flush(10)
"""


def main() -> None:
    """Prints a line for each figure, the machine first; each is the median of several runs."""
    print(f"machine: {machine()}")
    logging.getLogger("watchline.streams.producer").addHandler(logging.NullHandler())
    with broker() as address:
        for how, pace_s, count in (("200 a second", PACE_S, PACED_EVENTS), ("back to back", 0.0, BURST_EVENTS)):
            ours = median([latencies(Emitter(address), pace_s, count) for _ in range(REPEATS)])
            bare = median([latencies(Bare(address), pace_s, count) for _ in range(REPEATS)])
            for kind, first in (("", 0), (" of processor time", 2)):
                print(
                    f"emit, {how}: p50 {ours[first]:.1f} us, p99 {ours[first + 1]:.1f} us{kind} "
                    f"(bare: {bare[first]:.1f} and {bare[first + 1]:.1f}; "
                    f"ratio {ours[first] / bare[first]:.2f} and {ours[first + 1] / bare[first + 1]:.2f})"
                )
        mappings = median([latencies(Emitter(address, MAPPINGS), PACE_S, PACED_EVENTS) for _ in range(REPEATS)])
        print(f"emit, mappings: p50 {mappings[2]:.1f} us, p99 {mappings[3]:.1f} us of processor time")
        (ours_rate,) = median([(rate(Emitter(address)),) for _ in range(REPEATS)])
        (bare_rate,) = median([(rate(Bare(address)),) for _ in range(REPEATS)])
        ratio = ours_rate / bare_rate
        print(f"one process, until delivered: {ours_rate:,.0f} events/s (bare: {bare_rate:,.0f}; ratio {ratio:.2f})")
        ours_bytes, bare_bytes = (
            statistics.median(run(MEMORY.format(code=code), address) for _ in range(REPEATS))
            for code in (MEMORY_OF_OURS, MEMORY_OF_BARE)
        )
        print(f"memory added: {ours_bytes / 2**20:.1f} MiB (bare: {bare_bytes / 2**20:.1f})")
    for name, arguments in HOSTILE.items():
        taken, worked = median([hostile(arguments) for _ in range(REPEATS)])
        print(f"emit, {name}: {taken:.2f} ms, {worked:.2f} ms of processor time")
    for module in ("watchline.streams", "watchline.streams.producer.sender", "confluent_kafka", "fastavro"):
        seconds = statistics.median(run(IMPORT.format(module=module)) for _ in range(REPEATS))
        print(f"import {module}: {seconds * 1000:.0f} ms")


class Slow:
    """An object of an app's whose text takes two seconds."""

    def __str__(self) -> str:
        time.sleep(2)
        return "slow"


HOSTILE: dict[str, dict[str, Any]] = {
    "a text that takes 2 s": {"attributes": {"slow": Slow()}},
    "100,000 documents": {"documents": [f"document {number}" for number in range(100_000)]},
    "a map of 1,000,000": {"attributes": {str(number): number for number in range(1_000_000)}},
    "1,000,000 inside one": {"attributes": {"rows": {str(number): number for number in range(1_000_000)}}},
}


def hostile(arguments: dict[str, Any]) -> tuple[float, float]:
    """Milliseconds that one call takes, and of its thread's processor time."""
    producer = Producer("localhost:1", app="bench", max_bytes=10**10)
    producer.emit(**ARGUMENTS)
    time.sleep(0.5)
    started, work = time.perf_counter(), time.thread_time()
    producer.emit(input="question", model="m", **arguments)
    result = (time.perf_counter() - started) * 1000, (time.thread_time() - work) * 1000
    producer.close(0)
    return result


class Emitter:
    """The producer, as an app uses it."""

    def __init__(self, address: str, arguments: dict[str, Any] = ARGUMENTS) -> None:
        self._arguments = arguments
        self._producer = Producer(address, app="bench", max_events=10**6, max_bytes=10**10, kafka=MOCK)

    def emit(self) -> None:
        self._producer.emit(**self._arguments)

    def finish(self) -> None:
        assert self._producer.flush(120) and self._producer.stats.dropped == 0
        self._producer.close()


class Bare:
    """What an app would write without it."""

    def __init__(self, address: str) -> None:
        self._client = confluent_kafka.Producer({**KAFKA_DEFAULTS, **MOCK, "bootstrap.servers": address})
        self._event = Interaction(event_id=uuid7(), time=time.time_ns() // 1000, app="bench", **fields(ARGUMENTS))
        self._id = uuid7()

    def emit(self) -> None:
        event = replace(self._event, event_id=uuid7(), time=time.time_ns() // 1000)
        value = encode(InteractionBatch(producer_id=self._id, first_sequence=0, interactions=(event,)))
        while True:
            try:
                self._client.produce("bare", value)
                self._client.poll(0)
                return
            except BufferError:
                self._client.poll(0.1)

    def finish(self) -> None:
        assert self._client.flush(120) == 0


def latencies(target: Emitter | Bare, pace_s: float, count: int) -> tuple[float, float, float, float]:
    """p50 and p99 of one call in microseconds, then the same of its thread's processor time.

    On a machine with other work the first two also measure that work.
    """
    target.emit()
    time.sleep(1)
    taken, worked = [], []
    for _ in range(count):
        started, work = time.perf_counter_ns(), time.thread_time_ns()
        target.emit()
        worked.append((time.thread_time_ns() - work) / 1000)
        taken.append((time.perf_counter_ns() - started) / 1000)
        if pace_s:
            time.sleep(pace_s)
    target.finish()
    return *percentiles(taken), *percentiles(worked)


def percentiles(values: list[float]) -> tuple[float, float]:
    """p50 and p99."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]


def rate(target: Emitter | Bare) -> float:
    """Events a second, from the first call to the last acknowledgement."""
    target.emit()
    time.sleep(1)
    started = time.perf_counter()
    for _ in range(RATE_EVENTS):
        target.emit()
    target.finish()
    return RATE_EVENTS / (time.perf_counter() - started)


def median(runs: list[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(statistics.median(values) for values in zip(*runs, strict=True))


def run(code: str, *arguments: str) -> float:
    """The number that a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return float(done.stdout)


@contextmanager
def broker() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", BROKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.stdout.readline().decode().strip()
        process.kill()


def machine() -> str:
    """Processor, cores, load and Python: without them the figures say nothing."""
    information = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(": ")[2] for line in information.splitlines() if line.startswith("model name")]
    processor = names[0] if names else platform.processor()
    load = os.getloadavg()[0]
    return f"{processor}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
