"""Asks a model behind an OpenAI-compatible address, within limits of time, size and tries.

What an error says never holds the key, nor what the other end answered.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import aiohttp

from watchline.schemas.errors import ConfigurationError
from watchline.streams.health.outgoing import retry_after

CONCURRENCY = 4
ATTEMPTS = 3
TIMEOUT_S = 60.0  # of one attempt
LONGEST_PAUSE_S = 30.0
MOST_BYTES = 1 << 20  # of one answer
OURS = ("model", "messages", "stream", "n")  # fields of a request that the options don't set
_WITHHELD = ("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation")

Message = Mapping[str, str]


class Reply(NamedTuple):
    """What came of one request; `text` where it was answered, else `reason`.

    >>> Reply("failed", reason="no answer within 60 s").text
    ''
    """

    kind: Literal["answered", "refused", "failed", "unasked"]
    text: str = ""
    reason: str = ""
    latency_s: float = 0.0
    input_tokens: int | None = None
    output_tokens: int | None = None


class Endpoint:
    """One model.

    Parameters
    ----------
    url : str
        Up to /chat/completions, such as http://127.0.0.1:8000/v1: https, or http on loopback.
    model : str
    key : str
        Sent as bearer; empty: none.
    options : mapping
        More fields of each request, such as temperature.
    timeout_s : float
        Of one attempt.
    pause_s : float
        Before the second attempt; twice as long before the third.

    Raises
    ------
    ConfigurationError
        For an address, a key or options that can't be right.
    """

    def __init__(
        self, url: str, model: str, *, key: str = "", options: Mapping[str, Any] | None = None,
        timeout_s: float = TIMEOUT_S, pause_s: float = 1.0,
    ) -> None:  # fmt: skip
        self._url = f"{_checked(url).rstrip('/')}/chat/completions"
        parts = urlsplit(self._url)
        self.address = f"{parts.scheme}://{parts.netloc}"  # a path may be a secret
        if not all("!" <= letter <= "~" for letter in key):
            raise ConfigurationError("WATCHLINE_ENDPOINT_KEY: has characters that can't be sent, such as a line break")
        if taken := [name for name in options or {} if name in OURS]:
            raise ConfigurationError(f"the request's {', '.join(taken)} can't be set")
        self._model, self._options, self._timeout_s, self._pause_s = model, dict(options or {}), timeout_s, pause_s
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def body(self, messages: Sequence[Message]) -> dict[str, Any]:
        """What is sent for a conversation."""
        return {"model": self._model, "messages": [dict(each) for each in messages], **self._options}

    def ask(
        self, asked: Sequence[tuple[str, Sequence[Message]]], *, most_failed: int, done: Callable[[int], None]
    ) -> list[Reply]:
        """The replies to conversations, in order. Blocking.

        Parameters
        ----------
        asked
            Each conversation with the name of its side.
        most_failed : int
            Once more of a side have failed or were refused, what is left isn't asked: nothing could come of it.
        done
            Called with how many are done.

        Raises
        ------
        ConfigurationError
            The endpoint says that the key or the address is wrong.
        """
        return asyncio.run(self._ask(asked, most_failed, done))

    async def _ask(
        self, asked: Sequence[tuple[str, Sequence[Message]]], most_failed: int, done: Callable[[int], None]
    ) -> list[Reply]:
        free, finished, bad = asyncio.Semaphore(CONCURRENCY), 0, Counter[str]()
        secure = self._url.startswith("https:")  # what goes to loopback goes through no proxy
        connector = aiohttp.TCPConnector(limit=CONCURRENCY)
        async with aiohttp.ClientSession(
            connector=connector, trust_env=secure, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session:  # fmt: skip

            async def one(side: str, messages: Sequence[Message]) -> Reply:
                nonlocal finished
                async with free:
                    if max(bad.values(), default=0) > most_failed:
                        reply = Reply("unasked", reason="not asked, since too many had failed")
                    else:
                        reply = await self._reply(session, json.dumps(self.body(messages)).encode())
                    bad[side] += reply.kind in ("failed", "refused")
                    finished += 1
                    done(finished)
                    return reply

            return await asyncio.gather(*(one(side, messages) for side, messages in asked))

    async def _reply(self, session: aiohttp.ClientSession, body: bytes) -> Reply:
        reply = Reply("failed")
        for attempt in range(ATTEMPTS):
            reply, pause_s = await self._attempt(session, body)
            if pause_s is None or attempt == ATTEMPTS - 1:
                break
            await asyncio.sleep(min(max(pause_s, self._pause_s * 2**attempt), LONGEST_PAUSE_S))
        return reply

    async def _attempt(self, session: aiohttp.ClientSession, body: bytes) -> tuple[Reply, float | None]:
        """The reply, and after how many seconds another attempt may help; None where it can't."""
        begun = time.perf_counter()
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", **self._headers}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                content = bytearray()
                async for chunk in answer.content.iter_chunked(1 << 16):
                    content += chunk
                    if len(content) > MOST_BYTES:
                        return Reply("failed", reason=f"an answer of more than {MOST_BYTES:,} bytes"), None
                status, wait_s = answer.status, retry_after(answer.headers.get("Retry-After"))
        except TimeoutError:
            return Reply("failed", reason=f"no answer within {self._timeout_s:g} s"), 0.0
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Reply("failed", reason=f"no connection, or it broke off ({type(error).__name__})"), 0.0
        if status in (401, 404):
            raise ConfigurationError(
                f"the endpoint answered {status}: "
                + (
                    "is WATCHLINE_ENDPOINT_KEY right?"
                    if status == 401
                    else "are --endpoint, up to /v1, and --model right?"
                )
            )
        reply = _read(bytes(content), status)._replace(latency_s=time.perf_counter() - begun)
        return reply, (wait_s or 0.0) if status in (408, 429) or status >= 500 else None


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https") or not all("!" <= letter <= "~" for letter in url):
        raise ConfigurationError("--endpoint must be an address such as https://HOST/v1 or http://127.0.0.1:8000/v1")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ConfigurationError(
            "--endpoint has a user, a query or a fragment, which may be secret: a key belongs in WATCHLINE_ENDPOINT_KEY"
        )
    if parts.scheme == "http" and not _on_loopback(host):
        raise ConfigurationError(
            f"--endpoint: http goes to loopback alone, texts and key can be read on the way to {host}"
        )
    return url


def _on_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(content: bytes, status: int) -> Reply:
    """What an answer says."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    if not 200 <= status < 300:
        redirect = ", a redirect, which is not followed" if 300 <= status < 400 else ""
        error = answer.get("error") if isinstance(answer, dict) else None
        if isinstance(error, dict) and error.get("code") in _WITHHELD:
            return Reply("refused", reason="withheld by the endpoint's filter")
        return Reply("failed", reason=f"answered {status}{redirect}")
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        text, refusal, finish = message.get("content"), message.get("refusal"), choice.get("finish_reason")
        usage = answer.get("usage") or {}
        tokens = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    except (TypeError, KeyError, IndexError, AttributeError):
        return Reply("failed", reason="answered what is no chat completion")
    if refusal or finish == "content_filter":
        return Reply("refused", reason="the model refused" if refusal else "withheld by the endpoint's filter")
    if not isinstance(text, str) or not text.strip():
        return Reply("failed", reason="answered without text")
    good = [each if isinstance(each, int) and not isinstance(each, bool) and each >= 0 else None for each in tokens]
    return Reply("answered", text, "", 0.0, *good)
