"""The record of processing activities (GDPR, article 30): what is known here of each app, and room for what isn't."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from watchline.streams.clickhouse.retention import AUDIT, PLACES
from watchline.streams.governance.places import NOT_REACHABLE, TABLES, TOPICS

NOT_IN_FORCE = "nothing is deleted: no retention is in force (`watchline retention apply`)"
_CLASSES = ("text", "rows", "metrics")
_MEASURES = (
    "Personal data that is found in texts is replaced before anything is stored; users' ids become keyed pseudonyms.",
    "Raw texts are in Kafka's topics alone, until their retention ends.",
    "Each login of the store may do what it needs: the auditor reads no text of an event, and no pseudonym.",
    "What people decide is signed, and kept in a hash chain whose heads are anchored outside the store.",
    "Erasures are certified by place; holds, retention and what was taken out by export are in the audit trail.",
)


def markdown(apps: Sequence[Mapping[str, Any]], unregistered: Iterable[str] = ()) -> str:
    """The record, as Markdown. What stands in [brackets] nobody has recorded: the controller fills it in.

    Parameters
    ----------
    apps : sequence of mapping
        As the audit query `records_of_processing` gives them.
    unregistered : iterable of str
        Apps that send and that nobody has registered.
    """
    return "\n".join([*_head(), *_missing(unregistered), *(line for app in apps for line in _app(app)), *_common()])


def _head() -> Iterator[str]:
    yield "# Records of processing activities"
    yield ""
    yield f"Written by `watchline audit records` on {datetime.now(UTC):%Y-%m-%d}, from what is registered in the audit"
    yield "trail and in force in the store. What stands in [brackets] is not recorded there: fill it in."
    yield ""
    yield from _table(
        ("controller", ""),
        [
            ("name and contact", "[controller]"),
            ("representative, joint controllers", "[or none]"),
            ("data protection officer", "[name and contact]"),
        ],
    )


def _missing(unregistered: Iterable[str]) -> Iterator[str]:
    if names := sorted({*unregistered}):
        yield "**Not complete.** These apps send and nobody has registered what they are for: " + ", ".join(
            map(_cell, names)
        )
        yield ""


def _app(app: Mapping[str, Any]) -> Iterator[str]:
    days = {name: app[f"{name}_days"] for name in _CLASSES}
    limits = "; ".join(f"{name} {count} days" for name, count in days.items() if count)
    yield f"## {_cell(app['app'])}"
    yield ""
    yield from _table(
        ("what", "record"),
        [
            ("purpose", app["purpose"] or "[purpose]"),
            ("legal basis (article 6)", app["legal_basis"]),
            ("risk class (EU AI Act)", app["risk_class"]),
            ("contact", app["contact"] or "[who answers for it]"),
            ("registered", f"by {app['registered_by']} on {app['registered_at']:%Y-%m-%d}"),
            ("categories of people", app["people"] or "[who asks, and who is spoken of]"),
            (
                "categories of data",
                "questions, answers, documents and feedback, redacted; pseudonyms; scores [and else]",
            ),
            ("recipients", f"those with a login of the store, {app['recipients'] or '[the provider of each model]'}"),
            ("transfers to third countries", app["transfers"] or "[none, or where, and on which ground]"),
            ("time limits", limits or NOT_IN_FORCE),
            ("models", app["models"] or "[not registered]"),
            ("prompts", app["prompts"] or "[not registered]"),
            ("redaction policy", app["redaction_policy"] or "each value becomes a number (mask)"),
            ("answers stored", f"{app['events']:,}"),
        ],
    )


def _common() -> Iterator[str]:
    kinds: dict[str, list[str]] = {}
    for place in PLACES:
        kinds.setdefault(place.table, []).append(place.kind)
    yield "## Where it lies"
    yield ""
    rows = [(f"table {name}", table.holds, _limit(name, kinds)) for name, table in TABLES.items()]
    ends = {"expires": "the topic's retention", "stays": "for good"}
    rows += [(f"topic {name}", topic.holds, ends[topic.ends]) for name, topic in TOPICS.items()]
    yield from _table(("place", "holds", "kept"), rows)
    yield "What is in force is measured by `watchline retention report`. Not reachable from there:"
    yield ""
    yield from _table(("place", "who acts"), list(NOT_REACHABLE.items()))
    yield "## Security measures"
    yield ""
    yield from (f"- {measure}" for measure in _MEASURES)
    yield "- [encryption at rest and in transit, access to machines, backups]"


def _limit(table: str, kinds: Mapping[str, Sequence[str]]) -> str:
    if table in AUDIT:
        return "for good: it goes by the act log_trimmed alone"
    return "as " + ", then ".join(kinds[table]) if table in kinds else "the state of now"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(_cell, row))} |"
    yield ""


def _cell(text: str) -> str:
    """A text that stays in its cell, and is no HTML.

    >>> _cell("a|b\\n<script>")
    'a\\\\|b &lt;script>'
    """
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
