"""`watchline page`: boards, events and SQL in a browser."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from watchline.schemas.errors import FatalError, TransientError
from watchline.streams.cli.arguments import UsageError, actions_of, command, number
from watchline.streams.cli.output import colour, out

HOST, PORT = "127.0.0.1", 8765


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "page",
        run,
        help="look at what is stored in a browser: boards, events, alerts, SQL",
        description="Serves the boards, the rows behind them, whole events and a box for SQL to a browser on this "
        "machine, from the store that the settings name, and prints the link. The token in it is new each time and "
        "lets read all that the store has, so give it to nobody: who gets a link of the page's own brings a token of "
        "their own. The page needs nothing from elsewhere. It listens on loopback; for another machine's browser use "
        "`ssh -L 8765:127.0.0.1:8765`. With --clickhouse-port it also has ClickHouse's HTTP interface on loopback, for "
        "clickhouse-connect and the like: SELECTs over the views as in `watchline sql`; the user is watchline_reader, "
        "the password the token in the link. Where governance is on, what is read is recorded: with "
        "`watchline page readers add NAME` by name, each by a link of their own.",
        example="  watchline page --open\n  watchline page readers add p1\n"
        "  WATCHLINE_CLICKHOUSE_URL=https://reader@clickhouse.example:8443 watchline page --time-zone Europe/Berlin",
    )
    parser.add_argument("--host", default=HOST, help=f"where it listens (default: {HOST})")
    parser.add_argument("--port", type=number(0, 65535), default=PORT, help=f"0 for any that is free (default: {PORT})")
    parser.add_argument("--time-zone", help="in which times are shown (default: WATCHLINE_TIME_ZONE, or UTC)")
    add_clickhouse_port(parser)
    parser.add_argument("--open", action="store_true", help="open the link in the browser")
    action = actions_of(parser, required=False)
    readers = action("readers", _readers, "let people read under a name of their own, so that the trail can tell them")
    readers.add_argument("what", choices=("add", "remove", "list"), nargs="?", default="list", help="default: list")
    readers.add_argument("name", nargs="?", metavar="NAME", help="an id that says nothing of a person, such as p1")


def add_clickhouse_port(parser: argparse.ArgumentParser) -> None:
    """Adds the option to `page` and `up`."""
    parser.add_argument(
        "--clickhouse-port",
        type=number(0, 65535),
        metavar="PORT",
        help="also ClickHouse's HTTP interface, read-only, on this port of loopback (0 for any that is free)",
    )


def run(args: argparse.Namespace) -> int:
    """Serves until Ctrl-C or SIGTERM."""
    from watchline.streams.query.open import open_queries
    from watchline.streams.settings import load

    settings = load()
    asked = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, lambda *_: asked.set())
    # An embedded store that nobody runs is started here, once, for as long as the page is served.
    with (
        open_queries(settings),
        _alerts(settings) as engine,
        page(settings, host=args.host, port=args.port, zone=args.time_zone, engine=engine) as link,
        clickhouse_port(settings, args.clickhouse_port, link) as store,
    ):
        out("\n".join([f"page    {link}", *([f"store   {store}"] if store else []), "Ctrl-C stops."]))
        sys.stdout.flush()
        with _opened(link) if args.open else contextlib.nullcontext():
            asked.wait()
    return 0


def _readers(args: argparse.Namespace) -> int:
    from watchline.streams.query.named_readers import NamedReaders
    from watchline.streams.settings import load

    readers = NamedReaders(readers_file(load()))
    if (args.what == "list") != (args.name is None):
        raise UsageError("want: readers add NAME, readers remove NAME, or readers list")
    if args.what == "list":
        out("\n".join(readers.names()) or "none: whoever has the page's link reads, and the trail can't tell who")
    elif args.what == "remove":
        readers.remove(args.name)
        out(f"{args.name} reads nothing more")
    else:
        link = f"http://{HOST}:{PORT}/#token={readers.add(args.name)}"
        out(f"{link}\nIt is shown this once. Give it to {args.name} alone: what is read by it, {args.name} has read.")
        out("Where the page has another address, take that. On the ClickHouse port it is the password of the user.")
    return 0


def readers_file(settings: Any) -> Path:
    """The file with who may read under a name of their own."""
    return Path(settings.page_readers or settings.data_dir / "page-readers")


@contextmanager
def _alerts(settings: Any) -> Iterator[Any]:
    """What an engine elsewhere has written of alerts; None where Kafka doesn't answer, which is said."""
    from watchline.streams.cli.commands.alerts import reading

    with contextlib.ExitStack() as stack:
        try:
            book = stack.enter_context(reading(settings))
        except TransientError as error:
            out(colour(f"alerts aren't shown: {error}", "yellow"))
            book = None
        yield book


