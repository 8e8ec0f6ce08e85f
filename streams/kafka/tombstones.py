"""What was erased and may not be stored again: a compacted topic, and beside an embedded broker a file.

A tombstone holds no id: a salted hash of one as it is stored. Whoever stores events asks here first.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from watchline.schemas.errors import TransientError
from watchline.streams.kafka import admin, topics
from watchline.streams.kafka.log_reader import to_its_end
from watchline.streams.settings import Settings

Kind = Literal["subject", "tenant", "event", "conversation"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """One thing that was erased.

    Parameters
    ----------
    erasure : str
        The id of the erasure, which is that of its certificate.
    kind : str
    app : str
        In which app alone; empty for all.
    salt, hash : str
        Hexadecimal: see `hash_of`.
    """

    erasure: str
    kind: Kind
    app: str
    salt: str
    hash: str

    @property
    def key(self) -> str:
        """Of its message: one for each thing that was erased."""
        return f"{self.kind}/{self.app}/{self.hash}"


def hash_of(salt: str, kind: str, value: str) -> str:
    """What a tombstone holds of an id as it is stored; `governance.eraser` has ClickHouse compute the same.

    >>> hash_of("00" * 16, "tenant", "acme")[:16], hash_of("01" * 16, "tenant", "acme")[:16]
    ('dc1f2565ce9a1749', 'b57dd0dff795df0d')
    """
    return hashlib.sha256(bytes.fromhex(salt) + kind.encode() + b"\0" + value.encode()).hexdigest()


class Tombstones:
    """All that there are. For one thread at a time.

    Parameters
    ----------
    stones : iterable of Tombstone

    Examples
    --------
    >>> salt = "00" * 16
    >>> stone = Tombstone(erasure="e1", kind="tenant", app="", salt=salt, hash=hash_of(salt, "tenant", "acme"))
    >>> stones = Tombstones([stone])
    >>> stones.erasure_of("shop", {"tenant": "acme"}), stones.erasure_of("shop", {"tenant": "b"})
    ('e1', '')
    """

    def __init__(self, stones: Iterable[Tombstone] = ()) -> None:
        self._by_hash: dict[tuple[str, str], dict[str, Tombstone]] = {}  # kind and hash, then app
        self._salts: dict[str, None] = {}
        self.add(stones)

    def add(self, stones: Iterable[Tombstone]) -> None:
        """Adds these."""
        for stone in stones:
            self._by_hash.setdefault((stone.kind, stone.hash), {})[stone.app] = stone
            self._salts[stone.salt] = None

    def refresh(self) -> bool:
        """Whether more have come: these are all."""
        return False

    def __iter__(self) -> Iterator[Tombstone]:
        for by_app in self._by_hash.values():
            yield from by_app.values()

    def __len__(self) -> int:
        return sum(map(len, self._by_hash.values()))

    def erasure_of(self, app: str, values: Mapping[str, str]) -> str:
        """Under which erasure an event may not be stored, by its values of each kind; empty where it may."""
        for salt in self._salts:
            for kind, value in values.items():
                by_app = self._by_hash.get((kind, hash_of(salt, kind, value)), {}) if value else {}
                if stone := by_app.get("") or by_app.get(app):
                    return stone.erasure
        return ""


class Known(Tombstones):
    """Those that topic and file have; `refresh` reads what has come since. For one thread at a time.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings, self._file = settings, file_of(settings)
        self._read_bytes, self._reader = 0, to_its_end(settings, topics.tombstones(settings.topic_prefix))

    def refresh(self) -> bool:
        """Reads to the present end; whether more have come.

        Raises TransientError where that can't be done: then nothing may be stored.
        """
        found = [stone for message in self._reader() if (stone := read(message.value() or b""))]
        if self._file.exists() and (size := self._file.stat().st_size) != self._read_bytes:
            found += read_file(self._file)
            self._read_bytes = size
        self.add(found)
        return bool(found)


def file_of(settings: Settings) -> Path:
    """The file beside the topic: an embedded broker forgets everything when it ends."""
    return settings.data_dir / "governance" / "tombstones.jsonl"


def read(value: bytes) -> Tombstone | None:
    """One of the topic; None for what is none."""
    try:
        stone = Tombstone(**json.loads(value))
        known = stone.kind in KINDS and all(isinstance(each, str) for each in asdict(stone).values())
        return stone if known and len(bytes.fromhex(stone.salt)) and len(bytes.fromhex(stone.hash)) == 32 else None
    except (ValueError, TypeError):
        return None


def read_file(path: Path) -> list[Tombstone]:
    """Those of a file. Raises TransientError where it can't be read or holds what is none: then nothing is stored."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise TransientError(f"cannot read the erasures in {path}: {error.strerror}") from None
    if lines and not lines[-1].endswith(b"\n"):  # it was being written; nobody was told that it counts
        lines.pop()
    found = [read(line) for line in lines]
    if None in found:
        raise TransientError(f"line {found.index(None) + 1} of {path} is no erasure")
    return [stone for stone in found if stone is not None]


def write(settings: Settings, stones: Iterable[Tombstone]) -> None:
    """Writes tombstones into file and topic; returns once both have them. Raises TransientError where one doesn't."""
    from confluent_kafka import KafkaException, Producer

    lines = [(stone.key, json.dumps(asdict(stone)).encode()) for stone in stones]
    path, failed = file_of(settings), list[str]()
    admin.existing(settings)  # says why where Kafka is away
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            file.writelines(line + b"\n" for _, line in lines)
            file.flush()
            os.fsync(file.fileno())
        producer = Producer({**settings.kafka_client, "acks": "all", "linger.ms": 0})
        for key, line in lines:
            producer.produce(
                topics.tombstones(settings.topic_prefix),
                line,
                key.encode(),
                partition=0,
                on_delivery=lambda error, _: failed.append(error.str()) if error else None,
            )
        left = producer.flush(PATIENCE_S)
    except KafkaException as error:
        raise TransientError(f"Kafka does not take the tombstones: {error.args[0].str()}") from None
    except OSError as error:
        raise TransientError(f"cannot write {path}: {error.strerror}") from None
    if left or failed:
        raise TransientError(f"Kafka does not take the tombstones: {failed[0] if failed else 'no answer'}")


def of_values(erasure: str, kind: Kind, app: str, salt: str, values: Iterable[str]) -> list[Tombstone]:
    """The tombstones of ids as they are stored, each once."""
    hashes = dict.fromkeys(hash_of(salt, kind, value) for value in values)
    return [Tombstone(erasure=erasure, kind=kind, app=app, salt=salt, hash=each) for each in hashes]
