"""The prompts that an app has had, on its disk: for when Kafka is away, and so that none older comes after them."""

from __future__ import annotations

import base64
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from watchline.streams.security import own_folder


class PromptFile:
    """Messages of the topic by their keys, as they came, with their signatures. Several processes may share it.

    Parameters
    ----------
    folder : Path
        Made where it isn't there.
    environment, app : str
        Each pair of them has a file of its own.
    """

    def __init__(self, folder: Path, environment: str, app: str) -> None:
        self._folder = folder
        self.path = folder / f"{quote(environment, safe='')}@{quote(app, safe='')}.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from it. Raises ConfigurationError, OSError."""
        own_folder.make(self._folder)
        with Path(f"{self.path}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read(self) -> tuple[dict[bytes, bytes], float]:
        """What is in it, and when Kafka last said that this is what is in force, in seconds since 1970.

        Raises OSError, and ValueError where it isn't as `write` leaves it.
        """
        try:
            text, time = self.path.read_bytes(), self.path.stat().st_mtime
        except FileNotFoundError:
            return {}, 0.0
        try:
            return {
                key.encode(): base64.b64decode(value, validate=True) for key, value in json.loads(text).items()
            }, time
        except (AttributeError, TypeError, RecursionError):
            raise ValueError("not a map of texts") from None

    def write(self, values: Mapping[bytes, bytes], time: float) -> None:
        """Puts these in the place of what is in it, whole or not at all. Raises OSError."""
        text = json.dumps({key.decode(): base64.b64encode(value).decode() for key, value in values.items()})
        made = Path(f"{self.path}.{os.getpid()}")
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        made.replace(self.path)
        self.seen(time)

    def seen(self, time: float) -> None:
        """Notes when Kafka said that it is what is in force. Raises OSError."""
        with suppress(FileNotFoundError):  # there is no prompt yet
            os.utime(self.path, (time, time))
