"""The files that deployments start from, judged by the tools of their own kind and by what they promise."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rfispider import settings
from rfispider.cli import app
from rfispider.jobs.cron.rule import ScheduleRule
from tests.support.crawling import ROOT

BIN = Path(sys.executable).parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
OURS = {name: told for name, told in COMPOSE["services"].items() if told["image"].startswith("rfispider")}
DEPLOY = ROOT / "deploy"


@pytest.mark.integration
@pytest.mark.parametrize(
    "command",
    [
        [BIN / "hadolint", "Dockerfile"],
        [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
        [BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", ".github/workflows/ci.yml"],
        [BIN / "kubernetes-validate", "--strict", "deploy/kubernetes/cronjob.yaml"],
        ["sh", "-n", "deploy/make-secrets"],
    ],
    ids=lambda command: Path(command[0]).name,
)
def test_a_file_passes_the_linter_of_its_kind(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.integration
def test_systemd_accepts_the_service_and_its_timer(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if not verify:
        pytest.skip("systemd-analyze is not on this machine")
    for unit in (DEPLOY / "systemd").iterdir():
        # Its program need not be installed where the file is checked.
        (tmp_path / unit.name).write_text(re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", unit.read_text("utf-8")))
    units = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run([verify, "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_port_is_open_beyond_this_machine() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_can_change_nothing_and_holds_no_right(name: str) -> None:
    service = OURS[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_is_told_only_what_there_is(name: str) -> None:
    service = OURS[name]
    known = {each for each in vars(settings) if each.isupper()} | {"RFI_CRON", "RFI_EVERY"}
    assert {each.removesuffix("_FILE") for each in service["environment"]} <= known
    assert set(service["secrets"]) <= set(COMPOSE["secrets"])
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    groups = {group.name for group in app.registered_groups}
    line = " ".join(service["command"])
    for word in re.findall(r"rfispider (\w+)", line):
        assert word in commands | groups
    assert line.startswith(("rfispider ", "scrapy crawl rfi", "sh -c rfispider"))


def test_the_clock_of_the_compose_file_can_be_read() -> None:
    cron = re.fullmatch(r"\$\{RFI_CRON:-(.*)\}", COMPOSE["services"]["scheduler"]["environment"]["RFI_CRON"])
    assert cron
    assert str(ScheduleRule.of(cron=cron[1])) == cron[1]


@pytest.mark.integration
def test_secrets_are_made_once_and_each_is_another(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "make-secrets", tmp_path)
    first = subprocess.run([tmp_path / "make-secrets"], capture_output=True, text=True, check=True).stdout
    made = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    again = subprocess.run([tmp_path / "make-secrets"], capture_output=True, text=True, check=True).stdout
    assert {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()} <= made.keys()
    assert len(set(made.values())) == len(made)
    assert made == {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    assert (len(first.splitlines()), again) == (len(made), "")
    assert not [word for name, word in made.items() if name.endswith("password") and word in first]


def test_pins_carry_hashes_and_no_address() -> None:
    for pins in ROOT.glob("requirements*.txt"):
        text = pins.read_text("utf-8")
        assert "://" not in text
        assert "--index" not in text
        packages = re.findall(r"^[\w.\[\]-]+==", text, re.MULTILINE)
        assert packages
        assert text.count("--hash=sha256:") >= len(packages)


def test_what_the_image_leaves_out_is_not_sent_to_the_engine() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert sorted(kept) == sorted(word.removeprefix("./") for line in copied for word in line.split())
    assert json.dumps(COMPOSE["services"]["crawler"]["build"]) == '"."'
