"""Ends a process whose event loop hangs, so that it is started again.

Without memory a thread may fail before it has begun, and who starts it waits for that for ever (CPython issue 140746):
then no heartbeat, no page and no error says so.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import threading

from watchline.streams.child import needed_thread

BEAT_S = 1.0
LONGEST_HANG_S = 60.0


async def watch() -> None:
    """Beats until it is cancelled. A thread ends the process with code 1 where `LONGEST_HANG_S` pass without a beat.

    By the thread's own looks and not by a clock: a process that was stopped, or a machine that slept, is no hang.
    """
    beaten, over = threading.Event(), threading.Event()

    def look() -> None:
        hanging_s = 0.0
        while not over.wait(BEAT_S):
            hanging_s = 0.0 if beaten.is_set() else hanging_s + BEAT_S
            beaten.clear()
            if hanging_s >= LONGEST_HANG_S:
                os.write(2, b"the event loop hangs, the process ends:\n")
                faulthandler.dump_traceback()  # takes no memory
                os._exit(1)

    needed_thread(look, "watches the event loop")
    try:
        while True:
            beaten.set()
            await asyncio.sleep(BEAT_S)
    finally:
        over.set()
