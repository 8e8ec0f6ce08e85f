"""When files without times were first sent: one that is sent again, touched, copied or grown, has that time again.

An event is told from another by its id and its day: a time that moved with the file's would make it a second event.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

MOST = 1_000  # files; the one that was sent first is forgotten


def first_time(file: IO[bytes], modified: float) -> float:
    """The time of a file's events that have none: that of the first sending from this data folder.

    Parameters
    ----------
    file
        Which begins with what was sent before, or is sent for the first time. Who reads it goes on where they were.
    modified : float
        The file's own time, in seconds since 1970.

    Examples
    --------
    >>> import io, tempfile
    >>> os.environ["WATCHLINE_DATA_DIR"] = tempfile.mkdtemp()
    >>> first_time(io.BytesIO(b"one"), 1700000000.0), first_time(io.BytesIO(b"one and two"), 1800000000.0)
    (1700000000.0, 1700000000.0)
    """
    path = Path(os.environ.get("WATCHLINE_DATA_DIR") or ".watchline") / "first-times.json"
    sent: dict[str, tuple[int, float]] = {}  # by the digest of so many bytes
    with suppress(OSError, ValueError):
        sent = json.loads(path.read_text(encoding="utf-8"))
    place = file.tell()
    length = _length(file)
    lengths = sorted({size for size, _ in sent.values() if size <= length} | {length})
    seen, digest = hashlib.blake2b(digest_size=16), ""
    for size in lengths:
        while (left := size - file.tell()) > 0:
            seen.update(file.read(min(left, 1 << 20)))
        digest = seen.hexdigest()
        if sent.get(digest, (0, 0))[0] == size:
            break
    file.seek(place)
    if digest in sent:
        return sent[digest][1]
    while len(sent) >= MOST:
        del sent[next(iter(sent))]
    with suppress(OSError):  # a folder that can't be written: the file's own time has to do
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps({**sent, digest: (length, modified)}), encoding="utf-8")
        new.replace(path)
    return modified


def _length(file: IO[bytes]) -> int:
    """Without what ends an array or a line, which isn't there any more once the file has grown."""
    end = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, end - 64))
    length = start + len(file.read().rstrip(b"] \r\n\t"))
    file.seek(0)
    return length
