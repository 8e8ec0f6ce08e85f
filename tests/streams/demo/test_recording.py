"""The committed recording: it decodes, it holds what its README says, and every label and planted text is in it."""

from __future__ import annotations

from collections import Counter

import pytest

from watchline.schemas.codec import decode, encode
from watchline.schemas.records import Feedback, Interaction
from watchline.streams.demo import recording as module
from watchline.streams.demo.app import PROMPT_NAME, PROMPTS
from watchline.streams.demo.recording import Recording, load

PERSONAL_DATA = {"CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "PERSON", "PHONE_NUMBER", "US_SSN"}


@pytest.fixture(scope="module")
def recording() -> Recording:
    return load()


def test_records_are_what_the_codec_reads(recording: Recording) -> None:
    assert all(decode(encode(each), Interaction) == each for each in recording.interactions)
    assert all(decode(encode(each), Feedback) == each for each in recording.feedback)


def test_both_versions_are_there_one_after_the_other(recording: Recording) -> None:
    times = [each.time for each in recording.interactions]
    versions = [each.prompt_version for each in recording.interactions]
    assert times == sorted(times)
    assert versions == sorted(versions, key=str)
    assert min(Counter(versions).values()) >= 200
    assert set(versions) == set(PROMPTS)
    assert len({each.event_id for each in recording.interactions}) == len(versions) >= 400


def test_events_name_the_prompt_that_made_them(recording: Recording) -> None:
    for each in recording.interactions:
        prompt = PROMPTS[each.prompt_version or ""]
        assert (each.prompt_name, each.prompt_hash) == (PROMPT_NAME, prompt.content_hash)
        assert each.system_instructions == prompt.system


def test_events_are_complete(recording: Recording) -> None:
    for each in recording.interactions:
        assert each.input and each.documents and each.input_tokens and each.output_tokens
        assert each.latency_s and each.time_to_first_chunk_s
        assert 0 < each.time_to_first_chunk_s <= each.latency_s
        assert len(each.documents) <= 3
        assert all(len(document.content) <= 1000 for document in each.documents)


def test_feedback_is_about_recorded_events(recording: Recording) -> None:
    by_id = {each.event_id: each for each in recording.interactions}
    assert len(recording.feedback) >= 50
    assert all(by_id[each.event_id].time < each.time for each in recording.feedback)
    assert {each.rating for each in recording.feedback} == {1, -1}


def test_planted_personal_data_stands_where_the_list_says(recording: Recording) -> None:
    by_id = {each.event_id: each for each in recording.interactions}
    comments = {each.event_id: each.comment or "" for each in recording.feedback}
    for item in recording.planted:
        text = comments[item.event_id] if item.field == "comment" else by_id[item.event_id].input
        assert item.text in text
    assert {item.entity_type for item in recording.planted} == PERSONAL_DATA
    questions = Counter(
        by_id[event_id].prompt_version
        for event_id in {item.event_id for item in recording.planted if item.field == "input"}
    )
    assert questions["1"] >= 12 and questions["2"] >= 12
    assert sum(item.field == "comment" for item in recording.planted) >= 4


def test_version_2_is_labelled_worse(recording: Recording) -> None:
    versions = {each.event_id: each.prompt_version for each in recording.interactions}
    labels = {
        version: [label for event_id, label in recording.labels.items() if versions[event_id] == version]
        for version in PROMPTS
    }
    assert min(len(each) for each in labels.values()) >= 20
    assert sum(labels["2"]) / len(labels["2"]) >= 2 * sum(labels["1"]) / len(labels["1"])


def test_recording_stays_small() -> None:
    assert (module.HERE / "recording.avro").stat().st_size < 3_000_000
