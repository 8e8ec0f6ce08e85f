"""`watchline prompts impact`: what a version changes in production, however often one looks."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from watchline.streams.cli.arguments import UsageError, moment, share
from watchline.streams.cli.output import as_json, colour, out, safe, write

if TYPE_CHECKING:
    from watchline.streams.comparison.impact import Compared
    from watchline.streams.comparison.traffic import SideBySide

MARGIN = 0.05


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.description = (
        "Compares version B of a prompt with version A in the time in which both ran in production, as with a canary: "
        "which share of the answers each detector has flagged, errors, latency, cost, and what people said. You may "
        "look as often as you like: in 95 of 100 comparisons of equal versions no look ever says better or worse, of "
        "all measures together, as long as the beginning stays. Each conversation counts once; from 50 on, intervals "
        "are by the normal approximation."
    )
    parser.epilog = "example:\n  watchline prompts impact answer 6 7 --app shop --environment prod --since 3d"
    parser.add_argument("name", metavar="NAME", help="of the prompt; what it was called before counts too")
    parser.add_argument("a", metavar="A", help="the version to compare with, as the events name it")
    parser.add_argument("b", metavar="B", help="the version that is new")
    parser.add_argument("--app", default="", metavar="APP", help="whose it is, where several have such a prompt")
    parser.add_argument("--environment", default="", metavar="NAME", help="where it runs, where it does in several")
    parser.add_argument(
        "--since", type=moment, default="30d", metavar="TIME",
        help="by the events' time: ISO 8601 (UTC where it has no zone), or 30m, 2h, 3d (default: 30d)",
    )  # fmt: skip
    parser.add_argument("--until", type=moment, metavar="TIME", help="likewise (default: now)")
    add_margin(parser)
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def add_margin(parser: argparse.ArgumentParser) -> None:
    """Adds `--margin`."""
    parser.add_argument(
        "--margin", type=share, default=MARGIN, metavar="SHARE",
        help="up to which a difference doesn't matter: of shares their difference, of latency and cost a part of the "
        f"mean (default: {MARGIN:g})",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Prints the comparison; 1 where the versions did not run side by side."""
    from watchline.streams.cli.recorded import open_queries
    from watchline.streams.comparison import impact, traffic
    from watchline.streams.settings import load

    until = args.until or datetime.now(UTC)
    if args.a == args.b:
        raise UsageError("A and B are the same version")
    if args.since >= until:
        raise UsageError("--since is not before --until")
    with open_queries(load()) as queries:
        found = traffic.read(
            queries, args.name, args.a, args.b, app=args.app, environment=args.environment, since=args.since,
            until=until,
        )  # fmt: skip
    if found.values is None:
        return _apart(found, args)
    compared = impact.compare(found.measures, found.values[args.a], found.values[args.b], margin=args.margin)
    word, sentence = impact.verdict(compared, old=args.a, new=args.b, margin=args.margin, answers=found.answers)
    if args.json:
        rows = [_row(each, found.answers) for each in compared]
        out(as_json({**_facts(found, args), "verdict": word, "sentence": sentence, "measures": rows}, indent=2))
        return 0
    out(safe(f"{args.name} of {found.app} in {found.environment}, from {_minute(found.since)} to "
             f"{_minute(found.until)} UTC: {found.answers:,} answers"))  # fmt: skip
    _print(compared, found, args)
    shade = {"better": "green", "worse": "red", "mixed": "red"}.get(word)
    out(colour(safe(sentence), shade) if shade else safe(sentence))
    return 0


def _apart(found: SideBySide, args: argparse.Namespace) -> int:
    times = "; ".join(
        f"version {version} from {_minute(found.ran[version].first)} to {_minute(found.ran[version].last)}"
        for version in (args.a, args.b)
    )
    sentence = (
        f"no verdict: versions {args.a} and {args.b} did not run side by side ({times} UTC), and what else has "
        "changed in between would be compared too; `watchline prompts canary` lets them"
    )
    if args.json:
        facts = {**_facts(found, args), "verdict": "apart", "sentence": sentence, "measures": []}
        out(as_json(facts, indent=2))
    else:
        out(safe(sentence))
    return 1


def _facts(found: SideBySide, args: argparse.Namespace) -> dict[str, Any]:
    return {
        "prompt": args.name, "app": found.app, "environment": found.environment, "a": args.a, "b": args.b,
        "margin": args.margin, "since": found.since, "until": found.until, "answers": found.answers,
        "ran": {version: {"answers": ran.answers, "first": ran.first, "last": ran.last}
                for version, ran in found.ran.items()},
    }  # fmt: skip


def _row(each: Compared, answers: int) -> dict[str, Any]:
    low, high = each.interval
    return {
        "measure": each.measure.name, "a": each.before.mean, "b": each.after.mean,
        "difference": each.after.mean - each.before.mean, "low": low, "high": high, "level": 1 - each.alpha,
        "conversations_a": each.before.size, "conversations_b": each.after.size, "says": each.says,
        "answers_needed": round((each.factor - 1) * answers) if each.says == "open" else 0,
    }  # fmt: skip


def _print(compared: Sequence[Compared], found: SideBySide, args: argparse.Namespace) -> None:
    from watchline.streams.comparison.impact import answers_needed

    rows = []
    for each in compared:
        says = each.says
        low, high = each.interval
        shown = _points if each.measure.bounded else _amount
        difference = each.after.mean - each.before.mean
        rows.append([
            each.measure.name, shown(each.before.mean), shown(each.after.mean), shown(difference, "+"),
            f"{shown(low, '+')} to {shown(high, '+')}", f"{each.before.size:,.0f}", f"{each.after.size:,.0f}",
            {"same": f"no difference larger than {args.margin:.3g}", "open": answers_needed(each.factor, found.answers)}
            .get(says, says),
        ])  # fmt: skip
    columns = ["measure", f"version {args.a}", f"version {args.b}", "difference", "95 % for all measures",
               f"conversations {args.a}", f"conversations {args.b}", "verdict"]  # fmt: skip
    write(columns, rows, "table")
    known = {each.measure.name for each in compared}
    if silent := [measure.name for measure in found.measures if measure.name not in known]:
        out(f"not measured of both: {', '.join(map(safe, silent))}")


def _points(value: float, sign: str = "") -> str:
    return f"{100 * value:{sign}.1f} %"


def _amount(value: float, sign: str = "") -> str:
    return f"{value:{sign}.3g}"


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")
