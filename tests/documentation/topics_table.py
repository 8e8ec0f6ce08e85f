"""The table of topics in the README of schemas, made from the topics: `make docs` writes it."""

from __future__ import annotations

from tests.documentation import readmes
from watchline.streams.duration import duration
from watchline.streams.kafka.topics import TOPICS, Topic
from watchline.streams.settings import PREFIX, Settings

HEAD = "| topic | what is in it | record | key | kept |\n|---|---|---|---|---|\n"


def table() -> str:
    """A row for each topic."""
    rows = []
    for topic in TOPICS:
        record = f"`{topic.record}`" if topic.record else ""
        rows.append(f"| `{topic('watchline.')}` | {topic.holds} | {record} | {topic.key} | {_kept(topic)} |\n")
    return HEAD + "".join(rows)


def _kept(topic: Topic) -> str:
    if topic.cleanup == "compact":
        return "the last of each key"
    if not topic.retention:
        return "for good"
    default = duration(Settings.model_fields[topic.retention].get_default())
    return f"{default}: `{PREFIX}{topic.retention.upper()}`"


if __name__ == "__main__":
    readmes.write_table(readmes.ROOT / "schemas" / "README.md", HEAD, table())
