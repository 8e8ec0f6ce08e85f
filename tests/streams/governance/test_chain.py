"""Who may write to the store, and even to the anchors' file, is found out: by `audit verify`, and by the bundle's own
verifier, which must say the same.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.governance.logs import NOW, Written, rehashed
from watchline.schemas.errors import ConfigurationError
from watchline.streams.governance import anchors, bundle, verifier
from watchline.streams.governance.keys import Key, is_good, raw
from watchline.streams.governance.verify import verify

Entries = list[dict[str, Any]]
EDITED = 7


class Trail:
    """A log of 20 entries, two of them rejected, with an anchor after 10 and one after 18."""

    def __init__(self) -> None:
        self.written, self.keeper, anna = Written(), Key.new(), Key.new()
        self.written.register(self.keeper, "keeper", roles="auditor", kind="service")
        self.written.register(anna, "p1")
        self.written.send(b"junk")
        self.written.use_case(Key.new(), "p1")
        for number in range(16):
            self.written.use_case(anna, "p1", f"app-{number}")
        self.entries = self.written.json()
        self.anchors = [self.written.anchored(self.keeper, 10), self.written.anchored(self.keeper, 18)]

    @property
    def roots(self) -> dict[str, Any]:
        return self.written.roots.as_json

    def faults(self, entries: Entries, anchored: Any = None, *, topic: bool = False) -> list[str]:
        """What both find; the first words of a fault are the same in both."""
        signed = self.anchors if anchored is None else anchored
        messages = self.written.messages if topic else None
        ours = verify(entries, signed, self.written.roots, messages).faults
        if not topic:
            theirs = [*verifier.faults(entries, signed, self.roots)]
            assert bool(ours) == bool(theirs) or "the rules say otherwise" in ours[0], (ours, theirs)
        return ours


@pytest.fixture(scope="module")
def trail() -> Trail:
    return Trail()


def copy(entries: Entries) -> Entries:
    found: Entries = json.loads(json.dumps(entries))
    return found


def edited(entries: Entries) -> Entries:
    entries[EDITED]["event"]["details"]["risk_class"] = "minimal"
    return entries


def with_its_hash(change: Callable[[Entries], Entries]) -> Callable[[Entries], Entries]:
    """By who knows how the hash is made."""

    def changed(entries: Entries) -> Entries:
        entry = change(entries)[EDITED]
        entry["hash"] = verifier.entry_hash(entry["previous"], entry)
        return entries

    return changed


def without_signature(entries: Entries) -> Entries:
    entry = entries[EDITED]
    entry["signatures"] = dict.fromkeys(entry["signatures"], "no hexadecimal")
    return entries


def without_front_and_its_hash(entries: Entries) -> Entries:
    entries[3]["previous"] = "no hexadecimal"
    return entries[3:]


def deleted(entries: Entries) -> Entries:
    return entries[:EDITED] + entries[EDITED + 1 :]


def moved(entries: Entries) -> Entries:
    entries[EDITED], entries[EDITED + 1] = entries[EDITED + 1], entries[EDITED]
    return entries


def twice(entries: Entries) -> Entries:
    return entries[: EDITED + 1] + entries[EDITED:]


def in_anothers_name(entries: Entries) -> Entries:
    entries[EDITED]["event"]["actor"] = "p2"
    return entries


def later(entries: Entries) -> Entries:
    entries[EDITED]["kafka_time"] += 1
    return entries


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (edited, "entry 7: it was changed after it was written"),
        # The hash is right, the signature isn't: the rules would have rejected it.
        (with_its_hash(edited), "entry 7: the rules say otherwise: the signature of key"),
        (without_signature, "entry 7: it was changed after it was written"),
        (with_its_hash(without_signature), "entry 7: the rules say otherwise: the signature of key"),
        (without_front_and_its_hash, "entry 3: "),
        (deleted, "entry 8: entry 7 is missing"),
        (moved, "entry 8: entry 7 is missing"),
        (twice, "entry 7: it stands where entry 8 should"),
        (in_anothers_name, "entry 7: it was changed"),
        (later, "entry 7: it was changed"),
        (lambda entries: [], "there are no entries"),
        (lambda entries: entries[:15], "entries 15 to 18 are missing"),
        (lambda entries: entries[3:], "entry 3: entry 0 is missing"),
    ],
)
def test_the_first_bad_entry_is_named(change: Callable[[Entries], Entries], fault: str, trail: Trail) -> None:
    assert trail.faults(trail.entries) == []
    (found, *_) = trail.faults(change(copy(trail.entries)))
    assert found.startswith(fault)


@pytest.mark.parametrize("position", [4, 9, 10, 14])
def test_a_chain_that_is_made_anew_breaks_at_the_anchor(position: int, trail: Trail) -> None:
    """By one who may write everything but the anchors, and even has a key of somebody registered."""
    entries = copy(trail.entries)
    del entries[position]
    (fault,) = trail.faults(rehashed(entries, trail.written.roots.log))[:1]
    anchored = 10 if position <= 10 else 18
    assert fault == f"entry {anchored} or one before it was rewritten after it was anchored"


def test_what_comes_after_the_last_anchor_is_said_not_to_be_protected(trail: Trail) -> None:
    entries = trail.entries
    assert len(entries) == 20
    assert verify(entries, trail.anchors, trail.written.roots).unprotected == 1
    assert verify(entries, [], trail.written.roots).unprotected == 20
    assert trail.faults(entries[:19]) == []  # which is what that means, unless the topic is there
    found = trail.faults(entries[:19], topic=True)
    assert found[0].startswith("1 entries of the topic from 19 on are not stored")
    rewritten = rehashed([*entries[:18], entries[19]], trail.written.roots.log)
    assert trail.faults(rewritten, trail.anchors[:1], topic=True) == [
        "entry 18: the topic has another one at this place"
    ]


def test_a_verdict_can_not_be_turned_around(trail: Trail) -> None:
    entries = copy(trail.entries)
    assert not entries[3]["accepted"]
    entries[3] |= {"accepted": True, "reason": ""}
    (fault,) = trail.faults(rehashed(entries, trail.written.roots.log), [])
    assert fault.startswith("entry 3: the rules say otherwise: key ")
    entries = copy(trail.entries)
    entries[12] |= {"accepted": False, "reason": "it came before, at 3"}
    (fault,) = trail.faults(rehashed(entries, trail.written.roots.log), [])
    assert fault == "entry 12: the rules say otherwise: it is allowed"


def test_keys_that_nobody_registered_register_nobody(trail: Trail) -> None:
    """A log that is made up whole, with the true root keys' names on it."""
    other = Trail()
    assert verify(other.entries, [], trail.written.roots).faults[0].startswith("entry 0: ")
    made_up = rehashed(copy(other.entries), trail.written.roots.log)
    assert "is not registered" in verify(made_up, [], trail.written.roots).faults[0]
    found = next(verifier.faults(made_up, [], trail.roots, signatures=False))
    assert found.startswith("entry 0: nobody has registered")


