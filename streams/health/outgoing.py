"""Requests to addresses that are secrets themselves: of alerts, a heartbeat. What comes of one never names the address.

Nor does it quote the answer, which may: only kinds of failures and numbers are told.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import aiohttp

TIMEOUT_S = 10.0
LONGEST_WAIT_S = 3600.0
FAILURES = ("timeout", "connection", "certificate", "status")


class Failure(NamedTuple):
    """Why a request was not taken: one of `FAILURES`, the status where there is one, and both for people to read.

    `retry_after_s`: when the other end wants to be asked again, where it says so.

    >>> Failure("status", 413, "answered 413").refused
    True
    """

    kind: str
    status: int
    text: str
    retry_after_s: float | None = None

    @property
    def refused(self) -> bool:
        """Whether the form of what was sent may be why: a plainer one may be taken."""
        return self.status in (400, 413, 415, 422)


async def send(
    method: str,
    address: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
) -> Failure | None:
    """Sends one request, within `timeout_s` seconds. None where the answer's status is 200 to 299.

    A redirection is a failure: it would carry on to who knows whom what is meant for one.
    """
    connector = aiohttp.TCPConnector(limit=1, force_close=True)
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=True) as session,
            session.request(method, address, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            status, wait_s = answer.status, retry_after(answer.headers.get("Retry-After"))
    except TimeoutError:
        return Failure("timeout", 0, f"no answer within {timeout_s:g} s")
    except (aiohttp.ClientSSLError, ssl.SSLError):
        return Failure("certificate", 0, "the encrypted connection failed: certificate or protocol")
    except aiohttp.ClientConnectorDNSError:
        return Failure("connection", 0, "no such host, or no name server")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Failure("connection", 0, f"no connection ({type(error).__name__})")
    if 200 <= status < 300:
        return None
    redirect = ", a redirect, which is not followed" if 300 <= status < 400 else ""
    return Failure("status", status, f"answered {status}{redirect}", wait_s)


def post(
    address: str, body: bytes, headers: Mapping[str, str] | None = None, *, timeout_s: float = TIMEOUT_S
) -> Failure | None:
    """Posts as `send` does, and waits for it: for a thread that has no event loop."""
    return asyncio.run(send("POST", address, body, headers, timeout_s=timeout_s))


def retry_after(value: str | None) -> float | None:
    """Seconds that a header says, as a number of them or a date; an hour at most."""
    if value is None:
        return None
    try:
        if value.strip().isdecimal():
            return min(float(value), LONGEST_WAIT_S)
        return min(max(0.0, parsedate_to_datetime(value).timestamp() - time.time()), LONGEST_WAIT_S)
    except (ValueError, OverflowError):
        return None
