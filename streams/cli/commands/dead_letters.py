"""`watchline dead-letters`: what was given up, why, and how to send it back."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from watchline.schemas.errors import WatchlineError
from watchline.streams.cli import letters, output
from watchline.streams.cli.arguments import add_format, command, number
from watchline.streams.cli.output import as_json, out, progress, safe
from watchline.streams.duration import duration

if TYPE_CHECKING:
    from watchline.streams.dead_letters import DeadLetter
    from watchline.streams.settings import Settings

SHOWN_BYTES = 64 * 1024
EXAMPLE = """  watchline dead-letters list --counts                         how many, and why
  watchline dead-letters list --kind refused --since 2h
  watchline dead-letters show watchline.interactions/0/4711    one letter; --raw shows its text too
  watchline dead-letters replay --kind refused --dry-run
  watchline dead-letters replay --kind refused                 send them back, once the cause is gone"""


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "dead-letters",
        list_,
        help="list, show and send back what could not be processed",
        description="A dead letter is a message, or one event of a message, that could not be decoded, is invalid, "
        "could not be redacted or was refused by the store. Coordinates, kind and reason are rows (v_dead_letters); "
        "the bytes, not redacted, are in the dead-letter topic for WATCHLINE_DEAD_LETTER_RETENTION_S seconds, and from "
        "there `replay` sends them back.",
        example=EXAMPLE,
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = command(
        actions,
        "list",
        list_,
        help="the letters, latest first, or how many there are of each kind and reason",
        description="Lists the letters that are not resolved, latest first. A letter is resolved when it was sent back "
        "and all of it is stored.",
        example=EXAMPLE,
    )
    letters.add_filters(listing, "--all")
    listing.add_argument(
        "--counts", action="store_true", help="how many by topic, app, kind and reason, instead of each"
    )
    listing.add_argument(
        "--limit", type=number(1, letters.MOST), default=100, metavar="N", help="at most N rows (default: 100)"
    )
    add_format(listing)

    showing = command(
        actions,
        "show",
        show,
        help="one letter: where it died and why; with --raw what it says",
        description="Shows what is on record of a letter. With --raw also its content from the dead-letter topic: what "
        "an app sent, personal data and all, before any redaction. Think of who sees your screen and your logs.",
        example=EXAMPLE,
    )
    showing.add_argument("letter", metavar="LETTER", type=letters.name, help=letters.NAME_HELP)
    showing.add_argument("--raw", action="store_true", help="show the content: not redacted, so personal data too")

    replaying = command(
        actions,
        "replay",
        replay,
        help="send letters back to the topic they came from",
        description="Sends letters that are not resolved back to the topic they came from, as the bytes they were; the "
        "worker reads them there like any message. Mend the cause first (upgrade, let the store take the row): what "
        "died of its own bytes dies again, as the same letter, and the brake doesn't count it. Twice does no harm: an "
        "event is stored once, however often it comes. Without a choice all unresolved letters are sent.",
        example=EXAMPLE,
    )
    replaying.add_argument("letters", metavar="LETTER", nargs="*", type=letters.name, help=letters.NAME_HELP)
    letters.add_filters(replaying, "--again")
    replaying.add_argument("--dry-run", action="store_true", help="say what would be sent; send nothing")


def list_(args: argparse.Namespace) -> int:
    """Prints letters, or counts by app, kind and reason."""
    from watchline.streams.settings import load

    if args.counts:
        select = (
            "topic, app, kind, reason, count() AS letters, countIf(replayed_at IS NOT NULL) AS replayed, "
            "countIf(resolved) AS resolved_letters, min(d.time) AS first_time, max(d.time) AS last_time"
        )
        tail = "GROUP BY topic, app, kind, reason ORDER BY letters DESC, app, reason"
    else:
        select = (
            f"{letters.NAME} AS letter, d.time AS time, app, kind, reason, size_bytes, event_id, replayed_at, resolved"
        )
        tail = "ORDER BY d.time DESC, letter"
    columns, rows = letters.rows(load(), select, f"{tail} LIMIT {args.limit}", **_filters(args))
    output.write(columns, [list(row.values()) for row in rows], args.format)
    return 0


def show(args: argparse.Namespace) -> int:
    """Prints one letter, or all of that name; 1 where there is none."""
    from watchline.streams.settings import load

    settings = load()
    select = f"{letters.NAME} AS letter, * EXCEPT (topic, partition, offset, event_index), topic, partition, offset"
    _, rows = letters.rows(settings, f"{select}, event_index", "ORDER BY d.time", names=[args.letter])
    if not rows:
        raise WatchlineError(f"no dead letter {args.letter}; see `watchline dead-letters list --all`")
    contents = _contents(settings, {letters.key(row) for row in rows}) if args.raw else {}
    for row in rows:
        for name, value in row.items():
            out(f"{name:<12}  {safe('' if value is None else str(value))}".rstrip())
        if args.raw:
            value = contents.get(letters.key(row))
            out(_gone(settings) if value is None else _readable(settings, value, str(row["topic"])))
    return 0


def replay(args: argparse.Namespace) -> int:
    """Sends letters back; 1 where some could not be sent."""
    from watchline.streams.kafka import topics
    from watchline.streams.kafka.replay import send_back
    from watchline.streams.settings import load

    settings = load()
    # Those that were never sent come first: where there are more than one run takes, the next run takes others.
    tail = f"ORDER BY replayed_at NULLS FIRST, d.time LIMIT {letters.MOST}"
    columns = "topic, topic_id, partition, offset, event_index, sha256"
    _, rows = letters.rows(settings, columns, tail, names=args.letters, **_filters(args))
    read_anew = {topics.interactions(settings.topic_prefix), topics.feedback(settings.topic_prefix)}
    wanted = {letters.key(row) for row in rows if row["topic"] in read_anew}
    refused = Counter(
        f"the monitors of {row['topic']} skip what is old" for row in rows if row["topic"] not in read_anew
    )
    sent: Counter[str] = Counter()
    if args.dry_run:
        sent.update(letter.topic for letter in _take(settings, wanted))
    else:

        def note(letter: DeadLetter) -> None:
            sent[letter.topic] += 1
            progress(sent.total(), len(rows), "sent")

        refused.update(send_back(settings, _take(settings, wanted), note))
    refused.update({_gone(settings): len(wanted)})
    for topic, count in sorted(sent.items()):
        out(f"{count} {'would be sent' if args.dry_run else 'sent'} back to {safe(topic)}")
    for reason, count in refused.items():
        if count:
            out(f"{count} not sent: {safe(reason)}")
    if not rows:
        out("no unresolved dead letter of that description: nothing to send back")
    if len(rows) == letters.MOST:
        out(f"there may be more than these {letters.MOST:,}: run it again for the rest")
    if sent and not args.dry_run:
        out("what dies again stays on `watchline dead-letters list`, once the worker has read it")
    return int(refused.total() > 0 or bool(args.letters and not rows))


def _gone(settings: Settings) -> str:
    kept = duration(settings.dead_letter_retention_s)
    return f"the bytes are gone: the dead-letter topic keeps them for {kept} only"


def _filters(args: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(args, name) for name in ("kind", "reason", "topic", "since", "resolved")}


def _take(settings: Settings, wanted: set[str]) -> Iterator[DeadLetter]:
    """Those that are wanted, each once; what is left in `wanted` at the end was not there."""
    from watchline.streams.kafka.replay import read

    for letter in read(settings) if wanted else ():
        if letter.key in wanted:
            wanted.discard(letter.key)
            yield letter
        if not wanted:
            return


def _contents(settings: Settings, wanted: set[str]) -> dict[str, bytes]:
    return {letter.key: letter.value for letter in _take(settings, wanted)}


def _readable(settings: Settings, value: bytes, topic: str) -> str:
    """The record as JSON where it is one, else the bytes; nothing in it can steer a terminal."""
    from watchline.schemas.codec import decode, to_plain
    from watchline.schemas.records import Feedback, InteractionBatch
    from watchline.streams.kafka import schema_registry, topics

    registry = schema_registry.connect(settings.schema_registry, settings.topic_prefix)
    record = Feedback if topic == topics.feedback(settings.topic_prefix) else InteractionBatch
    try:
        return as_json(to_plain(decode(value, record, registry)), indent=2)
    except WatchlineError as error:  # poison, or the registry is away
        text = safe(value[:SHOWN_BYTES].decode("utf-8", "backslashreplace"))
        return f"cannot be decoded ({error}); the first {min(len(value), SHOWN_BYTES)} of {len(value)} bytes:\n{text}"
