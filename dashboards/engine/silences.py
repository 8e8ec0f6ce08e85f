"""Silences: alerts with certain labels are not told of until a time. One function decides, for preview and effect."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from watchline.schemas.errors import ConfigurationError

OVERLONG_S = 30 * 86_400.0
MOST_MATCHERS, MOST_CHARACTERS = 20, 500
_FORM = re.compile(r"([A-Za-z_]\w*)\s*(=~|=)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Matcher:
    """A label and what it must be: exactly this text, or a regular expression that matches all of it."""

    name: str
    value: str
    is_pattern: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels are so. A label that isn't there is empty."""
        value = labels.get(self.name, "")
        if self.is_pattern:
            return re.fullmatch(self.value, value, re.DOTALL) is not None
        return value == self.value

    def __str__(self) -> str:
        return f"{self.name}{'=~' if self.is_pattern else '='}{json.dumps(self.value, ensure_ascii=False)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What is silenced, until when (seconds since 1970), by whom and why. One that was ended never holds again."""

    id: str
    matchers: tuple[Matcher, ...]
    made: float
    until: float
    who: str
    why: str
    ended: float | None = None
    ended_by: str = ""

    @property
    def is_overlong(self) -> bool:
        """Whether it holds so long that it may be forgotten."""
        return self.until - self.made > OVERLONG_S

    def holds(self, at: float) -> bool:
        """Whether it holds at a time."""
        return self.ended is None and self.made <= at < self.until

    def record(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {
            "id": self.id,
            "matchers": [[each.name, each.value, each.is_pattern] for each in self.matchers],
            **{name: getattr(self, name) for name in ("made", "until", "who", "why", "ended", "ended_by")},
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Silence:
        """From what `record` gave."""
        return cls(**{**record, "matchers": tuple(Matcher(*each) for each in record["matchers"])})


def parse(text: str) -> Matcher:
    """A matcher from `NAME=VALUE` or `NAME=~PATTERN`; a value with quotation marks around it is a JSON string.

    Raises ConfigurationError where it is no such thing.

    Examples
    --------
    >>> parse("app=shop (eu)").matches({"app": "shop (eu)"})
    True
    >>> parse('model=~"gpt-.*"').matches({"model": "my gpt-4"})
    False
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ConfigurationError(f"{text!r} is neither NAME=VALUE nor NAME=~PATTERN")
    name, operator, value = match[1], match[2], match[3].strip()
    if len(value) >= 2 and value[0] == value[-1] == '"':
        try:
            value = json.loads(value, strict=False)
        except ValueError:
            raise ConfigurationError(f"{text!r}: what is in quotation marks is no JSON string") from None
    elif '"' in value or value[:1] == "'" or value[-1:] == "'":
        raise ConfigurationError(f"{text!r}: a stray quotation mark; put the whole value in double ones")
    return Matcher(name, value, operator == "=~")


def make(
    matchers: Sequence[Matcher], *, at: float, until: float, who: str, why: str, everything: bool = False
) -> Silence:
    """A new silence.

    Raises ConfigurationError where it is invalid, or would silence all and `everything` doesn't say so.
    """
    if not until > at:
        raise ConfigurationError("a silence must end in the future")
    if not who.strip() or not why.strip():
        raise ConfigurationError("a silence needs who makes it and why")
    if len(matchers) > MOST_MATCHERS:
        raise ConfigurationError(f"a silence has at most {MOST_MATCHERS} matchers")
    for each in matchers:
        if len(each.value) > MOST_CHARACTERS:
            raise ConfigurationError(f"{each.name}: at most {MOST_CHARACTERS} characters")
        if each.is_pattern:
            try:
                re.compile(each.value, re.DOTALL)
            except re.error as error:
                raise ConfigurationError(f"{each.name}: not a regular expression: {error}") from None
    if not everything and all(each.matches({}) for each in matchers):
        raise ConfigurationError("this would silence every alert; say so where that is meant")
    return Silence(id=uuid4().hex[:12], matchers=tuple(matchers), made=at, until=until, who=who, why=why)


def covers(silence: Silence, labels: Mapping[str, str]) -> bool:
    """Whether a silence is about an alert with these labels, among which `rule` and `severity` are."""
    return all(each.matches(labels) for each in silence.matchers)


def holding(silences: Sequence[Silence], labels: Mapping[str, str], at: float) -> Silence | None:
    """The silence that keeps an alert with these labels quiet at a time: the one that holds longest."""
    found = [each for each in silences if each.holds(at) and covers(each, labels)]
    return max(found, key=lambda each: each.until, default=None)


def newer(before: Silence | None, after: Silence) -> Silence:
    """What holds of two records of one silence: an end stays, whoever writes an older record again."""
    if before is not None and before.ended is not None:
        return before
    return after


def end(silence: Silence, *, at: float, who: str) -> Silence:
    """The same silence, ended for good."""
    return silence if silence.ended is not None else replace(silence, ended=at, ended_by=who)
