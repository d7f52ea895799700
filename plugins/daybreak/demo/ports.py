"""Ports of the loopback interface: the one asked for, or a clear word that it is taken."""

from __future__ import annotations

import socket

from daybreak.errors import SettingsError


def claim(port: int, *, what: str, option: str) -> int:
    """``port`` if nobody listens there, a free one for 0. Raises SettingsError, naming the option, if it is taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SettingsError(
                f"port {port} for {what} cannot be used ({error.strerror}): "
                f"name another with {option} (0 takes a free one)"
            ) from None
        return int(probe.getsockname()[1])
