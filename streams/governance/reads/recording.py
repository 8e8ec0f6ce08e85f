"""Records what processes have written down, beside the keeping of the trail."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from watchline.streams.governance.acts import ACTS
from watchline.streams.governance.keys import Key
from watchline.streams.governance.log import Log
from watchline.streams.governance.reads.acts import READ
from watchline.streams.governance.reads.sender import Sender

if TYPE_CHECKING:
    from watchline.streams.governance.fold import Fold, State

log = logging.getLogger(__name__)

EVERY_S = 10.0


class Recording:
    """One that looks each few seconds whether something is to be recorded.

    Parameters
    ----------
    folder : Path
    of : Log
    log_id : str
    key : Key
        The keeper's.
    """

    def __init__(self, folder: Path, of: Log, log_id: str, key: Key) -> None:
        self._sender, self._key = Sender(folder, of, log_id, key), key
        self._next, self._said = 0.0, False

    def look(self, fold: Fold) -> int:
        """Records what is there, where it is time; `fold` has the whole log. Returns how many acts.

        Raises TransientError where Kafka is away.
        """
        if time.monotonic() < self._next:
            return 0
        self._next = time.monotonic() + EVERY_S
        if not self._sender.is_ours() or not self._sender.waits():
            return 0
        holder = holder_of(fold.state, self._key)
        if holder is None:
            if not self._said:
                log.warning(
                    "who reads what is written down and not recorded: the keeper's key may not, or is not known"
                )
            self._said = True
            return 0
        return self._sender.send(holder, lambda ids: {each for each in ids if fold.knows(each)})

    def close(self) -> None:
        """Ends it."""
        self._sender.close()


def holder_of(state: State, key: Key) -> str | None:
    """For whom a key is registered that may record reads now; None where it may not."""
    found = state.keys.get(key.id)
    if found is None or found.until is not None or not found.roles & {*ACTS[READ].by}:
        return None
    return found.holder
