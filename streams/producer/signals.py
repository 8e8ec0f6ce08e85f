"""Tells what a signal raised in the app's main thread from what an object of the app raised."""

from __future__ import annotations

import opcode
import signal
import threading
import traceback

_RAISE = opcode.opmap["RAISE_VARARGS"]


def from_signal(error: BaseException) -> bool:
    """Whether an error in a call of ours is a signal's (Ctrl-C, a handler that exits), which the app has to see.

    Signals are handled in the main thread, between any two steps of whatever runs there. A handler that is written in
    Python has a place in the traceback. Python's own for Ctrl-C has none: a KeyboardInterrupt is its, in whosever code
    it ends, unless that stands at a `raise`.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if isinstance(error, KeyboardInterrupt) and last is not None:
        code = last.tb_frame.f_code.co_code
        if last.tb_lasti < 0 or code[last.tb_lasti] != _RAISE:
            return True
    handlers = [getattr(signal.getsignal(number), "__code__", None) for number in signal.valid_signals()]
    return any(frame.f_code in handlers for frame, _ in traceback.walk_tb(error.__traceback__))
