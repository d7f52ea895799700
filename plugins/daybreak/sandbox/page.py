"""The page at ``/`` and its files.

Whatever it shows was written by a client and is hostile until shown otherwise: the scripts put it in as text, and the
Content-Security-Policy lets no script run but these.
"""

from __future__ import annotations

from importlib import resources

from daybreak.sandbox.answers import Raw
from daybreak.sandbox.routing import Call

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class Page:
    """Serves ``static/index.html`` at ``/`` and the rest of ``static`` below ``/sandbox/static/``."""

    def __init__(self) -> None:
        folder = resources.files("daybreak.sandbox") / "static"
        self._files = {
            entry.name: entry.read_bytes()
            for entry in folder.iterdir()
            if entry.is_file() and entry.name.rpartition(".")[2] in KINDS
        }

    def serve(self, call: Call) -> Raw:
        """The file that ``call`` is for, 404 without one, 405 for anything but reading."""
        name = "index.html" if call.path == "/" else call.segments[-1]
        name = "icon.svg" if name == "favicon.ico" else name
        if call.method not in ("GET", "HEAD"):
            return Raw(status=405, body=b"", headers={"allow": "GET"})
        if name not in self._files:
            return Raw(status=404, body=b"not found", headers={"content-type": "text/plain"})
        kind = KINDS[name.rpartition(".")[2]]
        body = self._files[name] if call.method == "GET" else b""
        return Raw(status=200, body=body, headers={**HEADERS, "content-type": f"{kind}; charset=utf-8"})
