"""docker-compose.yml, as far as it can be checked without Docker: its schema, its settings, its paths, its secrets.

Validated against the Compose Specification as docker-compose 1.29.2 carries it; what came to it later is named here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from watchline.dashboards.grafana.contacts import VARIABLES
from watchline.streams.settings import PREFIX, load

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BUILT = {name for name, service in SERVICES.items() if "build" in service}
DOCKERFILES = [ROOT / "streams" / "Dockerfile", ROOT / "dashboards" / "Dockerfile"]
LATER_THAN_THE_SCHEMA = {"name"}


def test_follows_the_compose_schema() -> None:
    import jsonschema  # takes four seconds

    schema = json.loads((Path(__file__).parent / "compose_spec.json").read_text(encoding="utf-8"))
    document = {key: value for key, value in COMPOSE.items() if key not in LATER_THAN_THE_SCHEMA}
    jsonschema.Draft201909Validator(schema).validate(document)


def test_beside_its_grafana_the_engine_is_off() -> None:
    assert "grafana" in SERVICES and SERVICES["worker"]["environment"]["WATCHLINE_ALERTS"] == "grafana"


def test_docker_reads_it(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True).returncode != 0:
        pytest.skip("no docker compose here")
    subprocess.run(
        [docker, "compose", "--file", ROOT / "docker-compose.yml", "config", "--quiet"], check=True, timeout=60
    )


@pytest.mark.parametrize("service", sorted(set(SERVICES) - {"grafana"}))  # where no Watchline runs
def test_every_setting_it_passes_exists_and_is_valid(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("x\n")
    for name, value in SERVICES[service]["environment"].items():
        if name.startswith(PREFIX):  # one that is unknown is an error
            value = re.sub(r"\$\{\w+:-(.*)\}", r"\1", value)
            monkeypatch.setenv(name, str(tmp_path / "secret") if value.startswith("/run/secrets/") else value)
    load()


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_a_health_check_and_a_pinned_image(service: str) -> None:
    definition = SERVICES[service]
    assert definition["healthcheck"].get("test") or definition["healthcheck"]["disable"]
    if service not in BUILT:
        assert re.search(r":\d+\.\d+\.\d+", definition["image"])


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_an_image_of_ours_is_built_on_a_version(dockerfile: Path) -> None:
    (base,) = re.findall(r"^FROM (\S+)", dockerfile.read_text(encoding="utf-8"), re.M)
    assert re.search(r":\d+\.\d+", base)


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_is_confined(service: str) -> None:
    definition = SERVICES[service]
    assert definition["security_opt"] == ["no-new-privileges:true"]
    assert definition["cap_drop"] == ["ALL"]
    assert "cap_add" not in definition and "privileged" not in definition
    assert definition["read_only"] is True
    assert re.fullmatch(r"[1-9]\d*[mg]", definition["mem_limit"])
    assert 0 < definition["pids_limit"] < 10_000
    assert set(definition["logging"]["options"]) == {"max-size", "max-file"}


@pytest.mark.parametrize("service", SERVICES)
def test_what_it_may_write_has_an_end(service: str) -> None:
    """A tmpfs counts as memory; volumes hold the data."""
    for mount in SERVICES[service]["tmpfs"]:
        path, _, options = mount.partition(":")
        assert path.startswith("/") and re.search(r"\bsize=\d+m\b", options), mount
    for mount in SERVICES[service].get("volumes", []):
        assert mount.endswith(":ro") or mount.split(":")[0] in COMPOSE["volumes"], mount


def test_no_image_runs_as_root() -> None:
    """Apache Kafka's is made so (USER appuser); ClickHouse's begins as root where nothing else is said."""
    assert SERVICES["clickhouse"]["user"] == "101:101"
    for dockerfile in DOCKERFILES:
        (*_, last) = re.findall(r"^USER (\S+)$", dockerfile.read_text(encoding="utf-8"), re.M)
        assert last in ("watchline", "grafana")


def test_workers_may_be_scaled() -> None:
    """Each takes its own container's name: no name, no port and no volume is shared."""
    worker = SERVICES["worker"]
    assert not {"container_name", "hostname", "ports", "volumes"} & set(worker)
    assert "WATCHLINE_GROUP_INSTANCE_ID" not in worker["environment"]


