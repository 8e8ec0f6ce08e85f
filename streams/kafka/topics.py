"""Watchline's topics: what each holds, and how long. Without a Kafka client: apps need the names too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_MESSAGE_BYTES = 1_000_000  # that a broker takes
MAX_RECORD_BYTES = 900_000  # of a value that Watchline sends: the broker counts key, headers and framing too


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One of Watchline's topics. Called with a prefix, it gives its name in Kafka.

    Parameters
    ----------
    name : str
        Without the prefix.
    holds : str
        What a message is, for people to read.
    key : str
        What a message's key is, for people to read; empty where it has none.
    record : str
        Name of the Avro record that is a message's value; empty where it is none.
    retention : str
        Name of the setting with the seconds for which Kafka keeps messages; empty for ever.
    cleanup : {"delete", "compact"}
        Whether Kafka deletes old messages, or keeps the last message of each key.
    max_bytes : int
        Largest message that the topic takes.
    read_by : {"", "workers", "monitors"}
        Whose consumer group reads it; empty where none does.
    partitions : int
        How many it has whatever the others have; 0: as many as they.

    Examples
    --------
    >>> interactions("watchline.")
    'watchline.interactions'
    >>> {topic.name: topic.group("watchline") for topic in TOPICS if topic.read_by}
    {'interactions': 'watchline', 'feedback': 'watchline', 'findings': 'watchline-monitors'}
    """

    name: str
    holds: str
    key: str = ""
    record: str = ""
    retention: str = ""
    cleanup: Literal["delete", "compact"] = "delete"
    max_bytes: int = MAX_MESSAGE_BYTES
    read_by: Literal["", "workers", "monitors"] = ""
    partitions: int = 0

    def __call__(self, prefix: str) -> str:
        return f"{prefix}{self.name}"

    def group(self, workers: str) -> str:
        """The consumer group that reads it, where the workers' group is `workers`."""
        return {"": "", "workers": workers, "monitors": f"{workers}-monitors"}[self.read_by]


# Raw text stands in these two and in the dead letters: short retention.
interactions = Topic(
    name="interactions",
    holds="interactions, as the app sent them",
    record="InteractionBatch",
    retention="raw_retention_s",
    read_by="workers",
)
feedback = Topic(
    name="feedback",
    holds="feedback, as the app sent it",
    record="Feedback",
    retention="raw_retention_s",
    read_by="workers",
)
findings = Topic(
    name="findings",
    holds="what the detectors found",
    key="app, environment, prompt",
    record="FindingBatch",
    retention="findings_retention_s",
    read_by="monitors",
)
signals = Topic(
    name="signals",
    holds="what the monitor found",
    key="app",
    record="Signal",
    retention="signals_retention_s",
)
alerts = Topic(
    name="alerts",
    holds="severe findings, a label each, as JSON: ids and names, no text",
    key="app",
    retention="findings_retention_s",
)
dead_letters = Topic(
    name="dead-letters",
    holds="messages that could not be processed, as they came; where from and why in their headers",
    retention="dead_letter_retention_s",
    max_bytes=MAX_MESSAGE_BYTES + 100_000,  # a message of the largest size that is allowed gets headers
)
prompt_monitors = Topic(
    name="prompt-monitors",
    holds="the state of each prompt's monitor, packed `MonitorState`",
    key="app, environment, prompt",
    cleanup="compact",
)
# Of builds whose workers ran the monitors themselves: they go on writing it, and it is read and not written here.
former_monitor_state = Topic(
    name="monitor-state",
    holds=prompt_monitors.holds,
    key=prompt_monitors.key,
    cleanup="compact",
)
starts = Topic(
    name="starts",
    holds="at which offset workers began to read a partition, and how often without getting past it",
    key="topic, partition",
    cleanup="compact",
)
# One partition: its order is the order of the chain.
governance = Topic(
    name="governance", holds="what people decided, signed: the audit trail", record="GovernanceEvent", partitions=1
)
# Apart, since a text may have to go and an entry of the trail never does. An empty message erases one.
governance_texts = Topic(
    name="governance-texts",
    holds="what people wrote about acts, each behind a salt, as text",
    key="the act's id, the text's name",
    cleanup="compact",
    partitions=1,
)
# What apps read of the log: nothing else of it concerns them.
prompts = Topic(
    name="prompts",
    holds="prompts that apps may use, each signed",
    key="environment/app/name",
    record="PromptRelease",
    cleanup="compact",
    partitions=1,
)

# Read before anything is stored: see `kafka.tombstones`.
tombstones = Topic(
    name="tombstones",
    holds="what was erased and may not be stored again: salted hashes, as JSON",
    key="kind, app, hash",
    cleanup="compact",
    partitions=1,
)

# One evaluator, which owns the one partition: see `alert_journal`.
alert_state = Topic(
    name="alert-state",
    holds="alerts, incidents, silences and acknowledgements, as JSON",
    key="kind, id",
    cleanup="compact",
    partitions=1,
)

TOPICS = (
    interactions,
    feedback,
    findings,
    signals,
    alerts,
    dead_letters,
    prompt_monitors,
    starts,
    governance,
    governance_texts,
    prompts,
    tombstones,
    alert_state,
)
