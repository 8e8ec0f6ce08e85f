"""What `watchline prompts` and `watchline models` share: each action an act of the log, or a look at it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.cli import version_views
from watchline.streams.cli.arguments import UsageError, actions_of, add_format, command, number
from watchline.streams.cli.commands.governance import add_key, append, folded, sign_act
from watchline.streams.cli.output import out, safe

if TYPE_CHECKING:
    from watchline.streams.governance.fold import Fold, State
    from watchline.streams.governance.keys import Roots
    from watchline.streams.governance.prompts.versions import Item, Version
    from watchline.streams.settings import Settings

LEAST_HASH = 12  # digits of a hash that say which content was seen


def add_command(subparsers: Any, kind: str, *, draft: str, help: str, description: str, example: str) -> Any:
    """Adds the command for prompts or models; `draft` is what the first action is called. Gives what adds others."""
    parser = command(subparsers, f"{kind}s", _draft, help=help, description=description, example=example)
    parser.set_defaults(kind=kind)
    action = actions_of(parser)

    def acting(name: str, run: Any, help: str, *options: str) -> argparse.ArgumentParser:
        sub = action(name, run, help)
        sub.add_argument("name", metavar="NAME", help=f"of the {kind}")
        _add_app(sub)
        if "version" in options:
            sub.add_argument("--version", type=number(1, 10**9), required=True, metavar="N", help="its number")
        if "environment" in options:
            sub.add_argument("--environment", required=True, metavar="NAME", help="where apps get it, such as prod")
        add_key(sub)
        return sub

    sub = acting(draft, _draft, f"write a version of a {kind}, from a file")
    sub.add_argument("file", type=Path, metavar="FILE", help="its content: UTF-8, with {{name}} for a variable")
    _add_for(sub)
    sub.add_argument("--note", metavar="TEXT", help="what is new in it")
    sub = action("diff", version_views.diff, f"show a version of a {kind}, what it changes, and what can't be seen")
    sub.add_argument("name", metavar="NAME", help=f"of the {kind}")
    _add_app(sub)
    sub.add_argument("--version", type=number(1, 10**9), required=True, metavar="N", help="its number")
    sub.add_argument(
        "--against", type=number(1, 10**9), metavar="N", help="the one to compare with (default: the one before)"
    )
    sub = acting("approve", _approve, "approve exactly the content that you have seen", "version")
    sub.add_argument(
        "--hash", required=True, metavar="HEX", help=f"of the content, as `diff` shows it: {LEAST_HASH} digits or more"
    )
    sub = acting("promote", _promote, "give apps a version that others have approved", "version", "environment")
    sub.add_argument(
        "--emergency", metavar="REASON", help="without approvals; why: it stays, so name nobody. Others review it"
    )
    sub = acting("canary", _canary, "give a share of the conversations a version", "version", "environment")
    sub.add_argument(
        "--share", type=number(0, 99), required=True, metavar="PERCENT", help="of the conversations; 0 ends it"
    )
    sub = acting("rollback", _rollback, "give apps the version before again, at once; ends a canary", "environment")
    sub.add_argument(
        "--version", type=number(1, 10**9), metavar="N", help="which to take off (default: the live one), or a canary"
    )
    acting("withdraw", _withdraw, "take a version away everywhere, with nothing in its place", "version")
    sub = acting("rename", _rename, f"give a {kind} another name: one history, with both")
    sub.add_argument("--to", required=True, metavar="NEW", help="the new name")
    acting("review", _review, "say that you have looked at what another promoted in an emergency", "environment")
    sub = action("log", version_views.log, f"show the acts on {kind}s, the newest first, also those that were rejected")
    version_views.add_which(sub, kind)
    add_format(sub)
    sub = action("show", version_views.show, f"show versions of {kind}s: their hash, approvals, and where they are")
    version_views.add_which(sub, kind)
    sub.add_argument("--version", type=number(1, 10**9), metavar="N", help="show this one's content (with NAME)")
    add_format(sub)
    sub = action("sync", _sync, "draft what is new in a git folder or an export; it approves and promotes nothing")
    sub.add_argument("source", type=Path, metavar="PATH", help="a folder with NAME.md or NAME.txt, or an export")
    sub.add_argument(
        "--from", dest="form", choices=("git", "langfuse", "promptlayer"), default="git", help="what it is"
    )
    _add_app(sub)
    _add_for(sub)
    sub.add_argument("--dry-run", action="store_true", help="say what would be drafted; draft nothing")
    add_key(sub)
    return action


def _add_app(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--app", required=True, metavar="APP", help="whose it is")


def _add_for(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--for", dest="for_", metavar="HOLDER", help="for whom a service drafts; no approver either")


@dataclass(frozen=True, slots=True)
class Doing:
    """The log as it is now, and the act that is about to be made."""

    settings: Settings
    roots: Roots
    fold: Fold
    args: argparse.Namespace

    @classmethod
    def begin(cls, args: argparse.Namespace) -> Doing:
        """With the log read and folded. Raises what `folded` raises."""
        from watchline.streams.governance import place
        from watchline.streams.governance.keys import Roots
        from watchline.streams.settings import load

        settings = load()
        roots = Roots.read(place.roots_file(settings))
        return cls(settings, roots, folded(settings, roots), args)

    @property
    def state(self) -> State:
        """What is in force."""
        return self.fold.state

    def item(self, name: str = "") -> Item | None:
        """The prompt or model of this name, by default the one that was given."""
        return self.state.prompts.items.get((self.args.kind, self.args.app, name or self.args.name))

    def known(self) -> Item:
        """The one that was given. Raises UsageError where there is none."""
        item = self.item()
        if item is None:
            raise UsageError(f"{safe(self.args.app)} has no {self.args.kind} {safe(self.args.name)}")
        return item

    def version(self) -> Version:
        """The version that was given. Raises UsageError."""
        return version_views.version_of(self.known(), self.args.version)

    def act(
        self,
        action: str,
        chosen: Version | None,
        details: Mapping[str, str | None] | None = None,
        texts: Mapping[str, str | None] | None = None,
        *,
        name: str = "",
        **more: str,
    ) -> int:
        """Signs an act and records it; details and texts that are None are left out. Returns the exit code."""
        if chosen is not None:
            more = {"version": str(chosen.number), "content_hash": chosen.content_hash}
        event, salted = sign_act(
            self.settings,
            self.roots,
            self.args.key,
            action,
            f"{self.args.kind}:{name or self.args.name}",
            {"app": self.args.app, **{key: each for key, each in (details or {}).items() if each is not None}},
            {key: each for key, each in (texts or {}).items() if each is not None},
            state=self.state,
            **more,
        )
        return append(self.settings, self.roots, event, salted, self.fold)


def _draft(args: argparse.Namespace) -> int:
    from watchline.streams.governance.prompts.content import canonical

    try:
        content = canonical(args.file.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {args.file}: {error.strerror}") from None
    except ConfigurationError as error:
        raise UsageError(f"{args.file}: {error}") from None
    return _draft_one(Doing.begin(args), args.name, content, {}, args.note)


def _draft_one(doing: Doing, name: str, content: str, details: Mapping[str, str], note: str | None) -> int:
    from watchline.streams.governance.prompts.content import content_hash

    item = doing.item(name)
    number, digest = len(item.versions) + 1 if item else 1, content_hash(content)
    version_views.describe(content, f"{doing.args.kind} {name} version {number}")
    return doing.act(
        f"{doing.args.kind}_drafted",
        None,
        {**details, "for": doing.args.for_},
        {"content": content, "note": note},
        name=name,
        version=str(number),
        content_hash=digest,
    )


def _approve(args: argparse.Namespace) -> int:
    doing = Doing.begin(args)
    version, seen = doing.version(), args.hash.lower()
    if len(seen) < LEAST_HASH:
        raise UsageError(f"--hash takes {LEAST_HASH} digits or more: `diff` shows them beside the content")
    if not version.content_hash.startswith(seen):
        raise UsageError(f"version {version.number} has other content: its hash is {version.content_hash}")
    content = version_views.content_of(doing.settings, version)
    version_views.describe(content, f"{args.kind} {args.name} version {version.number}")
    return doing.act(f"{args.kind}_approved", version)


def _promote(args: argparse.Namespace) -> int:
    doing = Doing.begin(args)
    if args.emergency is not None:
        return doing.act(
            "emergency_promoted", doing.version(), {"environment": args.environment, "reason": args.emergency}
        )
    return doing.act(f"{args.kind}_promoted", doing.version(), {"environment": args.environment})


def _canary(args: argparse.Namespace) -> int:
    doing = Doing.begin(args)
    details = {"environment": args.environment, "share": str(args.share)}
    return doing.act(f"{args.kind}_canaried", doing.version(), details)


def _rollback(args: argparse.Namespace) -> int:
    doing = Doing.begin(args)
    item = doing.known()
    place = item.places.get(args.environment)
    if place is None:
        raise UsageError(f"{args.kind} {safe(args.name)} has never been in {safe(args.environment)}")
    return doing.act(
        f"{args.kind}_rolled_back",
        version_views.version_of(item, args.version or place.last),
        {"environment": args.environment},
    )


def _withdraw(args: argparse.Namespace) -> int:
    doing = Doing.begin(args)
    return doing.act(f"{args.kind}_withdrawn", doing.version())


def _rename(args: argparse.Namespace) -> int:
    doing = Doing.begin(args)
    return doing.act(f"{args.kind}_renamed", None, {"name": args.to, "first": doing.known().first})


def _review(args: argparse.Namespace) -> int:
    doing = Doing.begin(args)
    waiting = doing.state.prompts.emergencies.get(args.app)
    if waiting is None or waiting.item is not doing.known() or waiting.environment != args.environment:
        raise UsageError("there is no such emergency that waits for a review")
    return doing.act("emergency_reviewed", waiting.item.version(waiting.version), {"environment": args.environment})


def _sync(args: argparse.Namespace) -> int:
    """Drafts each content that the log has not had; an older one than was drafted before is left out."""
    from watchline.streams.governance.prompts.content import content_hash
    from watchline.streams.governance.prompts.sources import SOURCES

    written, code = SOURCES[args.form](args.source), 0
    doing = Doing.begin(args)
    for each in written:
        item, digest = doing.item(each.name), content_hash(each.content)
        same = [version for version in item.versions if version.content_hash == digest] if item else []
        if same and item:
            out(f"{safe(each.name)}: version {same[0].number} has this content{version_views.fate(item, same[0])}")
        elif item and each.revision < item.revisions.get(args.form, 0):
            out(f"{safe(each.name)}: left out; revision {item.revisions[args.form]} was drafted before, this is older")
            code = 1
        elif args.dry_run:
            out(f"{safe(each.name)}: new, {digest}")
        else:
            code = _draft_one(doing, each.name, each.content, each.details, None) or code
    if not written:
        raise ConfigurationError(f"{args.source} has no NAME.md or NAME.txt in its last commit")
    return code
