"""Login and TLS to Kafka, as far as it needs no broker: what is missing, unreadable or contradictory is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.certificates import Authority
from watchline.schemas.errors import ConfigurationError
from watchline.streams import Producer
from watchline.streams.security.kafka_login import PREFIX, Security
from watchline.streams.settings import load

LOGIN = {"SECURITY_PROTOCOL": "SASL_SSL", "USERNAME": "app", "PASSWORD": "hush-hush"}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    authority = Authority(tmp_path)
    ours, other = authority.issue("ours"), authority.issue("other")
    key = serialization.load_pem_private_key(ours.key.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"hush-hush"),
        )
    )
    empty = tmp_path / "empty.pem"
    empty.touch()
    found = {"ca": authority.file, "cert": ours.file, "key": ours.key, "other key": other.key, "locked key": locked}
    return {**found, "empty": empty, "none": tmp_path / "none.pem"}


TLS = {"SECURITY_PROTOCOL": "SSL"}
WRONG = [
    ({"SECURITY_PROTOCOL": "TLS"}, "SECURITY_PROTOCOL"),
    ({**LOGIN, "SASL_MECHANISM": "GSSAPI"}, "SASL_MECHANISM"),
    ({"USERNAME": "app", "PASSWORD": "hush-hush"}, "USERNAME: is set, but .*PROTOCOL is PLAINTEXT; .* SASL_SSL"),
    ({**LOGIN, "PASSWORD": ""}, "PASSWORD: missing, and .*PROTOCOL is SASL_SSL"),
    ({**LOGIN, "USERNAME": ""}, "USERNAME: missing"),
    ({"CA_FILE": "ca"}, "CA_FILE: is set, but .*PROTOCOL is PLAINTEXT"),
    ({**TLS, "CA_FILE": "none"}, "CA_FILE: .*none.pem: No such file"),
    ({**TLS, "CA_FILE": "empty"}, "CA_FILE: .*empty.pem: no certificate"),
    ({**TLS, "CA_FILE": "ca", "CERTIFICATE_FILE": "cert"}, "KEY_FILE: one is set without the other"),
    ({**TLS, "CA_FILE": "ca", "CERTIFICATE_FILE": "cert", "KEY_FILE": "none"}, "KEY_FILE: .*none.pem: No such file"),
    ({**TLS, "CA_FILE": "ca", "CERTIFICATE_FILE": "cert", "KEY_FILE": "other key"}, "KEY_FILE: .*key values mismatch"),
    ({**TLS, "CA_FILE": "ca", "CERTIFICATE_FILE": "cert", "KEY_FILE": "locked key"}, "KEY_FILE: .*unencrypted key"),
]


@pytest.mark.parametrize(("values", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_what_is_wrong_is_named_to_worker_and_producer(
    values: dict[str, str], message: str, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in values.items():
        monkeypatch.setenv(PREFIX + name, str(files.get(value, value)))
    for read in (load, lambda: Producer(app="bot")):
        with pytest.raises(ConfigurationError, match=f"WATCHLINE_KAFKA_{message}") as error:
            read()
        assert "hush-hush" not in str(error.value)


def test_worker_and_producer_read_the_same(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    values = {**LOGIN, "CA_FILE": "ca", "CERTIFICATE_FILE": "cert", "KEY_FILE": "key"}
    for name, value in values.items():
        monkeypatch.setenv(PREFIX + name, str(files.get(value, value)))
    assert load().kafka_security == Security.from_environment()
    assert Security.from_environment().client() == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "app",
        "sasl.password": "hush-hush",
        "ssl.ca.location": str(files["ca"]),
        "ssl.certificate.location": str(files["cert"]),
        "ssl.key.location": str(files["key"]),
    }
    assert "hush-hush" not in repr(Security.from_environment()) + repr(load())


@pytest.mark.parametrize("url", ["kafka://app:hush-hush@host:9092", "a:1,kafka://app:hush/hush@b:2", "app:hu@sh@b:1"])
def test_a_login_in_the_url_is_refused_unseen(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_KAFKA_URL", url)
    for read in (load, lambda: Producer(app="bot")):
        with pytest.raises(ConfigurationError, match="WATCHLINE_KAFKA_USERNAME") as error:
            read()
        assert "hu" not in str(error.value)
