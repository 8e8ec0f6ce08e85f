"""Anthropic's library, with its calls watched: messages, streamed or not, also asynchronous, also beta ones.

    from watchline import Producer
    from watchline.anthropic import Anthropic

    client = Anthropic(producer=Producer(app="support-bot"))

A client that is there already, of any class that Anthropic's library has (`AnthropicBedrock`, `AnthropicVertex`),
becomes a watched one by `watch(client, producer)`. A call says more of itself by one more keyword:
`watchline={"tenant": "acme"}`. Batches, whose answers come later, are not watched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import anthropic

from watchline.streams.integrations import watched
from watchline.streams.integrations.watched import said
from watchline.streams.producer.observe import Call
from watchline.streams.producer.producer import Producer

Client = TypeVar("Client", bound=Any)  # of the library's classes, some of which have no parent but a private one

# By name, since tools, servers and metadata of a request may hold what is nobody else's to know, such as a token.
_SETTINGS = (
    *("max_tokens", "temperature", "top_p", "top_k", "stop_sequences", "thinking", "tool_choice", "service_tier"),
    *("speed", "inference_geo", "betas", "effort"),
)
_PROVIDERS = {"Bedrock": "aws.bedrock", "Vertex": "gcp.vertex_ai"}  # by a part of the name of the client's class


def watch(client: Client, producer: Producer, **about: Any) -> Client:
    """Has the calls of a client watched, and those of the copies that it makes of itself; gives the same client.

    Parameters
    ----------
    client
        Of any class of the library's, such as `anthropic.Anthropic` or `anthropic.AsyncAnthropicVertex`.
    producer : Producer
    **about
        Arguments of `Producer.emit` that hold for all its calls, such as `prompt`.

    Examples
    --------
    >>> client = watch(anthropic.Anthropic(api_key="none"), Producer(app="support-bot"), prompt="answer@7")
    """
    names = [kind.__name__ for kind in type(client).__mro__]
    providers = (provider for part, provider in _PROVIDERS.items() if any(part in name for name in names))
    about = {"provider": next(providers, "anthropic"), **about}
    for messages in (client.messages, client.beta.messages):
        for name in ("create", "parse"):
            if hasattr(messages, name):
                watched.watch(messages, name, producer, _request, Call.keep, about)
        if hasattr(messages, "stream"):
            watched.watch_manager(messages, "stream", producer, _request, Call.keep, about)
    watched.watch_copies(client, lambda copy: watch(copy, producer, **about))
    return client


class Anthropic(watched.OwnClient, anthropic.Anthropic):
    """Anthropic's client, watched from the beginning; `about` are arguments of `Producer.emit` for all its calls."""

    _watch = staticmethod(watch)


class AsyncAnthropic(watched.OwnClient, anthropic.AsyncAnthropic):
    """As `Anthropic`, asynchronous."""

    _watch = staticmethod(watch)


def _request(given: Mapping[str, Any]) -> dict[str, Any]:
    given = {**given, **(given.get("extra_body") or {})}  # as the library sends them
    asked, user, config = (
        given.get("messages"),
        said(given.get("metadata")),
        said(given.get("output_config")),
    )
    if isinstance(config, Mapping):
        given["effort"] = config.get("effort")
    if isinstance(asked, list):
        asked = [*asked]  # the app may add the answer while it comes
    elif isinstance(asked, Iterator):
        asked = []  # whose messages only one can have
    return {
        "input": asked,
        "model": given.get("model"),
        "system": said(given.get("system")),
        "subject": user.get("user_id") if isinstance(user, Mapping) else None,
        "parameters": {name: given[name] for name in _SETTINGS if said(given.get(name)) is not None},
    }
