"""What an export says of itself: what is in it by which rule, and until when it may be kept."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from watchline.schemas.columns import Column
from watchline.streams.governance.retention import Retention
from watchline.streams.query.run import Queries

Row = Mapping[str, Any]
NAME = "manifest.json"


@dataclass(slots=True)
class Tally:
    """Counts what is exported.

    Parameters
    ----------
    columns : sequence of Column
        Of the files.
    retention : Retention
        As it is in force.
    zone : str
        IANA name of the zone whose days are counted.
    """

    columns: Sequence[Column]
    retention: Retention
    zone: str
    rows: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    _filled: Counter[str] = field(default_factory=Counter)
    _redacted: Counter[str] = field(default_factory=Counter)
    _detectors: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    _ends: set[date] = field(default_factory=set)

    def add(self, written: Row, event: Row, findings: Iterable[Row], changed: Iterable[str]) -> None:
        """One more: the row as it was written, the event as it is stored, and what was found in it."""
        self.rows += 1
        self.changed.update(changed)
        self._filled.update(each.name for each in self.columns if is_filled(written[each.name]))
        self._redacted.update(event["redactions"])
        names = ("detector", "detector_version", "threshold", "alert_threshold")
        self._detectors.update(tuple(finding[name] for name in names) for finding in findings)
        day = datetime.fromisoformat(event["time"]).astimezone(ZoneInfo(self.zone)).date()
        self._ends.add(day + timedelta(self.retention.days_of("text", event["app"]) + 1))

    @property
    def until(self) -> date | None:
        """The day by which every copy is to be deleted: then the store has none of its texts any more."""
        return max(self._ends, default=None)

    @property
    def as_json(self) -> dict[str, Any]:
        """As a manifest has it."""
        detectors = sorted(self._detectors.items(), key=str)
        names = ("detector", "version", "threshold", "alert_threshold")
        return {
            "rows": self.rows,
            "skipped": dict(sorted(self.skipped.items())),
            "changed": dict(sorted(self.changed.items())),
            "columns": {
                each.name: {"type": each.type, "filled": self._filled[each.name] / self.rows if self.rows else 0.0}
                for each in self.columns
            },
            "detectors": [{**dict(zip(names, key, strict=True)), "rows": rows} for key, rows in detectors],
            "redaction": {
                "texts": "as they are stored: personal data was replaced before",
                "replaced": dict(sorted(self._redacted.items())),
            },
            "retention": {
                "texts_end_from": str(min(self._ends)) if self._ends else None,
                "delete_every_copy_by": str(self.until) if self._ends else None,
                "zone": self.zone,
            },
        }


def in_force(queries: Queries) -> Retention:
    """For how long texts are kept: what `watchline retention apply` has put in force, else the defaults."""
    rows = queries.query("SELECT app, days FROM v_retention WHERE class = 'text'").by_column
    return Retention({f"text/app:{row['app']}" if row["app"] else "text": int(row["days"]) for row in rows})


def is_filled(value: Any) -> bool:
    """Whether a value says something: it isn't NULL, an empty text or an empty list.

    >>> is_filled(0), is_filled(""), is_filled([])
    (True, False, False)
    """
    return value is not None and value != "" and value != [] and value != {}


def read(folder: Path) -> dict[str, Any]:
    """The manifest of an export. Raises OSError or ValueError where there is none that can be read."""
    found = json.loads((folder / NAME).read_text("utf-8"))
    if not isinstance(found, dict) or not isinstance(found.get("files"), dict):
        raise ValueError(f"{folder / NAME} is no manifest of an export")
    return found


def sha256(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
