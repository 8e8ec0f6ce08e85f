"""What is told of an incident: one message, from which each channel makes its own form.

Only ids, counts, names and links leave. What comes from data is cleaned: no control character, nothing that becomes a
link, no e-mail address, no long run of digits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from watchline.dashboards.engine.grouping import Incident, Kind, Part
from watchline.dashboards.engine.silences import Matcher
from watchline.dashboards.engine.texts import UNKNOWN, duration_words

MOST_CHARACTERS = 1000  # of one text
MARGIN_S = 600.0  # around a window, so that what came before is in the picture
_MAIL = re.compile(r"[\w.+%-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63}){1,9}")  # bounded as addresses are
_NUMBER = re.compile(r"(?<![\w-])\+?\d(?:[ -]?\d){7,18}(?![\w-])")
_WWW = re.compile(r"\b(www)\.", re.IGNORECASE)
_MAILTO = re.compile(r"\b(mailto|javascript|data|tel):", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where links lead: the page's address, empty where there is none, and the zone in which times are shown."""

    page: str = ""
    zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a channel tells.

    Parameters
    ----------
    delivery : str
        The same for every try: a receiver that drops those that it knows acts once.
    key : str
        By which the receiver knows the incident.
    status : {"firing", "resolved"}
    pages : bool
        Whether it may wake somebody.
    severity, title, head : str
        `head` says all in one line.
    lines : tuple of str
        One for each alert that lasts.
    notes : tuple of str
        What else there is to know, a sentence each.
    links : mapping of str to str
        By what they lead to.
    facts : mapping
        The same for programs.
    """

    delivery: str
    key: str
    status: Literal["firing", "resolved"]
    pages: bool
    severity: str
    title: str
    head: str
    lines: tuple[str, ...]
    notes: tuple[str, ...]
    links: Mapping[str, str]
    facts: Mapping[str, Any]


def clean(text: str) -> str:
    """A text that is data, as it may leave.

    >>> clean("see https://evil.example\\r\\nfrom ann@example.com, card 4111 1111 1111 1111")
    'see https[:]//evil.example from [e-mail address], card [number]'
    """
    text = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text)
    text = _MAIL.sub("[e-mail address]", " ".join(text.split()))
    text = _NUMBER.sub(lambda match: "[number]" if _is_personal(match[0]) else match[0], text)
    text = _WWW.sub(r"\1[.]", text.replace("://", "[:]//"))
    text = _MAILTO.sub(r"\1[:]", text)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


def clock(at: float | None, zone: str = "UTC") -> str:
    """A time for people, in the named zone.

    >>> clock(1_800_000_000, "Europe/Berlin"), clock(None)
    ('2027-01-15 09:00:00 CET', 'unknown')
    """
    return UNKNOWN if at is None else f"{datetime.fromtimestamp(at, ZoneInfo(zone)):%Y-%m-%d %H:%M:%S %Z}"


def compose(
    incident: Incident, kind: Kind, parts: Sequence[Part], *, delivery: str, at: float, addresses: Addresses
) -> Message:
    """The message of one incident.

    Parameters
    ----------
    incident : Incident
    kind : Kind
    parts : sequence of Part
        Those that last and aren't silenced.
    delivery : str
    at : float
        Now, in seconds since 1970.
    addresses : Addresses
    """
    named = parts[0] if parts else incident.first
    title, where = clean(named.title), clean(_where(incident))
    is_over = kind in ("ended", "over")
    lasted = duration_words((incident.closed or at) - incident.opened)
    began = clock(incident.opened, addresses.zone)
    notes = []
    if is_over:
        count = len(incident.parts) + incident.more
        head = f"Over: {title}{where}: {count} {_alerts(count)}, {lasted}"
        notes.append(f"Began {began}, ended {clock(incident.closed, addresses.zone)}.")
        if incident.reason:
            notes.append(clean(f"Why it is over: {incident.reason}."))
        if kind == "over":
            notes.append("It began and ended before this channel could be told.")
        lines: list[str] = []
    else:
        count = len(parts) + incident.more
        lines = [clean(part.summary) for part in parts]
        first = lines[0].removeprefix(f"{where.removeprefix(', ')}: ")  # said just before it
        head = f"{title}{where}: {first}" + (f" (and {count - 1} more)" if count > 1 else "")
        notes.append(f"Since {began}." + (f" It has lasted {lasted}." if kind == "again" else ""))
        notes += [clean(part.description) for part in parts[:1] if part.description]
        notes += [clean(f"{name}: {_words(value)}") for name, value in _details(parts)]
    return Message(
        delivery=delivery,
        key=incident.key,
        status="resolved" if is_over else "firing",
        pages=kind in ("began", "again"),
        severity=incident.severity,
        title=title,
        head=head,
        lines=tuple(lines),
        notes=tuple(notes),
        links=links(incident, parts, addresses, at),
        facts={
            "incident": incident.id,
            "rule": named.rule,
            "kind": kind,
            "began": iso(incident.opened),
            "ended": iso(incident.closed),
            "count": count,
            "reason": clean(incident.reason),
            "alerts": [_facts(part) for part in (incident.parts.values() if is_over else parts)],
        },
    )


def compose_missed(
    incidents: Sequence[Incident], *, delivery: str, at: float, addresses: Addresses, left_out: int = 0
) -> Message:
    """One message of all that began and ended while a channel didn't answer: no news, and no page."""
    if len(incidents) == 1 and not left_out:
        return compose(incidents[0], "over", (), delivery=delivery, at=at, addresses=addresses)
    count = len(incidents) + left_out
    lines = [
        f"{clean(each.first.title)}{clean(_where(each))}: {clock(each.opened, addresses.zone)} to "
        f"{clock(each.closed, addresses.zone)}, {duration_words((each.closed or at) - each.opened)}"
        for each in incidents
    ]
    if left_out:
        lines.append(f"and {left_out} more before them")
    return Message(
        delivery=delivery,
        key=f"missed-{delivery}",
        status="resolved",
        pages=False,
        severity="warning",
        title="Missed incidents",
        head=f"{count} incidents began and ended before this channel could be told; all are over",
        lines=tuple(lines),
        notes=(),
        links={"alerts": f"{addresses.page}/alerts"} if addresses.page else {},
        facts={"kind": "missed", "count": count, "incidents": [each.id for each in incidents]},
    )


