"""Who may read by the page and the ClickHouse port under a name of their own: a file with a line for each.

NAME SHA256: of a token of 32 random bytes, which is shown once and kept nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from watchline.schemas.errors import ConfigurationError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class NamedReaders:
    """The readers in a file. Read anew each time: who is taken out of it reads nothing more.

    Parameters
    ----------
    file : Path

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> readers = NamedReaders(Path(mkdtemp()) / "page-readers")
    >>> token = readers.add("p1")
    >>> readers.name_of(token), readers.name_of("another"), readers.names()
    ('p1', '', ['p1'])
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def name_of(self, token: str) -> str:
        """Whose token it is; empty for nobody's, and where the file can't be read."""
        digest, found = _digest(token), ""
        try:
            known = self._known()
        except ConfigurationError:
            return ""
        for name, each in known.items():
            if hmac.compare_digest(each, digest):
                found = name
        return found

    def names(self) -> list[str]:
        """All names, sorted. Raises ConfigurationError where the file can't be read."""
        return sorted(self._known())

    def add(self, name: str) -> str:
        """Lets one read, and gives the token. Raises ConfigurationError where the name is taken, or none."""
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"{name!r} is no name of a reader: letters, digits, _ . and -, 64 at most")
        known = self._known()
        if name in known or name == "watchline_reader":
            raise ConfigurationError(f"there is a reader {name} already")
        token = secrets.token_urlsafe(32)
        self._write({**known, name: _digest(token)})
        return token

    def remove(self, name: str) -> None:
        """Lets one read no more. Raises ConfigurationError where there is none."""
        known = self._known()
        if name not in known:
            raise ConfigurationError(f"there is no reader {name}; there are: {', '.join(sorted(known)) or 'none'}")
        self._write({each: digest for each, digest in known.items() if each != name})

    def _known(self) -> dict[str, str]:
        try:
            lines = self.file.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"cannot read the page's readers {self.file}: {type(error).__name__}") from None
        known: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            name, _, digest = line.strip().partition(" ")
            if not name or name.startswith("#"):
                continue
            if not _NAME.fullmatch(name) or not re.fullmatch("[0-9a-f]{64}", digest.strip()) or name in known:
                raise ConfigurationError(f"line {number} of {self.file} is not NAME SHA256, or names one again")
            known[name] = digest.strip()
        return known

    def _write(self, known: dict[str, str]) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = self.file.with_name(f"{self.file.name}.new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.writelines(f"{name} {digest}\n" for name, digest in known.items())
        new.replace(self.file)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
