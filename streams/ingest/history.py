"""What other tools have kept of a model's calls, as the arguments of events.

Each reader is given the objects of an export one after the other, and gives the events in them: none for what is no
call of a model. An event's id comes from the tool's own, so that a second reading adds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

Arguments = dict[str, Any]
Reader = Callable[[Mapping[str, Any]], Iterator[Arguments]]


def langfuse() -> Reader:
    """Observations as Langfuse's export and its API have them, or traces with theirs; of a trace alone what it says.

    Examples
    --------
    >>> kept = {"id": "o-1", "type": "GENERATION", "input": "Hi", "output": "Hello", "model": "m", "latency": 0.5}
    >>> [event["output"] for event in langfuse()(kept)]
    ['Hello']
    """

    def read(record: Mapping[str, Any]) -> Iterator[Arguments]:
        observations = record.get("observations")
        if isinstance(observations, list) and any(isinstance(item, Mapping) for item in observations):
            of_trace = {
                name: record.get(name) for name in ("sessionId", "userId", "tags", "environment") if record.get(name)
            }
            for item in observations:
                if isinstance(item, Mapping):
                    yield from read({**of_trace, "traceId": record.get("id"), **item})
        elif str(record.get("type", "GENERATION")).upper() == "GENERATION" and _has(record, "input", "output"):
            yield _of_observation({key.replace("_", "").lower(): item for key, item in record.items()})

    return read


def _of_observation(kept: Mapping[str, Any]) -> Arguments:
    started, ended = kept.get("starttime") or kept.get("timestamp"), kept.get("endtime")
    prompt = {"name": kept.get("promptname"), "version": kept.get("promptversion")}
    costs = kept.get("costdetails")
    found = {
        "event_id": kept.get("id"),
        "input": kept.get("input"),
        "output": kept.get("output"),
        "model": kept.get("model") or kept.get("providedmodelname"),
        "parameters": kept.get("modelparameters"),
        "usage": kept.get("usagedetails") or kept.get("usage"),
        "cost": kept.get("calculatedtotalcost") or (costs.get("total") if isinstance(costs, Mapping) else None),
        "time": ended or started,
        "latency_s": _between(started, ended),
        "time_to_first_chunk_s": _between(started, kept.get("completionstarttime")),
        "prompt": prompt if prompt["name"] else None,
        "error": (kept.get("statusmessage") or "ERROR") if kept.get("level") == "ERROR" else None,
        "trace_id": kept.get("traceid"),
        "session_id": kept.get("sessionid"),
        "user_id": kept.get("userid"),
        "tags": kept.get("tags") or None,
        "metadata": kept.get("metadata"),
        "environment": kept.get("environment"),
    }
    return {name: value for name, value in found.items() if value is not None}


def openai_batch() -> Reader:
    """Requests and results of OpenAI's Batch API, the requests first: each result is an event with its request."""
    requests: dict[str, Mapping[str, Any]] = {}

    def read(record: Mapping[str, Any]) -> Iterator[Arguments]:
        name = str(record.get("custom_id", ""))
        if isinstance(record.get("body"), Mapping):
            requests[name] = record["body"]
            return
        request = requests.pop(name, {})
        response = record.get("response")
        body = response.get("body") if isinstance(response, Mapping) else None
        error = record.get("error") or (body.get("error") if isinstance(body, Mapping) else None)
        if not request and not isinstance(body, Mapping):
            return
        about = {"messages", "input", "prompt", "model"}
        found: Arguments = {
            "event_id": record.get("id") or name,
            "input": request or None,
            "output": None if error else body,
            "model": request.get("model"),
            "parameters": {key: item for key, item in request.items() if key not in about},
            "time": body.get("created") or body.get("created_at") if isinstance(body, Mapping) else None,
            "error": error.get("message") if isinstance(error, Mapping) else error,
            "custom_id": name,
        }
        yield {key: item for key, item in found.items() if item is not None}

    return read


def otlp() -> Reader:
    """Requests of OpenTelemetry's protocol in JSON, as the collector's file exporter writes them, one a line.

    What was looked up for a call belongs to it where it stands in the same request: see `trace.read`. Messages in logs
    belong to the spans of the same request, or of those after it.
    """
    from watchline.streams.ingest import trace
    from watchline.streams.ingest.log_events import LogEvents
    from watchline.streams.ingest.otlp import JSON, TooLargeError, log_events, spans

    held = LogEvents(lambda _: None, clock=lambda: 0.0)  # a file says nothing of when it is over

    def read(record: Mapping[str, Any]) -> Iterator[Arguments]:
        body = json.dumps(record).encode()
        try:
            logged, bad_logs, _ = log_events(body, JSON)
            found, bad = spans(body, JSON)
        except TooLargeError:
            raise ValueError("more spans than a request may have") from None
        held.keep(logged)
        calls = trace.read(held.joined(found))
        for _, call in calls.calls:
            yield call
        if missed := bad + bad_logs + calls.bad:
            raise ValueError(f"{missed} spans or log records of it can't be read")

    return read


def _has(record: Mapping[str, Any], *names: str) -> bool:
    return any(record.get(name) not in (None, "") for name in names)


def _between(start: Any, end: Any) -> float | None:
    """Seconds between two times in ISO 8601."""
    try:
        return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
    except (TypeError, ValueError):
        return None


READERS: Mapping[str, Callable[[], Reader]] = {
    "langfuse": langfuse,
    "openai-batch": openai_batch,
    "otlp": otlp,
}
