"""What an app gets as its prompts, without a broker: filled in, by share, from disk, and never backwards."""

from __future__ import annotations

import dataclasses
import itertools
import math
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.streams.producer.prompts import KEY, OTHER, message, release
from watchline.schemas.errors import ConfigurationError, WatchlineError
from watchline.schemas.records import PromptRelease, PromptVariant
from watchline.streams.producer import Producer, releases
from watchline.streams.producer.arguments import fields
from watchline.streams.producer.held_prompts import HeldPrompts
from watchline.streams.producer.prompt import Prompt, PromptError, hash_of, variant
from watchline.streams.producer.prompt_file import PromptFile

PUBLICS = releases.public_keys(KEY.public)


class Warnings(list[str]):
    def __call__(self, kind: str, text: str, *args: object) -> None:
        self.append(text % args)


def held(environment: str = "default", app: str = "shop") -> tuple[HeldPrompts, Warnings]:
    warnings = Warnings()
    return HeldPrompts(environment, app, PUBLICS, warnings), warnings


def prompt(content: str, *variables: str) -> Prompt:
    return Prompt("answer", content, variables, "7", hash_of(content))


@pytest.mark.parametrize(
    "value", ["{{b}}", "{b}", "{{{b}}}", "\\1 \\g<0>", "& < > \" '", "é\r\n\u202e", "{{a}}{{b}}", ""]
)
def test_a_value_appears_byte_for_byte_and_nothing_in_it_is_filled_in(value: str) -> None:
    for given in itertools.permutations([("a", value), ("b", "B")]):
        assert prompt("<{{a}}|{{ b }}|{{a}}>", "a", "b").fill(**dict(given)) == f"<{value}|B|{value}>"


def test_what_is_no_variable_stays_as_it_is() -> None:
    assert prompt("{{a}} {} {{}} {a} {{c}} }} {{{a}}}", "a").fill(a="1") == "1 {} {{}} {a} {{c}} }} {1}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "^a: .* was not given$"),
        ({"a": "x", "secret": "x"}, "^secret: .* no such variable; it has a$"),
        ({"a": 7}, "^a: must be text, and is a int$"),
        ({"a": None}, "^a: must be text, and is a NoneType$"),
    ],
)
def test_values_are_those_of_the_variables(given: dict[str, Any], said: str) -> None:
    with pytest.raises(PromptError, match=said):
        prompt("{{a}}", "a").fill(**given)


def test_a_variable_may_be_called_self() -> None:
    assert prompt("{{self}}", "self").fill(self="x") == "x"


def with_canary(share: float) -> PromptRelease:
    text = "the new one"
    canary = PromptVariant(version="8", content_hash=hash_of(text), content=text, variables=(), share=share, salt="s1")
    return release(canary=canary)


def test_who_is_in_a_canary_stays_in_when_its_share_is_raised() -> None:
    talks = [f"talk {number}" for number in range(500)]
    stages = [
        {talk for talk in talks if variant(with_canary(share), talk).version == "8"} for share in (0, 10, 30, 100)
    ]
    assert not stages[0] and len(stages[3]) == 500
    assert stages[1] < stages[2] and 25 <= len(stages[1]) <= 80 and 110 <= len(stages[2]) <= 190
    assert all(variant(with_canary(10), talk).version == "8" for talk in stages[1] for _ in range(8))
    assert variant(with_canary(100), None).version == "7"


def test_any_order_ends_at_the_highest_position_and_never_goes_back() -> None:
    """Promote and withdrawal of one version, its rollback, and what was served before, seen again and again."""
    acts = [release(1), release(5), release(6, status="withdrawn", content=""), release(9, content="version 1")]
    messages = [message(each) for each in acts]
    order = random.Random(7)
    for _ in range(40):
        of_app, _warnings = held()
        served = [0]
        for each in order.choices(messages, k=6) + order.sample(messages, 4):
            of_app.take([each])
            served.append(of_app.by_name()["answer"].position)
        assert served == sorted(served) and served[-1] == 9


def test_of_many_messages_the_highest_is_checked_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[int] = []
    check = releases.check
    monkeypatch.setattr(
        releases, "check", lambda value, made, publics: (checked.append(made.position), check(value, made, publics))
    )
    of_app, _ = held()
    assert of_app.take([message(release(position)) for position in range(1, 9)])
    assert not of_app.take([message(release(position)) for position in range(1, 9)])
    assert checked == [8] and of_app.by_name()["answer"].version == "8"


