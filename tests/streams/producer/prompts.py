"""Releases of a prompt of the app `shop`, signed by a keeper's key."""

from __future__ import annotations

import dataclasses
from typing import Any

from watchline.schemas.records import PromptRelease
from watchline.streams.governance.keys import Key
from watchline.streams.governance.prompt_topic import signed
from watchline.streams.producer import releases
from watchline.streams.producer.prompt import hash_of

KEY, OTHER = Key.new(), Key.new()


def release(position: int = 7, **changed: Any) -> PromptRelease:
    """One whose version is its position."""
    content = changed.pop("content", f"version {position}")
    made = PromptRelease(
        environment="default",
        app="shop",
        name="answer",
        position=position,
        version=str(position),
        content_hash=hash_of(content),
        content=content,
        variables=(),
        status="live",
    )
    return dataclasses.replace(made, **changed)


def message(made: PromptRelease, key: Key = KEY) -> tuple[bytes, bytes]:
    """As it is in the topic."""
    return releases.key_of(made.environment, made.app, made.name), signed(made, key)
