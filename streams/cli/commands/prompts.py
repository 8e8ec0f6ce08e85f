"""`watchline prompts`: drafts, approves and promotes prompts, and takes them back, as acts of governance."""

from __future__ import annotations

from typing import Any

from watchline.streams.cli import versions


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    versions.add_command(
        subparsers,
        "prompt",
        draft="draft",
        help="draft, approve and promote prompts, canary and roll them back",
        description="What apps get as a prompt is what the audit trail says: a version that enough people other than "
        "its author have approved, by the hash of exactly its content. Each action is an act of governance, signed "
        "with your key, and the rules are the same whichever way it comes.",
        example="  watchline prompts draft answer answer.md --app shop --key anna.pem\n"
        "  watchline prompts diff answer --app shop --version 2\n"
        "  watchline prompts approve answer --app shop --version 2 --hash 5891b5b522d5 --key ben.pem\n"
        "  watchline prompts promote answer --app shop --version 2 --environment prod --key olga.pem\n"
        "  watchline prompts rollback answer --app shop --environment prod --key olga.pem",
    )
