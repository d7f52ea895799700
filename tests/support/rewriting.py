"""A registry's file under somebody else's hands."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def rewritten(path: Path, *texts: str) -> Iterator[None]:
    """Meanwhile ``path`` is rewritten over and over, as editors and careless deployments do: in place and in two
    halves, removed, broken, replaced as a whole. In the end it holds the last of ``texts``."""
    stop, once = threading.Event(), threading.Event()

    def rewrite() -> None:
        while not stop.is_set():
            for text in texts:
                with path.open("w") as file:
                    file.write(text[: len(text) // 2])
                    file.flush()
                    file.write(text[len(text) // 2 :])
                path.unlink()
                path.write_bytes(b"\xff\xfe{")
                partial = path.with_suffix(".partial")
                partial.write_text(text)
                partial.replace(path)
            once.set()

    writer = threading.Thread(target=rewrite, name="rewrites the registry")
    writer.start()
    try:
        assert once.wait(60)
        yield
    finally:
        stop.set()
        writer.join(60)
