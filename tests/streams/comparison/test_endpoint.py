"""Asking an endpoint, a stand-in that answers by rule: what goes out, what comes of it, and what is never told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiohttp import web

from tests.streams.comparison.stand_in import StandIn, said
from watchline.schemas.errors import ConfigurationError
from watchline.streams.comparison.endpoint import MOST_BYTES, Endpoint, Reply

KEY = "sk-very-private"


@pytest.fixture
def server() -> Iterator[StandIn]:
    """A stand-in for an endpoint."""
    with StandIn() as running:
        yield running


def ask(server: StandIn, *questions: str, most_failed: int = 1000, **options: Any) -> list[Reply]:
    """The replies to questions."""
    endpoint = Endpoint(server.url, "small", pause_s=0.01, **{"key": KEY, "timeout_s": 5.0, **options})
    asked = [("new", [{"role": "user", "content": each}]) for each in questions]
    return endpoint.ask(asked, most_failed=most_failed, done=lambda done: None)


def test_what_is_sent_and_what_comes_back(server: StandIn) -> None:
    server.answer = lambda body, times: said(body["messages"][-1]["content"].upper())
    replies = ask(server, "one", "two", options={"temperature": 0})
    assert [(each.kind, each.text, each.input_tokens, each.output_tokens) for each in replies] == [
        ("answered", "ONE", 7, 2), ("answered", "TWO", 7, 2)
    ]  # fmt: skip
    assert server.bodies[0] == {"model": "small", "messages": [{"role": "user", "content": "one"}], "temperature": 0}
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    ask(server, "three", key="")
    assert "Authorization" not in server.headers[-1]


def test_few_at_once(server: StandIn) -> None:
    ask(server, *map(str, range(40)))
    assert len(server.bodies) == 40 and 1 < server.most_at_once <= 4


@pytest.mark.parametrize(
    ("answer", "kind", "reason", "attempts"),
    [
        (lambda: web.Response(status=500, text=KEY), "failed", "answered 500", 3),
        (lambda: web.Response(status=429), "failed", "answered 429", 3),
        (lambda: web.Response(status=400, text=KEY), "failed", "answered 400", 1),
        (lambda: web.Response(status=307, headers={"Location": "/v1/chat/completions"}),
         "failed", "answered 307, a redirect, which is not followed", 1),
        (lambda: web.json_response({"error": {"code": "content_filter"}}, status=400),
         "refused", "withheld by the endpoint's filter", 1),
        (lambda: said(None, message={"refusal": KEY}), "refused", "the model refused", 1),
        (lambda: said("", choice={"finish_reason": "content_filter"}),
         "refused", "withheld by the endpoint's filter", 1),
        (lambda: said("  \n"), "failed", "answered without text", 1),
        (lambda: said(["a"]), "failed", "answered without text", 1),
        (lambda: web.Response(text=KEY), "failed", "answered what is no chat completion", 1),
        (lambda: web.json_response([]), "failed", "answered what is no chat completion", 1),
        (lambda: web.json_response({"choices": []}), "failed", "answered what is no chat completion", 1),
        (lambda: web.Response(text="[" * 100_000), "failed", "answered what is no chat completion", 1),
        (lambda: web.Response(body=b" " * (MOST_BYTES + 1)), "failed", "an answer of more than 1,048,576 bytes", 1),
    ],
)  # fmt: skip
def test_what_is_no_answer(
    server: StandIn, answer: Callable[[], web.Response], kind: str, reason: str, attempts: int
) -> None:
    server.answer = lambda body, times: answer()
    (reply,) = ask(server, "one")
    assert (reply.kind, reply.reason, reply.text) == (kind, reason, "")
    assert len(server.bodies) == attempts and KEY not in repr(reply)


def test_one_that_fails_is_asked_again(server: StandIn) -> None:
    server.answer = lambda body, times: said("there") if times == 2 else web.Response(status=503)
    assert [each.text for each in ask(server, "one", "two")] == ["there", "there"]


def test_one_that_does_not_answer_in_time(server: StandIn) -> None:
    slow, fast = ask(server, "slow", "fast", timeout_s=0.2)
    assert (slow.kind, slow.reason) == ("failed", "no answer within 0.2 s") and fast.kind == "answered"


def test_nobody_there() -> None:
    endpoint = Endpoint("http://127.0.0.1:9", "small", key=KEY, pause_s=0.01)
    (reply,) = endpoint.ask([("new", [])], most_failed=9, done=lambda done: None)
    assert reply.kind == "failed" and reply.reason.startswith("no connection") and KEY not in reply.reason


def test_what_can_change_nothing_any_more_is_not_asked(server: StandIn) -> None:
    server.answer = lambda body, times: web.Response(status=400)
    replies = ask(server, *map(str, range(100)), most_failed=5)
    assert len(server.bodies) < 20 and {each.kind for each in replies} == {"failed", "unasked"}
    assert replies[-1].reason == "not asked, since too many had failed"


@pytest.mark.parametrize("status", [401, 404])
def test_a_wrong_key_or_address_ends_it(server: StandIn, status: int) -> None:
    server.answer = lambda body, times: web.Response(status=status, text=KEY)
    with pytest.raises(ConfigurationError, match=f"answered {status}") as caught:
        ask(server, *map(str, range(50)))
    assert KEY not in str(caught.value) and len(server.bodies) <= 8


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://models.example.com/v1", "http goes to loopback alone"),
        ("http://127.0.0.1.example.com/v1", "http goes to loopback alone"),
        ("http://10.0.0.1/v1", "http goes to loopback alone"),
        ("ftp://127.0.0.1/v1", "must be an address such as"),
        ("https://", "must be an address such as"),
        ("https://host:99999/v1", "must be an address such as"),
        ("https://host/v1 x", "must be an address such as"),
        ("https://me:private@host/v1", "may be secret"),
        ("https://host/v1?key=private", "may be secret"),
    ],
)
def test_addresses_that_are_refused(url: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as caught:
        Endpoint(url, "small")
    assert "private" not in str(caught.value)


def test_addresses_that_are_taken() -> None:
    for url in ("https://models.example.com/v1", "http://localhost:8000/v1/", "http://[::1]:8000", "http://127.9.9.9"):
        Endpoint(url, "small")


def test_keys_and_fields_that_cannot_be_sent() -> None:
    with pytest.raises(ConfigurationError, match="WATCHLINE_ENDPOINT_KEY") as caught:
        Endpoint("http://localhost", "small", key="private\nX-Other: 1")
    assert "private" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="stream can't be set"):
        Endpoint("http://localhost", "small", options={"stream": True})
