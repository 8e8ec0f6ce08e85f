"""`watchline demo`: the whole pipeline on this machine, over a recording of a small question-answering app."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from watchline.schemas.errors import FatalError, WatchlineError
from watchline.streams.cli.arguments import HelpFormatter
from watchline.streams.security import own_folder

MARKER = "made-by-watchline-demo"
READY_TIMEOUT_S = 120.0
SCORING_TIMEOUT_S = 600.0

EPILOG = """example:
  watchline demo            about two minutes on two cores
  watchline sql "SELECT * FROM v_quality"
  watchline demo --clean    removes what the demo stored
"""


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "demo",
        help="replay a recording through the whole pipeline, and show what was found",
        description="Starts an embedded broker and store, publishes a recording of a small question-answering app "
        "through the real producer, scores it, and reports. Nothing leaves this machine.",
        epilog=EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.add_argument(
        "--clean", action="store_true", help="remove the data that the demo stored, and do nothing else"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs the demo; 0 when every event was scored."""
    from watchline.streams.settings import load

    settings = load()
    if args.clean:
        return clean(settings.data_dir)
    from rich.console import Console

    claim(settings.data_dir)
    return Demo(settings, Console(width=None if sys.stdout.isatty() else 120)).run()


def clean(folder: Path) -> int:
    """Removes the demo's folder. Raises FatalError where the folder is not the demo's."""
    if not folder.exists():
        print(f"nothing to remove: there is no {folder}")  # noqa: T201
        return 0
    _check_ours(folder)
    shutil.rmtree(folder)
    print(f"removed {folder}")  # noqa: T201
    return 0


def claim(folder: Path) -> None:
    """Makes the folder fresh for the demo.

    Raises FatalError where it holds data that is not the demo's, and what `own_folder.make` raises.
    """
    if folder.exists() and any(folder.iterdir()):
        _check_ours(folder)
        shutil.rmtree(folder)
    own_folder.make(folder)
    (folder / MARKER).touch()


