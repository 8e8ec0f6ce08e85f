"""docker-compose.yml, as far as it can be checked without Docker: its schema, its settings, its paths, its secrets.

Validated against the Compose Specification as docker-compose 1.29.2 carries it; what came to it later is named here.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from watchline.streams.settings import PREFIX, Settings, load

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LATER_THAN_THE_SCHEMA = {"name"}


def test_follows_the_compose_schema() -> None:
    schema = json.loads((Path(__file__).parent / "compose_spec.json").read_text(encoding="utf-8"))
    document = {key: value for key, value in COMPOSE.items() if key not in LATER_THAN_THE_SCHEMA}
    jsonschema.Draft201909Validator(schema).validate(document)


def test_docker_reads_it(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True).returncode != 0:
        pytest.skip("no docker compose here")
    names = set(re.findall(r"\$\{(\w+):\?", TEXT))
    (tmp_path / ".env").write_text("".join(f"{name}=x\n" for name in names))
    options = ["--file", ROOT / "docker-compose.yml", "--env-file", tmp_path / ".env"]
    subprocess.run([docker, "compose", *options, "config", "--quiet"], check=True, timeout=60)


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_it_passes_exists_and_is_valid(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    passed = {name: value for name, value in SERVICES[service]["environment"].items() if name.startswith(PREFIX)}
    assert {name.removeprefix(PREFIX).lower() for name in passed} <= set(Settings.model_fields)
    for name, value in passed.items():
        monkeypatch.setenv(name, value)
    load()


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_a_health_check_and_a_pinned_image(service: str) -> None:
    definition = SERVICES[service]
    assert definition["healthcheck"].get("test") or definition["healthcheck"]["disable"]
    if "build" not in definition:
        assert re.search(r":\d+\.\d+\.\d+", definition["image"])


def test_only_the_one_shot_step_has_its_health_check_off() -> None:
    off = {name for name, service in SERVICES.items() if service["healthcheck"].get("disable")}
    waited_for = {
        name
        for service in SERVICES.values()
        for name, wait in service.get("depends_on", {}).items()
        if wait["condition"] == "service_completed_successfully"
    }
    assert off == waited_for == {"migrate"}


def test_ports_are_bound_to_this_machine() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_secrets_come_from_outside_and_have_no_default() -> None:
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if name.endswith("PASSWORD"):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value)
    told = re.findall(r"#   for name in (.*); do", TEXT)[0].split()
    assert set(re.findall(r"\$\{(\w+):\?", TEXT)) == {f"{name}_PASSWORD" for name in told}


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
        text = file.read_text(encoding="utf-8")
        yaml.safe_load(text)
        assert set(re.findall(r"\$(\w+)", text)) <= given


def test_the_boards_are_where_their_provider_looks() -> None:
    provider = yaml.safe_load((ROOT / "dashboards/provisioning/dashboards/watchline.yaml").read_text())["providers"][0]
    assert f"./dashboards/boards:{provider['options']['path']}:ro" in SERVICES["grafana"]["volumes"]


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
