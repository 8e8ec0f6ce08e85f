"""The server that takes OTLP over HTTP. It answers 200 once Kafka has the events of what it was sent, never before.

Of logs it holds the messages in memory until their spans come; metrics it takes and leaves unread, for a Collector that
sends all three to one place.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import ipaddress
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

from aiohttp import web

from watchline.schemas.errors import ConfigurationError, WatchlineError
from watchline.streams.health.exposition import accepted
from watchline.streams.ingest import otlp
from watchline.streams.ingest.encoding import MAX_BODY_BYTES, UNREADABLE, Encoded, Source, encode, unpacked
from watchline.streams.ingest.log_events import LogEvents
from watchline.streams.ingest.metrics import Metrics
from watchline.streams.ingest.publisher import BusyError, Publisher
from watchline.streams.throttled_log import ThrottledLog

T = TypeVar("T")

PATH = "/v1/traces"
MAX_HELD_BYTES = 64 * 2**20  # of bodies that wait to be read or delivered
BODY_S = 30.0  # for a body to come
STOP_S = 15.0  # for requests that are under way at the end
LOGS_S = 2.0  # for messages in logs that are sent after their span: an SDK sends logs every second, spans every five
LOOK_S = 0.05  # between two looks whether they have come
RETRY_AFTER_S = {429: 1, 503: 5}

log = logging.getLogger(__name__)


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An answer with another status than 200. Its text never quotes the request."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Body(NamedTuple):
    """A request's body as it came."""

    content: bytes
    encoding: str
    media_type: str


Take = Callable[[Body], Awaitable[Mapping[str, int]]]


