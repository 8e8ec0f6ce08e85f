"""The README's table of settings, made from the settings: `python -m tests.documentation.settings_table` writes it."""

from __future__ import annotations

import re
from pathlib import Path

from watchline.streams.settings import PREFIX, Settings, show_value

README = Path(__file__).parents[2] / "README.md"
HEAD = "| setting | default | what it is |\n|---|---|---|\n"


def table() -> str:
    """A row for each setting."""
    rows = []
    for name, field in Settings.model_fields.items():
        # The default of a factory is this machine's.
        default = "" if field.default_factory else show_value(field.get_default())
        rows.append(f"| `{PREFIX}{name.upper()}` | {f'`{default}`' if default else ''} | {field.description} |\n")
    return HEAD + "".join(rows)


def write(head: str, table: str) -> None:
    """Puts a table into the README, in place of the one with this head."""
    text = README.read_text(encoding="utf-8")
    README.write_text(re.sub(re.escape(head) + r"(?:\|.*\n)*", lambda _: table, text), encoding="utf-8")


if __name__ == "__main__":
    write(HEAD, table())