@contextmanager
def _opened(link: str) -> Iterator[None]:
    """The link in the browser. By a file that is its user's alone: all on this machine see what a command is given."""
    import webbrowser

    with tempfile.TemporaryDirectory(prefix="watchline-page-") as folder:
        file = Path(folder) / "open.html"
        file.write_text(f'<!doctype html><meta http-equiv="refresh" content="0;url={link}">', encoding="utf-8")
        webbrowser.open(file.as_uri())
        yield


@contextmanager
def beside(settings: Any, *, engine: Any = None) -> Iterator[str]:
    """The page beside `up`: on its usual port, or where that is taken on one that is free."""
    with contextlib.ExitStack() as stack:
        try:
            link = stack.enter_context(page(settings, engine=engine))
        except FatalError:
            link = stack.enter_context(page(settings, port=0, engine=engine))
        yield link


@contextmanager
def clickhouse_port(settings: Any, port: int | None, link: str) -> Iterator[str]:
    """ClickHouse's HTTP interface beside the page, with the token in its link. Gives its address and login in words."""
    from watchline.streams.query import http_port

    if port is None:
        yield ""
        return
    from watchline.streams.cli.recorded import reads_of
    from watchline.streams.query.named_readers import NamedReaders

    with (
        reads_of(settings) as reads,
        http_port.serving(
            settings,
            port=port,
            token=link.partition("#token=")[2],
            named=NamedReaders(readers_file(settings)).name_of,
            note_of=lambda name: reads.note_of(named(name), "port"),
        ) as found,
    ):
        yield f"http://{http_port.HOST}:{found}, user {http_port.USER}, password: the token in the page's link"


@contextmanager
def page(
    settings: Any, *, host: str = HOST, port: int = PORT, zone: str | None = None, engine: Any = None
) -> Iterator[str]:
    """Serves the page of a store that runs, for as long as this is entered. Gives the link. Raises what `serving` does.

    engine: what evaluates the alert rules (`dashboards.page.protocols.Engine`), where Watchline does.
    """
    from watchline.dashboards.boards import all_boards
    from watchline.dashboards.page import Settings, security, server, serving
    from watchline.streams.cli.recorded import reads_of
    from watchline.streams.query.named_readers import NamedReaders
    from watchline.streams.query.noting import Read
    from watchline.streams.query.reader import reader
    from watchline.streams.query.run import Queries

    with reads_of(settings) as reads:

        def note(read: Read) -> None:
            reads.note_of(named(security.reader.get()), "page", server.refreshed.get())(read)

        @contextmanager
        def open_() -> Iterator[Queries]:
            with closing(reader(settings)) as client:
                yield Queries(client, settings.clickhouse_database, note)

        made = Settings(
            boards=all_boards(),
            open_=open_,
            engine=engine,
            zone=zone or settings.time_zone,
            host=host,
            port=port,
            named=NamedReaders(readers_file(settings)).name_of,
        )
        with serving(made) as link:
            yield link


def named(name: str) -> Any:
    """Who reads by the page or the port: one who has a token of their own, or anybody."""
    from watchline.streams.query.noting import WHOEVER, Reader

    return Reader(name, "named") if name else WHOEVER
