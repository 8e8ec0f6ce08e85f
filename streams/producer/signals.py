"""Tells what a signal raised in the app's main thread from what an object of the app raised."""

from __future__ import annotations

import signal
import sys
import threading
import traceback


def from_signal(error: BaseException) -> bool:
    """Whether an error in a call of ours is a signal's (Ctrl-C, a handler that exits), which the app has to see.

    Signals are handled in the main thread, between any two steps of whatever runs there. A handler that is written in
    Python has a place in the traceback. Python's own for Ctrl-C has none: a KeyboardInterrupt that ends in our code or
    in the standard library's is its, and one that ends in the app's is taken for what an object of the app's raised.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if isinstance(error, KeyboardInterrupt) and frames:
        module = str(frames[-1].f_globals.get("__name__")).partition(".")[0]
        if module == "watchline" or module in sys.stdlib_module_names - {"__main__"}:
            return True
    handlers = [getattr(signal.getsignal(number), "__code__", None) for number in signal.valid_signals()]
    return any(frame.f_code in handlers for frame in frames)
