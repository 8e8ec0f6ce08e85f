"""Attacks that write to the topic of prompts, past the log. Apps and the keeper must tell what is none of the log's."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from watchline.schemas.codec import encode
from watchline.schemas.records import PromptRelease
from watchline.streams.governance import prompt_topic
from watchline.streams.governance.drill.answer import Answer, stopped
from watchline.streams.governance.drill.world import APP, CONTENTS, ENVIRONMENT, NAME, World
from watchline.streams.governance.prompts.content import content_hash
from watchline.streams.governance.prompts.publishing import CONTENT, contents
from watchline.streams.governance.prompts.releases import drafts
from watchline.streams.kafka import log_reader, topics
from watchline.streams.producer.held_prompts import HeldPrompts
from watchline.streams.producer.releases import SIGNATURE_BYTES, key_of

KEY = key_of(ENVIRONMENT, APP, NAME)


def serve_forged(world: World) -> Answer:
    """Writes a prompt under the keeper's key id, with a signature of their own. Apps must refuse it."""
    app = _App(world)
    made = dataclasses.replace(_forged(app), signed_by=world.keys["keeper"].id, signature=bytes(SIGNATURE_BYTES))
    unsigned = encode(made).removesuffix(made.signature)
    return _kept(world, app, unsigned + world.keys["mallory"].sign(unsigned), CONTENTS[1])


def serve_self_signed(world: World) -> Answer:
    """Writes a prompt that is rightly signed, with a key of their own. Apps must refuse it."""
    app = _App(world)
    return _kept(world, app, prompt_topic.signed(_forged(app), world.keys["mallory"]), CONTENTS[1])


def swap_content(world: World) -> Answer:
    """Writes another text in the place of an approved content, beside the log. Its hash must tell the keeper."""
    (draft,) = (id for id, wanted in drafts(world.keeper.fold.state).items() if wanted == content_hash(CONTENTS[1]))
    world.send(topics.governance_texts, f"{'00' * 16}:{CONTENTS[2]}".encode(), f"{draft}/{CONTENT}".encode())
    found = contents(world.settings, world.log, {draft: content_hash(CONTENTS[1])})
    says = "of the texts of a draft the one counts whose hash was approved"
    return stopped("the keeper", says, when={*found.values()} <= {CONTENTS[1]})


def serve_older(world: World) -> Answer:
    """Writes the version before again, as the keeper had signed it. Apps never go back; and once the keeper, which does
    so each minute, has looked at the topic, an app that begins anew from a compacted topic must get the right one too.
    """
    app = _App(world)
    older = next(value for value in app.values if CONTENTS[0].encode() in value)
    answer = _kept(world, app, older, CONTENTS[1])
    if answer.word != "stopped":
        return answer
    begun_before = _App(world, compacted=True).release.content
    prompt_topic.publish(world.settings, [app.release], world.keys["keeper"])
    begun_after = _App(world, compacted=True).release.content
    says = "it keeps the release of the highest position; one that begins anew "
    says += "could get the older until the keeper writes over it, each minute" if begun_before == CONTENTS[0] else "too"
    return stopped(answer.by, says, when=begun_after == CONTENTS[1])


def empty_prompt(world: World) -> Answer:
    """Writes an empty message, which deletes a prompt in Kafka. A withdrawal is signed: apps must keep theirs."""
    return _kept(world, _App(world), None, CONTENTS[1])


class _App:
    """An app that reads the topic from its beginning. `compacted`: as if Kafka had kept the last of each key alone."""

    def __init__(self, world: World, *, compacted: bool = False) -> None:
        self.warned: list[str] = []
        keeper = world.keys["keeper"]
        self.held = HeldPrompts(ENVIRONMENT, APP, {keeper.id: keeper.public}, self._warn)
        found = _messages(world)
        self.values = [value for _, value in found]
        self.held.take(found[-1:] if compacted else found)

    def _warn(self, _: str, text: str, *values: object) -> None:
        self.warned.append(text % values)

    @property
    def release(self) -> PromptRelease:
        return self.held.by_name()[NAME]


def _forged(app: _App) -> PromptRelease:
    content, position = CONTENTS[2], app.release.position + 100
    return dataclasses.replace(app.release, content=content, content_hash=content_hash(content), position=position)


def _messages(world: World) -> list[tuple[bytes, bytes]]:
    topic = topics.prompts(world.settings.topic_prefix)
    read = log_reader.read_to_end(world.settings, topic, [0])
    return [(KEY, message.value() or b"") for message in read if message.key() == KEY]


def _kept(world: World, app: _App, value: bytes | None, content: str) -> Answer:
    """Whether an app that runs, and one that begins now, both have this content after the message."""
    refused = app.held.refused
    world.send(topics.prompts, value, KEY)
    app.held.take(_messages(world))
    again = _App(world)
    says = app.warned[-1] if app.held.refused > refused else "it keeps the release of the highest position"
    served: Mapping[str, str] = {"running": app.release.content, "begun anew": again.release.content}
    return stopped("the app's reader", says, when={*served.values()} == {content})