def bad() -> Iterator[Any]:
    key, value = message(release(8))
    yield pytest.param(key, b"junk", "not framed", id="unreadable")
    yield pytest.param(key, value[:-1] + bytes([value[-1] ^ 1]), "signature is not of it", id="a changed signature")
    yield pytest.param(
        key, value.replace(b"version 8", b"version 0"), "not the one of its hash", id="a changed content"
    )
    forged = message(release(8), OTHER)
    yield pytest.param(*forged, "no key that", id="another's key")
    claimed = dataclasses.replace(release(8), signed_by=KEY.id)
    yield pytest.param(key, _as(claimed, forged[1]), "signature is not of it", id="another's, under our name")
    yield pytest.param(key, value.replace(b"live", b"fine"), "signature is not of it", id="a changed status")
    yield pytest.param(message(release(name="other"))[0], value, "another prompt", id="under another key")


def _as(made: PromptRelease, value: bytes) -> bytes:
    """A message with the signature of another one."""
    from watchline.schemas.codec import encode

    return encode(dataclasses.replace(made, signature=value[-64:]))


@pytest.mark.parametrize(("key", "value", "said"), [*bad()])
def test_a_bad_release_leaves_the_last_good_one_and_the_next_is_taken(key: bytes, value: bytes, said: str) -> None:
    of_app, warnings = held()
    assert of_app.take([message(release(7))])
    for _ in range(3):
        assert not of_app.take([(key, value)])
    assert of_app.by_name()["answer"].version == "7" and set(of_app.by_name()) == {"answer"}
    assert of_app.refused == 1 and len(warnings) == 1 and said in warnings[0]
    assert of_app.take([(key, value), message(release(9))]) and of_app.by_name()["answer"].version == "9"


def test_an_empty_message_takes_nothing_back() -> None:
    of_app, _ = held()
    assert of_app.take([message(release())]) and not of_app.take([(message(release())[0], b"")])
    assert of_app.by_name()["answer"].version == "7" and of_app.refused == 0


def test_each_environment_and_app_gets_its_own_in_any_order() -> None:
    whose = [("prod", "shop"), ("test", "shop"), ("prod", "shop/x"), ("prod/shop", "x"), ("prod", "x")]
    messages = [
        message(release(number, environment=environment, app=app, content=f"of {environment}, {app}"))
        for number, (environment, app) in enumerate(whose, 1)
    ]
    assert len({key for key, _ in messages}) == len(whose)
    for ordered in (messages, messages[::-1]):
        for environment, app in whose:
            of_app, _ = held(environment, app)
            of_app.take(ordered)
            assert [each.content for each in of_app.by_name().values()] == [f"of {environment}, {app}"]
    assert len({PromptFile(Path(), *each).path for each in whose}) == len(whose)


