"""`watchline prove`: that nothing was lost of what producers numbered, or what, from the store's own books."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.cli.arguments import UsageError, command, moment
from watchline.streams.cli.output import as_json, colour, out, progress, safe, write

if TYPE_CHECKING:
    from watchline.streams.governance.proof.report import Report

MOST_LINES = 20


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "prove",
        run,
        help="prove that nothing was lost, or say what: each number of a producer, event, finding and offset",
        description="For each number that a producer gave one event, for each event one finding of each detector that "
        "was planned for it, or the reason: dropped by the producer, dead letter, gone from Kafka before it was read, "
        "retention of the store, erased, shed, not sampled, failed. It holds the tables against the ledger of stored "
        "batches, the numbers that producers gave, their reports, dead letters and gaps in the offsets. The exit code "
        "is 0 where all has a reason, and 1 where something has none, which is named, or where there is nothing to "
        "prove. The interval is of whole hours; its end is not part of it.",
        example="  watchline prove --from 2026-01-01 --to 2026-02-01\n"
        "  watchline prove --from 2026-01-01 --to 2026-02-01 --write january.json --sign auditor.pem\n"
        "  watchline prove --verify january.json",
    )
    parser.add_argument("--from", dest="start", type=moment, metavar="TIME", help="ISO 8601, UTC unless it says")
    parser.add_argument(
        "--to", dest="end", type=moment, metavar="TIME", help="ISO 8601; the hour that it begins is out"
    )
    parser.add_argument("--app", default="", help="only the events of one app; offsets are of all")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the report into a new file")
    parser.add_argument(
        "--sign", type=Path, metavar="FILE.pem", help="record it in the audit trail, signed with your private key"
    )
    parser.add_argument(
        "--verify",
        type=Path,
        metavar="FILE",
        help="prove nothing; say whether the audit trail has the report in a file",
    )


def run(args: argparse.Namespace) -> int:
    """Proves an interval and says what it came to, or looks for a report in the trail."""
    from watchline.streams.governance.proof.interval import Interval
    from watchline.streams.governance.proof.prove import prove
    from watchline.streams.query.open import open_queries
    from watchline.streams.settings import load

    if args.verify:
        if args.start or args.end or args.app or args.write or args.sign:
            raise UsageError("--verify takes a file alone: the interval is in it")
        return _verify(args.verify)
    if args.start is None or args.end is None:
        raise UsageError("an interval has two ends: --from TIME --to TIME")
    try:
        interval = Interval.of(args.start, args.end)
    except ConfigurationError as error:
        raise UsageError(str(error)) from None
    if args.write and args.write.exists():
        raise UsageError(f"there is a file {args.write} already")
    settings, done, days = load(), 0, len([*interval.days])

    def on_day() -> None:
        nonlocal done
        done += 1
        progress(done, days, "days")

    with open_queries(settings) as queries:
        report = prove(queries, interval, app=args.app, canary_interval_s=settings.canary_interval_s, on_day=on_day)
    if args.json:
        out(as_json(report.as_json, indent=1))
    else:
        _print(report)
    if args.write:
        with args.write.open("xb") as file:
            file.write(report.bytes)
    code = int(not report.is_proven)
    if args.sign and not report.is_empty:
        from watchline.streams.cli.commands import governance
        from watchline.streams.governance.proof.acts import PROVED

        code |= governance.record(settings, args.sign, PROVED, report.target, report.details, {})
    return code


def _verify(file: Path) -> int:
    from watchline.streams.governance.proof.acts import recorded
    from watchline.streams.query.open import open_queries
    from watchline.streams.settings import load

    with open_queries(load()) as queries:
        out(colour(safe(recorded(queries, file)[1]), "green"))
    return 0


def _print(report: Report) -> None:
    from watchline.streams.governance.proof.interval import stamp
    from watchline.streams.governance.proof.report import FAULTS, UNPROTECTED

    rows = []
    for section, counts in report.explained.items():
        total = sum(counts.values())
        for what, count in counts.items():
            fault = FAULTS[section].get(what)
            rows.append([section, what, count, f"{100 * count / total:.4f} %", "NO: it " + fault if fault else "yes"])
    if rows:
        write(["of", "what", "count", "share", "explained"], rows, "table")
        out()
    for each in report.named[1:MOST_LINES]:
        out(safe(f"also {each}"))
    if report.blind:
        out("blind, without a canary read back:")
    for blind in report.blind[:MOST_LINES]:
        out(f"  {stamp(blind.start)} to {stamp(blind.end)}, partition {blind.partition} of {safe(blind.topic)}")
    if len(report.blind) > MOST_LINES:
        out(f"  and {len(report.blind) - MOST_LINES:,} times more: --json has them")
    out(f"canaries: {safe(report.canaries)}")
    out("not protected:")
    for sentence in UNPROTECTED:
        out(f"  {sentence}")
    if report.is_empty:
        out(colour(f"nothing to prove: no event and no number of a producer in {report.target}", "yellow"))
    elif report.is_proven:
        out(colour(f"PROVEN: all of {report.target} has a reason; {report.rows:,} events", "green"))
    else:
        first = f"the first: {report.named[0]}" if report.named else ""
        out(colour(safe(f"NOT PROVEN: {report.unexplained:,} without a reason in {report.target}; {first}"), "red"))
