"""`watchline prompts`: drafts, approves and promotes prompts, and takes them back, as acts of governance."""

from __future__ import annotations

from typing import Any

from watchline.streams.cli import prompt_impact, prompt_test, versions


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    action = versions.add_command(
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
        "  watchline prompts rollback answer --app shop --environment prod --key olga.pem\n"
        "  watchline prompts impact answer 1 2 --app shop --environment prod",
    )
    prompt_impact.add_options(action("impact", prompt_impact.run, "compare two versions that run side by side"))
    prompt_test.add_options(action("test", prompt_test.run, "try a version on production's inputs, before it is there"))
