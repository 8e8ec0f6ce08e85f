"""A child for the tests: `python -m tests.streams.waiting_child wait|refuse|refuse_once|end|hang|tell|garble FILE`.

It notes in the file that it started.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from watchline.streams import child


def main(do: str, file: str) -> int:
    """Does as it is told."""
    child.end_with_parent()
    signal.signal(signal.SIGUSR1, lambda number, frame: os._exit(7))
    with Path(file).open("a") as starts:
        starts.write("started\n")
    if do == "refuse" or (do == "refuse_once" and len(Path(file).read_text().split()) == 1):
        return child.refuse("no room:\nin here")
    if do == "end":
        return 5
    stopped = threading.Event()
    child.when_stopped(stopped.set)
    if do != "hang":
        parent = child.ready()
    if do == "tell":
        sys.stdout.write("to the log\n")
        parent.write("one\ntwo\nand a half")
        parent.flush()
    if do == "garble":
        parent.buffer.write(b"\xff\ntwo\n")  # type: ignore[attr-defined]
        parent.flush()
    stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
