"""`watchline erase`: erases what is held of a person, a tenant, an event or a conversation, with a certificate."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, redirect_stdout
from pathlib import Path
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.cli.arguments import UsageError, add_format, command
from watchline.streams.cli.commands.governance import append, folded, sign_act
from watchline.streams.cli.output import as_json, colour, out, safe, write

NOTHING_FOUND, PENDING = 3, 4  # exit codes
KINDS = ("subject", "tenant", "event", "conversation")


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "erase",
        run,
        help="erase what is held of a person, tenant, event or conversation, and certify it place by place",
        description="Records the request, signed by who is responsible for privacy. What comes again isn't stored from "
        "then on, no view shows what is there, rows are deleted month by month, and every place is looked at a second "
        "time. The certificate says of each: deleted, nothing there, expires at a time, partly or failed. An id is "
        "looked for as it is given, without blanks at its ends, composed and decomposed (NFC, NFD); case counts. What "
        "is stored under a key of pseudonyms that is gone can't be found by the id: give the pseudonym itself. Exit "
        f"codes: 0 complete, 1 incomplete, {NOTHING_FOUND} nothing found, {PENDING} pending by a hold.",
        example="  watchline erase --subject customer-17 --dry-run\n"
        "  watchline erase --subject customer-17 --subject guest-0f3a --key dpo.pem --reason-file request.txt\n"
        "  watchline erase status",
    )
    parser.add_argument(
        "what", nargs="*", metavar="ACTION", help="status [ID]: how far erasures are; resume ID: go on with one"
    )
    add_ids(parser)
    parser.add_argument("--dry-run", action="store_true", help="say how many rows each table has of it; change nothing")
    parser.add_argument("--key", type=Path, metavar="FILE.pem", help="your private key; it is read, and never sent")
    parser.add_argument("--reason-file", type=Path, metavar="FILE", help="why, in your words, which can be erased")
    parser.add_argument("--deadline", type=float, default=3600.0, metavar="SECONDS", help="then stop (default: 3600)")
    parser.add_argument(
        "--drop-detached",
        action="store_true",
        help="delete parts that ClickHouse has set aside: nobody can look into them",
    )
    add_format(parser)


def add_ids(parser: argparse.ArgumentParser, kinds: tuple[str, ...] = KINDS) -> None:
    """Adds what names a person, and the keys of pseudonyms."""
    meant = {
        "subject": "the app's id of a person, or a row's pseudonym; may come more than once; -: from standard input",
        "tenant": "a tenant",
        "event": "an event's id",
        "conversation": "a conversation's id",
    }
    one = parser.add_mutually_exclusive_group()
    for kind in kinds:
        one.add_argument(f"--{kind}", action="append", metavar="ID", help=meant[kind])
    parser.add_argument("--app", default="", metavar="APP", help="in this app alone")
    parser.add_argument(
        "--old-key-file",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="with an earlier key of pseudonyms",
    )


def ids_of(args: argparse.Namespace, settings: Any) -> tuple[Any, list[str], list[str]]:
    """What is meant: its kind, the ids as they were given, and the keys of pseudonyms."""
    from watchline.streams.governance import erasing

    for kind in KINDS:
        if given := getattr(args, kind, None):
            texts = [line for text in given for line in (sys.stdin.read().splitlines() if text == "-" else [text])]
            if kind != "subject" and len(texts) > 1:
                raise UsageError(f"one {kind} at a time")
            if not texts:
                raise UsageError("no id came on standard input")
            return kind, texts, [*keys_here(settings), *erasing.read_keys(args.old_key_file)]
    raise UsageError(f"whose? One of {', '.join(f'--{kind}' for kind in KINDS if hasattr(args, kind))}")


def keys_here(settings: Any) -> list[str]:
    """The keys of pseudonyms that are set here."""
    from watchline.streams.security import secret_files

    return [*filter(None, (secret_files.read("WATCHLINE_SUBJECT_KEY"), settings.pseudonym_key.get_secret_value()))]


def stored_as(kind: Any, texts: Iterable[str], keys: Sequence[str]) -> list[str]:
    """What ids may be stored as, however the app spells them. Raises UsageError."""
    from watchline.streams.governance import ids

    try:
        return [each for text in texts for each in ids.stored_as(kind, text, keys)]
    except ConfigurationError as error:
        raise UsageError(str(error)) from None


def run(args: argparse.Namespace) -> int:
    """Erases, or says how far erasures are."""
    from watchline.streams.settings import load

    action, *rest = args.what or [""]
    if action not in ("", "status", "resume") or len(rest) > 1 or (action == "resume" and not rest):
        raise UsageError("the actions are: status, status ID, resume ID")
    settings = load()
    if action == "status":
        return _status(settings, rest, args.format)
    return _erase(args, settings, rest[0] if rest else "")


def _erase(args: argparse.Namespace, settings: Any, resumed: str) -> int:
    from watchline.streams.clickhouse.connect import connect
    from watchline.streams.embedded import store
    from watchline.streams.governance import erasing, place
    from watchline.streams.governance.eraser import Eraser
    from watchline.streams.governance.erasure import TARGET, Erasure, Outcome, salt_of_next
    from watchline.streams.governance.keys import Roots
    from watchline.streams.governance.retention import holds_in_force
    from watchline.streams.kafka import tombstones

    texts: list[str] = []
    words: list[str] = []
    if not resumed or any(getattr(args, each) for each in KINDS):
        kind, texts, keys = ids_of(args, settings)
        stored = stored_as(kind, texts, keys)
        words = erasing.words_of(kind, texts, keys)
    if args.dry_run and not resumed:
        salt = secrets.token_hex(16)
        hashes = tuple(tombstones.hash_of(salt, kind, each) for each in stored)
        with store.running(settings), closing(connect(settings)) as client:
            counts = Eraser(client, Erasure("none", kind, args.app, salt, hashes, 0, {})).count()
        write(["place", "rows"], [[f"table {name}", rows] for name, rows in counts.items()], args.format)
        return 0
    if args.key is None:
        raise UsageError("an erasure is signed: --key FILE.pem")
    roots = Roots.read(place.roots_file(settings))
    with store.running(settings), closing(connect(settings, timeout_s=max(65.0, args.deadline))) as client:
        fold = folded(settings, roots)
        if resumed:
            erasure = fold.state.erasures.get(resumed)
            if erasure is None:
                raise ConfigurationError(f"no erasure {safe(resumed)} was asked for: `watchline erase status`")
            if texts and {tombstones.hash_of(erasure.salt, kind, each) for each in stored} - {*erasure.hashes}:
                raise UsageError("this id is not one of those that it was asked for")
        else:
            known, salt = str(_new_id()), salt_of_next(fold.state.erasures)
            hashes = tuple(dict.fromkeys(tombstones.hash_of(salt, kind, each) for each in stored))
            found = erasing.search(settings, words)
            details = {"kind": kind, "salt": salt, "scope": ",".join(hashes), "searched": _json(found)}
            details |= {"app": args.app} if args.app else {}
            reason = {"reason": _reason(args.reason_file)} if args.reason_file else {}
            if any(word in text for word in words for text in reason.values()):
                raise UsageError(f"{args.reason_file} holds the id itself: a reason says why, and not who")
            if _record(settings, roots, args.key, fold, "erasure_requested", TARGET + known, details, reason):
                return 1
            erasure = fold.state.erasures[known]
        before = {name: Outcome.of(said) for name, said in erasure.searched.items()}
        whole, found = erasing.carry_out(
            settings,
            client,
            erasure,
            holds_in_force(fold.state, settings.time_zone),
            searched=lambda: erasing.search(settings, words) if words else before,
            deadline_s=args.deadline,
            told=lambda line: print(line, file=sys.stderr),  # noqa: T201
            drop_detached=args.drop_detached,
        )
    details = {"whole": whole, "places": _json(found)}
    if _record(settings, roots, args.key, fold, "erasure_certified", TARGET + erasure.id, details, {}):
        return 1
    _show(erasure.id, whole, {name: each.as_json for name, each in found.items()}, args.format)
    return {"complete": 0, "incomplete": 1, "nothing found": NOTHING_FOUND, "pending": PENDING}[whole]


def _record(
    settings: Any, roots: Any, key: Path, fold: Any, act: str, target: str, details: Any, texts: Mapping[str, str]
) -> int:
    """Into the trail; what becomes of it is said on standard error."""
    with redirect_stdout(sys.stderr):
        made = sign_act(settings, roots, key, act, target, details, texts, state=fold.state)
        return append(settings, roots, *made, fold)


def _status(settings: Any, wanted: list[str], form: str) -> int:
    from watchline.streams.clickhouse.connect import connect
    from watchline.streams.embedded import store
    from watchline.streams.governance import place
    from watchline.streams.governance.erasing import at_odds, back, hidden_by_none
    from watchline.streams.governance.keys import Roots
    from watchline.streams.query.open import open_queries

    erasures = folded(settings, Roots.read(place.roots_file(settings))).state.erasures
    if wanted:
        if (erasure := erasures.get(wanted[0])) is None:
            raise ConfigurationError(f"no erasure {safe(wanted[0])} was asked for: `watchline erase status`")
        again = {}
        if erasure.is_done:
            with store.running(settings), closing(connect(settings)) as client:
                again = {name: each.as_json for name, each in back(client, erasure).items()}
        whole = "is back" if again else erasure.whole or _WORKING
        _show(erasure.id, whole, {**(erasure.places or {}), **again}, form)
        return int(not erasure.is_done or bool(again))
    rows = [
        [
            each.id,
            time.strftime("%Y-%m-%d %H:%M", time.gmtime(each.time / 1e6)),
            each.kind,
            each.app,
            each.whole or _WORKING,
        ]
        for each in erasures.values()
    ]
    with open_queries(settings) as queries:
        odd = hidden_by_none(queries, erasures) | at_odds(settings, erasures)
    rows += [[erasure, "", "", "", why] for erasure, why in odd.items()]
    write(["erasure", "asked_utc", "kind", "app", "whole"], rows, form)
    return int(not all(row[-1] in ("complete", "nothing found") for row in rows))


_WORKING = "hidden, being deleted"


def _show(erasure: str, whole: str, found: Mapping[str, list[Any]], form: str) -> None:
    from watchline.streams.governance.places import NOT_REACHABLE

    if form == "json":
        places = {
            name: {"word": word, "ground": ground, "rows": rows, "until": until}
            for name, (word, ground, rows, until) in found.items()
        }
        said = {"erasure": erasure, "whole": whole, "places": places, "not_reachable_from_here": dict(NOT_REACHABLE)}
        out(as_json(said, indent=2))
        return
    columns = ["place", "word", "rows", "until", "ground"]
    write(columns, [[name, word, rows, until, ground] for name, (word, ground, rows, until) in found.items()], form)
    if form == "table":
        out("not reachable from here:")
        for name, who in NOT_REACHABLE.items():
            out(f"  {name}: {who}")
        out(colour(f"erasure {erasure}: {whole}", "green" if whole == "complete" else "yellow"))


def _new_id() -> Any:
    from watchline.streams.ids import uuid7

    return uuid7()


def _json(found: Mapping[str, Any]) -> str:
    import json

    return json.dumps({name: each.as_json for name, each in found.items()})


def _reason(path: Path) -> str:
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no text in UTF-8"
        raise UsageError(f"cannot read {path}: {reason}") from None
    if not text:
        raise UsageError(f"{path} is empty")
    return text
