"""The Dockerfile's steps, run in clean Debian roots by chroot: what an engine would do, where there is none."""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dockerfile_parse import DockerfileParser

DEBIAN = "bookworm"
ROADS = (
    *("/etc/resolv.conf", "/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/apt.conf.d"),
    *("/etc/pip.conf", "/usr/local/share/ca-certificates", "/etc/ssl/certs/ca-certificates.crt"),
)
"""How this machine reaches packages; a clean root goes the same way."""
SLIMMED = ("usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man", "var/cache/apt", "var/lib/apt/lists")
"""What the slim images of Debian leave out."""
REGISTRIES = {name: told for name, told in os.environ.items() if name.startswith(("PIP_", "SSL_CERT_FILE", "HTTP"))}


@dataclass
class Stage:
    """One stage of the build: its root, and what the instructions have set so far."""

    root: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    workdir: str = "/"
    user: str = "0:0"
    cmd: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def enter(self, command: list[str]) -> list[str]:
        """The command that runs a command in the root, as the stage's user in its working directory."""
        entered = f"cd {shlex.quote(self.workdir)} && exec {shlex.join(command)}"
        chroot = shutil.which("chroot") or "chroot"
        return [chroot, f"--userspec={self.user}", str(self.root), "/bin/sh", "-c", entered]

    def run(
        self, command: list[str], environment: Mapping[str, str] | None = None, *, timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the root to its end."""
        env = self.env | dict(environment or {})
        options: dict[str, Any] = {"text": True, "capture_output": True, "check": False, "timeout": timeout}
        return subprocess.run(self.enter(command), env=env, **options)  # noqa: PLW1510 - among the options


def build(dockerfile: Path, context: Path, scratch: Path) -> Stage:
    """Run every instruction of a Dockerfile; the last stage."""
    base = clean_root(scratch / "debian")
    stages: list[Stage] = []
    names: dict[str, Stage] = {}
    with dockerfile.open("rb") as file:
        instructions = DockerfileParser(fileobj=file).structure
    for instruction in instructions:
        word, value = instruction["instruction"], instruction["value"]
        if word == "FROM":
            stages.append(Stage(copied(base, scratch / f"stage{len(stages)}")))
            names[value.rpartition(" AS ")[2].lower() or str(len(stages))] = stages[-1]
        elif word != "COMMENT":
            carry_out(word, value, stages[-1], names, context)
    return stages[-1]


def carry_out(word: str, value: str, stage: Stage, names: Mapping[str, Stage], context: Path) -> None:
    if word == "RUN":
        done = stage.run(["/bin/sh", "-c", value], REGISTRIES)
        assert done.returncode == 0, f"RUN {value}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    elif word == "COPY":
        copy(value, stage, names, context)
    elif word == "ENV":
        stage.env |= dict(pair.split("=", 1) for pair in shlex.split(value))
    elif word == "WORKDIR":
        stage.workdir = value
        (stage.root / value.lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif word == "USER":
        stage.user = value
    elif word == "CMD":
        stage.cmd = json.loads(value)
    elif word == "HEALTHCHECK":
        stage.health = json.loads(value.partition("CMD")[2])
    else:
        assert word == "STOPSIGNAL", f"what does {word} do?"


def copy(value: str, stage: Stage, names: Mapping[str, Stage], context: Path) -> None:
    words = value.split()
    origin = context
    if words[0].startswith("--from="):
        origin = names[words.pop(0).partition("=")[2]].root
    *sources, target = words
    goal = stage.root / (Path(stage.workdir) / target).as_posix().lstrip("/")
    for source in sources:
        subprocess.run(["mkdir", "-p", goal if target.endswith("/") else goal.parent], check=True)
        subprocess.run(["cp", "-a", "--no-preserve=ownership", origin / source.lstrip("/"), goal], check=True)


def clean_root(root: Path) -> Path:
    """A Debian with nothing but the essential packages, as the slim images have it."""
    command = ["debootstrap", "--variant=minbase", DEBIAN, str(root)]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    for known in map(Path, ROADS):
        goal = root / str(known).lstrip("/")
        goal.parent.mkdir(parents=True, exist_ok=True)
        if known.is_dir():
            shutil.copytree(known, goal, dirs_exist_ok=True)
        elif known.exists():
            shutil.copy(known, goal)
    # Where processes share semaphores; every engine mounts it.
    shared = root / "dev/shm"
    shared.mkdir(exist_ok=True)
    shared.chmod(0o1777)
    for place in SLIMMED:
        shutil.rmtree(root / place, ignore_errors=True)
    return root


def copied(base: Path, root: Path) -> Path:
    subprocess.run(["cp", "-a", base, root], check=True)
    return root


def megabytes(root: Path) -> float:
    """Size of a root on disk."""
    told = subprocess.run(["du", "-sb", "-x", root], check=True, capture_output=True, text=True).stdout
    return int(told.split()[0]) / 1e6
