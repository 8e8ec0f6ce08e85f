"""The audit queries in `audit/`: each a file that begins with the question it answers.

-- Question: what the query answers, in one line
-- For: which articles and criteria ask that
-- Not answered: what it can't tell, and what does
-- Parameter: NAME = DEFAULT (what it means)

A parameter stands in the SQL as {NAME:Type}, as ClickHouse writes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from watchline.schemas.errors import ConfigurationError

FOLDER = Path(__file__).parent / "audit"
_PLACEHOLDER = re.compile(r"\{(\w+):([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit query. `parameters`: name to its default."""

    name: str
    question: str
    asked_by: str
    not_answered: str
    sql: str
    parameters: Mapping[str, str]

    def statement(self, **values: str) -> str:
        """The SQL with every parameter in its place: the value given, else the default. For people and for clients.

        Raises ConfigurationError on a parameter that the query doesn't have.
        """
        if unknown := sorted(set(values) - set(self.parameters)):
            has = ", ".join(self.parameters) or "none"
            raise ConfigurationError(f"audit query {self.name} has no parameter {', '.join(unknown)}; it has: {has}")
        filled = {**self.parameters, **values}
        return _PLACEHOLDER.sub(lambda match: f"CAST({_quoted(filled[match[1]])} AS {match[2]})", self.sql)


def names() -> list[str]:
    """The names of the audit queries, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.sql"))


def load(name: str) -> Audit:
    """The audit query of that name. Raises ConfigurationError where there is none, with the names there are."""
    if name not in names():
        raise ConfigurationError(f"no audit query {name!r}; there are: {', '.join(names())}")
    text = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    head = re.match(r"-- Question: (.+)\n-- For: (.+)\n-- Not answered: (.+)\n", text)
    if head is None:
        raise ConfigurationError(
            f"audit/{name}.sql must begin with: -- Question: ..., -- For: ..., -- Not answered: ..."
        )
    found = re.finditer(r"^-- Parameter: (\w+) = ([^(\n]*?) ?\(.*\)$", text, re.M)
    parameters = {match[1]: match[2] for match in found}
    if undocumented := {match[1] for match in _PLACEHOLDER.finditer(text)} ^ set(parameters):
        raise ConfigurationError(f"audit/{name}.sql: documented or used only: {', '.join(sorted(undocumented))}")
    return Audit(name, head[1], head[2], head[3], text, parameters)


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
