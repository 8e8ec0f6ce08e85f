"""Checks what `watchline audit export` wrote, with Python's standard library alone: `python verify.py BUNDLE.zip`.

The chain: an entry's hash is SHA-256 over the hash of the one before it and its own canonical JSON (RFC 8785, of
strings, whole numbers and booleans), so that an entry can't be changed, left out or moved without all hashes after it.
Anchors are heads of the chain that a key has signed (Ed25519, RFC 8032), kept outside the store: what was rewritten
from some entry on has another hash there.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Json = Mapping[str, Any]
_OF_CHAIN, _OF_LOG, _OF_ACT, _OF_ANCHOR = (
    f"watchline.{each}.v1\0".encode() for each in ("chain", "log", "act", "anchor")
)
ANCHORED = ("hash", "log", "position", "time")  # what an anchor signs
# Acts that root keys alone may sign.
OF_ROOTS = ("key_registered", "key_revoked", "roots_replaced", "approval_policy_set")
# What an entry's hash is over: not its texts, which are bound by a hash of their own and may be erased.
HASHED = ("accepted", "event", "kafka_time", "position", "reason", "sha256", "signatures")


def canonical(value: Any) -> bytes:
    """JSON that is the same bytes wherever it is made: RFC 8785, as long as names are ASCII and numbers whole.

    >>> canonical({"b": 1, "a": "é"}).decode()
    '{"a":"é","b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def log_id(roots: Json) -> str:
    """Which log it is: the hash of the root keys with which it began, and how many of them are needed.

    Everything that is signed is signed for one log: an act or anchor of another is void.
    """
    keys = sorted(roots["keys"].values())
    return hashlib.sha256(_OF_LOG + canonical({"keys": keys, "needed": int(roots["needed"])})).hexdigest()


def act_bytes(log: str, event: Json) -> bytes:
    """What is signed of an act."""
    return _OF_ACT + bytes.fromhex(log) + canonical(event)


def anchor_bytes(anchor: Json) -> bytes:
    """What is signed of an anchor."""
    return _OF_ANCHOR + canonical({name: anchor[name] for name in ANCHORED})


def entry_hash(previous: str, entry: Json) -> str:
    """The hash of an entry, of the hash of the one before it; before the first stands the log's id."""
    body = {name: entry[name] for name in HASHED}
    return hashlib.sha256(_OF_CHAIN + bytes.fromhex(previous) + canonical(body)).hexdigest()


class Chain:
    """Takes entries in their order, and says of each whether it is the one that was written.

    Parameters
    ----------
    log : str
        The log's id.
    position : int
        Of the first entry that will come.
    previous : str
        The hash before it; by default the log's id, which stands before the very first.
    """

    def __init__(self, log: str, position: int = 0, previous: str = "") -> None:
        self.log = log
        self.position, self.head = position, previous or log

    def take(self, entry: Json) -> str:
        """What is wrong with the next entry, in words; empty where nothing is. Goes on with the hash that it has."""
        expected, self.position = self.position, int(entry["position"]) + 1
        before, self.head = self.head, str(entry["hash"])
        if self.position - 1 != expected:
            missing = expected < self.position - 1
            return f"entry {expected} is missing" if missing else f"it stands where entry {expected} should"
        if entry["previous"] != before:
            return "the entry before it is not the one that it was written after"
        if entry_hash(before, entry) != self.head:
            return "it was changed after it was written"
        return ""


def text_fault(entry: Json) -> str:
    """What is wrong with an entry's texts: each must be the one whose hash was signed. One that was erased is gone."""
    details = (entry["event"] or {}).get("details", {})
    for name, salted in (entry.get("texts") or {}).items():
        if hashlib.sha256(salted.encode()).hexdigest() != details.get(f"sha256:{name}"):
            return f"the text {name} is not the one that was signed"
    return ""


# Ed25519: the twisted Edwards curve -x² + y² = 1 + d x² y² over the field of 2²⁵⁵ - 19, points as (X : Y : Z : T).
_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)  # of -1
_Point = tuple[int, int, int, int]
_NEUTRAL: _Point = (0, 1, 1, 0)


def _sum(a: _Point, b: _Point) -> _Point:
    one, two = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    three, four = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = two - one, four - three, four + three, two + one
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _point(packed: bytes) -> _Point | None:
    number = int.from_bytes(packed, "little")
    y, sign = number & (2**255 - 1), number >> 255
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if x * x % _P != square:
        x = x * _ROOT % _P
    if x * x % _P != square or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


