"""The READMEs, of the top and of each room, and what stands in them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("schemas", "detectors", "streams", "dashboards", "tests")
FRONT = ROOT / "README.md"
ALL = [FRONT, *(ROOT / room / "README.md" for room in ROOMS)]


def text(readme: Path) -> str:
    return readme.read_text(encoding="utf-8")


def room(name: str) -> str:
    """The text of a room's README."""
    return text(ROOT / name / "README.md")


def everything() -> str:
    return "\n".join(map(text, ALL))


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def first_column(text: str, heading: str) -> set[str]:
    """What stands in backticks in the first column of the table below a heading."""
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("|")]
    return {name for row in rows for name in re.findall("`([^`]+)`", row)}


def write_table(readme: Path, head: str, table: str) -> None:
    """Puts a table into a README, in place of the one with this head."""
    written, count = re.subn(re.escape(head) + r"(?:\|.*\n)*", lambda _: table, text(readme))
    assert count == 1, f"{readme} has {count} tables with the head {head!r}"
    readme.write_text(written, encoding="utf-8")
