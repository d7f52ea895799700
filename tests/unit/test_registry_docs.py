"""What is documented and what exists are the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from daybreak.config import parse_registry, spec

ROOT = Path(__file__).parents[2]
REGISTRY = (ROOT / "docs" / "registry.md").read_text()
RULES = (ROOT / "docs" / "rules.md").read_text()
MODELS = [
    model
    for model in vars(spec).values()
    if isinstance(model, type) and issubclass(model, spec.Spec) and model.model_fields
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_is_documented(model: type[BaseModel]) -> None:
    for key in model.model_fields:
        assert re.search(rf"\b{key}\b", REGISTRY), f"docs/registry.md says nothing of {model.__name__}.{key}"


def test_the_smallest_file_of_the_docs_is_a_registry() -> None:
    (smallest, _hook) = re.findall(r"```yaml\n(.*?)```", REGISTRY, re.DOTALL)
    assert parse_registry(smallest.encode(), source="docs").pipelines["growth"].deadline is not None


def test_every_example_has_its_table() -> None:
    files = {path.name for path in (ROOT / "include" / "examples").glob("*.yaml")}
    assert set(re.findall(r"^## `(.*?)`", RULES, re.MULTILINE)) == files


def test_names_in_the_rules_exist_in_their_files() -> None:
    for name, section in re.findall(r"^## `(.*?)`(.*?)(?=^## |\Z)", RULES, re.MULTILINE | re.DOTALL):
        data = yaml.safe_load((ROOT / "include" / "examples" / name).read_text())
        for kind, entry in re.findall(r"`(pipelines|upstreams|teams|escalations)\.([\w-]+)", section):
            assert entry in data[kind], f"docs/rules.md, {name}: there is no {kind}.{entry}"
