"""Writes down who reads what. Where governance is on, nobody reads what can't be written down."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import pwd
import secrets
import time
from collections.abc import Mapping
from typing import Any

from watchline.streams.governance import place
from watchline.streams.governance.reads import spool
from watchline.streams.governance.reads.acts import READ
from watchline.streams.query.noting import Note, Read, Reader
from watchline.streams.query.policy import QueryError
from watchline.streams.settings import Settings

log = logging.getLogger(__name__)


class Reads:
    """What one process writes down: nothing where there are no root keys. For several threads.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        self._roots = place.roots_file(settings)
        self.spool = spool.Spool(place.reads_folder(settings))

    def note_of(self, reader: Reader, door: str, board: str = "") -> Note:
        """Who is told of what one reads; of a board that refreshes by itself, its name and no statements.

        The note raises QueryError where it can't be written.
        """

        def note(read: Read) -> None:
            text = f"board {board}" if board else read.shape.text
            said = {"shape": text, "views": read.shape.views, "rows": read.rows, "how": read.how, "why": read.why}
            who = {"who": reader.who, "proven": reader.proven, "name": reader.name, "door": door}
            self._add(
                {"action": READ, "at": time.time_ns() // 1000, **who, **said}, spool.HOUR if board else spool.MINUTE
            )

        return note

    def act(self, action: str, target: str, details: Mapping[str, str], texts: Mapping[str, str]) -> None:
        """Writes down another act that a service records: what it is about is in force already."""
        try:
            self.before(action, target, details, texts)
        except QueryError:
            log.error("%s of %s can't be recorded: there is no writing to %s", action, target, self.spool.folder)

    def before(self, action: str, target: str, details: Mapping[str, str], texts: Mapping[str, str]) -> None:
        """Writes down what is done only then. Raises QueryError where it can't be written."""
        self._add({"action": action, "target": target, "details": dict(details), "texts": dict(texts)}, spool.MINUTE)

    def this_user(self) -> Reader:
        """Who runs this process, by the kernel. The id is another where the number is given to another person.

        Raises QueryError where governance is on and the key of the ids can't be read or made.
        """
        if not self._roots.exists():
            return Reader("", "uid")
        uid, proven = os.getuid(), "uid"
        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:  # in a container
            name, proven = os.environ.get("USER", ""), "claimed"
        if sudo := os.environ.get("SUDO_USER"):
            name, proven = f"{name}, and sudo says {sudo}", "claimed"
        try:
            digest = hmac.digest(self._salt(), f"{uid} {name}".encode(), "sha256").hex()[:12]
        except OSError as error:
            raise _refusal(error) from None
        return Reader(f"uid {uid}, {digest}", "uid" if proven == "uid" else "claimed", name)

    def _add(self, line: Mapping[str, Any], seconds: int) -> None:
        if not self._roots.exists():
            return
        try:
            self.spool.add(line, seconds)
        except OSError as error:
            raise _refusal(error) from None

    def _salt(self) -> bytes:
        path = self.spool.folder / "ids.key"
        if not path.exists():
            self.spool.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            new = path.with_suffix(f".{os.getpid()}")
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(secrets.token_bytes(32))
            try:
                os.link(new, path)
            except FileExistsError:  # another was quicker
                pass
            finally:
                new.unlink()
        return hashlib.sha256(path.read_bytes()).digest()


def _refusal(error: OSError) -> QueryError:
    return QueryError(f"nothing is read here that can't be recorded, and that can't be written: {error.strerror}")
