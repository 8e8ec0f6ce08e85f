"""A callback for LiteLLM: each call of a model is an event, whichever provider answers it, with its router's too.

    import litellm
    from watchline import Producer
    from watchline.litellm import Watchline

    litellm.callbacks = [Watchline(Producer(app="support-bot"))]

The `metadata` of a call says more of it: `user_id`, `session_id`, `trace_id` and `tags` under LiteLLM's names, anything
else `Producer.emit` takes as `metadata={"watchline": {"prompt": "answer@7", "documents": [...]}}`; what is left becomes
attributes. An answer's event has LiteLLM's `litellm_call_id` as its id, for `Producer.feedback`. What LiteLLM redacts
(`turn_off_message_logging`) stays redacted.

LiteLLM tells no callback of a stream that nobody reads to its end, nor of a task that is cancelled while it waits. So
the streams' class is watched too, and what LiteLLM has forgotten without telling is an event all the same.
"""

from __future__ import annotations

import json
import re
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import wraps
from typing import Any
from uuid import UUID, uuid5

import litellm
from litellm.integrations.custom_logger import CustomLogger
from litellm.litellm_core_utils.redact_messages import should_redact_message_logging

from watchline.streams.producer.arguments import current_span
from watchline.streams.producer.producer import Producer

OWN = "watchline"  # the key of a call's metadata under which it says more of itself

_OPERATIONS = {
    **dict.fromkeys(("completion", "acompletion", "responses", "aresponses", "anthropic_messages"), "chat"),
    **dict.fromkeys(("text_completion", "atext_completion"), "text_completion"),
    **dict.fromkeys(("generate_content", "agenerate_content"), "generate_content"),
    **dict.fromkeys(("generate_content_stream", "agenerate_content_stream"), "generate_content"),
}
# OpenTelemetry's names of providers, where LiteLLM has others.
_PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
_NO_PARAMETERS = frozenset(
    (
        *("messages", "input", "model", "instructions", "system", "tools", "functions", "stream", "stream_options"),
        *("extra_headers", "extra_query", "extra_body", "response_format", "text_format", "metadata", "user"),
        "max_retries",
    )
)
# What LiteLLM's router and proxy put into the metadata that the app gave.
_LITELLM_S_OWN = re.compile(
    r"user_api_key.*|litellm_.*|hidden_params|raw_request|headers|endpoint|requester_.*|model_group_(?:alias|size)"
    r"|model_info|deployment|deployment_model_name|api_base|caching_groups|previous_models|attempted_retries"
    r"|max_retries|global_max_parallel_requests|spend_logs_metadata|applied_guardrails"
)
_TRACES = UUID("5b6f3c0e-6d6c-5a2e-9a06-6f3c2f6b7d10")  # of traces that the app names as it likes
_REDACTED = "redacted-by-litellm"


