"""Who may ask the page: this machine's browser, under the name that was asked for, with the token.

A page of another site can have a browser send requests here, under a name of its own that it points to 127.0.0.1:
so the Host is held against a list, and so is the Origin where there is one.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Middleware

from watchline.schemas.errors import ConfigurationError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
reader: ContextVar[str] = ContextVar("reader", default="")
"""Who asks: the name whose token it is; empty for whoever has the link of the page's own."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def names(host: str) -> tuple[str, ...]:
    """What a browser may call this server, without the port. Raises ConfigurationError where that can't be told.

    >>> names("::1"), names("monitor.example")
    (('127.0.0.1', 'localhost', '[::1]'), ('monitor.example',))
    """
    try:
        address = ip_address(host)
    except ValueError:
        return LOOPBACK if host == "localhost" else (host.lower(),)
    if address.is_unspecified:
        raise ConfigurationError(f"{host} is every address of this machine: name the one that browsers are to use")
    if address.is_loopback and host in ("127.0.0.1", "::1"):
        return LOOPBACK
    return (f"[{address}]" if address.version == 6 else str(address),)


def guard(
    hosts: tuple[str, ...],
    token: str,
    *,
    needs_token: Callable[[str], bool],
    named: Callable[[str], str] = lambda token: "",
) -> Middleware:
    """What every request goes through: 403 for another Host or Origin, 401 without the token, headers on all answers.

    Parameters
    ----------
    hosts : tuple of str
        HOST:PORT, as browsers send it.
    token : str
    needs_token : callable
        Whether a path does: files that hold no data don't.
    named : callable
        The name of the reader whose token it is; empty where it is nobody's.
    """
    origins = {f"http://{host}" for host in hosts}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await _answer(request, handler)
        response.headers.update(HEADERS)
        return response

    async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.getall("Host", [])
        origin = request.headers.getall("Origin", [])
        if len(host) != 1 or host[0].lower() not in hosts or any(one.lower() not in origins for one in origin):
            return web.Response(status=403)
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        name = ""
        if needs_token(request.path) and not hmac.compare_digest(given.encode(), token.encode()):
            name = await asyncio.to_thread(named, given)
            if not name:
                return web.json_response({"error": "this needs the token of the page", "kind": "token"}, status=401)
        reader.set(name)
        try:
            return await handler(request)
        except web.HTTPException as error:
            return web.Response(status=error.status)

    return check
