"""Which names and ids are stored as they are: ordinary ones are, what has the form of personal data is not."""

# ruff: noqa: RUF001 (look-alikes are what this is about)

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.schemas.samples import INTERACTION
from watchline.schemas.columns import Text
from watchline.schemas.identifiers import LONGEST, is_identifier, is_kept
from watchline.schemas.pseudonyms import Pseudonyms, pseudonym

UUID = "550e8400-e29b-41d4-a716-446655440000"
ORDINARY = {
    "model": "gpt-4o-2024-11-20",
    "model of a hub": "meta-llama/Llama-3.1-8B-Instruct",
    "model of a cloud": "@cf/meta/llama-3.1-8b-instruct",
    "model with its version": "claude-3-5-sonnet-v2@20241022",
    "model with words": "gpt-4o (2024-08-06)",
    "tuned model": "ft:gpt-3.5-turbo-0125:acme::8abc123",
    "ARN": "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-5-sonnet-20240620-v1:0",
    "resource": "projects/my-proj/locations/us-central1/publishers/google/models/gemini-1.5-pro-002",
    "deployment": f"/subscriptions/{UUID}/resourceGroups/rg/providers/Microsoft.OpenAI/accounts/x/deployments/y",
    "version": "1.0.0+20130313144700",
    "date": "2024-08-06",
    "time": "2024-11-28T18:30:19Z",
    "milliseconds": "1732817419000",
    "microseconds": "1732817419000123",
    "digits of a time": "20241128183012",
    "commit": "3f786850e387550fdab836ed7e6dc881de23001b",
    "hash": "a" * 64,
    "UUID": UUID,
    "number": "1234567",
    "answer": "chatcmpl-AbC123xYz",
    "message": "msg_01XFDUDYJgAACzvnptvVoYEL",
    "fingerprint": "fp_44709d6fcb",
    "thread": "C024BE91L:1503435956.000247",
    "engine": "vLLM 0.6.3",
    "quantisation": "fp8-e4m3",
    "customer": "Acme Ltd",
    "customer with an apostrophe": "O’Reilly Media, Inc.",
    "customer with signs": "Müller & Söhne GmbH & Co. KG",
    "customer with many words": "Department of Health and Human Services",
    "customer of few words": "T-Mobile US, Inc.",
    "prompt": "answer-question",
    "prompt with an umlaut": "Kündigung bestätigen",
    "prompt in Hindi": "ग्राहक सेवा",
    "prompt in Chinese": "客户支持",
    "prompt with a picture": "🚀 launch",
    "prompt with a joined picture": "👩\u200d🔧 repair",
    "prompt in Persian": "می\u200cخواهم",
    "prompt of words": "Customer support answer v2",
    "error of Python": "openai.RateLimitError",
    "error within a function": "app.answer.<locals>.NoDocumentsError",
    "error of PHP": "GuzzleHttp\\Exception\\ConnectException",
    "error with a number": "HTTP 429",
    "fallback": "_OTHER",
    "tool": "mcp__github__create_issue",
    "tool with words": "Search (web)",
    "key with a blank": "user agent",
    "key with dots": "app.version",
    "key with an accent": "département",
    "key with an index": "tags[0]",
    "key with a currency": "price €",
    "pseudonym": pseudonym("somebody", "a key"),
}
PERSONAL = {
    "address": "jane@example.com",
    "address in a name": "user jane.doe@mail.example.co.uk",
    "address as in a URL": "jane%40example.com",
    "address in disguise": "jane (at) example.com",
    "address in wide letters": "ｊａｎｅ＠ｅｘａｍｐｌｅ.com",
    "address with a zero-width blank": "ja\u200bne@exa\u200bmple.com",
    "card": "4111 1111 1111 1111",
    "card without blanks": "4111111111111111",
    "card with hyphens": "5500-0000-0000-0004",
    "card of 15 digits": "378282246310005",
    "card in an id": "chat_4111111111111111",
    "card in other digits": "٤١١١١١١١١١١١١١١١",
    "phone": "+1 202-555-0143",
    "phone of a messenger": "whatsapp:+14155552671",
    "phone of the US": "(202) 555-0143",
    "phone of Germany": "0170 1234567",
    "social security number": "078-05-1120",
    "bank account": "DE89 3704 0044 0532 0130 00",
    "bank account without blanks": "DE89370400440532013000",
    "IPv4": "203.0.113.77",
    "IPv4 in an id": "session 203.0.113.77",
    "IPv6": "2001:db8::1",
    "sentence": "my name is margaret thornbury",
    "sentence with a sign": "Hello, my name is Margaret Thornbury!",
    "question": "Who is it?",
    "lines": "Jane\nDoe",
    "address with joiners": "ja\u200dne@exa\u200cmple.com",
    "turned around": "user\u202egnp.exe",
    "secret": "sk-proj-abcdefghijklmnop1234",
    "long": "x" * (LONGEST + 1),
    "no text": "\ud800",
}


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_identifier_is_kept(name: str) -> None:
    assert is_identifier(ORDINARY[name])
    assert is_identifier(ORDINARY[name], version=True)


