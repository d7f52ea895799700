"""The fault matrix: whatever a service does, the page arrives once it is well again; once, in order, and in secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fault_matrix import cases, run
from tests.support.sandbox import Sandbox, running_sandbox


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running_sandbox() as found:
        yield found


@pytest.mark.parametrize(("service", "fault"), list(cases()))
def test_it_arrives_once_when_the_trouble_is_over(
    box: Sandbox, service: str, fault: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = run(box, service, fault, tmp_path)
    assert seen.delivered, seen
    assert seen.open_alerts == 1
    assert seen.threads == 1
    assert seen.in_order
    assert seen.violations == 0
    assert box.key not in caplog.text
    assert box.token not in caplog.text
