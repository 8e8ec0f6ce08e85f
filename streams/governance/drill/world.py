"""The system that a drill attacks: a broker and a store in a throwaway folder, with people, prompts and an erasure."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from watchline.schemas.codec import encode
from watchline.schemas.errors import FatalError
from watchline.schemas.migrate import migrate
from watchline.schemas.pseudonyms import pseudonym
from watchline.schemas.records import GovernanceEvent, Interaction, InteractionBatch, Message
from watchline.streams import messages
from watchline.streams.clickhouse import backup
from watchline.streams.clickhouse.connect import connect
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.embedded import store
from watchline.streams.embedded.broker import Broker
from watchline.streams.governance import anchors, erasing, prompt_topic, signed, verify
from watchline.streams.governance.erasure import TARGET
from watchline.streams.governance.fold import Entry, Fold
from watchline.streams.governance.keeper import Keeper, entries_table
from watchline.streams.governance.keys import Key, Roots
from watchline.streams.governance.log import Log
from watchline.streams.governance.prompts.content import content_hash
from watchline.streams.ids import uuid7
from watchline.streams.kafka import admin, log_reader, tombstones, topics
from watchline.streams.query.reader import reader
from watchline.streams.query.run import Queries
from watchline.streams.settings import Settings
from watchline.streams.worker.batch import Batch
from watchline.streams.worker.scoring.part import ScoredPart
from watchline.streams.worker.scoring.scorers import Scorers
from watchline.streams.worker.stages.store import Store

SUBJECT_KEY = "a key of pseudonyms, of the drill alone"
ERASED, OTHER = "anna-4711", "bert-0815"
EMAIL, NEEDLE = "bert.walker@example.com", "why does the walrus hum at noon"
APP, NAME, ENVIRONMENT = "shop", "answer", "default"
PROMPT, PLACE = f"prompt:{NAME}", {"app": APP, "environment": ENVIRONMENT}
CONTENTS = ("Answer {{question}}.", "Answer {{question}}, in one sentence.", "Answer {{question}} and sell the bank.")
DRAFT = 3  # the version that the attacker has drafted, which is allowed, and nobody has approved
PATIENCE_S = 30.0
# Who they are, and what the roots let them do. The attacker is one of them too: an insider who may draft and promote.
PEOPLE = {
    "p1": "owner,author,operator",
    "p2": "approver",
    "p3": "privacy",
    "mallory": "author,owner,operator",
    "keeper": "auditor",
}


class OwnSettings(Settings):
    """Settings that nothing outside the drill says: no environment, no file."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


