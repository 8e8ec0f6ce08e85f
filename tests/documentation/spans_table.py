"""The tables in the README of `streams/ingest`, made from what reads a span: `make docs` writes them."""

from __future__ import annotations

from collections.abc import Iterable

from tests.documentation import readmes
from watchline.streams.ingest import span_arguments as read
from watchline.streams.ingest.span import KINDS, MODEL, OF_MODELS, RESULT_EVENT
from watchline.streams.ingest.span_messages import ANSWER, INPUT, INPUT_EVENTS, OUTPUT, OUTPUT_EVENTS

README = readmes.ROOT / "streams" / "ingest" / "README.md"
FIELDS = "| field of the event | what says it; the first that is there counts |\n|---|---|\n"
KIND = "| a span is a | where one of these says so |\n|---|---|\n"
LEFT = "| left out | why |\n|---|---|\n"


def fields() -> str:
    """A row for each argument."""
    rows = {
        "input": [*INPUT, *events(INPUT_EVENTS)],
        "output": [*OUTPUT, *events(OUTPUT_EVENTS), f"one message of {inline(ANSWER)}"],
        "documents": [*read.DOCUMENTS, *events([RESULT_EVENT]), "spans of retrievers and rerankers before it"],
        "tool_calls": [f"{field} of a tool's span before it: {inline(names)}" for field, names in read.TOOL.items()],
        **read.MAPPED,
        "time_to_first_chunk_s": [*read.MAPPED["time_to_first_chunk_s"], f"`{read.FIRST_CHUNK_MS}` in milliseconds"],
        "error_type": [
            *read.MAPPED["error_type"],
            "`exception.type` of the event `exception`, where the status is an error",
        ],
        "error_message": ["`exception.message` of that event", "the status's message"],
        "cancelled": [f"in place of an error, a type that ends with {inline(read.CANCELS)}"],
        "usage": read.USAGE,
        "parameters": [*wild(read.PARAMETERS), *read.MORE_PARAMETERS, *in_json(read.PARAMETERS_IN_JSON)],
        "prompt_variables": [*wild(read.VARIABLES), *in_json(read.VARIABLES_IN_JSON)],
        **{name: [f"`{each}` of the resource" for each in names] for name, names in read.OF_RESOURCE.items()},
        "time, latency_s": ["the span's end", "from its start to its end"],
        "event_id, trace_id, span_id": ["the span's ids; the event's id is made of both"],
        "attributes": [
            "every other attribute",
            "`service.*` of the resource",
            "`otel.scope.name`: the instrumentation",
        ],
    }
    return FIELDS + "".join(f"| `{name}` | {inline(names)} |\n" for name, names in rows.items())


def kinds() -> str:
    """A row for each kind of span."""
    said: dict[str, list[str]] = {}
    for name, values in KINDS.items():
        for value, kind in values.items():
            said.setdefault(kind, []).append(f"{name}={value}")
    said[MODEL] += [
        "no word for its kind, and one of",
        *(f"{name}*" if name[-1] == "." else name for name in OF_MODELS),
    ]
    said["retriever"] += events([RESULT_EVENT])
    return KIND + "".join(f"| {kind} | {inline(names)} |\n" for kind, names in said.items())


def left_out() -> str:
    """A row for each reason to keep nothing."""
    by_reason: dict[str, list[str]] = {}
    for name, why in read.LEFT_OUT.items():
        by_reason.setdefault(why, []).append(name)
    return LEFT + "".join(f"| {inline(names)} | {why} |\n" for why, names in by_reason.items())


def events(names: Iterable[str]) -> list[str]:
    return [f"the event `{name}`" for name in names]


def wild(prefixes: Iterable[str]) -> list[str]:
    return [f"{prefix}*" for prefix in prefixes]


def in_json(names: Iterable[str]) -> list[str]:
    return [f"the entries of `{name}`" for name in names]


def inline(names: Iterable[str]) -> str:
    return ", ".join(map(code, names))


def code(name: str) -> str:
    return name if " " in name else f"`{name}`"


TABLES = {FIELDS: fields, KIND: kinds, LEFT: left_out}

if __name__ == "__main__":
    for head, table in TABLES.items():
        readmes.write_table(README, head, table())
