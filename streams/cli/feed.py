"""What `watchline up` prints of events as they are stored: a line for each, or a count, and a summary a minute."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from watchline.schemas.errors import TransientError, WatchlineError
from watchline.streams.cli.events import clock, line
from watchline.streams.cli.output import colour, safe
from watchline.streams.query.arrivals import Arrival, Arrivals
from watchline.streams.query.reader import reader
from watchline.streams.query.run import Queries
from watchline.streams.settings import Settings

LOOK_S = 1.0
MOST_LINES = 5  # of one look; of more events a count
SUMMARY_S = 60.0
JOIN_S = 10.0


class Feed:
    """Prints in a thread of its own while it is entered, and once more as it is left. Never opens a store itself.

    lag : what Kafka holds that isn't acknowledged, in messages; may raise WatchlineError
    say : prints a line
    """

    def __init__(self, settings: Settings, lag: Callable[[], int | None], say: Callable[[str], None]) -> None:
        self._settings = settings
        self._lag = lag
        self._say = say
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._minute: Counter[str] = Counter()
        self._dead = 0
        self._last_said = ""

    def __enter__(self) -> Feed:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._thread.join(JOIN_S)

    def _run(self) -> None:
        due = time.monotonic() + SUMMARY_S
        arrivals: Arrivals | None = None
        leaving = False
        with contextlib.ExitStack() as stack:
            while not leaving:
                leaving = self._left.wait(LOOK_S)
                try:
                    if arrivals is None:
                        arrivals = self._begin(stack)
                    self._print(arrivals.look())
                    if leaving or time.monotonic() >= due:
                        due = time.monotonic() + SUMMARY_S
                        self._summarise(arrivals.queries)
                except TransientError:
                    pass  # the worker, and with it the store, is being started again, which `up` says
                except WatchlineError as problem:
                    self._say_once(colour(f"what was stored can't be shown: {safe(str(problem))}", "yellow"))

    def _begin(self, stack: contextlib.ExitStack) -> Arrivals:
        client = stack.enter_context(contextlib.closing(reader(self._settings)))
        queries = Queries(client, self._settings.clickhouse_database)
        self._dead = _dead_letters(queries)
        return Arrivals(queries)

    def _print(self, new: Sequence[Arrival]) -> None:
        self._minute.update(events=len(new), flagged=sum(bool(arrival.flags) for arrival in new))
        for text in map(line, new) if len(new) <= MOST_LINES else [count(new)]:
            self._say(text)

    def _summarise(self, queries: Queries) -> None:
        dead = _dead_letters(queries)
        try:
            lag = self._lag()
        except WatchlineError:
            lag = None
        text = (
            f"in the last minute: {self._minute['events']:,} events, {self._minute['flagged']:,} flagged, "
            f"{dead - self._dead:,} dead letters; lag {'unknown' if lag is None else f'{lag:,} messages'}"
        )
        if dead > self._dead:
            text += "; `watchline dead-letters list` says why"
        self._minute, self._dead = Counter(), dead
        self._say_once(colour(text, "dim"))

    def _say_once(self, text: str) -> None:
        """Not again what was said last: nobody needs a line a minute that nothing came."""
        if text != self._last_said:
            self._say(text)
        self._last_said = text


def count(arrivals: Sequence[Arrival]) -> str:
    """Many events in one line: how many of which app, and what was flagged."""
    apps = _counted(arrival.app for arrival in arrivals)
    number = sum(bool(arrival.flags) for arrival in arrivals)
    flags = _counted(flag.detector for arrival in arrivals for flag in arrival.flags)
    said = colour(safe(f"{number:,} flagged ({flags})"), "red") if number else "nothing flagged"
    return f"{clock(arrivals[-1].time)}  {len(arrivals):,} events ({safe(apps)}), {said}"


def _counted(names: Any) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in Counter(names).most_common(MOST_LINES))


def _dead_letters(queries: Queries) -> int:
    return int(queries.query("SELECT count() FROM v_dead_letters").rows[0][0])
