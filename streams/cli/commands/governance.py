"""`watchline governance`: records what people decide, signed, and keeps the audit trail of it."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.cli.arguments import UsageError, actions_of, add_format, command
from watchline.streams.cli.output import colour, out, safe, write

WAIT_S = 30.0
ROOT, KEEPER = "root", "keeper"


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "governance",
        _log,
        help="record what people decide, signed; keep the audit trail of it",
        description="Records acts of governance in one log: each is signed by who did it, and the rules say whether "
        "it counts. Root keys, which no topic can change, say whose keys those are. `watchline audit verify` checks "
        "the trail, `watchline audit export` writes it for others to check.",
        example="  watchline governance init\n"
        "  watchline governance key anna.pem\n"
        "  watchline governance record key_registered anna.pem --key root.pem --detail holder=p1 roles=owner\n"
        "  watchline governance record use_case_registered support-bot --key anna.pem "
        "--detail risk_class=limited legal_basis=contract --text purpose='answers customers'\n"
        "  watchline governance log",
    )
    action = actions_of(parser)
    action("init", _init, "begin a log: a root key of its own, and one with which the trail's heads are signed")
    key = action("key", _key, "make a key to sign with, in a file that only you can read")
    key.add_argument("file", type=Path, metavar="FILE.pem", help="a new file")
    add_format(action("acts", _acts, "show what can be recorded, who may, and what each needs"))
    record = action("record", _record, "record an act, signed with your key, and say whether the rules allow it")
    record.add_argument("act", metavar="ACT", help="as `watchline governance acts` shows it")
    record.add_argument("target", metavar="TARGET", help="what it is about; of a key its id, or its file")
    add_key(record)
    record.add_argument("--detail", nargs="+", action="extend", default=[], metavar="NAME=VALUE", help="what it needs")
    record.add_argument(
        "--text",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=TEXT",
        help="your words, which can be erased",
    )
    record.add_argument("--out", type=Path, metavar="FILE", help="write it there for others to sign; record nothing")
    sign = action("sign", _sign, "add your signature to an act that is written in a file")
    sign.add_argument("file", type=Path, metavar="FILE", help="from `record --out`")
    add_key(sign)
    send = action("send", _send, "record an act that is written in a file, with the signatures that it has")
    send.add_argument("file", type=Path, metavar="FILE", help="from `record --out`")
    log = action("log", _log, "show the trail, the newest first")
    log.add_argument("--rejected", action="store_true", help="only what the rules don't allow")
    log.add_argument("--limit", type=int, default=50, metavar="N", help="how many (default: 50)")
    add_format(log)
    redaction = action(
        "redaction", _redaction, "write the redaction policies in force, for the workers' WATCHLINE_REDACTION_POLICY"
    )
    redaction.add_argument("file", type=Path, metavar="FILE.json", help="written anew, whole or not at all")
    action("run", _keep, "keep the trail until it is stopped: store each entry, anchor the head each minute")


def add_key(parser: argparse.ArgumentParser) -> None:
    """Adds `--key`."""
    parser.add_argument(
        "--key", type=Path, required=True, metavar="FILE.pem", help="your private key; it is read, and never sent"
    )


def _init(args: argparse.Namespace) -> int:
    from watchline.streams.governance import place
    from watchline.streams.governance.keys import Key, Roots
    from watchline.streams.settings import load

    settings = load()
    roots_file, keeper_file = place.roots_file(settings), place.keeper_key_file(settings)
    root_file = place.folder(settings) / "keys" / f"{ROOT}.pem"
    if not roots_file.exists():
        root = Key.new()
        root.write(root_file)
        Roots({ROOT: root.public}, 1).write(roots_file)
        out(f"root key   {root_file}   move it to where nobody who runs Watchline can read it, and keep a copy")
        out(f"roots      {roots_file}   keep a copy of this one too: the trail is checked by it")
    if not keeper_file.exists():
        Key.new().write(keeper_file)
        out(f"keeper     {keeper_file}   signs the heads of the trail, and the prompts that apps get")
        out(f"           apps check them by WATCHLINE_PROMPT_KEYS={Key.read(keeper_file).public}")
    roots, keeper = Roots.read(roots_file), Key.read(keeper_file)
    if keeper.id in folded(settings, roots).state.keys:
        out(colour("the log has begun already", "green"))
        return 0
    if not root_file.exists() or roots.needed > 1:
        raise ConfigurationError(
            f"have the keeper's key registered by those who hold the root keys: watchline governance record "
            f"key_registered {keeper_file} --key ROOT.pem --detail kind=service holder={KEEPER} roles=auditor"
        )
    details = {"public": keeper.public, "kind": "service", "holder": KEEPER, "roles": "auditor"}
    return append(settings, roots, *sign_act(settings, roots, root_file, "key_registered", keeper.id, details, {}))


def _key(args: argparse.Namespace) -> int:
    from watchline.streams.governance.keys import Key

    key = Key.new()
    key.write(args.file)
    out(f"id      {key.id}\npublic  {key.public}")
    return 0


def _acts(args: argparse.Namespace) -> int:
    from watchline.streams.governance.acts import ACTS

    rows = [
        [
            name,
            act.says,
            act.target,
            ", ".join(act.by),
            _named(act.needs),
            _named(act.may_have),
            _named(act.texts),
            act.then,
        ]
        for name, act in ACTS.items()
    ]
    write(["act", "says", "target", "who_may", "needs", "may_have", "texts", "then"], rows, args.format)
    return 0


def _named(fields: Mapping[str, str]) -> str:
    return "; ".join(f"{name} ({meaning})" for name, meaning in fields.items())


def _record(args: argparse.Namespace) -> int:
    from watchline.streams.governance import place
    from watchline.streams.governance.keys import Key, Roots
    from watchline.streams.settings import load

    settings = load()
    roots = Roots.read(place.roots_file(settings))
    details, target = _pairs(args.detail), args.target
    if args.act in ("key_registered", "key_revoked") and target.endswith(".pem"):
        key = Key.read(Path(target))
        target = key.id
        if args.act == "key_registered":
            details = {"public": key.public, "kind": "person", **details}
    if args.out is None:
        return record(settings, args.key, args.act, target, details, _pairs(args.text))
    event, texts = sign_act(settings, roots, args.key, args.act, target, details, _pairs(args.text))
    _write(args.out, event, texts)
    out(f"written to {args.out}; others sign it with `watchline governance sign {args.out} --key FILE.pem`")
    return 0


def _sign(args: argparse.Namespace) -> int:
    from watchline.streams.governance import place, signed
    from watchline.streams.governance.keys import Key, Roots
    from watchline.streams.settings import load

    event, texts = _read(args.file)
    for line in _described(event, texts):
        out(line)
    event = signed.sign(event, Key.read(args.key), Roots.read(place.roots_file(load())).log)
    _write(args.file, event, texts)
    out(f"signed: {len(event.signatures)} signatures")
    return 0


def _send(args: argparse.Namespace) -> int:
    from watchline.streams.governance import place
    from watchline.streams.governance.keys import Roots
    from watchline.streams.settings import load

    settings = load()
    return append(settings, Roots.read(place.roots_file(settings)), *_read(args.file))


def _log(args: argparse.Namespace) -> int:
    from watchline.streams.query.open import open_queries
    from watchline.streams.settings import load

    sql = """SELECT position, time, actor, action, target,
    mapFilter((name, value) -> NOT startsWith(name, 'sha256:'), details) AS details, reason AS rejected
