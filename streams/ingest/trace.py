"""Spans that came together to events: what was looked up for a model's call belongs to that call."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from watchline.streams.ingest.span import MODEL, RERANKER, RETRIEVER, TOOL, Span
from watchline.streams.ingest.span_arguments import arguments, documents, tool_call


@dataclass(frozen=True, slots=True)
class Calls:
    """The models' calls in a request.

    Parameters
    ----------
    calls : list of (Span, dict)
        Each with the arguments of its event.
    left_out : Counter of str
        By kind, how many spans are no event and no part of one.
    bad : int
        How many are a model's call that can't be read.
    """

    calls: list[tuple[Span, dict[str, Any]]]
    left_out: Counter[str]
    bad: int


def read(spans: Iterable[Span]) -> Calls:
    """Makes an event of each model's call, with the documents and the tools' results that it could know.

    Those are of the retrievers, rerankers and tools that ended before it began, in the same trace, and after the call
    before it. A reranker's documents stand in place of those that it was given.

    Examples
    --------
    >>> ids = {"trace_id": "0af7" * 8, "span_id": "b7ad" * 4}
    >>> kind, text = "openinference.span.kind", "retrieval.documents.0.document.content"
    >>> retriever = Span(**ids, end_ns=5, attributes={kind: "RETRIEVER", text: "Invoice 7"})
    >>> model = Span(**ids, start_ns=6, end_ns=9, attributes={kind: "LLM"})
    >>> read([model, retriever, Span(**ids, attributes={kind: "CHAIN"})]).calls[0][1]["documents"]
    [{'content': 'Invoice 7', 'id': None, 'score': None}]
    """
    traces: dict[str, list[Span]] = {}
    for span in spans:
        traces.setdefault(span.trace_id, []).append(span)
    calls: list[tuple[Span, dict[str, Any]]] = []
    left_out: Counter[str] = Counter()
    bad = 0
    for trace in traces.values():
        models = sorted((span for span in trace if span.kind == MODEL), key=lambda span: span.start_ns)
        starts = [span.start_ns for span in models]
        known: list[list[Span]] = [[] for _ in models]
        for span in sorted(trace, key=lambda span: span.end_ns):
            following = bisect_left(starts, span.end_ns)
            if span.kind in (RETRIEVER, RERANKER, TOOL) and following < len(models):
                known[following].append(span)
            elif span.kind != MODEL:
                left_out[span.kind] += 1
        for model, before in zip(models, known, strict=True):
            try:
                calls.append((model, _with(arguments(model), before, left_out)))
            except Exception:  # such as JSON that is nested too deeply to be written again: it costs no other span
                bad += 1
    return Calls(calls, left_out, bad)


def _with(call: dict[str, Any], before: list[Span], left_out: Counter[str]) -> dict[str, Any]:
    """The call's arguments with what the spans before it found; a span that found nothing is left out."""
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in (RETRIEVER, RERANKER, TOOL)}
    for span in before:
        results = documents(span) if span.kind != TOOL else [result] if (result := tool_call(span)) else []
        found[span.kind] += results
        if not results:
            left_out[span.kind] += 1
    given = [*call.get("documents", []), *(found[RERANKER] or found[RETRIEVER])]
    seen = {document["content"]: document for document in reversed(given)}  # the first of those with the same text
    if unique := [document for document in given if seen[document["content"]] is document]:
        call["documents"] = unique
    if found[TOOL]:
        call["tool_calls"] = found[TOOL]
    return call
