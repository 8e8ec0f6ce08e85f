"""Severe findings, which somebody is told of within seconds: ids and names, no text of the event.

A message of the topic `alerts` is one of them as JSON. It has the same id however often its event is read.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from watchline.schemas.errors import Kind, PoisonError

MOST_CHARACTERS = 200  # of a name: apps choose them
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Severe:
    """A label of an event that is at or above its alert threshold, with severity high.

    Parameters
    ----------
    event_id, app, environment, prompt_name, prompt_version, model
        Of the event; names are cut at `MOST_CHARACTERS`.
    detector, detector_version, label : str
    score : float
        Calibrated probability of the label.
    severity : str
    time : str
        Of the event: ISO 8601, in UTC.

    Examples
    --------
    >>> severe = Severe(event_id="0190", app="shop", environment="production", detector="toxicity",
    ...     detector_version="a1", label="threat", score=0.97, time=utc(1_700_000_000_000_000))
    >>> severe.time, severe.id == Severe.of(severe.encoded).id
    ('2023-11-14T22:13:20.000000Z', True)
    """

    event_id: str
    app: str
    environment: str
    detector: str
    detector_version: str
    label: str
    score: float
    time: str
    severity: str = "high"
    prompt_name: str | None = None
    prompt_version: str | None = None
    model: str | None = None

    @property
    def id(self) -> str:
        """Of event, detector and label: 32 hexadecimal digits."""
        return digest(self.event_id, self.detector, self.label)

    @property
    def fields(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"id": self.id, **asdict(self)}

    @property
    def encoded(self) -> bytes:
        """The message."""
        return json.dumps(self.fields, separators=(",", ":")).encode()

    @classmethod
    def of(cls, message: bytes) -> Severe:
        """The finding that a message has. Raises PoisonError where it is none; unknown fields are left out."""
        try:
            fields = json.loads(message)
            severe = cls(**{name: fields[name] for name in cls.__dataclass_fields__ if name in fields})
        except (ValueError, TypeError, RecursionError):
            raise PoisonError(Kind.UNDECODABLE, "no severe finding") from None
        if not all(value is None or isinstance(value, str | float | int) for value in asdict(severe).values()):
            raise PoisonError(Kind.UNDECODABLE, "no severe finding")
        return severe


def digest(*parts: str) -> str:
    """A hash of texts, in their order."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def utc(time_us: int) -> str:
    """Microseconds since 1970 as ISO 8601."""
    return datetime.fromtimestamp(time_us / 1e6, UTC).strftime(_TIME)


def short(name: str | None) -> str | None:
    """A name, cut where it is long."""
    return name if name is None or len(name) <= MOST_CHARACTERS else name[: MOST_CHARACTERS - 1] + "…"
