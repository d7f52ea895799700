"""One benchmark, in the process that is its own."""

from __future__ import annotations

import importlib
import logging
from typing import Any


def rows_of(name: str) -> list[dict[str, Any]]:
    """The rows of ``bench_<name>``."""
    logging.disable(logging.INFO)  # the table is what is read; and writing lines is not what is measured
    rows: list[dict[str, Any]] = importlib.import_module(f"benchmarks.bench_{name}").run()
    return rows
