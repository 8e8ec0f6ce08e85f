"""A receiver in this process, on the real broker, and what real exporters of OpenTelemetry send to it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from watchline.streams.ingest.encoding import Source
from watchline.streams.ingest.publisher import Publisher
from watchline.streams.ingest.receiver import PATH, Receiver, serve

IDS = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331"}
TOKEN = "a-token-for-tests-only"
COMMAND = [sys.executable, "-m", "watchline.streams.cli.main", "receive"]


class Running:
    """A receiver that runs, in a thread with a loop of its own."""

    def __init__(self, port: int, receiver: Receiver) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.receiver = receiver

    def post(self, body: bytes, *, path: str = PATH, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of the answer."""
        given = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"{self.address}{path}", body, given, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def page(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.address}{path}", timeout=30) as answer:
            return json.load(answer)

    def exporter(self, **settings: Any) -> OTLPSpanExporter:
        """The SDK's own, with its retries."""
        headers = {"authorization": f"Bearer {TOKEN}"}
        return OTLPSpanExporter(endpoint=f"{self.address}{PATH}", headers=headers, **settings)

    @contextmanager
    def tracer(self, resource: Mapping[str, str], **settings: Any) -> Iterator[Any]:
        """A tracer of the SDK, whose spans have all been sent when the block ends."""
        provider = TracerProvider(resource=Resource(dict(resource)))
        provider.add_span_processor(BatchSpanProcessor(self.exporter(**settings)))
        yield provider.get_tracer("tests")
        provider.shutdown()


@contextmanager
def running(broker: str, prefix: str, **settings: Any) -> Iterator[Running]:
    """Starts a receiver, and stops it as SIGTERM would."""
    started: list[Running] = []
    failed: list[BaseException] = []
    is_up, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()
    delivery_s = settings.pop("delivery_s", 5.0)
    pseudonym = settings.pop("pseudonym", lambda _: "pseudonym")

    async def receive() -> None:
        publisher = Publisher(
            {"bootstrap.servers": broker, "log_level": 0}, f"{prefix}interactions", delivery_s=delivery_s
        )
        receiver = Receiver(publisher, TOKEN, Source("default", "default"), pseudonym, **settings)
        try:
            runner, port = await serve(receiver, "127.0.0.1", 0)
            started.append(Running(port, receiver))
            is_up.set()
            await stop.wait()
            await runner.cleanup()
        finally:
            await publisher.close()

    def run() -> None:
        try:
            loop.run_until_complete(receive())
        except BaseException as error:
            failed.append(error)
            is_up.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert is_up.wait(20) and not failed, failed
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        assert not thread.is_alive()


def started(environment: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def lines_until(process: subprocess.Popen[str], text: str) -> str:
    """What it says up to a line with this text."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(said)


def request(*spans: dict[str, Any], app: str | None = "shop") -> bytes:
    """A request in OTLP's JSON."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": app}}] if app else []}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}).encode()


def model_call(number: int = 0, **attributes: str) -> dict[str, Any]:
    """A span of a model's call in OTLP's JSON."""
    said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", **attributes}
    return {
        **IDS,
        "spanId": f"{number + 1:016x}",
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000001500000000",
        "attributes": [{"key": name, "value": {"stringValue": value}} for name, value in said.items()],
    }
