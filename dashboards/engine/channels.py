"""The ways in which people are told: webhook, Slack, PagerDuty, e-mail.

An address is a secret. No error here holds one, nor anything that the other end said: both may hold the token. So
errors have words of their own, and are raised where none of a library's, which name the address, is being handled.
"""

from __future__ import annotations

import html
import json
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from watchline.dashboards.engine.notification import Message, cut
from watchline.schemas.errors import ConfigurationError, WatchlineError

TIMEOUT_S = 10.0
SLACK_MOST = 3000  # characters of a block
MOST_ALERTS = 100  # in what programs read
_SPARE = 100
PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"


class DeliveryError(WatchlineError):
    """A message was not taken. Its text holds no address and nothing that the other end said.

    Parameters
    ----------
    what : str
    retry_after_s : float, optional
        When the other end wants to be asked again.
    refused : bool
        Whether the form of the message may be why: a plain one may be taken.
    """

    def __init__(self, what: str, *, retry_after_s: float | None = None, refused: bool = False) -> None:
        super().__init__(what)
        self.retry_after_s = retry_after_s
        self.refused = refused


class Refusal(Protocol):
    """Why a request was not taken: in words that tell nothing of the address, and as `DeliveryError` has it."""

    @property
    def text(self) -> str: ...

    @property
    def retry_after_s(self) -> float | None: ...

    @property
    def refused(self) -> bool: ...


class Post(Protocol):
    """Posts to an address, for a bounded time and following no redirect; gives why that was not taken, or None."""

    def __call__(self, address: str, body: bytes, headers: Mapping[str, str]) -> Refusal | None: ...


class Channel(Protocol):
    """One way to tell people."""

    name: str
    updates: bool  # whether it changes what it has shown, and calls nobody again by that

    def send(self, message: Message, *, plain: bool = False) -> str:
        """Sends it and says what the other end answered. Raises DeliveryError."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that no representation shows."""

    value: str

    def __repr__(self) -> str:
        return "Secret(********)"


def deliver(channel: Channel, message: Message) -> str:
    """Sends a message, and a plain one where the rich one is refused. Raises DeliveryError."""
    try:
        return channel.send(message)
    except DeliveryError as error:
        if not error.refused:
            raise
    return f"{channel.send(message, plain=True)} (the plain form)"


class Webhook:
    """JSON to an address."""

    updates = True

    def __init__(self, name: str, url: str, post: Post) -> None:
        self.name = name
        self._post = _Post(name, url, post)

    def send(self, message: Message, *, plain: bool = False) -> str:
        """Sends it; plain: without the alerts one by one."""
        facts = dict(message.facts)
        alerts = facts.get("alerts", [])
        facts["alerts"], facts["more_alerts"] = ([], len(alerts)) if plain else (
            alerts[:MOST_ALERTS], max(0, len(alerts) - MOST_ALERTS)
        )  # fmt: skip
        return self._post(
            {
                "delivery": message.delivery,
                "key": message.key,
                "status": message.status,
                "severity": message.severity,
                "title": message.title,
                "text": message.head,
                "links": dict(message.links),
                **facts,
            },
            message.delivery,
        )


