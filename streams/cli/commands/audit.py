"""`watchline audit`: an auditor's questions, each answered by one SQL file; the trail, verified, exported, attacked."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.cli import output
from watchline.streams.cli.arguments import UsageError, add_format, add_parameters, command

if TYPE_CHECKING:
    from watchline.streams.settings import Settings


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    example = (
        "  watchline audit list\n"
        "  watchline audit query coverage --param since=2026-01-01 --param until=2026-01-31 --format csv\n"
        "  watchline audit records > records-of-processing.md\n"
        "  watchline audit verify\n"
        "  watchline audit export trail.zip\n"
        "  watchline audit drill"
    )
    parser = command(
        subparsers,
        "audit",
        list_,
        help="answer an auditor's question from the stored rows; verify and export the audit trail",
        example=example,
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    add_format(command(actions, "list", list_, help="the queries, and the question each answers", example=example))
    query = command(actions, "query", run, help="run one of the queries", example=example)
    query.add_argument("name", metavar="NAME", help="as `watchline audit list` shows it")
    query.add_argument("--show", action="store_true", help="print the SQL and what its parameters mean; run nothing")
    add_parameters(query)
    add_format(query)
    command(
        actions,
        "records",
        records_,
        help="write the record of processing activities (GDPR, article 30) of every registered app, as Markdown",
        description="Writes, of every app that is registered in the audit trail, its purpose, legal basis, retention "
        "and places of storage as Markdown. What nobody has recorded stands in [brackets], to be filled in. Reads what "
        "people wrote: for the auditor's or the data protection officer's login.",
        example="  watchline audit records > records-of-processing.md",
    )
    verify = command(
        actions,
        "verify",
        verify_,
        help="check the audit trail: each entry, the rules, the anchors, and that the topic has the same",
        description="Checks the stored audit trail from its first entry on: that none was changed, left out or moved, "
        "that each was signed by whom it names and is accepted or rejected as the rules say, that it is what was "
        "anchored, and what the topic has. Names the first entry that is wrong; the exit code is 1 then.",
        example="  watchline audit verify",
    )
    verify.add_argument("--no-topic", action="store_true", help="don't compare it with Kafka's topic")
    export = command(
        actions,
        "export",
        export_,
        help="write the audit trail as one file that can be checked with Python alone",
        example="  watchline audit export trail.zip\n  unzip trail.zip verify.py && python verify.py trail.zip",
    )
    export.add_argument("file", type=Path, metavar="FILE.zip", help="a new file")
    drill = command(
        actions,
        "drill",
        drill_,
        help="play an attacker who can write to store and topics, against a system of its own",
        description="Starts a broker and a store in a throwaway folder, never yours, with people, prompts and events, "
        "some of them erased. Then plays who can write to both, as an insider without a root or an approver's key: "
        "forges, replays, edits, deletes, re-orders, brings back what was erased. For each attack it prints what "
        "stopped or named it, in its own words. The exit code is 1 where one went unnoticed. Takes about a minute.",
        example="  watchline audit drill\n  watchline audit drill --only truncate --only from-backup",
    )
    drill.add_argument(
        "--only", action="append", metavar="NAME", default=[], help="this attack alone; may come more than once"
    )
    drill.add_argument("--json", action="store_true", help="print it as JSON, with what each attack does")


def list_(args: argparse.Namespace) -> int:
    """Prints names, questions and parameters with their defaults, who asks that, and what each leaves open."""
    from watchline.dashboards import audits

    queries = [audits.load(name) for name in audits.names()]
    rows = [
        [
            each.name,
            each.question,
            " ".join(f"{k}={v}" for k, v in each.parameters.items()),
            each.asked_by,
            each.not_answered,
        ]
        for each in queries
    ]
    output.write(["name", "question", "parameters", "asked_by", "not_answered"], rows, args.format)
    return 0


def run(args: argparse.Namespace) -> int:
    """Prints the rows of one audit query."""
    from watchline.dashboards import audits
    from watchline.streams.cli.recorded import open_queries
    from watchline.streams.settings import load

    values = dict(args.parameters)
    try:
        audit = audits.load(args.name)
        audit.statement(**values)
    except ConfigurationError as error:
        raise UsageError(str(error)) from None
    if args.show:
        output.out(audit.sql.rstrip())
        return 0
    with open_queries(load()) as queries:
        result = queries.query(audit.sql, {**audit.parameters, **values})
    output.write(result.columns, result.rows, args.format)
    return 0


def records_(args: argparse.Namespace) -> int:
    """Prints the record."""
    from watchline.dashboards import audits
    from watchline.streams.governance import records
    from watchline.streams.query.open import open_queries
    from watchline.streams.settings import load

    asked = [audits.load(name) for name in ("records_of_processing", "unregistered_traffic")]
    with open_queries(load()) as queries:
        apps, traffic = (queries.query(audit.sql, audit.parameters).by_column for audit in asked)
    if not apps:
        raise ConfigurationError("no app is registered: watchline governance record use_case_registered APP ...")
    text = records.markdown(apps, (row["app"] for row in traffic if row["what"] == "app"))
    output.out(output.safe(text, lines=True))
    return 0


def verify_(args: argparse.Namespace) -> int:
    """Prints what was verified, and the first fault."""
    from watchline.streams.governance import anchors, place, verify
    from watchline.streams.governance.keys import Roots
    from watchline.streams.governance.log import Log
    from watchline.streams.settings import load

    settings = load()
    roots = Roots.read(place.roots_file(settings))
    topic = None if args.no_topic else Log(settings).read()
    with _entries(settings, roots.log) as entries:
        report = verify.verify(entries, anchors.read(place.anchor_file(settings)), roots, topic)
    for fault in report.faults:
        output.out(output.colour(f"NOT VALID: {output.safe(fault)}", "red"))
    if not report.faults:
        output.out(output.colour(f"VALID: {report.entries:,} entries, of which {report.rejected:,} rejected", "green"))
        output.out(f"anchors: {report.anchors:,}, the last at {report.anchored:,}" if report.anchors else "no anchors")
        if report.unprotected:
            output.out(
                f"{report.unprotected:,} entries came after the last anchor: that none was cut off or rewritten there "
                "is not shown"
            )
        compared = "not compared" if report.in_topic is None else f"the same {report.in_topic:,} entries"
        output.out(f"topic: {compared}")
    return int(bool(report.faults))


def export_(args: argparse.Namespace) -> int:
    """Writes the bundle."""
    from watchline.streams.governance import anchors, bundle, place
    from watchline.streams.governance.keys import Roots
    from watchline.streams.settings import load

    settings = load()
    roots = Roots.read(place.roots_file(settings))
    with _entries(settings, roots.log) as entries:
        written = bundle.write(args.file, entries, anchors.read(place.anchor_file(settings)), roots)
    output.out(f"{written.entries:,} entries and {written.anchors:,} anchors in {args.file}, SHA-256 {written.sha256}")
    return 0


@contextmanager
def _entries(settings: Settings, log: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The entries that are stored; shows how far they are read."""
    from watchline.streams.governance import verify
    from watchline.streams.query.open import open_queries

    def shown() -> Iterator[dict[str, Any]]:
        sql = "SELECT count() FROM v_governance WHERE log = {log:String}"
        total = int(queries.query(sql, {"log": log}).rows[0][0])
        for number, entry in enumerate(verify.stored(queries, log), 1):
            yield entry
            if number % verify.PAGE == 0 or number == total:
                output.progress(number, total, "entries")

    with open_queries(settings) as queries:
        yield shown()


