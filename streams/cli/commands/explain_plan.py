"""`watchline explain-plan`: what scoring a batch consists of, and what each detector costs."""

from __future__ import annotations

import argparse
import dataclasses
from itertools import islice
from typing import Any

from watchline.streams.cli.arguments import UsageError, command
from watchline.streams.cli.output import as_json, out, write


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "explain-plan",
        run,
        help="how a batch is scored: what each detector reads, what they share, what it costs",
        description="Scores one batch as a worker would, with the detectors, models and device in force, and prints "
        "how: to how many events each detector applies, which texts it wants embedded and shares with another, what "
        "went through each model, and the time. The models are warm by then. Nothing is sent or stored. Without a FILE "
        "the events are those of the demo.",
        example="  watchline explain-plan\n  watchline explain-plan mine.jsonl --events 256 --json",
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="events as `watchline emit` takes them")
    parser.add_argument("--events", type=int, default=64, help="how many of the first make up the batch (default: 64)")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(args: argparse.Namespace) -> int:
    """Prints the plan."""
    from watchline.detectors import registry
    from watchline.detectors.pii.redaction import Redacted
    from watchline.detectors.pii.redactor import Redactor
    from watchline.detectors.scorer import Scorer
    from watchline.streams.settings import load

    if args.events < 1:
        raise UsageError("--events: 1 or more")
    settings = load()
    interactions = _read(args.file, args.events) if args.file else _recorded(args.events)
    device, thresholds = settings.encoder_device, settings.thresholds
    detectors = registry.load(settings.detectors, settings.models, device=device, thresholds=thresholds)
    scorer = Scorer(detectors, device=device, thresholds=thresholds)
    redactor = Redactor(enabled=settings.redaction, device=scorer.device)

    def redacted(some: list[Any]) -> list[Redacted]:
        return [outcome for outcome in redactor.redact(some) if isinstance(outcome, Redacted)]

    scorer.score(redacted(_warm_up(interactions)))
    plan = scorer.explain(redacted(interactions))
    not_redacted = len(interactions) - plan.events
    if args.json:
        out(as_json({**dataclasses.asdict(plan), "not_redacted": not_redacted}, indent=2))
    else:
        _print(plan, not_redacted)
    return 0


def _print(plan: Any, not_redacted: int) -> None:
    out(f"{plan.events} events on {plan.device}" + (f", {not_redacted} more not redacted" if not_redacted else ""))
    out()
    write(
        ["detector", "version", "evaluated", "failed", "texts", "shared", "ms an event", "doesn't apply"],
        [
            [
                name,
                share.version,
                share.evaluated,
                share.failed,
                f"{share.texts:,}",
                f"{share.shared:,}",
                f"{1000 * share.seconds / max(plan.events, 1):.1f}",
                ", ".join(f"{reason}: {count}" for reason, count in share.not_applicable.items()),
            ]
            for name, share in plan.detectors.items()
        ],
        "plain",
    )
    out()
    out(f"to embed: {plan.texts:,} distinct texts with the prompts, {plan.known:,} of them known from before")
    out()
    write(
        ["model", "read", "tokens", "padding", "packs"],
        [
            [
                name,
                f"{passes.items:,}",
                f"{passes.tokens:,}",
                f"{1 - passes.tokens / max(passes.padded_tokens, 1):.1%}" if passes.packs else "-",
                f"{passes.packs:,}",
            ]
            for name, passes in plan.models.items()
        ],
        "plain",
    )


def _recorded(events: int) -> list[Any]:
    from watchline.streams.demo import recording

    return list(recording.load().interactions[:events])


def _read(path: str, events: int) -> list[Any]:
    from watchline.schemas.records import Interaction
    from watchline.streams.cli.commands.emit import LineError, arguments, opened
    from watchline.streams.producer.arguments import ArgumentError, fields

    interactions = []
    with opened(path) as (file, _):
        for number, line in enumerate(islice((line for line in file if line.strip()), events), 1):
            try:
                given = {**arguments(line), "event_id": None, "time": None}
                read = fields(given, strict=True)
                interactions.append(Interaction(event_id=str(number), time=0, app="explain-plan", **read))
            except (LineError, ArgumentError) as error:
                raise UsageError(f"{path}: event {number}: {error}") from None
    if not interactions:
        raise UsageError(f"{path}: no events")
    return interactions


def _warm_up(interactions: list[Any]) -> list[Any]:
    """One event that loads what is loaded at first use; its texts are its own, so that none is known afterwards."""
    from watchline.schemas.records import Document, Message

    return [
        dataclasses.replace(
            interactions[0],
            input_messages=(Message("user", "Do people from here like the models to be warm?"),),
            output_messages=(Message("assistant", "They do, and so do women and men."),),
            documents=(Document("Whoever measures lets the models become warm, say women and men."),),
        )
    ]
