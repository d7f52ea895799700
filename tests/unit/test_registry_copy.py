"""The copy of a registry is the registry, exactly."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from daybreak.config import load_registry
from daybreak.config.copying import from_json, to_json
from daybreak.domain.oncall import on_call_at
from daybreak.domain.registry import HolidayPlace

INCLUDE = Path(__file__).parents[2] / "include"


@pytest.mark.parametrize("path", [INCLUDE / "ownership.yaml", *sorted((INCLUDE / "examples").glob("*.yaml"))], ids=str)
def test_there_and_back(path: Path) -> None:
    registry = load_registry(path)
    copied = from_json(json.loads(json.dumps(to_json(registry))))
    assert copied == registry
    assert hash(copied.on_call.zone) == hash(registry.on_call.zone)
    t = datetime(2026, 12, 25, 12, tzinfo=UTC)  # a holiday, so that the function for holidays is there too
    assert on_call_at(copied, "primary", t) == on_call_at(registry, "primary", t)
    assert date(2026, 12, 25) in copied.on_call.holiday_dates(HolidayPlace(country="US"), 2026)


@pytest.mark.parametrize("spoil", ["another", "less"])
def test_a_copy_of_another_version_is_refused(spoil: str) -> None:
    copy = to_json(load_registry(INCLUDE / "ownership.yaml"))
    if spoil == "another":
        copy["defaults"]["channel"] = "#x"
    else:
        del copy["on_call"]["cover"]  # has a default, which must not be taken for what the file said
    with pytest.raises(ValueError, match="another version"):
        from_json(copy)
