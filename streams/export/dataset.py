"""Writes an export: a folder that comes under its name whole, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from watchline import __version__
from watchline.schemas.columns import Column
from watchline.schemas.errors import ConfigurationError
from watchline.schemas.views import views
from watchline.streams.export import chat, manifest
from watchline.streams.export.chat import SkippedError
from watchline.streams.export.consent import Consent
from watchline.streams.export.files import Csv, File, Lines, Parquet, line
from watchline.streams.export.selection import Page, Selection, pages
from watchline.streams.export.split import UNDIVIDED, Split
from watchline.streams.query.run import Queries

Row = Mapping[str, Any]
Format = Literal["chat", "openai", "parquet", "jsonl", "csv"]
FORMATS: Mapping[Format, str] = {
    "chat": "messages for fine-tuning, as TRL, Axolotl and OpenAI take them",
    "openai": "the same, and names of tools only as OpenAI takes them",
    "parquet": "every column of v_interactions",
    "jsonl": "likewise, a JSON object a line",
    "csv": "likewise, for spreadsheets",
}
SKIPPED, INDEX = "skipped.jsonl", "events.jsonl"
_CHAT = (Column("messages", "role, content, tool_calls, tool_call_id"),)
_TEXTS = (
    *("system_instructions", "input_messages", "output_messages", "input_parts", "output_parts"),
    *("tool_calls", "documents"),
)
_WHOSE = ("event_id", "app", "tenant", "subject", "conversation_id")
_ABOUT = (*_WHOSE, "time", "trace_id", "attributes", "redactions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be exported.

    Parameters
    ----------
    selection : Selection
    format : str
        One of `FORMATS`.
    consent : Consent
    split : Split
    min_rating : int, optional
        The lowest that users may have given; then events that nobody has rated are left out.
    without_flags : sequence of str
        Detectors that must have looked, and not flagged it.
    """

    selection: Selection
    format: Format
    consent: Consent
    split: Split = UNDIVIDED
    min_rating: int | None = None
    without_flags: Sequence[str] = ()

    @property
    def columns(self) -> Sequence[Column]:
        """Of the files."""
        return _CHAT if self.is_chat else views()["v_interactions"].columns

    @property
    def is_chat(self) -> bool:
        """Whether it is of messages."""
        return self.format in ("chat", "openai")

    @property
    def as_json(self) -> dict[str, Any]:
        """As a manifest has it."""
        return {
            "format": self.format,
            "filters": {
                **self.selection.as_json,
                **({} if self.min_rating is None else {"min_rating": self.min_rating}),
                **({"without_flags": [*self.without_flags]} if self.without_flags else {}),
            },
            "consent": self.consent.as_json,
            "split": {
                "by": "conversation, else trace, else event: HMAC-SHA256 under the seed",
                "shares": {name: str(share) for name, share in self.split.shares.items()},
                "seed": self.split.seed,
            },
        }


