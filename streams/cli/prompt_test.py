"""`watchline prompts test`: a version of a prompt on production's last inputs, beside the old one, as a gate for CI."""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchline.schemas.errors import ConfigurationError, WatchlineError
from watchline.streams.cli import prompt_results
from watchline.streams.cli.arguments import UsageError, moment, number
from watchline.streams.cli.output import as_json, out, progress, safe
from watchline.streams.cli.prompt_impact import add_margin

if TYPE_CHECKING:
    from watchline.schemas.records import Interaction
    from watchline.streams.comparison.endpoint import Endpoint, Reply
    from watchline.streams.comparison.gate import Side
    from watchline.streams.comparison.inputs import Input
    from watchline.streams.producer.prompt import Prompt
    from watchline.streams.settings import Settings

LAST, MOST = 100, 2_000
KEY = "WATCHLINE_ENDPOINT_KEY"
Messages = Sequence[Mapping[str, str]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.description = (
        "Sends the last inputs that production had, redacted as they are stored, to an OpenAI-compatible endpoint with "
        "the old and with the new version, scores both answers as a worker would, and compares them input by input. "
        "The endpoint's bearer comes from WATCHLINE_ENDPOINT_KEY alone. The exit code is 1 where the new version is "
        "worse than the margin, 3 where too many calls failed for a verdict, or, with --strict, where more inputs are "
        "needed. Nothing is stored unless --publish says so; where there is an audit trail, it has who sent how many "
        "inputs where."
    )
    parser.epilog = (
        "example:\n  watchline prompts test answer --app shop --new answer.md --old 2 --dry-run\n"
        "  watchline prompts test answer --app shop --new answer.md --old 2 --endpoint http://127.0.0.1:8000/v1 "
        "--model small --junit results.xml"
    )
    parser.add_argument("name", metavar="NAME", help="of the prompt; what it was called before counts too")
    parser.add_argument("--app", required=True, metavar="APP", help="whose it is")
    parser.add_argument(
        "--environment", default="", metavar="NAME", help="of the inputs, and where the old one is live"
    )
    parser.add_argument(
        "--new", required=True, metavar="FILE|N", help="the new version: its file, or number in the log"
    )
    parser.add_argument("--old", metavar="FILE|N", help="the old one (default: what is live in --environment)")
    parser.add_argument("--as", dest="role", choices=("system", "user"), default="system",
                        help="where the prompt stands: before the conversation, or in place of its last message, where "
                        "it has the question as a variable (default: system)")  # fmt: skip
    parser.add_argument("--endpoint", metavar="URL", help="up to /v1: https, or http on loopback")
    parser.add_argument("--model", metavar="NAME", help="that the endpoint runs")
    parser.add_argument("--request", type=_object, default={}, metavar="JSON",
                        help="more fields of each request, such as '{\"temperature\": 0}'")  # fmt: skip
    parser.add_argument("--last", type=number(1, MOST), default=LAST, metavar="N",
                        help=f"how many inputs, each once (default: {LAST}, at most {MOST:,})")  # fmt: skip
    parser.add_argument("--since", type=moment, default="30d", metavar="TIME", help="of the inputs (default: 30d)")
    add_margin(parser)
    parser.add_argument("--timeout", type=number(1, 600), default=60, metavar="SECONDS", help="of a call (default: 60)")
    parser.add_argument("--strict", action="store_true", help="fail too where it takes more inputs to be sure")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the results there, in JUnit's XML")
    parser.add_argument("--publish", action="store_true", help="send the answers to Kafka, as experiments")
    parser.add_argument("--dry-run", action="store_true", help="print what would be sent; send nothing")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs the test."""
    from watchline.streams.cli.recorded import open_queries
    from watchline.streams.comparison import gate, inputs
    from watchline.streams.settings import load

    if not args.dry_run and not (args.endpoint and args.model):
        raise UsageError("--endpoint and --model say where to; --dry-run shows what would be sent")
    settings = load()
    if not set(settings.detectors).difference(gate.OF_INPUTS):
        raise ConfigurationError("WATCHLINE_DETECTORS: none of them judges answers")
    endpoint = _endpoint(args)
    old, new = _prompts(settings, args)
    if old.content_hash == new.content_hash:
        raise UsageError("the old and the new version have the same content")
    with open_queries(settings) as queries:
        given = inputs.read(
            queries, args.name, app=args.app, environment=args.environment, since=args.since, last=args.last
        )
        asked, left_out = _conversations(given, old, new, args)
        bodies = [
            {"side": side, "body": endpoint.body(messages)}
            for _, one, two in asked
            for side, messages in (("old", one), ("new", two))
        ]
        if not args.dry_run:
            _record(settings, endpoint.address, bodies, args)
    if args.dry_run:
        for body in bodies:
            out(as_json(body))
        out(f"would send {2 * len(asked)} requests, of {len(asked)} inputs{prompt_results.said(left_out)}")
        return 0
    begun = time.perf_counter()
    sides = _sides(settings, endpoint, asked, old, new, args)
    events = [each.event_id for each, _, _ in asked]
    return prompt_results.report(args, sides, events, left_out, time.perf_counter() - begun)


def _endpoint(args: argparse.Namespace) -> Endpoint:
    from watchline.streams.comparison.endpoint import Endpoint
    from watchline.streams.security import secret_files

    key = "" if args.dry_run else secret_files.read(KEY)
    address = args.endpoint or "http://127.0.0.1/v1"  # nothing is sent there
    return Endpoint(address, args.model or "", key=key, options=args.request, timeout_s=args.timeout)


def _record(settings: Settings, address: str, bodies: Sequence[Mapping[str, Any]], args: argparse.Namespace) -> None:
    """Writes down that texts leave the system, before they do. Raises QueryError where it can't be written."""
    from watchline.streams.governance.reads.reads import Reads

    reads = Reads(settings)
    who = reads.this_user()
    details = {
        "rows": str(len(bodies) // 2),
        "sha256": hashlib.sha256("".join(as_json(each["body"]) + "\n" for each in bodies).encode()).hexdigest(),
        "app": args.app,
        "prompt": args.name,
        "model": args.model,
        "who": who.who,
        "proven": who.proven,
    }
    reads.before("inputs_sent", address, details, {"name": who.name} if who.name else {})
    reads.spool.turn(all_=True)


def _prompts(settings: Settings, args: argparse.Namespace) -> tuple[Prompt, Prompt]:
    from watchline.streams.cli.version_views import content_of, version_of
    from watchline.streams.governance.prompts.content import canonical
    from watchline.streams.producer.prompt import Prompt

    by_number = [each for each in (args.old, args.new) if each is None or each.isdecimal()]
    item = _item(settings, args) if by_number else None

    def prompt(given: str | None) -> Prompt:
        if item is not None and (given is None or given.isdecimal()):
            chosen = version_of(item, int(given) if given else _live(item, args))
            content = content_of(settings, chosen)
            own = Prompt.default(args.name, content)
            return replace(own, version=str(chosen.number), age_s=0.0, stale=False)
        try:
            own = Prompt.default(args.name, canonical(Path(str(given)).read_bytes()))
            return replace(own, version=own.content_hash[:12], age_s=0.0, stale=False)
        except OSError as error:
            raise UsageError(f"cannot read {given}: {error.strerror}") from None
        except ConfigurationError as error:
            raise UsageError(f"{given}: {error}") from None

    return prompt(args.old), prompt(args.new)


def _item(settings: Settings, args: argparse.Namespace) -> Any:
    from watchline.streams.cli.commands.governance import folded
    from watchline.streams.governance import place
    from watchline.streams.governance.keys import Roots

    items = folded(settings, Roots.read(place.roots_file(settings))).state.prompts.items
    if ("prompt", args.app, args.name) not in items:
        raise UsageError(f"the log has no prompt {safe(args.name)} of {safe(args.app)}: give --old and --new as files")
    return items["prompt", args.app, args.name]


def _live(item: Any, args: argparse.Namespace) -> int:
    place = item.places.get(args.environment)
    if place is None or place.live is None:
        where = f"in {safe(args.environment)}" if args.environment else "without --environment"
        raise UsageError(f"no version is live {where}: say which is the old one by --old")
    live: int = place.live
    return live


def _conversations(
    given: Sequence[Input], old: Prompt, new: Prompt, args: argparse.Namespace
) -> tuple[list[tuple[Input, Messages, Messages]], dict[str, int]]:
    """What is asked of each input with either version, and how many inputs are left out, by reason."""
    from watchline.streams.comparison.inputs import LeftOutError, conversation

    asked: list[tuple[Input, Messages, Messages]] = []
    left_out: dict[str, int] = {}
    for each in given:
        try:
            asked.append((each, conversation(old, each, args.role), conversation(new, each, args.role)))
        except LeftOutError as error:
            left_out[str(error)] = left_out.get(str(error), 0) + 1
    if not asked:
        why = (
            f"all {len(given)} were left out{prompt_results.said(left_out)}"
            if given
            else f"there are none since {args.since:%Y-%m-%d}"
        )
        raise WatchlineError(safe(f"no inputs of {args.name} of {args.app} to test with: {why}"))
    return asked, left_out


def _sides(
    settings: Settings, endpoint: Endpoint, asked: Sequence[tuple[Input, Messages, Messages]], old: Prompt, new: Prompt,
    args: argparse.Namespace,
) -> tuple[Side, Side]:  # fmt: skip
    from watchline.streams.comparison import gate

    calls = [call for _, one, two in asked for call in (("old", one), ("new", two))]
    most = int(gate.MOST_FAILED * len(asked))
    replies = endpoint.ask(calls, most_failed=most, done=lambda done: progress(done, len(calls), "calls"))
    answers = [
        _answer(each, prompt, messages, reply, args)
        for number, (each, one, two) in enumerate(asked)
        for prompt, messages, reply in ((old, one, replies[2 * number]), (new, two, replies[2 * number + 1]))
    ]
    if args.publish:
        _publish(answers, {prompt.version: prompt for prompt in (old, new)}, settings, args)
    flagged = _flagged(settings, answers)
    return gate.Side(replies[::2], flagged[::2]), gate.Side(replies[1::2], flagged[1::2])


def _flagged(settings: Settings, answers: Sequence[Interaction | None]) -> list[Mapping[str, bool]]:
    from watchline.detectors import registry
    from watchline.detectors.pii.redactor import Redactor
    from watchline.detectors.scorer import Scorer
    from watchline.streams.comparison import gate

    device, thresholds = settings.encoder_device, settings.thresholds
    names = [name for name in settings.detectors if name not in gate.OF_INPUTS]
    scorer = Scorer(
        registry.load(names, settings.models, device=device, thresholds=thresholds),
        device=device,
        thresholds=thresholds,
    )
    redactor = Redactor(enabled=settings.redaction, device=scorer.device)
    total = sum(each is not None for each in answers)
    return gate.scored(answers, redactor, scorer, lambda done: progress(done, total, "answers scored"))


def _answer(
    given: Input, prompt: Prompt, messages: Messages, reply: Reply, args: argparse.Namespace
) -> Interaction | None:
    """What a worker would see of the call, with production's question: both sides are held against the same."""
    from watchline.schemas.records import Interaction, Message
    from watchline.streams.ids import uuid7

    if reply.kind != "answered":
        return None
    return Interaction(
        event_id=uuid7(),
        time=time.time_ns() // 1000,
        app=args.app,
        environment=args.environment or "default",
        source="experiment",
        request_model=args.model,
        prompt_name=args.name,
        prompt_version=prompt.version,
        prompt_hash=prompt.content_hash,
        prompt_variables=dict(given.variables),
        system_instructions=messages[0]["content"] if args.role == "system" else "",
        input_messages=given.messages,
        output_messages=(Message("assistant", reply.text),),
        documents=given.documents,
        latency_s=reply.latency_s,
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
        attributes={"watchline.tested_input": given.event_id},
    )


def _publish(
    answers: Sequence[Interaction | None], prompts: Mapping[str, Prompt], settings: Settings, args: argparse.Namespace
) -> None:
    from watchline import Producer

    environment = args.environment or None
    with Producer(settings.kafka_url, app=args.app, environment=environment, source="experiment") as producer:
        for each in filter(None, answers):
            producer.emit(
                input=[{"role": said.role, "content": said.content} for said in each.input_messages],
                output=each.output, model=args.model, system=each.system_instructions,
                documents=[asdict(document) for document in each.documents], prompt=prompts[each.prompt_version or ""],
                prompt_variables=each.prompt_variables, latency_s=each.latency_s, attributes=each.attributes,
                usage={"input_tokens": each.input_tokens, "output_tokens": each.output_tokens}, event_id=each.event_id,
            )  # fmt: skip
    if producer.stats.dropped or not producer.stats.delivered:
        raise WatchlineError(f"Kafka took {producer.stats.delivered} answers; {producer.stats.dropped} are lost")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("not a JSON object")
    return value
