"""What an acknowledged span costs the receiver, with the broker that keeps it, beside Arize Phoenix's own ingest.

Both get the same requests of OpenInference's spans, one after the other, as OpenTelemetry's exporter would send them,
and are counted until all of them are stored: our side is `watchline receive` and the broker, Phoenix its server with
SQLite, its default. Phoenix takes part where PHOENIX names its command (`pip install arize-phoenix` into an environment
of its own).
"""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.benchmarks.producer import machine
from tests.brokers import kind, running_broker
from tests.streams.ingest.receiving import lines_until, started
from tests.streams.producer.published import make_topics

REQUESTS, SPANS, REPEATS = 10, 512, 1
TOKEN = "a-token-for-benchmarks-only"
QUESTION = "What is the total of order 4711, and when will it arrive? " * 10
ANSWER = "The order comes to 129.90 euros and arrives on Thursday. " * 40


def bodies() -> list[bytes]:
    """Requests in protobuf, of spans that nobody has sent before."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "bench"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer, found = provider.get_tracer("bench"), []
    for _ in range(REQUESTS):
        exporter.clear()
        for number in range(SPANS):
            said = {
                "openinference.span.kind": "LLM",
                "llm.model_name": "gpt-4o",
                "llm.token_count.prompt": 812,
                "llm.token_count.completion": 164,
                "input.value": QUESTION,
                "output.value": ANSWER,
                "session.id": f"talk-{number}",
                "llm.input_messages.0.message.role": "user",
                "llm.input_messages.0.message.content": QUESTION,
                "llm.output_messages.0.message.role": "assistant",
                "llm.output_messages.0.message.content": ANSWER,
            }
            tracer.start_span("ChatCompletion", attributes=said).end()
        found.append(encode_spans(exporter.get_finished_spans()).SerializeToString())
    return found


def post(url: str, body: bytes, **headers: str) -> None:
    given = {"Content-Type": "application/x-protobuf", **headers}
    with urllib.request.urlopen(urllib.request.Request(url, body, given), timeout=120) as answer:
        assert answer.status == 200


def processor_s(process: psutil.Process) -> float:
    """Seconds of the processor's time that a process and its children have taken."""
    return sum(sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True)))


def measured(
    send: Callable[[bytes], None], done: Callable[[int], bool], processes: list[psutil.Process]
) -> list[float]:
    """Milliseconds a span of each process, until all are stored, less what it does when nobody sends."""
    send(bodies()[0])
    sent = SPANS
    while not done(sent):
        time.sleep(0.2)
    time.sleep(5)  # what comes after, such as building an index
    before, began = [processor_s(each) for each in processes], time.monotonic()
    time.sleep(5)
    pause = time.monotonic() - began
    idle = [(processor_s(each) - was) / pause for each, was in zip(processes, before, strict=True)]
    requests = bodies()
    before, began = [processor_s(each) for each in processes], time.monotonic()
    for body in requests:
        send(body)
        sent += SPANS
    while not done(sent):
        time.sleep(0.2)
    took = time.monotonic() - began
    return [
        1000 * (processor_s(each) - was - quiet * took) / (REQUESTS * SPANS)
        for each, was, quiet in zip(processes, before, idle, strict=True)
    ]


def ours() -> list[float]:
    mine = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        known = set(mine.children())
        with running_broker(Path(folder)) as broker:
            brokers = [child for child in mine.children() if child not in known]
            prefix = f"t{secrets.token_hex(4)}."
            make_topics(broker, prefix)
            settings = {"KAFKA_URL": broker, "TOPIC_PREFIX": prefix, "RECEIVE_TOKEN": TOKEN, "RECEIVE_PORT": "0"}
            environment = {f"WATCHLINE_{name}": value for name, value in settings.items()}
            receiver = started({**environment, "WATCHLINE_DATA_DIR": folder})
            try:
                address = next(word for word in lines_until(receiver, "http").split() if word.startswith("http"))
                url = f"{address.rstrip('/.,').removesuffix('/v1/traces')}/v1/traces"
                return measured(
                    lambda body: post(url, body, Authorization=f"Bearer {TOKEN}"),
                    lambda _: True,  # what is acknowledged is in Kafka
                    [psutil.Process(receiver.pid), *brokers],
                )
            finally:
                receiver.terminate()
                receiver.wait(20)


@contextmanager
def phoenix(command: str, folder: str) -> Iterator[tuple[str, psutil.Process]]:
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    settings = {"WORKING_DIR": folder, "HOST": "127.0.0.1", "PORT": str(ports[0]), "GRPC_PORT": str(ports[1])}
    environment = {**os.environ, **{f"PHOENIX_{name}": value for name, value in settings.items()}}
    environment.pop("PHOENIX", None)
    with subprocess.Popen(
        [command, "serve"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            address = f"http://127.0.0.1:{ports[0]}"
            for _ in range(600):
                with suppress(OSError), urllib.request.urlopen(f"{address}/healthz", timeout=5):
                    break
                time.sleep(0.2)
            yield address, psutil.Process(server.pid)
        finally:
            server.kill()


def theirs(command: str) -> list[float]:
    with tempfile.TemporaryDirectory() as folder, phoenix(command, folder) as (address, process):

        def done(sent: int) -> bool:
            with (
                suppress(sqlite3.Error),
                closing(sqlite3.connect(f"file:{folder}/phoenix.db?mode=ro", uri=True)) as base,
            ):
                return bool(base.execute("SELECT count(*) FROM spans").fetchone()[0] >= sent)
            return False

        return measured(lambda body: post(f"{address}/v1/traces", body), done, [process])


def main() -> None:
    """Prints milliseconds of the processor's time a span, and the ratio."""
    print(f"machine: {machine()}; broker: {kind()}; {REQUESTS} requests of {SPANS} spans, {REPEATS} times")
    size = len(bodies()[0]) / SPANS
    runs = [ours() for _ in range(REPEATS)]
    mine = [sum(each) for each in runs]
    receiver = statistics.median(each[0] for each in runs)
    print(f"ms of the processor's time a span of {size:.0f} bytes: ours {statistics.median(mine):.3f}")
    print(f"  of it the receiver {receiver:.3f}, the rest the broker")
    if command := os.environ.get("PHOENIX"):
        other = [sum(theirs(command)) for _ in range(REPEATS)]
        ratio = statistics.median(other) / statistics.median(mine)
        print(f"Phoenix {statistics.median(other):.3f} (server with SQLite): {ratio:.1f} times as much")
    else:
        print("Phoenix: not measured; PHOENIX names its command")


if __name__ == "__main__":
    sys.exit(main())
