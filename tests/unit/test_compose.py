"""``docker-compose.yaml``, ``.env.example`` and the Dockerfile as files: valid, complete, and without a password."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.fernet import Fernet
from dotenv import dotenv_values

from daybreak.config.channels import opsgenie_from, slack_from
from tests.support.compose import EXAMPLE, FILE, ROOT, Unset, in_profiles, interpolate, read, variables

SECRETS = {
    "POSTGRES_PASSWORD", "AIRFLOW_DB_PASSWORD", "CELERY_DB_PASSWORD", "WAREHOUSE_DB_PASSWORD", "REDIS_PASSWORD",
    "FERNET_KEY", "API_SECRET_KEY", "JWT_SECRET", "ADMIN_PASSWORD", "OPSGENIE_API_KEY", "SLACK_BOT_TOKEN",
}  # fmt: skip
GIVEN = {"OPSGENIE_API_KEY", "SLACK_BOT_TOKEN"}  # by the providers; everything else is made here


@pytest.fixture(scope="module")
def raw() -> dict[str, Any]:
    """The file before its variables are replaced."""
    return dict(yaml.safe_load(FILE.read_text()))


def make_env(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(ROOT / "scripts" / "make_env.sh"), *arguments],
        env={"PATH": "/usr/bin:/bin", "ENV_FILE": str(folder / ".env")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """What a new deployment with the sandbox has in its .env."""
    assert make_env(tmp_path, "--sandbox").returncode == 0
    return {name: value or "" for name, value in dotenv_values(tmp_path / ".env", interpolate=False).items()}


def test_the_compose_specifications_schema_accepts_it(env: dict[str, str], tmp_path: Path) -> None:
    finished = tmp_path / "docker-compose.yaml"
    finished.write_text(yaml.safe_dump(read(env)))
    for file in (FILE, finished):
        done = _against_the_schema(file)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_would_refuse_a_mistake(raw: dict[str, Any], tmp_path: Path) -> None:
    raw = yaml.safe_load(FILE.read_text())
    raw["services"]["monitor"]["comand"] = ["daybreak"]
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(yaml.safe_dump(raw))
    assert _against_the_schema(wrong).returncode == 1


def _against_the_schema(file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("$A-${A}-$$A", "1-1-$A"),
        ("${A:-x}${B:-x}${C:-x}", "1xx"),
        ("${B-x}${C-x}", "x"),
        ("${A:?why}", "1"),
        ("no variable", "no variable"),
    ],
)
def test_variables_are_replaced_as_compose_replaces_them(text: str, wanted: str) -> None:
    assert interpolate({"k": [text]}, {"A": "1", "B": ""}) == {"k": [wanted]}


@pytest.mark.parametrize("text", ["${B:?why}", "${C?why}", "5 $"])
def test_a_required_variable_without_value_stops_it(text: str) -> None:
    with pytest.raises(Unset):
        interpolate(text, {"B": ""})


def test_every_variable_is_explained_and_every_explained_one_is_used(raw: dict[str, Any]) -> None:
    explained = set(re.findall(r"^#?([A-Z][A-Z_]*)=", EXAMPLE.read_text(), re.MULTILINE))
    assert {each.name for each in variables(raw)} | {"COMPOSE_PROFILES"} == explained


def test_what_is_left_out_has_the_value_that_the_example_shows(raw: dict[str, Any]) -> None:
    shown = dict(re.findall(r"^#([A-Z][A-Z_]*)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))
    defaults = {each.name: each.word for each in variables(raw) if each.operator == ":-"}
    assert {name: shown[name] for name in defaults} == defaults


def test_no_secret_has_a_default_and_none_is_written_down(raw: dict[str, Any]) -> None:
    used = [each for each in variables(raw) if each.name in SECRETS]
    assert {each.name for each in used} == SECRETS
    assert {each.operator for each in used} == {":?"}
    assert all(each.word for each in used), "what to do is said"
    named = {each.name for each in variables(raw) if re.search("PASSWORD|SECRET|TOKEN|KEY", each.name)}
    assert named == SECRETS, "a new secret belongs into SECRETS above"
    example = dotenv_values(EXAMPLE, interpolate=False)
    assert {name: example[name] for name in SECRETS} == dict.fromkeys(SECRETS, "")
    for match in re.finditer(r"://\w*:([^@\s]+)@", FILE.read_text()):
        assert match[1].startswith("${"), "passwords in addresses come from the environment"


def test_it_does_not_start_without_secrets() -> None:
    example = {name: value or "" for name, value in dotenv_values(EXAMPLE, interpolate=False).items()}
    with pytest.raises(Unset):
        read(example)


def test_made_secrets_are_new_each_time_and_for_the_owner_alone(tmp_path: Path) -> None:
    made = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        assert make_env(folder).returncode == 0
        assert (folder / ".env").stat().st_mode & 0o077 == 0
        made.append(dotenv_values(folder / ".env", interpolate=False))
    first, second = made
    for name in SECRETS - GIVEN:
        assert len(str(first[name])) >= 44
        assert first[name] != second[name]
    assert len({first[name] for name in SECRETS - GIVEN}) == len(SECRETS - GIVEN)
    assert {first[name] for name in GIVEN} == {""}, "nobody can make these up"
    assert Fernet(str(first["FERNET_KEY"]))


def test_an_env_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("mine")
    assert make_env(tmp_path).returncode == 1
    assert make_env(tmp_path, "--nonsense").returncode == 2
    assert (tmp_path / ".env").read_text() == "mine"


def test_the_sandbox_starts_in_its_profile_alone_and_is_what_the_keys_lead_to(env: dict[str, str]) -> None:
    services = read(env)["services"]
    assert env["COMPOSE_PROFILES"] == "sandbox"
    assert set(in_profiles(services, "sandbox")) - set(in_profiles(services)) == {"sandbox"}
    environment = services["monitor"]["environment"]
    opsgenie = json.loads(environment["AIRFLOW_CONN_OPSGENIE_DEFAULT"])
    pager = opsgenie_from("o", password=opsgenie["password"], host=opsgenie["host"], extra=opsgenie["extra"])
    slack = json.loads(environment["AIRFLOW_CONN_SLACK_API_DEFAULT"])
    chat = slack_from("s", password=slack["password"], extra=slack["extra"])
    assert (pager.base_url, chat.base_url) == ("http://sandbox:8095", "http://sandbox:8095/api")
    assert services["sandbox"]["environment"]["SANDBOX_KEY"] == pager.key
    assert services["sandbox"]["environment"]["SANDBOX_TOKEN"] == chat.token


def test_without_the_sandbox_keys_go_to_the_real_services_over_tls(env: dict[str, str]) -> None:
    real = {name: value for name, value in env.items() if name in SECRETS or name == "AIRFLOW_URL"}
    environment = read(real)["services"]["monitor"]["environment"]
    opsgenie = json.loads(environment["AIRFLOW_CONN_OPSGENIE_DEFAULT"])
    slack = json.loads(environment["AIRFLOW_CONN_SLACK_API_DEFAULT"])
    pager = opsgenie_from("o", password=opsgenie["password"], host=opsgenie["host"], extra=opsgenie["extra"])
    chat = slack_from("s", password=slack["password"], extra=slack["extra"])
    assert (pager.base_url, chat.base_url) == ("https://api.opsgenie.com", "https://slack.com/api")


def test_whoever_is_waited_for_says_that_it_is_ready(env: dict[str, str]) -> None:
    services = read(env)["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_completed_successfully":
                assert services[other]["restart"] == "no"
            else:
                assert how["condition"] == "service_healthy"
                assert services[other]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), (name, other)
    assert {name for name, each in services.items() if "healthcheck" not in each} == {"init"}


def test_the_parts_are_there_as_often_as_they_should_be(env: dict[str, str]) -> None:
    services = read(env)["services"]
    often = {name: int(each.get("deploy", {}).get("replicas", 1)) for name, each in services.items()}
    assert often == {
        "postgres": 1, "redis": 1, "init": 1, "api-server": 1, "scheduler": 2, "dag-processor": 1, "triggerer": 1,
        "worker": 2, "monitor": 2, "sandbox": 1,
    }  # fmt: skip
    assert not [name for name, each in services.items() if "container_name" in each], "a name of its own cannot be two"
    published = {name for name, each in services.items() if "ports" in each}
    assert published == {"api-server", "sandbox"}
    assert all(port.startswith("127.0.0.1:") for name in published for port in services[name]["ports"])


def test_a_worker_is_given_nothing_with_which_it_could_act_for_others(env: dict[str, str]) -> None:
    services = read(env)["services"]
    kept = [env[name] for name in ("AIRFLOW_DB_PASSWORD", "POSTGRES_PASSWORD", "JWT_SECRET", "OPSGENIE_API_KEY")]
    for name in ("worker", "redis"):
        given = json.dumps(services[name])
        assert not [secret for secret in kept if secret in given]
    for name in ("api-server", "scheduler", "dag-processor", "triggerer", "monitor"):
        assert services[name]["environment"]["AIRFLOW__CORE__AUTH_MANAGER"].endswith("FabAuthManager")
        assert "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS" not in services[name]["environment"]


def test_every_image_is_pinned() -> None:
    images = {
        name: each["image"] for name, each in read(dict.fromkeys(SECRETS | {"AIRFLOW_URL"}, "x"))["services"].items()
    }
    for name, image in images.items():
        assert re.fullmatch(r"[a-z-]+:\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?", image), (name, image)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert images["monitor"] == f"daybreak-airflow:{version}"
    instructions = (ROOT / "Dockerfile").read_text().splitlines()
    assert [line for line in instructions if line.startswith("FROM ")] == ["FROM apache/airflow:3.3.2-python3.11"]
    assert [line for line in instructions if line.startswith("USER ")] == ["USER airflow"], "nothing runs as root"


def test_the_builder_is_sent_what_the_dockerfile_copies_and_no_more() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {
        source
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ")
        for source in line.split()[2:-1]
    }
    assert copied == let_in
    assert all((ROOT / source).exists() for source in copied)


def test_the_mounts_are_there_and_cannot_be_written_to(env: dict[str, str]) -> None:
    found = read(env)
    for service in found["services"].values():
        for text in service.get("volumes", []):
            source, _, _ = text.partition(":")
            if source.startswith("."):
                assert (ROOT / source).exists()
                assert text.endswith(":ro")
            else:
                assert source in found["volumes"]


def test_the_documented_commands_name_services_that_are_there(env: dict[str, str]) -> None:
    services = set(read(env)["services"])
    text = (ROOT / "docs" / "deploy.md").read_text()
    named = set(re.findall(r"docker compose (?:exec(?: -T)?|logs --follow|start) ([a-z-]+)", text))
    for several in re.findall(r"docker compose stop ([a-z -]+)$", text, re.MULTILINE):
        named |= set(several.split())
    assert named
    assert named <= services
    stopped = re.search(r"docker compose stop (worker [a-z -]+)$", text, re.MULTILINE)
    assert stopped
    lasting = services - {"postgres", "redis", "init", "sandbox"}
    assert set(stopped[1].split()) == lasting, "an upgrade stops whatever uses the tables"
