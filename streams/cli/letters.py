"""Selects dead letters for a command, by filters or by name, and reads their rows."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from watchline.schemas.errors import Kind
from watchline.streams.cli.arguments import moment

if TYPE_CHECKING:
    from watchline.streams.settings import Settings

MOST = 100_000  # letters in one run: as many rows as a reader gets
NAME = (
    "concat(topic, '/', toString(partition), '/', toString(offset), if(event_index < 0, '', concat('/', "
    "toString(event_index))))"
)
NAME_HELP = "TOPIC/PARTITION/OFFSET[/EVENT] as `list` shows it, or 8 or more digits of its SHA-256"

Row = Mapping[str, Any]


def add_filters(parser: argparse.ArgumentParser, all_option: str) -> None:
    """Adds --kind, --reason, --topic, --since and the option that takes resolved letters too."""
    kinds = ", ".join(Kind)
    parser.add_argument("--kind", default="", choices=[*Kind], metavar="KIND", help=f"only those of this kind: {kinds}")
    parser.add_argument("--reason", default="", metavar="TEXT", help="only those whose reason has this text in it")
    parser.add_argument("--topic", default="", metavar="NAME", help="only those of this topic; its last part will do")
    parser.add_argument(
        "--since", type=moment, default="1970-01-01", metavar="TIME",
        help="only those whose message came to Kafka since then: ISO 8601 (UTC where it has no zone), or 30m, 2h, 3d",
    )  # fmt: skip
    parser.add_argument(all_option, action="store_true", dest="resolved", help="resolved ones too")


def rows(
    settings: Settings,
    select: str,
    tail: str,
    *,
    names: Sequence[str] = (),
    kind: str = "",
    reason: str = "",
    topic: str = "",
    since: datetime = datetime(1970, 1, 1, tzinfo=UTC),
    resolved: bool = True,
) -> tuple[Sequence[str], Sequence[Row]]:
    """Columns and rows of v_dead_letters (`d`). Raises what `open_queries` and its queries raise."""
    from watchline.streams.cli.recorded import open_queries

    parameters = {"kind": kind, "reason": reason, "topic": topic, "since": f"{since:%Y-%m-%d %H:%M:%S}"}
    conditions = [
        "({kind:String} = '' OR kind = {kind:String})",
        "({reason:String} = '' OR positionCaseInsensitive(reason, {reason:String}) > 0)",
        "({topic:String} = '' OR topic = {topic:String} OR endsWith(topic, concat('.', {topic:String})))",
        "d.time >= toDateTime64({since:String}, 3, 'UTC')",
    ]
    if not resolved:
        conditions.append("NOT resolved")
    if names:
        ways = []
        for number, name in enumerate(names):
            parameters[f"name{number}"] = name
            way = "{} = {{name{}:String}}" if "/" in name else "startsWith(sha256, {{name{1}:String}})"
            ways.append(way.format(NAME, number))
        conditions.append(f"({' OR '.join(ways)})")
    sql = f"SELECT {select} FROM v_dead_letters AS d WHERE {' AND '.join(conditions)} {tail}"  # noqa: S608
    with open_queries(settings) as queries:
        result = queries.query(sql, parameters)
    return result.columns, result.by_column


def key(row: Row) -> str:
    """As DeadLetter.key."""
    return "/".join(str(row[name]) for name in ("topic_id", "partition", "offset", "event_index", "sha256"))


def name(text: str) -> str:
    """A letter's name on the command line."""
    if re.fullmatch(r"[\w.-]+/\d+/\d+(/\d+)?", text):
        return text
    if re.fullmatch(r"[0-9a-fA-F]{8,64}", text):
        return text.lower()
    raise argparse.ArgumentTypeError(f"{text!r} is no dead letter's name: want {NAME_HELP}")