def test_an_anchor_that_is_forged_is_no_anchor(trail: Trail) -> None:
    good, stranger = trail.anchors[0], Key.new()
    assert "has no good signature" in trail.faults(trail.entries, [{**good, "time": good["time"] + 1}])[0]
    forged = anchors.anchor(trail.written.roots.log, 10, "11" * 32, stranger)
    assert "is not registered" in trail.faults(trail.entries, [forged])[0] or "nobody has registered" in forged
    assert (
        "rewritten"
        in trail.faults(trail.entries, [anchors.anchor(trail.written.roots.log, 10, "11" * 32, trail.keeper), good])[0]
    )
    assert (
        "is of another log"
        in trail.faults(trail.entries, [anchors.anchor("22" * 32, 10, good["hash"], trail.keeper)])[0]
    )


def test_a_front_that_is_gone_needs_an_act_that_says_so(tmp_path: Path) -> None:
    trail = Trail()
    written, root = trail.written, trail.written.root_keys["first"]
    details = {"first_kept": "5", "previous": trail.entries[5]["previous"]}
    seam = written.act("log_trimmed", "log", "first", root, details=details)
    assert written.send(seam).accepted
    kept = written.json()[5:]
    # Signatures of keys whose registration is gone can't be checked: the roots are still known.
    assert [*verifier.faults(kept, [], trail.roots, signatures=False)] == []
    assert [*verifier.faults(kept[1:], [], trail.roots, signatures=False)] == [
        "entries 0 to 5 are missing, and no act of those that remain says so"
    ]
    assert "entries 0 to 4 are missing" in next(verifier.faults(kept[:-1], [], trail.roots, signatures=False))