class Slack:
    """Slack's incoming webhook."""

    updates = False

    def __init__(self, name: str, url: str, post: Post) -> None:
        self.name = name
        self._post = _Post(name, url, post)

    def send(self, message: Message, *, plain: bool = False) -> str:
        """Sends it; plain: one text without blocks."""
        head = _slack(_marked(message))
        foot = " | ".join(
            f"<{url}|{name}>" if "://" in url else f"{name}: {_slack(url)}" for name, url in message.links.items()
        )
        number = f"delivery {message.delivery}"
        text = f"{cut([head], SLACK_MOST - _SPARE)} ({number})"
        body: dict[str, Any] = {"text": text, "unfurl_links": False, "unfurl_media": False}
        if not plain:
            texts = [
                cut([f"*{cut([head], SLACK_MOST - _SPARE)}*"], SLACK_MOST),
                cut([f"• {_slack(line)}" for line in message.lines], SLACK_MOST) if len(message.lines) > 1 else "",
                cut([_slack(note) for note in message.notes], SLACK_MOST),
                f"{foot if len(foot) <= SLACK_MOST - _SPARE else 'links are too long'} | {number}",
            ]
            # verbatim: Slack makes no link of what merely looks like one.
            body["blocks"] = [
                {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
                for text in texts
                if text
            ]
        return self._post(body, message.delivery)


class PagerDuty:
    """PagerDuty's Events API v2: one incident for a key, which later events change."""

    updates = True

    def __init__(self, name: str, key: str, post: Post, *, url: str = PAGERDUTY) -> None:
        self.name = name
        self._key = Secret(key)
        self._post = _Post(name, url, post)

    def send(self, message: Message, *, plain: bool = False) -> str:
        """Sends it; plain: without details. What is over and was never told as lasting opens nothing."""
        details = {
            "delivery": message.delivery,
            "alerts": cut(message.lines, SLACK_MOST) if message.lines else "",
            "notes": cut(message.notes, SLACK_MOST) if message.notes else "",
        }
        event: dict[str, Any] = {
            "routing_key": self._key.value,
            "event_action": "resolve" if message.status == "resolved" else "trigger",
            "dedup_key": message.key,
            "payload": {
                "summary": cut([message.head], 1024),
                "source": "watchline",
                "severity": message.severity,
                "class": message.title,
                **({} if plain else {"custom_details": details}),
            },
        }
        if not plain:
            event["links"] = [
                {"href": url, "text": name} for name, url in message.links.items() if url.startswith("http")
            ]
        return self._post(event, message.delivery)


class Mail:
    """E-mail by SMTP: plain text and HTML in one."""

    updates = False

    def __init__(
        self, name: str, server: str, *, sender: str, to: tuple[str, ...], timeout_s: float = TIMEOUT_S
    ) -> None:
        self.name = name
        self._server = Secret(server)
        self._sender, self._to, self._timeout_s = sender, to, timeout_s
        parts = urlsplit(server)
        if parts.scheme not in ("smtp", "smtps", "smtp+starttls") or not parts.hostname:
            raise ConfigurationError(
                f"channel {name}: its server must be smtp://, smtps:// or smtp+starttls://HOST:PORT"
            )

    def send(self, message: Message, *, plain: bool = False) -> str:
        """Sends it; plain: without HTML."""
        mail = self._mail(message, plain)
        problem: DeliveryError | None = None
        try:
            self._hand_over(mail)
        except smtplib.SMTPAuthenticationError:
            problem = DeliveryError("the mail server refused the login")
        except smtplib.SMTPRecipientsRefused:
            problem = DeliveryError("the mail server refused every recipient")
        except smtplib.SMTPDataError as error:
            problem = DeliveryError(f"the mail server answered {error.smtp_code}", refused=error.smtp_code >= 500)
        except smtplib.SMTPResponseException as error:
            problem = DeliveryError(f"the mail server answered {error.smtp_code}")
        except (smtplib.SMTPException, OSError) as error:
            problem = DeliveryError(_words(error))
        if problem is not None:
            raise problem
        return "accepted"

    def _hand_over(self, mail: EmailMessage) -> None:
        parts = urlsplit(self._server.value)
        secure, host = parts.scheme == "smtps", parts.hostname or ""
        port = parts.port or {"smtps": 465, "smtp+starttls": 587}.get(parts.scheme, 25)
        context = ssl.create_default_context()
        client = (
            smtplib.SMTP_SSL(host, port, timeout=self._timeout_s, context=context)
            if secure
            else smtplib.SMTP(host, port, timeout=self._timeout_s)
        )
        # A timeout of a socket counts anew with each byte: one that sends them slowly is cut off too.
        with _Deadline(2 * self._timeout_s, client.close), client:
            if parts.scheme == "smtp+starttls":
                client.starttls(context=context)
            if parts.username:
                client.login(unquote(parts.username), unquote(parts.password or ""))
            client.send_message(mail)

    def _mail(self, message: Message, plain: bool) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = _marked(message)[:200]
        mail["From"], mail["To"] = self._sender, ", ".join(self._to)
        mail["Date"] = formatdate()
        mail["Message-ID"] = f"<{message.delivery}@watchline>"
        mail["X-Watchline-Delivery"] = message.delivery
        mail["References"] = f"<{message.key}@watchline>"  # one thread an incident
        lines = [f"- {line}" for line in message.lines]
        links = [f"{name}: {url}" for name, url in message.links.items()]
        blocks = [message.head, cut(lines, 20_000) if lines else "", "\n".join(message.notes), "\n".join(links)]
        mail.set_content("\n\n".join(block for block in (*blocks, f"delivery {message.delivery}") if block))
        if not plain:
            mail.add_alternative(_page(message), subtype="html")
        return mail


class _Post:
    """Posts JSON to one address, which it keeps to itself."""

    def __init__(self, name: str, url: str, post: Post) -> None:
        try:
            parts = urlsplit(url)
            sound = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
        except ValueError:
            sound = False
        if not sound or not all(" " < letter < "\x7f" for letter in url):
            raise ConfigurationError(f"channel {name}: its address must be http(s)://HOST...")
        self._url = Secret(url)
        self._send = post

    def __call__(self, body: Mapping[str, Any], delivery: str) -> str:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "watchline",
            "X-Watchline-Delivery": delivery,
            "Idempotency-Key": delivery,
        }
        refusal = self._send(self._url.value, json.dumps(body).encode(), headers)
        if refusal is not None:
            raise DeliveryError(refusal.text, retry_after_s=refusal.retry_after_s, refused=refusal.refused)
        return "taken"


class _Deadline:
    """Ends a connection after so long, whatever it does."""

    def __init__(self, seconds: float, close: Callable[[], None]) -> None:
        self._close = close
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        import contextlib

        with contextlib.suppress(OSError):
            self._close()


def _words(error: Exception) -> str:
    """What went wrong, without what a library says: that names the address, or quotes the other end."""
    if isinstance(error, socket.gaierror):
        return "no such host, or no name server"
    if isinstance(error, ssl.SSLError):
        return "the encrypted connection failed: certificate or protocol"
    if isinstance(error, TimeoutError):
        return "did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection"
    if isinstance(error, OSError | smtplib.SMTPServerDisconnected):
        return "the connection failed or broke off"
    return "answered what is no answer"


def _marked(message: Message) -> str:
    """The head with how severe it is; of what is over, the head says that."""
    return message.head if message.status == "resolved" else f"[{message.severity.capitalize()}] {message.head}"


def _slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _page(message: Message) -> str:
    escape = html.escape
    lines = "".join(f"<li>{escape(line)}</li>" for line in cut(message.lines, 20_000).splitlines())
    notes = "".join(f"<p>{escape(note)}</p>" for note in message.notes)
    links = "".join(
        f'<p><a href="{escape(url, quote=True)}">{escape(name)}</a></p>'
        if url.startswith(("http://", "https://"))
        else f"<p>{escape(name)}: {escape(url)}</p>"
        for name, url in message.links.items()
    )
    return (
        f"<html><body><h3>{escape(message.head)}</h3><ul>{lines}</ul>{notes}{links}"
        f"<p><small>delivery {escape(message.delivery)}</small></p></body></html>"
    )
