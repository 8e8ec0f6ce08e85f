"""`watchline retention`: for how long what is kept, as it is in force; and what has to go."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from watchline.schemas.errors import ConfigurationError
from watchline.streams.cli.arguments import actions_of, add_format, command
from watchline.streams.cli.output import out, write
from watchline.streams.duration import duration

SLACK_S = 2 * 3600  # a broker deletes whole segments of an hour, and looks every few minutes
APPLY = "watchline retention apply"


class Line(NamedTuple):
    """A place in the report: what is wanted, what is in force, and what mends the difference."""

    place: str
    kind: str
    wanted: str
    in_force: str
    oldest: str
    differs: str = ""
    todo: str = ""
    past: int = 0  # rows past their end


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "retention",
        _report,
        help="show for how long what is kept, put it in force, delete what is past it",
        description="For how long texts, rows and counts are kept, a privacy officer sets by the act `retention_set`. "
        "`apply` has the store keep to it and deletes what is past it; holds keep what they hold. `report` measures "
        "tables and topics, and exits with 1 where they are otherwise than is wanted.",
        example="  watchline governance record retention_set text/app:support-bot --key dpo.pem --detail days=14\n"
        "  watchline retention plan\n  watchline retention apply\n  watchline retention report",
    )
    action = actions_of(parser)
    add_format(action("plan", _plan, "show what of each table is past its end, by part; change nothing"))
    action("apply", _apply, "have the store keep to what is set, and delete what is past its end now")
    add_format(action("report", _report, "measure what is in force on tables and topics; exit with 1 where it differs"))


def _plan(args: argparse.Namespace) -> int:
    from watchline.streams.clickhouse import retention

    with _store() as (_, client, wanted):
        found = retention.plan(client, wanted)
        ttls = retention.differing(client, wanted)
    names = ["table", "part", "past_end", "held", "rows", "bytes", "oldest", "newest", "goes"]
    rows = [
        [
            str(each.place),
            each.part,
            each.rows,
            each.held,
            each.of,
            each.bytes,
            f"{each.oldest:%Y-%m-%d}",
            f"{each.newest:%Y-%m-%d}",
            "" if not each.rows else "dropped whole" if each.whole else "rewritten without",
        ]
        for each in found
    ]
    if rows or args.format != "table":
        write(names, rows, args.format)
    if args.format == "table":
        if not rows:
            out("nothing is past its end")
        if ttls:
            out(f"`{APPLY}` would also change what is in force for {', '.join(map(str, ttls))}")
    return 0


def _apply(args: argparse.Namespace) -> int:
    from watchline.streams.clickhouse import retention

    with _store() as (_, client, wanted):
        gone = retention.apply(client, wanted)
    for place in dict.fromkeys(each.place for each in gone):
        parts = [each for each in gone if each.place == place]
        whole = sum(each.whole for each in parts)
        out(
            f"{place}: {sum(each.rows for each in parts):,} rows to {max(each.newest for each in parts):%Y-%m-%d}, "
            f"{whole} parts dropped whole, {len(parts) - whole} rewritten"
        )
    hour = max(place.hours for place in retention.PLACES) + retention.MERGES_H
    out(
        f"in force: nothing is left that is past its end, by count. From now on each day's rows go by {hour}:00 of the "
        f"day after their last ({wanted.zone})"
    )
    return 0


def _report(args: argparse.Namespace) -> int:
    with _store() as (settings, client, wanted):
        lines = [*of_tables(client, wanted), *of_topics(settings), *_exports(client, wanted)]
    write(Line._fields, lines, args.format)
    return int(any(line.differs and line.kind != "export" for line in lines))


def of_tables(client: Any, wanted: Any) -> Iterator[Line]:
    """What is in force on the tables."""
    from watchline.streams.clickhouse import retention

    differing, due = {*retention.differing(client, wanted)}, retention.plan(client, wanted)
    for place in retention.PLACES:
        days = wanted.days[place.kind, ""]
        of_kind = {app: n for (kind, app), n in sorted(wanted.days.items()) if kind == place.kind}
        apps = [f"{app} {n}" for app, n in of_kind.items() if app and n != days]
        oldest = retention.oldest(client, place)
        past = sum(each.rows for each in due if each.place == place)
        differs = [f"{past:,} rows past their end"] if past else []
        if place in differing:
            differs.insert(0, "another TTL, or none")
        yield Line(
            str(place),
            place.kind,
            "; ".join([f"{days} days", *apps]),
            "otherwise" if place in differing else "the same",
            f"{oldest:%Y-%m-%d %H:%M}" if oldest else "",
            ", ".join(differs),
            APPLY if differs else "",
            past,
        )
    for table in retention.AUDIT:
        yield Line(table, "audit", "for good", "for good", "")
    for table in retention.unclassed(client):
        yield Line(table, "none", "", "for good", "", "no class names it")


def of_topics(settings: Any) -> Iterator[Line]:
    """What is in force on the topics: the broker's own word, and the age of the oldest message."""
    from watchline.streams.kafka import admin, log_reader, reconcile
    from watchline.streams.kafka.topics import TOPICS

    there = admin.existing(settings)
    topics = {name: topic for topic in TOPICS if (name := topic(settings.topic_prefix)) in there}
    ends = {name: topic for name, topic in topics.items() if topic.retention}
    told = reconcile.described(settings, ends)
    backlogs = log_reader.backlog(settings.kafka_client, f"{settings.group_id}-retention", ends) if ends else {}
    for name, topic in topics.items():
        if name not in ends:
            kept = "for good" if topic.cleanup == "delete" else "the last of each key"
            yield Line(name, "topic", kept, "", "")
            continue
        wanted_s, now = getattr(settings, topic.retention), told.get(name, {}).get(reconcile.RETENTION, "-1")
        now_s = float("inf") if now == "-1" else int(now) / 1000
        first_ms = min((b.oldest_ms for (of, _), b in backlogs.items() if of == name and b.oldest_ms), default=0)
        age_s = time.time() - first_ms / 1000 if first_ms else 0.0
        differs, todo = "", ""
        if now_s != wanted_s:
            differs = "the broker keeps it longer" if now_s > wanted_s else "the broker keeps it for less"
            todo = "watchline migrate --shorten" if now_s > wanted_s else "watchline migrate"
        elif age_s > wanted_s + SLACK_S:
            differs = "there is an older message"
            todo = "see the broker's log.retention.*; the embedded one keeps all until it is stopped"
        yield Line(
            name,
            "topic",
            duration(wanted_s),
            "for good" if now == "-1" else duration(now_s),
            f"{datetime.fromtimestamp(first_ms / 1000, UTC):%Y-%m-%d %H:%M}" if first_ms else "",
            differs,
            todo,
        )


