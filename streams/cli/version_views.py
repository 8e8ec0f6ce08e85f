"""Shows versions of prompts and models: their contents, what can't be seen in them, their approvals, their acts."""

from __future__ import annotations

import argparse
import difflib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.cli.arguments import UsageError
from watchline.streams.cli.commands.governance import folded
from watchline.streams.cli.output import colour, out, safe, write

if TYPE_CHECKING:
    from watchline.streams.governance.fold import State
    from watchline.streams.governance.prompts.versions import Item, Version
    from watchline.streams.settings import Settings

MOST_ACTS = 200


def add_which(parser: argparse.ArgumentParser, kind: str) -> None:
    """Adds which of them are shown."""
    parser.add_argument("name", nargs="?", metavar="NAME", help=f"of the {kind} (default: all)")
    parser.add_argument("--app", metavar="APP", help="only this app's")


def version_of(item: Item, number: int) -> Version:
    """A version by its number. Raises UsageError."""
    if number > len(item.versions):
        raise UsageError(f"there is no version {number} of {safe(item.names[-1])}: the last is {len(item.versions)}")
    return item.version(number)


def content_of(settings: Settings, version: Version) -> str:
    """The content of a version, checked by its hash. Raises ConfigurationError where it isn't there any more."""
    from watchline.streams.governance.log import Log
    from watchline.streams.governance.prompts.publishing import contents

    found = contents(settings, Log(settings), {version.draft: version.content_hash})
    if version.content_hash not in found:
        raise ConfigurationError(f"the content of version {version.number} is neither in Kafka nor in the store")
    return found[version.content_hash]


def describe(content: str, what: str) -> None:
    """What a content is: its hash, its variables, and each character in it that isn't what it seems."""
    from watchline.streams.governance.prompts import characters
    from watchline.streams.governance.prompts.content import content_hash, variables

    out(safe(what))
    out(f"  hash       {content_hash(content)}")
    out(f"  variables  {characters.shown(', '.join(variables(content))) or 'none'}")
    for each in characters.found(content):
        times = "once" if each.times == 1 else f"{each.times} times"
        out(colour(f"  {each.name}: {each.kind}; {times}, first in line {each.first_line}", "yellow"))


def diff(args: argparse.Namespace) -> int:
    """What a version changes."""
    settings, state = _now()
    item = _one(state, args)
    version = version_of(item, args.version)
    content = content_of(settings, version)
    describe(content, f"{args.kind} {args.name} of {args.app}, version {version.number}")
    out(f"  approvals  {_approvals(state, item, version)}{fate(item, version)}")
    against = args.against or version.number - 1
    before = content_of(settings, version_of(item, against)) if against else ""
    lines = difflib.unified_diff(_lines(before), _lines(content), f"version {against}", f"version {version.number}")
    for line in lines:
        line = line.removesuffix("\n")
        shade = {"+": "green", "-": "red"}.get(line[:1])
        out(colour(line, shade) if shade else line)
    return 0


def show(args: argparse.Namespace) -> int:
    """Versions, and where they are."""
    settings, state = _now()
    if args.version is not None:
        if not (args.name and args.app):
            raise UsageError("--version takes NAME and --app too")
        for line in _lines(content_of(settings, version_of(_one(state, args), args.version))):
            out(line)
        return 0
    rows = [
        [item.app, item.names[-1], ", ".join(item.names[:-1]), version.number, version.content_hash,
         _approvals(state, item, version), fate(item, version).removeprefix(": ")]
        for item in _chosen(state, args) for version in item.versions
    ]  # fmt: skip
    write(["app", args.kind, "earlier_names", "version", "content_hash", "approvals", "where"], rows, args.format)
    return 0


def log(args: argparse.Namespace) -> int:
    """The acts, from the log itself."""
    from watchline.streams.governance import place
    from watchline.streams.governance.fold import Fold
    from watchline.streams.governance.keys import Roots
    from watchline.streams.governance.log import Log
    from watchline.streams.settings import load

    settings = load()
    fold, rows = Fold(Roots.read(place.roots_file(settings))), []
    for message in Log(settings).read():
        entry = fold.take(message.value, message.time)
        event = entry.event
        if event is not None and event.target.startswith(f"{args.kind}:"):
            when = datetime.fromtimestamp(entry.kafka_time / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")
            row = [entry.position, when, event.actor, event.action, event.target.partition(":")[2],
                   event.details.get("app", ""), event.details.get("environment", ""), event.version,
                   (event.content_hash or "")[:12], entry.reason]  # fmt: skip
            rows.append(row)
    wanted = {(item.app, name) for item in _chosen(fold.state, args, strict=False) for name in item.names}
    if args.name or args.app:
        rows = [row for row in rows if (row[5], row[4]) in wanted]
    columns = ["position", "time", "actor", "action", args.kind, "app", "environment", "version", "hash", "rejected"]
    write(columns, rows[: -MOST_ACTS - 1 : -1], args.format)
    return 0


def fate(item: Item, version: Version) -> str:
    """Where a version is, after a colon; empty where it is nowhere yet."""
    found = [f"live in {safe(name)}" for name, place in item.places.items() if place.live == version.number]
    found += [
        f"canary in {safe(name)}, {place.canary.share} %"
        for name, place in item.places.items()
        if place.canary and place.canary.version == version.number
    ]
    if version.withdrawn:
        found.append("withdrawn")
    elif version.barred >= 0:
        found.append(f"rolled back at {version.barred}")
    return f": {', '.join(found)}" if found else ""


def _now() -> tuple[Any, State]:
    from watchline.streams.governance import place
    from watchline.streams.governance.keys import Roots
    from watchline.streams.settings import load

    settings = load()
    state: State = folded(settings, Roots.read(place.roots_file(settings))).state
    return settings, state


def _chosen(state: State, args: argparse.Namespace, *, strict: bool = True) -> list[Item]:
    found = {
        id(item): item
        for (kind, app, name), item in state.prompts.items.items()
        if kind == args.kind and args.app in (None, app) and args.name in (None, name)
    }
    if strict and not found and (args.name or args.app):
        raise UsageError(f"there is no such {args.kind}: `watchline {args.kind}s show` lists them")
    return [*found.values()]


def _one(state: State, args: argparse.Namespace) -> Item:
    return _chosen(state, args)[0]


def _approvals(state: State, item: Item, version: Version) -> str:
    from watchline.streams.governance.prompts.approvals import counted

    who, needed = counted(state, item, version)
    return f"{len(who)} of {needed.approvals}" + (f" ({', '.join(sorted(map(safe, who)))})" if who else "")


def _lines(content: str) -> list[str]:
    """Lines as a terminal may show them: what can't be seen is named, spaces at an end too."""
    from watchline.streams.governance.prompts import characters

    lines = content.split("\n")
    shown = []
    for line in lines:
        bare = line.rstrip(" ")
        spaces = len(line) - len(bare)
        end = f"<{spaces} space{'s' * (spaces > 1)}>" if spaces else ""
        shown.append(characters.shown(bare).replace("\t", "<tab>") + end)
    if shown[-1]:
        shown.append("<no line break at the end>")
    else:
        shown.pop()
    return shown
