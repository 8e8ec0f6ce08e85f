"""The keeper tells apps what the log says once it has read it, and keeps the trail whether or not that works."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.streams.governance.prompts.people import People
from watchline.schemas.errors import TransientError
from watchline.schemas.migrate import migrate
from watchline.schemas.records import PromptRelease
from watchline.streams import settings as settings_
from watchline.streams.clickhouse.connect import connect
from watchline.streams.embedded import store
from watchline.streams.governance.keeper import Keeper
from watchline.streams.governance.log import Log
from watchline.streams.governance.prompts.publishing import contents
from watchline.streams.governance.prompts.releases import drafts
from watchline.streams.kafka import admin
from watchline.streams.settings import Settings


@pytest.fixture
def settings(broker: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    made = settings_.load(kafka_url=f"kafka://{broker}", topic_prefix=topic_prefix, data_dir="d")
    admin.create(made)
    with store.own(made):
        migrate(connect(made, database=""), made.clickhouse_database)
        yield made


def test_apps_are_told_once_the_log_is_read_and_the_trail_is_kept_all_the_same(settings: Settings) -> None:
    people, log, told = People(), Log(settings), list[list[PromptRelease]]()
    people.live(1, "one")
    people.live(2, "two")
    people.place("olga", "rolled_back", 2)
    texts = {each.draft: people.contents[each.content_hash] for each in people.item.versions}
    for message, entry in zip(people.messages, people.entries, strict=True):
        assert entry.event is not None
        salted = people.salted.get(entry.event.governance_id, {})
        assert log.append(entry.event, salted) == message.offset

    def publish(made: Sequence[PromptRelease]) -> None:
        told.append([*made])
        if len(told) == 1:
            raise TransientError("Kafka is away")

    with closing(Keeper(settings, people.roots, None, Path("anchors"), publish)) as keeper:
        for _ in range(50):
            keeper.step(0.2)
            if told:
                break
        # Only what is in force, though version 2 was live for a while; and no entry is missing.
        assert [(each.version, each.content, each.status) for each in told[0]] == [("1", "one", "live")]
        assert keeper.fold.next == len(people.messages)
        keeper.step(0.1)
        assert len(told) == 1  # it waits before it tries again
        assert keeper._publisher is not None
        keeper._publisher._not_before = 0.0
        keeper.step(0.1)
        keeper.step(0.1)
        assert told[1:] == [told[0]]
    with closing(connect(settings)) as client:
        assert client.query("SELECT count() FROM v_governance").result_rows == [(len(people.messages),)]
    # A broker that has forgotten the texts: the store has them.
    other = settings.model_copy(update={"topic_prefix": f"{settings.topic_prefix}other."})
    admin.create(other)
    wanted = drafts(people.fold.state)
    assert contents(other, Log(other), wanted) == {wanted[id]: texts[id] for id in wanted}