def test_a_renamed_prompt_comes_by_both_names() -> None:
    of_app, _ = held()
    old = message(release(3, name="reply"))
    of_app.take([old, message(release(8, names=("reply", "answer"))), old])
    assert {name: each.version for name, each in of_app.by_name().items()} == {"reply": "8", "answer": "8"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WATCHLINE_DATA_DIR", str(tmp_path))
    return tmp_path / "prompts"


def app(**changed: Any) -> Producer:
    """Of an app whose Kafka is away."""
    return Producer("127.0.0.1:1", app="shop", prompt_keys=KEY.public, **changed)


def on_disk(folder: Path, *made: PromptRelease, age_s: float = 0, environment: str = "default") -> PromptFile:
    file = PromptFile(folder, environment, "shop")
    with file.locked():
        file.write(dict(map(message, made)), time.time() - age_s)
    return file


def test_while_kafka_is_away_prompts_come_from_disk_and_say_how_old_they_are(folder: Path) -> None:
    file = on_disk(folder, release(7), release(5, name="gone", status="withdrawn"), age_s=259_200)
    assert file.path.stat().st_mode & 0o777 == 0o600 and folder.stat().st_mode & 0o777 == 0o700
    with app() as producer:
        found = producer.prompt("answer")
        assert (found.content, found.version, found.stale) == ("version 7", "7", False)
        assert found.age_s == pytest.approx(259_200, abs=5)
        assert "attributes" not in fields({"prompt": found})
        old = producer.prompt("answer", max_age_s=86_400)
        assert old.stale and fields({"prompt": old, "attributes": {"a": "b"}}) == {
            "prompt_name": "answer",
            "prompt_version": "7",
            "prompt_hash": hash_of("version 7"),
            "attributes": {"watchline.prompt.age_s": f"{old.age_s:.0f}", "a": "b"},
        }
        with pytest.raises(PromptError, match="it was withdrawn"):
            producer.prompt("gone")
        assert producer.prompt("gone", default="mine").content == "mine"


def test_a_file_that_was_changed_is_refused(folder: Path) -> None:
    file = on_disk(folder, release(7), release(4, name="other"))
    (key, value), (other, good) = message(release(7)), message(release(4, name="other"))
    file.write({key: value.replace(b"version 7", b"version 0"), other: good}, time.time())
    with app() as producer:
        assert producer.prompt("other").version == "4"
        with pytest.raises(PromptError, match="Kafka has not told yet, and there is none on disk"):
            producer.prompt("answer", timeout_s=0.1)
        assert producer.stats.prompts_refused == 1


@pytest.mark.parametrize("text", ["", "[", "[]", '{"a": 1}', '{"a": "no base64"}', "[" * 100_000])
def test_a_file_that_is_none_counts_as_none(folder: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    on_disk(folder, release(7)).path.write_text(text)
    with app() as producer:
        assert producer.prompt("answer", default="mine", timeout_s=0.2).content == "mine"
    assert "the prompts on disk can't be used" in caplog.text


def test_a_process_that_is_behind_does_not_put_older_prompts_on_disk(folder: Path) -> None:
    file = on_disk(folder, release(7))
    with app() as producer:
        assert producer.prompt("answer").version == "7"
        reader: Any = producer._prompts
        file.write(dict([message(release(9))]), time.time())  # by another process
        assert reader._held.take([message(release(8))])
        reader._show()
        assert producer.prompt("answer").version == "9"
        assert file.read()[0] == dict([message(release(9))])


def test_each_environment_has_its_own_on_disk(folder: Path) -> None:
    for number, environment in enumerate(("prod", "test"), 1):
        on_disk(folder, release(number, environment=environment), environment=environment)
    for number, environment in ((1, "prod"), (2, "test"), (1, "prod")):
        with app(environment=environment) as producer:
            assert producer.prompt("answer").content == f"version {number}"


def test_without_kafka_and_disk_there_is_the_default_or_an_error_and_one_wait_in_all(folder: Path) -> None:
    with app() as producer:
        begun = time.monotonic()
        with pytest.raises(PromptError, match="for app shop in default: Kafka has not told yet"):
            producer.prompt("answer", timeout_s=0.2)
        found = producer.prompt("answer", default="Answer {{q}}.", timeout_s=0.2)
        assert 0.2 <= time.monotonic() - begun < 0.4
    assert (found.content, found.variables, found.version, found.stale) == ("Answer {{q}}.", ("q",), "", True)
    assert found.name == "answer" and found.content_hash == hash_of("Answer {{q}}.")
    assert math.isinf(found.age_s) and fields({"prompt": found})["attributes"] == {"watchline.prompt.age_s": "inf"}
    with pytest.raises(PromptError, match="the producer is closed"):
        producer.prompt("answer")


def test_a_disabled_producer_serves_defaults_and_writes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_DISABLED", "1")
    on_disk(folder, release(7))
    assert app().prompt("answer", default="mine").content == "mine"


@pytest.mark.parametrize("keys", ["", " ", "ed25519:AAAA", "rsa:x", "ed25519:not base64!"])
def test_without_a_key_to_check_by_nothing_is_served(folder: Path, keys: str) -> None:
    on_disk(folder, release(7))
    with Producer("127.0.0.1:1", app="shop", prompt_keys=keys) as producer, pytest.raises(ConfigurationError) as raised:
        producer.prompt("answer", default="mine")
    assert "WATCHLINE_PROMPT_KEYS" in str(raised.value)


def test_a_folder_that_cannot_be_written_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("WATCHLINE_DATA_DIR", str(tmp_path / "file"))
    with app() as producer:
        assert producer.prompt("answer", default="mine", timeout_s=0.2).content == "mine"
    assert "the prompts on disk can't be used" in caplog.text


def test_a_forked_child_reads_for_itself(folder: Path) -> None:
    on_disk(folder, release(7))
    with app() as producer:
        assert producer.prompt("answer").version == "7"
        child = os.fork()
        if not child:
            code = 1
            try:
                code = 0 if producer.prompt("answer").version == "7" else 1
            except WatchlineError:
                pass
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
