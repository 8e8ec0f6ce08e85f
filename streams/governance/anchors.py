"""Anchors: heads of the chain, signed, a line each in a file that lies outside store and topics.

A file that grows by a line is what git, object locks and log shippers take as it is.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.governance import verifier
from watchline.streams.governance.keys import Key


def anchor(log: str, position: int, head: str, key: Key) -> dict[str, Any]:
    """The anchor of a head.

    >>> made = anchor("00" * 32, 3, "11" * 32, key := Key.new())
    >>> made["position"], made["key"] == key.id
    (3, True)
    """
    made = {"hash": head, "log": log, "position": position, "time": time.time_ns() // 1000}
    return {**made, "key": key.id, "signature": key.sign(verifier.anchor_bytes(made)).hex()}


def append(path: Path, made: dict[str, Any]) -> None:
    """Adds an anchor to the file, and returns once the disk has it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("ab") as file:
        file.write(verifier.canonical(made) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The anchors of a file, oldest first; none where there is none. Raises ConfigurationError where it is damaged."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigurationError(f"cannot read the anchors {path}: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        try:
            found = json.loads(line)
            yield {name: found[name] for name in (*verifier.ANCHORED, "key", "signature")}
        except (ValueError, KeyError, TypeError):
            if number == len(lines) and not line.endswith(b"\n"):
                return  # it was being written when the machine went down
            raise ConfigurationError(f"line {number} of {path} is no anchor") from None