_BASE: _Point = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little")) or _NEUTRAL


def is_signature(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature is one of this public key over this message (RFC 8032, 5.1.7).

    Parameters
    ----------
    public, signature : bytes
        32 and 64 of them.
    """
    if len(public) != 32 or len(signature) != 64:
        return False
    key, scalar = _point(public), int.from_bytes(signature[32:], "little")
    if key is None or scalar >= _ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    factor = int.from_bytes(digest, "little") % _ORDER
    negative: _Point = (_P - key[0], key[1], 1, _P - key[3])
    table = (_NEUTRAL, _BASE, negative, _sum(_BASE, negative))
    found = _NEUTRAL  # scalar * base - factor * key, both at once
    for bit in range(252, -1, -1):
        found = _sum(found, found)
        if which := scalar >> bit & 1 | (factor >> bit & 1) << 1:
            found = _sum(found, table[which])
    inverse = pow(found[2], -1, _P)
    x, y = found[0] * inverse % _P, found[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


def _is_good(public: str, message: bytes, signature: bytes) -> bool:
    return is_signature(_raw(public), message, signature)


def signature_of(text: str) -> bytes:
    """The bytes of a signature; none, which is never a good one, of what is not hexadecimal.

    >>> signature_of("00ff"), signature_of("none")
    (b'\\x00\\xff', b'')
    """
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def anchor_fault(anchor: Json, log: str, public: str | None, is_good: Callable[[str, bytes, bytes], bool]) -> str:
    """Why an anchor is none of a log, where its key is this one; empty where it is one."""
    position = anchor["position"]
    if anchor["log"] != log:
        return f"the anchor at {position} is of another log"
    if public is None:
        return f"the anchor at {position} is signed by key {anchor['key']}, which is not registered"
    if not is_good(public, anchor_bytes(anchor), signature_of(anchor["signature"])):
        return f"the anchor at {position} has no good signature"
    return ""


def seam(entry: Json) -> tuple[int, str] | None:
    """Where a log that lacks its front goes on: an accepted act says which position is the first that was kept."""
    event = entry["event"] or {}
    if entry["accepted"] and event.get("action") == "log_trimmed":
        return int(event["details"]["first_kept"]), str(event["details"]["previous"])
    return None


def faults(entries: Iterable[Json], anchors: Iterable[Json], roots: Json, *, signatures: bool = True) -> Iterator[str]:
    """What is wrong with a log, the first first; nothing where it is whole.

    Parameters
    ----------
    entries : iterable of mapping
        In their order.
    anchors : iterable of mapping
    roots : mapping
        `keys`, name to public key, and `needed`: from a place that whoever could change the log can't.
    signatures : bool
        Whether those of the acts are checked too, which takes three milliseconds each.
    """
    at: list[object] = []

    def seen() -> Iterator[Json]:
        for entry in entries:
            at[:] = [entry.get("position")]
            yield entry

    try:
        yield from _faults(seen(), anchors, roots, signatures=signatures)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        yield f"entry {at[0] if at else 0}: it can't be read ({type(error).__name__})"


def _faults(entries: Iterable[Json], anchors: Iterable[Json], roots: Json, *, signatures: bool) -> Iterator[str]:
    log, waiting = log_id(roots), sorted(anchors, key=lambda anchor: anchor["position"])
    publics = {key_id(each): each for each in roots["keys"].values()}
    root_keys, needed = set(publics), int(roots["needed"])
    chain: Chain | None = None
    front: Json | None = None
    sealed: tuple[int, str] | None = None
    heads: dict[int, str] = {}
    wanted = {int(anchor["position"]) for anchor in waiting}
    for entry in entries:
        if chain is None:
            front = entry
            chain = Chain(log, int(entry["position"]), "" if entry["position"] == 0 else entry["previous"])
        event, position = entry["event"] or {}, entry["position"]
        if fault := chain.take(entry) or text_fault(entry):
            yield f"entry {position}: {fault}"
            return
        of_keys = entry["accepted"] and event["action"] in OF_ROOTS
        if entry["accepted"] and (signatures or of_keys):
            for key, signature in entry["signatures"].items():
                public = publics.get(key)
                if public is None:
                    yield f"entry {position}: nobody has registered its key {key}"
                    return
                if not _is_good(public, act_bytes(log, event), signature_of(signature)):
                    yield f"entry {position}: the signature of key {key} is not of this act"
                    return
        if of_keys and len(root_keys & {*entry["signatures"]}) < needed:
            yield f"entry {position}: fewer than {needed} root keys have signed it"
            return
        if of_keys and event["action"] == "key_registered":
            publics[event["target"]] = event["details"]["public"]
        if of_keys and event["action"] == "roots_replaced":
            new = {key_id(each): each for each in json.loads(event["details"]["keys"]).values()}
            publics |= new
            root_keys, needed = set(new), int(event["details"]["needed"])
        sealed = seam(entry) or sealed
        if position in wanted:
            heads[position] = entry["hash"]
    if chain is None or front is None:
        yield "there are no entries: an empty log proves nothing"
        return
    if front["position"] != 0 and sealed != (front["position"], front["previous"]):
        yield f"entries 0 to {front['position'] - 1} are missing, and no act of those that remain says so"
        return
    for anchor in waiting:
        position, public = int(anchor["position"]), publics.get(anchor["key"])
        if fault := anchor_fault(anchor, log, public, _is_good):
            yield fault
        elif position >= chain.position:
            yield f"entries {chain.position} to {position} are missing: there is an anchor at {position}"
        elif position >= front["position"] and heads.get(position) != anchor["hash"]:
            yield f"entry {position} or one before it was rewritten after it was anchored"
        else:
            continue
        return


def key_id(public: str) -> str:
    """What a public key is called."""
    return hashlib.sha256(_raw(public)).hexdigest()[:16]


def _raw(public: str) -> bytes:
    return base64.b64decode(public.removeprefix("ed25519:"), validate=True)


def _lines(bundle: zipfile.ZipFile, name: str) -> Iterator[Json]:
    with bundle.open(name) as file:
        for line in file:
            yield json.loads(line)


def main(arguments: list[str] | None = None) -> int:
    """Checks a bundle. Returns 0 where it is whole, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", metavar="BUNDLE.zip")
    parser.add_argument("--roots", metavar="FILE", help="the root keys as you know them, as JSON or TOML; else its own")
    parser.add_argument("--no-signatures", action="store_true", help="leave out those of the acts, 3 ms each")
    options = parser.parse_args(arguments)
    with zipfile.ZipFile(options.bundle) as bundle:
        manifest = json.loads(bundle.read("manifest.json"))
        for name, expected in manifest["sha256"].items():
            digest = hashlib.sha256()
            with bundle.open(name) as packed:
                while part := packed.read(1 << 20):
                    digest.update(part)
            if digest.hexdigest() != expected:
                print(f"NOT VALID: {name} is not the file that the manifest names")  # noqa: T201
                return 1
        roots = json.loads(bundle.read("roots.json"))
        if options.roots:
            text = Path(options.roots).read_text("utf-8")
            roots = tomllib.loads(text) if options.roots.endswith(".toml") else json.loads(text)
        entries, anchors = 0, [*_lines(bundle, "anchors.jsonl")]

        def counted() -> Iterator[Json]:
            nonlocal entries
            for entry in _lines(bundle, "entries.jsonl"):
                entries += 1
                yield entry

        found = [*faults(counted(), anchors, roots, signatures=not options.no_signatures)]
    if not found and entries != manifest["entries"]:
        found = [f"{entries} entries, and the manifest names {manifest['entries']}"]
    for fault in found:
        print(f"NOT VALID: {fault}")  # noqa: T201
    if not found:
        print("\n".join(_reach(manifest, anchors, own_roots=bool(options.roots))))  # noqa: T201
    return 1 if found else 0


def _reach(manifest: Json, anchors: list[Json], *, own_roots: bool) -> Iterator[str]:
    """What was shown, and what was not."""
    last = max((int(anchor["position"]) for anchor in anchors), default=-1)
    yield f"VALID: {manifest['entries']} entries from {manifest['first']} to {manifest['last']}, {len(anchors)} anchors"
    after = manifest["last"] - last
    if after > 0:
        yield f"The last {after} are after the last anchor: that none was cut off or rewritten there is not shown."
    if not own_roots:
        yield "The root keys were the bundle's own: give yours with --roots, or all of it may be made up."
    yield f"Made {datetime.fromtimestamp(manifest['time'] / 1e6, UTC):%Y-%m-%d %H:%M} UTC."
    yield "Whether a rule was rightly applied is not checked here: `watchline audit verify` does it."


if __name__ == "__main__":
    sys.exit(main())
