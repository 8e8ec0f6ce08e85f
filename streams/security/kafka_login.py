"""Login and TLS for Kafka, for every client, the producer's too.

Without pydantic, which the base install lacks: `Settings` checks what it reads, the producer reads the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.security import secret_files, tls

if TYPE_CHECKING:
    import ssl

PREFIX = "WATCHLINE_KAFKA_"
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")
PROBE_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Security:
    """The settings `WATCHLINE_KAFKA_*` except the URL. Making one reads the certificates.

    Raises ConfigurationError that names the setting which is missing, wrong or doesn't go with the others.
    """

    security_protocol: str = PROTOCOLS[0]
    sasl_mechanism: str = MECHANISMS[0]
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("security_protocol", PROTOCOLS), ("sasl_mechanism", MECHANISMS)):
            if (value := getattr(self, name)) not in allowed:
                raise ConfigurationError(f"{_variable(name)}: {value!r} is none of {', '.join(allowed)}")
        protocol = f"{PREFIX}SECURITY_PROTOCOL is {self.security_protocol}"
        for name in ("username", "password"):
            if self.with_sasl and not getattr(self, name):
                raise ConfigurationError(f"{_variable(name)}: missing, and {protocol}")
            if not self.with_sasl and getattr(self, name):
                raise ConfigurationError(f"{_variable(name)}: is set, but {protocol}; a login needs SASL_SSL")
        for name in ("ca_file", "certificate_file", "key_file"):
            if not self.with_tls and getattr(self, name):
                raise ConfigurationError(f"{_variable(name)}: is set, but {protocol}; TLS needs SSL or SASL_SSL")
        if bool(self.certificate_file) != bool(self.key_file):
            raise ConfigurationError(f"{PREFIX}CERTIFICATE_FILE, {PREFIX}KEY_FILE: one is set without the other")
        self.context()

    @classmethod
    def from_environment(cls) -> Security:
        """Reads them from the environment alone, and the password also from the file that it names."""
        values: dict[str, Any] = {setting.name: os.environ.get(_variable(setting.name), "") for setting in fields(cls)}
        values["password"] = secret_files.read(_variable("password"))
        paths = {name: Path(value) for name, value in values.items() if name.endswith("_file") and value}
        return cls(**{name: value for name, value in values.items() if value} | paths)

    @property
    def with_sasl(self) -> bool:
        """Whether there is a login."""
        return self.security_protocol.startswith("SASL_")

    @property
    def with_tls(self) -> bool:
        """Whether the connection is encrypted, and the broker's certificate and host name are checked."""
        return self.security_protocol.endswith("SSL")

    def client(self) -> dict[str, Any]:
        """Settings of a librdkafka client, which checks host names unless told otherwise."""
        options: dict[str, Any] = {"security.protocol": self.security_protocol}
        if self.with_sasl:
            login = {"sasl.mechanism": self.sasl_mechanism, "sasl.username": self.username}
            options |= {**login, "sasl.password": self.password}
        files = {"ssl.ca.location": self.ca_file, "ssl.certificate.location": self.certificate_file}
        files["ssl.key.location"] = self.key_file
        return options | {name: str(path) for name, path in files.items() if path}

    def context(self) -> ssl.SSLContext | None:
        """Python's TLS context; None without TLS."""
        if not self.with_tls:
            return None
        made = tls.context(self.ca_file, f"{PREFIX}CA_FILE")
        if self.certificate_file and self.key_file:
            names = (f"{PREFIX}CERTIFICATE_FILE", f"{PREFIX}KEY_FILE")
            tls.add_certificate(made, self.certificate_file, self.key_file, names)
        return made

    def explain(self, errors: Iterable[Any]) -> ConfigurationError | None:
        """What is wrong with these settings, by the errors (confluent_kafka.KafkaError) of a client; None: nothing."""
        for error in errors:
            text = error.str()
            if error.name() == "_AUTHENTICATION":
                names = f"{PREFIX}USERNAME, {PREFIX}PASSWORD, {PREFIX}SASL_MECHANISM"
                reason = re.sub(r"^\w+://|(?<!\s)\s*+\(after .*", "", text)
                return ConfigurationError(f"Kafka refuses the login of {self.username!r} ({names}): {reason}")
            if error.name() == "_SSL":
                return ConfigurationError(f"the TLS connection to Kafka fails: {self._refusal(text)}")
            if "SSL alert number" in text:
                names = f"{PREFIX}CERTIFICATE_FILE, {PREFIX}KEY_FILE"
                reason = re.sub(r"^.*alert ([a-z ]{1,60}):.*$", r"\1", text, flags=re.S)
                return ConfigurationError(f"Kafka refuses the client certificate ({names}): {reason}")
            if "PLAINTEXT broker" in text:
                return ConfigurationError(
                    f"{PREFIX}SECURITY_PROTOCOL is {self.security_protocol}, and Kafka at that port does not use TLS"
                )
        return None

    def _refusal(self, text: str) -> str:
        """Why the broker's certificate is refused. Python says more of it than librdkafka, so it tries too."""
        import socket
        import ssl

        server = re.search(r"//\[?(.{1,255}?)\]?:(\d+)", text)
        made = self.context()
        if server is None or made is None:
            return f"{text} ({PREFIX}SECURITY_PROTOCOL, {PREFIX}CA_FILE)"
        host, port = server[1], int(server[2])
        try:
            with (
                socket.create_connection((host, port), PROBE_TIMEOUT_S) as raw,
                made.wrap_socket(raw, server_hostname=host),
            ):
                pass
        except ssl.SSLCertVerificationError as error:
            setting = "URL" if tls.is_for_another_host(error) else "CA_FILE"
            return f"{host}:{port}: {error.verify_message} ({PREFIX}{setting})"
        except OSError:
            pass
        return f"{text} ({PREFIX}SECURITY_PROTOCOL, {PREFIX}CA_FILE)"


def _variable(name: str) -> str:
    return PREFIX + name.upper()
