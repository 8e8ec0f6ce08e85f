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
    key : what a message's key is, in words; empty where it has none
    record : the Avro record that is its value; empty where that is bytes of any kind
    retention : the setting that says for how many seconds messages are kept; empty where it is for good
    cleanup : what Kafka does with what is old: deletes it, or keeps the last message of each key
    max_bytes : of a message
    consumed : whether the workers' group reads it
    """

    name: str
    key: str = ""
    record: str = ""
    retention: str = ""
    cleanup: Literal["delete", "compact"] = "delete"
    max_bytes: int = MAX_MESSAGE_BYTES
    consumed: bool = False

    def __call__(self, prefix: str) -> str:
        return f"{prefix}{self.name}"


# Raw text stands in these two and in the dead letters: short retention.
interactions = Topic(name="interactions", record="InteractionBatch", retention="raw_retention_s", consumed=True)
feedback = Topic(name="feedback", record="Feedback", retention="raw_retention_s", consumed=True)
findings = Topic(
    name="findings",
    key="app, environment, prompt name",
    record="FindingBatch",
    retention="findings_retention_s",
    consumed=True,
)
signals = Topic(name="signals", key="app", record="Signal", retention="signals_retention_s")
# A message of the largest size that is allowed gets headers when it becomes a dead letter.
dead_letters = Topic(name="dead-letters", retention="dead_letter_retention_s", max_bytes=MAX_MESSAGE_BYTES + 100_000)
monitor_state = Topic(name="monitor-state", key="as in findings", cleanup="compact")
governance = Topic(name="governance", record="GovernanceEvent")

TOPICS = (interactions, feedback, findings, signals, dead_letters, monitor_state, governance)
