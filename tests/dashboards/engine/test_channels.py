"""The channels against real servers on loopback that fail in each way, with hostile text, and with secrets to keep."""

from __future__ import annotations

import contextlib
import email
import email.policy
import json
import logging
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from tests.dashboards.engine.receivers import Answer, Mailbox, Receiver, http_receiver, smtp_stand_in
from watchline.dashboards.engine.channels import (
    SLACK_MOST,
    DeliveryError,
    Mail,
    PagerDuty,
    Slack,
    Webhook,
    deliver,
)
from watchline.dashboards.engine.courier import AWAY_S, MOST_TRIES, Courier, Delivery
from watchline.dashboards.engine.grouping import Part, add, opened
from watchline.dashboards.engine.notification import Addresses, Message, clean, compose, compose_test
from watchline.schemas.errors import ConfigurationError
from watchline.streams.health.outgoing import post

TOKEN = "T0KEN5ecret"
HOSTILE = (
    "<https://evil.example|click here> & <!channel> www.evil.example\r\nBcc: eve\u202e\u200b\U000e0041 mailto:a@b.co"
)
PLANTED = ("ann@example.com", "ann%40example.com", "4111 1111 1111 1111", "4111111111111111", "+49 170 1234567")


def part(number: int, summary: str = "", **labels: str) -> Part:
    return Part(
        rule="r",
        title="Bad answers",
        board="quality",
        panel=12,
        runbook="r.md",
        window=(1_800_000_000.0, 1_800_604_800.0),
        labels=tuple(sorted({"app": "shop", "environment": "production", "model": f"m{number:02}", **labels}.items())),
        severity="warning",
        started=1_800_000_000.0,
        value=0.5,
        summary=summary or f"slice {number} is bad",
        description="What to do: look.",
    )


def message(*parts: Part, kind: Any = "began", title: str = "Bad answers", **changes: Any) -> Message:
    first, *others = (replace(each, title=title) for each in parts)
    incident = replace(opened(first, 0.0), id="i1", opened=1_800_000_000.0)
    for each in others:
        incident = add(incident, each, 0.0)
    incident = replace(incident, **changes)
    return compose(
        incident, kind, incident.lasting, delivery="d1", at=1_800_000_060.0,
        addresses=Addresses(page="https://watchline.example", zone="Europe/Berlin"),
    )  # fmt: skip


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with http_receiver(f"/services/{TOKEN}?key={TOKEN}") as receiver:
        yield receiver


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with smtp_stand_in() as box:
        yield box


def mail(box: Mailbox, **settings: Any) -> Mail:
    return Mail("e-mail", box.url, sender="watchline@example.org", to=("oncall@example.org",), **settings)


def posting(url: str, key: str = "k") -> tuple[Webhook, Slack, PagerDuty]:
    """Those channels that post to an address."""
    return Webhook("webhook", url, post), Slack("slack", url, post), PagerDuty("pager", key, post, url=url)


def parsed(raw: str) -> Any:
    return email.message_from_string(raw, policy=email.policy.default)


def slack_like(path: str, body: bytes) -> Answer:
    """As Slack: a block of more than 3,000 characters is refused, and so are more than 50."""
    blocks = json.loads(body).get("blocks", [])
    bad = len(blocks) > 50 or any(len(block["text"]["text"]) > SLACK_MOST for block in blocks)
    return (400, {}, b"invalid_blocks") if bad else (200, {}, b"ok")


def test_ninety_slices_with_long_texts_are_delivered_cut_at_a_line(hook: Receiver, mailbox: Mailbox) -> None:
    hook.answer = slack_like
    long = message(*(part(number, f"slice {number:02} " + 150 * "x") for number in range(90)))
    long = replace(long, notes=(*long.notes, 9000 * "y"))
    assert deliver(Slack("slack", hook.url, post), long) == "taken"
    (body,) = hook.bodies
    assert "(and 89 more)" in body["blocks"][0]["text"]["text"]
    lines = body["blocks"][1]["text"]["text"].splitlines()
    assert len(lines) - 1 + int(lines[-1].split()[1]) == 90 and lines[-1].endswith("more")
    assert all(line.startswith("• slice") and line.endswith("x") for line in lines[:-1])
    assert "https://watchline.example/board/quality?" in body["blocks"][-1]["text"]["text"]
    deliver(mail(mailbox), long)
    assert "slice 89" in parsed(mailbox.mails[0]).get_body(("plain",)).get_content()