def test_the_anchors_file_survives_a_crash(tmp_path: Path, trail: Trail) -> None:
    path = tmp_path / "new" / "anchors.jsonl"
    assert [*anchors.read(path)] == []
    for each in trail.anchors:
        anchors.append(path, each)
    assert [*anchors.read(path)] == trail.anchors
    path.write_bytes(path.read_bytes()[:-20])
    assert [*anchors.read(path)] == trail.anchors[:1]
    path.write_text("junk\n")
    with pytest.raises(ConfigurationError, match=r"line 1 of .* is no anchor"):
        [*anchors.read(path)]


def test_a_bundle_is_checked_by_python_alone(tmp_path: Path, trail: Trail) -> None:
    path = tmp_path / "trail.zip"
    exported = bundle.write(path, trail.entries, trail.anchors, trail.written.roots)
    assert (exported.entries, exported.anchors) == (20, 2)
    trail.written.roots.write(tmp_path / "roots.toml")

    def check(*more: str) -> tuple[int, str]:
        zipfile.ZipFile(path).extract("verify.py", tmp_path)
        command = [sys.executable, "-I", "-S", "verify.py", path.name, *more]  # no package, nothing of ours
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    code, said = check("--roots", "roots.toml")
    assert code == 0 and said.startswith("VALID: 20 entries from 0 to 19, 2 anchors"), said
    assert "The last 1 are after the last anchor" in said and "Whether a rule was rightly applied" in said
    assert "all of it may be made up" in check()[1]
    Trail().written.roots.write(tmp_path / "others.toml")
    code, said = check("--roots", "others.toml")
    assert code == 1 and said.startswith("NOT VALID: entry 0: ")
    with pytest.raises(ConfigurationError, match="already"):
        bundle.write(path, trail.entries, [], trail.written.roots)
    rezip(path, "entries.jsonl", lambda content: content.replace(b"limited", b"minimal", 1))
    assert check()[1].startswith("NOT VALID: entries.jsonl is not the file that the manifest names")


def rezip(path: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    with zipfile.ZipFile(path) as old:
        files = {each: old.read(each) for each in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for each, content in files.items():
            new.writestr(each, change(content) if each == name else content)


def test_an_empty_trail_is_no_bundle(tmp_path: Path, trail: Trail) -> None:
    with pytest.raises(ConfigurationError, match="no entries to export"):
        bundle.write(tmp_path / "empty.zip", [], [], trail.written.roots)
    assert not (tmp_path / "empty.zip").exists()


@settings(max_examples=25)
@given(st.binary(max_size=100), st.integers(0, 511), st.booleans())
def test_both_check_a_signature_alike(message: bytes, bit: int, of_another: bool) -> None:
    key = Key.new()
    signature = (Key.new() if of_another else key).sign(message)
    for given_signature in (
        signature,
        bytes(b ^ (1 << bit % 8 if n == bit // 8 else 0) for n, b in enumerate(signature)),
    ):
        expected = given_signature == signature and not of_another
        assert is_good(key.public, message, given_signature) is expected
        assert verifier.is_signature(raw(key.public), message, given_signature) is expected


# RFC 8032, 7.1: the tests named 1 to 3.
@pytest.mark.parametrize(
    ("public", "message", "signature"),
    [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595"
            "bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb43"
            "02aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716"
            "ed28dc027beceea1ec40a",
        ),
    ],
)
def test_signatures_of_the_standard(public: str, message: str, signature: str) -> None:
    assert verifier.is_signature(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))


def test_canonical_json_is_the_same_bytes_whatever_the_order() -> None:
    names = [f"n{number}" for number in range(50)]
    value = {name: {"z": 1, "a": f"{name} «é» \u2028 \x7f \n"} for name in names}
    random.Random(1).shuffle(names)
    assert verifier.canonical({name: value[name] for name in names}) == verifier.canonical(value)
    assert verifier.canonical({"time": NOW, "ok": True, "none": None}) == b'{"none":null,"ok":true,"time":%d}' % NOW
