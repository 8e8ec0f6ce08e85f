"""Keys that sign, and the root keys that say which of them count: Ed25519 (RFC 8032)."""

from __future__ import annotations

import base64
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.governance import verifier

_PREFIX = "ed25519:"


@dataclass(frozen=True)
class Key:
    """A private key. Never shown.

    Examples
    --------
    >>> key = Key.new()
    >>> is_good(key.public, b"act", key.sign(b"act")), is_good(key.public, b"other", key.sign(b"act"))
    (True, False)
    """

    _private: Any

    @classmethod
    def new(cls) -> Key:
        """One that nobody has."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, path: Path) -> Key:
        """From a PEM file (PKCS #8, as `openssl genpkey -algorithm ed25519` writes it). Raises ConfigurationError."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            private = load_pem_private_key(path.read_bytes(), None)
        except OSError as error:
            raise ConfigurationError(f"cannot read the key {path}: {error.strerror}") from None
        except (ValueError, TypeError):
            raise ConfigurationError(f"{path} is no unencrypted private key in PEM form") from None
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigurationError(f"{path} is another kind of key than Ed25519")
        return cls(private)

    def write(self, path: Path) -> None:
        """Into a new file that only its owner may read. Raises ConfigurationError where there is one already."""
        from cryptography.hazmat.primitives import serialization as form

        pem = self._private.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(pem)
        except FileExistsError:
            raise ConfigurationError(f"there is a key at {path} already") from None

    @cached_property
    def public(self) -> str:
        """The public key: ed25519:BASE64."""
        return _PREFIX + base64.b64encode(self._private.public_key().public_bytes_raw()).decode()

    @cached_property
    def id(self) -> str:
        """What it is called: the beginning of its public key's SHA-256."""
        return verifier.key_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """Its signature of a message, 64 bytes."""
        signature: bytes = self._private.sign(message)
        return signature

    def __repr__(self) -> str:
        return f"Key({self.id})"


def is_good(public: str, message: bytes, signature: bytes) -> bool:
    """Whether a signature is of this key and message. A key that is none never has a good one.

    The same as `verifier.is_signature`, a hundred times faster.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(raw(public)).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def raw(public: str) -> bytes:
    """The 32 bytes of a public key. Raises ValueError where it is none.

    >>> raw("ed25519:AAAA")
    Traceback (most recent call last):
    ...
    ValueError: no public key of the form ed25519:BASE64
    """
    found = b""
    if public.startswith(_PREFIX):
        found = base64.b64decode(public.removeprefix(_PREFIX), validate=True)
    if len(found) != 32:
        raise ValueError("no public key of the form ed25519:BASE64")
    return found


@dataclass(frozen=True)
class Roots:
    """The root keys, by who holds them, and how many of them must sign together.

    Examples
    --------
    >>> keys = {"first": Key.new().public, "second": Key.new().public}
    >>> Roots(keys, needed=3)
    Traceback (most recent call last):
    ...
    watchline.schemas.errors.ConfigurationError: 3 of 2 root keys can't sign
    """

    keys: Mapping[str, str]
    needed: int

    def __post_init__(self) -> None:
        if not 1 <= self.needed <= len(self.keys):
            raise ConfigurationError(f"{self.needed} of {len(self.keys)} root keys can't sign")
        if len({*self.keys.values()}) < len(self.keys):
            raise ConfigurationError("two root keys are the same")
        for name, public in self.keys.items():
            try:
                raw(public)
            except ValueError as error:
                raise ConfigurationError(f"root key {name}: {error}") from None

    @classmethod
    def read(cls, path: Path) -> Roots:
        """From a TOML file. Raises ConfigurationError."""
        try:
            read = tomllib.loads(path.read_text("utf-8"))
            return cls({str(name): str(public) for name, public in read["keys"].items()}, int(read["needed"]))
        except FileNotFoundError:
            raise ConfigurationError(
                f"there are no root keys at {path}: `watchline governance init` makes one"
            ) from None
        except OSError as error:
            raise ConfigurationError(f"cannot read the root keys {path}: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise ConfigurationError(f"{path} must have `needed = 1` and a table `[keys]`: {error}") from None

    def write(self, path: Path) -> None:
        """Into a new file. Raises ConfigurationError where there is one already."""
        lines = [
            "# Who holds these keys decides whose signatures count. Keep a copy where nobody who runs Watchline can",
            "# change it: what is signed is signed for exactly these.",
            f"needed = {self.needed}",
            "",
            "[keys]",
            *(f'"{name}" = "{public}"' for name, public in self.keys.items()),
        ]
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
        except FileExistsError:
            raise ConfigurationError(
                f"there are root keys at {path} already; they can be replaced by an act only"
            ) from None

    @cached_property
    def holders(self) -> Mapping[str, str]:
        """Who holds each, by the key's id."""
        return {verifier.key_id(public): name for name, public in self.keys.items()}

    @property
    def log(self) -> str:
        """The id of the log that begins with them."""
        return verifier.log_id(self.as_json)

    @property
    def as_json(self) -> dict[str, Any]:
        """As the verifier takes them."""
        return {"keys": dict(self.keys), "needed": self.needed}
