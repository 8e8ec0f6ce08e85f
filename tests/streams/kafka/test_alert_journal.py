"""The alerts' state on a real broker: what is kept, who owns it, and that who was overtaken changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from watchline.streams.kafka import admin, alert_journal, topics
from watchline.streams.kafka.alert_journal import AlertJournal
from watchline.streams.settings import Settings, load

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(broker: str, topic_prefix: str) -> Settings:
    settings = load(kafka_url=f"kafka://{broker}", topic_prefix=topic_prefix, topic_partitions=3, group_id=topic_prefix)
    admin.create(settings)
    return settings


@pytest.fixture
def journal(settings: Settings) -> Iterator[Callable[..., AlertJournal]]:
    made: list[AlertJournal] = []

    def make(*, evaluates: bool = True) -> AlertJournal:
        made.append(AlertJournal(settings, evaluates=evaluates))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_the_topic_has_one_partition(settings: Settings) -> None:
    assert admin.partitions(settings, topics.alert_state(settings.topic_prefix)) == [0]


def test_what_was_written_is_there(journal: Callable[..., AlertJournal]) -> None:
    first = journal()
    assert first.load() == {}
    first.append({"rule/a": {"x": 1}, "rule/b": {"x": 2}, "silence/c": {"y": "ä"}})
    first.append({"rule/a": None, "rule/b": {"x": 3}})
    assert first.changes() == []
    reader = journal(evaluates=False)
    assert reader.load() == {"rule/b": {"x": 3}, "silence/c": {"y": "ä"}}
    reader.append({"silence/d": {"y": 1}})
    assert first.changes() == [("silence/d", {"y": 1})]
    first.append({"rule/b": {"x": 4}})
    assert ("rule/b", {"x": 4}) in reader.changes()
    assert first.holds() and not reader.holds() and reader.own(0.0) == "another's"


def test_who_was_overtaken_sends_nothing_and_changes_nothing(journal: Callable[..., AlertJournal]) -> None:
    first, second = journal(), journal()
    first.load()
    first.append({"rule/a": {"x": 1}, "rule/b": {"x": 1}})
    assert first.holds()
    assert second.load() == {"rule/a": {"x": 1}, "rule/b": {"x": 1}}
    second.append({"rule/a": {"x": 2}})
    assert not first.holds() and second.holds()
    first.append({"rule/a": {"x": 99}, "rule/b": {"x": 99}})
    assert second.changes() == [] and second.holds()
    # The last record of a key is not the one that is void.
    assert journal(evaluates=False).load() == {"rule/a": {"x": 2}, "rule/b": {"x": 1}}
    assert journal().load() == {"rule/a": {"x": 2}, "rule/b": {"x": 1}}


def test_one_owns_and_another_takes_over_at_once_when_it_goes(journal: Callable[..., AlertJournal]) -> None:
    first, second = journal(), journal()
    assert first.own(0.0) == "free"
    first.load()
    assert first.own(0.0) == "ours" and second.own(1.0) == "another's"
    first.append({"rule/a": {"x": 1}})
    first.close()
    assert second.own(5.0) == "free"
    assert second.load() == {"rule/a": {"x": 1}} and second.own(0.0) == "ours" and second.holds()


def test_one_that_shows_no_life_is_overtaken(
    journal: Callable[..., AlertJournal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_journal, "LEASE_S", 2.0)
    monkeypatch.setattr(alert_journal, "BEAT_S", 0.5)
    first, second = journal(), journal()
    assert first.own(0.0) == "free"
    first.load()
    assert second.own(4.0) == "another's"  # it beats while it evaluates
    monkeypatch.setattr(alert_journal, "STUCK_S", 0.0)  # as if its evaluator stood still
    assert second.own(10.0) == "free"
    second.load()
    assert first.own(0.0) == "another's" and not first.holds() and second.own(0.0) == "ours"
    second.close()
    assert first.own(0.0) == "free"  # it may go on, and must load what the other has written


def test_of_two_that_take_over_at_once_one_wins(journal: Callable[..., AlertJournal]) -> None:
    both = [journal(), journal()]
    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(lambda each: each.own(0.0), both)] == ["free", "free"]
        list(pool.map(lambda each: each.load(), both))
    assert sorted(each.holds() for each in both) == [False, True]
