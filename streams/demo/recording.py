"""The recording that the demo replays: what the app was asked and answered, and what people know of it.

How it was made: `README.md` beside this file. Reading it needs fastavro only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastavro

from watchline.schemas.codec import from_plain, schema
from watchline.schemas.records import Feedback, Interaction

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Planted:
    """Made-up personal data that stands in an event: in its `input`, or in a `comment` of its feedback."""

    event_id: str
    field: str
    entity_type: str
    text: str


@dataclass(frozen=True, slots=True)
class Recording:
    """`labels`: event id to whether a person found in the answer what its documents don't support."""

    interactions: tuple[Interaction, ...]
    feedback: tuple[Feedback, ...]
    labels: Mapping[str, bool]
    planted: tuple[Planted, ...]


def load(folder: Path = HERE) -> Recording:
    """The recording in a folder, the committed one unless told otherwise; oldest first."""
    labels = [json.loads(line) for line in (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    planted = json.loads((folder / "planted.json").read_text(encoding="utf-8"))
    return Recording(
        interactions=tuple(from_plain(Interaction, plain) for plain in _read(folder / "recording.avro", "Interaction")),
        feedback=tuple(from_plain(Feedback, plain) for plain in _read(folder / "feedback.avro", "Feedback")),
        labels={label["event_id"]: bool(label["unsupported"]) for label in labels},
        planted=tuple(Planted(**item) for item in planted),
    )


def _read(path: Path, name: str) -> list[Any]:
    with path.open("rb") as file:
        return list(fastavro.reader(file, schema(name)))