def test_a_plain_second_try_where_the_rich_form_is_refused(hook: Receiver, mailbox: Mailbox) -> None:
    hook.answer = lambda path, body: (400, {}, b"") if b'"blocks"' in body else (200, {}, b"")
    assert deliver(Slack("slack", hook.url, post), message(part(1))) == "taken (the plain form)"
    assert "slice 1 is bad" in hook.bodies[1]["text"] and "d1" in hook.bodies[1]["text"]
    hook.answer = lambda path, body: (400, {}, b"") if b"custom_details" in body else (202, {}, b"")
    assert deliver(PagerDuty("pagerduty", "k", post, url=hook.url), message(part(1))) == "taken (the plain form)"
    mailbox.codes = [554]
    assert deliver(mail(mailbox), message(part(1))) == "accepted (the plain form)"
    assert not parsed(mailbox.mails[0]).is_multipart()


def test_every_try_has_the_same_delivery_in_header_and_body(hook: Receiver, mailbox: Mailbox) -> None:
    for channel in (
        Webhook("webhook", hook.url, post),
        Slack("slack", hook.url, post),
        PagerDuty("pager", "k", post, url=hook.url),
    ):
        channel.send(message(part(1)))
    assert [headers["X-Watchline-Delivery"] for headers in hook.headers] == ["d1", "d1", "d1"]
    assert all(b"d1" in raw for raw in hook.raw)
    mail(mailbox).send(message(part(1)))
    assert parsed(mailbox.mails[0])["X-Watchline-Delivery"] == "d1"
    assert "delivery d1" in parsed(mailbox.mails[0]).get_body(("plain",)).get_content()


def test_hostile_text_becomes_no_link_and_breaks_nothing(hook: Receiver, mailbox: Mailbox) -> None:
    hostile = message(part(1, HOSTILE, model=HOSTILE), part(2, HOSTILE), title=HOSTILE)
    for channel in (
        Webhook("webhook", hook.url, post),
        Slack("slack", hook.url, post),
        PagerDuty("pager", "k", post, url=hook.url),
    ):
        channel.send(hostile)
    for raw in hook.raw:
        text = json.dumps(json.loads(raw), ensure_ascii=False)
        assert "://evil" not in text and "www.evil" not in text and "mailto:" not in text
        assert not set(text) & {"\u202e", "\u200b", "\U000e0041"} and "\\r" not in text
    slack = json.dumps(hook.bodies[1])
    assert "<!channel>" not in slack and "<https://evil" not in slack
    assert all(block["text"]["verbatim"] for block in hook.bodies[1]["blocks"])
    mail(mailbox).send(hostile)
    sent = parsed(mailbox.mails[0])
    assert sent["Bcc"] is None and "evil" in sent["Subject"]
    page = sent.get_body(("html",)).get_content()
    assert "evil" in page and "<https" not in page and "<!channel>" not in page and '"https://evil' not in page


def test_no_data_of_users_leaves(hook: Receiver, mailbox: Mailbox) -> None:
    for number, planted in enumerate(PLANTED):
        bad = part(number, f"tenant {planted} pays too much.", tenant=planted)
        bad = replace(bad, description=f"failed call: {planted}", details={"subject": f"of {planted}, seen"})
        for kind in ("began", "ended", "over"):
            told = message(bad, kind=kind, closed=None if kind == "began" else 1_800_000_050.0, reason=planted)
            for channel in (
                Webhook("w", hook.url, post),
                Slack("s", hook.url, post),
                PagerDuty("p", "k", post, url=hook.url),
            ):
                channel.send(told)
            mail(mailbox).send(told)
    everything = b"\n".join(hook.raw).decode() + "\n".join(mailbox.mails)
    everything += "\n".join(body.get_content() for raw in mailbox.mails for body in parsed(raw).iter_parts())
    assert [planted for planted in PLANTED if planted in everything] == []
    assert "[e-mail address]" in everything and "[number]" in everything


