"""The recording published again through the real producer: fresh ids, times moved so that the last event is now."""

from __future__ import annotations

from watchline.schemas.records import Feedback, Interaction
from watchline.streams import Producer
from watchline.streams.demo.app import PROMPTS
from watchline.streams.demo.recording import Recording
from watchline.streams.ids import uuid7

HUMAN_LABELS = {True: "unsupported", False: "supported"}


def replay(recording: Recording, producer: Producer, *, now: int) -> dict[str, str]:
    """Publishes everything at once, in the order of its time; returns before all of it is delivered.

    Returns the recorded id of each interaction to its fresh one.

    `now`: microseconds since 1970, the time that the last record gets.
    """
    records: list[Interaction | Feedback] = [*recording.interactions, *recording.feedback]
    records.sort(key=lambda record: record.time)
    shift = now - records[-1].time
    ids = {record.event_id: uuid7() for record in records if isinstance(record, Interaction)}
    for record in records:
        if isinstance(record, Feedback):
            producer.feedback(
                ids[record.event_id], rating=record.rating, comment=record.comment, time=(record.time + shift) / 1e6
            )
        else:
            _emit(producer, record, ids[record.event_id], (record.time + shift) / 1e6, recording)
    return ids


def _emit(producer: Producer, record: Interaction, event_id: str, time: float, recording: Recording) -> None:
    label = recording.labels.get(record.event_id)
    producer.emit(
        event_id=event_id,
        time=time,
        input=[{"role": message.role, "content": message.content} for message in record.input_messages],
        output=record.output,
        model=record.request_model,
        response_model=record.response_model,
        provider=record.provider,
        system=record.system_instructions,
        documents=[
            {"id": document.id, "content": document.content, "score": document.score} for document in record.documents
        ],
        prompt=f"{record.prompt_name}@{record.prompt_version}",
        prompt_template=PROMPTS[record.prompt_version or ""].text,
        prompt_variables=record.prompt_variables,
        usage={"input_tokens": record.input_tokens, "output_tokens": record.output_tokens},
        cost=record.cost,
        latency_s=record.latency_s,
        time_to_first_chunk_s=record.time_to_first_chunk_s,
        finish_reasons=record.finish_reasons,
        tenant=record.tenant,
        parameters=record.request_parameters,
        variant=record.variant,
        # What a person said of the answer travels along, so that the report can compare in SQL.
        attributes={**record.attributes, **({} if label is None else {"human_label": HUMAN_LABELS[label]})},
    )
