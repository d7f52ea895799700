"""A runbook's text, by its file's name. Imported at every parse: what is made of the text is in :mod:`.runbooks`."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

log = logging.getLogger(__name__)

FOLDER = "runbooks"
"""The folder beside the registry in which its runbooks lie."""
SIZE_LIMIT = 1_000_000  # bytes


def runbook_text(folder: Path | None, name: str | None) -> str | None:
    """The text of the runbook of that file name; None without one, outside the folder, or where it cannot be read."""
    if not name or folder is None:
        return None
    try:
        folder = folder.resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder) or not path.is_file():
            return None
        return _read(path, path.stat().st_mtime_ns)
    except OSError as error:
        log.warning("runbook %s cannot be read: %s", name, error.strerror)
        return None


@lru_cache(maxsize=512)
def _read(path: Path, changed: int) -> str:
    """The file as it is since ``changed``: hundreds of pages of one morning read it once."""
    with path.open("rb") as stream:
        return stream.read(SIZE_LIMIT).decode("utf-8", errors="replace")