def write(
    queries: Queries, folder: Path, wanted: Wanted, zone: str, record: Callable[[Mapping[str, Any], str], None]
) -> dict[str, Any]:
    """Writes an export, and returns its manifest.

    Parameters
    ----------
    queries : Queries
    folder : Path
        A new one.
    wanted : Wanted
    zone : str
        IANA name of the zone whose days retention counts.
    record : callable
        Is given the manifest and the SHA-256 of its file before anything stands under the name. What it raises ends it.

    Raises
    ------
    ConfigurationError
        There is such a folder.
    """
    if folder.exists() or folder.is_symlink():
        raise ConfigurationError(f"there is {folder} already: an export is a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        tally = manifest.Tally(wanted.columns, manifest.in_force(queries), zone)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as beside:
            files = _write_files(queries, temporary, wanted, tally, Path(beside) / "seen")
        named = {
            file.path.name: {
                "rows": file.rows,
                "bytes": file.path.stat().st_size,
                "sha256": manifest.sha256(file.path),
            }
            for file in files
        }
        made = {"watchline": __version__, **wanted.as_json, **tally.as_json, "files": named}
        path = temporary / manifest.NAME
        path.write_text(json.dumps(made, indent=1) + "\n", "utf-8")
        for each in [*temporary.iterdir(), temporary]:
            _sync(each)
        record(made, manifest.sha256(path))
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync(folder.parent)
    return made


def _write_files(
    queries: Queries, folder: Path, wanted: Wanted, tally: manifest.Tally, seen_file: Path
) -> Sequence[File]:
    more = chat.COLUMNS if wanted.is_chat else [column.name for column in wanted.columns]
    columns = [*dict.fromkeys([*_ABOUT, *_TEXTS, *more])]
    parts = {name: _file(folder, name, wanted) for name in wanted.split.shares}
    skipped, index = Lines(folder / SKIPPED), Lines(folder / INDEX)
    files = [*parts.values(), skipped, index]
    try:
        with closing(_Seen(seen_file)) as seen:
            for page in pages(queries, wanted.selection, columns, ratings=wanted.min_rating is not None):
                for row in page.rows:
                    identity = row["event_id"]
                    try:
                        written, changed = _taken(row, page, wanted, seen)
                    except SkippedError as reason:
                        tally.skipped[str(reason).partition(": event ")[0]] += 1
                        skipped.add({"event_id": identity, "reason": str(reason)})
                        continue
                    file = parts[wanted.split.of(row)]
                    place = {"file": file.path.name, "line": file.add(written)}
                    index.add({**{name: row[name] for name in _WHOSE}, **place})
                    tally.add(written, row, page.findings.get(identity, ()), changed)
    finally:
        for each in files:
            each.close()
    return files


def _file(folder: Path, name: str, wanted: Wanted) -> File:
    match wanted.format:
        case "parquet":
            return Parquet(folder / f"{name}.parquet", wanted.columns)
        case "csv":
            return Csv(folder / f"{name}.csv", wanted.columns)
        case _:
            return Lines(folder / f"{name}.jsonl")


def _taken(row: Row, page: Page, wanted: Wanted, seen: _Seen) -> tuple[Row, set[str]]:
    """A row as it is written, and what was changed. Raises SkippedError."""
    if refusal := wanted.consent.refusal(row):
        raise SkippedError(refusal)
    found = {finding["detector"]: finding for finding in page.findings.get(row["event_id"], ())}
    for detector in wanted.without_flags:
        finding = found.get(detector)
        if finding is None or finding["decision"] not in ("evaluated", "not_applicable"):
            raise SkippedError(f"{detector} has not looked at it")
        if finding["flagged"]:
            raise SkippedError(f"flagged by {detector}")
    if wanted.min_rating is not None:
        rating = page.ratings.get(row["event_id"])
        if rating is None or rating < wanted.min_rating:
            raise SkippedError("nobody has rated it" if rating is None else f"rated below {wanted.min_rating}")
    if not any(manifest.is_filled(row[name]) for name in _TEXTS):
        raise SkippedError("no text: retention has taken it, or there was none")
    written: Row
    if wanted.is_chat:
        messages, changed = chat.messages(row, openai=wanted.format == "openai")
        written = content = {"messages": messages}
    else:
        written, changed = {column.name: row[column.name] for column in wanted.columns}, set()
        content = {name: row[name] for name in _TEXTS}
    if first := seen.before(hashlib.sha256(line(content)).digest(), row["event_id"]):
        raise SkippedError(f"the same content came before: event {first}")
    return written, changed


class _Seen:
    """Contents that came before, on the disk: of ten million they would take a gigabyte of memory."""

    def __init__(self, path: Path) -> None:
        self._rows = sqlite3.connect(path, isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            "CREATE TABLE seen (hash BLOB PRIMARY KEY, event_id TEXT) WITHOUT ROWID",
            "BEGIN",
        ):
            self._rows.execute(statement)

    def before(self, content: bytes, event_id: str) -> str:
        """The event that had this content first; empty: this one."""
        if self._rows.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (content, event_id)).rowcount:
            return ""
        (first,) = self._rows.execute("SELECT event_id FROM seen WHERE hash = ?", (content,)).fetchone()
        return str(first)

    def close(self) -> None:
        """Ends it."""
        self._rows.close()


def _sync(path: Path) -> None:
    """What was written stands on the disk: a name may not outlive its content when the machine goes down."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