def drill_(args: argparse.Namespace) -> int:
    """Plays the attacks, and says what answered each."""
    import logging

    from watchline.streams.governance.drill.drill import ATTACKS, play
    from watchline.streams.governance.drill.world import world

    if unknown := [name for name in args.only if name not in ATTACKS]:
        raise UsageError(f"no attack is called {output.safe(unknown[0])}; there are: {', '.join(ATTACKS)}")
    logging.getLogger("watchline").addHandler(logging.NullHandler())  # what is rejected is said in the table
    names = args.only or [*ATTACKS]
    found = []
    with world() as attacked:
        for played in play(attacked, names):
            found.append(played)
            output.progress(len(found), len(names), "attacks")
    columns, rows = ["attack", "answer", "by", "says", "seconds"], [played.row for played in found]
    if args.json:
        output.write([*columns, "does"], [[*played.row, played.does] for played in found], "json")
    else:
        output.write(columns, rows, "table")
    bad = [played.attack for played in found if not played.is_good]
    if not args.json:
        unproven = sum(played.answer.word == "unproven" for played in found)
        said = f"{len(found) - len(bad) - unproven} of {len(found)} attacks were stopped or named"
        said += f"; {unproven} can't be tried here" if unproven else ""
        output.out(output.colour(f"{said}; not so: {', '.join(bad)}" if bad else said, "red" if bad else "green"))
    return int(bool(bad))
