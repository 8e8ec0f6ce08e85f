"""`watchline up`: everything on this machine, for an app to send to."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from watchline.streams.cli.arguments import command
from watchline.streams.cli.commands.page import add_clickhouse_port, clickhouse_port
from watchline.streams.cli.output import colour, out

READY_TIMEOUT_S = 300.0  # seconds on an idle machine; the models load on a busy one too
PORT = 9092  # as the producer, `doctor` and `config` have it where nothing is set


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "up",
        run,
        help="run the embedded broker, store and worker, for an app to send to",
        description="Starts an embedded Kafka broker on localhost:9092 (or the port in WATCHLINE_KAFKA_URL, where that "
        "names this machine), which keeps everything in memory only, a worker and its embedded store in "
        "WATCHLINE_DATA_DIR, the page, and what evaluates the alert rules. What ends is started again. Prints a line "
        "for each event once it is stored, or a count where more than a few come in a second, and a summary for each "
        "minute in which something came. Ctrl-C or SIGTERM stops: what was sent is scored first; a second one doesn't "
        "wait for that.",
        example='  watchline up\n  Producer("localhost:9092", app="my-app")    in the app',
    )
    add_clickhouse_port(parser)
    parser.add_argument(
        "--port", type=_port, metavar="PORT", help="of the broker; 0: one that is free, which it prints"
    )


def run(args: argparse.Namespace) -> int:
    """Runs until it is told to stop. What ends before is started again, once all was ready for the first time."""
    from watchline.streams.cli.commands.alerts import evaluating, measured
    from watchline.streams.cli.commands.governance import trail
    from watchline.streams.cli.commands.page import beside
    from watchline.streams.cli.feed import Feed
    from watchline.streams.embedded.services import Services
    from watchline.streams.settings import load

    stop = _Stop()
    settings = load()
    ours = _port_here(settings.bootstrap_servers)
    ignored = {"WATCHLINE_KAFKA_URL": ours is None, "WATCHLINE_CLICKHOUSE_URL": not settings.embedded_store}
    for name in (name for name, is_ignored in ignored.items() if is_ignored):
        _say(colour(f"{name} names another machine's: what `up` runs is on this one, and that is not used", "yellow"))
    settings = settings.model_copy(update={"clickhouse_url": "chdb://"})
    services = Services(settings, port=(ours or PORT) if args.port is None else args.port)
    with services:
        with ExitStack() as stack:  # which ends first: what runs in it writes to the broker
            _say("starting the broker and the worker, which loads its models ...")
            services.wait_ready(READY_TIMEOUT_S)
            engine = stack.enter_context(evaluating(services.settings)) if settings.alerts == "engine" else None
            metrics = stack.enter_context(measured(settings, engine)) if engine is not None else ""
            link = stack.enter_context(beside(services.settings, engine=engine.book if engine is not None else None))
            store = stack.enter_context(clickhouse_port(services.settings, args.clickhouse_port, link))
            _say(_where(services, settings, link, store, metrics))
            if engine is None:
                _say(f"WATCHLINE_ALERTS is {settings.alerts}: the alert rules are not evaluated here")
            stack.enter_context(trail(services.settings))
            stop.ready = True
            with Feed(settings, lambda: services.health()["lag_messages"], _say):
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


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: want a number from 0 to 65535")
    return int(text)


def _port_here(servers: str) -> int | None:
    """The port of a Kafka that is on loopback, as the embedded one is; None for another.

    >>> _port_here("localhost:9092"), _port_here("127.0.0.1:19092"), _port_here("kafka:9092")
    (9092, 19092, None)
    """
    address = urlsplit(f"//{servers}")
    try:
        return (address.port or PORT) if address.hostname in ("localhost", "127.0.0.1") else None
    except ValueError:  # several servers, or no number
        return None


def _say(text: str) -> None:
    out(text)
    sys.stdout.flush()  # whoever started it waits for the address


def _where(services: Any, settings: Any, link: str, store: str, metrics: str) -> str:
    rows = {
        "send": f'Producer("{services.kafka_url}", app="my-app")',
        "page": link,
        **({"store": store} if store else {}),
        "read": 'watchline sql "SELECT * FROM v_coverage"',
        "health": services.health_url,
        **({"alerts": metrics} if metrics else {}),
        "data": services.data_dir,
        "logs": services.worker_log.parent,
    }
    if _port_here(settings.bootstrap_servers) != services.broker.port:
        rows["set"] = f"WATCHLINE_KAFKA_URL=kafka://{services.kafka_url} for apps that name no address, and commands"
    lines = [f"  {name:<8}{value}" for name, value in rows.items()]
    return "\n".join([colour("ready", "green"), *lines, "Ctrl-C stops."])