def test_the_health_check_of_kafka_tells_a_broker_from_a_port(broker: str) -> None:
    kind, *command = SERVICES["kafka"]["healthcheck"]["test"]
    assert kind == "CMD" and command[0] == "bash" and "/opt/kafka/bin" not in command[-1]

    def code(host: str, port: int) -> int:
        script = command[-1].replace("$$", "$").replace("127.0.0.1/19092", f"{host}/{port}")
        return subprocess.run([*command[:-1], script], capture_output=True, timeout=20).returncode

    host, _, port = broker.partition(":")
    assert code(host, int(port)) == 0
    with socket.create_server(("127.0.0.1", 0)) as other:
        closed = other.getsockname()[1]
        threading.Thread(target=_answer, args=(other, b"HTTP/1.1 400 Bad Request\r\n\r\n"), daemon=True).start()
        assert code("127.0.0.1", closed) != 0
    assert code("127.0.0.1", closed) != 0


def _answer(listening: socket.socket, answer: bytes) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.recv(100)
        connection.sendall(answer)


@pytest.mark.parametrize("broken", ["", "missing", "empty"])
def test_clickhouse_starts_with_every_password_or_not_at_all(broken: str, tmp_path: Path) -> None:
    *shell, script = SERVICES["clickhouse"]["entrypoint"]
    for name in SERVICES["clickhouse"]["secrets"]:
        (tmp_path / name).write_text(f"of {name}\n")
    if broken:
        (tmp_path / "clickhouse_reader").write_text("")
    if broken == "missing":
        (tmp_path / "clickhouse_reader").unlink()
    script = script.replace("$$", "$").replace("/run/secrets", str(tmp_path)).replace("exec /entrypoint.sh", "exec env")
    done = subprocess.run([*shell, script], capture_output=True, text=True)
    assert (done.returncode == 0) is not bool(broken)
    passed = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    users = (ROOT / "dashboards" / "provisioning" / "clickhouse" / "users.xml").read_text(encoding="utf-8")
    for variable in re.findall(r'from_env="(\w+)"', users):
        assert passed.get(variable) == (None if broken else f"of {variable.lower().removesuffix('_password')}")


def test_only_what_serves_nothing_has_its_health_check_off() -> None:
    off = {name for name, service in SERVICES.items() if service["healthcheck"].get("disable")}
    waited_for = {
        name
        for service in SERVICES.values()
        for name, wait in service.get("depends_on", {}).items()
        if wait["condition"] == "service_completed_successfully"
    }
    assert waited_for == {"migrate"} and off == {"migrate", "keeper"}  # which serves nothing that could be asked


def test_the_keeper_alone_has_its_login_and_the_worker_no_part_in_the_trail() -> None:
    holders = {name for name, service in SERVICES.items() if "clickhouse_keeper" in service.get("secrets", [])}
    assert holders == {"clickhouse", "keeper"}
    keeper, worker = SERVICES["keeper"]["environment"], SERVICES["worker"]["environment"]
    assert "//watchline_keeper@" in keeper["WATCHLINE_CLICKHOUSE_URL"]
    assert not any("GOVERNANCE" in name for name in worker)
    data_dir = keeper["WATCHLINE_DATA_DIR"]  # where the anchors go, which must outlive the container
    assert [mount.split(":")[1] for mount in SERVICES["keeper"]["volumes"]] == [data_dir]


def test_ports_are_bound_to_this_machine() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_secrets_are_files_and_no_environment_shows_one() -> None:
    for name, service in SERVICES.items():
        for variable, value in service["environment"].items():
            assert not variable.endswith("PASSWORD"), (name, variable)
            if "PASSWORD" in variable:
                assert value.removeprefix("/run/secrets/") in service["secrets"], (name, variable)
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    assert COMPOSE["secrets"] == {name: {"file": f"./secrets/{name}"} for name in COMPOSE["secrets"]}
    told = re.findall(r"#   for name in (.*); do", TEXT)[0].split()
    copied = re.findall(r"#   cp \S+ secrets/(\w+)", TEXT)
    assert set(COMPOSE["secrets"]) == {*told, *copied} and all(name in TEXT for name in copied)
    assert "/secrets/\n" in (ROOT / ".gitignore").read_text(encoding="utf-8")


def test_what_it_mounts_is_there() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    for mount in mounts:
        source, target, *_ = mount.split(":")
        assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
        assert target.startswith("/")
    assert "/usr/share/grafana/public/watchline/runbooks" in {mount.split(":")[1] for mount in mounts}