class Receiver:
    """Takes requests. What it holds in memory is bounded, whatever is sent.

    Parameters
    ----------
    publisher : Publisher
    token : str
        Who sends has to have it.
    default : Source
        Of spans that don't say theirs.
    pseudonym : callable
        What is stored in place of a person's id.
    max_held_bytes : int
        Of bodies at a time; what comes beyond them is told to come again.
    """

    def __init__(
        self,
        publisher: Publisher,
        token: str,
        default: Source,
        pseudonym: Callable[[str], str | None],
        *,
        max_held_bytes: int = MAX_HELD_BYTES,
    ) -> None:
        self.metrics = Metrics()
        self._log_events = LogEvents(self.metrics.left_out)
        self._publisher = publisher
        self._expected = f"Bearer {token}".encode()
        self._default = default
        self._pseudonym = pseudonym
        self._max_held_bytes = max_held_bytes
        self._held_bytes = 0
        self._warnings = ThrottledLog(log)
        # One, so that one body at a time is unpacked: it may be a thousand times as large as it came.
        self._reader = ThreadPoolExecutor(1, "watchline-receive-reader")

    def application(self) -> web.Application:
        """POST /v1/traces, /v1/logs and /v1/metrics; GET /livez with counts since the start, GET /readyz with whether
        Kafka is there, GET /metrics for Prometheus, which needs the token where it doesn't come from this machine.
        """
        application = web.Application(client_max_size=0)
        for signal, take in ((otlp.TRACES, self._spans), (otlp.LOGS, self._logs), (otlp.METRICS, self._unread)):
            application.router.add_post(f"/v1/{signal.name}", partial(self._answer, signal, take))
        for path, page in (("/livez", self._livez), ("/readyz", self._readyz), ("/metrics", self._scrape)):
            application.router.add_get(path, page)
        return application

    async def _answer(self, signal: otlp.Signal, take: Take, request: web.Request) -> web.Response:
        media_type = otlp.JSON if request.content_type == otlp.JSON else otlp.PROTOBUF
        try:
            self._check(request)
            with contextlib.ExitStack() as held:
                body = await self._body(request, held)
                reasons = await take(Body(body, request.headers.get("Content-Encoding", ""), request.content_type))
            status, content = 200, self._said(reasons, media_type, signal)
        except Refusal as refusal:
            status, content = refusal.status, otlp.refusal(media_type, str(refusal))
            self._warnings.warn(str(status), "answered with %d: %s", status, refusal)
        self.metrics.answered(signal.name, status)
        headers = {"Content-Type": media_type}
        if status in RETRY_AFTER_S:
            headers["Retry-After"] = str(RETRY_AFTER_S[status])
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return web.Response(status=status, body=content, headers=headers)

    def _said(self, reasons: Mapping[str, int], media_type: str, signal: otlp.Signal) -> bytes:
        self.metrics.rejected(reasons)
        why = ", ".join(f"{reason}: {count}" for reason, count in sorted(reasons.items()))
        if why:
            self._warnings.warn("rejected", "of %s, what can't be read: %s", signal.name, why)
        return otlp.answer(media_type, sum(reasons.values()), why, signal)

    async def _spans(self, body: Body) -> Mapping[str, int]:
        """Publishes the events of the spans. How many could not be any, by reason."""
        await self._wait_for_messages(body)
        encoded = await self._read(self._encoded, body)
        started = time.perf_counter()
        try:
            await self._publisher.publish(encoded)
        except BusyError as error:
            raise Refusal(429, str(error)) from None
        except WatchlineError as error:
            raise Refusal(503, str(error)) from None
        if encoded.events:
            self.metrics.kafka.observe(time.perf_counter() - started)
            self.metrics.events.inc(sum(map(len, encoded.events.values())))
        self.metrics.left_out(encoded.left_out)
        return encoded.reasons

    def _encoded(self, content: bytes, media_type: str) -> Encoded:
        spans, bad = otlp.spans(content, media_type)
        return encode(self._log_events.joined(spans), bad, self._default, self._pseudonym)

    async def _wait_for_messages(self, body: Body) -> None:
        """Gives messages time that are on their way in logs, which are sent apart.

        What is held meanwhile is the body as it came, and not the spans in it, which may take a thousand times as much.
        """
        if not self._log_events.any():
            return
        lacking = await self._read(self._lacking, body)
        until = time.monotonic() + LOGS_S
        while lacking and time.monotonic() < until:
            await asyncio.sleep(LOOK_S)
            lacking = self._log_events.missing(lacking)

    def _lacking(self, content: bytes, media_type: str) -> set[tuple[str, str]]:
        return self._log_events.lacking(otlp.spans(content, media_type)[0])

    async def _logs(self, body: Body) -> Mapping[str, int]:
        """Holds messages for their spans. How many records could not be read."""
        events, bad, left_out = await self._read(otlp.log_events, body)
        self._log_events.keep(events)
        self.metrics.left_out(left_out)
        return {UNREADABLE: bad} if bad else {}

    async def _unread(self, body: Body) -> Mapping[str, int]:
        """Takes what a Collector sends with the rest, and nobody reads."""
        return {}

    async def _read(self, read: Callable[[bytes, str], T], body: Body) -> T:
        def work() -> T:
            return read(unpacked(body.content, body.encoding), body.media_type)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._reader, work)
        except otlp.NotOtlpError as error:
            raise Refusal(400, str(error)) from None
        except otlp.TooLargeError:
            raise _too_large() from None

    def _check(self, request: web.Request) -> None:
        if not self._has_token(request):
            raise Refusal(401, "the header Authorization: Bearer TOKEN is missing, or has another token")
        if "Origin" in request.headers:
            raise Refusal(403, "no page in a browser may send")
        if request.content_type not in (otlp.PROTOBUF, otlp.JSON):
            raise Refusal(415, f"Content-Type: {otlp.PROTOBUF} or {otlp.JSON}")
        if request.headers.get("Content-Encoding", "") not in ("", "identity", "gzip"):
            raise Refusal(415, "Content-Encoding: gzip, or none")
        if (request.content_length or 0) > MAX_BODY_BYTES:
            raise _too_large()

    def _has_token(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(given, self._expected)

    async def _body(self, request: web.Request, held: contextlib.ExitStack) -> bytes:
        """The body as it came; what it takes is counted until `held` is closed."""
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_S):
                async for chunk in request.content.iter_any():
                    if len(body) + len(chunk) > MAX_BODY_BYTES:
                        raise _too_large()
                    if self._held_bytes + len(chunk) > self._max_held_bytes:
                        raise Refusal(429, "more is being received than there is room for")
                    self._held_bytes += len(chunk)
                    held.callback(self._free, len(chunk))
                    body += chunk
        except TimeoutError:
            raise Refusal(503, f"the body did not come within {BODY_S:.0f} s") from None
        return bytes(body)

    def _free(self, size: int) -> None:
        self._held_bytes -= size

    async def _livez(self, request: web.Request) -> web.Response:
        return web.json_response(self.metrics.report())

    async def _readyz(self, request: web.Request) -> web.Response:
        ready = await self._publisher.is_ready()
        return web.json_response({"ready": ready}, status=200 if ready else 503)

    async def _scrape(self, request: web.Request) -> web.Response:
        if not (_is_of_this_machine(request) or self._has_token(request)):
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        form = accepted(request.headers.get("Accept", ""))
        return web.Response(body=self.metrics.scrape(form), headers={"Content-Type": form.content_type})


async def serve(receiver: Receiver, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Serves until the runner is cleaned up. Returns the runner and the port it got; a busy one is refused.

    Raises
    ------
    ConfigurationError
        The address can't be had.
    """
    runner = web.AppRunner(
        receiver.application(), access_log=None, auto_decompress=False, shutdown_timeout=STOP_S, lingering_time=1.0
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise ConfigurationError(
            f"WATCHLINE_RECEIVE_HOST, WATCHLINE_RECEIVE_PORT: {host}:{port}: {error.strerror or error}; name another "
            "address, or port 0 for any that is free"
        ) from None
    return runner, int(runner.addresses[0][1])


def _is_of_this_machine(request: web.Request) -> bool:
    """Whether nobody else's machine asks: by loopback, and not for another through a proxy that says so."""
    forwarded = {"Forwarded", "X-Forwarded-For"} & request.headers.keys()
    try:
        return not forwarded and ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


def _too_large() -> Refusal:
    return Refusal(
        413,
        f"a request may have {MAX_BODY_BYTES:,} bytes and {otlp.MAX_SPANS:,} spans or log records; send fewer together "
        "(OTEL_BSP_MAX_EXPORT_BATCH_SIZE, OTEL_BLRP_MAX_EXPORT_BATCH_SIZE)",
    )
