"""`watchline up`: everything on this machine, for an app to send to."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import Any

from watchline.streams.cli.arguments import command
from watchline.streams.cli.output import colour, out

READY_TIMEOUT_S = 300.0  # seconds on an idle machine; the models load on a busy one too


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    command(
        subparsers,
        "up",
        run,
        help="run the embedded broker, store and worker, for an app to send to",
        description="Starts an embedded Kafka broker (it keeps everything in memory only), a worker and its embedded "
        "store in WATCHLINE_DATA_DIR. What ends is started again. Ctrl-C or SIGTERM stops: what was sent is scored "
        "first; a second one doesn't wait for that.",
        example='  watchline up\n  Producer("127.0.0.1:PORT", app="my-app")    in the app, with the address it prints',
    )


def run(args: argparse.Namespace) -> int:
    """Runs until it is told to stop. What ends before is started again, once all was ready for the first time."""
    from watchline.streams.embedded.services import Services
    from watchline.streams.settings import load

    stop = _Stop()
    _say("starting the broker and the worker, which loads its models ...")
    with Services(load()) as services:
        services.wait_ready(READY_TIMEOUT_S)
        _say(_where(services))
        stop.ready = True
        while not stop.asked.wait(0.2):
            if said := services.revive():
                _say(colour(said, "yellow"))
        _say("stopping: scoring what was sent ...")
        try:
            left = services.drain()
        except KeyboardInterrupt:
            left = None
        if left != 0:
            _say(colour(f"{left or 'some'} messages may not be scored, and the broker's memory goes", "yellow"))
        code = services.stop()
    _say("stopped" if not code else f"the worker ended with code {code}; see {services.worker_log}")
    return int(bool(code))


class _Stop:
    """SIGTERM, SIGINT and SIGHUP: the first asks to stop, once all is ready; every other one interrupts."""

    def __init__(self) -> None:
        self.ready = False
        self.asked = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: Any) -> None:
        if not self.ready or self.asked.is_set():
            raise KeyboardInterrupt
        self.asked.set()


def _say(text: str) -> None:
    out(text)
    sys.stdout.flush()  # whoever started it waits for the address


def _where(services: Any) -> str:
    rows = {
        "send": f'Producer("{services.kafka_url}", app="my-app")',
        "read": 'watchline sql "SELECT * FROM v_coverage"',
        "health": services.health_url,
        "data": services.data_dir,
        "logs": services.worker_log.parent,
    }
    lines = [f"  {name:<8}{value}" for name, value in rows.items()]
    return "\n".join([colour("ready", "green"), *lines, "Ctrl-C stops."])
