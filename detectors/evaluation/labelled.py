"""A labelled set: one JSON object a line, gzipped or not, that anyone can make from labels of their own."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.schemas.records import Document, Interaction, Message


@dataclass(frozen=True, slots=True)
class LabelledAnswer:
    """One answer and what is known of it.

    Attributes
    ----------
    id : str
        Default: the number of the line.
    group : str
        Rows of one group (a source, a post, a template) are not independent: intervals draw groups. Default: the id.
    slices : mapping of str to str
        Parts that get figures of their own, such as {"task": "qa", "generator": "small-llm"}.
    label : bool or None
        Whether any label holds; None where that isn't known.
    labels : mapping of str to bool
        By the detector's label; one that is left out is not known.
    spans : tuple of (start, end, label), or None
        Code points into `output`; None where no one has marked any.
    """

    id: str
    group: str
    input: str
    documents: tuple[str, ...]
    output: str
    label: bool | None
    labels: Mapping[str, bool] = field(default_factory=dict)
    slices: Mapping[str, str] = field(default_factory=dict)
    spans: tuple[tuple[int, int, str], ...] | None = None

    def holds(self, label: str | None) -> bool | None:
        """Whether a label holds, or any (None), as far as it is known: where none holds, this one doesn't."""
        return self.label if label is None else self.labels.get(label, False if self.label is False else None)

    def interaction(self, documents: Sequence[str] | None = None) -> Interaction:
        """As an app would send it, with other documents where they are given."""
        return Interaction(
            event_id=self.id,
            time=0,
            app="evaluation",
            input_messages=(Message("user", self.input),) if self.input else (),
            output_messages=(Message("assistant", self.output),),
            documents=tuple(map(Document, self.documents if documents is None else documents)),
        )


def read(path: Path, labels: Sequence[str]) -> list[LabelledAnswer]:
    """The rows of a file.

    Parameters
    ----------
    path
        One JSON object a line, gzipped or not; blank lines are passed over.
    labels
        Those of the detector.

    Raises
    ------
    ConfigurationError
        Naming the line: it isn't in the format, its id comes again, or it has a label that the detector hasn't. Or the
        file has no rows.
    """
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    rows: list[LabelledAnswer] = []
    seen: set[str] = set()
    with gzip.open(path, "rb") if zipped else path.open("rb") as file:
        try:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    row = _row(json.loads(line), str(number), labels)
                    if row.id in seen:
                        raise ValueError(f"the id {row.id!r} stands in an earlier line")
                except (ValueError, TypeError, RecursionError) as error:
                    raise ConfigurationError(f"{path}, line {number}: {error}") from None
                seen.add(row.id)
                rows.append(row)
        except (EOFError, gzip.BadGzipFile) as error:
            raise ConfigurationError(f"{path}: broken off or damaged after line {len(rows)}: {error}") from None
    if not rows:
        raise ConfigurationError(f"{path}: no rows")
    return rows


def _row(item: Any, number: str, known: Sequence[str]) -> LabelledAnswer:
    if not isinstance(item, dict):
        raise TypeError("not a JSON object")
    id_ = str(item.get("id", number))
    output = _text(item, "output", required=True)
    label, labels = _labels(item.get("label"), known)
    return LabelledAnswer(
        id=id_,
        group=str(item.get("group", id_)),
        input=_text(item, "input"),
        documents=_documents(item.get("documents") or []),
        output=output,
        label=label,
        labels=labels,
        slices=_slices(item.get("slices") or {}),
        spans=None if item.get("spans") is None else _spans(item["spans"], len(output)),
    )


def _text(item: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    value = item.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{name}: {'missing' if value is None else 'not a text'}")
    return value


def _documents(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise TypeError("documents: not a list of texts")
    return tuple(value)


def _slices(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(part, str | int | float) for part in value.values()):
        raise TypeError("slices: not an object of names and values")
    return {name: str(part) for name, part in value.items()}


def _labels(value: Any, known: Sequence[str]) -> tuple[bool | None, dict[str, bool]]:
    if value in (0, 1) and not isinstance(value, float):
        return bool(value), {}
    if not isinstance(value, dict) or not value:
        raise TypeError("label: neither 0 nor 1 nor an object of label and 0 or 1")
    for name, holds in value.items():
        if name not in known:
            raise ValueError(f"label: the detector has no {name!r}; it has {', '.join(known)}")
        if holds not in (0, 1) or isinstance(holds, float):
            raise ValueError(f"label: {name} is neither 0 nor 1")
    labels = {name: bool(holds) for name, holds in value.items()}
    # Where nothing holds of what is known, something unknown may.
    return True if any(labels.values()) else False if len(labels) == len(known) else None, labels


def _spans(value: Any, length: int) -> tuple[tuple[int, int, str], ...]:
    if not isinstance(value, list):
        raise TypeError("spans: not a list")
    spans = []
    for span in value:
        if not isinstance(span, list) or not 2 <= len(span) <= 3 or any(type(place) is not int for place in span[:2]):
            raise TypeError("spans: one is not [start, end, label]")
        start, end = span[:2]
        if not 0 <= start < end <= length:
            raise ValueError(f"spans: [{start}, {end}] is no part of an output of {length} characters")
        spans.append((start, end, str(span[2]) if len(span) > 2 else ""))
    return tuple(spans)