def _check_ours(folder: Path) -> None:
    if folder.is_symlink():
        raise FatalError(f"{folder} is a link: the demo removes no folder elsewhere; name it with WATCHLINE_DATA_DIR")
    if not (folder / MARKER).exists():
        raise FatalError(f"{folder} holds data that is not the demo's; name another folder with WATCHLINE_DATA_DIR")
    state = folder / "worker.json"
    if state.exists() and _alive(json.loads(state.read_text(encoding="utf-8"))["pid"]):
        raise FatalError(f"a worker is running in {folder}; stop it first")


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@dataclass(frozen=True)
class Demo:
    """One run of the demo."""

    settings: Any
    console: Any

    def run(self) -> int:
        """Starts the services, replays, waits, reports."""
        from watchline.streams import Producer
        from watchline.streams.demo import recording
        from watchline.streams.demo.replay import replay
        from watchline.streams.embedded.services import Services
        from watchline.streams.query.open import open_queries

        started = time.monotonic()
        recorded = recording.load()
        with Services(self.settings) as services:
            try:
                with self.console.status("starting the embedded broker and store, loading the models"):
                    services.wait_ready(READY_TIMEOUT_S)
                with open_queries(self.settings) as queries:
                    producer = Producer(
                        services.kafka_url,
                        app="docs-bot",
                        environment="demo",
                        kafka={"security.protocol": "plaintext"},  # whatever the environment says of another Kafka
                        strict=True,
                    )
                    ids = replay(recorded, producer, now=time.time_ns() // 1000)
                    self._progress(len(recorded.interactions), services)
                    producer.close()
                    self._wait_for_feedback(queries, len(recorded.feedback))
                    figures = self._figures(queries, recorded, ids)
                    complete = _complete(queries, len(recorded.interactions))
            except WatchlineError:
                self.console.print(f"[red]failed[/]; logs: {services.worker_log} and {services.broker.log}")
                raise
        for figure in figures:
            self._print(figure)
        self._print_next(time.monotonic() - started)
        return 0 if complete else 1

    def _progress(self, total: int, services: Any) -> None:
        """A progress bar until the worker has stored everything and its monitors have read all findings."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("scoring"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("lag {task.fields[lag]}"),
            TimeElapsedColumn(),
        )
        started = time.monotonic()
        with Progress(*columns, console=self.console) as progress:
            task = progress.add_task("scoring", total=total, rate="", lag="?")
            while True:
                health = services.health()
                elapsed_s = time.monotonic() - started
                rate = f"{health['events'] / elapsed_s:.1f} events/s" if elapsed_s > 1 else ""
                lags = health["lag_messages"], health["monitors_lag_messages"]
                progress.update(task, completed=health["events"], rate=rate, lag=sum(lag or 0 for lag in lags))
                if health["events"] >= total and lags == (0, 0):
                    return
                if elapsed_s > SCORING_TIMEOUT_S:
                    raise FatalError(f"{health['events']} of {total} events after {SCORING_TIMEOUT_S:.0f} s")
                time.sleep(0.25)

    def _wait_for_feedback(self, queries: Any, count: int) -> None:
        deadline = time.monotonic() + 30
        while queries.query("SELECT count() FROM v_feedback").rows[0][0] < count:
            if time.monotonic() > deadline:
                raise FatalError("feedback is missing")
            time.sleep(0.2)

    def _figures(self, queries: Any, recorded: Any, ids: Any) -> Sequence[Any]:
        from watchline.streams.demo.report import report

        return [*report(queries, recorded, ids), *_alerts(queries)]

    def _print(self, figure: Any) -> None:
        from rich.markup import escape
        from rich.table import Table

        self.console.print(f"\n[bold]{escape(figure.title)}[/]")
        if figure.columns:
            table = Table(box=None, pad_edge=False, header_style="")
            for column in figure.columns:
                table.add_column(escape(column), no_wrap=True)
            for row in figure.rows:
                table.add_row(*map(escape, row))
            self.console.print(table)
        for line in figure.lines:
            self.console.print(escape(line), highlight=False, soft_wrap=True)
        for line in figure.sql.splitlines():
            self.console.print(f"  [dim]{escape(line)}[/]", highlight=False, soft_wrap=True)

    def _print_next(self, seconds: float) -> None:
        self.console.print(
            f"\nDone in {seconds:.0f} s; what is stored lies in {self.settings.data_dir}. To go on:",
            highlight=False,
            markup=False,
        )
        for arguments, what in (
            ('sql "SELECT detector, sum(flagged_events) FROM v_quality GROUP BY detector"', ""),
            ("page --open", "the same in a browser: boards, events, SQL"),
            ("show EVENT_ID", "one event whole, with its spans and evidence"),
            ("audit list", "what an auditor asks"),
            ("up", "the same pipeline for your own app"),
            ("demo --clean", "removes the data"),
        ):
            line = f"  {_command()} {arguments}".ljust(44) + what
            self.console.print(line.rstrip(), highlight=False, markup=False, soft_wrap=True)


def _command() -> str:
    """How to call `watchline` from here: by its path, where the shell doesn't find it."""
    beside = Path(sys.executable).with_name("watchline")
    return os.path.relpath(beside) if shutil.which("watchline") is None and beside.exists() else "watchline"


def _complete(queries: Any, total: int) -> bool:
    rows = queries.query(
        "SELECT sum(events), sum(planned), sum(missing), sum(failed) FROM v_coverage GROUP BY detector"
    ).rows
    return bool(rows) and all(tuple(row) == (total, total, 0, 0) for row in rows)


def _alerts(queries: Any) -> Sequence[Any]:
    """What on-call would get now, from the rules that fire."""
    from watchline.dashboards.alert_rules import all_rules
    from watchline.dashboards.engine.notification import Addresses
    from watchline.dashboards.engine.trial import told
    from watchline.dashboards.macros import Request, expand
    from watchline.streams.demo.report import Figure

    # The demo's pipeline has ended: that no canary comes any more is no news. What it replays is stored at once, hours
    # of it: that it arrived late is none either.
    rules = {rule.uid: replace(rule, no_data="ok") for rule in all_rules() if rule.uid != "watchline-late-answers"}
    now = datetime.now(UTC)
    figures = []
    for message in told(rules.values(), queries, now, Addresses()):
        rule = rules[message.facts["rule"]]
        sql = expand(rule.queries["A"], Request(start=now - timedelta(seconds=rule.window_s), end=now))
        others = [f"- {line}" for line in message.lines[1:]]
        links = [f"{name}: {link}" for name, link in message.links.items()]
        lines = [f"[{message.severity}] {message.head}", *others, *message.notes, *links]
        figures.append(Figure("Alert, as on-call gets it", sql, lines))
    return figures or [Figure("Alert, as on-call gets it", "", ["none of the rules fires now"])]
