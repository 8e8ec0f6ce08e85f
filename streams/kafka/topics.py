"""The topics: what each holds, and how it is kept. No import of a client: apps name topics too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_MESSAGE_BYTES = 1_000_000
MAX_RECORD_BYTES = 900_000  # what we put into one: the broker counts key, headers and framing too


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic of Watchline's. Called with a prefix, it gives its name in Kafka.

    >>> interactions("watchline.")
    'watchline.interactions'

    Parameters
    ----------
    name : without the prefix
    holds : what a message is, in words
    key : what its key is, in words; empty where it has none
    record : the Avro record that is its value; empty where that is none
    retention : the setting that says for how many seconds messages are kept; empty where it is for good
    cleanup : what Kafka does with what is old: deletes it, or keeps the last message of each key
    max_bytes : of a message
    consumed : whether the workers' group reads it
    """

    name: str
    holds: str
    key: str = ""
    record: str = ""
    retention: str = ""
    cleanup: Literal["delete", "compact"] = "delete"
    max_bytes: int = MAX_MESSAGE_BYTES
    consumed: bool = False

    def __call__(self, prefix: str) -> str:
        return f"{prefix}{self.name}"


# Raw text stands in these two and in the dead letters: short retention.
interactions = Topic(
    name="interactions",
    holds="interactions, as the app sent them",
    record="InteractionBatch",
    retention="raw_retention_s",
    consumed=True,
)
feedback = Topic(
    name="feedback",
    holds="feedback, as the app sent it",
    record="Feedback",
    retention="raw_retention_s",
    consumed=True,
)
findings = Topic(
    name="findings",
    holds="what the detectors found",
    key="app, environment, prompt",
    record="FindingBatch",
    retention="findings_retention_s",
    consumed=True,
)
signals = Topic(
    name="signals",
    holds="what the monitor found",
    key="app",
    record="Signal",
    retention="signals_retention_s",
)
dead_letters = Topic(
    name="dead-letters",
    holds="messages that could not be processed, as they came; where from and why in their headers",
    retention="dead_letter_retention_s",
    max_bytes=MAX_MESSAGE_BYTES + 100_000,  # a message of the largest size that is allowed gets headers
)
monitor_state = Topic(
    name="monitor-state",
    holds="the monitor's states, packed `MonitorState`",
    key="app, environment, prompt",
    cleanup="compact",
)
governance = Topic(
    name="governance", holds="what people decided of prompts, models and erasure", record="GovernanceEvent"
)

TOPICS = (interactions, feedback, findings, signals, dead_letters, monitor_state, governance)
