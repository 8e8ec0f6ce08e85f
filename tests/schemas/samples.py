"""One record of each kind with every field set; `python -m tests.schemas.samples` stores them as samples."""

from __future__ import annotations

from typing import Any

from watchline.schemas import codec
from watchline.schemas.records import (
    Document,
    Evidence,
    Feedback,
    Finding,
    FindingBatch,
    GovernanceEvent,
    Interaction,
    InteractionBatch,
    Message,
    ScoredInteraction,
    Signal,
    Span,
    ToolCall,
)

EVENT_ID = "01935c3e-7a00-7000-8000-000000000001"
TIME = 1_767_225_600_000_000

INTERACTION = Interaction(
    event_id=EVENT_ID,
    time=TIME,
    app="support-bot",
    environment="production",
    trace_id="0" * 31 + "1",
    span_id="0" * 15 + "2",
    conversation_id="c-1",
    response_id="r-1",
    tenant="acme",
    subject="k1:" + "ab" * 32,
    operation="chat",
    provider="openai",
    request_model="gpt-4o",
    response_model="gpt-4o-2024-11-20",
    system_fingerprint="fp_1",
    variant={"quantization": "int8"},
    prompt_name="answer",
    prompt_version="7",
    prompt_hash="cd" * 32,
    prompt_variables={"language": "English"},
    system_instructions="Answer from the documents.",
    input_messages=(Message("user", "What is the total?"),),
    output_messages=(Message("assistant", "The total is 12 €."),),
    tool_calls=(ToolCall("sum", '{"a": 5, "b": 7}', "12", "call-1"),),
    documents=(Document("The total is 12 €.", "doc-1", 0.9),),
    request_parameters={"temperature": "0.2"},
    input_tokens=812,
    output_tokens=64,
    cache_read_input_tokens=100,
    cache_write_input_tokens=10,
    reasoning_output_tokens=8,
    cost=0.0021,
    latency_s=1.9,
    time_to_first_chunk_s=0.3,
    finish_reasons=("stop",),
    error_type="Timeout",
    error_message="gave up after 30 s",
    attributes={"region": "eu"},
    truncated={"input:0": 300_000},
)

FINDING = Finding(
    event_id=EVENT_ID,
    detector="groundedness",
    detector_version="0123456789ab",
    decision="evaluated",
    reason=None,
    scores={"unsupported": 0.75},
    score=0.75,
    threshold=0.5,
    alert_threshold=0.875,
    flagged=True,
    alert=False,
    calibration_version="1",
    severity="medium",
    spans=(Span("output:0", 0, 18, "unsupported", 0.75),),
    evidence=(Evidence(0, "document:0", 0, 18, 0.5),),
    scored_fraction=1.0,
    duration_us=900,
    batch_size=32,
    device="cpu",
)

SAMPLES: tuple[Any, ...] = (
    InteractionBatch(
        producer_id="01935c3e-7a00-7000-8000-0000000000ff",
        first_sequence=41,
        dropped=3,
        app="support-bot",
        environment="production",
        time=TIME,
        dropped_by={"buffer full": 2, "bad value: latency_s": 1},
        feedback_dropped=1,
        interactions=(INTERACTION,),
    ),
    Feedback(
        feedback_id="01935c3e-7a00-7000-8000-000000000002",
        event_id=EVENT_ID,
        time=TIME,
        app="support-bot",
        environment="production",
        tenant="acme",
        subject="k1:" + "ab" * 32,
        rating=-1,
        comment="wrong total",
    ),
    FindingBatch(
        app="support-bot",
        environment="production",
        prompt_name="answer",
        items=(
            ScoredInteraction(
                event_id=EVENT_ID,
                time=TIME,
                prompt_version="7",
                prompt_hash="cd" * 32,
                model="gpt-4o-2024-11-20",
                tenant="acme",
                latency_s=1.9,
                time_to_first_chunk_s=0.3,
                cost=0.0021,
                input_tokens=812,
                output_tokens=64,
                input_length=18,
                output_length=18,
                error=True,
                prompt_embedding=(0.5, -0.5),
                findings=(FINDING,),
                raw_topic_id="AAAA",
                raw_partition=1,
                raw_offset=2,
                raw_index=3,
            ),
        ),
    ),
    Signal(
        signal_id="01935c3e-7a00-7000-8000-000000000003",
        time=TIME,
        kind="prompt_version",
        app="support-bot",
        environment="production",
        prompt_name="answer",
        measure="groundedness",
        slice={"prompt_version": "7"},
        baseline={"prompt_version": "6"},
        before=0.1,
        after=0.4,
        since=TIME - 60_000_000,
        events_before=200,
        events_after=31,
        method="two-sample test by betting",
        statistic=120.5,
        p_value=0.004,
        attribution={"unsupported": 1.0},
        event_id=EVENT_ID,
    ),
    GovernanceEvent(
        governance_id="01935c3e-7a00-7000-8000-000000000004",
        time=TIME,
        actor="release-pipeline",
        action="prompt_promoted",
        target="answer",
        version="7",
        content_hash="cd" * 32,
        details={"from": "6"},
    ),
)


def main() -> None:
    for record in SAMPLES:
        name = type(record).__name__
        path = codec.AVRO / "samples" / f"{name}-{codec.schema_fingerprint(name).hex()}.bin"
        path.write_bytes(codec.encode(record))


if __name__ == "__main__":
    main()
