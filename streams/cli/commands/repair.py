"""`watchline repair`: stores again what the store has lost, from Kafka, and says what is gone for good."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from watchline.streams.cli.arguments import command
from watchline.streams.cli.output import out, progress, safe

if TYPE_CHECKING:
    from watchline.streams.clickhouse.damage import MissingRange
    from watchline.streams.worker.repair import Plan

MOST_LINES = 50


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "repair",
        run,
        help="store again what a damaged store has lost, from Kafka",
        description="For every batch that it stores a worker writes down which offsets and events it held (v_ledger). "
        "What is there and no longer in the tables is missing: a part of a table was damaged or deleted. This reads "
        "those messages again from the raw topic, which has them for WATCHLINE_RAW_RETENTION_S seconds, redacts and "
        "scores them as a worker does, and stores them: each event once, however often it is done. It loads the "
        "models, joins no group, and may run beside workers; broken off, it goes on where it was. What is no "
        "longer in Kafka is gone for good: it is named, stays in v_coverage as `lost`, and makes the exit code 1.",
        example="  watchline repair --dry-run     what is missing, and what Kafka still has of it; changes nothing\n"
        "  watchline repair",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what is missing and what is gone; store nothing")


def run(args: argparse.Namespace) -> int:
    """Repairs, or says what there is to repair; 1 where not all of it can be."""
    from watchline.streams.clickhouse.connect import connect
    from watchline.streams.embedded import store
    from watchline.streams.settings import load
    from watchline.streams.worker import repair
    from watchline.streams.worker.process import configure_logging

    settings = load()
    configure_logging(settings)
    with store.running(settings), closing(connect(settings)) as client:
        plan = repair.plan(settings, client)
        if not plan.missing and not plan.gaps:
            out("nothing is missing")
            return 0
        out(_said(plan))
        read = 0

        def on_message() -> None:
            nonlocal read
            read += 1
            progress(read, plan.messages, "messages read again")

        if args.dry_run:
            found = repair.look(settings, plan, on_message)
            gone = [each for each in plan.missing if found.is_gone(each)]
            gone_offsets = found.gone_gaps()
            _say_gone(gone, gone_offsets, "not, or not all, in Kafka any more")
            return int(bool(gone or gone_offsets))
        outcome = repair.run(settings, client, plan, on_message)
    out(f"{outcome.events:,} events are whole again")
    for erasure, events in outcome.erased.items():
        out(f"{events:,} events were left out: they were erased, under certificate {safe(erasure)}")
    _say_gone(outcome.gone, outcome.gone_offsets, "gone for good")
    if outcome.failed:
        events = sum(len(each.event_ids) for each in outcome.failed)
        out(f"{events:,} events are in Kafka and could not be stored; the log above says why, and another try may do")
    return int(bool(outcome.gone or outcome.failed or outcome.gone_offsets))


def _said(plan: Plan) -> str:
    from watchline.streams.clickhouse.damage import unaccounted

    said = [f"{len(plan.event_ids):,} stored events are missing or lack findings"] if plan.missing else []
    if plan.gaps:
        said.append(unaccounted(plan.gaps))
    return f"{'; '.join(said)}; {plan.messages:,} messages of {safe(plan.topic)} are to be read again"


def _say_gone(gone: Sequence[MissingRange], gone_offsets: Sequence[MissingRange], how: str) -> None:
    """How many events, by app and hour, and which offsets."""
    events: Counter[tuple[int, str]] = Counter()
    for each in gone:
        events[each.hour, each.app] += len(each.event_ids)
    if events:
        out(f"{events.total():,} events are {how}:")
    lines = [
        f"  {datetime.fromtimestamp(hour, UTC):%Y-%m-%d %H:00} UTC, app {safe(app)}: {count:,}"
        for (hour, app), count in sorted(events.items())
    ]
    lines += [
        f"  offsets {each.first_offset:,} to {each.last_offset:,} of partition {each.partition}: {how}, and what they "
        "held is not known"
        for each in gone_offsets
    ]
    for line in lines[:MOST_LINES]:
        out(line)
    if len(lines) > MOST_LINES:
        out(f"  and {len(lines) - MOST_LINES:,} more; see v_missing_events and v_missing_findings")