class Watchline(CustomLogger):
    """LiteLLM's callbacks, each call an event of a producer's.

    LiteLLM calls back from threads of its own, soon after the app has its answer: an event of a producer that is closed
    at once is lost, one of a producer that is left to the end of the process isn't.

    Parameters
    ----------
    producer : Producer
    **about
        Arguments of `Producer.emit` that hold for all calls, such as `prompt`.

    Examples
    --------
    >>> litellm.callbacks = [Watchline(Producer(app="support-bot"), prompt="answer@7")]
    >>> asked = [{"role": "user", "content": "How much?"}]
    >>> litellm.completion("openai/gpt-4o", asked, mock_response="12 euros.").choices[0].message.content
    '12 euros.'
    """

    def __init__(self, producer: Producer, **about: Any) -> None:
        super().__init__()
        self._producer, self._about = producer, about
        self._key = f"{OWN}-{id(self)}"
        _watch_streams()

    def log_pre_api_call(self, model: str, messages: Any, kwargs: dict[str, Any]) -> None:
        """In the app's own thread, before each attempt."""
        before = kwargs.get(self._key)
        if before is not None:
            before.is_over = True  # or LiteLLM would not try again
            before.forgotten()
        kwargs[self._key] = _Attempt(self._emit, {**kwargs, "messages": messages}, is_first=before is None)

    def log_post_api_call(self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        """With the provider's own answer, or with what an error says."""
        answer = kwargs.get("original_response")
        if isinstance(answer, litellm.CustomStreamWrapper):
            # What it is kept for is debugging, and nobody could tell that the app has dropped it.
            kwargs["original_response"] = weakref.proxy(answer)
            litellm.error_logs.pop("POST_CALL", None)
        elif (attempt := kwargs.get(self._key)) and not kwargs.get("stream"):
            attempt.answer, attempt.ended = answer, datetime.now().astimezone()

    def log_success_event(self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        attempt = self._attempt(kwargs)
        if not attempt.claim():
            return
        # The usage beside the response, whose own dump leaves out one that LiteLLM has put there in another form.
        usage = getattr(response_obj, "usage", None)
        answer = {"output": response_obj, "usage": usage, "cost": kwargs.get("response_cost")}
        if kwargs.get("litellm_call_id"):
            answer["event_id"] = kwargs["litellm_call_id"]
        if kwargs.get("cache_hit"):
            answer["variant"] = {"cache_hit": True}
        self._emit(attempt, kwargs, attempt.ended if attempt.pieces else end_time, answer)

    def log_failure_event(self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        attempt = self._attempt(kwargs)
        if attempt.claim():
            self._emit(attempt, kwargs, end_time, {"error": kwargs.get("exception"), "output": attempt.pieces or None})

    async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        self.log_success_event(kwargs, response_obj, start_time, end_time)

    async def async_log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        self.log_failure_event(kwargs, response_obj, start_time, end_time)

    def _attempt(self, details: dict[str, Any]) -> _Attempt:
        """That of a call; a new one where LiteLLM has begun none, as for what its cache answers."""
        attempt: _Attempt | None = details.get(self._key)
        if attempt is None:
            details[self._key] = attempt = _Attempt(self._emit, dict(details))
        return attempt

    def _emit(self, attempt: _Attempt, details: Mapping[str, Any], ended: Any, outcome: Mapping[str, Any]) -> None:
        """Emits an event of what LiteLLM knows of a call (`model_call_details`) and of how the call ended."""
        operation = _OPERATIONS.get(details.get("call_type") or "")
        if operation is None:  # embeddings, images, speech
            return
        if should_redact_message_logging(dict(details)):
            outcome = {**outcome, **({"output": _REDACTED} if outcome.get("output") else {})}
        parameters = details.get("optional_params") or {}
        provider = details.get("custom_llm_provider")
        metadata = dict(attempt.metadata)
        own = metadata.pop(OWN, None)
        user = next((metadata.pop(name) for name in ("user_id", "trace_user_id") if metadata.get(name)), None)
        conversation = metadata.pop("session_id", None)
        tags = metadata.pop("tags", None)
        self._producer.emit(
            **{
                "input": _input(details),
                "system": parameters.get("instructions"),
                "model": details.get("model"),
                "provider": _PROVIDERS.get(provider, provider) if isinstance(provider, str) else None,
                "operation": operation,
                "parameters": {
                    name: item for name, item in parameters.items() if name not in _NO_PARAMETERS and item is not None
                },
                "conversation_id": conversation,
                "user_id": user or details.get("user"),
                "tags": tags or None,
                "metadata": metadata,
                **_trace(attempt, details),
                **_times(attempt, details, ended),
                **self._about,
                **outcome,
                **(own if isinstance(own, Mapping) else {}),
            }
        )


class _Attempt:
    """One attempt at a model. LiteLLM's own details of the call hold it, and nothing else does: when it is collected
    and no callback has claimed it, none will come."""

    def __init__(self, emit: Callable[..., None], details: dict[str, Any], *, is_first: bool = True) -> None:
        self.is_over = False
        self.answer: Any = None
        self.error: BaseException | str | None = None
        self.pieces: list[Any] = []
        self.first_piece: datetime | None = None
        self.ended: datetime | None = None
        self.is_first, self.span, self.metadata = is_first, current_span(), _metadata(details)
        self._emit, self._details, self._unclaimed = emit, details, [True]

    def claim(self) -> bool:
        """True once: for whoever makes the event."""
        try:
            return self._unclaimed.pop()  # in one step, whichever threads come
        except IndexError:
            return False

    def forgotten(self) -> None:
        """Makes the event without LiteLLM."""
        if self.claim():
            with suppress(Exception):  # of a strict producer: whoever comes to collect this has no use for it
                self._tell(self.ended or datetime.now().astimezone())

    def _tell(self, ended: datetime) -> None:
        outcome: dict[str, Any] = {"output": self.pieces or self.answer, "error": self.error}
        if isinstance(self.answer, str):
            try:
                outcome["output"] = json.loads(self.answer)
            except ValueError:
                outcome |= {"output": None, "error": self.answer}
        elif not (self.ended or self.error):
            if self.is_over or not self.is_first:  # an attempt that failed, of which nothing is known
                return
            outcome["cancelled"] = True
        self._emit(self, self._details, ended, outcome)

    def __deepcopy__(self, _: Any) -> _Attempt:
        return self

    def __del__(self) -> None:
        self.forgotten()


def _input(details: Mapping[str, Any]) -> Any:
    if should_redact_message_logging(dict(details)):
        return _REDACTED
    return details.get("messages") or details.get("input")


def _metadata(details: Mapping[str, Any]) -> dict[str, Any]:
    """What the app said of a call; the proxy keeps what its client said under `requester_metadata`."""
    params = details.get("litellm_params") or {}
    found: dict[str, Any] = {}
    for name in ("litellm_metadata", "metadata"):
        given = params.get(name)
        if isinstance(given, Mapping):
            inner = given.get("requester_metadata")
            found |= {**given, **(inner if isinstance(inner, Mapping) else {})}
    return {name: item for name, item in found.items() if item is not None and not _LITELLM_S_OWN.fullmatch(str(name))}


def _trace(attempt: _Attempt, details: Mapping[str, Any]) -> dict[str, str]:
    """The app's own trace, its current span, or LiteLLM's: one for all attempts of its router at one answer."""
    if named := attempt.metadata.get("trace_id"):
        given = str(named).replace("-", "").lower()
        return {"trace_id": given if re.fullmatch("[0-9a-f]{32}", given) else uuid5(_TRACES, given).hex}
    if attempt.span or not details.get("litellm_trace_id"):
        return attempt.span
    given = str(details["litellm_trace_id"]).replace("-", "").lower()
    return {"trace_id": given if re.fullmatch("[0-9a-f]{32}", given) else uuid5(_TRACES, given).hex}


def _times(attempt: _Attempt, details: Mapping[str, Any], ended: Any) -> dict[str, Any]:
    """Those of the call, since callbacks come late. LiteLLM's are of the local zone, and name none."""
    begun = details.get("start_time" if attempt.is_first else "api_call_start_time")
    if not (isinstance(begun, datetime) and isinstance(ended, datetime)):
        return {}
    found: dict[str, Any] = {"time": ended, "latency_s": _between(begun, ended)}
    first = details.get("completion_start_time") or attempt.first_piece
    if details.get("stream") and isinstance(first, datetime):
        found["time_to_first_chunk_s"] = min(_between(begun, first), found["latency_s"])
    return found


def _between(begun: datetime, ended: datetime) -> float:
    return max(0.0, (ended.astimezone() - begun.astimezone()).total_seconds())


# --- streams


def _watch_streams() -> None:
    """Has LiteLLM's streams note how they end. Once in a process; what they give stays what it is."""
    kind: Any = litellm.CustomStreamWrapper
    if hasattr(kind, "_is_watched"):
        return
    kind._is_watched = True  # noqa: SLF001
    next_, anext_ = kind.__next__, kind.__anext__

    @wraps(next_)
    def watched_next(self: Any) -> Any:
        try:
            return next_(self)
        except Exception as error:
            _ended(self, error)
            raise

    @wraps(anext_)
    async def watched_anext(self: Any) -> Any:
        try:
            return await anext_(self)
        except Exception as error:
            _ended(self, error)
            raise

    def left(self: Any) -> None:
        # Those of the router pass on what another stream, which has the pieces, gives them.
        if type(self).__next__ is watched_next and type(self).__anext__ is watched_anext:
            for attempt in _attempts(self):
                if attempt.ended is None:
                    attempt.pieces, attempt.first_piece = self.chunks, self.logging_obj.completion_start_time
                    if self.received_finish_reason is not None:
                        attempt.ended = datetime.now().astimezone()
                    attempt.forgotten()

    kind.__next__, kind.__anext__, kind.__del__ = watched_next, watched_anext, left


def _ended(stream: Any, error: Exception) -> None:
    for attempt in _attempts(stream):
        attempt.pieces, attempt.ended = stream.chunks, datetime.now().astimezone()
        attempt.error = None if isinstance(error, StopIteration | StopAsyncIteration) else error


def _attempts(stream: Any) -> list[_Attempt]:
    details = getattr(getattr(stream, "logging_obj", None), "model_call_details", None)  # none of one half made
    return [item for item in list((details or {}).values()) if isinstance(item, _Attempt)]
