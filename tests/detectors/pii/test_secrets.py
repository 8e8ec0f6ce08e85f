"""Every secret here is made by chance or by hand; the figures of the model card are those of `generated_secrets`."""

from __future__ import annotations

import random
import sysconfig
import tomllib
from collections import defaultdict
from hashlib import sha256
from pathlib import Path

import pytest

from tests.detectors.pii import generated_secrets
from watchline.detectors.pii import secrets
from watchline.detectors.pii.entities import resolve

FORMS = tomllib.loads((Path(secrets.__file__).parent / "secret_formats.toml").read_text("utf-8"))["format"]
EACH = 50  # of a kind


def found(text: str) -> list[str]:
    return [text[entity.start : entity.end] for entity in resolve(text, secrets.find(text))]


def hides(text: str, secret: str) -> bool:
    """Whether nothing of a secret is left."""
    start = text.index(secret)
    places = {place for entity in secrets.find(text) for place in range(entity.start, entity.end)}
    return places >= set(range(start, start + len(secret)))


def recall(rows: list[tuple[str, str, str]]) -> dict[str, float]:
    """By kind, of rows of a kind, a text and its secret."""
    right: defaultdict[str, list[bool]] = defaultdict(list)
    for kind, text, secret in rows:
        right[kind].append(hides(text, secret))
    assert min(map(len, right.values())) >= EACH
    return {kind: sum(values) / len(values) for kind, values in right.items()}


@pytest.mark.slow
def test_keys_of_every_provider_are_found() -> None:
    r = random.Random(17)
    places = [*generated_secrets.ALONE.values()]
    rows = [(name, r.choice(places)(key), key) for name, key in generated_secrets.keys(r, EACH)]
    assert {kind: share for kind, share in recall(rows).items() if share < 0.96} == {}


def test_keys_are_found_wherever_they_stand() -> None:
    r = random.Random(18)
    keys = [*generated_secrets.keys(r, 5)]
    rows = [(place, write(key), key) for place, write in generated_secrets.ALONE.items() for _, key in keys]
    assert min(recall(rows).values()) >= 0.98


@pytest.mark.parametrize("names", ["password", "token"])
def test_what_a_name_announces_is_found_in_every_format(names: str) -> None:
    r = random.Random(19)
    rows = []
    for context, write in generated_secrets.CONTEXTS.items():
        for _ in range(2 * EACH):
            _, value = generated_secrets.password(r) if names == "password" else generated_secrets.token(r)
            rows.append((context, write(r.choice(generated_secrets.NAMES[names]), value), value))
    assert min(recall(rows).values()) >= 0.96


def test_what_has_a_form_of_its_own_is_found() -> None:
    r = random.Random(20)
    rows = [(kind, *row) for _ in range(EACH) for kind, row in generated_secrets.formed(r).items()]
    assert {kind: share for kind, share in recall(rows).items() if share < 0.95} == {}


def test_what_only_looks_like_a_secret_stays() -> None:
    r = random.Random(21)
    lines = [generated_secrets.benign(r) for _ in range(5000)]
    assert sum(len(found(line)) for line in lines) <= 5


def test_code_of_others_stays_as_it_is() -> None:
    """20,000 lines of Python's library, picked by the hash of their file's name: at most one find in 1,000 lines."""
    paths = Path(sysconfig.get_paths()["stdlib"]).glob("[a-z]*/*.py")
    lines = 0
    finds = []
    for path in sorted(paths, key=lambda path: sha256(path.name.encode()).digest()):
        if "site-packages" not in path.parts:
            text = path.read_text("utf-8", errors="replace")
            lines += text.count("\n")
            finds += found(text)
        if lines >= 20_000:
            break
    assert lines >= 20_000 and len(finds) <= 20, finds


def test_each_form_has_its_keyword_in_each_of_its_keys() -> None:
    r = random.Random(22)
    for form in FORMS:
        for _ in range(EACH):
            key = generated_secrets.sample(r, generated_secrets.parsed(form["pattern"]))
            assert not form["keywords"] or any(word in key for word in form["keywords"]), (form["provider"], key)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password: correct-horse-battery-staple", ["correct-horse-battery-staple"]),
        ('"password":"n0tSoEasy"', ["n0tSoEasy"]),
        ("<Password>n0tSoEasy</Password>", ["n0tSoEasy"]),
        ("My password is hunter2! and it fails.", ["hunter2!"]),
        ("redis://:n0tSoEasy@cache.example.com:6379/0", ["redis://:n0tSoEasy@cache.example.com:6379/0"]),
        ('password: str = "n0tSoEasy"', ["n0tSoEasy"]),
        (r"{\"db_password\": \"n0tSoEasy\"}", ["n0tSoEasy"]),
        (r"log\nghp_" + "a1B2" * 9 + r"\nend", ["ghp_" + "a1B2" * 9]),
        ("q=%20ghp_" + "a1B2" * 9, ["ghp_" + "a1B2" * 9]),
        ("{'private_key': '0x" + "3f9a" * 16 + "'}", ["0x" + "3f9a" * 16]),
        (r'{"password_config": "{\"password\": \"n0tSoEasy\"}"}', ["n0tSoEasy"]),
        ("İ password=n0tSoEasy", ["n0tSoEasy"]),
    ],
)
def test_found(text: str, expected: list[str]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "pass: 12",
        "token: string",
        "password: required",
        "max_tokens: 4096, tokens: 812",
        "OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxx",
        'curl -H "Authorization: Bearer $ACCESS_TOKEN_V2" https://api.example.com/items',
        "pk_orders_order_line_items",
        "sk_order_items_by_created_at_v2",
        "task-runner-integration-tests and pk-build-tools-and-helpers",
        "Cookie: a=b",
        "Password: ********",
        "password = getpass.getpass()",
        "postgres://user:password@host/db",
        'if "-----BEGIN PRIVATE KEY-----" in text: return parse(text)',
        '"id": "chatcmpl-9x8Kd72hVn4LqPz0TtYwRbS3mCe1J"',
        "data:image/png;base64," + "AKIAIOSF0DNN7QXAMPLE/" * 8,
        "your password is case-sensitive and 12 characters long",
        "token_type: bearer, token_expires_in: 3600",
    ],
)
def test_left_as_it_is(text: str) -> None:
    assert found(text) == []