def test_provisioning_reads_only_variables_that_grafana_is_given() -> None:
    given = set(SERVICES["grafana"]["environment"])
    for file in (ROOT / "dashboards" / "provisioning").glob("*/*.yaml"):
        if file.parent.name == "alerting":  # in SQL and annotations Grafana reads none
            continue
        text = file.read_text(encoding="utf-8")
        yaml.safe_load(text)
        files = re.findall(r"\$__file\{/run/secrets/(\w+)\}", text)
        assert set(files) <= set(SERVICES["grafana"]["secrets"])
        assert set(re.findall(r"\$(\w+)", text)) - {"__file"} <= given


def test_the_boards_are_where_their_provider_looks() -> None:
    provider = yaml.safe_load((ROOT / "dashboards/provisioning/dashboards/watchline.yaml").read_text())["providers"][0]
    assert f"./dashboards/provisioning/boards:{provider['options']['path']}:ro" in SERVICES["grafana"]["volumes"]


@pytest.mark.parametrize("named", [[], ["slack"], ["webhook", "pagerduty", "email"]])
def test_grafana_gets_the_channels_that_have_an_address(named: list[str], tmp_path: Path) -> None:
    """And the policy with the first of them: it names their contact point."""
    provisioning, target = ROOT / "dashboards" / "provisioning", tmp_path / "provisioning"
    *shell, script = SERVICES["grafana"]["entrypoint"]
    script = script.replace("$$", "$").replace("/etc/watchline/grafana", str(provisioning))
    script = script.replace(SERVICES["grafana"]["environment"]["GF_PATHS_PROVISIONING"], str(target))
    environment = {VARIABLES[name]: "https://example.org/secret" for name in named}
    for _ in range(2):  # a container that starts again
        script_of_grafana = script.replace("exec /run.sh", "exec true")
        subprocess.run([*shell, script_of_grafana], check=True, env={"PATH": os.environ["PATH"], **environment})
    rules = {path.name for path in (provisioning / "alerting").iterdir()}
    channels = {f"{name}.yaml" for name in [*named, "policies"]} if named else set()
    assert {path.name for path in (target / "alerting").iterdir()} == rules | channels
    assert {path.name for path in target.iterdir()} == {"alerting", "dashboards", "datasources"}
    given = SERVICES["grafana"]["environment"]
    assert all(given[variable] == f"${{{variable}:-}}" for variable in VARIABLES.values())


def test_no_channel_has_its_address_in_a_file() -> None:
    for name, variable in VARIABLES.items():
        text = (ROOT / "dashboards" / "provisioning" / "channels" / f"{name}.yaml").read_text(encoding="utf-8")
        assert re.findall(r"\$\w+", text) == [f"${variable}"]
        assert not re.search(r"https?://", text)


def test_the_image_is_built_from_files_that_docker_is_given() -> None:
    dockerfile = (ROOT / "streams" / "Dockerfile").read_text(encoding="utf-8")
    given = set(re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.M))
    for line in re.findall(r"^COPY (.+)$", dockerfile, re.M):
        for source in line.split()[:-1]:
            assert source in given
            assert (ROOT / source).exists()
    assert re.search(r"^USER watchline$", dockerfile, re.M)
    data_dir = SERVICES["worker"]["environment"]["WATCHLINE_DATA_DIR"]
    assert f"VOLUME {data_dir}\n" in dockerfile
    assert any(mount.startswith(f"{data_dir}:") for mount in SERVICES["worker"]["tmpfs"])


def test_grafana_fetches_nothing_when_it_starts() -> None:
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert not {"GF_INSTALL_PLUGINS", "GF_PLUGINS_PREINSTALL", "GF_PLUGINS_PREINSTALL_SYNC"} & set(environment)
    needed = {"grafana-clickhouse-datasource"}
    for file in (ROOT / "dashboards" / "provisioning" / "datasources").glob("*.yaml"):
        assert {source["type"] for source in yaml.safe_load(file.read_text())["datasources"]} <= needed
    installed = re.findall(r"plugins install (\S+) \d+\.\d+\.\d+", (ROOT / "dashboards" / "Dockerfile").read_text())
    assert set(installed) == needed


def test_clickhouse_has_no_user_without_a_password() -> None:
    mounted = {mount.split(":")[1]: ROOT / mount.split(":")[0] for mount in SERVICES["clickhouse"]["volumes"]}
    default = mounted["/etc/clickhouse-server/users.d/default-user.xml"].read_text(encoding="utf-8")
    assert '<default remove="remove"/>' in default
    assert SERVICES["clickhouse"]["environment"]["CLICKHOUSE_SKIP_USER_SETUP"] == "1"
    users = mounted["/etc/clickhouse-server/users.d/watchline.xml"].read_text(encoding="utf-8")
    assert users.count("<profile>") == users.count("<password from_env=")