def compose_test(channel: str, *, delivery: str, addresses: Addresses) -> Message:
    """What `watchline alerts test` sends."""
    return Message(
        delivery=delivery,
        key=f"test-{delivery}",
        status="firing",
        pages=True,
        severity="warning",
        title="Test",
        head=f"Test of Watchline's channel {channel}: this is no alert",
        lines=("Whoever reads this is told of alerts in this way.",),
        notes=(),
        links={"alerts": f"{addresses.page}/alerts"} if addresses.page else {},
        facts={"kind": "test"},
    )


def as_test(message: Message, *, key: str, delivery: str, is_over: bool = False) -> Message:
    """An alert's message as a test of its rule: it says so first of all, and is another incident to every receiver."""
    return replace(
        message,
        key=key,
        delivery=delivery,
        status="resolved" if is_over else "firing",
        title=f"Test: {message.title}",
        head=f"{'Test is over' if is_over else 'Test, no alert'}: {message.head}",
        notes=("This is a test of the rule on made-up rows: nothing is wrong.", *message.notes),
        facts={**message.facts, "kind": "test"},
    )


def links(incident: Incident, parts: Sequence[Part], addresses: Addresses, at: float) -> dict[str, str]:
    """To the board in the window in which it was bad, with absolute times and the slice; the runbook; a silence."""
    told = parts or [*incident.parts.values()]
    first = parts[0] if parts else incident.first
    if not addresses.page:
        return {"runbook": first.runbook}
    shared = dict(told[0].labels)
    for part in parts:
        shared = {name: value for name, value in part.labels if shared.get(name) == value}
    exact = all(map(_may_leave, shared.values()))
    shared = {name: value for name, value in shared.items() if _may_leave(value)}
    start, end = first.window
    board = quote(first.board, safe="")
    asked = [
        ("from", iso(start - MARGIN_S)),
        ("to", iso(min(end + MARGIN_S, max(end, at)))),  # the page refuses what is to come
        *((f"var-{name}", value) for name, value in sorted(shared.items())),
    ]
    rules = sorted({part.rule for part in told})
    any_of = "|".join(re.escape(each).replace(r"\-", "-") for each in rules)
    of_rules = Matcher("rule", any_of, True) if len(rules) > 1 else Matcher("rule", rules[0])
    # Without one of its labels it would silence others too.
    silence = [("matcher", str(each)) for each in (of_rules, *(Matcher(*label) for label in shared.items()))]
    return {
        "board": f"{addresses.page}/board/{board}?{urlencode(asked)}#panel-{board}-{first.panel}",
        "runbook": f"{addresses.page}/runbook/{quote(first.runbook, safe='')}",
        **({"silence": f"{addresses.page}/alerts?{urlencode(silence)}"} if exact else {}),
    }


