"""`watchline models`: registers, approves and promotes models, and takes them back, as acts of governance."""

from __future__ import annotations

from typing import Any

from watchline.streams.cli import versions


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    versions.add_command(
        subparsers,
        "model",
        draft="register",
        help="register, approve and promote models, canary and roll them back",
        description="Which models an app may use, under the rules of `watchline prompts`: a file that describes the "
        "model takes the prompt's place, such as its provider, its build and the SHA-256 of its weights. The name is "
        "the one that events have as their model.",
        example="  watchline models register gpt-5-mini model.md --app shop --key anna.pem\n"
        "  watchline models approve gpt-5-mini --app shop --version 1 --hash 5891b5b522d5 --key ben.pem\n"
        "  watchline models promote gpt-5-mini --app shop --version 1 --environment prod --key olga.pem",
    )
