"""How soon an event is stored and on the page, at half and at four fifths of what a worker takes.

    python -m tests.benchmarks.page [--seconds 120] [--detectors NAMES]

A worker with its own broker and store, all detectors unless told otherwise. First as many events as it takes; then
events by single envelopes at a share of that, while the page is asked as a browser asks it that follows what is stored:
each second whether there is something new, then the rows behind a panel of the first board.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.benchmarks.alerts import percentiles
from tests.benchmarks.producer import machine
from tests.benchmarks.worker import distinct, envelopes
from tests.end_to_end.workers import Worker
from watchline.detectors.declarations import DETECTORS
from watchline.streams.cli.commands.page import page
from watchline.streams.demo import recording
from watchline.streams.embedded.broker import Broker
from watchline.streams.kafka.admin import create

SHARES = (0.5, 0.8)
BOARD, PANEL = "watchline", 2
EVERY_S = 1.0  # as `LIVE_MS` in app.js
TIMEOUT_S = 600.0


class Page:
    """A page that is asked as a browser does, and what it had shown when."""

    def __init__(self, link: str) -> None:
        self._address, _, token = link.partition("/#token=")
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Origin": self._address,
            "Content-Type": "application/json",
        }
        self._last = ""
        self.seen: dict[str, float] = {}

    def ask(self, name: str, **body: Any) -> Any:
        """What one of its routes answers."""
        request = Request(f"{self._address}/api/{name}", json.dumps(body).encode(), self._headers)
        with urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def look(self, *, all_pages: bool = False) -> None:
        """Asks for the rows where something was stored since, page by page until one has nothing new."""
        stored = self.ask("status")["stored_at"]
        if not all_pages and (not stored or stored == self._last):
            return
        self._last = stored
        asked: dict[str, Any] = {"board": BOARD, "panel": PANEL, "from": "now-15m", "to": "now"}
        self.ask("panel", **asked)
        after = None
        while True:
            found = self.ask("rows", **asked, after=after)
            ids = [row[found["columns"].index("event_id")] for row in found["rows"]]
            new = [id for id in ids if id not in self.seen]
            self.seen |= dict.fromkeys(new, time.time())
            after = found["after"]
            if after is None or not (new or all_pages):
                return


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a line for each share."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.page", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--detectors", default=",".join(DETECTORS))
    options = parser.parse_args(arguments)
    print(f"machine: {machine()}")
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder) / "broker.log") as broker:
        settings = {"WATCHLINE_DETECTORS": options.detectors}
        worker = Worker(broker.url.removeprefix("kafka://"), "bench.", Path(folder), settings)
        create(worker.settings)
        worker.start()
        try:
            capacity = _capacity(worker, options.seconds)
            print(f"as many as it takes: {capacity:,.1f} events/s", flush=True)
            with page(worker.settings, port=0) as link:
                for share in SHARES:
                    print(
                        f"{share:.0%} of it: {_delays(worker, Page(link), share * capacity, options.seconds)}",
                        flush=True,
                    )
        finally:
            worker.end()


def _capacity(worker: Worker, seconds: float) -> float:
    """Events/s while some are always waiting, once models are warm."""
    events = itertools.chain.from_iterable(distinct(recording.load().interactions, 1_000) for _ in itertools.count())
    sent = 0

    def send(count: int) -> None:
        nonlocal sent
        worker.produce(*envelopes([*itertools.islice(events, count)], 1))
        sent += count

    send(64)
    worker.wait(lambda: worker.health()["events"] >= 64, TIMEOUT_S)
    began, first = time.monotonic(), worker.health()["events"]
    while (lasted := time.monotonic() - began) < seconds:
        if sent - (stored := worker.health()["events"]) < 400:
            send(400)
        time.sleep(0.2)
    worker.wait(lambda: worker.health()["events"] >= sent, TIMEOUT_S)
    return float((stored - first) / lasted)


def _delays(worker: Worker, shown: Page, rate: float, seconds: float) -> str:
    events = distinct(recording.load().interactions, int(rate * seconds))
    sent: dict[str, float] = {}
    began = time.time()

    def send() -> None:
        for number, event in enumerate(events):
            time.sleep(max(0.0, began + number / rate - time.time()))
            sent[event.event_id] = time.time()
            worker.produce(*envelopes([dataclasses.replace(event, time=time.time_ns() // 1000)], 1))

    sender = threading.Thread(target=send)
    sender.start()
    while not sender.join(EVERY_S) and (sender.is_alive() or sent.keys() - shown.seen.keys()):
        shown.look(all_pages=not sender.is_alive())
        if time.time() > began + seconds + TIMEOUT_S:
            raise SystemExit(f"{len(sent.keys() - shown.seen.keys())} events are not on the page")
    rows = worker.rows("SELECT toString(event_id), toString(stored_at) FROM v_interactions")
    stored = {id: datetime.fromisoformat(f"{at}+00:00").timestamp() for id, at in rows}
    delays = {
        "stored": [stored[id] - at for id, at in sent.items()],
        "on the page": [shown.seen[id] - at for id, at in sent.items()],
    }
    said = "; ".join(f"{name} after {percentiles(found)}" for name, found in delays.items())
    return f"{rate:,.1f} events/s, {len(sent):,} events: {said}"


if __name__ == "__main__":
    main()