def cut(lines: Sequence[str], most: int) -> str:
    """Lines in so many characters at most: whole ones, and how many are left out.

    >>> cut(["one", "two", "three"], 20)
    'one\\ntwo\\nthree'
    >>> cut(["one", "two", "a very long one"], 18)
    'one\\ntwo\\nand 1 more'
    """
    text = "\n".join(lines)
    if len(text) <= most:
        return text
    kept, length = 0, len(f"and {len(lines)} more")
    for line in lines:
        if length + len(line) + 1 > most:
            break
        kept, length = kept + 1, length + len(line) + 1
    if not kept:
        return lines[0][: max(0, most - 1)] + "…" if len(lines) == 1 else f"{len(lines)} lines, too long to be shown"
    return "\n".join([*lines[:kept], f"and {len(lines) - kept} more"])


def _is_personal(number: str) -> bool:
    """Whether digits are a telephone number with its country, or a card's; ids are neither."""
    digits = [int(letter) for letter in number if letter.isdigit()]
    doubled = sum(sum(divmod(2 * digit, 10)) if place % 2 else digit for place, digit in enumerate(reversed(digits)))
    return number.startswith("+") or (len(digits) >= 13 and doubled % 10 == 0)


def _may_leave(value: str) -> bool:
    return not _MAIL.search(value) and not any(_is_personal(match[0]) for match in _NUMBER.finditer(value))


def _where(incident: Incident) -> str:
    apps = sorted(
        {
            (labels.get("app", ""), labels.get("environment", ""))
            for labels in (dict(part.labels) for part in incident.parts.values())
        }
    )
    if len(apps) > 1:
        return f", {len(apps)} apps"
    app, environment = apps[0]
    place = app + (f" ({environment})" if environment else "")
    return f", {place}" if place else ""


def _alerts(count: int) -> str:
    return "alert" if count == 1 else "alerts"


def _details(parts: Sequence[Part]) -> list[tuple[str, Any]]:
    """Those of the one alert, or of the one that leads: of any other of many they would say little."""
    return [*parts[0].details.items()] if len(parts) == 1 or (parts and parts[0].lead > 0) else []


def _words(value: Any) -> str:
    return UNKNOWN if value is None else str(value) or "nothing"


def _facts(part: Part) -> dict[str, Any]:
    return {
        "rule": part.rule,
        "labels": {clean(name): clean(value) for name, value in part.labels},
        "severity": part.severity,
        "value": part.value,
        "summary": clean(part.summary),
        "began": iso(part.started),
        "ended": iso(part.ended),
    }


def iso(at: float | None) -> str | None:
    """A time as ISO 8601 in UTC."""
    return None if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
