"""OpenAI's library, with its calls watched: chat completions and responses, streamed or not, also asynchronous.

    from watchline import Producer
    from watchline.openai import OpenAI

    client = OpenAI(producer=Producer(app="support-bot"))

A client that is there already, of any class that OpenAI's library has (`AzureOpenAI`), becomes a watched one by
`watch(client, producer)`. A call says more of itself by one more keyword: `watchline={"tenant": "acme"}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import openai

from watchline.streams.integrations import watched
from watchline.streams.integrations.watched import said
from watchline.streams.producer.observe import Call
from watchline.streams.producer.producer import Producer

Client = TypeVar("Client", openai.OpenAI, openai.AsyncOpenAI)

_OF_THE_CALL = frozenset(
    (
        *("messages", "input", "model", "instructions", "tools", "stream", "stream_options", "extra_headers", "user"),
        *("extra_query", "extra_body", "timeout", "response_format", "text_format", "functions", "metadata", "prompt"),
    )
)
_OVER = frozenset(("response.completed", "response.incomplete", "response.failed"))


def watch(client: Client, producer: Producer, **about: Any) -> Client:
    """Has the calls of a client watched, and those of the copies that it makes of itself; gives the same client.

    Parameters
    ----------
    client : openai.OpenAI or openai.AsyncOpenAI
    producer : Producer
    **about
        Arguments of `Producer.emit` that hold for all its calls, such as `prompt`.

    Examples
    --------
    >>> client = watch(openai.OpenAI(api_key="none"), Producer(app="support-bot"), prompt="answer@7")
    """
    about = {"provider": "azure.ai.openai" if "Azure" in type(client).__name__ else "openai", **about}
    for name in ("create", "parse"):
        watched.watch(client.chat.completions, name, producer, _chat, Call.keep, about)
        watched.watch(client.responses, name, producer, _responses, _event, about)
    watched.watch_copies(client, lambda copy: watch(copy, producer, **about))
    return client


class OpenAI(watched.OwnClient, openai.OpenAI):
    """OpenAI's client, watched from the beginning; `about` are arguments of `Producer.emit` for all its calls."""

    _watch = staticmethod(watch)


class AsyncOpenAI(watched.OwnClient, openai.AsyncOpenAI):
    """As `OpenAI`, asynchronous."""

    _watch = staticmethod(watch)


def _chat(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"input": given.get("messages"), "model": given.get("model"), "parameters": _parameters(given)}


def _responses(given: Mapping[str, Any]) -> dict[str, Any]:
    system, conversation = said(given.get("instructions")), said(given.get("conversation"))
    return {
        "input": given.get("input"),
        "model": given.get("model"),
        "system": system,
        "conversation_id": conversation if isinstance(conversation, str) else None,
        "parameters": _parameters(given),
    }


def _parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in _OF_THE_CALL and said(value) is not None}


def _event(call: Call, event: Any) -> None:
    """Of a stream of responses the text as it comes, and the whole response at its end."""
    if event.type == "response.output_text.delta":
        call.keep(event.delta)
    elif event.type in _OVER:
        call.output = event.response
        call.streams(False)
