"""Looks at an export that was written: whether it is whole, and which of its lines are somebody's."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from watchline.streams.export import manifest
from watchline.streams.export.dataset import INDEX, SKIPPED


def faults(folder: Path) -> list[str]:
    """What is wrong with an export: nothing where each file is as it was written, and the counts are its lines'.

    Raises OSError or ValueError where there is no manifest that can be read.
    """
    made = manifest.read(folder)
    found = [f"{name} is no part of it" for name in sorted(_names(folder) - {*made["files"], manifest.NAME})]
    for name, said in made["files"].items():
        path = folder / name
        if Path(name).name != name or not path.is_file() or path.is_symlink():
            found.append(f"{name} is missing")
        elif manifest.sha256(path) != said["sha256"]:
            found.append(f"{name} is another one: its SHA-256 is not the manifest's")
        elif _rows(path) != said["rows"]:
            found.append(f"{name} has {_rows(path)} rows, and the manifest says {said['rows']}")
    if found:
        return found
    placed = Counter(each["file"] for each in _lines(folder / INDEX))
    wanted = {name: said["rows"] for name, said in made["files"].items() if name not in (SKIPPED, INDEX)}
    if any(placed[name] != rows for name, rows in wanted.items()) or sum(wanted.values()) != made["rows"]:
        found.append(f"the files have {wanted}, {INDEX} has {dict(placed)}, and the manifest says {made['rows']}")
    if sum(made["skipped"].values()) != made["files"][SKIPPED]["rows"]:
        found.append(f"{SKIPPED} has other counts than the manifest")
    return found


def touched(folder: Path, is_meant: Callable[[Mapping[str, Any]], object]) -> Iterator[dict[str, Any]]:
    """The places of an export that are somebody's: `event_id`, `file` and `line`, from 1; of CSV and Parquet the row.

    Parameters
    ----------
    folder : Path
    is_meant : callable
        Is given the ids of an event as they are stored: `event_id`, `subject`, `app`, `tenant`, `conversation_id`.
    """
    for each in _lines(folder / INDEX):
        if is_meant(each):
            yield {name: each[name] for name in ("event_id", "file", "line")}


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _rows(path: Path) -> int:
    match path.suffix:
        case ".parquet":
            from pyarrow import parquet

            return int(parquet.read_metadata(path).num_rows)
        case ".csv":
            csv.field_size_limit(2**31 - 1)
            with path.open(encoding="utf-8", newline="") as file:
                return sum(1 for _ in csv.reader(file)) - 1
        case _:
            with path.open("rb") as file:
                return sum(1 for _ in file)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for each in file:
            yield json.loads(each)
