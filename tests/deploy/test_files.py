"""The files of deploy/: what they name exists, and what they promise of isolation they say."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.configuration import Configuration
from tests.serving import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
UNIT = (DEPLOY / "kvitto.service").read_text("utf-8")
CONTAINERFILE = (DEPLOY / "Containerfile").read_text("utf-8")
SECRETS = {"database", "operator_key", "keys_passphrase"}


def test_every_setting_that_they_make_exists() -> None:
    known = {f"KVITTO_{name.upper()}" for name in Configuration.model_fields}
    known |= {f"KVITTO_{name.upper()}_FILE" for name in SECRETS}
    for file in DEPLOY.iterdir():
        named = set(re.findall(r"KVITTO_[A-Z_]+", file.read_text("utf-8")))
        assert named <= known, file


def _from_container(environment: dict[str, str]) -> Configuration:
    said: dict[str, Any] = {
        name.removeprefix("KVITTO_").lower(): value
        for name, value in environment.items()
        if not name.endswith("_FILE")
    }
    return Configuration(**said)


def test_the_settings_can_be_read() -> None:
    for service in ("api-1", "api-2"):
        chosen = _from_container(COMPOSE["services"][service]["environment"])
        assert chosen.metrics == ("0.0.0.0", 9100)  # noqa: S104 - of a container
        assert chosen.drain_seconds + chosen.grace_seconds < 40  # its stop_grace_period
        assert chosen.trusted_proxies == COMPOSE["networks"]["front"]["ipam"]["config"][0]["subnet"]


def test_no_service_is_more_than_it_must() -> None:
    for name, service in COMPOSE["services"].items():
        assert "no-new-privileges:true" in service["security_opt"], name
        assert "privileged" not in service
        assert set(service.get("secrets", ())) <= COMPOSE["secrets"].keys()
        if name != "database":
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
    assert "ports" not in COMPOSE["services"]["api-1"]
    assert "ports" not in COMPOSE["services"]["database"]
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert "USER 10001:10001" in CONTAINERFILE.rpartition("FROM")[2]


def test_the_proxy_and_the_database_do_not_meet() -> None:
    services = COMPOSE["services"]
    assert not set(services["proxy"]["networks"]) & set(services["database"]["networks"])
    assert services["database"]["networks"] == ["inside"]


def test_images_have_no_host() -> None:
    images = [service["image"] for service in COMPOSE["services"].values()]
    images += re.findall(r"^FROM (\S+)", CONTAINERFILE, re.MULTILINE)
    for image in images:
        assert "/" not in image


def test_no_secret_is_in_an_environment() -> None:
    for service in COMPOSE["services"].values():
        for name in service.get("environment", {}):
            assert name.endswith("_FILE") or not re.search("PASSWORD|KEY$|DATABASE$", name)


def test_the_build_takes_every_package() -> None:
    taken = (DEPLOY / "Containerfile.dockerignore").read_text("utf-8").split()
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert len(packages) > 10
    assert {f"!{package}" for package in packages} <= set(taken)


def _systemd(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "kvitto.service"
    unit.write_text(UNIT.replace("/opt/kvitto/bin/kvitto serve", "/bin/true"), "utf-8")
    checked = _systemd("verify", "--man=no", unit)
    assert (checked.returncode, checked.stderr) == (0, "")
    unit.write_text(UNIT.replace("Restart=on-failure", "Restart=perhaps"), "utf-8")
    assert "perhaps" in _systemd("verify", "--man=no", unit).stderr


def test_systemd_finds_the_unit_well_closed() -> None:
    """Of 100, as ``systemd-analyze security`` counts: 0 has no rights at all."""
    checked = _systemd("security", "--offline=yes", "--threshold=20", DEPLOY / "kvitto.service")
    assert checked.returncode == 0, checked.stdout[-500:]
