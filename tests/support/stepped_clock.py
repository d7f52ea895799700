"""A wall clock that a drill can set while processes run, through Debian's libfaketime: the processes' own code is as it
is. What they see of the clock that nobody can set (monotonic, and since boot) stays the machine's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest


class SteppedClock:
    """The clock of one imagined machine: of every process that is started with :attr:`env`."""

    def __init__(self, folder: Path) -> None:
        found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not found:
            pytest.skip("Debian's faketime is not installed: a wall clock set back is NOT drilled")
        self._file = folder / "clock"
        self.env: Mapping[str, str] = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        self.ahead = 0
        self.set(0)

    def set(self, seconds: int) -> None:
        """From now on it shows so many seconds more than the true time."""
        partial = self._file.with_suffix(".partial")
        partial.write_text(f"{seconds:+d}\n")
        partial.replace(self._file)
        self.ahead = seconds
