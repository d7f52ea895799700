"""``docker-compose.yaml`` without Docker: read as Compose reads it, and its services started as plain processes.

One substitution, and nothing else, stands between a container and a process of this machine (:class:`Machine`):

- a service's name before a port (``@postgres:5432``, ``//redis:6379``) becomes ``127.0.0.1``;
- each port that the file names becomes a free one of this machine, everywhere the same;
- a folder that a container has for itself (``/opt/airflow``, ``/data``) becomes one below the test's; the file's own
  mounts are links in it;
- ``/bin/bash`` and Airflow's commands are found on ``PATH``, with this Python's first.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from daybreak.demo.ports import claim

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yaml"
EXAMPLE = ROOT / ".env.example"
DATABASES = ROOT / "deploy" / "databases.sql"

_VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?:(:?[-?])([^{}]*))?\}|(\w+)|)")


class Unset(ValueError):
    """A variable that the file requires (``${NAME:?why}``) is not set, or its syntax is none of Compose's."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One use of a variable: ``operator`` is empty, ``:-``, ``-``, ``:?`` or ``?``."""

    name: str
    operator: str
    word: str


def interpolate(value: Any, env: Mapping[str, str]) -> Any:
    """``value`` with its variables replaced, by Compose's rules: in values, not in keys. Raises Unset."""
    if isinstance(value, dict):
        return {key: interpolate(each, env) for key, each in value.items()}
    if isinstance(value, list):
        return [interpolate(each, env) for each in value]
    return _VARIABLE.sub(lambda found: _value(found, env), value) if isinstance(value, str) else value


def read(env: Mapping[str, str], file: Path = FILE) -> dict[str, Any]:
    """The file, its anchors resolved and its variables replaced. Raises Unset."""
    return dict(interpolate(yaml.safe_load(file.read_text()), env))


def variables(value: Any) -> list[Variable]:
    """Every use of a variable in ``value``."""
    if isinstance(value, dict):
        return [each for part in value.values() for each in variables(part)]
    if isinstance(value, list):
        return [each for part in value for each in variables(part)]
    found = _VARIABLE.finditer(value) if isinstance(value, str) else ()
    return [Variable(each[2] or each[5], each[3] or "", each[4] or "") for each in found if not each[1]]


def in_profiles(services: Mapping[str, Any], *profiles: str) -> dict[str, Any]:
    """The services that are started when these profiles are active."""
    return {
        name: each
        for name, each in services.items()
        if not each.get("profiles") or set(each["profiles"]) & set(profiles)
    }


def _value(found: re.Match[str], env: Mapping[str, str]) -> str:
    escaped, braced, operator, word, named = found.groups()
    if escaped:
        return "$"
    name = braced or named
    if not name:
        raise Unset(f"a lone $ in {found.string!r}: write $$")
    value = env.get(name)
    missing = not value if operator and operator.startswith(":") else value is None
    if operator and missing:
        if operator.endswith("?"):
            raise Unset(f"{name}: {word}")
        return word
    return value or ""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The services of an interpolated file as processes of this machine, each file system below ``folder``.

    :param fixed: ports that something listens on already, by the number that the file gives them
    """

    services: Mapping[str, Any]
    folder: Path
    fixed: Mapping[int, int] = field(default_factory=dict)
    ports: dict[int, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        named = {5432, 6379, 8080, 8095, 8793, 8794, 8974}
        self.ports.update({port: claim(0, what="a test", option="none") for port in named - set(self.fixed)})
        self.ports.update(self.fixed)
        (self.folder / "data").mkdir(parents=True)
        self.home.mkdir()

    @property
    def home(self) -> Path:
        """What the containers have at ``/opt/airflow``."""
        return self.folder / "airflow"

    def mount(self, service: str) -> None:
        """Make the service's mounts below ``/opt/airflow``: a link for each folder of the checkout, a folder for each
        volume. What is there already stays."""
        for text in self.services[service].get("volumes", []):
            source, _, target = text.removesuffix(":ro").partition(":")
            inside = Path(self.plain(target))
            if not inside.is_relative_to(self.home) or inside.exists():
                continue
            if source.startswith("."):
                inside.symlink_to((ROOT / source).resolve())
            else:
                inside.mkdir()

    def plain(self, text: str) -> str:
        """``text`` after the substitution."""
        hosts = "|".join(map(re.escape, self.services))
        text = re.sub(rf"(?<=[@/])(?:{hosts})(?=:\d)", "127.0.0.1", text)
        text = re.sub(rf"\b(?:{'|'.join(map(str, self.ports))})\b", lambda found: str(self.ports[int(found[0])]), text)
        text = text.replace("/opt/airflow", str(self.home))
        return re.sub(r"^/data\b", str(self.folder / "data"), text)

    def environment(self, service: str) -> dict[str, str]:
        """The service's own variables and what an image has: a PATH, a home, a name. Nothing of this shell's."""
        own = {name: self.plain(str(value)) for name, value in self.services[service].get("environment", {}).items()}
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "AIRFLOW_HOME": str(self.home),
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            **own,
        }

    def command(self, service: str) -> list[str]:
        return [self.plain(part) for part in self.services[service]["command"]]

    def health(self, service: str) -> list[str]:
        """The health check's command line."""
        how, *test = self.services[service]["healthcheck"]["test"]
        argv = ["/bin/sh", "-c", *test] if how == "CMD-SHELL" else test
        return [self.plain(part) for part in argv]
