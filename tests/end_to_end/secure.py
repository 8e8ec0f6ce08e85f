"""An Apache Kafka that asks who comes, and what the tests' users may do there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from tests import brokers
from tests.certificates import Authority
from watchline.streams.embedded.broker import free_port

SECURITY = Path(__file__).parents[2] / ".github" / "SECURITY.md"
PASSWORDS = {"watchline-migrate": "migrate-hush", "watchline-worker": "worker-hush", "an-app": "app-hush"}
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


@dataclass(frozen=True, slots=True)
class SecureKafka:
    """Addresses by what they ask for. `plain` asks for nothing and may everything: the test's own way in."""

    plain: str
    sasl_ssl: str
    mtls: str
    authority: Authority

    def login(self, user: str) -> dict[str, str]:
        """The settings of who comes with SCRAM over TLS."""
        return {
            "WATCHLINE_KAFKA_URL": self.sasl_ssl,
            "WATCHLINE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "WATCHLINE_KAFKA_USERNAME": user,
            "WATCHLINE_KAFKA_PASSWORD": PASSWORDS[user],
            "WATCHLINE_KAFKA_CA_FILE": str(self.authority.file),
        }

    def certificate(self, user: str) -> dict[str, str]:
        """The settings of who comes with a certificate."""
        made = self.authority.issue(user)
        return {
            "WATCHLINE_KAFKA_URL": self.mtls,
            "WATCHLINE_KAFKA_SECURITY_PROTOCOL": "SSL",
            "WATCHLINE_KAFKA_CA_FILE": str(self.authority.file),
            "WATCHLINE_KAFKA_CERTIFICATE_FILE": str(made.file),
            "WATCHLINE_KAFKA_KEY_FILE": str(made.key),
        }

    def grant(self, prefix: str) -> None:
        """The rights that the table in SECURITY.md gives, on topics and groups with this prefix."""
        admin = AdminClient({"bootstrap.servers": self.plain, "log_level": 0})
        rights = [
            AclBinding(kind, name, pattern, f"User:{user}", "*", AclOperation[operation], AclPermissionType.ALLOW)
            for user in PASSWORDS
            for kind, name, pattern, operation in {*_rights(user, prefix)}  # all groups have the prefix
        ]
        for future in admin.create_acls(rights).values():
            future.result(10)


def _rights(user: str, prefix: str) -> Iterator[tuple[ResourceType, str, ResourcePatternType, str]]:
    rows = re.findall(r"^\| `([\w-]+)` \| (\w+) \| (.+?) \|$", SECURITY.read_text(encoding="utf-8"), re.M)
    for _, spelled, where in (row for row in rows if row[0] == user):
        operation = re.sub(r"\B(?=[A-Z])", "_", spelled).upper()  # as confluent_kafka spells it
        for name in re.findall(r"`([^`]+)`", where):
            if where.startswith("group"):
                yield ResourceType.GROUP, prefix, ResourcePatternType.PREFIXED, operation
            elif name.endswith("*"):
                yield ResourceType.TOPIC, prefix, ResourcePatternType.PREFIXED, operation
            else:
                topic = name.replace("watchline.", prefix)
                yield ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, operation


@contextmanager
def secure_kafka(home: Path, folder: Path) -> Iterator[SecureKafka]:
    """Starts it; ends it with the block."""
    authority = Authority(folder)
    server = authority.issue("broker", ["localhost"])
    port, sasl_ssl, mtls = brokers.two_free_ports(), free_port(), free_port()
    names = {"PLAINTEXT": port, "SASL_SSL": sasl_ssl, "SSL": mtls}
    settings = {
        "listeners": ",".join(f"{name}://127.0.0.1:{at}" for name, at in {**names, "CONTROLLER": port + 1}.items()),
        # The certificate is for this name and not for the address: so that a mismatch can be had.
        "advertised.listeners": ",".join(f"{name}://localhost:{at}" for name, at in names.items()),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(server.both),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.file),
        "listener.name.ssl.ssl.client.auth": "required",
        "listener.name.ssl.ssl.principal.mapping.rules": "RULE:^CN=(.*?)$/$1/",
        "listener.name.sasl_ssl.sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": SCRAM,
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": SCRAM,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    users = [
        f"--add-scram {mechanism}=[name={name},password={password}]"
        for name, password in PASSWORDS.items()
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
    ]
    with brokers.ApacheKafka(home, folder, port=port, settings=settings, format_args=" ".join(users)) as kafka:
        yield SecureKafka(kafka.address, f"localhost:{sasl_ssl}", f"localhost:{mtls}", authority)
