"""Requests to addresses that are secrets themselves: a webhook, a heartbeat. What comes of one never names the address.

Nor does it quote the answer, which may: only kinds of failures and numbers are told.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp

TIMEOUT_S = 10.0
FAILURES = ("timeout", "connection", "certificate", "status")


class Failure(NamedTuple):
    """Why a request was not taken: one of `FAILURES`, the status where there is one, and both for people to read."""

    kind: str
    status: int
    text: str


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
            status = answer.status
    except TimeoutError:
        return Failure("timeout", 0, f"no answer within {timeout_s:g} s")
    except (aiohttp.ClientSSLError, ssl.SSLError):
        return Failure("certificate", 0, "no TLS with a valid certificate")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Failure("connection", 0, f"no connection ({type(error).__name__})")
    return None if 200 <= status < 300 else Failure("status", status, f"answered with status {status}")
