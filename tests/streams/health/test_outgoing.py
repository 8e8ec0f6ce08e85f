"""What a request to a secret address comes to, and that nothing of the address is ever said."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from tests.streams.receiving_webhook import Receiver, receiving
from watchline.schemas.errors import ConfigurationError
from watchline.streams.embedded.broker import free_port
from watchline.streams.health import outgoing
from watchline.streams.settings import load, shown

TOKEN = "T0KENxyz"
CASES: dict[str, tuple[Callable[[Receiver], str], int, str]] = {
    "taken": (lambda to: to.address(f"/hook/{TOKEN}"), 204, ""),
    "throttled": (lambda to: to.address(f"/hook/{TOKEN}"), 429, "status"),
    "an answer that quotes the address": (lambda to: to.address(f"/?key={TOKEN}"), 500, "status"),
    "a redirection": (lambda to: to.address(f"/hook/{TOKEN}"), 302, "status"),
    "a login": (lambda to: f"http://{TOKEN}:{TOKEN}@127.0.0.1:{to.port}/", 401, "status"),
    "nobody there": (lambda to: f"http://127.0.0.1:{free_port()}/{TOKEN}", 200, "connection"),
    "no such host": (lambda to: f"http://{TOKEN}.invalid/", 200, "connection"),
    "no address at all": (lambda to: f"http://[{TOKEN}/", 200, "connection"),
    "no TLS": (lambda to: f"https://127.0.0.1:{to.port}/{TOKEN}", 200, ""),
}


@pytest.mark.parametrize("case", CASES)
def test_a_failure_says_its_kind_and_nothing_of_the_address(case: str, caplog: pytest.LogCaptureFixture) -> None:
    address, status, kind = CASES[case]
    with receiving() as receiver, caplog.at_level(logging.INFO):
        receiver.status, receiver.headers = status, {"Location": receiver.address(f"/elsewhere/{TOKEN}")}
        failure = asyncio.run(outgoing.send("POST", address(receiver), b"{}", timeout_s=5.0))
        paths = [request.path for request in receiver.requests]
    if case == "no TLS":
        assert failure is not None
        assert failure.kind in ("certificate", "connection")
    else:
        assert (failure.kind if failure else "") == kind
    assert failure is None or (TOKEN.lower() not in str(failure).lower() and failure.kind in outgoing.FAILURES)
    assert TOKEN not in caplog.text
    assert not [path for path in paths if "elsewhere" in path]


def test_one_that_hangs_is_given_up_in_time() -> None:
    with receiving() as receiver:
        receiver.delay_s = 3.0
        failure = asyncio.run(outgoing.send("GET", receiver.address(), timeout_s=0.3))
    assert failure == outgoing.Failure("timeout", 0, "no answer within 0.3 s")


@pytest.mark.parametrize("name", ["webhook_url", "heartbeat_url"])
def test_the_settings_are_secrets(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"WATCHLINE_{name.upper()}", f"https://hooks.example/{TOKEN}")
    settings = load()
    assert TOKEN not in f"{settings!r} {settings}"
    assert TOKEN not in str(shown(settings))
    for wrong in (f"hooks.example/{TOKEN}", f"ftp://example/{TOKEN}", f"https://example:{TOKEN}/", f"http://[{TOKEN}"):
        monkeypatch.setenv(f"WATCHLINE_{name.upper()}", wrong)
        with pytest.raises(ConfigurationError, match=name.upper()) as refused:
            load()
        assert TOKEN not in str(refused.value)
