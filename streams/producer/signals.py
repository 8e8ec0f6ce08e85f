"""Tells what a signal raised in the app's main thread from what an object of the app raised."""

from __future__ import annotations

import signal
import threading
import traceback


def from_signal(error: BaseException) -> bool:
    """Whether an error in a call of ours is a signal's (Ctrl-C, a handler that exits), which the app has to see.

    Signals are handled in the main thread, between any two steps of whatever runs there. A handler that is written in
    Python has a place in the traceback; Python's own for Ctrl-C has none, so a KeyboardInterrupt that ends in a file of
    ours is its. One that comes while the app's own object is asked for its entries is taken for the object's: nothing
    tells them apart.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if isinstance(error, KeyboardInterrupt) and frames and frames[-1].f_globals["__name__"].startswith("watchline."):
        return True
    handlers = [getattr(signal.getsignal(number), "__code__", None) for number in signal.valid_signals()]
    return any(frame.f_code in handlers for frame in frames)
