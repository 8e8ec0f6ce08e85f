"""The rule for spellings of ids, by vectors: what is one id, what is another, and what is none."""

from __future__ import annotations

import unicodedata

import pytest

from watchline.schemas.errors import ConfigurationError
from watchline.schemas.pseudonyms import pseudonym
from watchline.streams.governance import ids
from watchline.streams.kafka.tombstones import Kind

COMPOSED, DECOMPOSED = "zo\u00eb-17", unicodedata.normalize("NFD", "zo\u00eb-17")


@pytest.mark.parametrize("given", [COMPOSED, DECOMPOSED, f" {COMPOSED}", f"{DECOMPOSED}\n"])
@pytest.mark.parametrize("stored", [COMPOSED, DECOMPOSED])
def test_one_id_in_all_its_spellings_is_found_under_every_key(given: str, stored: str) -> None:
    found = ids.stored_as("subject", given, ["new", "old"])
    assert {pseudonym(stored, "new"), pseudonym(stored, "old"), pseudonym(given, "new")} <= {*found}
    assert pseudonym(stored, "gone") not in found


@pytest.mark.parametrize(("given", "other"), [("Anna", "anna"), ("u-1", "u-10"), ("a b", "ab"), ("\uff21nna", "Anna")])
def test_another_id_stays_another(given: str, other: str) -> None:
    assert not {*ids.stored_as("subject", given, ["k"])} & {*ids.stored_as("subject", other, ["k"])}


def test_what_differs_in_case_is_named() -> None:
    assert ids.other_cases("Anna-17") == ["anna-17", "ANNA-17"] and ids.other_cases("17") == []


def test_a_tenant_and_a_conversation_may_be_stored_as_they_are_or_as_pseudonyms() -> None:
    for kind in ("tenant", "conversation"):
        assert ids.stored_as(kind, "acme", ["k"]) == ["acme", pseudonym("acme", "k")]  # type: ignore[arg-type]
    assert ids.stored_as("event", "019A0000-0000-7000-8000-00000000000A ", []) == [
        "019a0000-0000-7000-8000-00000000000a"
    ]


def test_a_pseudonym_is_taken_as_it_is_where_its_key_is_gone() -> None:
    gone = pseudonym("anna", "gone")
    assert ids.stored_as("subject", gone, []) == [gone]


@pytest.mark.parametrize("text", ["", " ", "\n", "*", "%", "%%", "?*", "all", "ANY", "null"])
@pytest.mark.parametrize("kind", ["subject", "tenant", "event", "conversation"])
def test_nobody_and_everybody_is_refused(kind: Kind, text: str) -> None:
    with pytest.raises(ConfigurationError, match="never all"):
        ids.stored_as(kind, text, ["k"])


def test_without_a_key_a_subject_can_not_be_found_and_that_is_said() -> None:
    with pytest.raises(ConfigurationError, match="--old-key-file"):
        ids.stored_as("subject", "anna", ["", ""])
