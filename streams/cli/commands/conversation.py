"""`watchline conversation`: the turns of one conversation, in order."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from watchline.schemas.errors import WatchlineError
from watchline.schemas.pseudonyms import pseudonym
from watchline.streams.cli.arguments import command
from watchline.streams.cli.output import as_json, colour, labelled, out, safe

Row = Mapping[str, Any]
_OF_IT = "(SELECT event_id FROM v_interactions WHERE conversation_id IN ({id:String}, {stored_as:String}))"
_TURNS = """
SELECT time, event_id, app, prompt_name, prompt_version, model, input, output, tool_calls, error_type, latency_s
FROM v_interactions
WHERE conversation_id IN ({id:String}, {stored_as:String})
ORDER BY time, event_id
"""
_FLAGS = f"""
SELECT event_id, detector, score, alert
FROM v_findings
WHERE flagged AND event_id IN {_OF_IT}
ORDER BY score DESC, detector
"""  # noqa: S608
_FEEDBACK = f"SELECT event_id, rating, comment FROM v_feedback WHERE event_id IN {_OF_IT} ORDER BY time"  # noqa: S608


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "conversation",
        run,
        help="show a conversation turn by turn, with what was flagged and the users' feedback",
        description="Shows the events of one conversation in order, each with what the user said last, calls of tools, "
        "the answer, what was flagged and feedback. Texts are as stored: after redaction.",
        example="  watchline conversation order-4711\n  watchline conversation order-4711 --json",
    )
    parser.add_argument("id", metavar="ID", help="conversation_id, as the app gave it or as it is stored")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(args: argparse.Namespace) -> int:
    """Prints the turns; 1 when there are none."""
    from watchline.streams.cli.recorded import open_queries
    from watchline.streams.settings import load

    settings = load()
    key = settings.pseudonym_key.get_secret_value()
    names = {"id": args.id, "stored_as": pseudonym(args.id, key) if key else args.id}
    with open_queries(settings) as queries:
        turns, flags, feedback = (queries.query(sql, names).by_column for sql in (_TURNS, _FLAGS, _FEEDBACK))
    if not turns:
        raise WatchlineError(
            f"no event of conversation {safe(args.id)}: `conversation_id` in v_interactions has them all"
        )
    by_event = {name: _by_event(rows) for name, rows in (("flagged", flags), ("feedback", feedback))}
    whole = [{**turn, **{name: rows[turn["event_id"]] for name, rows in by_event.items()}} for turn in turns]
    if args.json:
        out(as_json(whole, indent=2))
        return 0
    for turn in whole:
        _print(turn)
    return 0


def _by_event(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["event_id"]].append({name: value for name, value in row.items() if name != "event_id"})
    return found


def _print(turn: Row) -> None:
    from watchline.streams.cli.events import clock, flag, prompt

    about = [clock(turn["time"]), turn["app"], prompt(turn["prompt_name"], turn["prompt_version"]), turn["model"]]
    out(colour(safe("  ".join(about)), "bold") + colour(f"  {turn['event_id']}", "dim"))
    labelled("user", turn["input"])
    for call in turn["tool_calls"]:
        labelled("tool", f"{call['name']} {call['arguments']}" + (f" -> {call['result']}" if call["result"] else ""))
    labelled("assistant", turn["output"])
    labelled("error", turn["error_type"])
    labelled("flagged", ", ".join(flag(row["detector"], row["score"], alert=row["alert"]) for row in turn["flagged"]))
    for said in turn["feedback"]:
        rating = "" if said["rating"] is None else f"rating {said['rating']}"
        labelled("feedback", ", ".join(filter(None, [rating, said["comment"]])))
    out()
