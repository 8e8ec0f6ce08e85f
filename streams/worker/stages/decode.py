"""Messages of the raw topic to events and dead letters: decode, leave out what can't be stored."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from watchline.schemas.codec import Registry, decode, encode_body
from watchline.schemas.errors import Kind, PoisonError
from watchline.schemas.records import InteractionBatch
from watchline.schemas.validation import repair, repair_envelope
from watchline.streams.dead_letters import WHOLE_MESSAGE
from watchline.streams.health.canary import is_canary
from watchline.streams.kafka.topics import MAX_RECORD_BYTES
from watchline.streams.messages import DecodedMessage, Event, Message
from watchline.streams.worker.scoring.part import Part
from watchline.streams.worker.stages.stage import Stage


def unpack(
    message: Message, registry: Registry | None = None, *, indices: Container[int] | None = None
) -> DecodedMessage:
    """Decodes and repairs a message. Bytes or an envelope that can't be read cost the message, an event only itself.

    `indices` names the events that are meant, by their places in the envelope; None: all.
    """
    try:
        sent = decode(message.value, InteractionBatch, registry)
        envelope = repair_envelope(sent, received=message.received)
    except PoisonError as error:
        return DecodedMessage(message, [], [message.dead_letter(error)], {WHOLE_MESSAGE: ""})
    batch = envelope.record
    report = batch if batch.is_report else None
    unpacked = DecodedMessage(message, [], [], {}, report, len(batch.interactions), envelope.invalid_fields)
    for index, interaction in enumerate(batch.interactions):
        if indices is not None and index not in indices:
            continue
        event = Event(interaction, message, batch, index, registry)
        try:
            repaired = repair(interaction, received=message.received)
            # More than Kafka takes uncompressed: nobody but who means harm packs that, and scoring it takes minutes.
            if len(message.value) > MAX_RECORD_BYTES and len(encode_body(interaction)) > MAX_RECORD_BYTES:
                raise PoisonError(Kind.INVALID, f"event: larger than {MAX_RECORD_BYTES:,} bytes")
        except PoisonError as error:
            unpacked.dead.append(event.dead_letter(error))
            unpacked.apps[index] = interaction.app
        else:
            if invalid := repaired.invalid_fields:
                event = replace(
                    event, interaction=repaired.record, sent_time=repaired.sent_time, invalid_fields=invalid
                )
            unpacked.events.append(event)
            if not is_canary(interaction):  # which says nothing of the apps' events
                unpacked.apps[index] = interaction.app
    return unpacked


class Decode(Stage[Part]):
    """Decodes and repairs the messages. What can't be read is a dead letter.

    Parameters
    ----------
    registry : Registry or None
        Whose framing the messages may have.
    """

    name = "decode"

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry

    def run(self, part: Part, /) -> Part:
        decoded = [unpack(message, self._registry, indices=part.indices) for message in part.messages]
        dead = [letter for message in decoded for letter in message.dead]
        return replace(part, decoded=decoded, dead_letters=[*part.dead_letters, *dead])
