"""A redaction policy is set by a privacy officer's act, and workers read what was written of the log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.streams.governance.logs import Written
from watchline.detectors.pii.policy import Policy
from watchline.streams.governance.keys import Key
from watchline.streams.governance.policies import as_file


@pytest.fixture
def officer() -> Key:
    return Key.new()


@pytest.fixture
def written(officer: Key) -> Written:
    written = Written()
    assert written.register(officer, "p1", "privacy").accepted
    return written


def set_to(written: Written, key: Key, target: str, fields: str) -> str:
    """The reason why it is rejected; empty where it isn't."""
    return written.send(written.act("policy_set", target, "p1", key, details={"fields": fields})).reason


def test_what_is_in_force_is_the_last_of_each_app_with_its_version(
    written: Written, officer: Key, tmp_path: Path
) -> None:
    assert set_to(written, officer, "app:shop", '{"input": "drop"}') == ""
    assert set_to(written, officer, "app:shop", '{"input": "pseudonym"}') == ""
    assert set_to(written, officer, "app:shop/test", '{"*": "mask"}') == ""
    found = as_file(written.fold.state.policies)
    assert found["versions"] == {"shop": 2, "shop/test": 3}
    (tmp_path / "policy.json").write_text(json.dumps(found))
    assert Policy.read(tmp_path / "policy.json", "a key").treatment("shop", "live").of("input:0") == "pseudonym"


@pytest.mark.parametrize(
    ("target", "fields", "reason"),
    [
        ("shop", '{"input": "drop"}', "a policy is of app:NAME or app:NAME/ENVIRONMENT"),
        ("app:", '{"input": "drop"}', "a policy is of app:NAME or app:NAME/ENVIRONMENT"),
        ("app:shop/", '{"input": "drop"}', "a policy is of app:NAME or app:NAME/ENVIRONMENT"),
        ("app:shop", "{}", "the fields of the policy: it is no JSON object of field to action"),
        ("app:shop", "drop", "the fields of the policy: Expecting value"),
        ("app:shop", '{"input": "hide"}', "the fields of the policy: an action is one of mask, pseudonym, drop"),
        ("app:shop", '{"input": ["drop"]}', "the fields of the policy: an action is one of mask, pseudonym, drop"),
        ("app:shop", '{"inputs": "drop"}', "the fields of the policy: no field inputs; known: attribute, comment, "),
    ],
)
def test_what_makes_no_sense_is_rejected(target: str, fields: str, reason: str, written: Written, officer: Key) -> None:
    assert set_to(written, officer, target, fields).startswith(reason)
    assert not written.fold.state.policies


def test_only_privacy_sets_it(written: Written) -> None:
    other = Key.new()
    written.register(other, "p1", "owner,operator")
    assert set_to(written, other, "app:shop", '{"input": "mask"}') == "p1 may not: it takes one who is privacy"
