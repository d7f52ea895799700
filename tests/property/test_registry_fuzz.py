"""Whatever stands in the file: a registry or one clear error, never a traceback."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daybreak.config import Loaded, check_file, parse_registry
from daybreak.config.lastgood import load_with_last_good
from daybreak.config.reading import Unreadable, read
from daybreak.domain.registry import Registry
from daybreak.errors import RegistryError

ROOT = Path(__file__).parents[2]
GOOD = [ROOT / "include" / "ownership.yaml", *sorted((ROOT / "include" / "examples").glob("*.yaml"))]
TEXTS = [path.read_text() for path in GOOD]
PLAIN: list[Any] = [read(text.encode()).data for text in TEXTS]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SETTINGS = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))

ODD_TEXTS = [
    *["NO", "10:00", "2026-13-45", "0001-01-01", "9999-12-31T23:59", "2026-03-29T02:30", "~", "", " ", "é", "\u2028"],
    *["../..", "on_call", "secondary", "UTC", "UTC+7", "America", "/etc/passwd", "0m", "1m", "999999w", "3660d"],
    *["-1d 99:99", "*", "[", "a" * 300],
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(ODD_TEXTS),
    st.lists(st.sampled_from(ODD_TEXTS), max_size=3),
    st.dictionaries(st.sampled_from(ODD_TEXTS), st.sampled_from(ODD_TEXTS), max_size=3),
)


def examined(data: bytes) -> None:
    """A registry or a RegistryError of one line; and `check` agrees."""
    refusal = ""
    try:
        registry: Registry | None = parse_registry(data, source="x.yaml")
    except RegistryError as error:
        registry, refusal = None, str(error)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.yaml"
        file.write_bytes(data)
        problems = check_file(file, NOW)
        errors = [problem for problem in problems if problem.severity == "error"]
        assert all(problem.message and "\n" not in problem.message for problem in problems)
        assert all(problem.line is None or problem.line >= 1 for problem in problems)
        if registry is None:
            assert errors
            assert refusal.startswith("x.yaml:")
            assert "\n" not in refusal
        else:
            assert all(problem.path.endswith(".runbook") for problem in errors)  # `check` looks for them as well
        loaded = load_with_last_good(file, Path(folder) / "copies")
        assert isinstance(loaded, Loaded)
        assert (loaded.registry is None) == bool(errors)
        assert "while loading it" not in (loaded.problem or "")


@SETTINGS
@given(st.binary(max_size=400))
def test_random_bytes(data: bytes) -> None:
    examined(data)


@SETTINGS
@given(st.text(alphabet="{}[],:-?!&*#|>'\"%@` \n\tab10", max_size=80))
def test_random_punctuation(text: str) -> None:
    examined(text.encode())


@SETTINGS
@given(st.data())
def test_a_good_file_with_bytes_changed(data: st.DataObject) -> None:
    text = bytearray(data.draw(st.sampled_from(TEXTS)).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        length = data.draw(st.integers(0, 12))
        text[at : at + length] = data.draw(
            st.binary(max_size=4) | st.sampled_from([b"\n", b": ", b"- ", b"&a ", b"*a", b"{", b"}", b"1"])
        )
    examined(bytes(text))


@SETTINGS
@given(st.data())
def test_a_good_file_with_values_changed(data: st.DataObject) -> None:
    changed = mutated(data.draw(st.sampled_from(PLAIN)), data)
    for _ in range(data.draw(st.integers(0, 2))):
        changed = mutated(changed, data)
    examined(yaml.safe_dump(changed, allow_unicode=True).encode())


@SETTINGS
@given(st.sampled_from(TEXTS), st.data())
def test_a_good_file_cut_short(text: str, data: st.DataObject) -> None:
    examined(text[: data.draw(st.integers(0, len(text)))].encode())


@given(st.binary(max_size=300))
def test_reading_is_safe_by_itself(data: bytes) -> None:
    try:
        document = read(data)
    except Unreadable:
        return
    assert isinstance(document.data, dict)


def mutated(value: Any, data: st.DataObject) -> Any:
    """``value`` with one place changed, removed or added to."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 5)):
        key = data.draw(st.sampled_from(sorted(value)))
        rest = {name: item for name, item in value.items() if name != key}
        how = data.draw(st.integers(0, 9))
        if how == 0:
            return rest
        if how == 1:
            return rest | {data.draw(st.sampled_from(ODD_TEXTS)): value[key]}
        return value | {key: mutated(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 3)):
        i = data.draw(st.integers(0, len(value) - 1))
        return [*value[:i], mutated(value[i], data), *value[i + 1 :]]
    return data.draw(ODD)
