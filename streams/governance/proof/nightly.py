"""Proves yesterday once a day, and records what it came to, signed by the keeper's key."""

from __future__ import annotations

import logging
from contextlib import closing
from datetime import UTC, datetime, timedelta
from threading import Thread

from watchline.schemas.errors import WatchlineError
from watchline.streams.governance import signed
from watchline.streams.governance.acts import ACTS
from watchline.streams.governance.fold import State
from watchline.streams.governance.keys import Key
from watchline.streams.governance.log import Log
from watchline.streams.governance.proof.acts import PROVED
from watchline.streams.governance.proof.interval import DAY, HOUR, Interval
from watchline.streams.governance.proof.prove import prove
from watchline.streams.query.reader import reader
from watchline.streams.query.run import Queries
from watchline.streams.settings import Settings

log = logging.getLogger(__name__)

AFTER_MIDNIGHT = HOUR  # UTC: what comes late is there by then
AGAIN = timedelta(hours=1)  # after one that failed


class Nightly:
    """One that proves each day that is over. In a thread of its own: the trail is kept meanwhile.

    Parameters
    ----------
    settings : Settings
    log_id : str
        Of the log that it signs for.
    key : Key, optional
        The keeper's; without one nothing is proven, which the log says once.
    """

    def __init__(self, settings: Settings, log_id: str, key: Key | None) -> None:
        self._settings, self._log_id, self._key = settings, log_id, key
        self._next = datetime.min.replace(tzinfo=UTC)
        self._said = ""
        self._thread: Thread | None = None

    def look(self, state: State, now: datetime | None = None) -> bool:
        """Begins where it is time, and the log has no proof of yesterday. Returns whether it did.

        Parameters
        ----------
        state : State
            What is in force, by the whole log as it is now.
        """
        now = now or datetime.now(UTC)
        if now < self._next or (self._thread is not None and self._thread.is_alive()):
            return False
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if now < midnight + AFTER_MIDNIGHT:
            return False
        self._next = now + AGAIN
        interval = Interval(midnight - DAY, midnight)
        if str(interval) in state.proved:
            self._next = midnight + DAY + AFTER_MIDNIGHT
            return False
        if why := self._why_not(state):
            if why != self._said:
                log.warning("nobody proves each night that nothing was lost: %s", why)
            self._said = why
            return False
        self._thread = Thread(target=self._run, args=(interval, self._holder(state)), name="nightly-proof", daemon=True)
        self._thread.start()
        return True

    def wait(self, timeout_s: float) -> None:
        """Until the one that runs has ended, or for so long."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _why_not(self, state: State) -> str:
        if self._key is None:
            return "there is no key of the keeper's (WATCHLINE_GOVERNANCE_KEEPER_KEY)"
        holder = state.keys.get(self._key.id)
        if holder is None or holder.until is not None:
            return f"the keeper's key {self._key.id} is not registered"
        if not holder.roles & {*ACTS[PROVED].by}:
            return f"the keeper's key {self._key.id} is of none who is {' or '.join(ACTS[PROVED].by)}"
        return ""

    def _holder(self, state: State) -> str:
        assert self._key is not None
        return state.keys[self._key.id].holder

    def _run(self, interval: Interval, actor: str) -> None:
        try:
            with closing(reader(self._settings)) as client:
                queries = Queries(client, self._settings.clickhouse_database)
                report = prove(queries, interval, canary_interval_s=self._settings.canary_interval_s)
            if report.is_empty:
                log.info("nothing to prove of %s", interval)
                return
            if not report.is_proven:
                log.error("%d without a reason in %s; the first: %s", report.unexplained, interval, report.named[0])
            assert self._key is not None
            act, texts = signed.make(PROVED, report.target, actor, details=report.details)
            Log(self._settings).append(signed.sign(act, self._key, self._log_id), texts)
        except (WatchlineError, OSError) as error:
            log.warning("%s could not be proven: %s; trying again in an hour", interval, error)