@pytest.mark.parametrize("text", ["123456789012345678", "20261130", "550e8400-e29b-41d4-a716-446655440000", "gpt-4o"])
def test_ids_are_told_as_they_are(text: str) -> None:
    assert clean(text) == text


def test_the_link_leads_to_the_moment_and_the_slice(hook: Receiver) -> None:
    odd = message(part(1, prompt_name="answer.v2-{a}", app="shop (eu)"))
    assert odd.links["board"].startswith(
        "https://watchline.example/board/quality?from=2027-01-15T07%3A50%3A00Z&to=2027-01-22T"
    )
    assert "var-prompt_name=answer.v2-%7Ba%7D" in odd.links["board"] and odd.links["board"].endswith(
        "#panel-quality-12"
    )
    assert "matcher=app%3D%22shop+%28eu%29%22" in odd.links["silence"]


def test_times_are_in_the_one_zone_whatever_the_hosts_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for zone in ("Asia/Seoul", "UTC"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert "Since 2027-01-15 09:00:00 CET." in message(part(1)).notes
    monkeypatch.undo()
    time.tzset()


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections and says nothing, or a byte at a time."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def drip() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    while not stop.wait(0.1):
                        connection.sendall(b"H")

        threading.Thread(target=drip, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        stop.set()


def failing_urls(hook: Receiver) -> Iterator[tuple[str, str, Answer | None]]:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        closed = busy.getsockname()[1]
    path = f"/services/{TOKEN}?key={TOKEN}"
    yield "no such host", f"http://{TOKEN}.invalid{path}", None
    yield "no connection", f"http://user:{TOKEN}@127.0.0.1:{closed}{path}", None
    yield "certificate or protocol", hook.url.replace("http://", f"https://user:{TOKEN}@"), None
    yield "answered 429", hook.url, (429, {"Retry-After": "7"}, TOKEN.encode())
    yield "answered 500", hook.url, (500, {"X-Echo": TOKEN}, f"bad {path}".encode())
    yield "a redirect", hook.url, (302, {"Location": f"http://127.0.0.1:{closed}/{TOKEN}"}, b"")
    yield "answered 404", hook.url, (404, {}, f"no {path}".encode())


def test_no_failure_tells_the_secret(
    hook: Receiver, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    told = message(part(1))
    said: list[str] = []
    for words, url, answer in failing_urls(hook):
        hook.answer = (lambda fixed: lambda path, body: fixed)(answer or (200, {}, b""))
        for channel in posting(url, TOKEN):
            source = One(told)
            courier = Courier(channel, source, lambda: 0.0)
            courier.step()
            with pytest.raises(DeliveryError, match=words) as caught:
                channel.send(told)
            said += ["".join(traceback.format_exception(caught.value)), repr(caught.value), repr(channel)]
            said += [str(vars(channel)), json.dumps(courier.health())]
            assert caught.value.__context__ is None and caught.value.__cause__ is None
            assert words in courier.last_error
    everything = "\n".join(said) + caplog.text + "".join(capfd.readouterr())
    assert TOKEN not in everything and "/services" not in everything
    assert "127.0.0.1" not in caplog.text


def test_no_failure_of_mail_tells_the_secret(mailbox: Mailbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.create_server(("127.0.0.1", 0)) as busy:
        closed = busy.getsockname()[1]
    login = f"smtp://user:{TOKEN}@"
    for url, words in (
        (f"{login}127.0.0.1:{closed}", "refused the connection"),
        (f"{login}{TOKEN}.invalid:25", "no such host"),
        (mailbox.url.replace("smtp://", login), "connection failed|broke off|the login"),  # it has no AUTH
        (mailbox.url.replace("smtp://", f"smtp+starttls://user:{TOKEN}@"), "failed"),
    ):
        channel = Mail("e-mail", url, sender="a@example.org", to=("b@example.org",), timeout_s=2)
        with pytest.raises(DeliveryError, match=words) as caught:
            channel.send(message(part(1)))
        assert TOKEN not in "".join(traceback.format_exception(caught.value)) + str(vars(channel)) + caplog.text


@pytest.mark.parametrize("url", ["ftp://host/x", "http://", "nothing", f"http://host/\n{TOKEN}", f"http://[{TOKEN}"])
def test_an_address_that_is_none_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Slack("slack", url, post)
    assert url not in str(caught.value) and TOKEN not in "".join(traceback.format_exception(caught.value))


def test_a_server_that_drips_is_cut_off() -> None:
    with silent_server() as address:
        began = time.monotonic()
        with pytest.raises(DeliveryError):
            Webhook("webhook", f"http://{address}/", partial(post, timeout_s=0.5)).send(message(part(1)))
        assert time.monotonic() - began < 3


class One:
    """A source with one message, until it is taken."""

    def __init__(self, message: Message) -> None:
        self.message, self.taken, self.rounds = message, 0, []

    def next_for(self, channel: str, round: int) -> Delivery | None:
        self.rounds.append(round)
        return None if self.taken else Delivery(self.message, self.take)

    def take(self) -> None:
        self.taken += 1

    def may_send(self) -> bool:
        return True


def test_fifteen_tries_in_growing_intervals_then_a_probe_now_and_then(hook: Receiver) -> None:
    now = [0.0]
    hook.answer = lambda path, body: (503, {}, b"")
    source = One(message(part(1)))
    courier = Courier(Webhook("webhook", hook.url, post), source, lambda: now[0])
    pauses = []
    while now[0] < 600:  # away for ten minutes
        pauses.append(courier.step())
        now[0] += pauses[-1]
    assert len(hook.bodies) <= MOST_TRIES and pauses == sorted(pauses) and set(source.rounds) == {0}
    while len(hook.bodies) < MOST_TRIES + 3:
        pauses.append(courier.step())
        now[0] += pauses[-1]
    assert pauses[-3:] == [AWAY_S] * 3 and courier.health()["away"] and courier.given_up == 1
    assert source.rounds[-3:] == [1, 2, 3]
    hook.answer = lambda path, body: (200, {}, b"")
    assert courier.step() == 0.0 and source.taken == 1 and not courier.health()["away"]


def test_retry_after_is_heeded_within_bounds(hook: Receiver) -> None:
    def pause(value: str) -> float:
        hook.answer = lambda path, body: (429, {"Retry-After": value}, b"")
        return Courier(Webhook("webhook", hook.url, post), One(message(part(1))), lambda: 0.0).step()

    assert [pause(value) for value in ("120", "0", "-5", "soon", "9" * 400)] == [120.0, 1.0, 1.0, 1.0, 3600.0]


def test_values_that_are_missing_are_words(hook: Receiver, mailbox: Mailbox) -> None:
    bare = replace(part(1, "unknown is unknown"), value=None, details={"before": None})
    deliver(mail(mailbox), message(bare, kind="ended"))
    deliver(mail(mailbox), message(bare))
    for raw in mailbox.mails:
        for body in parsed(raw).iter_parts():
            text = body.get_content()
            assert not any(word in text for word in ("None", "<nil>", "no value", "{{", "&lt;"))
    assert "before: unknown" in mailbox.mails[1]


def test_the_test_message_says_that_it_is_none(hook: Receiver) -> None:
    sent = compose_test("slack", delivery="d2", addresses=Addresses())
    Slack("slack", hook.url, post).send(sent)
    assert "this is no alert" in hook.bodies[0]["text"]