FROM v_governance WHERE NOT accepted OR {all:Bool} ORDER BY position DESC LIMIT {limit:UInt32}"""
    with open_queries(load()) as queries:
        result = queries.query(sql, {"limit": str(args.limit), "all": str(not args.rejected).lower()})
    write(result.columns, result.rows, args.format)
    return 0


def _redaction(args: argparse.Namespace) -> int:
    from watchline.streams.governance import place, policies
    from watchline.streams.governance.keys import Roots
    from watchline.streams.settings import load

    settings = load()
    found = policies.as_file(folded(settings, Roots.read(place.roots_file(settings))).state.policies)
    new = args.file.with_name(f"{args.file.name}.new")
    new.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    new.replace(args.file)
    out(f"{len(found['apps'])} policies in {args.file}; workers read it when they start")
    return 0


def _keep(args: argparse.Namespace) -> int:
    from watchline.streams.governance import place
    from watchline.streams.governance.keeper import keeping
    from watchline.streams.settings import load

    settings, stop = load(), threading.Event()
    with closing(place.keeper(settings)):  # what is wrong with the files ends it at once
        pass
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with keeping(lambda: place.keeper(settings)):
        out(f"keeping the audit trail; anchors go to {place.anchor_file(settings)}. Ctrl-C stops.")
        sys.stdout.flush()
        stop.wait()
    return 0


def trail(settings: Any) -> AbstractContextManager[None]:
    """Keeps the trail of embedded services, once there are root keys: the topic is filled from the file before."""
    from watchline.streams.governance import place
    from watchline.streams.governance.keeper import keeping
    from watchline.streams.governance.log import Log

    def keeper() -> Any:
        Log(settings).fill()
        return place.keeper(settings)

    return keeping(keeper, wanted=place.roots_file(settings).exists)


def folded(settings: Any, roots: Any) -> Any:
    """The log as it is now: a `Fold`."""
    from watchline.streams.governance.fold import Fold
    from watchline.streams.governance.log import Log

    log, fold = Log(settings), Fold(roots)
    log.check()
    for message in log.read():
        fold.take(message.value, message.time)
    return fold


def sign_act(
    settings: Any,
    roots: Any,
    key_file: Path,
    act: str,
    target: str,
    details: Mapping[str, str],
    texts: Mapping[str, str],
    *,
    state: Any = None,
    **more: str,
) -> tuple[Any, dict[str, str]]:
    """An act, signed by whose key this is; `state` is of the log, where it was read; `more` a version and its hash."""
    from watchline.streams.governance import signed
    from watchline.streams.governance.keys import Key

    key = Key.read(key_file)
    names = roots.holders
    if key.id not in names:
        state = state or folded(settings, roots).state
        names = {id: holder.holder for id, holder in state.keys.items()} | state.roots.holders
    if key.id not in names:
        raise ConfigurationError(f"the key in {key_file} is not registered: who holds a root key does that")
    try:
        event, salted = signed.make(act, target, names[key.id], details=details, texts=texts, **more)
    except ConfigurationError as error:
        raise UsageError(str(error)) from None
    return signed.sign(event, key, roots.log), salted


def record(
    settings: Any, key_file: Path, act: str, target: str, details: Mapping[str, str], texts: Mapping[str, str]
) -> int:
    """Records an act, signed with a key, and says what became of it: 0 where it counts. Reads the log once."""
    from watchline.streams.governance import place
    from watchline.streams.governance.keys import Roots

    roots = Roots.read(place.roots_file(settings))
    fold = folded(settings, roots)
    made = sign_act(settings, roots, key_file, act, target, details, texts, state=fold.state)
    return append(settings, roots, *made, fold)


def append(settings: Any, roots: Any, event: Any, texts: Mapping[str, str], fold: Any = None) -> int:
    """Writes an act into the log, and says what became of it; `fold` goes on where the log was read already."""
    from watchline.streams.governance.acts import ACTS
    from watchline.streams.governance.fold import Fold
    from watchline.streams.governance.log import Log

    log, fold = Log(settings), fold or Fold(roots)
    offset = log.append(event, texts)
    deadline = time.monotonic() + WAIT_S
    entry = None
    while entry is None and time.monotonic() < deadline:
        for message in log.read(fold.next):
            found = fold.take(message.value, message.time)
            entry = found if message.offset == offset else entry
    if entry is None:
        out(colour("recorded; whether the rules allow it is not known yet: `watchline governance log`", "yellow"))
        return 1
    if not entry.accepted:
        out(colour(f"rejected, at {entry.position}: {safe(entry.reason)}", "red"))
        return 1
    out(colour(f"recorded at {entry.position}, hash {entry.hash[:16]}", "green"))
    if then := ACTS[event.action].then:
        out(then)
    return 0


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise UsageError(f"{text!r} is not NAME=VALUE")
        pairs[name] = value
    return pairs


def _described(event: Any, texts: Mapping[str, str]) -> list[str]:
    """What somebody is about to sign."""
    rows = {"act": event.action, "target": event.target, "actor": event.actor, **event.details}
    rows |= {name: text.partition(":")[2] for name, text in texts.items()}
    return [f"  {safe(name):<24}{safe(str(value))}" for name, value in rows.items()]


def _write(path: Path, event: Any, texts: Mapping[str, str]) -> None:
    from watchline.streams.governance import signed

    signatures = {key: each.hex() for key, each in event.signatures.items()}
    path.write_text(json.dumps({"act": signed.body(event), "signatures": signatures, "texts": dict(texts)}, indent=1))


def _read(path: Path) -> tuple[Any, dict[str, str]]:
    from watchline.schemas.records import GovernanceEvent

    try:
        read = json.loads(path.read_text("utf-8"))
        signatures = {str(key): bytes.fromhex(each) for key, each in read["signatures"].items()}
        return GovernanceEvent(**read["act"], signatures=signatures), dict(read["texts"])
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{path} is no act that `watchline governance record --out` wrote") from None
