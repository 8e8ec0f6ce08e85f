"""The engine's record of the inserts that it has, set right before it starts.

ClickHouse writes an insert's token there before it puts the rows in their place. Of a process that ends in between the
token is left alone, and the same insert, tried again, would be answered as one that is there already.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

ADDED, DROPPED = "1", "2"
_PART = re.compile(r"(?P<partition>[^_]+)_(?P<first>\d+)_(?P<last>\d+)_\d+(?:_\d+)?")
_FILE = re.compile(r"deduplication_log_(\d+)\.txt")


def forget_what_is_not_there(folder: Path) -> int:
    """Forgets the tokens of inserts whose rows no table has. Only while no engine has the folder open.

    Parameters
    ----------
    folder : Path
        chDB's.

    Returns
    -------
    int
        How many were forgotten.
    """
    return sum(_forget(logs) for logs in folder.glob("store/*/*/deduplication_logs"))


def _forget(logs: Path) -> int:
    files = sorted((int(match[1]), path) for path in logs.iterdir() if (match := _FILE.fullmatch(path.name)))
    parts: dict[str, str] = {}  # by token
    for _, path in files:
        written = path.read_text("utf-8")
        whole = written[: written.rfind("\n") + 1]
        if whole != written:  # the process ended amid a line, so that the insert wasn't answered
            path.write_text(whole, "utf-8")
        for line in whole.splitlines():
            operation, part, token = line.split("\t")
            if operation == ADDED:
                parts[token] = part
            else:
                parts.pop(token, None)
    there: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for match in filter(None, (_PART.fullmatch(path.name) for path in logs.parent.iterdir())):
        there[match["partition"]].append((int(match["first"]), int(match["last"])))
    lost = [
        (token, part)
        for token, part in parts.items()
        if (match := _PART.fullmatch(part))
        and not any(first <= int(match["first"]) <= last for first, last in there[match["partition"]])
    ]
    if lost:
        with files[-1][1].open("a", encoding="utf-8") as log:
            log.writelines(f"{DROPPED}\t{part}\t{token}\n" for token, part in lost)
    return len(lost)