def _exports(client: Any, wanted: Any) -> Iterator[Line]:
    """What was taken out of the system: due when it says, else once the texts it may hold are past their end."""
    days = wanted.days["text", ""]
    found = client.query(
        "SELECT time, actor, target, details['sha256'], details['until'], details['owner'] FROM v_governance "
        "WHERE accepted AND action = 'exported' ORDER BY time"
    )
    for taken, actor, target, digest, until, owner in found.result_rows:
        end = taken.replace(tzinfo=UTC) + timedelta(days + 1)
        if until:
            end = datetime.fromisoformat(until).replace(tzinfo=UTC)
        due = f"due: {owner or actor} deletes every copy" if end <= datetime.now(UTC) else ""
        yield Line(f"{target} {digest}", "export", f"to {end:%Y-%m-%d}", f"by {actor}", f"{taken:%Y-%m-%d %H:%M}", due)


@contextmanager
def _store() -> Iterator[tuple[Any, Any, Any]]:
    """Settings, a client of who may change tables, and what is wanted."""
    from watchline.streams.clickhouse import backup
    from watchline.streams.clickhouse.connect import connect
    from watchline.streams.embedded import store
    from watchline.streams.settings import load

    settings = load()
    said = wanted(settings)
    if settings.embedded_store and not (settings.data_dir / "clickhouse").is_dir():
        raise ConfigurationError(f"no data yet in {settings.data_dir}; run `watchline demo` or `watchline up`")
    with store.running(settings), closing(connect(settings, timeout_s=backup.REQUEST_TIMEOUT_S)) as client:
        yield settings, client, said


def wanted(settings: Any) -> Any:
    """What the log says is to be in force; the defaults where there is no log.

    Raises ConfigurationError where there is one and no root keys to read it by: holds may be in it.
    """
    from watchline.streams.cli.commands.governance import folded
    from watchline.streams.clickhouse.retention import Wanted
    from watchline.streams.governance import place
    from watchline.streams.governance.keys import Roots
    from watchline.streams.governance.log import Log
    from watchline.streams.governance.retention import DEFAULTS, Retention, holds
    from watchline.streams.kafka import admin
    from watchline.streams.kafka.topics import governance

    kept, held = Retention(), []
    if (place.folder(settings) / "log.jsonl").exists():  # the embedded broker forgets, and holds are in it
        Log(settings).fill()
    if place.roots_file(settings).exists():
        state = folded(settings, Roots.read(place.roots_file(settings))).state
        kept, held = state.retention, holds(state)
    elif governance(settings.topic_prefix) in admin.existing(settings) and next(iter(Log(settings).read()), None):
        raise ConfigurationError(
            f"there is a governance log, and no root keys at {place.roots_file(settings)} to read it by: holds may be "
            "in it (WATCHLINE_GOVERNANCE_ROOTS)"
        )
    days = {(kind, app): kept.days_of(kind, app) for kind in DEFAULTS for app in ("", *kept.apps())}
    return Wanted(days, held, settings.time_zone)
