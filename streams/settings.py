"""The settings of worker and command line: environment first, then a TOML file, then the defaults here.

Every setting is documented by its `description`; the table in README.md beside this file is made from them.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import socket
import tomllib
import zoneinfo
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from watchline.detectors.declarations import DETECTORS
from watchline.detectors.huggingface.settings import ModelSettings
from watchline.detectors.pii.policy import Policy
from watchline.schemas.errors import ConfigurationError
from watchline.streams.app_budget import AppBudget, AppBudgets
from watchline.streams.kafka.schema_registry import client_settings
from watchline.streams.security import secret_files, tls
from watchline.streams.security.kafka_login import Security

PREFIX = "WATCHLINE_"
_MODELS_FORM = '{"DETECTOR": {"model": "ID OR FOLDER"}}'
MOST_RETENTION_S = 10 * 365 * 86_400.0


class Settings(BaseSettings):
    """The settings of a process. Immutable; `load` makes them and explains what is wrong.

    Parameters
    ----------
    **values
        Settings that go before the environment's `WATCHLINE_*` and the TOML file's. Each field has a description with
        its unit; names that end in `_s` are seconds, in `_bytes` bytes.

    Examples
    --------
    >>> settings = Settings(kafka_url="kafka://one:9092,kafka://two:9092", linger_s=0.1)
    >>> settings.bootstrap_servers, settings.linger_s
    ('one:9092,two:9092', 0.1)
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    kafka_url: str = Field("kafka://localhost:9092", description="Bootstrap servers, comma-separated.")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="PLAINTEXT, SSL (TLS), SASL_PLAINTEXT (login) or SASL_SSL (TLS and login)."
    )
    kafka_sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        "SCRAM-SHA-512", description="How the login is proved: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN."
    )
    kafka_username: str = Field("", description="Kafka user, with SASL_SSL or SASL_PLAINTEXT.")
    kafka_password: SecretStr = Field(SecretStr(""), description="Password of the Kafka user.")
    kafka_ca_file: Path | None = Field(
        None, description="PEM file of who signs Kafka's certificates. Default: the system's."
    )
    kafka_certificate_file: Path | None = Field(None, description="PEM file of our own certificate, for mTLS.")
    kafka_key_file: Path | None = Field(None, description="PEM file of that certificate's key, unencrypted.")
    topic_prefix: str = Field("watchline.", pattern=r"^[A-Za-z0-9._-]*$", description="Before each topic's name.")
    topic_partitions: int = Field(4, ge=1, le=1000, description="Partitions of a topic that `migrate` creates.")
    topic_replication: int = Field(1, ge=1, le=9, description="Replicas of a topic that `migrate` creates.")
    raw_retention_s: float = Field(
        86_400.0,
        ge=60,
        le=MOST_RETENTION_S,
        description="Seconds that Kafka keeps raw interactions and feedback, whether or not a worker has read them. "
        "What is set of retention, `migrate` applies.",
    )
    dead_letter_retention_s: float = Field(
        604_800.0, ge=60, le=MOST_RETENTION_S, description="Seconds that Kafka keeps the bytes of dead letters: raw."
    )
    findings_retention_s: float = Field(
        604_800.0, ge=60, le=MOST_RETENTION_S, description="Seconds that Kafka keeps findings, for the monitors."
    )
    signals_retention_s: float = Field(
        2_592_000.0, ge=60, le=MOST_RETENTION_S, description="Seconds that Kafka keeps the monitors' signals."
    )
    group_id: str = Field("watchline", min_length=1, description="Kafka consumer group of the workers.")
    group_instance_id: str = Field(
        default_factory=socket.gethostname,
        min_length=1,
        description="Name of this worker in the group, stable over restarts. Default: the host name.",
    )
    session_timeout_s: float = Field(30.0, ge=6, description="Seconds without heartbeat until a worker counts as dead.")
    rebalance_timeout_s: float = Field(60.0, ge=6, description="Seconds that a worker has to join a rebalance.")
    clickhouse_url: str = Field(
        "chdb://", description="http(s)://USER@HOST:PORT, or chdb:// for the embedded engine in the data folder."
    )
    clickhouse_password: SecretStr = Field(SecretStr(""), description="Password of the ClickHouse user.")
    clickhouse_ca_file: Path | None = Field(
        None, description="PEM file of who signs ClickHouse's certificate. Default: the system's."
    )
    clickhouse_database: str = Field("watchline", pattern=r"^[A-Za-z_]\w*$", description="Database of all tables.")
    schema_registry_url: str = Field(
        "", description="http(s)://HOST:PORT of a Confluent schema registry, several with commas; empty for none."
    )
    schema_registry_username: str = Field("", description="User of the schema registry.")
    schema_registry_password: SecretStr = Field(SecretStr(""), description="Password of the schema registry's user.")
    schema_registry_ca_file: Path | None = Field(
        None, description="PEM file of who signs the schema registry's certificate. Default: certifi's."
    )
    data_dir: Path = Field(Path(".watchline"), description="Folder of the embedded services, logs and sockets.")
    batch_size: int = Field(1024, ge=1, le=100_000, description="Most events that are scored together.")
    batch_bytes: int = Field(
        16 * 2**20,
        ge=2**20,
        description="Most bytes of messages in work at a time, in at most two batches more than scorers.",
    )
    batch_seconds: float = Field(2.0, gt=0, le=20, description="Seconds that scoring one batch is planned to take.")
    scorers: int = Field(1, ge=1, le=64, description="Scoring processes of this worker, each with models of its own.")
    scoring_timeout_s: float = Field(
        60.0,
        ge=1,
        le=600,
        description="Seconds that scoring a batch may take, without the time that it waits for a processor. Then its "
        "process is killed and the batch scored in parts; an event that takes so long alone becomes a dead letter.",
    )
    scoring_memory_bytes: int = Field(
        2 * 2**30,
        ge=2**26,
        description="Bytes of memory that scoring a batch may take beyond the models, with the same consequence.",
    )
    linger_s: float = Field(0.2, gt=0, le=1, description="Seconds that a batch waits to fill.")
    buffer_messages: int = Field(256, ge=16, le=16_384, description="Kafka messages read ahead of the detectors.")
    buffer_bytes: int = Field(32 * 2**20, ge=2**20, description="Bytes of Kafka messages read ahead of the detectors.")
    shed_after_s: float | None = Field(
        None,
        gt=0,
        description="Seconds in Kafka after which an event is no longer scored, only redacted and stored, so that a "
        "worker that can't keep up stays this close; its findings say `shed`. Default: all are scored.",
    )
    app_events_per_s: float | None = Field(
        None,
        ge=0,
        description="Events of an app in a second that a worker scores, over ten seconds of Kafka's time. What is "
        "beyond them is stored without texts, and its findings say `shed`. Default: all are scored.",
    )
    app_bytes_per_s: float | None = Field(
        None, ge=0, description="Bytes of an app's messages in a second that a worker scores; likewise."
    )
    app_budgets: Annotated[dict[str, AppBudget], NoDecode] = Field(
        {},
        description="`events_per_s` and `bytes_per_s` of single apps, in place of both: tables `[app_budgets.APP]` in "
        "the file, JSON in the environment.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where the encoder and other models run.")
    detectors: Annotated[tuple[str, ...], NoDecode] = Field(
        tuple(DETECTORS), description="Detectors to run, comma-separated; empty for none."
    )
    models: Annotated[dict[str, ModelSettings], NoDecode] = Field(
        {},
        description="Hugging Face models in place of shipped weights, by detector: tables `[models.DETECTOR]` in the "
        "file, JSON in the environment.",
    )
    pseudonym_key: SecretStr = Field(
        SecretStr(""),
        description="Secret, the same for all workers: a name or an id that could be personal data is stored as its "
        "HMAC under it. Unset: such a field is left empty.",
    )
    no_names: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Words and phrases that are never replaced as a person's name, comma-separated: products, teams "
        "of yours. Brands and software that are widely known needn't be among them.",
    )
    prices: Path | None = Field(
        None,
        description="JSON file in LiteLLM's form with prices of models, which win over the shipped ones. They are used "
        "where the app doesn't say what a call has cost.",
    )
    redaction_policy: Path | None = Field(
        None,
        description="JSON file that `watchline governance redaction` writes: what takes the place of personal data, by "
        "app and field. Read when a worker starts, which ends where it can't be read. Unset: numbers everywhere.",
    )
    redaction: bool = Field(True, description="Replace personal data before anything is stored. Off: for tests only.")
    thresholds: Path | None = Field(None, description="TOML file with operating points that replace the shipped ones.")
    store_timeout_s: float = Field(300.0, gt=0, le=900, description="Seconds of retries before the worker gives up.")
    dead_letter_max_consecutive: int = Field(
        1000,
        ge=1,
        description="Limit of an app: dead letters in a row whose events were readable and valid. Where several apps "
        "send and every one is over a limit, the worker stops.",
    )
    dead_letter_max_ratio: float = Field(
        0.2, gt=0, le=1, description="The other limit: share of such dead letters in about an app's last 10,000 events."
    )
    false_pages_a_month: float = Field(
        1.0,
        gt=0,
        le=1000,
        description="Budget of false pages of drift, an app and month, from which its levels follow: `v_signals.page`.",
    )
    canary_interval_s: float = Field(
        60.0, ge=0, description="Seconds between the canaries of a partition; 0 sends none. See `v_canary`."
    )
    heartbeat_url: SecretStr = Field(
        SecretStr(""),
        description="http(s) address that is asked for every minute while a canary of every partition was read back "
        "within two: who doesn't hear of it tells that the monitor is dead. A secret itself. Unset: none.",
    )
    receive_host: str = Field("127.0.0.1", description="Address at which `watchline receive` takes traces and logs.")
    receive_port: int = Field(4318, ge=0, le=65535, description="Port of that address; a busy one is refused.")
    receive_token: SecretStr = Field(
        SecretStr(""),
        description="Token that whoever sends traces must have. Unset: one is made and kept in the data folder.",
    )
    http_host: str = Field("127.0.0.1", description="Address of the page with health and metrics.")
    http_port: int = Field(6066, ge=0, le=65535, description="Port of that page; a busy one picks another.")
    alerts: Literal["engine", "grafana", "off"] = Field(
        "engine",
        description="Who evaluates the alert rules and tells people: Watchline (`watchline alerts run`), a Grafana "
        "that has the same rules, or nobody. Unless it is `engine`, `watchline alerts run` refuses.",
    )
    alerts_port: int = Field(
        6067,
        ge=0,
        le=65535,
        description="Port of the engine's metrics, at WATCHLINE_HTTP_HOST; a busy one picks another.",
    )
    webhook_url: SecretStr = Field(
        SecretStr(""),
        description="http(s) address to which severe findings, within seconds, and alerts are posted as JSON: `kind` "
        "says which. A secret itself. Unset: findings are only published.",
    )
    webhook_interval_s: float = Field(
        3.0,
        ge=0,
        le=3600,
        description="Least seconds between two messages of severe findings: what comes between them is one message.",
    )
    slack_url: SecretStr = Field(SecretStr(""), description="Incoming webhook of Slack for alerts.")
    pagerduty_key: SecretStr = Field(
        SecretStr(""), description="Integration key of PagerDuty's Events API v2 for alerts."
    )
    alert_email: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Who gets alerts by e-mail, comma-separated; needs WATCHLINE_SMTP_URL."
    )
    alert_email_from: str = Field("watchline@localhost", description="Sender of these e-mails.")
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="Mail server: smtp://, smtps:// or smtp+starttls://, then USER:PASSWORD@ where it wants them, "
        "HOST:PORT.",
    )
    alerts_second_step: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Channels (webhook, slack, pagerduty, e-mail), comma-separated, that are told only of what nobody "
        "has acknowledged in time.",
    )
    alerts_second_step_s: float = Field(900.0, ge=1, description="Seconds that there are for that.")
    alerts_repeat_s: float = Field(
        14_400.0, ge=0, description="Seconds after which an alert that nobody has acknowledged is told again; 0: never."
    )
    governance_roots: Path | None = Field(
        None,
        description="TOML file with the root keys of governance. Default: governance/roots.toml in the data folder.",
    )
    governance_keeper_key: Path | None = Field(
        None,
        description="PEM file of the key with which heads of the audit trail are signed. Default: "
        "governance/keys/keeper.pem in the data folder.",
    )
    governance_anchors: Path | None = Field(
        None,
        description="File to which signed heads of the audit trail are added, a line a minute at most: keep it where "
        "who can write to the store can't. Default: governance/anchors.jsonl in the data folder.",
    )
    page_readers: Path | None = Field(
        None,
        description="File of who may read by the page and the ClickHouse port under a name of their own, which "
        "`watchline page readers` writes. Default: page-readers in the data folder.",
    )
    page_url: str = Field(
        "",
        description="Address at which people reach the page, with which links in alerts begin; empty: there are none.",
    )
    time_zone: str = Field(
        "UTC", description="IANA name of the zone in which people are shown times, on the page and in alerts."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe log line.")

    @field_validator("detectors", "no_names", "alert_email", "alerts_second_step", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value

    @field_validator("detectors")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in value if name not in DETECTORS]:
            raise ValueError(f"unknown: {', '.join(map(show_value, unknown))}; known: {', '.join(DETECTORS)}")
        return tuple(name for name in DETECTORS if name in value)

    @field_validator("models", "app_budgets", mode="before")
    @classmethod
    def _json(cls, value: Any, info: ValidationInfo) -> Any:
        try:
            return json.loads(value or "{}") if isinstance(value, str) else value
        except (ValueError, RecursionError):
            form = '{"APP": {"events_per_s": 20}}' if info.field_name == "app_budgets" else _MODELS_FORM
            raise ValueError(f"must be JSON: {form}") from None

    @field_validator("models")
    @classmethod
    def _replaceable(cls, value: dict[str, ModelSettings]) -> dict[str, ModelSettings]:
        replaceable = [name for name, detector in DETECTORS.items() if detector.tasks]
        if unknown := [name for name in value if name not in replaceable]:
            raise ValueError(f"no model for {', '.join(map(show_value, unknown))}; allowed: {', '.join(replaceable)}")
        return value

    @field_validator(
        "kafka_ca_file",
        "kafka_certificate_file",
        "kafka_key_file",
        "clickhouse_ca_file",
        "schema_registry_ca_file",
        "redaction_policy",
        "governance_roots",
        "governance_keeper_key",
        "governance_anchors",
        "page_readers",
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("kafka_url")
    @classmethod
    def _no_login_in_the_url(cls, value: str) -> str:
        if "@" in value:
            raise ValueError(f"HOST:PORT without a login; see {PREFIX}KAFKA_USERNAME, {PREFIX}KAFKA_PASSWORD")
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            zoneinfo.ZoneInfo(value)
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            raise ValueError("no time zone of this name, as Europe/Berlin is one") from None
        return value

    @field_validator("page_url")
    @classmethod
    def _page_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc):
            raise ValueError("http(s)://HOST without a login")
        return value.rstrip("/")

    @field_validator("clickhouse_url")
    @classmethod
    def _clickhouse_scheme(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("http", "https", "chdb"):
            raise ValueError("must start with http://, https:// or chdb://")
        return value

    @field_validator("webhook_url", "heartbeat_url")
    @classmethod
    def _secret_address(cls, value: SecretStr) -> SecretStr:
        address = value.get_secret_value()
        try:
            url = urlsplit(address)
            whole = bool(url.scheme in ("http", "https") and url.hostname and (url.port is None or url.port))
        except ValueError:  # a port or a host that is none, which the error quotes
            whole = False
        if address and not whole:
            raise ValueError("must be an address that begins with http:// or https://")
        return value

    @field_validator("schema_registry_url")
    @classmethod
    def _registry_url(cls, value: str) -> str:
        urls = [urlsplit(part.strip()) for part in value.split(",")] if value else []
        if any(url.scheme not in ("http", "https") or not url.netloc or "@" in url.netloc for url in urls):
            raise ValueError(f"http(s)://HOST:PORT without a login; see {PREFIX}SCHEMA_REGISTRY_USERNAME, _PASSWORD")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        files = {
            name: secret for name in _secrets(settings_cls) if (secret := secret_files.read(PREFIX + name.upper()))
        }
        file = TomlConfigSettingsSource(settings_cls, config_file())
        return init_settings, env_settings, InitSettingsSource(settings_cls, files), file

    def __repr_args__(self) -> Iterator[tuple[str, str]]:
        yield from ((name, show_value(getattr(self, name))) for name in type(self).model_fields)

    @property
    def bootstrap_servers(self) -> str:
        """The Kafka URL as clients take it: HOST:PORT, comma-separated."""
        return ",".join(part.strip().removeprefix("kafka://") for part in self.kafka_url.split(","))

    @property
    def kafka_security(self) -> Security:
        """Login and TLS. Raises ConfigurationError where a file can't be read any more."""
        names = (field.name for field in dataclasses.fields(Security))
        values = {name: getattr(self, f"kafka_{name}") for name in names}
        return Security(**{**values, "password": self.kafka_password.get_secret_value()})

    @property
    def kafka_client(self) -> dict[str, Any]:
        """What every librdkafka client begins with. Holds the password: never shown."""
        return {"bootstrap.servers": self.bootstrap_servers, "log_level": 0, **self.kafka_security.client()}

    def budgets(self, *, share: float) -> AppBudgets:
        """The counts of what apps send, of a process that has this share of each budget."""
        default = AppBudget(self.app_events_per_s, self.app_bytes_per_s)
        return AppBudgets(default, self.app_budgets, share)

    def policy(self) -> Policy:
        """What takes the place of personal data. Raises ConfigurationError where it can't be read."""
        key = self.pseudonym_key.get_secret_value()
        return Policy.read(self.redaction_policy, key) if self.redaction_policy else Policy()

    @property
    def encoder_device(self) -> str | None:
        """What the encoder takes; None: CUDA where there is one."""
        return None if self.device == "auto" else self.device

    @property
    def embedded_store(self) -> bool:
        """Whether the store is chDB in the data folder."""
        return self.clickhouse_url.startswith("chdb:")

    @property
    def schema_registry(self) -> dict[str, Any] | None:
        """The settings of the registry's client; None where no registry is set."""
        return client_settings(
            self.schema_registry_url,
            self.schema_registry_username,
            self.schema_registry_password.get_secret_value(),
            str(self.schema_registry_ca_file or ""),
        )

    @property
    def store_socket(self) -> Path:
        """Where the store process of an embedded store answers."""
        return self.data_dir / "store.sock"

    @property
    def state_file(self) -> Path:
        """Where a worker says who it is and where its pages are, as JSON."""
        return self.data_dir / "worker.json"


def _secrets(settings: type[BaseSettings]) -> list[str]:
    return [name for name, field in settings.model_fields.items() if field.annotation is SecretStr]


def config_file() -> Path:
    """The TOML file that is read, whether or not it exists."""
    return Path(os.environ.get(f"{PREFIX}CONFIG", "watchline.toml"))


def load(**overrides: Any) -> Settings:
    """Reads the settings and checks them.

    Parameters
    ----------
    **overrides
        Settings by name that go before the environment and the file.

    Returns
    -------
    Settings

    Raises
    ------
    ConfigurationError
        Names each bad setting, its value (never a secret's) and what is allowed.

    Examples
    --------
    >>> load(topic_partitions=0)
    Traceback (most recent call last):
    ...
    watchline.schemas.errors.ConfigurationError: WATCHLINE_TOPIC_PARTITIONS: Input should be greater than or equal to 1
    (is '0')
    """
    path = config_file()
    if f"{PREFIX}CONFIG" in os.environ and not path.is_file():
        raise ConfigurationError(f"{PREFIX}CONFIG: no file {path}")
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise ConfigurationError("\n".join(_explain(item) for item in error.errors())) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    except UnicodeEncodeError:
        odd = [name for name, value in os.environ.items() if name.startswith(PREFIX) and not _is_text(value)]
        raise ConfigurationError(f"{', '.join(odd)}: not text in UTF-8") from None
    except (ValueError, RecursionError, OSError) as error:  # bytes that are no text, thousands of digits or brackets
        raise ConfigurationError(f"{path}: cannot be read as TOML in UTF-8 ({type(error).__name__})") from None
    _ = settings.kafka_security  # checks what no field can check alone
    if settings.clickhouse_ca_file:
        if not settings.clickhouse_url.startswith("https:"):
            raise ConfigurationError(f"{PREFIX}CLICKHOUSE_CA_FILE: is set, but {PREFIX}CLICKHOUSE_URL is not https://")
        tls.context(settings.clickhouse_ca_file, f"{PREFIX}CLICKHOUSE_CA_FILE")
    if settings.schema_registry_ca_file:
        tls.context(settings.schema_registry_ca_file, f"{PREFIX}SCHEMA_REGISTRY_CA_FILE")
    if unknown := _unknown_variables():
        raise ConfigurationError(f"unknown setting {', '.join(unknown)}; `watchline config` lists them all")
    return settings


def shown(settings: Settings) -> list[tuple[str, str, str]]:
    """Every setting as (environment variable, value without secrets, where it comes from)."""
    path = config_file()
    in_file = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    rows = []
    for name in Settings.model_fields:
        variable = PREFIX + name.upper()
        source = "environment" if variable in os.environ else str(path) if name in in_file else "default"
        if name in _secrets(Settings) and os.environ.get(f"{variable}_FILE"):
            source = os.environ[f"{variable}_FILE"]
        rows.append((variable, show_value(getattr(settings, name)), source))
    return rows


def show_value(value: Any) -> str:
    """A setting's value as people may see it: secrets as stars, URLs without the password."""
    if isinstance(value, SecretStr):
        return "********" if value.get_secret_value() else ""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, Mapping):
        said = {
            name: {key: setting for key, setting in dataclasses.asdict(table).items() if setting not in (None, {})}
            if isinstance(table, ModelSettings | AppBudget)
            else table
            for name, table in value.items()
        }
        value = json.dumps(said, default=str) if said else ""
    # More than urlsplit finds: a list of URLs, one without a scheme, a password with a slash in it.
    before, at, after = ("" if value is None else str(value)).rpartition("@")
    return re.sub(r"(^|//)([^/@:]*):(?!//).*", r"\1\2:********", before, count=1, flags=re.S) + at + after


# Read by the producer, the encoder and `prompts test`, which do without this class.
_OTHER_VARIABLES = {
    *("CONFIG", "SUBJECT_KEY", "SUBJECT_KEY_FILE", "DISABLED", "ENVIRONMENT", "ENCODER"),
    *("PROMPT_KEYS", "PROMPT_KEYS_FILE", "ENDPOINT_KEY", "ENDPOINT_KEY_FILE"),
}


def _is_text(value: str) -> bool:
    """Whether a variable's bytes were UTF-8: Python keeps others as halves of surrogate pairs."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _unknown_variables() -> list[str]:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {PREFIX + name for name in _OTHER_VARIABLES}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in _secrets(Settings)}
    return sorted(
        name
        for name in os.environ
        if name.startswith(PREFIX) and name not in known and not name.startswith(f"{PREFIX}TEST_")
    )


def _explain(error: Any) -> str:
    name = str(error["loc"][0]) if error["loc"] else "settings"
    field = Settings.model_fields.get(name)
    secret = field is not None and field.annotation is SecretStr
    value = "" if secret or error["type"] == "extra_forbidden" else f" (is {show_value(error['input'])!r})"
    inner = "".join(f"{part}: " for part in error["loc"][1:])
    return f"{PREFIX}{name.upper()}: {inner}{error['msg']}{value}"