class World:
    """The system, and what both sides do in it. The attacker uses `sql`, `put`, `send` and the key `mallory` alone.

    Parameters
    ----------
    settings : Settings
        Of a broker and a store that run and are empty.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.log, self.client = Log(settings), connect(settings, timeout_s=backup.REQUEST_TIMEOUT_S)
        self.queries = Queries(reader(settings), settings.clickhouse_database)
        self.root_keys = {name: Key.new() for name in ("first", "second", "third")}
        self.roots = Roots({name: key.public for name, key in self.root_keys.items()}, needed=2)
        self.keys = {name: Key.new() for name in PEOPLE}
        self.anchor_file = settings.data_dir / "anchors.jsonl"  # where the attacker can't write
        self.backup = settings.data_dir.absolute() / "backup"
        self.sink = Sink(lambda: connect(settings), settings.store_timeout_s, anew=True)
        self.scorers = Scorers(settings)
        self.keeper = Keeper(
            settings,
            self.roots,
            self.keys["keeper"],
            self.anchor_file,
            lambda releases: prompt_topic.publish(settings, releases, self.keys["keeper"]),
        )
        self.raw: list[messages.Message] = []
        self.scored = ScoredPart()
        self.positions: dict[str, int] = {}  # of some acts in the log, by what they did
        self.erasure = ""

    def act(
        self,
        action: str,
        target: str,
        actor: str,
        *,
        by: Key | None = None,
        details: Mapping[str, str] | None = None,
        texts: Mapping[str, str] | None = None,
        number: int = 0,
    ) -> tuple[GovernanceEvent, dict[str, str]]:
        """An act that one person has signed, or `by`; of a version of the prompt where it has a number."""
        version = {"version": str(number), "content_hash": content_hash(CONTENTS[number - 1])} if number else {}
        event, salted = signed.make(action, target, actor, details=details, texts=texts, **version)
        return signed.sign(event, by or self.keys[actor], self.roots.log), salted

    def record(self, event: GovernanceEvent, texts: Mapping[str, str]) -> Entry:
        """Writes an act as `watchline governance record` does. Raises FatalError where the rules don't allow it."""
        entry = self._kept(self.log.append(event, texts))
        if not entry.accepted:
            raise FatalError(f"the drill's own {event.action} is rejected: {entry.reason}")
        return entry

    def send(self, topic: topics.Topic, value: bytes | None, key: bytes | None = None) -> int:
        """Writes a message to a topic, as whoever can write there does; returns its offset."""
        from confluent_kafka import Producer

        told: list[Any] = []
        producer = Producer({**self.settings.kafka_client, "acks": "all", "linger.ms": 0})
        name = topic(self.settings.topic_prefix)
        producer.produce(name, value, key, partition=0, on_delivery=lambda error, sent: told.append((error, sent)))
        producer.flush(PATIENCE_S)
        if not told or told[0][0] is not None:
            raise FatalError(f"the drill's broker does not take a message of {name}")
        return int(told[0][1].offset())

    def into_log(self, value: bytes) -> Entry:
        """What becomes of a message that is written past all commands to the log's topic."""
        return self._kept(self.send(topics.governance, value))

    def sql(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Runs a statement with all rights on the store."""
        return self.client.command(statement, parameters)

    def entries(self) -> list[Entry]:
        """The log as the topic has it, folded."""
        fold = Fold(self.roots)
        return [fold.take(message.value, message.time) for message in self.log.read()]

    def put(self, entries: Sequence[Entry]) -> None:
        """Makes the store's trail consist of these entries."""
        self.sql("TRUNCATE TABLE governance")
        self.sink.write(entries_table(self.roots.log, entries))

    def mend(self) -> None:
        """Puts the store's trail back."""
        self.put(self.entries())

    def anchors(self) -> Iterator[dict[str, Any]]:
        """The signed heads."""
        return anchors.read(self.anchor_file)

    def faults(self, *, topic: bool = False) -> list[str]:
        """What `watchline audit verify` finds wrong, without the topic: the attacker may have written there too."""
        stored = verify.stored(self.queries, self.roots.log)
        return verify.verify(stored, self.anchors(), self.roots, self.log.read() if topic else None).faults

    def shown(self, view: str) -> list[str]:
        """The ids of the events that a view shows."""
        rows = self.queries.query(f"SELECT DISTINCT toString(event_id) AS id FROM {view} ORDER BY id").rows  # noqa: S608
        return [str(event_id) for (event_id,) in rows]

    def take_in(self, values: Sequence[bytes]) -> list[messages.Message]:
        """Messages of the raw topic as a worker reads them, once they are written there."""
        name, topic_id = topics.interactions(self.settings.topic_prefix), "drill"
        first, *others = [self.send(topics.interactions, value) for value in values]
        read = log_reader.read_range(self.settings, name, 0, first, first + len(others))
        return [
            messages.Message(name, topic_id, 0, each.offset(), 1000 * each.timestamp()[1], each.value())
            for each in read
        ]

    def store(self, raw: Sequence[messages.Message], scored: ScoredPart) -> Batch:
        """The stage of a worker that stores."""
        stage = Store(self.sink.write, lambda *_: [], tombstones.Known(self.settings))
        return stage.run(Batch(raw, None, scored=scored))  # type: ignore[arg-type]

    def of_erased(self) -> list[str]:
        """The ids of the events of whom was erased."""
        interactions = self.scored.interactions
        event_id, subject = (interactions.columns.index(name) for name in ("event_id", "subject"))
        whose = pseudonym(ERASED, SUBJECT_KEY)
        return [row.values[event_id] for row in interactions.rows if row.values[subject] == whose]

    def close(self) -> None:
        """Ends what it holds open."""
        self.keeper.close()
        self.scorers.end()
        self.sink.close()
        self.queries.client.close()
        self.client.close()

    def _kept(self, offset: int) -> Entry:
        """The entry of an offset, once the keeper has stored it."""
        deadline = time.monotonic() + PATIENCE_S
        while self.keeper.fold.next <= offset:
            self.keeper.step(0.05)
            if time.monotonic() > deadline:
                raise FatalError("the drill's keeper does not come to the end of the log")
        return self.entries()[offset]


@contextmanager
def world() -> Iterator[World]:
    """A system of its own until this is left: then its folder and processes are gone.

    Raises ConfigurationError where an extra is missing, FatalError where the system can't be built.
    """
    folder = Path(tempfile.mkdtemp(prefix="watchline-drill-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        broker = stack.enter_context(Broker(folder / "broker.log"))
        values: dict[str, Any] = {
            "kafka_url": broker.url,
            "clickhouse_url": "chdb://",
            "data_dir": folder / "d",
            "topic_prefix": "drill.",
            "topic_partitions": 1,
            "detectors": (),
        }
        settings = OwnSettings(**values)
        admin.create(settings)
        stack.enter_context(store.own(settings))
        client = connect(settings, database="")
        stack.callback(client.close)
        migrate(client, settings.clickhouse_database)
        made = World(settings)
        stack.callback(made.close)
        _people_and_prompts(made)
        _events(made)
        made.keeper.anchor()
        yield made


def _people_and_prompts(world: World) -> None:
    """Keys, an app, and a prompt with two versions that were approved and promoted, the second now served."""
    for name, roles in PEOPLE.items():
        details = {"public": world.keys[name].public, "holder": name, "roles": roles}
        details |= {"kind": "service" if name == "keeper" else "person"}
        event, texts = signed.make("key_registered", world.keys[name].id, "first", details=details)
        for root in ("first", "second"):
            event = signed.sign(event, world.root_keys[root], world.roots.log)
        world.positions[name] = world.record(event, texts).position
    use_case = {"risk_class": "limited", "legal_basis": "contract"}
    world.positions["use case"] = world.record(*world.act("use_case_registered", APP, "p1", details=use_case)).position
    world.record(*world.act("hold_placed", "tenant:nobody", "p3", details={"hold": "h1"}))
    world.positions["release"] = world.record(*world.act("hold_released", "h1", "p3")).position
    app = {"app": APP}
    for number in (1, 2, DRAFT):
        texts, author = {"content": CONTENTS[number - 1]}, "mallory" if number == DRAFT else "p1"
        world.record(*world.act("prompt_drafted", PROMPT, author, details=app, texts=texts, number=number))
        if number == DRAFT:
            break
        approval = world.record(*world.act("prompt_approved", PROMPT, "p2", details=app, number=number))
        world.positions[f"approval {number}"] = approval.position
        world.record(*world.act("prompt_promoted", PROMPT, "p1", details=PLACE, number=number))
        world.keeper.step(0.05)  # tells apps
    world.keeper.anchor()


def _events(world: World) -> None:
    """Events of two people, stored as a worker does it and copied by a backup; then one of them is erased."""
    sent = [
        Interaction(
            event_id=str(uuid7()),
            time=time.time_ns() // 1000,
            app=APP,
            subject=pseudonym(who, SUBJECT_KEY),
            conversation_id=who[:4],
            input_messages=(Message(role="user", content=asked),),
            output_messages=(Message(role="assistant", content="It is blue."),),
        )
        for who, asked in ((ERASED, NEEDLE), (OTHER, f"write to {EMAIL}"), (ERASED, f"{NEEDLE}, again"))
    ]
    producer = str(uuid7())
    values = [
        encode(InteractionBatch(interactions=(each,), producer_id=producer, first_sequence=number))
        for number, each in enumerate(sent)
    ]
    world.raw = world.take_in(values)
    world.scorers.wait()
    world.scored = world.scorers.score(world.raw)
    world.store(world.raw, world.scored)
    backup.back_up(world.client, world.settings.clickhouse_database, str(world.backup))
    world.erasure, salt = str(uuid7()), secrets.token_hex(16)
    scope = tombstones.hash_of(salt, "subject", pseudonym(ERASED, SUBJECT_KEY))
    details = {"kind": "subject", "salt": salt, "scope": scope}
    world.record(*world.act("erasure_requested", f"{TARGET}{world.erasure}", "p3", details=details))
    state = world.keeper.fold.state
    asked = state.erasures[world.erasure]
    whole, found = erasing.carry_out(world.settings, world.client, asked, state.holds, searched=dict, deadline_s=60)
    details = {"whole": whole, "places": json.dumps({name: each.as_json for name, each in found.items()})}
    world.record(*world.act("erasure_certified", f"{TARGET}{world.erasure}", "p3", details=details))
