"""`watchline export`: events as files for training and analysis, by consent, recorded; what an export holds of whom."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.cli.arguments import UsageError, actions_of, add_format, command, moment
from watchline.streams.cli.output import colour, out, safe, write

NONE_NEEDED = "none-needed"
PSEUDONYM = re.compile("[0-9a-f]{8}:[0-9a-f]{64}")
SOURCES = ("production", "experiment", "replay", "canary")
FILTERS = {
    "app": "app",
    "environment": "environment",
    "prompt": "prompt, by its name",
    "model": "model, the one that answered",
    "tenant": "tenant",
}


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "export",
        _export,
        help="write events as files for training and analysis: by consent, each content once, recorded",
        description="Writes the events of a time, as they are stored: after redaction. Only those whose attribute says "
        "that there is consent, or all of them under a legal basis that needs none. Equal contents are taken once. "
        "The same filters give the same bytes; a conversation stays in its part whenever and wherever it is exported. "
        "manifest.json says what is in it and until when it may be kept, skipped.jsonl what was left out and why, "
        "events.jsonl which line is whose. Where there are root keys the export is an act of the audit trail.",
        example="  watchline export --from 2026-01-01 --to 2026-02-01 --format chat --to-folder january \\\n"
        "    --app shop --consent training=yes --split train=.9,test=.1 --key olga.pem\n"
        "  watchline export check january\n"
        "  watchline export withdraw --subject customer-17 --key dora.pem\n"
        "  watchline export touched january --subject customer-17",
    )
    when = "ISO 8601 (UTC without a zone), or so long ago as 30m, 2h, 3d say"
    parser.add_argument("--from", type=moment, metavar="T", dest="first", help=f"from then on: {when}")
    parser.add_argument("--to", type=moment, metavar="T", dest="end", help="up to then, and without it: likewise")
    parser.add_argument(
        "--format",
        choices=("chat", "openai", "parquet", "jsonl", "csv"),
        dest="form",
        help="chat: messages as TRL, Axolotl and OpenAI take them; openai: with OpenAI's rule for names of tools; the "
        "others: every column of v_interactions",
    )
    parser.add_argument("--to-folder", type=Path, metavar="DIR", dest="folder", help="a new folder")
    for name, what in FILTERS.items():
        parser.add_argument(f"--{name}", default="", metavar=name.upper(), help=f"only of this {what}")
    parser.add_argument("--source", choices=SOURCES, default=SOURCES[0], help="of the calls (default: production)")
    parser.add_argument("--min-rating", type=int, metavar="X", help="only what users have rated, and never below this")
    parser.add_argument(
        "--without-flags",
        default="",
        metavar="DETECTOR,...",
        help="only what these detectors have looked at and not flagged",
    )
    parser.add_argument(
        "--split",
        metavar="train=.9,test=.1",
        help="a file for each part; what is of one conversation is in one (default: one file)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another one splits otherwise (default: 0)")
    parser.add_argument(
        "--consent",
        metavar="ATTRIBUTE=VALUE",
        help=f"the attribute of events by which a person agreed; {NONE_NEEDED} with --legal-basis. Without it there is "
        "nothing to export",
    )
    parser.add_argument("--legal-basis", metavar="BASIS", help="by which no consent is needed; the manifest repeats it")
    parser.add_argument("--key", type=Path, metavar="FILE.pem", help="your private key, by which the export is signed")
    parser.add_argument("--owner", metavar="ID", help="who answers for every copy (default: who signs)")
    action = actions_of(parser, required=False)
    check = action("check", _check, "check that an export is whole, and has what its manifest says")
    check.add_argument("folder", type=Path, metavar="DIR", help="of an export")
    touched = action(
        "touched",
        _touched,
        "show which lines are of an event or a person; without either, of what was withdrawn or erased since",
    )
    touched.add_argument("folder", type=Path, metavar="DIR", help="of an export")
    touched.add_argument("--event", nargs="+", default=[], metavar="ID", help="event_id")
    touched.add_argument(
        "--subject", nargs="+", default=[], metavar="ID", help="as the app has it, or as v_interactions shows it"
    )
    add_format(touched)
    withdraw = action(
        "withdraw", _withdraw, "record that a person takes consent back: no later export has anything of it"
    )
    withdraw.add_argument(
        "--subject", required=True, metavar="ID", help="as the app has it, or as v_interactions shows it"
    )
    withdraw.add_argument(
        "--key", type=Path, required=True, metavar="FILE.pem", help="your private key; it is never sent"
    )


def _export(args: argparse.Namespace) -> int:
    from watchline.streams.export import dataset
    from watchline.streams.query.open import open_queries
    from watchline.streams.settings import load

    if missing := [f"--{option}" for option, name in _NEEDED.items() if getattr(args, name) is None]:
        raise UsageError(f"an export needs {', '.join(missing)}; an example: watchline export --help")
    selection, settings = _selection(args), load()
    flags = tuple(filter(None, args.without_flags.split(",")))
    if unknown := [name for name in flags if name not in settings.detectors]:
        raise UsageError(f"no detector {', '.join(unknown)}; there are: {', '.join(settings.detectors)}")
    split, asked = _split(args), _consent(args)
    state, record = _recording(settings, args)
    with open_queries(settings) as queries:
        wanted = dataset.Wanted(
            selection=selection,
            format=args.form,
            consent=_by_now(queries, selection, asked, state),
            split=split,
            min_rating=args.min_rating,
            without_flags=flags,
        )
        made = dataset.write(queries, args.folder, wanted, settings.time_zone, record)
    for name, file in made["files"].items():
        out(f"{file['rows']:>9,}  {name}")
    for reason, rows in made["skipped"].items():
        out(f"{rows:>9,}  left out: {safe(reason)}")
    for what, rows in made["changed"].items():
        out(f"{rows:>9,}  with a change: {what}")
    if not made["rows"]:
        out(colour(_why_nothing(made), "yellow"))
    elif until := made["retention"]["delete_every_copy_by"]:
        out(f"delete every copy by {until}: then the store has none of its texts any more")
    return 0


_NEEDED = {"from": "first", "to": "end", "format": "form", "to-folder": "folder"}


def _selection(args: argparse.Namespace) -> Any:
    from watchline.streams.export.selection import Selection

    if args.first >= args.end:
        raise UsageError("--from is not before --to: there is no time between them")
    if args.end > datetime.now(UTC):
        raise UsageError("--to is in the future: what comes until then would be missing")
    return Selection(
        first=args.first, end=args.end, source=args.source, **{name: getattr(args, name) for name in FILTERS}
    )


def _split(args: argparse.Namespace) -> Any:
    from watchline.streams.export.split import UNDIVIDED, Split

    if args.split is None:
        return UNDIVIDED
    try:
        return Split.read(args.split, args.seed)
    except ConfigurationError as error:
        raise UsageError(f"--split: {error}") from None


def _consent(args: argparse.Namespace) -> Any:
    """The rule, without who has withdrawn."""
    from watchline.streams.export.consent import Consent
    from watchline.streams.governance.fold import LEGAL_BASES

    bases = [basis for basis in LEGAL_BASES if basis != "consent"]
    if args.consent == NONE_NEEDED:
        if args.legal_basis not in bases:
            raise UsageError(f"--consent {NONE_NEEDED} goes with --legal-basis, one of {', '.join(bases)}")
        return Consent(basis=args.legal_basis)
    if args.legal_basis is not None:
        raise UsageError(f"--legal-basis goes with --consent {NONE_NEEDED}")
    attribute, separator, value = (args.consent or "").partition("=")
    if args.consent is not None and not (attribute and separator and value):
        raise UsageError(f"--consent is ATTRIBUTE=VALUE or {NONE_NEEDED}")
    return Consent(attribute, value)


def _by_now(queries: Any, selection: Any, asked: Any, state: Any) -> Any:
    """The rule, with who has withdrawn and what was erased by now; `state` is of the log, where there is one."""
    from dataclasses import replace

    from watchline.streams.export.consent import said_no
    from watchline.streams.kafka.tombstones import Tombstones

    if asked.attribute:
        asked = replace(asked, said_no=said_no(queries, selection, asked.attribute, asked.value))
    if state is None:
        return asked
    stones = Tombstones(stone for erasure in state.erasures.values() for stone in erasure.tombstones)
    return replace(asked, withdrawn=state.withdrawn, erased=stones)


def _recording(settings: Any, args: argparse.Namespace) -> tuple[Any, Callable[[Mapping[str, Any], str], None]]:
    """What the log is folded to, and what records the export there. Without root keys there is no log."""
    from watchline.streams.cli.commands.governance import append, folded, sign_act
    from watchline.streams.governance import place
    from watchline.streams.governance.acts import ACTS
    from watchline.streams.governance.keys import Key, Roots

    if not place.roots_file(settings).exists():
        if args.key is not None:
            raise ConfigurationError("there is no audit trail to record the export in: `watchline governance init`")
        out("not recorded: there is no audit trail here (`watchline governance init` begins one)")
        return None, lambda made, sha256: None
    if args.key is None:
        raise UsageError("an export is recorded in the audit trail: --key FILE.pem signs it")
    roots = Roots.read(place.roots_file(settings))
    fold, key = folded(settings, roots), Key.read(args.key)
    holder = fold.state.keys.get(key.id)
    may = ACTS["exported"].by
    if holder is None or holder.until is not None or not holder.roles & {*may}:
        raise ConfigurationError(f"the key in {args.key} may not export: it takes one of who is {' or '.join(may)}")

    def record(made: Mapping[str, Any], sha256: str) -> None:
        consent, until = made["consent"], made["retention"]["delete_every_copy_by"]
        basis = consent.get("legal_basis") or f"consent: {consent['attribute']}={consent['value']}"
        details = {"rows": str(made["rows"]), "sha256": sha256, "format": made["format"], "basis": basis}
        details |= {"until": until} if until else {}
        details |= {"owner": args.owner} if args.owner else {}
        event, texts = sign_act(settings, roots, args.key, "exported", args.folder.name, details, {}, state=fold.state)
        if append(settings, roots, event, texts, fold):
            raise ConfigurationError("the audit trail has not taken the export: nothing was written")

    return fold.state, record


def _why_nothing(made: Mapping[str, Any]) -> str:
    if not made["skipped"]:
        return "0 rows: there are no events of these filters in this time"
    if all(reason.startswith("no consent") for reason in made["skipped"]):
        return (
            "0 rows: no event has the consent that is asked for, and what isn't known counts as no. --consent "
            f"ATTRIBUTE=VALUE names the attribute; under a legal basis that needs none: --consent {NONE_NEEDED}"
        )
    return "0 rows: every event was left out; skipped.jsonl has the reason of each"


def _check(args: argparse.Namespace) -> int:
    from watchline.streams.export import check, manifest

    with _readable(args.folder):
        faults, made = check.faults(args.folder), manifest.read(args.folder)
    for fault in faults:
        out(colour(f"NOT WHOLE: {safe(fault)}", "red"))
    if not faults:
        out(colour(f"WHOLE: {made['rows']:,} rows in {len(made['files'])} files", "green"))
        out(f"SHA-256 of {manifest.NAME}: {manifest.sha256(args.folder / manifest.NAME)}")
    return int(bool(faults))


def _touched(args: argparse.Namespace) -> int:
    from watchline.streams.export import check, manifest
    from watchline.streams.settings import load

    events = {each.lower() for each in args.event}
    with _readable(args.folder):
        if events or args.subject:
            subjects = {stored for each in args.subject for stored in _stored_as(load(), each)}
            found = [*check.touched(args.folder, lambda of: of["event_id"] in events or of["subject"] in subjects)]
        else:
            found = [*check.touched(args.folder, _since(manifest.read(args.folder)).gone)]
    write(["event_id", "file", "line"], [[*each.values()] for each in found], args.format)
    return 0


def _since(made: Mapping[str, Any]) -> Any:
    """The rule of an export, with who has withdrawn by now."""
    from watchline.streams.cli.commands.governance import folded
    from watchline.streams.export.consent import Consent
    from watchline.streams.export.selection import Selection
    from watchline.streams.governance import place
    from watchline.streams.governance.keys import Roots
    from watchline.streams.query.open import open_queries
    from watchline.streams.settings import load

    settings, said = load(), made["consent"]
    roots = place.roots_file(settings)
    state = folded(settings, Roots.read(roots)).state if roots.exists() else None
    first, end = (datetime.fromisoformat(made["filters"][name]) for name in ("from", "to"))
    with open_queries(settings) as queries:
        asked = Consent(said.get("attribute", ""), said.get("value", ""), said.get("legal_basis", ""))
        return _by_now(queries, Selection(first=first, end=end), asked, state)


def _withdraw(args: argparse.Namespace) -> int:
    from watchline.streams.cli.commands.governance import append, folded, sign_act
    from watchline.streams.export.consent import hashed
    from watchline.streams.governance import exports, place
    from watchline.streams.governance.keys import Roots
    from watchline.streams.settings import load

    settings = load()
    roots = Roots.read(place.roots_file(settings))
    fold, code = folded(settings, roots), 0
    for stored in _stored_as(settings, args.subject):
        target = f"{exports.SUBJECT}{hashed(stored)}"
        made = sign_act(settings, roots, args.key, "consent_withdrawn", target, {}, {}, state=fold.state)
        code |= append(settings, roots, *made, fold)
    return code


def _stored_as(settings: Any, subject: str) -> list[str]:
    """The pseudonyms that a subject may be stored as, however the app spells it, under the keys that are set here."""
    from watchline.streams.cli.commands.erase import keys_here, stored_as

    keys = [] if PSEUDONYM.fullmatch(subject) else keys_here(settings)
    return [*dict.fromkeys(stored_as("subject", [subject], keys))]


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """What can't be read is said in words."""
    try:
        yield
    except (json.JSONDecodeError, KeyError, TypeError, FileNotFoundError, NotADirectoryError):
        raise ConfigurationError(f"{folder} is no export, or its manifest.json or events.jsonl can't be read") from None