@pytest.mark.parametrize("name", PERSONAL)
def test_what_has_the_form_of_personal_data_is_not(name: str) -> None:
    assert not is_identifier(PERSONAL[name])


def test_four_numbers_are_a_version_where_one_stands() -> None:
    event = replace(INTERACTION, prompt_version="1.2.0.4", request_model="m-1.2.0.4", app="shop 1.2.0.4")
    assert Pseudonyms().apply(replace(event, subject=None)) == (replace(event, subject=None), {})
    assert not is_kept("1.2.0.4", Text("identifier"))


def test_a_subject_of_another_producer_becomes_a_pseudonym_or_nothing() -> None:
    event = replace(INTERACTION, subject="customer 17")
    assert Pseudonyms("a key").apply(event)[0].subject == pseudonym("customer 17", "a key")
    assert Pseudonyms().apply(event)[0].subject is None
    ours = replace(INTERACTION, subject=pseudonym("customer 17", "the app's key"))
    assert Pseudonyms("a key").apply(ours) == (ours, {})


def test_a_word_of_a_vocabulary_has_no_blank() -> None:
    assert is_kept("user", Text("word")) and is_kept("weather-agent", Text("word"))
    assert not is_kept("Ana Silva", Text("word"))


def test_the_type_of_an_error_that_is_dropped_leaves_an_error() -> None:
    failed, counts = Pseudonyms().apply(replace(INTERACTION, subject=None, error_type="no user jane@example.com"))
    assert (failed.error_type, counts) == ("_OTHER", {("error_type", "dropped"): 1})


def test_keys_that_are_replaced_lose_no_value() -> None:
    people = {"jane@example.com": "1", "john@example.com": "2", "region": "3"}
    event = replace(INTERACTION, attributes=people, variant=people, truncated=dict.fromkeys(people, 1))
    for key in ("", "a key"):
        kept, counts = Pseudonyms(key).apply(event)
        for changed in (kept.attributes, kept.variant):
            assert [*changed.values()] == ["1", "2", "3"] and "example.com" not in repr(changed)
        assert len(kept.truncated) == 3 and "example.com" not in repr(kept.truncated)
        assert counts["attribute_key", "pseudonym" if key else "dropped"] == 2


ANY = st.text(st.characters(), max_size=40) | st.sampled_from([*ORDINARY.values(), *PERSONAL.values()])


@given(ANY, ANY)
def test_two_values_are_never_merged(one: str, other: str) -> None:
    assume(one != other and one and other and "\ud800" not in one + other)
    pseudonyms = Pseudonyms("a key")

    def stored(text: str) -> list[str | None]:
        event = replace(
            INTERACTION,
            **dict.fromkeys(("app", "environment", "tenant", "conversation_id", "prompt_name", "prompt_version"), text),
            **dict.fromkeys(("request_model", "response_model", "system_fingerprint", "provider", "operation"), text),
        )
        kept, _ = pseudonyms.apply(event)
        return [
            *(kept.app, kept.environment, kept.tenant, kept.conversation_id, kept.prompt_name, kept.prompt_version),
            *(kept.request_model, kept.response_model, kept.system_fingerprint, kept.provider, kept.operation),
        ]

    assert all(mine and mine != theirs for mine, theirs in zip(stored(one), stored(other), strict=True))


@given(ANY)
def test_what_was_replaced_once_stays(text: str) -> None:
    """As when an event is delivered again, or a dead letter is sent back."""
    once, _ = Pseudonyms("a key").apply(replace(INTERACTION, tenant=text, attributes={text: "x"}))
    assert Pseudonyms("another key").apply(once) == (once, {})
